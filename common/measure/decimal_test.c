#include "common/measure/decimal.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NINES38       "99999999999999999999999999999999999999"
#define MINUS_NINES38 "-99999999999999999999999999999999999999"

static struct ward_decimal of(const char *text)
{
    struct ward_decimal d = {.exp = 0};
    struct ward_err err = {0};

    if (ward_decimal_parse(text, strlen(text), &d, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.msg);
    return d;
}

static const char *text_of(const struct ward_decimal *d)
{
    static char out[WARD_DECIMAL_SIZE];

    size_t n = ward_decimal_print(d, out);

    assert_int_equal(n, strlen(out));
    return out;
}

static void the_text_of_a_number_comes_back(void **state)
{
    static const struct {
        const char *text, *want; /* want NULL: equal to text */
        int significant;
    } rows[] = {
        {"0", NULL, 1},
        {"-0", NULL, 1},
        {"0.00", NULL, 1},
        {"1.10", NULL, 3},
        {"-1.10", NULL, 3},
        {"100", NULL, 3},
        {"0.00110", NULL, 3},
        {"0.1", NULL, 1},
        {"12345678901234567890.123456789012345678", NULL, 38},
        {NINES38, NULL, 38},
        {"0.0000000000000000000000000000000000000001", NULL, 1},
        {"1e3", "1e+3", 1},
        {"1.10E3", "1.10e+3", 3},
        {"110E-2", "1.10", 3},
        {"-1.5e-60", NULL, 2},
        {"0.00000000000000000000000000000000000000001", "1e-41", 1},
        {"1e1000", "1e+1000", 1},
        {"1e-1000", "1e-1000", 1},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_decimal d = of(rows[i].text), again;
        const char *want = rows[i].want == NULL ? rows[i].text : rows[i].want;

        assert_string_equal(text_of(&d), want);
        assert_int_equal(ward_decimal_significant(&d), rows[i].significant);
        again = of(want);
        assert_true(again.coef == d.coef && again.exp == d.exp && again.negative == d.negative);
    }
}

static void what_is_no_number_is_refused(void **state)
{
    static const char *const bad[] = {
        "",    "-",   "+1",  "01", "-01", "1.",    ".5",  "1e",    "1e+", "e5",  "1e5.0", "1,5",
        "0x1", "NaN", "Inf", " 1", "1 ",  "1.2.3", "--1", "1e--5", "1_0", "1\n", "00",
    };
    static const char *const large[] = {
        "100000000000000000000000000000000000000", /* 39 digits */
        "1e1001",
        "1e-1001",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "0.12345678901234567890123456789012345678900",
    };
    char text[WARD_DECIMAL_TEXT_MAX + 2];
    struct ward_decimal d = {.coef = 7};
    struct ward_err err = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        if (ward_decimal_parse(bad[i], strlen(bad[i]), &d, &err) == WARD_OK)
            fail_msg("taken: %s", bad[i]);
        assert_string_equal(err.reason, "DECIMAL_MALFORMED");
    }
    for (size_t i = 0; i < WARD_COUNT(large); i++) {
        assert_int_equal(ward_decimal_parse(large[i], strlen(large[i]), &d, &err),
                         WARD_OUT_OF_RANGE);
        assert_string_equal(err.reason, "DECIMAL_OVERFLOW");
    }
    assert_int_equal(ward_decimal_parse("1\0", 2, &d, &err), WARD_INVALID_ARGUMENT);
    memset(text, '0', sizeof(text));
    text[1] = '.';
    assert_int_equal(ward_decimal_parse(text, WARD_DECIMAL_TEXT_MAX, &d, &err), WARD_OK);
    d.coef = 7;
    assert_int_equal(ward_decimal_parse(text, WARD_DECIMAL_TEXT_MAX + 1, &d, &err),
                     WARD_INVALID_ARGUMENT);
    assert_true(d.coef == 7);
}

static void order_is_by_value(void **state)
{
    static const char *const ascending[] = {
        "-1e1000", MINUS_NINES38, "-2",    "-1.10", "-1.0999", "-1e-1000", "0",
        "1e-1000", "0.09999",     "0.1",   "0.9",   "1",       "1.0001",   "9.99",
        "10.01",   "1e2",         NINES38, "1e38",  "2e38",    "1e1000"};
    static const char *const same[][2] = {{"0", "-0.00"},
                                          {"1.10", "1.1"},
                                          {"1e3", "1000"},
                                          {"0", "0e1000"},
                                          {"10e-1", "1"},
                                          {"-5.0", "-5"},
                                          {"1e37", "10000000000000000000000000000000000000"}};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(ascending); i++) {
        for (size_t k = 0; k < WARD_COUNT(ascending); k++) {
            struct ward_decimal a = of(ascending[i]), b = of(ascending[k]);

            assert_int_equal(ward_decimal_cmp(&a, &b), i < k ? -1 : i > k ? 1 : 0);
        }
    }
    for (size_t i = 0; i < WARD_COUNT(same); i++) {
        struct ward_decimal a = of(same[i][0]), b = of(same[i][1]);

        assert_int_equal(ward_decimal_cmp(&a, &b), 0);
        a = ward_decimal_canonical(&a);
        b = ward_decimal_canonical(&b);
        assert_true(a.coef == b.coef && a.exp == b.exp && a.negative == b.negative);
    }
}

/* Compares the result with `want`. A failure is represented by its reason. */
static void judge(const char *what, enum ward_code code, const struct ward_err *err,
                  const struct ward_decimal *got, const char *want)
{
    const char *text = code == WARD_OK ? text_of(got) : err->reason;

    if (strcmp(text, want) != 0)
        fail_msg("%s gave %s, not %s", what, text, want);
}

static const struct {
    const char *a;
    char op;
    const char *b, *want;
} sums[] = {
    {"1.10", '+', "2", "3.10"},
    {"0.1", '+', "0.2", "0.3"},
    {"1", '+', "-1.00", "0.00"},
    {"-0.5", '+', "0.25", "-0.25"},
    {NINES38, '+', "1", "DECIMAL_OVERFLOW"},
    {NINES38, '+', "0", NINES38},
    {NINES38, '+', "0.00", NINES38},
    {"1e30", '+', "1e-30", "DECIMAL_OVERFLOW"},
    {"1e30", '+', "0e-1000", "1e+30"},
    {"0e1000", '+', "1.5", "1.5"},
    {"1e37", '+', "1.000", "10000000000000000000000000000000000001"},
    {"3.10", '-', "2", "1.10"},
    {"2", '-', "3.10", "-1.10"},
    {"-2", '-', "-2", "0"},
    {"0.10", '*', "3", "0.30"},
    {"-1.5", '*', "-2", "3.0"},
    {"0", '*', "-5", "-0"},
    {"70.5", '*', "0.15", "10.575"},
    {"12345678901234567891", '*', "12345678901234567891", "DECIMAL_OVERFLOW"},
    {"1234567890123456789", '*', "1234567890123456789",
     "1524157875323883675019051998750190521"},
    {"10000000000000000000", '*', "30000000000000000000", "3e+38"},
    {"1e600", '*', "1e600", "DECIMAL_OVERFLOW"},
    {"1e-600", '*', "1e-600", "DECIMAL_OVERFLOW"},
    {"1", '/', "8", "0.125"},
    {"1", '/', "3", "DECIMAL_INEXACT"},
    {"10", '/', "5", "2"},
    {"7000", '/', "70", "1e+2"},
    {"1.20", '/', "0.4", "3"},
    {"-1", '/', "1024", "-0.0009765625"},
    {"0", '/', "7", "0"},
    {"-0.0", '/', "7", "0"},
    {"5", '/', "0", "DECIMAL_ZERO_DIVISOR"},
    {"0", '/', "0.00", "DECIMAL_ZERO_DIVISOR"},
    {NINES38, '/', "128", "DECIMAL_OVERFLOW"},
    {"1e900", '/', "1e-900", "DECIMAL_OVERFLOW"},
};

static void arithmetic_is_exact_or_refused(void **state)
{

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(sums); i++) {
        struct ward_decimal a = of(sums[i].a), b = of(sums[i].b), c = {.coef = 77}, *out = &c;
        struct ward_err err = {0};
        enum ward_code code;
        char what[160];

        code = sums[i].op == '+'   ? ward_decimal_add(&a, &b, out, &err)
               : sums[i].op == '-' ? ward_decimal_sub(&a, &b, out, &err)
               : sums[i].op == '*' ? ward_decimal_mul(&a, &b, out, &err)
                                   : ward_decimal_div(&a, &b, out, &err);
        snprintf(what, sizeof(what), "%s %c %s", sums[i].a, sums[i].op, sums[i].b);
        judge(what, code, &err, &c, sums[i].want);
        assert_true(code == WARD_OK || c.coef == 77);
    }
}

static const struct {
    const char *a, *b;
    int exp;
    const char *down, *up, *half_up, *half_even;
    bool inexact;
} quotients[] = {
    {"1", "3", -2, "0.33", "0.34", "0.33", "0.33", true},
    {"2", "3", -2, "0.66", "0.67", "0.67", "0.67", true},
    {"-2", "3", -2, "-0.66", "-0.67", "-0.67", "-0.67", true},
    {"0.125", "1", -2, "0.12", "0.13", "0.13", "0.12", true},
    {"0.375", "1", -2, "0.37", "0.38", "0.38", "0.38", true},
    {"-0.125", "1", -2, "-0.12", "-0.13", "-0.13", "-0.12", true},
    {"0.1250001", "1", -2, "0.12", "0.13", "0.13", "0.13", true},
    {"2.5", "1", 0, "2", "3", "3", "2", true},
    {"5", "2", 0, "2", "3", "3", "2", true},
    {"7", "2", 0, "3", "4", "4", "4", true},
    {"25", "1", 1, "2e+1", "3e+1", "3e+1", "2e+1", true},
    {"1", "1", -3, "1.000", "1.000", "1.000", "1.000", false},
    {"0.004", "1", -2, "0.00", "0.01", "0.00", "0.00", true},
    {"-0.004", "1", -2, "0.00", "-0.01", "0.00", "0.00", true},
    {"1e-900", "1", 0, "0", "1", "0", "0", true},
    {"0e-900", "1", 0, "0", "0", "0", "0", false},
    {"1", "99999999999999999999999999999999999999", -40,
     "0.0000000000000000000000000000000000000100", "0.0000000000000000000000000000000000000101",
     "0.0000000000000000000000000000000000000100", "0.0000000000000000000000000000000000000100",
     true},
    {"1", "66666666666666666666666666666666666667", -40,
     "0.0000000000000000000000000000000000000149", "0.0000000000000000000000000000000000000150",
     "0.0000000000000000000000000000000000000150", "0.0000000000000000000000000000000000000150",
     true},
    {NINES38, "1", 1, "9999999999999999999999999999999999999e+1", "1e+38", "1e+38", "1e+38",
     true},
    {"5", "1", 39, "0e+39", "1e+39", "0e+39", "0e+39", true},
    {"1e1000", "1", 0, "DECIMAL_OVERFLOW", "DECIMAL_OVERFLOW", "DECIMAL_OVERFLOW",
     "DECIMAL_OVERFLOW", true},
    {"0", "1", 5, "0e+5", "0e+5", "0e+5", "0e+5", false},
    {"1", "0", 0, "DECIMAL_ZERO_DIVISOR", "DECIMAL_ZERO_DIVISOR", "DECIMAL_ZERO_DIVISOR",
     "DECIMAL_ZERO_DIVISOR", true},
};

static void rounds(size_t i, enum ward_round how)
{
    const char *const want[] = {quotients[i].down, quotients[i].up, quotients[i].half_up,
                                quotients[i].half_even};
    struct ward_decimal a = of(quotients[i].a), b = of(quotients[i].b), c = {.coef = 0}, e;
    struct ward_err err = {0};
    bool inexact = true;

    if (ward_decimal_div_round(&a, &b, quotients[i].exp, how, &c, &inexact, &err) != WARD_OK) {
        assert_string_equal(err.reason, want[how]);
        return;
    }
    e = of(want[how]);
    if (ward_decimal_cmp(&e, &c) != 0 || c.exp != quotients[i].exp)
        fail_msg("%s / %s to %d, %d: %s", quotients[i].a, quotients[i].b, quotients[i].exp,
                 (int)how, text_of(&c));
    assert_true(inexact == quotients[i].inexact);
}

static void rounding_is_as_asked(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(quotients); i++)
        for (int how = WARD_ROUND_DOWN; how <= WARD_ROUND_HALF_EVEN; how++)
            rounds(i, (enum ward_round)how);
}

/* Compares sums and products of random numbers with results in 64-bit integers. */
static void small_numbers_agree_with_whole_ones(void **state)
{
    uint64_t x = 88172645463325252u;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int32_t n[2];
        struct ward_decimal a, b, c;

        for (int k = 0; k < 2; k++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17; /* xorshift64 */
            n[k] = (int32_t)(x >> (32 + x % 30));
            n[k] = x & 1 ? n[k] : -n[k];
        }
        a = ward_decimal_of(n[0], -3);
        b = ward_decimal_of(n[1], -3);
        assert_int_equal(ward_decimal_cmp(&a, &b), n[0] < n[1] ? -1 : n[0] > n[1] ? 1 : 0);
        assert_int_equal(ward_decimal_add(&a, &b, &c, NULL), WARD_OK);
        b = ward_decimal_of((int64_t)n[0] + n[1], -3);
        assert_int_equal(ward_decimal_cmp(&c, &b), 0);
        b = ward_decimal_of(n[1], -3);
        assert_int_equal(ward_decimal_mul(&a, &b, &c, NULL), WARD_OK);
        b = ward_decimal_of((int64_t)n[0] * n[1], -6);
        assert_int_equal(ward_decimal_cmp(&c, &b), 0);
        if (n[1] == 0)
            continue;
        b = ward_decimal_of(n[1], 0);
        a = ward_decimal_of(n[0], 0);
        assert_int_equal(ward_decimal_div_round(&a, &b, 0, WARD_ROUND_DOWN, &c, NULL, NULL),
                         WARD_OK);
        b = ward_decimal_of((int64_t)n[0] / n[1], 0);
        assert_int_equal(ward_decimal_cmp(&c, &b), 0);
    }
}

static void a_search_means_the_number_as_written(void **state)
{
    static const struct {
        const char *a, *from, *to;
    } rows[] = {
        {"100", "99.5", "100.5"}, {"100.00", "99.995", "100.005"}, {"1e2", "95", "105"},
        {"0", "-0.5", "0.5"},     {"-1.10", "-1.105", "-1.095"},   {"5.4e0", "5.35", "5.45"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_decimal a = of(rows[i].a), lo, hi, from = of(rows[i].from),
                            to = of(rows[i].to);

        assert_int_equal(ward_decimal_span(&a, &lo, &hi, NULL), WARD_OK);
        assert_int_equal(ward_decimal_cmp(&lo, &from), 0);
        assert_int_equal(ward_decimal_cmp(&hi, &to), 0);
    }
}

static void doubles_are_the_nearest(void **state)
{
    static const struct {
        const char *text;
        double want;
    } rows[] = {{"0.1", 0.1},
                {"-1.10", -1.1},
                {"1e22", 1e22},
                {"1e400", HUGE_VAL},
                {"-1e400", -HUGE_VAL},
                {"1e-400", 0},
                {"9007199254740993", 9007199254740992.0}};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_decimal d = of(rows[i].text);

        assert_true(ward_decimal_double(&d) == rows[i].want);
    }
}

static void outputs_may_be_inputs(void **state)
{
    struct ward_decimal a = of("1.5");

    (void)state;
    assert_int_equal(ward_decimal_add(&a, &a, &a, NULL), WARD_OK);
    assert_string_equal(text_of(&a), "3.0");
    assert_int_equal(ward_decimal_mul(&a, &a, &a, NULL), WARD_OK);
    assert_string_equal(text_of(&a), "9.00");
    assert_int_equal(ward_decimal_div(&a, &a, &a, NULL), WARD_OK);
    assert_string_equal(text_of(&a), "1");
    a = ward_decimal_of(INT64_MIN, -2);
    assert_string_equal(text_of(&a), "-92233720368547758.08");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_of_a_number_comes_back),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(order_is_by_value),
        cmocka_unit_test(arithmetic_is_exact_or_refused),
        cmocka_unit_test(rounding_is_as_asked),
        cmocka_unit_test(small_numbers_agree_with_whole_ones),
        cmocka_unit_test(a_search_means_the_number_as_written),
        cmocka_unit_test(doubles_are_the_nearest),
        cmocka_unit_test(outputs_may_be_inputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
