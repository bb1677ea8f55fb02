/* Local times, dates and days of a zone. */
#include "common/zone/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HOUR_US (INT64_C(3600) * 1000000)

static struct ward_err err;
static struct ward_zone *zone;

static void use(const char *name)
{
    ward_zone_close(zone);
    assert_int_equal(ward_zone_open(name, &zone, &err), WARD_OK);
}

/* Returns the moment of a time in UTC. */
static int64_t utc(const char *date, int hour, int minute)
{
    int64_t day;

    assert_true(ward_date_parse(date, &day));
    return (day * 24 + hour) * HOUR_US + minute * HOUR_US / 60;
}

static int64_t day(const char *date)
{
    int64_t d;

    assert_true(ward_date_parse(date, &d));
    return d;
}

static void a_moment_is_the_wall_clocks_day_weekday_and_minute(void **state)
{
    static const struct {
        const char *zone, *date; /* date: in UTC */
        int hour, minute;
        const char *local_date;
        int weekday, local_minute;
    } rows[] = {
        {"Etc/UTC", "1970-01-01", 0, 0, "1970-01-01", 4, 0},
        {"UTC", "2026-11-21", 13, 5, "2026-11-21", 6, 785},
        {"Europe/Berlin", "2026-01-05", 23, 30, "2026-01-06", 2, 30}, /* +1 */
        {"Europe/Berlin", "2026-07-05", 22, 30, "2026-07-06", 1, 30}, /* +2 */
        /* 01:59, before the change. */
        {"Europe/Berlin", "2026-03-29", 0, 59, "2026-03-29", 7, 119},
        /* 03:00, after the change. */
        {"Europe/Berlin", "2026-03-29", 1, 0, "2026-03-29", 7, 180},
        /* 02:30, first occurrence. */
        {"Europe/Berlin", "2026-10-25", 0, 30, "2026-10-25", 7, 150},
        /* 02:30, second occurrence. */
        {"Europe/Berlin", "2026-10-25", 1, 30, "2026-10-25", 7, 150},
        {"America/New_York", "2026-03-01", 4, 59, "2026-02-28", 6, 1439},
        {"Asia/Kolkata", "2026-03-01", 18, 30, "2026-03-02", 1, 0},
        {"Pacific/Kiritimati", "2026-03-01", 10, 0, "2026-03-02", 1, 0}, /* +14 */
        {"Africa/Cairo", "2026-04-23", 21, 59, "2026-04-23", 4, 1439},
        {"Africa/Cairo", "2026-04-23", 22, 0, "2026-04-24", 5, 60}, /* this day has no 00:00 */
        {"Europe/Berlin", "2050-07-01", 10, 0, "2050-07-01", 5,
         720}, /* after the file's last change */
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_wall at;
        char date[WARD_DATE];

        use(rows[i].zone);
        ward_zone_wall(zone, utc(rows[i].date, rows[i].hour, rows[i].minute), &at);
        ward_date_print(at.day, date);
        assert_string_equal(date, rows[i].local_date);
        assert_int_equal(at.weekday, rows[i].weekday);
        assert_int_equal(at.second / 60, rows[i].local_minute);
    }
}

static void a_day_has_as_many_hours_as_it_has(void **state)
{
    static const struct {
        const char *zone, *date;
        int hours;
    } rows[] = {
        {"Etc/UTC", "2026-03-29", 24},          {"Europe/Berlin", "2026-03-28", 24},
        {"Europe/Berlin", "2026-03-29", 23},    {"Europe/Berlin", "2026-10-25", 25},
        {"America/New_York", "2026-03-08", 23}, {"America/New_York", "2026-11-01", 25},
        {"Africa/Cairo", "2026-04-24", 23},     {"Africa/Cairo", "2026-10-29", 25},
        {"Asia/Kolkata", "2026-03-29", 24},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        int64_t d = day(rows[i].date);

        use(rows[i].zone);
        assert_int_equal((ward_zone_begin(zone, d + 1) - ward_zone_begin(zone, d)) / HOUR_US,
                         rows[i].hours);
    }
}

/* A property, checked for all hours of two years in zones that change at, before and after
 * midnight. */
static void a_moment_lies_in_the_day_that_its_date_says(void **state)
{
    static const char *const ZONES[] = {
        "Etc/UTC",          "Europe/Berlin",       "Africa/Cairo",
        "America/New_York", "Australia/Lord_Howe", "Asia/Beirut",
        "America/Havana",   "Atlantic/Azores",     "Pacific/Apia"};
    int64_t from = utc("2025-12-31", 0, 0), until = utc("2028-01-01", 0, 0);

    (void)state;
    for (size_t z = 0; z < WARD_COUNT(ZONES); z++) {
        use(ZONES[z]);
        for (int64_t at = from; at < until; at += 11 * HOUR_US / 2) {
            struct ward_wall l;

            ward_zone_wall(zone, at, &l);
            assert_true(ward_zone_begin(zone, l.day) <= at);
            assert_true(at < ward_zone_begin(zone, l.day + 1));
        }
    }
}

static void a_stamp_says_how_far_from_utc_it_is(void **state)
{
    char text[WARD_ZONE_STAMP];

    (void)state;
    use("Europe/Berlin");
    ward_zone_stamp(zone, utc("2026-10-25", 0, 30), text);
    assert_string_equal(text, "2026-10-25T02:30:00+02:00");
    ward_zone_stamp(zone, utc("2026-10-25", 1, 30), text);
    assert_string_equal(text, "2026-10-25T02:30:00+01:00");
    use("America/St_Johns");
    ward_zone_stamp(zone, utc("2026-01-01", 12, 0), text);
    assert_string_equal(text, "2026-01-01T08:30:00-03:30");
    use("UTC");
    ward_zone_stamp(zone, 5000001, text);
    assert_string_equal(text, "1970-01-01T00:00:05+00:00");
}

static void what_is_no_date_is_not_read(void **state)
{
    static const char *const BAD[] = {"",           "2026-3-01",  "2026-02-30", "2026-13-01",
                                      "2026-00-10", "2026-01-00", "1969-12-31", "2026-01-01 ",
                                      "2026/01/01", "20260101",   "0000-00-00", "２026-01-0",
                                      "-026-01-01", "2026-01-1a", "2025-02-29"};
    int64_t d = 77;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD); i++)
        assert_false(ward_date_parse(BAD[i], &d));
    assert_int_equal(d, 77);
    assert_int_equal(day("2024-02-29"), 19782);
    assert_int_equal(day("9999-12-31"), 2932896);
}

static void a_zone_that_is_none_is_refused(void **state)
{
    static const char *const BAD[] = {"",
                                      "Europe/Berlim",
                                      "../etc/passwd",
                                      "/etc/passwd",
                                      "Europe",
                                      "zone.tab",
                                      "CET-1CEST",
                                      "a b",
                                      ":UTC",
                                      "Europe/Berlin\n",
                                      "x",
                                      "Mars/Olympus",
                                      "../zoneinfo/UTC",
                                      "Europe/Berlin "};

    (void)state;
    use("Europe/Berlin");
    for (size_t i = 0; i < WARD_COUNT(BAD); i++) {
        struct ward_wall at;

        assert_int_equal(ward_zone_open(BAD[i], &zone, &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.reason, "TIME_ZONE_UNKNOWN");
        /* A failed open leaves the zone usable. */
        ward_zone_wall(zone, utc("2026-01-05", 12, 0), &at);
        assert_int_equal(at.second / 60, 13 * 60);
    }
}

#define MARCH_29 INT64_C(1774746000000000) /* 2026-03-29T01:00:00Z: Berlin's summer begins */
#define ALWAYS   (INT64_MIN / 2)

static int64_t offset_at(const struct ward_zone_change *changes, size_t n, int64_t at_us)
{
    while (n > 1 && changes[n - 1].since_us > at_us)
        n--;
    return changes[n - 1].offset_us / 1000000;
}

static void a_zone_changes_when_its_clocks_do(void **state)
{
    struct ward_zone_change z[512];
    size_t n;

    (void)state;
    use("UTC");
    n = ward_zone_changes(zone, ALWAYS, MARCH_29 * 2, z, 512);
    assert_int_equal(n, 1);
    assert_int_equal(offset_at(z, n, MARCH_29), 0);
    use("Europe/Berlin");
    n = ward_zone_changes(zone, ALWAYS, MARCH_29 * 2, z, 512);
    assert_int_equal(offset_at(z, n, MARCH_29 - 1), 3600);
    assert_int_equal(offset_at(z, n, MARCH_29), 7200);
    use("Asia/Shanghai");
    n = ward_zone_changes(zone, ALWAYS, MARCH_29 * 2, z, 512);
    assert_int_equal(offset_at(z, n, MARCH_29), 8 * 3600);
    use("Asia/Kathmandu");
    n = ward_zone_changes(zone, ALWAYS, MARCH_29 * 2, z, 512);
    assert_int_equal(offset_at(z, n, MARCH_29), 20700);
}

static void only_the_changes_of_the_time_asked_for_are_told(void **state)
{
    const int64_t day = INT64_C(86400000000);
    struct ward_zone_change z[512];

    (void)state;
    use("Europe/Berlin");
    assert_int_equal(ward_zone_changes(zone, MARCH_29 - day, MARCH_29 + day, z, 512), 2);
    assert_int_equal(z[0].since_us, INT64_MIN);
    assert_int_equal(z[1].since_us, MARCH_29);
    assert_int_equal(ward_zone_changes(zone, MARCH_29, MARCH_29 + day, z, 512), 1);
    assert_int_equal(z[0].offset_us, 7200000000);
    assert_int_equal(ward_zone_changes(zone, MARCH_29 - day, MARCH_29 + day, z, 1),
                     0); /* too little room */
    assert_int_equal(ward_zone_changes(zone, MARCH_29 - day, MARCH_29, z, 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_moment_is_the_wall_clocks_day_weekday_and_minute),
        cmocka_unit_test(a_day_has_as_many_hours_as_it_has),
        cmocka_unit_test(a_moment_lies_in_the_day_that_its_date_says),
        cmocka_unit_test(a_stamp_says_how_far_from_utc_it_is),
        cmocka_unit_test(what_is_no_date_is_not_read),
        cmocka_unit_test(a_zone_that_is_none_is_refused),
        cmocka_unit_test(a_zone_changes_when_its_clocks_do),
        cmocka_unit_test(only_the_changes_of_the_time_asked_for_are_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
