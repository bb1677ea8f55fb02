/* Tests the measurements of a capture, on synthetic pictures and heads. */
#include "services/identity/live/live.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define RAD  0.017453292519943295
#define SIDE 200

static struct ward_arena mem;
static uint8_t rgb[3 * SIDE * SIDE];
static const struct pixels im = {SIDE, SIDE, rgb};

static int fresh(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, 16 << 20);
    return 0;
}

/* Builds a head with the shape and depth of pose.c, rotated. Positive angles are to the
 * person's left, upwards, and to the left shoulder. */
static struct face head(double yaw, double pitch, double roll)
{
    static const struct {
        int mark;
        double x, y, z;
    } p[] = {{30, 0, 0, 0},          {8, 0, -330, -110.5},     {36, -225, 170, -229.5},
             {45, 225, 170, -229.5}, {48, -150, -150, -212.5}, {54, 150, -150, -212.5}};
    double cy = cos(yaw * RAD), sy = sin(yaw * RAD), cp = cos(pitch * RAD),
           sp = sin(pitch * RAD), cr = cos(roll * RAD), sr = sin(roll * RAD);
    struct face f = {.n_marks = FACE_MARKS};

    for (size_t i = 0; i < WARD_COUNT(p); i++) {
        double x = p[i].x, y = p[i].y, z = p[i].z;
        double y1 = y * cp + z * sp, z1 = z * cp - y * sp; /* up */
        double x2 = x * cy + z1 * sy;                      /* rotated to the picture's right */
        double x3 = x2 * cr + y1 * sr, y3 = y1 * cr - x2 * sr;

        f.marks[p[i].mark][0] = 100 + 0.2 * x3;
        f.marks[p[i].mark][1] = 100 - 0.2 * y3;
    }
    return f;
}

static void the_way_a_head_looks_is_read_from_its_landmarks(void **state)
{
    static const double of[][3] = {{0, 0, 0},   {25, 0, 0}, {-25, 0, 0}, {0, 15, 0},
                                   {0, -15, 0}, {0, 0, 20}, {0, 0, -20}, {40, 10, 0}};
    double yaw, pitch, roll;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(of); i++) {
        struct face f = head(of[i][0], of[i][1], of[i][2]);

        pose_of(&f, &yaw, &pitch, &roll);
        assert_true(fabs(yaw - of[i][0]) < 4);
        assert_true(fabs(pitch - of[i][1]) < 4);
        assert_true(fabs(roll - of[i][2]) < 4);
    }
}

static void left_is_the_persons_own_and_up_is_up(void **state)
{
    struct face f = head(20, 0, 0);
    double yaw, pitch, roll;

    (void)state;
    /* The person's left is the picture's right, to which the nose moves. */
    assert_true(f.marks[30][0] > (f.marks[36][0] + f.marks[45][0]) / 2);
    pose_of(&f, &yaw, &pitch, &roll);
    assert_true(yaw > 10);
    f = head(0, 0, 15); /* the eye on the picture's right is lower */
    assert_true(f.marks[45][1] > f.marks[36][1]);
    pose_of(&f, &yaw, &pitch, &roll);
    assert_true(roll > 10);
}

/* Draws a face whose aligned chip is the picture's centre, at scale 1, with structure
 * everywhere. */
static struct face drawn(unsigned contrast)
{
    static const double ref[5][2] = {{38.2946, 51.6963},
                                     {73.5318, 51.5014},
                                     {56.0252, 71.7366},
                                     {41.5493, 92.3655},
                                     {70.7299, 92.2041}};
    struct face f = head(0, 0, 0);
    unsigned x = 12345;

    for (int i = 0; i < SIDE * SIDE; i++) {
        x ^= x << 13, x ^= x >> 17, x ^= x << 5;
        memset(rgb + 3 * i, (int)(128 - contrast / 2 + (x >> 8) % (contrast + 1)), 3);
    }
    for (int i = 0; i < 5; i++)
        f.points.x[i] = 44 + ref[i][0], f.points.y[i] = 44 + ref[i][1];
    return f;
}

static struct quality measured(const struct face *f)
{
    struct quality q = {0};
    struct ward_err err = {0};

    assert_int_equal(quality_measure(&im, f, &mem, &q, &err), WARD_OK);
    return q;
}

static void blur_takes_sharpness_away(void **state)
{
    struct face f = drawn(120);
    double sharp = measured(&f).sharpness;
    static uint8_t copy[sizeof(rgb)];

    (void)state;
    for (int pass = 0; pass < 4; pass++) {
        double now;

        memcpy(copy, rgb, sizeof(rgb));
        for (int i = 3 * SIDE + 3; i < 3 * SIDE * (SIDE - 1) - 3; i++)
            rgb[i] = (uint8_t)((copy[i - 3] + copy[i + 3] + copy[i - 3 * SIDE] +
                                copy[i + 3 * SIDE] + 4 * copy[i]) /
                               8);
        now = measured(&f).sharpness;
        assert_true(now < 0.7 * sharp);
        sharp = now;
    }
    f = drawn(0);
    assert_true(measured(&f).sharpness == 0);
}

static void light_is_measured_on_the_face(void **state)
{
    struct face f = drawn(120);
    struct quality q = measured(&f);

    (void)state;
    assert_true(fabs(q.brightness - 128) < 3);
    assert_true(q.clipped == 0);
    memset(rgb, 255, sizeof(rgb));
    q = measured(&f);
    assert_true(q.brightness > 254 && q.clipped == 1);
    assert_int_equal(quality_gate(&q), FACE_TOO_BRIGHT);
    memset(rgb, 0, sizeof(rgb));
    q = measured(&f);
    assert_true(q.brightness < 1 && q.clipped == 1);
    assert_int_equal(quality_gate(&q), FACE_TOO_DARK);
}

static void what_lies_outside_the_picture_is_counted(void **state)
{
    struct face f = drawn(120);

    (void)state;
    assert_true(measured(&f).cut == 0);
    for (int i = 0; i < 5; i++)
        /* moves the face: a quarter of the chip is beyond the picture's left edge */
        f.points.x[i] -= 44 + 28;
    assert_true(fabs(measured(&f).cut - 0.25) < 0.02);
    for (int i = 0; i < 5; i++)
        f.points.x[i] -= 200;
    assert_true(measured(&f).cut == 1);
}

static void a_face_without_eyes_or_mouth_is_covered(void **state)
{
    struct face f = drawn(120);
    double open = measured(&f).occlusion;

    (void)state;
    assert_true(open < 0.1);
    for (int y = 44 + 80; y < 44 + 104; y++) /* a mask covers the mouth */
        memset(rgb + 3 * (y * SIDE + 44 + 20), 190, 3 * 72);
    assert_true(measured(&f).occlusion > 0.5);
    f = drawn(120);
    for (int y = 44 + 40; y < 44 + 62; y++) /* dark glasses */
        memset(rgb + 3 * (y * SIDE + 44 + 18), 20, 3 * 76);
    assert_true(measured(&f).occlusion > 0.5);
    f = drawn(120);
    f.drift = 0.3; /* landmarks that differ between passes */
    assert_true(measured(&f).occlusion > 0.5);
}

static void each_limit_is_a_gate_in_the_order_of_mending(void **state)
{
    const struct quality fine = {.sharpness = 200, .brightness = 120};
    struct quality q = fine;

    (void)state;
    assert_int_equal(quality_gate(&q), USABLE);
#define REFUSES(field, value, gate)                                                            \
    q = fine;                                                                                  \
    q.field = (value);                                                                         \
    assert_int_equal(quality_gate(&q), gate)
    REFUSES(cut, quality_limits.cut + 0.01, FACE_CROPPED);
    REFUSES(brightness, quality_limits.dark - 1, FACE_TOO_DARK);
    REFUSES(brightness, quality_limits.bright + 1, FACE_TOO_BRIGHT);
    REFUSES(clipped, quality_limits.clipped + 0.01, FACE_TOO_DARK);
    REFUSES(yaw, quality_limits.yaw + 1, FACE_TURNED);
    REFUSES(yaw, -quality_limits.yaw - 1, FACE_TURNED);
    REFUSES(pitch, quality_limits.pitch + 1, FACE_TURNED);
    REFUSES(roll, -quality_limits.roll - 1, FACE_TURNED);
    REFUSES(sharpness, quality_limits.sharpness - 0.1, FACE_BLURRED);
    REFUSES(occlusion, quality_limits.occlusion + 0.01, FACE_OCCLUDED);
    REFUSES(sharpness, NAN, FACE_BLURRED);
    REFUSES(brightness, NAN, FACE_TOO_DARK);
    REFUSES(yaw, NAN, FACE_TURNED);
    REFUSES(occlusion, NAN, FACE_OCCLUDED);
    REFUSES(cut, NAN, FACE_CROPPED);
    q.brightness = 0, q.cut = 1;
    assert_int_equal(quality_gate(&q), FACE_CROPPED);
}

static void each_refused_allocation_is_said(void **state)
{
    struct face f = drawn(120);
    struct quality q = {.padded = true};
    struct ward_err err = {0};
    int n = 0;
    enum ward_code code;

    (void)state;
    do {
        ward_arena_reset(&mem);
        mem.fail_at = ++n;
        code = quality_measure(&im, &f, &mem, &q, &err);
    } while (code == WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(code, WARD_OK);
    assert_true(n > 1);
    assert_true(q.padded); /* quality_measure does not change `padded` */
    memset(f.points.x, 0, sizeof(f.points.x));
    memset(f.points.y, 0, sizeof(f.points.y));
    assert_int_equal(quality_measure(&im, &f, &mem, &q, &err), WARD_INTERNAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_way_a_head_looks_is_read_from_its_landmarks, fresh),
        cmocka_unit_test_setup(left_is_the_persons_own_and_up_is_up, fresh),
        cmocka_unit_test_setup(blur_takes_sharpness_away, fresh),
        cmocka_unit_test_setup(light_is_measured_on_the_face, fresh),
        cmocka_unit_test_setup(what_lies_outside_the_picture_is_counted, fresh),
        cmocka_unit_test_setup(a_face_without_eyes_or_mouth_is_covered, fresh),
        cmocka_unit_test_setup(each_limit_is_a_gate_in_the_order_of_mending, fresh),
        cmocka_unit_test_setup(each_refused_allocation_is_said, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
