#include "services/identity/subject/fuse.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIM 3

static void one_alone_is_itself(void **state)
{
    const float v[DIM] = {0.6f, 0.8f, 0};
    double sum[TEMPLATE_DIM_MAX] = {0};
    float out[DIM];

    (void)state;
    assert_true(fuse_add(sum, v, DIM));
    assert_true(fuse_end(sum, DIM, out));
    for (int i = 0; i < DIM; i++)
        assert_float_equal(out[i], v[i], 1e-6);
}

static void two_make_the_direction_between_them_of_length_1(void **state)
{
    const float a[DIM] = {1, 0, 0}, b[DIM] = {0, 1, 0};
    double sum[TEMPLATE_DIM_MAX] = {0};
    float out[DIM];

    (void)state;
    assert_true(fuse_add(sum, a, DIM));
    assert_true(fuse_add(sum, b, DIM));
    assert_true(fuse_end(sum, DIM, out));
    assert_float_equal(out[0], sqrt(0.5), 1e-6);
    assert_float_equal(out[1], sqrt(0.5), 1e-6);
    assert_float_equal(out[2], 0, 1e-6);
}

static void what_is_no_number_is_refused_and_adds_nothing_to_an_answer(void **state)
{
    const float nan_in[DIM] = {1, NAN, 0}, inf_in[DIM] = {INFINITY, 0, 0};
    double sum[TEMPLATE_DIM_MAX] = {0};

    (void)state;
    assert_false(fuse_add(sum, nan_in, DIM));
    assert_false(fuse_add(sum, inf_in, DIM));
}

static void nothing_and_opposites_have_no_direction(void **state)
{
    const float a[DIM] = {1, 0, 0}, b[DIM] = {-1, 0, 0};
    double sum[TEMPLATE_DIM_MAX] = {0};
    float out[DIM];

    (void)state;
    assert_false(fuse_end(sum, DIM, out));
    assert_true(fuse_add(sum, a, DIM));
    assert_true(fuse_add(sum, b, DIM));
    assert_false(fuse_end(sum, DIM, out));
}

static void the_order_does_not_matter(void **state)
{
    const float v[3][DIM] = {{1, 0, 0}, {0.6f, 0.8f, 0}, {0, 0.6f, 0.8f}};
    double there[TEMPLATE_DIM_MAX] = {0}, back[TEMPLATE_DIM_MAX] = {0};
    float a[DIM], b[DIM];

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_true(fuse_add(there, v[i], DIM));
        assert_true(fuse_add(back, v[2 - i], DIM));
    }
    assert_true(fuse_end(there, DIM, a));
    assert_true(fuse_end(back, DIM, b));
    assert_memory_equal(a, b, sizeof(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_alone_is_itself),
        cmocka_unit_test(two_make_the_direction_between_them_of_length_1),
        cmocka_unit_test(what_is_no_number_is_refused_and_adds_nothing_to_an_answer),
        cmocka_unit_test(nothing_and_opposites_have_no_direction),
        cmocka_unit_test(the_order_does_not_matter),
    };

    return cmocka_run_group_tests_name("fuse", tests, NULL, NULL);
}
