#include "common/measure/fhirtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define S WARD_US_PER_SECOND
#define D WARD_US_PER_DAY

static struct ward_fhirtime moment(enum ward_fhirtime_type type, const char *text, int zone)
{
    struct ward_fhirtime t = {.year = 0};
    struct ward_err err = {0};

    if (ward_fhirtime_parse(type, text, strlen(text), zone, &t, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.msg);
    return t;
}

static const struct {
    enum ward_fhirtime_type type;
    const char *text;
    int zone;
    int64_t from, length;
    enum ward_fhirtime_precision precision;
} covered[] = {
    {WARD_FHIR_DATE, "1970", 0, 0, 365 * D, WARD_TO_YEAR},
    {WARD_FHIR_DATE, "1972", 0, 730 * D, 366 * D, WARD_TO_YEAR},
    {WARD_FHIR_DATE, "1970-02", 0, 31 * D, 28 * D, WARD_TO_MONTH},
    {WARD_FHIR_DATE, "1972-02", 0, 761 * D, 29 * D, WARD_TO_MONTH},
    {WARD_FHIR_DATE, "1970-12", 0, 334 * D, 31 * D, WARD_TO_MONTH},
    {WARD_FHIR_DATE, "1969-12-31", 0, -D, D, WARD_TO_DAY},
    {WARD_FHIR_DATE, "1970-01-01", 480, -480 * 60 * S, D, WARD_TO_DAY},
    {WARD_FHIR_DATE, "1970-01-01", -300, 300 * 60 * S, D, WARD_TO_DAY},
    {WARD_FHIR_DATE, "0001-01-01", 0, INT64_C(-62135596800) * S, D, WARD_TO_DAY},
    {WARD_FHIR_DATE, "9999-12-31", 0, INT64_C(253402214400) * S, D, WARD_TO_DAY},
    {WARD_FHIR_DATETIME, "1970", 0, 0, 365 * D, WARD_TO_YEAR},
    {WARD_FHIR_DATETIME, "1970-01-02", 0, D, D, WARD_TO_DAY},
    {WARD_FHIR_DATETIME, "1970-01-01T00:00:00Z", 480, 0, S, WARD_TO_SECOND},
    {WARD_FHIR_DATETIME, "1970-01-01T08:00:01+08:00", 0, S, S, WARD_TO_SECOND},
    {WARD_FHIR_DATETIME, "1969-12-31T19:00:00-05:00", 0, 0, S, WARD_TO_SECOND},
    {WARD_FHIR_DATETIME, "1970-01-01T14:00:00+14:00", 0, 0, S, WARD_TO_SECOND},
    {WARD_FHIR_DATETIME, "2016-12-31T23:59:60Z", 0, INT64_C(1483228800) * S, S, WARD_TO_SECOND},
    {WARD_FHIR_INSTANT, "1970-01-01T00:00:00.5Z", 0, S / 2, S / 10, WARD_TO_FRACTION},
    {WARD_FHIR_INSTANT, "1970-01-01T00:00:00.500Z", 0, S / 2, S / 1000, WARD_TO_FRACTION},
    {WARD_FHIR_INSTANT, "1970-01-01T00:00:00.000001Z", 0, 1, 1, WARD_TO_FRACTION},
    {WARD_FHIR_INSTANT, "1970-01-01T00:00:00.0000019999Z", 0, 1, 1, WARD_TO_FRACTION},
    {WARD_FHIR_INSTANT, "1969-12-31T23:59:59.75-00:00", 0, -S / 4, S / 100, WARD_TO_FRACTION},
    {WARD_FHIR_TIME, "00:00:00", 480, 0, S, WARD_TO_SECOND},
    {WARD_FHIR_TIME, "23:59:59.5", 0, 86399 * S + S / 2, S / 10, WARD_TO_FRACTION},
};

static void a_value_covers_what_it_does_not_say(void **state)
{

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(covered); i++) {
        struct ward_fhirtime t = moment(covered[i].type, covered[i].text, covered[i].zone);

        if (t.from_us != covered[i].from || t.to_us - t.from_us != covered[i].length)
            fail_msg("%s: %lld, %lld", covered[i].text, (long long)t.from_us,
                     (long long)(t.to_us - t.from_us));
        assert_int_equal(t.precision, covered[i].precision);
    }
}

static void what_is_written_is_kept(void **state)
{
    struct ward_fhirtime t = moment(WARD_FHIR_DATETIME, "2021-03-04T05:06:07.0890-03:30", 480);

    (void)state;
    assert_true(t.year == 2021 && t.month == 3 && t.day == 4);
    assert_true(t.hour == 5 && t.minute == 6 && t.second == 7 && t.fraction_digits == 4);
    assert_true(t.has_offset && !t.zulu && t.offset_min == -210);
    t = moment(WARD_FHIR_DATETIME, "2021-03-04T05:06:07Z", 480);
    assert_true(t.has_offset && t.zulu && t.offset_min == 0);
    t = moment(WARD_FHIR_DATETIME, "2021-03", 480);
    assert_true(!t.has_offset && t.offset_min == 480 && t.day == 0);
}

static const struct {
    enum ward_fhirtime_type type;
    const char *text, *reason;
} refused[] = {
    {WARD_FHIR_DATE, "", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "21", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "202", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "20210", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "2021-", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "2021-3", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "2021-03-", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "2021-03-4", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "2021/03/04", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "20210304", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, " 2021", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "2021 ", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "-2021", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "+2021", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "2021-03-04T00:00:00Z", "DATE_MALFORMED"},
    {WARD_FHIR_DATE, "0000", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATE, "2021-00", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATE, "2021-13", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATE, "2021-01-00", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATE, "2021-02-29", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATE, "1900-02-29", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATE, "2000-02-30", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATE, "2021-04-31", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATE, "2021-12-32", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATETIME, "2021T00:00:00Z", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03T00:00:00Z", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06Z", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04 05:06:07Z", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04t05:06:07Z", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07z", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07.Z", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07,5Z", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07+0800", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07+8:00", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07ZZ", "DATE_MALFORMED"},
    {WARD_FHIR_DATETIME, "2021-03-04T24:00:00Z", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:60:07Z", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:61Z", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07+14:01", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07-15:00", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATETIME, "2021-03-04T05:06:07+08:60", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_DATETIME, "2021-02-29T05:06:07Z", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_INSTANT, "2021", "DATE_MALFORMED"},
    {WARD_FHIR_INSTANT, "2021-03-04", "DATE_MALFORMED"},
    {WARD_FHIR_INSTANT, "2021-03-04T05:06:07.0000000000000000000000000000000Z",
     "DATE_MALFORMED"},
    {WARD_FHIR_TIME, "24:00:00", "DATE_IMPOSSIBLE"},
    {WARD_FHIR_TIME, "12:00", "DATE_MALFORMED"},
    {WARD_FHIR_TIME, "12:00:00Z", "DATE_MALFORMED"},
    {WARD_FHIR_TIME, "2021-03-04", "DATE_MALFORMED"},
};

static void what_fhir_does_not_take_is_refused(void **state)
{

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(refused); i++) {
        struct ward_fhirtime t = {.year = 77};
        struct ward_err err = {0};

        if (ward_fhirtime_parse(refused[i].type, refused[i].text, strlen(refused[i].text), 0,
                                &t, &err) == WARD_OK)
            fail_msg("taken: %s", refused[i].text);
        if (strcmp(err.reason, refused[i].reason) != 0)
            fail_msg("%s: %s", refused[i].text, err.reason);
        assert_int_equal(t.year, 77);
        assert_null(strstr(err.msg, "2021"));
    }
}

/* Compares all days of ten thousand years with the C library's calendar. */
static void days_agree_with_the_c_library(void **state)
{
    int64_t day = ward_days_of(1, 1, 1);

    (void)state;
    for (int year = 1; year <= 9999; year++) {
        for (int month = 1; month <= 12; month++) {
            int n = ward_days_in_month(year, month), y, m, d;
            time_t t = (time_t)(day * 86400);
            struct tm tm;

            assert_int_equal(ward_days_of(year, month, 1), day);
            assert_non_null(gmtime_r(&t, &tm));
            assert_true(tm.tm_year + 1900 == year && tm.tm_mon + 1 == month && tm.tm_mday == 1);
            for (int i = 1; i <= n; i++, day++) {
                ward_days_to(day, &y, &m, &d);
                assert_true(y == year && m == month && d == i);
            }
        }
    }
    assert_int_equal(ward_days_of(1970, 1, 1), 0);
}

static void age_is_in_whole_years_and_says_what_it_cannot_know(void **state)
{
    static const struct {
        const char *birth, *at;
        int least, most; /* -1: rejected */
    } rows[] = {
        {"1980-06-15", "2020-06-14", 39, 39}, {"1980-06-15", "2020-06-15", 40, 40},
        {"1980-06-15", "1980-06-15", 0, 0},   {"1980-06-15", "1980-06-14", -1, 0},
        {"2000-02-29", "2001-02-28", 0, 0},   {"2000-02-29", "2001-03-01", 1, 1},
        {"2000-02-29", "2004-02-29", 4, 4},   {"1980", "2020-06-15", 39, 40},
        {"1980", "2020-12-31", 40, 40},       {"1980", "2020-01-01", 39, 40},
        {"1980-06", "2020-06-15", 39, 40},    {"1980-06", "2020-07-15", 40, 40},
        {"1980-06-15", "2020", 39, 40},       {"1980", "1980", 0, 0},
        {"1980-06-15", "1980", 0, 0},         {"1980-06", "1980-06-02", 0, 0},
        {"1980", "1980-06-02", 0, 0},         {"1981", "1980", -1, 0},
        {"1980-07", "1980-06", -1, 0},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_fhirtime birth = moment(WARD_FHIR_DATE, rows[i].birth, 0);
        struct ward_fhirtime at = moment(WARD_FHIR_DATE, rows[i].at, 0);
        struct ward_err err = {0};
        int least = -1, most = 0;
        enum ward_code code = ward_fhirtime_age(&birth, &at, &least, &most, &err);

        if (least != rows[i].least || (least >= 0 && most != rows[i].most))
            fail_msg("%s at %s: %d to %d", rows[i].birth, rows[i].at, least, most);
        assert_int_equal(code, least < 0 ? WARD_OUT_OF_RANGE : WARD_OK);
    }
}

static void a_shift_keeps_all_but_the_day(void **state)
{
    static const struct {
        enum ward_fhirtime_type type;
        const char *text;
        int days;
        const char *want; /* NULL: rejected */
    } rows[] = {
        {WARD_FHIR_DATE, "2021-03-01", -1, "2021-02-28"},
        {WARD_FHIR_DATE, "2020-02-28", 1, "2020-02-29"},
        {WARD_FHIR_DATE, "2020-12-31", 1, "2021-01-01"},
        {WARD_FHIR_DATE, "2021-06", 30, "2021-07"},
        {WARD_FHIR_DATE, "2021-06", 3, "2021-06"},
        {WARD_FHIR_DATE, "2021", 365, "2022"},
        {WARD_FHIR_DATE, "2021", -100, "2021"},
        {WARD_FHIR_DATETIME, "2021-03-04T05:06:07.0890-03:30", 10,
         "2021-03-14T05:06:07.0890-03:30"},
        {WARD_FHIR_DATETIME, "2021-03-04T05:06:07-00:00", 0, "2021-03-04T05:06:07-00:00"},
        {WARD_FHIR_DATETIME, "2016-12-31T23:59:60Z", 1, "2017-01-01T23:59:60Z"},
        {WARD_FHIR_INSTANT, "2021-03-04T05:06:07Z", -63, "2020-12-31T05:06:07Z"},
        {WARD_FHIR_DATE, "0001-01-01", -1, NULL},
        {WARD_FHIR_DATE, "9999-12-31", 1, NULL},
        {WARD_FHIR_DATE, "9999", 365, NULL},
        {WARD_FHIR_DATE, "2021-02-29", 1, NULL},
        {WARD_FHIR_TIME, "12:00:00", 1, NULL},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        char out[WARD_FHIRTIME_SIZE] = "-", back[WARD_FHIRTIME_SIZE];
        enum ward_code code = ward_fhirtime_shift(
            rows[i].type, rows[i].text, strlen(rows[i].text), rows[i].days, out, NULL);

        assert_string_equal(out, rows[i].want == NULL ? "-" : rows[i].want);
        assert_true((code == WARD_OK) == (rows[i].want != NULL));
        if (code != WARD_OK || strlen(out) < 10)
            continue;
        assert_int_equal(
            ward_fhirtime_shift(rows[i].type, out, strlen(out), -rows[i].days, back, NULL),
            WARD_OK);
        assert_string_equal(back, rows[i].text);
    }
}

static void moments_are_printed_in_their_zone(void **state)
{
    static const struct {
        int64_t us;
        int offset, digits;
        const char *want; /* NULL: rejected */
    } rows[] = {
        {0, 0, 0, "1970-01-01T00:00:00Z"},
        {-1, 0, 6, "1969-12-31T23:59:59.999999Z"},
        {-1, 0, 0, "1969-12-31T23:59:59Z"},
        {1614805567089000, 480, 3, "2021-03-04T05:06:07.089+08:00"},
        {0, -210, 1, "1969-12-31T20:30:00.0-03:30"},
        {0, 840, 0, "1970-01-01T14:00:00+14:00"},
        {0, 841, 0, NULL},
        {0, 0, 7, NULL},
        {INT64_MAX, 0, 0, NULL},
        {INT64_MIN, 840, 0, NULL},
        {INT64_C(253402300799999999), 0, 6, "9999-12-31T23:59:59.999999Z"},
        {INT64_C(253402300800000000), 0, 6, NULL},
        {INT64_C(253402300799999999), 1, 6, NULL},
        {INT64_C(-62135596800000000), 0, 0, "0001-01-01T00:00:00Z"},
        {INT64_C(-62135596800000001), 0, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        char out[WARD_FHIRTIME_SIZE] = "-";
        enum ward_code code =
            ward_fhirtime_print(rows[i].us, rows[i].offset, rows[i].digits, out, NULL);
        struct ward_fhirtime t;

        assert_string_equal(out, rows[i].want == NULL ? "-" : rows[i].want);
        assert_true((code == WARD_OK) == (rows[i].want != NULL));
        if (code != WARD_OK)
            continue;
        t = moment(WARD_FHIR_INSTANT, out, 0);
        assert_true(t.from_us <= rows[i].us && rows[i].us < t.to_us);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_covers_what_it_does_not_say),
        cmocka_unit_test(what_is_written_is_kept),
        cmocka_unit_test(what_fhir_does_not_take_is_refused),
        cmocka_unit_test(days_agree_with_the_c_library),
        cmocka_unit_test(age_is_in_whole_years_and_says_what_it_cannot_know),
        cmocka_unit_test(a_shift_keeps_all_but_the_day),
        cmocka_unit_test(moments_are_printed_in_their_zone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
