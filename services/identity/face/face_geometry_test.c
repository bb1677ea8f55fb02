/* Tests the arithmetic and each of its constants. Pictures are synthetic. */
#include "services/identity/face/face_geometry.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define CLOSE(a, b)   assert_true(fabs((double)(a) - (double)(b)) < 1e-6)
#define NEAR(a, b, e) assert_true(fabs((double)(a) - (double)(b)) <= (e))

static struct ward_arena mem;
static uint8_t rgb[640 * 480 * 3];
static float big[3 * FACE_DETECT_W * FACE_DETECT_H];

static int fresh(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, 16 << 20);
    memset(rgb, 0, sizeof(rgb));
    return 0;
}

static struct pixels picture(int w, int h)
{
    return (struct pixels){w, h, rgb};
}

static void put(int w, int x, int y, int r, int g, int b)
{
    uint8_t *p = rgb + 3 * (y * w + x);

    p[0] = (uint8_t)r, p[1] = (uint8_t)g, p[2] = (uint8_t)b;
}

static void a_photograph_is_letterboxed_to_4_by_3_centred(void **state)
{
    struct rect r = face_letterbox(250, 250);

    (void)state;
    CLOSE(r.w, 1000.0 / 3), CLOSE(r.h, 250), CLOSE(r.x, -125.0 / 3), CLOSE(r.y, 0);
    r = face_letterbox(400, 100);
    CLOSE(r.w, 400), CLOSE(r.h, 300), CLOSE(r.x, 0), CLOSE(r.y, -100);
    r = face_letterbox(640, 480);
    CLOSE(r.w, 640), CLOSE(r.h, 480), CLOSE(r.x, 0), CLOSE(r.y, 0);
}

static void the_detector_sees_red_first_minus_127_over_128(void **state)
{
    const int area = FACE_DETECT_W * FACE_DETECT_H, at = 100 * FACE_DETECT_W + 200;
    struct pixels im = picture(FACE_DETECT_W, FACE_DETECT_H);

    (void)state;
    assert_int_equal(FACE_DETECT_W, 320);
    assert_int_equal(FACE_DETECT_H, 240);
    put(im.w, 200, 100, 255, 127, 0);
    assert_true(face_fill_detect(&im, face_letterbox(im.w, im.h), big, &mem));
    CLOSE(big[at], 1);
    CLOSE(big[area + at], 0);
    CLOSE(big[2 * area + at], -127.0 / 128);
    CLOSE(big[0], -127.0 / 128);
}

static void around_the_photograph_the_detector_sees_127(void **state)
{
    /* a black picture; 4:3 adds 100 columns on each side */
    struct pixels im = picture(120, 240);
    const int row = 50 * FACE_DETECT_W;

    (void)state;
    assert_true(face_fill_detect(&im, face_letterbox(im.w, im.h), big, &mem));
    CLOSE(big[row + 99], 0);
    CLOSE(big[row + 100], -127.0 / 128);
    CLOSE(big[row + 219], -127.0 / 128);
    CLOSE(big[row + 220], 0);
}

/* Reads scores [n, 2] and boxes [n, 4] in 0..1 of a 100 x 100 square at (10, 20). */
static int boxes_of(const float *s, const float *b, int n, struct face_box *out)
{
    int found = -1;

    assert_true(face_boxes(s, b, n, (struct rect){10, 20, 100, 100}, out, 8, &found, &mem));
    return found;
}

static void boxes_above_065_come_best_first_in_photograph_pixels(void **state)
{
    const float s[] = {0, 0.649f, 0, 0.651f, 0, 0.9f, 0, NAN};
    const float b[] = {0, 0, 0.2f, 0.2f, 0.5f, 0.5f, 0.7f, 0.8f,
                       0, 0, 0.1f, 0.1f, 0.9f, 0.9f, 1,    1};
    struct face_box out[8];

    (void)state;
    assert_int_equal(boxes_of(s, b, 4, out), 2);
    NEAR(out[0].score, 0.9, 1e-6);
    NEAR(out[1].score, 0.651, 1e-6);
    NEAR(out[1].x1, 60, 1e-5), NEAR(out[1].y1, 70, 1e-5);
    NEAR(out[1].x2, 80, 1e-5), NEAR(out[1].y2, 100, 1e-5);
}

static void a_box_that_overlaps_a_better_one_by_more_than_04_is_the_same_face(void **state)
{
    /* two boxes of height 1, the second moved by the share d of the width: IoU = (1 - d) / (1 +
     * d) */
    const float s[] = {0, 0.8f, 0, 0.9f};
    const float same[] = {0.2f, 0, 0.6f, 1, 0.2f + 0.4f * 0.42f, 0, 0.6f + 0.4f * 0.42f, 1};
    const float two[] = {0.2f, 0, 0.6f, 1, 0.2f + 0.4f * 0.44f, 0, 0.6f + 0.4f * 0.44f, 1};
    struct face_box out[8];

    (void)state;
    assert_int_equal(boxes_of(s, same, 2, out), 1); /* IoU is 0.408, above the limit */
    NEAR(out[0].score, 0.9, 1e-6);
    assert_int_equal(boxes_of(s, two, 2, out), 2); /* IoU is 0.389, below the limit */
}

static void a_box_without_an_inside_is_no_face(void **state)
{
    const float s[] = {0, 0.9f, 0, 0.9f, 0, 0.9f};
    const float b[] = {0.5f, 0.5f, 0.5f, 0.6f, 0.6f, 0, 0.5f, 1, 0, 0, INFINITY, 1};
    struct face_box out[8];

    (void)state;
    assert_int_equal(boxes_of(s, b, 3, out), 0);
}

static void the_first_crop_is_a_square_of_the_boxs_height(void **state)
{
    struct rect r = face_first_crop(&(struct face_box){10, 20, 30, 60, 1});

    (void)state;
    CLOSE(r.x, 0), CLOSE(r.y, 20), CLOSE(r.w, 40), CLOSE(r.h, 40);
}

static void the_second_crop_is_11_tenths_of_the_landmarks_larger_side(void **state)
{
    double m[FACE_MARKS][2];
    struct rect r;

    (void)state;
    for (int i = 0; i < FACE_MARKS; i++)
        m[i][0] = 5, m[i][1] = 10;
    m[3][0] = 0, m[9][0] = 10, m[20][1] = 0, m[67][1] = 20;
    r = face_second_crop((const double(*)[2])m);
    CLOSE(r.w, 22), CLOSE(r.h, 22), CLOSE(r.x, -6), CLOSE(r.y, -1);
}

static void landmarks_see_bt601_grey_over_256(void **state)
{
    struct pixels im = picture(FACE_MARK_SIDE, FACE_MARK_SIDE);
    float out[FACE_MARK_SIDE * FACE_MARK_SIDE];

    (void)state;
    assert_int_equal(FACE_MARK_SIDE, 64);
    put(64, 0, 0, 255, 0, 0);
    put(64, 1, 0, 0, 255, 0);
    put(64, 2, 0, 0, 0, 255);
    put(64, 63, 63, 255, 255, 255);
    assert_true(face_fill_marks(&im, (struct rect){0, 0, 64, 64}, out, &mem));
    CLOSE(out[0], 76.0 / 256);
    CLOSE(out[1], 150.0 / 256);
    CLOSE(out[2], 29.0 / 256);
    CLOSE(out[64 * 64 - 1], 255.0 / 256); /* 255 / 256 and not 1, as in the model's training */
}

static void landmarks_are_in_units_of_the_crop(void **state)
{
    float out[2 * FACE_MARKS] = {0.25f, 0.5f};
    double m[FACE_MARKS][2];

    (void)state;
    out[135] = 1;
    face_place_marks(out, (struct rect){10, 20, 40, 80}, m);
    CLOSE(m[0][0], 20), CLOSE(m[0][1], 60);
    CLOSE(m[67][0], 10), CLOSE(m[67][1], 100);
}

static void five_points_are_eyelids_nose_tip_and_mouth_corners(void **state)
{
    double m[FACE_MARKS][2];
    struct face_points p;

    (void)state;
    /* each landmark gets a different value, to detect wrong weights */
    for (int i = 0; i < FACE_MARKS; i++)
        m[i][0] = i, m[i][1] = i * i;
    p = face_five((const double(*)[2])m);
    CLOSE(p.x[0], (37 + 38 + 40 + 41) / 4.0);
    CLOSE(p.y[0], (37 * 37 + 38 * 38 + 40 * 40 + 41 * 41) / 4.0);
    CLOSE(p.x[1], (43 + 44 + 46 + 47) / 4.0);
    CLOSE(p.y[1], (43 * 43 + 44 * 44 + 46 * 46 + 47 * 47) / 4.0);
    CLOSE(p.x[2], 30), CLOSE(p.y[2], 900);
    CLOSE(p.x[3], 54), CLOSE(p.y[3], (48 * 48 + 60 * 60) / 2.0);
    CLOSE(p.x[4], 59), CLOSE(p.y[4], (54 * 54 + 64 * 64) / 2.0);
    CLOSE(face_eye_distance(&p), hypot(p.x[1] - p.x[0], p.y[1] - p.y[0]));
}

static const double reference[5][2] = {{38.2946, 51.6963},
                                       {73.5318, 51.5014},
                                       {56.0252, 71.7366},
                                       {41.5493, 92.3655},
                                       {70.7299, 92.2041}};

static void a_face_on_the_reference_points_is_left_where_it_is(void **state)
{
    struct face_points p;
    struct similarity s;

    (void)state;
    for (int i = 0; i < 5; i++)
        p.x[i] = reference[i][0], p.y[i] = reference[i][1];
    assert_true(face_align(&p, &s));
    CLOSE(s.a, 1), CLOSE(s.b, 0), CLOSE(s.tx, 0), CLOSE(s.ty, 0);
}

static void a_turned_doubled_and_moved_face_is_turned_halved_and_moved_back(void **state)
{
    struct face_points p;
    struct similarity s;

    (void)state;
    for (int i = 0; i < 5; i++) { /* a quarter turn, twice the size, moved by (300, 40) */
        p.x[i] = -2 * reference[i][1] + 300;
        p.y[i] = 2 * reference[i][0] + 40;
    }
    assert_true(face_align(&p, &s));
    for (int i = 0; i < 5; i++) {
        CLOSE(s.a * p.x[i] - s.b * p.y[i] + s.tx, reference[i][0]);
        CLOSE(s.b * p.x[i] + s.a * p.y[i] + s.ty, reference[i][1]);
    }
    CLOSE(hypot(s.a, s.b), 0.5);
}

static void a_mirrored_face_is_not_mirrored_back(void **state)
{
    struct face_points p;
    struct similarity s;
    double off = 0;

    (void)state;
    for (int i = 0; i < 5; i++)
        p.x[i] = 112 - reference[i][0], p.y[i] = reference[i][1];
    assert_true(face_align(&p, &s));
    for (int i = 0; i < 5; i++)
        off += fabs(s.a * p.x[i] - s.b * p.y[i] + s.tx - reference[i][0]);
    /* a similarity cannot mirror, so a fit to a mirrored face must be wrong */
    assert_true(off > 30);
}

static void points_that_are_one_have_no_similarity(void **state)
{
    struct face_points p = {{5, 5, 5, 5, 5}, {7, 7, 7, 7, 7}};
    struct similarity s;

    (void)state;
    assert_false(face_align(&p, &s));
    p.x[0] = NAN;
    assert_false(face_align(&p, &s));
}

static uint8_t chip[3 * FACE_CHIP * FACE_CHIP];

static void a_warp_copies_blends_and_is_black_outside(void **state)
{
    struct pixels im = picture(200, 200);

    (void)state;
    assert_int_equal(FACE_CHIP, 112);
    for (int y = 0; y < 200; y++)
        for (int x = 0; x < 200; x++)
            put(200, x, y, x, y, 99);
    assert_true(face_warp(&im, &(struct similarity){1, 0, 0, 0}, chip, &mem));
    assert_memory_equal(chip + 3 * (7 * 112 + 5), ((uint8_t[]){5, 7, 99}), 3);
    assert_true(face_warp(&im, &(struct similarity){1, 0, -10.5, -20}, chip, &mem));
    assert_memory_equal(chip + 3 * (7 * 112 + 5), ((uint8_t[]){16, 27, 99}), 3); /* 15.5 */
    assert_true(face_warp(&im, &(struct similarity){1, 0, -150, 0}, chip, &mem));
    assert_int_equal(chip[3 * 49 + 2], 99);
    assert_int_equal(chip[3 * 50 + 2], 0);
    /* a quarter turn: chip pixel (u, v) comes from (v, 111 - u) in the photograph */
    assert_true(face_warp(&im, &(struct similarity){0, -1, 0, 111}, chip, &mem));
    assert_memory_equal(chip + 3 * (7 * 112 + 5), ((uint8_t[]){104, 5, 99}), 3);
}

static void a_large_face_is_averaged_not_picked_from(void **state)
{
    struct pixels im = picture(448, 448);

    (void)state;
    /* a chequerboard: without averaging, each result would be 0 or 200 */
    for (int y = 0; y < 448; y++)
        for (int x = 0; x < 448; x++)
            put(448, x, y, (x + y) % 2 * 200, 0, 0);
    assert_true(face_warp(&im, &(struct similarity){0.25, 0, 0, 0}, chip, &mem));
    assert_int_equal(chip[3 * (50 * 112 + 50)], 100);
}

static void an_averaged_face_is_not_moved_by_it(void **state)
{
    struct pixels im = picture(128, 128);

    (void)state;
    for (int y = 0; y < 128; y++)
        for (int x = 0; x < 128; x++)
            /* chosen so that each mean of four pixels is an integer */
            put(128, x, y, 2 * x, 2 * y, 0);
    assert_true(face_warp(&im, &(struct similarity){0.25, 0, 0, 0}, chip, &mem));
    assert_memory_equal(chip + 3 * (20 * 112 + 10), ((uint8_t[]){80, 160, 0}), 3);
}

static void what_lies_between_two_pixels_is_rounded_to_the_nearest(void **state)
{
    struct pixels im = picture(FACE_MARK_SIDE, FACE_MARK_SIDE);
    float out[FACE_MARK_SIDE * FACE_MARK_SIDE];

    (void)state;
    for (int i = 0; i < 64 * 64; i++)
        put(64, i % 64, i / 64, 100 + i % 2, 100 + i % 2, 100 + i % 2);
    assert_true(face_fill_marks(&im, (struct rect){0.75, 0, 64, 64}, out, &mem));
    CLOSE(out[10], 101.0 / 256); /* one quarter of 100 and three quarters of 101 */
    CLOSE(out[11], 100.0 / 256);
}

static void the_embedding_sees_blue_first_minus_127_5_over_128(void **state)
{
    static float out[3 * FACE_CHIP * FACE_CHIP];
    const int area = FACE_CHIP * FACE_CHIP;

    (void)state;
    memset(chip, 0, sizeof(chip));
    chip[0] = 10, chip[1] = 20, chip[2] = 30;
    face_fill_feature(chip, out);
    CLOSE(out[0], (30 - 127.5) / 128);
    CLOSE(out[area], (20 - 127.5) / 128);
    CLOSE(out[2 * area], (10 - 127.5) / 128);
    CLOSE(out[1], -127.5 / 128);
}

static void marks_that_move_between_passes_are_told_in_eye_distances(void **state)
{
    double a[FACE_MARKS][2] = {{0}}, b[FACE_MARKS][2] = {{0}};

    (void)state;
    CLOSE(face_drift(a, b, 50), 0);
    for (int i = 0; i < FACE_MARKS; i++)
        b[i][0] = 3, b[i][1] = i % 2 ? 4 : -4;
    CLOSE(face_drift(a, b, 50), 0.1);
    assert_true(face_drift(a, b, 0) > 1e6);
}

static void a_mirrored_picture_is_left_for_right(void **state)
{
    float a[2 * 9] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16, 17, 18, 19};
    static const float want[2 * 9] = {3,  2,  1,  6,  5,  4,  9,  8,  7,
                                      13, 12, 11, 16, 15, 14, 19, 18, 17};

    (void)state;
    face_mirror(a, 2, 3);
    assert_memory_equal(a, want, sizeof(want));
}

static void embeddings_have_length_1_or_are_none(void **state)
{
    float a[4] = {3, 0, 4, 0}, b[4] = {0, 0, 0, 0}, c[4] = {NAN, 1, 1, 1};

    (void)state;
    NEAR(face_length(a, 4), 5, 1e-12);
    assert_true(face_normalise(a, 4));
    NEAR(a[0], 0.6, 1e-7), NEAR(a[2], 0.8, 1e-7);
    NEAR(face_cosine(a, a, 4), 1, 1e-6);
    assert_true(face_cosine(a, a, 4) <= 1);
    assert_false(face_normalise(b, 4));
    assert_false(face_normalise(c, 4));
}

/* A crop far outside the picture, or without size, must not crash. */
static void absurd_crops_are_survived(void **state)
{
    const struct rect odd[] = {{1e12, 1e12, 10, 10},   {-1e12, 0, 5, 5},  {0, 0, 1e15, 1e15},
                               {5, 5, 0, 0},           {5, 5, -10, -10},  {NAN, NAN, NAN, NAN},
                               {-1e3, -1e3, 2e6, 2e6}, {3, 3, 1e-9, 1e-9}};
    struct pixels im = picture(30, 20);
    float out[FACE_MARK_SIDE * FACE_MARK_SIDE];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(odd); i++)
        assert_true(face_fill_marks(&im, odd[i], out, &mem));
    assert_true(face_warp(&im, &(struct similarity){1e-8, 0, 1e9, -1e9}, chip, &mem));
    assert_true(face_warp(&im, &(struct similarity){1e8, 0, 0, 0}, chip, &mem));
}

static void each_refused_allocation_is_said(void **state)
{
    struct pixels im = picture(640, 480);
    struct rect all = face_letterbox(640, 480);
    const float s[] = {0, 0.9f}, b[] = {0, 0, 1, 1};
    struct face_box box[1];
    int found, n;

    (void)state;
    for (n = 1; n < 10; n++) {
        ward_arena_reset(&mem);
        mem.fail_at = n;
        if (face_fill_detect(&im, all, big, &mem))
            break;
    }
    /* four allocations fail in turn: the input, its columns, the halved picture, a line */
    assert_int_equal(n, 5);
    ward_arena_reset(&mem);
    mem.fail_at = 1;
    assert_false(face_boxes(s, b, 1, all, box, 1, &found, &mem));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_photograph_is_letterboxed_to_4_by_3_centred),
        cmocka_unit_test(the_detector_sees_red_first_minus_127_over_128),
        cmocka_unit_test(around_the_photograph_the_detector_sees_127),
        cmocka_unit_test(boxes_above_065_come_best_first_in_photograph_pixels),
        cmocka_unit_test(a_box_that_overlaps_a_better_one_by_more_than_04_is_the_same_face),
        cmocka_unit_test(a_box_without_an_inside_is_no_face),
        cmocka_unit_test(the_first_crop_is_a_square_of_the_boxs_height),
        cmocka_unit_test(the_second_crop_is_11_tenths_of_the_landmarks_larger_side),
        cmocka_unit_test(landmarks_see_bt601_grey_over_256),
        cmocka_unit_test(landmarks_are_in_units_of_the_crop),
        cmocka_unit_test(five_points_are_eyelids_nose_tip_and_mouth_corners),
        cmocka_unit_test(a_face_on_the_reference_points_is_left_where_it_is),
        cmocka_unit_test(a_turned_doubled_and_moved_face_is_turned_halved_and_moved_back),
        cmocka_unit_test(a_mirrored_face_is_not_mirrored_back),
        cmocka_unit_test(points_that_are_one_have_no_similarity),
        cmocka_unit_test(a_warp_copies_blends_and_is_black_outside),
        cmocka_unit_test(a_large_face_is_averaged_not_picked_from),
        cmocka_unit_test(an_averaged_face_is_not_moved_by_it),
        cmocka_unit_test(what_lies_between_two_pixels_is_rounded_to_the_nearest),
        cmocka_unit_test(the_embedding_sees_blue_first_minus_127_5_over_128),
        cmocka_unit_test(marks_that_move_between_passes_are_told_in_eye_distances),
        cmocka_unit_test(a_mirrored_picture_is_left_for_right),
        cmocka_unit_test(embeddings_have_length_1_or_are_none),
        cmocka_unit_test(absurd_crops_are_survived),
        cmocka_unit_test(each_refused_allocation_is_said),
    };
    struct CMUnitTest with[WARD_COUNT(tests)];

    for (size_t i = 0; i < WARD_COUNT(tests); i++) {
        with[i] = tests[i];
        with[i].setup_func = fresh;
    }
    return cmocka_run_group_tests(with, NULL, NULL);
}
