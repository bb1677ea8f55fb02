/* Compares plausible weights and heights of children with the published charts. */
#include "common/measure/growth.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static double bound(enum ward_growth what, enum ward_growth_sex sex, int64_t from, int64_t to,
                    double z)
{
    struct ward_decimal tenths = ward_decimal_of((int64_t)(z * 10), -1);
    struct ward_decimal x = ward_growth_bound(what, sex, from, to, &tenths);

    return ward_decimal_double(&x);
}

#define NEAR(got, want, part)                                                                  \
    do {                                                                                       \
        double got_ = (got);                                                                   \
        assert_true(got_ > (want) * (1 - (part)) && got_ < (want) * (1 + (part)));             \
    } while (0)

/* The charts' medians (P50 of wtageinf, wtage, lenageinf, statage). */
static void medians_are_those_of_the_charts(void **state)
{
    (void)state;
    NEAR(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 0, 0), 3.530203168, 0.001);
    NEAR(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_FEMALE, 0, 0, 0), 3.39918645, 0.001);
    NEAR(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 350, 350, 0), 10.16, 0.006);
    NEAR(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 3668, 3668, 0), 32.09, 0.001);
    NEAR(bound(WARD_GROWTH_HEIGHT, WARD_GROWTH_MALE, 7305, 9000, 0), 176.8492322, 0.001);
    NEAR(bound(WARD_GROWTH_HEIGHT, WARD_GROWTH_FEMALE, 3668, 3668, 0), 138.2111552, 0.001);
    /* Between two rows of the table: boys of 115.5 months. */
    NEAR(bound(WARD_GROWTH_HEIGHT, WARD_GROWTH_MALE, 3516, 3516, 0), 136.7556923, 0.002);
}

/* P97 is at 1.881 standard deviations, slightly below the row at 2. */
static void the_third_and_97th_centile_lie_within_two_standard_deviations(void **state)
{
    (void)state;
    assert_true(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 0, 2) > 4.446488308);
    assert_true(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 0, -2) < 2.355450986);
    assert_true(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 0, 1.8) < 4.446488308);
}

static void bounds_grow_with_z_and_never_fall_below_zero(void **state)
{
    (void)state;
    for (int days = 0; days <= WARD_GROWTH_DAYS; days += 97) {
        double last = 0;

        for (int z = -8; z <= 8; z++) {
            double x = bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_FEMALE, days, days, z);

            assert_true(x > last || (x == 0 && last == 0));
            last = x;
        }
    }
    assert_true(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 0, -20) == 0);
}

static void an_unknown_sex_or_day_takes_the_outermost_bound(void **state)
{
    double boy = bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 400, 400, 5);
    double girl = bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_FEMALE, 400, 400, 5);
    double any = bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_ANY, 400, 400, 5);

    (void)state;
    assert_true(any == (boy > girl ? boy : girl));
    assert_true(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 400, 5) == boy);
    assert_true(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 400, -5) ==
                bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 0, -5));
    assert_true(bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, -5, -5, 5) ==
                bound(WARD_GROWTH_WEIGHT, WARD_GROWTH_MALE, 0, 0, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(medians_are_those_of_the_charts),
        cmocka_unit_test(the_third_and_97th_centile_lie_within_two_standard_deviations),
        cmocka_unit_test(bounds_grow_with_z_and_never_fall_below_zero),
        cmocka_unit_test(an_unknown_sex_or_day_takes_the_outermost_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
