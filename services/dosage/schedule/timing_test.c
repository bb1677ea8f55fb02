/* No dose is lost or duplicated in any calendar. */
#include "services/dosage/schedule/timing_testing.h"

#include <dirent.h>
#include <stdlib.h>

#define MOST  20000
#define ZONES 700

static struct slot all[MOST], some[MOST];
static char zone_names[ZONES][64];
static size_t n_zones;

static void find_zones(const char *prefix)
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

        if (strchr(e->d_name, '.') != NULL)
            continue;
        snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix == '\0' ? "" : "/", e->d_name);
        if (e->d_type == DT_DIR && strcmp(name, "right") != 0 && strcmp(name, "posix") != 0)
            find_zones(name);
        else if (n_zones < ZONES && ward_zone_open(name, &z, NULL) == WARD_OK)
            snprintf(zone_names[n_zones++], sizeof(zone_names[0]), "%.63s", name);
        ward_zone_close(z);
    }
    closedir(d);
}

static int set_up(void **state)
{
    (void)state;
    find_zones("");
    return n_zones > 400 ? 0 : -1;
}

static struct ward_zone *open_zone(const char *name)
{
    struct ward_zone *z = NULL;

    assert_int_equal(ward_zone_open(name, &z, NULL), WARD_OK);
    return z;
}

/* A random time in the years 2008 to 2030. Half of these times are less than three days before
 * a clock change. */
static int64_t some_start(const struct ward_zone *z)
{
    int64_t at = (14200 + chance(8000)) * DAY_US + chance(1440) * MINUTE_US;
    struct ward_wall w, later;

    ward_zone_wall(z, at, &w);
    for (int day = 0; day < 400 && chance(2) + day > 0; day++) {
        ward_zone_wall(z, at + (day + 3) * DAY_US, &later);
        if (later.offset_s != w.offset_s)
            return at + day * DAY_US;
    }
    return at;
}

static void some_timing(struct fake *f, const struct ward_zone *z)
{
    static const int KINDS[] = {KIND(TIMES),    KIND(TIMES),    KIND(TIMES),
                                KIND(INTERVAL), KIND(INTERVAL), KIND(ONCE)};

    fake_rule(f, KINDS[chance((int)WARD_COUNT(KINDS))]);
    f->t.zone = z;
    f->t.starts_us = some_start(z);
    f->t.ends_us =
        chance(3) == 0 ? f->t.starts_us + 1 + chance(40) * DAY_US / 3 : TIMING_NO_END;
    f->t.before_us = (1 + chance(720)) * MINUTE_US;
    f->t.after_us = (1 + chance(720)) * MINUTE_US;
    if (f->rule.kind != KIND(ONCE) && chance(3) == 0)
        f->rule.count = 1 + chance(60);
}

static void whole_timeline(const struct fake *f, const struct slot *s, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        assert_true(s[i].due_us >= f->t.starts_us && s[i].due_us < f->t.ends_us);
        assert_true(s[i].from_us <= s[i].due_us && s[i].due_us < s[i].on_time_us &&
                    s[i].on_time_us <= s[i].to_us);
        assert_true(s[i].to_us <= s[i].due_us + DAY_US);
        assert_int_equal(s[i].number, i);
        if (i == 0)
            continue;
        assert_true(s[i].due_us > s[i - 1].due_us);
        /* Windows are half-open and adjacent, except more than a day after a dose. */
        if (s[i - 1].to_us != s[i].from_us)
            assert_true(s[i - 1].to_us < s[i].from_us &&
                        s[i - 1].to_us == s[i - 1].due_us + DAY_US);
    }
}

static void same(const struct slot *a, const struct slot *b, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (a[i].due_us != b[i].due_us || a[i].from_us != b[i].from_us ||
            a[i].on_time_us != b[i].on_time_us || a[i].to_us != b[i].to_us ||
            a[i].number != b[i].number)
            fail_msg("slot %zu of %zu differs: %lld and %lld", i, n, (long long)a[i].due_us,
                     (long long)b[i].due_us);
}

static void a_span_is_the_sum_of_its_parts(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4 * n_zones; i++) {
        struct ward_zone *z = open_zone(zone_names[i % n_zones]);
        struct fake f;
        int64_t from, middle, to;
        size_t n, m, behind;

        some_timing(&f, z);
        from = f.t.starts_us - DAY_US;
        to = f.t.starts_us + 20 * DAY_US;
        middle = from + chance(21 * 1440) * MINUTE_US;
        n = timing_slots(&f.t, from, to, all, MOST);
        whole_timeline(&f, all, n);
        m = timing_slots(&f.t, from, middle, some, MOST);
        behind = timing_slots(&f.t, middle, to, some + m, MOST - m);
        assert_int_equal(m + behind, n);
        same(all, some, n);
        ward_zone_close(z);
    }
}

static void walked_from(const struct fake *f, size_t n, int64_t from_us)
{
    struct timing_walk w;
    size_t at = 0;

    while (at < n && all[at].due_us < from_us)
        at++;
    timing_start(&w, &f->t, from_us);
    for (int k = 0; k < 5 && at < n; k++, at++) {
        assert_true(timing_next(&w));
        assert_true(w.due_us == all[at].due_us && w.number == all[at].number);
    }
}

/* A walk may begin between any two doses, also between doses that a clock change moved
 * together, and long after skipped days of the calendar. */
static void a_walk_that_begins_anywhere_goes_the_same_way(void **state)
{
    static const char *const ZONES_OF_GAPS[] = {"America/Nuuk", "Europe/Berlin", "Africa/Cairo",
                                                "Pacific/Apia", "America/Scoresbysund"};

    (void)state;
    for (int i = 0; i < 400; i++) {
        const char *name = ZONES_OF_GAPS[i % (int)WARD_COUNT(ZONES_OF_GAPS)];
        struct ward_zone *z = open_zone(name);
        struct fake f;
        size_t n;

        some_timing(&f, z);
        if (strcmp(name, "Pacific/Apia") == 0) /* begins shortly before the skipped day */
            f.t.starts_us = (15330 + chance(8)) * DAY_US;
        f.t.ends_us = TIMING_NO_END;
        if (i % 4 == 0 && f.rule.kind == KIND(TIMES) && f.rule.n_times < 20) {
            f.rule.n_times = 0;
            for (int minute = 0; minute < 1440; minute += minute < 120 ? 30 : 630)
                fake_time(&f, minute);
            fake_time(&f, 1430);
        }
        n = timing_slots(&f.t, f.t.starts_us, f.t.starts_us + 30 * DAY_US, all, MOST);
        for (size_t k = 0; k < n; k += 1 + n / 60) {
            walked_from(&f, n, all[k].due_us);
            walked_from(&f, n, all[k].due_us + 1);
        }
        if (n > 1) { /* a dose due at the order's end is excluded */
            f.t.ends_us = all[n / 2].due_us;
            assert_int_equal(timing_slots(&f.t, 0, f.t.starts_us + 30 * DAY_US, some, MOST),
                             n / 2);
        }
        ward_zone_close(z);
    }
}

static void the_slot_at_a_moment_is_the_one_of_the_span(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_zones; i++) {
        struct ward_zone *z = open_zone(zone_names[i]);
        struct slot one;
        struct fake f;
        size_t n;

        some_timing(&f, z);
        n = timing_slots(&f.t, f.t.starts_us, f.t.starts_us + 9 * DAY_US, all, MOST);
        for (size_t k = 0; k < n; k += 1 + n / 20) {
            assert_true(timing_slot_at(&f.t, all[k].due_us, &one));
            same(&one, &all[k], 1);
            assert_false(timing_slot_at(&f.t, all[k].due_us + 1, &one));
            assert_false(timing_slot_at(&f.t, all[k].due_us - 1, &one));
        }
        assert_false(timing_slot_at(&f.t, f.t.starts_us - 1, &one));
        ward_zone_close(z);
    }
}

static void intervals_are_real_time_whatever_clocks_do(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_zones; i++) {
        struct ward_zone *z = open_zone(zone_names[i]);
        struct fake f;
        size_t n;

        fake_rule(&f, KIND(INTERVAL));
        f.t = (struct timing){.rule = &f.rule,
                              .zone = z,
                              .starts_us = some_start(z),
                              .ends_us = TIMING_NO_END,
                              .before_us = HOUR_US,
                              .after_us = HOUR_US};
        n = timing_slots(&f.t, f.t.starts_us, f.t.starts_us + 8 * DAY_US, all, MOST);
        assert_int_equal(n, (8 * 1440 + f.rule.interval_minutes - 1) / f.rule.interval_minutes);
        for (size_t k = 0; k < n; k++)
            assert_int_equal(all[k].due_us,
                             f.t.starts_us + (int64_t)k * f.rule.interval_minutes * MINUTE_US);
        ward_zone_close(z);
    }
}

/* ---- TIMES, found independently by stepping through local time, minute by minute ---- */

struct watcher {
    const struct fake *f;
    int64_t first_day, last_us;
    struct slot *out;
    size_t n;
};

static bool asked(const struct watcher *w, int64_t day)
{
    const Timing *r = &w->f->rule;
    int every = r->every_days == 0 ? 1 : r->every_days;

    if (day < w->first_day || (day - w->first_day) % every != 0)
        return false;
    for (size_t i = 0; i < r->n_weekdays; i++)
        if (r->weekdays[i] == (day + 3) % 7 + 1) /* 1970-01-01 was a Thursday */
            return true;
    return r->n_weekdays == 0;
}

/* Notes that the local time reaches a minute for the first time, or has just skipped the
 * minute. */
static void saw(struct watcher *w, int64_t minute, int64_t now_us, bool with_day_before)
{
    char text[6];
    int64_t day = minute / 1440;

    if (!asked(w, day) && !(with_day_before && asked(w, day - 1)))
        return;
    snprintf(text, sizeof(text), "%02u:%02u", (unsigned)minute % 1440 / 60,
             (unsigned)minute % 60);
    for (size_t i = 0; i < w->f->rule.n_times; i++) {
        if (strcmp(w->f->rule.times[i], text) != 0)
            continue;
        w->last_us = now_us > w->last_us ? now_us : w->last_us + 5 * MINUTE_US;
        if (w->last_us >= w->f->t.starts_us)
            w->out[w->n++].due_us = w->last_us;
    }
}

static size_t watch(const struct fake *f, int64_t to_us, struct slot *out)
{
    struct watcher w = {.f = f, .last_us = INT64_MIN, .out = out};
    int64_t lent = INT64_MIN, seen;
    struct ward_wall wall;

    ward_zone_wall(f->t.zone, f->t.starts_us, &wall);
    w.first_day = wall.day;
    seen = wall.day * 1440 - 1; /* begin with the first minute of the day */
    for (int64_t now = f->t.starts_us / MINUTE_US * MINUTE_US - 26 * HOUR_US; now < to_us;
         now += MINUTE_US) {
        ward_zone_wall(f->t.zone, now, &wall);
        for (int64_t at = wall.day * 1440 + wall.second / 60; seen < at;) {
            int64_t day = ++seen / 1440;

            if (seen % 1440 == 0 && day < wall.day) { /* the calendar skipped a whole day */
                lent = day + 1;
                seen += 1439;
                continue;
            }
            saw(&w, seen, now, day == lent);
        }
    }
    return w.n;
}

static void times_are_when_the_wall_shows_them(void **state)
{
    size_t seen = 0;

    (void)state;
    for (size_t i = 0; i < n_zones + 6 * WARD_COUNT(some_zones); i++) {
        struct ward_zone *z =
            open_zone(i < n_zones ? zone_names[i] : some_zones[i % WARD_COUNT(some_zones)]);
        struct fake f;
        int64_t to;
        size_t n, m = 0;

        fake_rule(&f, KIND(TIMES));
        f.t = (struct timing){.rule = &f.rule,
                              .zone = z,
                              .starts_us = some_start(z),
                              .ends_us = TIMING_NO_END,
                              .before_us = HOUR_US,
                              .after_us = HOUR_US};
        to = f.t.starts_us + 12 * DAY_US;
        n = watch(&f, to, some);
        while (m < n && some[m].due_us < to)
            m++;
        assert_int_equal(timing_slots(&f.t, f.t.starts_us, to, all, MOST), m);
        for (size_t k = 0; k < m; k++)
            if (all[k].due_us != some[k].due_us)
                fail_msg("%s: dose %zu is due at %lld, not %lld",
                         i < n_zones ? zone_names[i] : some_zones[i % WARD_COUNT(some_zones)],
                         k, (long long)all[k].due_us, (long long)some[k].due_us);
        seen += m;
        ward_zone_close(z);
    }
    assert_true(seen > 10000);
}

/* ---- known results of certain days ---- */

static void due(const char *zone, const char *starts, int every_days, const char *const *times,
                const char *const *want)
{
    struct ward_zone *z = open_zone(zone);
    struct fake f;
    int y, mo, d, h, mi;
    size_t n = 0, m;

    fake_rule(&f, KIND(ONCE));
    f.rule.kind = KIND(TIMES);
    f.rule.every_days = every_days;
    for (; *times != NULL; times++)
        fake_time(&f, ((*times)[0] - '0') * 600 + ((*times)[1] - '0') * 60 +
                          ((*times)[3] - '0') * 10 + ((*times)[4] - '0'));
    assert_int_equal(sscanf(starts, "%d-%d-%d %d:%d", &y, &mo, &d, &h, &mi), 5);
    f.t = (struct timing){.rule = &f.rule,
                          .zone = z,
                          .ends_us = TIMING_NO_END,
                          .before_us = HOUR_US,
                          .after_us = HOUR_US};
    /* finds the number of the day with this date */
    for (int64_t day = 14000; day < 25000; day++) {
        struct ward_wall w;

        (void)ward_zone_moment(z, day, h * 3600 + mi * 60, &f.t.starts_us);
        ward_zone_wall(z, f.t.starts_us, &w);
        if (w.year == y && w.month == mo && w.mday == d)
            break;
    }
    while (want[n] != NULL)
        n++;
    m = timing_slots(&f.t, f.t.starts_us, f.t.starts_us + 20 * DAY_US, all, n);
    assert_int_equal(m, n);
    for (size_t i = 0; i < n; i++) {
        char stamp[WARD_ZONE_STAMP];

        ward_zone_stamp(z, all[i].due_us, stamp);
        assert_string_equal(stamp, want[i]);
    }
    ward_zone_close(z);
}

#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void days_on_which_clocks_change(void **state)
{
    (void)state;
    due("Europe/Berlin", "2026-03-28 20:00", 0, LIST("02:30", "08:00"),
        LIST("2026-03-29T03:00:00+02:00", "2026-03-29T08:00:00+02:00",
             "2026-03-30T02:30:00+02:00"));
    due("Europe/Berlin", "2026-03-28 20:00", 0, LIST("02:00", "03:00", "03:10"),
        LIST("2026-03-29T03:00:00+02:00", "2026-03-29T03:05:00+02:00",
             "2026-03-29T03:10:00+02:00", "2026-03-30T02:00:00+02:00"));
    due("Europe/Berlin", "2026-10-25 00:10", 0, LIST("02:30", "03:30"),
        LIST("2026-10-25T02:30:00+02:00", "2026-10-25T03:30:00+01:00",
             "2026-10-26T02:30:00+01:00"));
    due("America/Nuuk", "2027-03-27 12:00", 0, LIST("00:00", "23:30"),
        LIST("2027-03-28T00:00:00-01:00", "2027-03-28T00:05:00-01:00",
             "2027-03-28T23:30:00-01:00", "2027-03-29T00:00:00-01:00"));
    due("Pacific/Apia", "2011-12-29 07:00", 0, LIST("08:00", "20:00"),
        LIST("2011-12-29T08:00:00-10:00", "2011-12-29T20:00:00-10:00",
             "2011-12-31T08:00:00+14:00", "2011-12-31T20:00:00+14:00"));
    due("Pacific/Apia", "2011-12-28 07:00", 2, LIST("08:00"),
        LIST("2011-12-28T08:00:00-10:00", "2011-12-31T08:00:00+14:00",
             "2012-01-01T08:00:00+14:00", "2012-01-03T08:00:00+14:00"));
    due("Asia/Shanghai", "2028-02-28 09:00", 0, LIST("00:00"),
        LIST("2028-02-29T00:00:00+08:00", "2028-03-01T00:00:00+08:00"));
    due("UTC", "2026-12-31 23:59", 0, LIST("00:00", "23:59"),
        LIST("2026-12-31T23:59:00+00:00", "2027-01-01T00:00:00+00:00",
             "2027-01-01T23:59:00+00:00"));
}

static void doses_closer_than_their_windows_share_what_lies_between(void **state)
{
    (void)state;
    assert_int_equal(timing_border(0, HOUR_US, 8 * HOUR_US, HOUR_US), 7 * HOUR_US);
    assert_int_equal(timing_border(0, HOUR_US, 2 * HOUR_US, HOUR_US), HOUR_US);
    assert_int_equal(timing_border(0, HOUR_US, HOUR_US, HOUR_US), HOUR_US / 2);
    assert_int_equal(timing_border(0, 20 * MINUTE_US, HOUR_US, 40 * MINUTE_US), 20 * MINUTE_US);
    assert_int_equal(timing_border(0, 20 * MINUTE_US, 30 * MINUTE_US, 40 * MINUTE_US),
                     10 * MINUTE_US);
    assert_int_equal(timing_border(0, 12 * HOUR_US, 23 * HOUR_US, 12 * HOUR_US),
                     23 * HOUR_US / 2);
}

static void a_later_version_has_no_doses_before_it(void **state)
{
    struct ward_zone *z = open_zone("Asia/Shanghai");

    (void)state;
    for (int i = 0; i < 200; i++) {
        struct fake f;
        size_t n, m, at = 0;

        some_timing(&f, z);
        n = timing_slots(&f.t, 0, f.t.starts_us + 10 * DAY_US, all, MOST);
        f.t.since_us = f.t.starts_us + chance(10 * 1440) * MINUTE_US;
        m = timing_slots(&f.t, 0, f.t.starts_us + 10 * DAY_US, some, MOST);
        while (at < n && all[at].due_us < f.t.since_us)
            at++;
        assert_int_equal(m, n - at);
        for (size_t k = 0; k < m; k++)
            assert_true(some[k].due_us == all[at + k].due_us &&
                        some[k].number == all[at + k].number);
    }
    ward_zone_close(z);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_is_the_sum_of_its_parts),
        cmocka_unit_test(a_walk_that_begins_anywhere_goes_the_same_way),
        cmocka_unit_test(the_slot_at_a_moment_is_the_one_of_the_span),
        cmocka_unit_test(intervals_are_real_time_whatever_clocks_do),
        cmocka_unit_test(times_are_when_the_wall_shows_them),
        cmocka_unit_test(days_on_which_clocks_change),
        cmocka_unit_test(doses_closer_than_their_windows_share_what_lies_between),
        cmocka_unit_test(a_later_version_has_no_doses_before_it),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
