/* Tests the arithmetic and the constants of the pack "clear". Pictures are synthetic. */
#include "services/identity/face/face_clear.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define NEAR(a, b, e) assert_true(fabs((double)(a) - (double)(b)) <= (e))
#define PI            3.14159265358979323846

static struct ward_arena mem;
static uint8_t rgb[400 * 400 * 3];
static float big[3 * CLEAR_DETECT * CLEAR_DETECT];

static int fresh(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, 16 << 20);
    memset(rgb, 0, sizeof(rgb));
    return 0;
}

static void a_photograph_is_put_into_a_square_centred(void **state)
{
    struct rect r = clear_around(400, 100);

    (void)state;
    NEAR(r.x, 0, 0), NEAR(r.y, -150, 0), NEAR(r.w, 400, 0), NEAR(r.h, 400, 0);
}

static void the_detector_sees_minus_1_to_1_red_first_and_black_outside(void **state)
{
    enum { AREA = CLEAR_DETECT * CLEAR_DETECT };
    struct pixels im = {CLEAR_DETECT, CLEAR_DETECT / 2, rgb};
    const int at = (64 + 10) * CLEAR_DETECT + 20;

    (void)state;
    assert_int_equal(CLEAR_DETECT, 256);
    memset(rgb, 255, 3 * 256 * 128);
    rgb[3 * (10 * 256 + 20) + 1] = 0;
    assert_true(clear_fill_detect(&im, clear_around(im.w, im.h), big, &mem));
    NEAR(big[at], 1, 1e-6), NEAR(big[AREA + at], -1, 1e-6), NEAR(big[2 * AREA + at], 1, 1e-6);
    NEAR(big[at + 1], 1, 1e-6), NEAR(big[AREA + at + 1], 1, 1e-6);
    NEAR(big[62 * CLEAR_DETECT], -1, 1e-6);
    NEAR(big[193 * CLEAR_DETECT], -1, 1e-6);
}

/* Scores far below the limit, except those that a test sets. */
static float scores16[512], scores8[384], boxes16[512 * 16], boxes8[384 * 16];

static int boxes_in(struct rect around, struct face_box *found)
{
    const float *const out[] = {scores16, scores8, boxes16, boxes8};
    int n = -1;

    assert_true(clear_boxes(out, around, found, 8, &n, &mem));
    return n;
}

static void quiet(void)
{
    for (int i = 0; i < 512; i++)
        scores16[i] = -20;
    for (int i = 0; i < 384; i++)
        scores8[i] = -20;
    memset(boxes16, 0, sizeof(boxes16));
    memset(boxes8, 0, sizeof(boxes8));
}

/* Uses the second anchor of cell (3, 2) of 16 x 16, and the sixth anchor of cell (7, 0) of 8 x
 * 8. The square has twice the size of the input and begins at (10, 20). */
static void boxes_lie_around_the_middles_of_cells(void **state)
{
    const int a = (2 * 16 + 3) * 2 + 1, b = 7 * 6 + 5;
    struct face_box found[8];

    (void)state;
    quiet();
    scores16[a] = 2, scores8[b] = 1;
    boxes16[16 * a] = 4, boxes16[16 * a + 1] = -6;
    boxes16[16 * a + 2] = 40, boxes16[16 * a + 3] = 50;
    boxes8[16 * b + 2] = 30, boxes8[16 * b + 3] = 30;
    assert_int_equal(boxes_in((struct rect){10, 20, 512, 512}, found), 2);
    NEAR(found[0].score, 1 / (1 + exp(-2)), 1e-6);
    NEAR(found[0].x1, 10 + 2 * (3.5 * 16 + 4 - 20), 1e-6);
    NEAR(found[0].y1, 20 + 2 * (2.5 * 16 - 6 - 25), 1e-6);
    NEAR(found[0].x2 - found[0].x1, 80, 1e-6), NEAR(found[0].y2 - found[0].y1, 100, 1e-6);
    NEAR(found[1].x1, 10 + 2 * (7.5 * 32 - 15), 1e-6);
    NEAR(found[1].y1, 20 + 2 * (0.5 * 32 - 15), 1e-6);
}

static void what_is_unlikely_or_no_box_is_no_face(void **state)
{
    struct face_box found[8];

    (void)state;
    quiet();
    scores16[0] = -0.001f, scores16[2] = 0.001f, scores16[4] = NAN, scores16[6] = 3;
    for (int i = 0; i < 8; i++)
        boxes16[16 * i + 2] = boxes16[16 * i + 3] = 10;
    boxes16[16 * 6 + 2] = -10; /* a box with a negative width */
    assert_int_equal(boxes_in((struct rect){0, 0, 256, 256}, found), 1);
    NEAR(found[0].score, 0.50025, 1e-4);
}

static void the_same_face_seen_by_two_anchors_is_one(void **state)
{
    struct face_box found[8];

    (void)state;
    quiet();
    scores16[0] = 1, scores16[1] = 2;
    for (int i = 0; i < 2; i++)
        boxes16[16 * i + 2] = boxes16[16 * i + 3] = 40;
    boxes16[0] = 20; /* IoU is 1/3, above the limit of 0.3 */
    assert_int_equal(boxes_in((struct rect){0, 0, 256, 256}, found), 1);
    boxes16[0] = 22; /* IoU is 0.29, below the limit */
    assert_int_equal(boxes_in((struct rect){0, 0, 256, 256}, found), 2);
}

static void the_first_crop_is_the_box_and_half_as_much_again(void **state)
{
    struct face_box b = {100, 100, 140, 160, 0.9};
    struct face_crop c = clear_first_crop(&b);

    (void)state;
    NEAR(c.at.w, 90, 1e-9), NEAR(c.at.h, 90, 1e-9), NEAR(c.angle, 0, 0);
    NEAR(c.at.x, 120 - 45, 1e-9), NEAR(c.at.y, 130 - 45, 1e-9);
}

/* Places the landmarks of a face that fills a square of side 100 around the origin, rotated and
 * moved. */
static void face_at(double angle, double x, double y, double marks[FACE_MARKS][2])
{
    for (int i = 0; i < FACE_MARKS; i++) {
        double u = (i % 2 ? 50 : -50), v = (i % 3 - 1) * 50;

        if (i >= 36 && i < 48) /* both eyes at one height */
            u = i < 42 ? -20 : 20, v = -20;
        marks[i][0] = x + cos(angle) * u - sin(angle) * v;
        marks[i][1] = y + sin(angle) * u + cos(angle) * v;
    }
}

static void the_second_crop_is_turned_with_the_eyes(void **state)
{
    double marks[FACE_MARKS][2];
    struct face_crop c;

    (void)state;
    for (int half = -3; half <= 3; half++) {
        double angle = half / 2.0;

        face_at(angle, 200, 180, marks);
        c = clear_second_crop(marks);
        NEAR(c.angle, angle, 1e-9);
        NEAR(c.at.w, 150, 1e-9); /* 1.5 times the landmarks' box */
        NEAR(c.at.x + c.at.w / 2, 200, 1e-9), NEAR(c.at.y + c.at.h / 2, 180, 1e-9);
    }
}

static void a_head_that_leans_a_little_is_not_turned(void **state)
{
    double marks[FACE_MARKS][2];

    (void)state;
    face_at(0.34, 200, 180, marks);
    NEAR(clear_second_crop(marks).angle, 0, 0);
    face_at(-0.36, 200, 180, marks);
    NEAR(clear_second_crop(marks).angle, -0.36, 1e-9);
}

/* A landmark of the crop maps back to the same place in the photograph. */
static void a_turned_crop_shows_and_places_the_same_point(void **state)
{
    static float out[3 * CLEAR_MESH * CLEAR_MESH], values[CLEAR_POINTS * 3];
    struct pixels im = {400, 400, rgb};
    struct face_crop crop = {{104, 104, 192, 192}, PI / 6};
    double marks[FACE_MARKS][2], x, y;
    int bright = 0, column, row;

    (void)state;
    for (int dy = -1; dy <= 1; dy++) /* a spot with its centre at (250.5, 230.5) */
        for (int dx = -1; dx <= 1; dx++)
            rgb[3 * ((230 + dy) * 400 + 250 + dx)] = 255;
    assert_true(clear_fill_marks(&im, &crop, out, &mem));
    for (int i = 0; i < CLEAR_MESH * CLEAR_MESH; i++)
        bright = out[i] > out[bright] ? i : bright;
    NEAR(out[bright], 1, 1e-6); /* white is 255 / 255 */
    column = bright % CLEAR_MESH, row = bright / CLEAR_MESH;
    for (int i = 0; i < CLEAR_POINTS; i++) {
        values[3 * i] = (float)column + 0.5f;
        values[3 * i + 1] = (float)row + 0.5f;
    }
    clear_place_marks(values, &crop, marks);
    x = marks[FACE_NOSE_TIP][0], y = marks[FACE_NOSE_TIP][1];
    NEAR(x, 250.5, 1.5), NEAR(y, 230.5, 1.5);
}

static void the_marks_are_the_meshs_points_for_eyes_nose_and_mouth(void **state)
{
    static float values[CLEAR_POINTS * 3];
    struct face_crop crop = {{0, 0, CLEAR_MESH, CLEAR_MESH}, 0};
    static const int want[][2] = {{36, 33},  {39, 133}, {42, 362}, {45, 263}, {30, 4},
                                  {33, 2},   {48, 61},  {54, 291}, {8, 152},  {0, 127},
                                  {16, 356}, {62, 13},  {66, 14}};
    double marks[FACE_MARKS][2];

    (void)state;
    for (int i = 0; i < CLEAR_POINTS; i++)
        values[3 * i] = (float)i;
    clear_place_marks(values, &crop, marks);
    for (size_t i = 0; i < WARD_COUNT(want); i++)
        NEAR(marks[want[i][0]][0], want[i][1], 1e-6);
}

/* The included landmarks of dlib's mean face are doubled, rotated and moved. The transform must
 * map them back to their places in dlib's chip, slightly smaller. */
static void a_face_is_put_where_dlib_puts_it(void **state)
{
    static const struct {
        int mark;
        double x, y;
    } mean[] = {
        {27, 0.490127, 0.203352}, {28, 0.490127, 0.307009}, {29, 0.490127, 0.409805},
        {30, 0.490127, 0.515625}, {31, 0.36688, 0.587326},  {32, 0.426036, 0.609345},
        {33, 0.490127, 0.628106}, {34, 0.554217, 0.609345}, {35, 0.613373, 0.587326},
        {36, 0.121737, 0.216423}, {37, 0.187122, 0.178758}, {38, 0.265825, 0.179852},
        {39, 0.334606, 0.231733}, {40, 0.260918, 0.245099}, {41, 0.182743, 0.244077},
        {42, 0.645647, 0.231733}, {43, 0.714428, 0.179852}, {44, 0.793132, 0.178758},
        {45, 0.858516, 0.216423}, {46, 0.79751, 0.244077},  {47, 0.719335, 0.245099},
        {48, 0.254149, 0.780233}, {49, 0.340985, 0.745405}, {50, 0.428858, 0.727388},
        {51, 0.490127, 0.742578}, {52, 0.551395, 0.727388}, {53, 0.639268, 0.745405},
        {54, 0.726104, 0.780233}, {60, 0.290379, 0.784792}, {61, 0.428096, 0.778746},
        {62, 0.490127, 0.785343}, {63, 0.552157, 0.778746}, {64, 0.689874, 0.784792},
    };
    double marks[FACE_MARKS][2] = {{0}};
    struct similarity s = {.a = 0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(mean); i++) {
        double x = 150 * (0.25 + mean[i].x) / 1.5, y = 150 * (0.25 + mean[i].y) / 1.5;

        marks[mean[i].mark][0] = 300 - 2 * y; /* rotated by a quarter turn, at twice the size */
        marks[mean[i].mark][1] = 40 + 2 * x;
    }
    /* brows and lower lip must not influence the result */
    marks[20][0] = marks[57][1] = marks[66][0] = 1e4;
    assert_true(clear_align(marks, &s));
    NEAR(s.a, 0, 1e-9), NEAR(s.b, -0.5 * 0.97, 1e-9);
    NEAR(s.a * marks[36][0] - s.b * marks[36][1] + s.tx, 75 + 0.97 * (37.1737 - 75), 1e-3);
    NEAR(s.b * marks[36][0] + s.a * marks[36][1] + s.ty, 75 + 0.97 * (46.6423 - 75), 1e-3);
}

static void the_embedding_sees_red_first_less_dlibs_means(void **state)
{
    enum { AREA = CLEAR_CHIP * CLEAR_CHIP };
    static uint8_t chip[3 * AREA];

    (void)state;
    assert_int_equal(CLEAR_CHIP, 150);
    chip[3] = 255, chip[4] = 128, chip[5] = 1;
    clear_fill_feature(chip, big);
    NEAR(big[1], (255 - 122.782) / 256, 1e-6);
    NEAR(big[AREA + 1], (128 - 117.001) / 256, 1e-6);
    NEAR(big[2 * AREA + 1], (1 - 104.298) / 256, 1e-6);
}

static void each_refused_allocation_is_said(void **state)
{
    struct pixels im = {400, 400, rgb};
    struct face_crop crop = {{0, 0, 300, 300}, 0.3};
    const float *const out[] = {scores16, scores8, boxes16, boxes8};
    struct face_box found[8];
    int n;

    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, 64);
    assert_false(clear_fill_detect(&im, clear_around(400, 400), big, &mem));
    assert_false(clear_fill_marks(&im, &crop, big, &mem));
    assert_false(clear_boxes(out, clear_around(400, 400), found, 8, &n, &mem));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_photograph_is_put_into_a_square_centred, fresh),
        cmocka_unit_test_setup(the_detector_sees_minus_1_to_1_red_first_and_black_outside,
                               fresh),
        cmocka_unit_test_setup(boxes_lie_around_the_middles_of_cells, fresh),
        cmocka_unit_test_setup(what_is_unlikely_or_no_box_is_no_face, fresh),
        cmocka_unit_test_setup(the_same_face_seen_by_two_anchors_is_one, fresh),
        cmocka_unit_test_setup(the_first_crop_is_the_box_and_half_as_much_again, fresh),
        cmocka_unit_test_setup(the_second_crop_is_turned_with_the_eyes, fresh),
        cmocka_unit_test_setup(a_head_that_leans_a_little_is_not_turned, fresh),
        cmocka_unit_test_setup(a_turned_crop_shows_and_places_the_same_point, fresh),
        cmocka_unit_test_setup(the_marks_are_the_meshs_points_for_eyes_nose_and_mouth, fresh),
        cmocka_unit_test_setup(a_face_is_put_where_dlib_puts_it, fresh),
        cmocka_unit_test_setup(the_embedding_sees_red_first_less_dlibs_means, fresh),
        cmocka_unit_test_setup(each_refused_allocation_is_said, fresh),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ward_arena_done(&mem);
    return failed;
}
