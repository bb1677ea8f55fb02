#include "common/measure/ucum.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ward_ucum unit(const char *text)
{
    struct ward_ucum u = {.num = 0};
    struct ward_err err = {0};

    if (ward_ucum_parse(text, strlen(text), &u, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.reason);
    return u;
}

static struct ward_decimal of(const char *text)
{
    struct ward_decimal d = {.exp = 0};

    assert_int_equal(ward_decimal_parse(text, strlen(text), &d, NULL), WARD_OK);
    return d;
}

static void every_atom_is_defined_by_others_of_the_table(void **state)
{
    bool takes_prefix = false;
    const char *before = "";
    size_t i = 0;

    (void)state;
    for (const char *code; (code = ward_ucum_atom(i, &takes_prefix)) != NULL; i++) {
        char text[WARD_UCUM_SIZE], canonical[WARD_UCUM_SIZE];
        struct ward_ucum u = unit(code), again, kilo;

        assert_true(strcmp(before, code) < 0); /* sorted, because look-ups use binary search */
        before = code;
        assert_true(u.num > 0 && u.den > 0);
        ward_ucum_canonical(&u, canonical);
        again = unit(canonical);
        ward_ucum_canonical(&again, text);
        assert_string_equal(text, canonical);
        assert_int_equal(ward_ucum_commensurable(&u, &again, NULL), WARD_OK);
        snprintf(text, sizeof(text), "k%s", code);
        assert_true((ward_ucum_parse(text, strlen(text), &kilo, NULL) == WARD_OK) ==
                    takes_prefix);
    }
    assert_true(i > 300);
}

static const struct {
    const char *text, *canonical;
    double factor;
} written[] = {
    {"m", "m", 1},
    {"1", "1", 1},
    {"{score}", "1", 1},
    {"kg{dry}", "g", 1000},
    {"mg/dL", "g.m-3", 10},
    {"/min", "s-1", 1.0 / 60},
    {"10*9/L", "m-3", 1e12},
    {"10^-3", "1", 0.001},
    {"10*", "1", 10},
    {"/100{WBC}", "1", 0.01},
    {"mmol/L", "mol.m-3", 1},
    {"m[IU]/mL", "[iU].m-3", 1000},
    {"kg.m/s2", "g.m.s-2", 1000},
    {"kg.m.s-2", "g.m.s-2", 1000},
    {"m/s/s", "m.s-2", 1},
    {"m/(s.s)", "m.s-2", 1},
    {"m/(s/kg)", "g.m.s-1", 1000},
    {"/m/s", "m-1.s-1", 1},
    {"/m.s", "m-1.s", 1}, /* evaluated from left to right */
    {"m+2", "m2", 1},
    {"m0", "1", 1},
    {"m/m", "1", 1},
    {"2.m", "m", 2},
    {"((((((((((((((((m))))))))))))))))", "m", 1},
    {"mm[Hg]", "g.m-1.s-2", 133322},
    {"L/min/m2", "m.s-1", 1.0 / 60000},
    {"dag", "g", 10},
    {"cd", "cd", 1},
    {"Pa", "g.m-1.s-2", 1000},
    {"mm[H2O]", "g.m-1.s-2", 9806.65},
    {"[in_i'H2O]", "g.m-1.s-2", 249088.91},
    {"g%", "g.m-3", 10000},
    {"KiBy", "1", 8192},
    {"[IU]/[IU]", "1", 1},
    {"meq/mmol", "eq.mol-1", 1},
};

static void units_are_read_as_ucum_writes_them(void **state)
{

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(written); i++) {
        struct ward_ucum u = unit(written[i].text);
        struct ward_decimal one = of("1");
        char text[WARD_UCUM_SIZE];
        double factor = ward_ucum_to_canonical(&one, &u);
        size_t n = ward_ucum_canonical(&u, text);

        if (strcmp(text, written[i].canonical) != 0 || factor != written[i].factor)
            fail_msg("%s is %.17g %s", written[i].text, factor, text);
        assert_int_equal(n, strlen(text));
    }
}

static const struct {
    const char *text, *reason;
} refused[] = {
    {"", "UCUM_MALFORMED"},
    {" ", "UCUM_MALFORMED"},
    {"m ", "UCUM_MALFORMED"},
    {"m s", "UCUM_MALFORMED"},
    {"/", "UCUM_MALFORMED"},
    {"//m", "UCUM_MALFORMED"},
    {"m//s", "UCUM_MALFORMED"},
    {".m", "UCUM_MALFORMED"},
    {"m.", "UCUM_MALFORMED"},
    {"m/", "UCUM_MALFORMED"},
    {"(m", "UCUM_MALFORMED"},
    {"m)", "UCUM_MALFORMED"},
    {"()", "UCUM_MALFORMED"},
    {"(m)2", "UCUM_MALFORMED"},
    {"m-", "UCUM_MALFORMED"},
    {"m--1", "UCUM_MALFORMED"},
    {"2.5", "UCUM_MALFORMED"},
    {"1.73.m2", "UCUM_MALFORMED"},
    {"0", "UCUM_MALFORMED"},
    {"-1", "UCUM_MALFORMED"},
    {"5*3", "UCUM_MALFORMED"},
    {"010*3", "UCUM_MALFORMED"},
    {"{", "UCUM_MALFORMED"},
    {"{a", "UCUM_MALFORMED"},
    {"m{a b}", "UCUM_MALFORMED"},
    {"m{{a}}", "UCUM_MALFORMED"},
    {"{a}m", "UCUM_MALFORMED"},
    {"[in_i", "UCUM_MALFORMED"},
    {"]", "UCUM_MALFORMED"},
    {"m=2", "UCUM_MALFORMED"},
    {"m\"", "UCUM_MALFORMED"},
    {"\xc2\xb5g", "UCUM_MALFORMED"},
    {"Cel/min", "UCUM_MALFORMED"},
    {"/Cel", "UCUM_MALFORMED"},
    {"Cel2", "UCUM_MALFORMED"},
    {"2.Cel", "UCUM_MALFORMED"},
    {"[pH].m", "UCUM_MALFORMED"},
    {"dB/m", "UCUM_MALFORMED"},
    {"x", "UCUM_UNKNOWN_UNIT"},
    {"mgg", "UCUM_UNKNOWN_UNIT"},
    {"kmin", "UCUM_UNKNOWN_UNIT"},
    {"mmHg", "UCUM_UNKNOWN_UNIT"},
    {"KG", "UCUM_UNKNOWN_UNIT"},
    {"kkg", "UCUM_UNKNOWN_UNIT"},
    {"[foo]", "UCUM_UNKNOWN_UNIT"},
    {"m^2", "UCUM_UNKNOWN_UNIT"},
    {"gr", "UCUM_UNKNOWN_UNIT"},
    {"k", "UCUM_UNKNOWN_UNIT"},
    {"m100", "UCUM_TOO_COMPLEX"},
    {"m50.m50", "UCUM_TOO_COMPLEX"},
    {"[ft_i]30", "UCUM_TOO_COMPLEX"},
    {"[IU].[USP'U].[arb'U].mol.eq", "UCUM_TOO_COMPLEX"},
    {"999999999999999999999999999999999999999", "UCUM_TOO_COMPLEX"},
    {"(((((((((((((((((m)))))))))))))))))", "UCUM_TOO_COMPLEX"},
};

static void what_ucum_does_not_know_is_refused(void **state)
{
    char text[WARD_UCUM_MAX + 2];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(refused); i++) {
        struct ward_ucum u = {.num = 77};
        struct ward_err err = {0};

        if (ward_ucum_parse(refused[i].text, strlen(refused[i].text), &u, &err) == WARD_OK)
            fail_msg("taken: %s", refused[i].text);
        if (strcmp(err.reason, refused[i].reason) != 0)
            fail_msg("%s: %s", refused[i].text, err.reason);
        assert_true(u.num == 77);
    }
    memset(text, 'm', sizeof(text));
    for (size_t i = 1; i < sizeof(text); i += 2)
        text[i] = i % 4 == 1 ? '.' : '/';
    {
        struct ward_ucum u;

        assert_int_equal(ward_ucum_parse(text, WARD_UCUM_MAX - 1, &u, NULL), WARD_OK);
        assert_int_equal(ward_ucum_parse(text, WARD_UCUM_MAX + 1, &u, NULL),
                         WARD_INVALID_ARGUMENT);
        assert_int_equal(ward_ucum_parse("m\0", 2, &u, NULL), WARD_INVALID_ARGUMENT);
    }
}

static const struct {
    const char *x, *from, *to, *want;
} conversions[] = {
    {"70", "[lb_av]", "kg", "31.7514659"},
    {"1.10", "kg", "g", "1.1e+3"},
    {"1", "kg", "[lb_av]", "UCUM_INEXACT"},
    {"453.59237", "g", "[lb_av]", "1"},
    {"120", "mm[Hg]", "Pa", "15998.64"},
    {"37", "Cel", "[degF]", "98.6"},
    {"98.6", "[degF]", "Cel", "37"},
    {"98.7", "[degF]", "Cel", "UCUM_INEXACT"},
    {"-40", "[degF]", "Cel", "-4e+1"},
    {"0", "K", "Cel", "-273.15"},
    {"36.6", "Cel", "K", "309.75"},
    {"36600", "mCel", "Cel", "36.6"},
    {"80", "[degRe]", "Cel", "1e+2"},
    {"1", "Cel", "Cel", "1"},
    {"5", "dB", "B", "0.5"},
    {"7.4", "[pH]", "[pH]", "7.4"},
    {"7.4", "[pH]", "mol/L", "UCUM_NOT_LINEAR"},
    {"3", "B[V]", "V", "UCUM_NOT_LINEAR"},
    {"3", "B[V]", "B[mV]", "UCUM_NOT_LINEAR"},
    {"5.5", "mmol/L", "mg/dL", "UCUM_NEEDS_SUBSTANCE"},
    {"5.5", "mg/dL", "mmol/L", "UCUM_NEEDS_SUBSTANCE"},
    {"1", "meq", "mmol", "UCUM_NEEDS_SUBSTANCE"},
    {"1", "mosm/kg", "mmol/kg", "UCUM_NEEDS_SUBSTANCE"},
    {"1", "[IU]", "mg", "UCUM_NEEDS_SUBSTANCE"},
    {"1", "[IU]", "[arb'U]", "UCUM_NOT_COMMENSURABLE"},
    {"1", "[IU]/mL", "k[iU]/L", "1"},
    {"1", "mol", "1", "UCUM_NOT_COMMENSURABLE"},
    {"1", "kg", "m", "UCUM_NOT_COMMENSURABLE"},
    {"1", "deg", "rad", "UCUM_INEXACT"},
    {"1.5", "deg", "'", "9e+1"},
    {"0.5", "circ", "deg", "1.8e+2"},
    {"5", "[car_Au]", "%", "UCUM_INEXACT"},
    {"6", "[car_Au]", "%", "25"},
    {"1", "a", "d", "365.25"},
    {"1e-30", "kg", "ng", "0.000000000000000001"},
    {"12345678901234567890.123456789", "kg", "g", "12345678901234567890123.456789"},
    {"99999999999999999999999999999999999999", "[lb_av]", "g", "DECIMAL_OVERFLOW"},
    {"1e1000", "kg", "g", "DECIMAL_OVERFLOW"},
    {"0", "[lb_av]", "kg", "0"},
};

static void conversions_are_exact_or_say_why_not(void **state)
{

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(conversions); i++) {
        struct ward_ucum from = unit(conversions[i].from), to = unit(conversions[i].to);
        struct ward_decimal x = of(conversions[i].x), y = {.coef = 77};
        struct ward_err err = {0};
        char text[WARD_DECIMAL_SIZE];
        const char *got = err.reason;

        if (ward_ucum_convert(&x, &from, &to, &y, &err) == WARD_OK) {
            ward_decimal_print(&y, text);
            got = text;
        } else {
            assert_true(y.coef == 77);
        }
        if (strcmp(got, conversions[i].want) != 0)
            fail_msg("%s %s in %s: %s", conversions[i].x, conversions[i].from,
                     conversions[i].to, got);
    }
}

static void rounding_is_once_and_as_asked(void **state)
{
    static const struct {
        const char *x, *from, *to;
        int exp;
        const char *down, *up, *nearest;
    } rows[] = {
        {"100.1", "[degF]", "Cel", -2, "37.83", "37.84", "37.83"},
        {"98.6", "[degF]", "Cel", -1, "37.0", "37.0", "37.0"},
        {"-40.05", "[degF]", "Cel", -1, "-40.0", "-40.1", "-40.0"},
        {"70", "kg", "[lb_av]", -1, "154.3", "154.4", "154.3"},
        {"154", "[lb_av]", "kg", 0, "69", "70", "70"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        const char *const want[] = {rows[i].down, rows[i].up, rows[i].nearest};

        for (int how = WARD_ROUND_DOWN; how <= WARD_ROUND_HALF_UP; how++) {
            struct ward_ucum from = unit(rows[i].from), to = unit(rows[i].to);
            struct ward_decimal x = of(rows[i].x), y;
            char text[WARD_DECIMAL_SIZE];
            bool inexact = false;

            assert_int_equal(ward_ucum_convert_round(&x, &from, &to, rows[i].exp,
                                                     (enum ward_round)how, &y, &inexact, NULL),
                             WARD_OK);
            ward_decimal_print(&y, text);
            assert_string_equal(text, want[how]);
            assert_true(inexact == (strcmp(rows[i].down, rows[i].up) != 0));
        }
    }
}

static void one_quantity_is_found_under_any_of_its_units(void **state)
{
    static const struct {
        const char *x, *a, *y, *b;
    } rows[] = {
        {"120", "mg/dL", "1.2", "g/L"},
        {"37", "Cel", "98.6", "[degF]"},
        {"1", "[lb_av]", "0.45359237", "kg"},
        {"60", "/min", "1", "Hz"},
        {"7", "10*3/uL", "7", "10*9/L"},
        {"1", "[degF]", "460.67", "[degR]"},
        {"180", "deg", "0.5", "circ"},
        {"50", "dB", "5", "B"},
        {"3", "[Ch]", "1", "mm"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_ucum a = unit(rows[i].a), b = unit(rows[i].b);
        struct ward_decimal x = of(rows[i].x), y = of(rows[i].y);
        char key_a[WARD_UCUM_SIZE], key_b[WARD_UCUM_SIZE];

        assert_true(ward_ucum_to_canonical(&x, &a) == ward_ucum_to_canonical(&y, &b));
        ward_ucum_canonical(&a, key_a);
        ward_ucum_canonical(&b, key_b);
        assert_string_equal(key_a, key_b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_atom_is_defined_by_others_of_the_table),
        cmocka_unit_test(units_are_read_as_ucum_writes_them),
        cmocka_unit_test(what_ucum_does_not_know_is_refused),
        cmocka_unit_test(conversions_are_exact_or_say_why_not),
        cmocka_unit_test(rounding_is_once_and_as_asked),
        cmocka_unit_test(one_quantity_is_found_under_any_of_its_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
