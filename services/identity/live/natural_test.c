/* Tests the features that distinguish a photograph from a negative, a drawing or a picture of
 * few tones. Faces are synthetic. */
#include "services/identity/live/live.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SIDE FACE_CHIP

static struct ward_arena mem;
static uint8_t rgb[3 * SIDE * SIDE];
static const struct pixels im = {SIDE, SIDE, rgb};
static struct face face = {.points = {{38.2946, 73.5318, 56.0252, 41.5493, 70.7299},
                                      {51.6963, 51.5014, 71.7366, 92.3655, 92.2041}}};

static bool within(int x, int y, int left, int top, int w, int h)
{
    return x >= left && x < left + w && y >= top && y < top + h;
}

/* Draws a face: eyes, brows and mouth are darker than cheeks and nose; skin has some grain. */
static void draw(void)
{
    unsigned noise = 12345;

    for (int i = 0; i < SIDE * SIDE; i++) {
        int x = i % SIDE, y = i / SIDE, v = 150;

        if (within(x, y, 24, 46, 26, 12) || within(x, y, 62, 46, 26, 12))
            v = 70;
        if (within(x, y, 26, 60, 22, 24) || within(x, y, 64, 60, 22, 24) ||
            within(x, y, 50, 28, 12, 48))
            v = 190;
        if (within(x, y, 42, 86, 28, 10))
            v = 100;
        noise ^= noise << 13, noise ^= noise >> 17, noise ^= noise << 5;
        v += (int)(noise % 41) - 20 + x / 8;
        rgb[3 * i] = (uint8_t)v;
        rgb[3 * i + 1] = (uint8_t)(v * 8 / 10);
        rgb[3 * i + 2] = (uint8_t)(v * 7 / 10);
    }
}

static int fresh(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    ward_arena_init(&mem, 4 << 20);
    draw();
    return 0;
}

static struct natural measured(void)
{
    struct natural n;
    struct ward_err err = {0};

    ward_arena_reset(&mem);
    assert_int_equal(natural_measure(&im, &face, &mem, &n, &err), WARD_OK);
    return n;
}

static void each(int (*f)(int))
{
    for (size_t i = 0; i < sizeof(rgb); i++)
        rgb[i] = (uint8_t)f(rgb[i]);
}

static void in_grey(void)
{
    for (int i = 0; i < SIDE * SIDE; i++)
        memset(rgb + 3 * i, rgb[3 * i], 3);
}

static int negative(int v)
{
    return 255 - v;
}

static int half_the_light(int v)
{
    return v / 2;
}

static int four_tones(int v)
{
    return v / 64 * 85;
}

static void a_face_in_colour_in_grey_and_in_little_light_is_natural(void **state)
{
    struct natural n = measured();

    (void)state;
    assert_true(natural_is(&n));
    assert_true(n.like > 0.4 && n.red > 20 && n.few < 0.3 && n.coarse > 0.3);
    each(half_the_light);
    n = measured();
    assert_true(natural_is(&n));
    draw();
    in_grey();
    n = measured();
    assert_true(natural_is(&n) && n.red == 0);
}

static void a_negative_is_not(void **state)
{
    struct natural n;

    (void)state;
    each(negative);
    n = measured();
    assert_true(!natural_is(&n) && n.like < -0.4 && n.red < -20);
    draw();
    in_grey();
    each(negative);
    n = measured();
    assert_true(!natural_is(&n) && n.red == 0);
}

static void blue_light_alone_makes_no_negative(void **state)
{
    struct natural n;

    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++) {
        uint8_t red = rgb[3 * i];

        rgb[3 * i] = rgb[3 * i + 2];
        rgb[3 * i + 2] = red;
    }
    n = measured();
    assert_true(natural_is(&n) && n.red < -25);
}

static void few_tones_are_not(void **state)
{
    struct natural n;

    (void)state;
    each(four_tones);
    in_grey();
    n = measured();
    assert_true(!natural_is(&n) && n.few > 0.9);
}

static void lines_on_one_ground_are_not(void **state)
{
    struct natural n;

    (void)state;
    for (int i = 0; i < SIDE * SIDE; i++)
        memset(rgb + 3 * i, i % 3 == 0 ? 160 + i % 64 : 20, 3);
    n = measured();
    assert_true(!natural_is(&n) && n.coarse < 0.2);
}

static void each_refused_allocation_is_said(void **state)
{
    struct natural n;
    struct ward_err err = {0};
    int k = 0;
    enum ward_code code;

    (void)state;
    do {
        ward_arena_reset(&mem);
        mem.fail_at = ++k;
        code = natural_measure(&im, &face, &mem, &n, &err);
    } while (code == WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(code, WARD_OK);
    assert_true(k > 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_face_in_colour_in_grey_and_in_little_light_is_natural, fresh),
        cmocka_unit_test_setup(a_negative_is_not, fresh),
        cmocka_unit_test_setup(blue_light_alone_makes_no_negative, fresh),
        cmocka_unit_test_setup(few_tones_are_not, fresh),
        cmocka_unit_test_setup(lines_on_one_ground_are_not, fresh),
        cmocka_unit_test_setup(each_refused_allocation_is_said, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
