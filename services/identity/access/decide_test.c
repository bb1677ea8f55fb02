#include "common/zone/zone.h"
#include "services/identity/access/decide.h"
#include "services/identity/token/token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MON      1u
#define FRI      16u
#define SAT      32u
#define SUN      64u
#define ALL      127u
#define AT(h, m) ((h)*60 + (m))
#define MINUTE   INT64_C(60000000)

static void hours_hold_from_their_start_until_their_end(void **state)
{
    static const struct {
        struct hours h;
        int weekday, minute;
        bool open;
    } rows[] = {
        {{MON, AT(6, 0), AT(22, 0)}, 1, AT(5, 59), false},
        {{MON, AT(6, 0), AT(22, 0)}, 1, AT(6, 0), true},
        {{MON, AT(6, 0), AT(22, 0)}, 1, AT(21, 59), true},
        {{MON, AT(6, 0), AT(22, 0)}, 1, AT(22, 0), false},
        {{MON, AT(6, 0), AT(22, 0)}, 2, AT(12, 0), false},
        /* across midnight: Friday's night lasts until Saturday morning */
        {{FRI, AT(22, 0), AT(6, 0)}, 5, AT(21, 59), false},
        {{FRI, AT(22, 0), AT(6, 0)}, 5, AT(22, 0), true},
        {{FRI, AT(22, 0), AT(6, 0)}, 5, AT(23, 59), true},
        {{FRI, AT(22, 0), AT(6, 0)}, 6, AT(0, 0), true},
        {{FRI, AT(22, 0), AT(6, 0)}, 6, AT(5, 59), true},
        {{FRI, AT(22, 0), AT(6, 0)}, 6, AT(6, 0), false},
        /* this minute belongs to Thursday's night */
        {{FRI, AT(22, 0), AT(6, 0)}, 5, AT(3, 0), false},
        {{FRI, AT(22, 0), AT(6, 0)}, 6, AT(23, 0), false},
        /* across the end of the week */
        {{SUN, AT(20, 0), AT(4, 0)}, 1, AT(3, 59), true},
        {{SUN, AT(20, 0), AT(4, 0)}, 1, AT(4, 0), false},
        {{SUN, AT(20, 0), AT(4, 0)}, 7, AT(3, 0), false},
        /* start equal to end is a whole day */
        {{SAT, 0, 0}, 6, 0, true},
        {{SAT, 0, 0}, 6, AT(23, 59), true},
        {{SAT, 0, 0}, 7, 0, false},
        {{SAT, AT(8, 0), AT(8, 0)}, 6, AT(7, 59), false},
        {{SAT, AT(8, 0), AT(8, 0)}, 7, AT(7, 59), true},
        {{SAT, AT(8, 0), AT(8, 0)}, 7, AT(8, 0), false},
        /* until midnight */
        {{MON, AT(18, 0), 0}, 1, AT(23, 59), true},
        {{MON, AT(18, 0), 0}, 2, 0, false},
        {{0, 0, 0}, 3, 0, false},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        if (hours_open(&rows[i].h, rows[i].weekday, rows[i].minute) != rows[i].open)
            fail_msg("row %zu", i);
}

/* A property: over all minutes of a week, the number of minutes in a span equals its length
 * times its number of days. */
static void a_span_holds_as_long_as_it_is_on_each_of_its_days(void **state)
{
    (void)state;
    for (unsigned days = 1; days <= ALL; days += 9)
        for (int start = 0; start < MINUTES_A_DAY; start += 97)
            for (int end = 0; end < MINUTES_A_DAY; end += 131) {
                struct hours h = {days, start, end};
                int length = (end - start + MINUTES_A_DAY) % MINUTES_A_DAY;
                int open = 0;

                for (int d = 1; d <= 7; d++)
                    for (int m = 0; m < MINUTES_A_DAY; m++)
                        open += hours_open(&h, d, m) ? 1 : 0;
                if (start == end)
                    length = MINUTES_A_DAY;
                assert_int_equal(open, __builtin_popcount(days) * length);
            }
}

/* Hours are local times, also on days with a clock change. A skipped hour is in no span. A
 * repeated hour is twice in its span. */
static void hours_follow_the_wall_clock_when_it_is_changed(void **state)
{
    const struct hours night = {SAT, AT(22, 0), AT(6, 0)}, small = {SUN, AT(2, 0), AT(3, 0)};
    static const struct {
        const char *date;
        int night_minutes, small_minutes;
    } rows[] = {
        {"2026-03-21", 8 * 60, 60}, /* a weekend without a clock change */
        {"2026-03-28", 7 * 60, 0},  /* on this Sunday 02:00 becomes 03:00 */
        {"2026-10-24", 9 * 60, 120},
    };
    struct ward_zone *zone;

    (void)state;
    assert_int_equal(ward_zone_open("Europe/Berlin", &zone, NULL), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        int in_night = 0, in_small = 0;
        int64_t saturday;

        assert_true(ward_date_parse(rows[i].date, &saturday));
        for (int64_t at = ward_zone_begin(zone, saturday);
             at < ward_zone_begin(zone, saturday + 2); at += MINUTE) {
            struct ward_wall l;

            ward_zone_wall(zone, at, &l);
            in_night += hours_open(&night, l.weekday, l.second / 60) ? 1 : 0;
            in_small += hours_open(&small, l.weekday, l.second / 60) ? 1 : 0;
        }
        assert_int_equal(in_night, rows[i].night_minutes);
        assert_int_equal(in_small, rows[i].small_minutes);
    }
    ward_zone_close(zone);
}

static const struct hours day_hours[] = {{ALL, AT(6, 0), AT(22, 0)}};
static struct zone_rule icu_rules[] = {{"icu-nurse", day_hours, 1}, {"icu-lead", NULL, 0}};
static struct zone icu = {"icu", true, 60, LIVENESS_NONE, icu_rules, 2};
static struct zone_rule ward_rules[] = {{"ward", day_hours, 1}};
static struct zone ward3 = {"ward-3", true, 60, LIVENESS_NONE, ward_rules, 1};
static struct zone nobody = {"store", false, 60, LIVENESS_NONE, NULL, 0};

static enum door_reason ask(const struct zone *into, const struct zone *from, bool out,
                            const char *role, int minute)
{
    struct passage p = {.into = into,
                        .from = from,
                        .out = out,
                        .roles = &role,
                        .n_roles = role == NULL ? 0 : 1,
                        .weekday = 3,
                        .minute = minute};

    return door_decide(&p);
}

static void a_role_within_its_hours_comes_in(void **state)
{
    (void)state;
    assert_int_equal(ask(&icu, NULL, false, "icu-nurse", AT(12, 0)), DOOR_ALLOWED);
    assert_int_equal(ask(&icu, NULL, false, "icu-nurse", AT(23, 0)), DOOR_OUT_OF_HOURS);
    assert_int_equal(ask(&icu, NULL, false, "icu-lead", AT(23, 0)), DOOR_ALLOWED);
    assert_int_equal(ask(&icu, NULL, false, "icu", AT(12, 0)), DOOR_NO_ROLE);
    assert_int_equal(ask(&icu, NULL, false, NULL, AT(12, 0)), DOOR_NO_ROLE);
    assert_int_equal(ask(&nobody, NULL, false, "icu-lead", AT(12, 0)), DOOR_NO_ROLE);
}

static void any_of_ones_roles_is_enough(void **state)
{
    static const char *const roles[] = {"cleaner", "icu-nurse", "icu-lead"};
    struct passage p = {
        .into = &icu, .roles = roles, .n_roles = 2, .weekday = 3, .minute = AT(23, 0)};

    (void)state;
    assert_int_equal(door_decide(&p), DOOR_OUT_OF_HOURS);
    p.n_roles = 3;
    assert_int_equal(door_decide(&p), DOOR_ALLOWED);
}

static void nobody_is_kept_in_by_the_clock_and_outside_lets_everyone_in(void **state)
{
    (void)state;
    assert_int_equal(ask(NULL, &icu, true, NULL, AT(23, 0)), DOOR_ALLOWED);
    assert_int_equal(ask(&ward3, &icu, true, "ward", AT(23, 0)), DOOR_ALLOWED);
    assert_int_equal(ask(&ward3, &icu, true, "icu-nurse", AT(12, 0)), DOOR_NO_ROLE);
}

static void who_is_in_does_not_come_in_again_and_who_is_out_does_not_leave(void **state)
{
    static const char *const role = "icu-lead";
    static const struct {
        bool out, known, inside;
        int64_t ago; /* in minutes */
        enum door_reason why;
    } rows[] = {
        {false, false, false, 0, DOOR_ALLOWED}, {false, true, true, 1, DOOR_PASSBACK},
        {false, true, true, 59, DOOR_PASSBACK}, {false, true, true, 60, DOOR_ALLOWED},
        {false, true, false, 1, DOOR_ALLOWED},  {false, true, true, -5, DOOR_PASSBACK},
        {true, false, false, 0, DOOR_ALLOWED},  {true, true, false, 1, DOOR_PASSBACK},
        {true, true, false, 60, DOOR_ALLOWED},  {true, true, true, 1, DOOR_ALLOWED},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct seen seen = {rows[i].known, rows[i].inside, (1000 - rows[i].ago) * MINUTE};
        struct passage p = {.out = rows[i].out,
                            .roles = &role,
                            .n_roles = 1,
                            .weekday = 1,
                            .now_us = 1000 * MINUTE};

        if (rows[i].out) {
            p.from = &icu;
            p.from_seen = seen;
        } else {
            p.into = &icu;
            p.into_seen = seen;
        }
        if (door_decide(&p) != rows[i].why)
            fail_msg("row %zu", i);
    }
}

static void what_was_just_allowed_is_allowed_again_for_as_long_as_it_stands(void **state)
{
    static const char *const role = "icu-lead";
    struct passage p = {.roles = &role, .n_roles = 1, .weekday = 1, .now_us = 60 * MINUTE};

    (void)state;
    p.again_us = 15;
    p.into = &icu;
    p.into_seen = (struct seen){true, true, p.now_us - 14};
    assert_int_equal(door_decide(&p), DOOR_ALLOWED);
    p.into_seen.since_us--;
    assert_int_equal(door_decide(&p), DOOR_PASSBACK);
    p.into_seen.since_us = p.now_us + 14; /* stored by a replica whose clock is ahead */
    assert_int_equal(door_decide(&p), DOOR_ALLOWED);
    p.into_seen.since_us++;
    assert_int_equal(door_decide(&p), DOOR_PASSBACK);
    p.into = NULL;
    p.from = &icu;
    p.from_seen = (struct seen){true, false, p.now_us - 14};
    assert_int_equal(door_decide(&p), DOOR_ALLOWED);
    p.again_us = 0;
    assert_int_equal(door_decide(&p), DOOR_PASSBACK);
}

static void a_zone_without_anti_passback_does_not_ask_where_one_was(void **state)
{
    static const char *const role = "r";
    struct zone_rule rule = {"r", NULL, 0};
    struct zone open = {"open", false, 60, LIVENESS_NONE, &rule, 1};
    struct passage p = {.into = &open,
                        .into_seen = {true, true, 0},
                        .roles = &role,
                        .n_roles = 1,
                        .weekday = 1};

    (void)state;
    assert_int_equal(door_decide(&p), DOOR_ALLOWED);
    open.anti_passback = true;
    assert_int_equal(door_decide(&p), DOOR_PASSBACK);
}

static void a_tokens_method_is_held_against_the_zones_liveness(void **state)
{
    static const char *const METHODS[] = {
        "face",          "face+passive",        "face+active",
        "face+attended", "wristband+second-id", "wristband+second-id+witness"};
    static const bool LIVE[4][6] = {
        {true, true, true, true, true, true},      /* NONE */
        {false, true, true, true, true, true},     /* policy PASSIVE */
        {false, false, true, false, false, false}, /* policy ACTIVE */
        {false, false, false, true, true, true},   /* policy ATTENDED */
    };

    (void)state;
    for (int policy = LIVENESS_NONE; policy <= LIVENESS_ATTENDED; policy++)
        for (size_t m = 0; m < WARD_COUNT(METHODS); m++)
            assert_int_equal(method_is_live(policy, METHODS[m]), LIVE[policy - 1][m]);
}

static void a_reason_has_the_contracts_name(void **state)
{
    (void)state;
    assert_string_equal(door_reason_name(DOOR_ALLOWED), "ALLOWED");
    assert_string_equal(door_reason_name(DOOR_NOT_RECOGNISED), "NOT_RECOGNISED");
    assert_string_equal(door_reason_name(DOOR_PASSBACK), "PASSBACK");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hours_hold_from_their_start_until_their_end),
        cmocka_unit_test(a_span_holds_as_long_as_it_is_on_each_of_its_days),
        cmocka_unit_test(hours_follow_the_wall_clock_when_it_is_changed),
        cmocka_unit_test(a_role_within_its_hours_comes_in),
        cmocka_unit_test(any_of_ones_roles_is_enough),
        cmocka_unit_test(nobody_is_kept_in_by_the_clock_and_outside_lets_everyone_in),
        cmocka_unit_test(who_is_in_does_not_come_in_again_and_who_is_out_does_not_leave),
        cmocka_unit_test(what_was_just_allowed_is_allowed_again_for_as_long_as_it_stands),
        cmocka_unit_test(a_zone_without_anti_passback_does_not_ask_where_one_was),
        cmocka_unit_test(a_tokens_method_is_held_against_the_zones_liveness),
        cmocka_unit_test(a_reason_has_the_contracts_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
