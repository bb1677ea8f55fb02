/* Validity of a timing, and its density of doses: counted independently. */
#include "services/dosage/schedule/timing_testing.h"

#define MOST 30000

static struct ward_zone *utc;
static struct slot all[MOST];

static int set_up(void **state)
{
    (void)state;
    return ward_zone_open("UTC", &utc, NULL) == WARD_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ward_zone_close(utc);
    return 0;
}

static void what_chance_made_passes_or_has_a_reason(void **state)
{
    int good = 0;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
        struct ward_err err = {0};
        struct fake f;

        fake_rule(&f, chance(6));
        f.rule.count = chance(8) == 0 ? chance(30000) - 10000 : 0;
        f.rule.before_minutes = chance(4) == 0 ? chance(2000) - 500 : 0;
        f.rule.after_minutes = chance(4) == 0 ? chance(2000) - 500 : 0;
        p.timing = &f.rule;
        if (timing_check(&p, &err) == WARD_OK)
            good++;
        else
            assert_true(strcmp(err.reason, "TIMING_INVALID") == 0 && *err.field != '\0');
    }
    assert_true(good > 4000);
}

static void none(void **state)
{
    Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(timing_check(&p, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "timing.kind");
    assert_int_equal(timing_check(&p, NULL), WARD_INVALID_ARGUMENT);
}

/* Counts the doses of 200 days directly: the maximum in any 24 hours, and the minimum distance
 * of two doses. */
static void density_is_what_is_counted(void **state)
{
    (void)state;
    for (int turn = 0; turn < 2000; turn++) {
        Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
        int most = 0, least = INT32_MAX, per_day, apart;
        size_t n, first = 0;
        struct fake f;

        fake_rule(&f, chance(2) == 0 ? KIND(TIMES) : KIND(INTERVAL));
        f.rule.count = chance(5) == 0 ? 1 + chance(5) : 0;
        p.timing = &f.rule;
        if (timing_check(&p, NULL) != WARD_OK)
            continue;
        f.t = (struct timing){.rule = &f.rule,
                              .zone = utc,
                              .starts_us = 20000 * DAY_US,
                              .ends_us = TIMING_NO_END,
                              .before_us = 1,
                              .after_us = 1};
        n = timing_slots(&f.t, 0, 20130 * DAY_US, all, MOST);
        for (size_t i = 0; i < n && n < MOST; i++) {
            while (all[first].due_us <= all[i].due_us - DAY_US)
                first++;
            if ((int)(i - first) + 1 > most)
                most = (int)(i - first) + 1;
            if (i > 0 && (all[i].due_us - all[i - 1].due_us) / MINUTE_US < least)
                least = (int)((all[i].due_us - all[i - 1].due_us) / MINUTE_US);
        }
        if (n < 2 || n == MOST)
            continue;
        timing_density(&p, &per_day, &apart);
        assert_int_equal(per_day, most);
        /* A limited number of doses may end before the two closest doses occur. */
        assert_true(f.rule.count > 0 ? apart <= least : apart == least);
    }
}

static void density_of_what_has_no_timetable(void **state)
{
    Ward__Dosage__V1__AsNeeded as_needed = WARD__DOSAGE__V1__AS_NEEDED__INIT;
    Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    Timing t = WARD__DOSAGE__V1__TIMING__INIT;
    int per_day, apart;

    (void)state;
    p.timing = &t;
    t.kind = KIND(ONCE);
    timing_density(&p, &per_day, &apart);
    assert_true(per_day == 1 && apart == INT32_MAX);
    t.kind = KIND(AS_NEEDED);
    as_needed.max_doses_per_24h = 4;
    as_needed.min_interval_minutes = 240;
    p.as_needed = &as_needed;
    timing_density(&p, &per_day, &apart);
    assert_true(per_day == 4 && apart == 240);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_chance_made_passes_or_has_a_reason),
        cmocka_unit_test(none),
        cmocka_unit_test(density_is_what_is_counted),
        cmocka_unit_test(density_of_what_has_no_timetable),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
