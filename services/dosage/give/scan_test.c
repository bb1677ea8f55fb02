#include "services/dosage/give/give.h"
#include "services/dosage/give/gs1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define YEAR 2026
#define GS   "\x1d"

/* Prints "gtin lot expires serial", with "-" for missing parts; "?" if unreadable. */
static const char *elements(const char *s)
{
    static char out[128];
    struct gs1 g;

    if (!gs1_elements(s, strlen(s), YEAR, &g))
        return "?";
    snprintf(out, sizeof(out), "%s %s %s %s", g.gtin, *g.lot == '\0' ? "-" : g.lot,
             *g.expires_on == '\0' ? "-" : g.expires_on, *g.serial == '\0' ? "-" : g.serial);
    return out;
}

/* Prints "kind gtin". */
static const char *scanned(const char *s)
{
    static char out[64];
    Ward__Dosage__V1__Scanned *found = NULL;
    struct ward_err err = {0};
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, 4096);
    code = scan_parse(s, &mem, &found, &err);
    if (code == WARD_OK)
        snprintf(out, sizeof(out), "%s %s", found->kind,
                 *found->gtin != '\0' ? found->gtin : found->code);
    else
        snprintf(out, sizeof(out), "%s", err.reason);
    ward_arena_done(&mem);
    return out;
}

struct row {
    const char *in, *out;
};

static void check_digits_are_those_of_the_specification(void **state)
{
    /* Check digits of the GS1 specification: 6291041500213 is the worked example; 614141000036,
     * 10614141000415 and 96385074 are its examples of GTIN-12, GTIN-14 and GTIN-8. */
    static const char *const good[] = {"6291041500213", "614141000036", "10614141000415",
                                       "96385074"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(good); i++) {
        char bad[16];
        size_t n = strlen(good[i]);

        assert_true(gs1_check_digit(good[i], n));
        for (size_t k = 0; k < n; k++) /* every error in one digit is detected */
            for (int d = '0'; d <= '9'; d++) {
                memcpy(bad, good[i], n + 1);
                bad[k] = (char)d;
                assert_int_equal(gs1_check_digit(bad, n), d == good[i][k]);
            }
    }
    assert_false(gs1_check_digit("", 0));
    assert_false(gs1_check_digit("0", 1));
    assert_false(gs1_check_digit("96385O74", 8));
}

static void numbers_become_fourteen_digits(void **state)
{
    char out[GS1_GTIN];

    (void)state;
    assert_true(gs1_gtin("96385074", 8, out));
    assert_string_equal(out, "00000096385074");
    assert_true(gs1_gtin("614141000036", 12, out));
    assert_string_equal(out, "00614141000036");
    assert_true(gs1_gtin("6291041500213", 13, out));
    assert_string_equal(out, "06291041500213");
    assert_true(gs1_gtin("10614141000415", 14, out));
    assert_string_equal(out, "10614141000415");
    assert_false(gs1_gtin("00000000000000", 14, out)); /* 0 is not a GTIN */
    assert_false(gs1_gtin("614141000", 9, out));
}

static void a_year_is_of_the_nearest_century(void **state)
{
    char out[GS1_DATE];
    static const struct {
        const char *in;
        int now;
        const char *out;
    } rows[] = {
        {"270331", 2026, "2027-03-31"}, {"760101", 2026, "2076-01-01"},
        {"770101", 2026, "1977-01-01"}, {"260101", 2026, "2026-01-01"},
        {"000101", 2026, "2000-01-01"}, {"000101", 2050, "2100-01-01"},
        {"010101", 2051, "2101-01-01"}, {"020101", 2051, "2002-01-01"},
        {"990101", 2000, "1999-01-01"}, {"500101", 2000, "2050-01-01"},
        {"510101", 2000, "1951-01-01"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        assert_true(gs1_date(rows[i].in, rows[i].now, out));
        assert_string_equal(out, rows[i].out);
    }
}

static void a_day_00_is_the_month_s_last(void **state)
{
    char out[GS1_DATE];

    (void)state;
    assert_true(gs1_date("270200", YEAR, out));
    assert_string_equal(out, "2027-02-28");
    assert_true(gs1_date("280200", YEAR, out));
    assert_string_equal(out, "2028-02-29");
    assert_true(gs1_date("261200", YEAR, out));
    assert_string_equal(out, "2026-12-31");
}

static void a_date_that_is_none_is_refused(void **state)
{
    static const char *const bad[] = {"270001", "271301", "270229",
                                      "270431", "270132", "2703x1"};
    char out[GS1_DATE];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_false(gs1_date(bad[i], YEAR, out));
}

static void element_strings_are_read(void **state)
{
    static const struct row rows[] = {
        /* the example of 7.8.5.1 of the specification */
        {"0195012345678903" GS "3103000123", "95012345678903 - - -"},
        {"01950123456789033103000123", "95012345678903 - - -"},
        {"0195012345678903422616" GS "3103000123", "95012345678903 - - -"},
        {"(01)95012345678903(3103)000123", "95012345678903 - - -"},
        {"(01)95012345678903(422)616(3103)000123", "95012345678903 - - -"},
        {"010950600013435217271120"
         "10ABC123" GS "21X1",
         "09506000134352 ABC123 2027-11-20 X1"},
        {GS "010950600013435210A" GS "17271100", "09506000134352 A 2027-11-30 -"},
        {"0109506000134352"
         "21S" GS "10L" GS,
         "09506000134352 L - S"},
        {"(01)09506000134352(10)A(B)1(17)271120", "09506000134352 A(B)1 2027-11-20 -"},
        {"(10)A1(01)09506000134352", "09506000134352 A1 - -"},
        {"0109506000134352"
         "7003"
         "2711201430",
         "09506000134352 - 2027-11-20 -"},
        {"0109506000134352"
         "240X" GS "7123456" GS "99whatever",
         "09506000134352 - - -"},
        /* an element repeated with an equal value */
        {"0109506000134352"
         "10A" GS "10A",
         "09506000134352 A - -"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_string_equal(elements(rows[i].in), rows[i].out);
}

static void what_is_no_element_string_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        GS,
        "0195012345678902",    /* wrong check digit */
        "019501234567890",     /* too short */
        "(01)9501234567890",   /* too short */
        "(01)950123456789033", /* too long */
        "10A1",                /* no GTIN */
        "0109506000134352"
        "17271320", /* month 13 */
        "0109506000134352"
        "1727112", /* a digit is missing */
        "0109506000134352"
        "10", /* an empty lot */
        "0109506000134352"
        "10123456789012345678901", /* a lot of 21 characters */
        "0109506000134352"
        "10A\x01", /* a character outside of set 82 */
        "0109506000134352"
        "10A" GS GS "21B", /* an empty element */
        "0109506000134352"
        "10A" GS "10B", /* two lots */
        "0109506000134352"
        "0195012345678903", /* two GTINs */
        "0109506000134352"
        "0209506000134352"
        "371",                  /* content of a box */
        "00006141411234567890", /* a pallet's code */
        "0109506000134352"
        "14270101", /* identifier 14 is not assigned */
        "0109506000134352"
        "6A", /* identifier 6 is not assigned */
        "(01)09506000134352(10A",
        "(01)09506000134352()A",
        "(1)09506000134352",
        "0109506000134352"
        "70032711002430", /* a time of day requires a day */
        "0109506000134352"
        "70032711202460", /* hour 24 */
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_string_equal(elements(bad[i]), "?");
}

static void kinds_are_told_apart(void **state)
{
    static const struct row rows[] = {
        {"]d20109506000134352", "gs1 09506000134352"},
        {"]C10109506000134352\r\n", "gs1 09506000134352"},
        {"]e00109506000134352", "gs1 09506000134352"},
        {"]Q30109506000134352", "gs1 09506000134352"},
        {"09506000134352", "gtin 09506000134352"},
        {"9506000134352", "gtin 09506000134352"},
        {"]E09506000134352", "gtin 09506000134352"},
        {"]E496385074", "gtin 00000096385074"},
        {"]I110614141000415", "gtin 10614141000415"},
        {"614141000036", "gtin 00614141000036"},
        {"300450449108", "ndc 00300450449108"},
        {"83060671234567890123", "trace 83060671234567890123"},
        {"]C083060671234567890123\r", "trace 83060671234567890123"},
        {"]d183060671234567890123", "trace 83060671234567890123"},
        {"]d283060671234567890123", "SCAN_UNREADABLE"}, /* announced as element strings */
        {"]E083060671234567890123", "SCAN_UNREADABLE"}, /* announced as a number of 13 digits */
        {"8306067123456789012", "SCAN_UNREADABLE"},
        {"830606712345678901234", "SCAN_UNREADABLE"},
        {"8306067123456789012X", "SCAN_UNREADABLE"},
        {"00061414112345678905", "SCAN_UNREADABLE"}, /* a pallet's code */
        {"]d209506000134352", "SCAN_UNREADABLE"},    /* announced as element strings */
        {"]E00109506000134352", "SCAN_UNREADABLE"},  /* announced as a number */
        {"]C00109506000134352", "SCAN_UNREADABLE"},  /* not a GS1 symbol */
        {"]d2", "SCAN_UNREADABLE"},
        {"]", "SCAN_UNREADABLE"},
        {"", "SCAN_UNREADABLE"},
        {"\n", "SCAN_UNREADABLE"},
        {"https://id.gs1.org/01/09506000134352", "SCAN_UNREADABLE"},
        {"paracetamol 500 mg", "SCAN_UNREADABLE"},
        {"9506000134353", "SCAN_UNREADABLE"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_string_equal(scanned(rows[i].in), rows[i].out);
}

/* Prints the date hidden in a lot; "": no hidden date. */
static const char *hidden(const char *s)
{
    static struct gs1 g;

    assert_true(gs1_elements(s, strlen(s), YEAR, &g));
    return g.hidden;
}

static void an_expiry_that_a_lot_swallowed_is_seen(void **state)
{
    static const struct row rows[] = {
        {"0109506000134352"
         "10A17270331",
         "2027-03-31"},
        {"0109506000134352"
         "21S17270300",
         "2027-03-31"},
        {"0109506000134352"
         "1017172703", /* the lot consists of the six digits */
         ""},
        {"0109506000134352"
         "10A17270331X", /* the date is in the middle */
         "2027-03-31"},
        {"0109506000134352"
         "10A1725010117270331", /* of two dates, the date at the end counts */
         "2027-03-31"},
        {"0109506000134352"
         "10A17270331" GS "21S",
         ""}, /* the printer sends separators */
        {"0109506000134352"
         "1728010110A17270331",
         ""}, /* another element has a date */
        {"(01)09506000134352(10)A17270331", ""},
        {"0109506000134352"
         "10A17271331",
         ""}, /* month 13 */
        {"0109506000134352"
         "10A17451231",
         ""}, /* no product is valid until then */
        {"0109506000134352"
         "10A17150101",
         ""}, /* no product in use expired so long ago */
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_string_equal(hidden(rows[i].in), rows[i].out);
}

static void a_huge_scan_is_refused(void **state)
{
    char big[1024];

    (void)state;
    memset(big, '9', sizeof(big));
    big[sizeof(big) - 1] = '\0';
    assert_string_equal(scanned(big), "SCAN_UNREADABLE");
    memcpy(big,
           "]d20109506000134352"
           "91",
           21);
    big[512] = '\0';
    assert_string_equal(scanned(big), "SCAN_UNREADABLE"); /* the element has 490 characters */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_digits_are_those_of_the_specification),
        cmocka_unit_test(numbers_become_fourteen_digits),
        cmocka_unit_test(a_year_is_of_the_nearest_century),
        cmocka_unit_test(a_day_00_is_the_month_s_last),
        cmocka_unit_test(a_date_that_is_none_is_refused),
        cmocka_unit_test(element_strings_are_read),
        cmocka_unit_test(what_is_no_element_string_is_refused),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(an_expiry_that_a_lot_swallowed_is_seen),
        cmocka_unit_test(a_huge_scan_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
