/* Compares all zones with the C library, which reads the same database, and some zones with
 * known facts. */
#include "common/zone/tzif.h"
#include "common/zone/zone.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define DAY    (86400 * SECOND)
#define ZONES  1024
#define TIMES  400

static char names[ZONES][64];
static size_t n_names;

static void find_names(const char *prefix)
{
    char path[512];
    struct dirent *e;
    DIR *d;

    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", prefix);
    d = opendir(path);
    assert_non_null(d);
    while ((e = readdir(d)) != NULL) {
        char name[300];
        struct ward_zone *z = NULL;
        bool zone;

        if (strchr(e->d_name, '.') != NULL)
            continue;
        snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix == '\0' ? "" : "/", e->d_name);
        if (e->d_type == DT_DIR && strcmp(name, "right") != 0 && strcmp(name, "posix") != 0) {
            find_names(name);
            continue;
        }
        zone = ward_zone_open(name, &z, NULL) == WARD_OK;
        ward_zone_close(z);
        if (!zone)
            continue;
        assert_true(n_names < ZONES && strlen(name) < sizeof(names[0]));
        snprintf(names[n_names++], sizeof(names[0]), "%.63s", name);
    }
    closedir(d);
}

static uint64_t seed = 20261121;
static uint64_t chance(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static int find_all(void **state)
{
    (void)state;
    find_names("");
    return n_names > 400 ? 0 : -1;
}

static struct ward_zone *open_zone(const char *name)
{
    struct ward_zone *z = NULL;

    assert_int_equal(ward_zone_open(name, &z, NULL), WARD_OK);
    return z;
}

static struct tm theirs(int64_t at_s)
{
    time_t t = (time_t)at_s;
    struct tm tm = {0};

    assert_non_null(localtime_r(&t, &tm));
    return tm;
}

static void same_wall(const struct ward_zone *z, const char *name, int64_t at_s)
{
    struct tm tm = theirs(at_s);
    struct ward_wall w;

    ward_zone_wall(z, at_s * SECOND, &w);
    if (w.offset_s != tm.tm_gmtoff || w.year != tm.tm_year + 1900 || w.month != tm.tm_mon + 1 ||
        w.mday != tm.tm_mday || w.second != tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec ||
        w.weekday != (tm.tm_wday == 0 ? 7 : tm.tm_wday))
        fail_msg("%s at %lld: %d %04d-%02d-%02d %d, not %ld", name, (long long)at_s, w.offset_s,
                 w.year, w.month, w.mday, w.second, tm.tm_gmtoff);
}

/* Checks that ward_zone_moment finds the local time of at_s again, at at_s or earlier. */
static void same_moment(const struct ward_zone *z, const char *name, int64_t at_s)
{
    struct ward_wall w, again;
    enum ward_wall_is is;
    int64_t at_us;

    ward_zone_wall(z, at_s * SECOND, &w);
    is = ward_zone_moment(z, w.day, w.second, &at_us);
    ward_zone_wall(z, at_us, &again);
    if (is == WARD_WALL_GAP || again.day != w.day || again.second != w.second ||
        (is == WARD_WALL_ONCE && at_us != at_s * SECOND) || at_us > at_s * SECOND)
        fail_msg("%s: the wall at %lld is not found again", name, (long long)at_s);
}

static void every_zone_shows_what_the_c_library_shows(void **state)
{
    int64_t years = INT64_C(230) * 365 * 86400;

    (void)state;
    for (size_t i = 0; i < n_names; i++) {
        struct ward_zone *z = open_zone(names[i]);
        char tz[80];

        snprintf(tz, sizeof(tz), ":%.63s", names[i]);
        assert_int_equal(setenv("TZ", tz, 1), 0);
        tzset();
        for (int k = 0; k < TIMES; k++) {
            int64_t at_s = (int64_t)chance((uint64_t)years) - (k % 8 == 0 ? years / 3 : 0);

            same_wall(z, names[i], at_s);
            same_moment(z, names[i], at_s);
        }
        ward_zone_close(z);
    }
}

/* Checks every change of the C library's clock in these years, to the second. */
static void every_change_is_at_its_second(void **state)
{
    (void)state;
    for (size_t i = chance(3); i < n_names; i += 3) {
        struct ward_zone *z = open_zone(names[i]);
        char tz[80];

        snprintf(tz, sizeof(tz), ":%.63s", names[i]);
        assert_int_equal(setenv("TZ", tz, 1), 0);
        tzset();
        for (int64_t day = 20400; day < 21500; day++) { /* late 2025 to 2028 */
            int64_t low = day * 86400, high = low + 86400;

            if (theirs(low).tm_gmtoff == theirs(high).tm_gmtoff)
                continue;
            while (high - low > 1) {
                int64_t middle = low + (high - low) / 2;

                if (theirs(middle).tm_gmtoff == theirs(day * 86400).tm_gmtoff)
                    low = middle;
                else
                    high = middle;
            }
            same_wall(z, names[i], low);
            same_wall(z, names[i], high);
        }
        ward_zone_close(z);
    }
}

static void stamped(const char *name, int64_t day, int second, enum ward_wall_is is,
                    const char *text)
{
    struct ward_zone *z = open_zone(name);
    char out[WARD_ZONE_STAMP];
    int64_t at_us;

    assert_int_equal(ward_zone_moment(z, day, second, &at_us), is);
    ward_zone_stamp(z, at_us, out);
    assert_string_equal(out, text);
    ward_zone_close(z);
}

static void gaps_and_hours_that_come_twice(void **state)
{
    (void)state;
    stamped("Europe/Berlin", ward_zone_day(2026, 3, 29), 8 * 3600, WARD_WALL_ONCE,
            "2026-03-29T08:00:00+02:00");
    stamped("Europe/Berlin", ward_zone_day(2026, 3, 29), 9000, WARD_WALL_GAP,
            "2026-03-29T03:00:00+02:00");
    stamped("Europe/Berlin", ward_zone_day(2026, 10, 25), 9000, WARD_WALL_TWICE,
            "2026-10-25T02:30:00+02:00");
    stamped("America/New_York", ward_zone_day(2199, 3, 10), 9000, WARD_WALL_GAP,
            "2199-03-10T03:00:00-04:00");
    stamped("Africa/Cairo", ward_zone_day(2026, 4, 24), 60, WARD_WALL_GAP,
            "2026-04-24T01:00:00+03:00");
    stamped("Australia/Lord_Howe", ward_zone_day(2026, 10, 4), 2 * 3600 + 900, WARD_WALL_GAP,
            "2026-10-04T02:30:00+11:00");
    stamped("Pacific/Apia", ward_zone_day(2011, 12, 30), 8 * 3600, WARD_WALL_GAP,
            "2011-12-31T00:00:00+14:00");
    stamped("America/Nuuk", ward_zone_day(2027, 3, 27), 23 * 3600 + 1800, WARD_WALL_GAP,
            "2027-03-28T00:00:00-01:00");
    stamped("Asia/Shanghai", ward_zone_day(2026, 2, 28), 86399, WARD_WALL_ONCE,
            "2026-02-28T23:59:59+08:00");
    stamped("UTC", ward_zone_day(2028, 2, 29), 0, WARD_WALL_ONCE, "2028-02-29T00:00:00+00:00");
}

static void days_that_the_calendar_left_out(void **state)
{
    struct ward_zone *z = open_zone("Pacific/Apia");
    int64_t day = ward_zone_day(2011, 12, 30);

    (void)state;
    assert_int_equal(ward_zone_left_out(z, day + 1), day);
    assert_int_equal(ward_zone_left_out(z, INT64_MAX), day);
    assert_true(ward_zone_left_out(z, day) < day);
    ward_zone_close(z);
    z = open_zone("Europe/Berlin");
    assert_int_equal(ward_zone_left_out(z, INT64_MAX), INT64_MIN);
    ward_zone_close(z);
}

static void moments_rise_with_the_wall(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_names; i++) {
        struct ward_zone *z = open_zone(names[i]);
        int64_t before = INT64_MIN, at_us;

        for (int64_t day = 20400; day < 20800; day++)
            for (int second = 0; second < 86400; second += 1800) {
                (void)ward_zone_moment(z, day, second, &at_us);
                assert_true(at_us >= before);
                before = at_us;
            }
        ward_zone_close(z);
    }
}

static void names_that_are_no_zones(void **state)
{
    static const char *const WRONG[] = {
        "",
        "Europe/Bielefeld",
        "../../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Europe",
        "right/UTC",
        "posix/Europe/Berlin",
        "zone.tab",
        "Factory",
        "europe/berlin ",
        "Europe/Berlin/",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(WRONG); i++) {
        struct ward_err err = {0};
        struct ward_zone *z = NULL;

        assert_int_equal(ward_zone_open(WRONG[i], &z, &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.reason, "TIME_ZONE_UNKNOWN");
        assert_null(z);
    }
    ward_zone_close(NULL);
}

static void times_at_the_ends_of_what_can_be_said(void **state)
{
    struct ward_zone *z = open_zone("Europe/Berlin");
    char out[WARD_ZONE_STAMP];
    struct ward_wall w;

    (void)state;
    ward_zone_stamp(z, INT64_MIN, out);
    ward_zone_stamp(z, INT64_MAX, out);
    ward_zone_wall(z, INT64_MAX, &w);
    assert_true(w.year > 290000);
    ward_zone_stamp(z, -1, out);
    assert_string_equal(out, "1970-01-01T00:59:59+01:00");
    ward_zone_close(z);
}

static void rules_that_are_none_are_refused(void **state)
{
    static const char *const WRONG[] = {"C",
                                        "CET",
                                        "CET-",
                                        "CET-1CEST,",
                                        "CET-1CEST,M3.5.0",
                                        "CET-1CEST,M13.5.0,M10.5.0",
                                        "CET-1CEST,M3.6.0,M10.5.0",
                                        "CET-1CEST,M3.5.7,M10.5.0",
                                        "CET-1CEST,M3.5.0,M10.5.0/168",
                                        "CET-1CEST,M3.5.0,M10.5.0 ",
                                        "<+01-1",
                                        "CET-1CEST,J0,J300",
                                        "CET-999999999999999999999"};
    static const char *const RIGHT[] = {"CET-1CEST,M3.5.0,M10.5.0/3",
                                        "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0",
                                        "CET-1CEST,J60/-1,J300/26:30",
                                        "CET-1CEST,59,300",
                                        "CET-1",
                                        ""};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(WRONG); i++) {
        struct zone_table t = {.n = 1, .at = {{INT64_MIN, 3600}}};

        assert_false(ward_tzrule_extend(&t, WRONG[i], 2200));
    }
    for (size_t i = 0; i < WARD_COUNT(RIGHT); i++) {
        struct zone_table t = {.n = 1, .at = {{INT64_MIN, 3600}}};

        assert_true(ward_tzrule_extend(&t, RIGHT[i], 2200));
    }
}

static void files_that_are_cut_or_changed_are_survived(void **state)
{
    static uint8_t whole[65536], data[65536];
    struct zone_table *t = malloc(sizeof(*t));
    FILE *f = fopen("/usr/share/zoneinfo/America/New_York", "re");
    size_t n;

    (void)state;
    assert_non_null(t);
    assert_non_null(f);
    n = fread(whole, 1, sizeof(whole), f);
    fclose(f);
    assert_true(n > 0 && ward_tzif_read(whole, n, 2200, t));
    for (size_t cut = 0; cut < n; cut++) {
        /* On the heap, so that a sanitizer detects a read past the end. */
        uint8_t *exact = malloc(cut == 0 ? 1 : cut);

        assert_non_null(exact);
        memcpy(exact, whole, cut);
        assert_false(ward_tzif_read(exact, cut, 2200, t));
        free(exact);
    }
    for (int i = 0; i < 20000; i++) {
        memcpy(data, whole, n);
        for (uint64_t k = 0; k <= chance(4); k++)
            data[i % 2 == 0 ? chance(100) : chance(n)] = (uint8_t)chance(256);
        (void)ward_tzif_read(data, n, 2200, t);
    }
    free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_zone_shows_what_the_c_library_shows),
        cmocka_unit_test(every_change_is_at_its_second),
        cmocka_unit_test(gaps_and_hours_that_come_twice),
        cmocka_unit_test(days_that_the_calendar_left_out),
        cmocka_unit_test(moments_rise_with_the_wall),
        cmocka_unit_test(names_that_are_no_zones),
        cmocka_unit_test(times_at_the_ends_of_what_can_be_said),
        cmocka_unit_test(rules_that_are_none_are_refused),
        cmocka_unit_test(files_that_are_cut_or_changed_are_survived),
    };

    return cmocka_run_group_tests(tests, find_all, NULL);
}
