/* Compares powers of decimals with libm and with exact results. */
#include "common/measure/power.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *power(const char *base, const char *exponent, int exp)
{
    static char text[WARD_DECIMAL_SIZE];
    struct ward_decimal a, b, x;

    assert_int_equal(ward_decimal_parse(base, strlen(base), &a, NULL), WARD_OK);
    assert_int_equal(ward_decimal_parse(exponent, strlen(exponent), &b, NULL), WARD_OK);
    if (ward_decimal_power(&a, &b, exp, &x, NULL) != WARD_OK)
        return "no";
    ward_decimal_print(&x, text);
    return text;
}

static void exact_powers_are_exact(void **state)
{
    (void)state;
    assert_string_equal(power("2", "10", 0), "1024");
    assert_string_equal(power("4", "0.5", -9), "2.000000000");
    assert_string_equal(power("4", "-0.5", -9), "0.500000000");
    assert_string_equal(power("10", "-1", -6), "0.100000");
    assert_string_equal(power("1", "-1.2", -9), "1.000000000");
    assert_string_equal(power("7.5", "0", -3), "1.000");
    assert_string_equal(power("0.000001", "1", -6), "0.000001");
    assert_string_equal(power("999999", "1", 0), "999999");
}

/* For 100,000 pairs, the difference from libm is within rounding and the permitted error. */
static void powers_agree_with_libm(void **state)
{
    uint64_t seed = 12345;
    double worst = 0;

    (void)state;
    for (int i = 0; i < 100000; i++) {
        struct ward_decimal a, b, x;
        double want, got, off;

        seed = seed * 6364136223846793005U + 1442695040888963407U;
        a = ward_decimal_of((int64_t)(seed >> 40) % 1000000 + 1, -4); /* from 0.0001 to 100 */
        b = ward_decimal_of((int64_t)(seed >> 20) % 4001 - 2000, -3); /* from -2 to 2 */
        want = pow(ward_decimal_double(&a), ward_decimal_double(&b));
        if (want >= 500000)
            continue;
        assert_int_equal(ward_decimal_power(&a, &b, -9, &x, NULL), WARD_OK);
        got = ward_decimal_double(&x);
        off = fabs(got - want) - 0.5e-9;
        worst = fmax(worst, off / want);
    }
    print_message("worst relative error beyond rounding: %g\n", worst);
    assert_true(worst < 4e-15);
}

static void what_is_out_of_range_is_refused(void **state)
{
    (void)state;
    assert_string_equal(power("0", "1", 0), "no");
    assert_string_equal(power("-2", "2", 0), "no");
    assert_string_equal(power("0.0000001", "1", 0), "no");
    assert_string_equal(power("1000001", "1", 0), "no");
    assert_string_equal(power("2", "101", 0), "no");
    assert_string_equal(power("2", "0.0000001", 0), "no");
    assert_string_equal(power("100", "5", 0), "no");
    assert_string_equal(power("2", "1", 1), "no");
    assert_string_equal(power("2", "1", -10), "no");
    assert_string_equal(power("0.001", "100", -9), "0.000000000");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_powers_are_exact),
        cmocka_unit_test(powers_agree_with_libm),
        cmocka_unit_test(what_is_out_of_range_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
