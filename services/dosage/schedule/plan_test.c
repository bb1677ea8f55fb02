/* Doses over the versions of an order: none lost, none duplicated, windows without gaps. */
#include "services/dosage/schedule/plan.h"

#include "services/dosage/schedule/timing_testing.h"
#include "ward/dosage/v1/administration.pb-c.h"

#define VERSIONS 6
#define MOST     4000
#define START    INT64_C(1795000000000000) /* November 2026 */

#define ORDER(name) WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_##name
#define SLOT(name)  WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_##name
#define DOSE(name)  WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_##name

static struct planned out[PLAN_ROOM(MOST)], part[PLAN_ROOM(MOST)];
static struct ward_zone *zone;

struct history {
    struct fake fake[VERSIONS];
    Ward__Dosage__V1__Order order[VERSIONS];
    Prescription prescription[VERSIONS];
    struct plan_version v[VERSIONS];
    struct plan plan;
};

static int set_up(void **state)
{
    (void)state;
    return ward_zone_open("Europe/Berlin", &zone, NULL) == WARD_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ward_zone_close(zone);
    return 0;
}

/* Adds a version. Without a kind, the version has the prescription of the previous version. */
static void add(struct history *h, int kind, int state, int64_t written_us, int64_t starts_us)
{
    size_t i = h->plan.n++;

    if (kind != 0)
        fake_rule(&h->fake[i], kind);
    ward__dosage__v1__prescription__init(&h->prescription[i]);
    if (kind == 0)
        h->prescription[i] = h->prescription[i - 1];
    else
        h->prescription[i].timing = &h->fake[i].rule;
    if (kind != 0)
        h->prescription[i].starts_at_us = starts_us;
    ward__dosage__v1__order__init(&h->order[i]);
    h->order[i].prescription = &h->prescription[i];
    h->order[i].state = (Ward__Dosage__V1__OrderState)state;
    h->order[i].version = (int)i + 1;
    h->order[i].written_at_us = written_us;
    h->v[i] = (struct plan_version){.order = &h->order[i],
                                    .timing = plan_timing(&h->order[i], zone, 60, 60)};
    h->plan.v = h->v;
    h->plan.whole = true;
}

static void every(struct history *h, int minutes, int state, int64_t written_us,
                  int64_t starts_us)
{
    add(h, KIND(INTERVAL), state, written_us, starts_us);
    h->fake[h->plan.n - 1].rule.interval_minutes = minutes;
}

static size_t slots(const struct history *h, int64_t from_us, int64_t to_us, int64_t now_us)
{
    return plan_slots(&h->plan, NULL, 0, from_us, to_us, now_us, out, MOST);
}

static void is(size_t i, int64_t due_us, int version, int state)
{
    if (out[i].slot.due_us != due_us || out[i].version->order->version != version ||
        (int)out[i].state != state)
        fail_msg("slot %zu: due %+lld min, version %d, state %d", i,
                 (long long)((out[i].slot.due_us - START) / MINUTE_US),
                 out[i].version->order->version, (int)out[i].state);
}

static void a_change_cuts_what_was_due_later(void **state)
{
    struct history h = {0};

    (void)state;
    every(&h, 360, ORDER(ACTIVE), START, START);
    every(&h, 240, ORDER(ACTIVE), START + 7 * HOUR_US, START + 8 * HOUR_US);
    plan_make(&h.plan);
    assert_int_equal(slots(&h, START, START + DAY_US, START + 7 * HOUR_US), 6);
    is(0, START, 1, SLOT(MISSED));
    is(1, START + 6 * HOUR_US, 1, SLOT(MISSED));
    is(2, START + 8 * HOUR_US, 2, SLOT(DUE));
    is(3, START + 12 * HOUR_US, 2, SLOT(FUTURE));
    assert_int_equal(out[1].slot.to_us, START + 7 * HOUR_US);
    assert_int_equal(out[2].slot.from_us, START + 7 * HOUR_US);
}

static void a_hold_skips_and_going_on_does_not_bring_back(void **state)
{
    struct history h = {0};

    (void)state;
    every(&h, 360, ORDER(ACTIVE), START, START);
    add(&h, 0, ORDER(ON_HOLD), START + 5 * HOUR_US, 0);
    add(&h, 0, ORDER(ACTIVE), START + 13 * HOUR_US, 0);
    plan_make(&h.plan);
    assert_int_equal(slots(&h, START, START + DAY_US, START + 14 * HOUR_US), 4);
    is(0, START, 1, SLOT(MISSED));
    is(1, START + 6 * HOUR_US, 2, SLOT(SKIPPED));
    is(2, START + 12 * HOUR_US, 2, SLOT(SKIPPED));
    is(3, START + 18 * HOUR_US, 3, SLOT(FUTURE));
}

static void a_hold_before_it_is_late_skips_and_one_behind_does_not(void **state)
{
    struct history early = {0}, late = {0};

    (void)state;
    every(&early, 360, ORDER(ACTIVE), START, START);
    add(&early, 0, ORDER(ON_HOLD), START + 59 * MINUTE_US, 0);
    plan_make(&early.plan);
    assert_true(slots(&early, START, START + 1, START + 3 * HOUR_US) == 1);
    is(0, START, 1, SLOT(SKIPPED));
    every(&late, 360, ORDER(ACTIVE), START, START);
    add(&late, 0, ORDER(ON_HOLD), START + 60 * MINUTE_US, 0);
    plan_make(&late.plan);
    assert_true(slots(&late, START, START + 1, START + 3 * HOUR_US) == 1);
    is(0, START, 1, SLOT(OVERDUE));
}

static void an_end_shows_a_day_of_skipped_doses(void **state)
{
    static const int ENDS[] = {ORDER(STOPPED), ORDER(COMPLETED), ORDER(CANCELLED)};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(ENDS); i++) {
        struct history h = {0};

        every(&h, 360, ORDER(ACTIVE), START, START);
        add(&h, 0, ENDS[i], START + 3 * HOUR_US, 0);
        plan_make(&h.plan);
        assert_int_equal(slots(&h, START, START + 9 * DAY_US, START + 5 * DAY_US), 5);
        is(0, START, 1, SLOT(MISSED));
        is(4, START + DAY_US, 2, SLOT(SKIPPED));
    }
}

static void what_was_wrong_or_a_draft_has_none(void **state)
{
    struct history wrong = {0}, draft = {0};

    (void)state;
    every(&wrong, 360, ORDER(ACTIVE), START, START);
    add(&wrong, 0, ORDER(ENTERED_IN_ERROR), START + HOUR_US, 0);
    plan_make(&wrong.plan);
    assert_int_equal(slots(&wrong, START, START + DAY_US, START), 0);
    every(&draft, 360, ORDER(DRAFT), START, START);
    plan_make(&draft.plan);
    assert_int_equal(slots(&draft, START, START + DAY_US, START), 0);
}

static void a_beginning_in_the_past_leaves_the_dose_that_is_open(void **state)
{
    struct history h = {0};

    (void)state;
    every(&h, 360, ORDER(ACTIVE), START, START - 20 * HOUR_US);
    plan_make(&h.plan);
    assert_int_equal(slots(&h, START - 9 * DAY_US, START + 5 * HOUR_US, START), 2);
    is(0, START - 2 * HOUR_US, 1, SLOT(OVERDUE));
    is(1, START + 4 * HOUR_US, 1, SLOT(FUTURE));
    h.plan.whole = false; /* the earlier dose belongs to an earlier version */
    h.v[0].timing = plan_timing(&h.order[0], zone, 60, 60);
    plan_make(&h.plan);
    assert_int_equal(slots(&h, START - 9 * DAY_US, START + 5 * HOUR_US, START), 1);
}

static void the_one_dose_goes_where_the_last_version_puts_it(void **state)
{
    struct history h = {0}, more = {0};

    (void)state;
    add(&h, KIND(ONCE), ORDER(ACTIVE), START, START + 2 * HOUR_US);
    add(&h, KIND(ONCE), ORDER(ACTIVE), START + HOUR_US, START + 5 * HOUR_US);
    add(&h, 0, ORDER(ON_HOLD), START + 2 * HOUR_US, 0);
    add(&h, 0, ORDER(ACTIVE), START + 3 * HOUR_US, 0);
    plan_make(&h.plan);
    assert_int_equal(slots(&h, START - DAY_US, START + DAY_US, START + 3 * HOUR_US), 1);
    is(0, START + 5 * HOUR_US, 4, SLOT(FUTURE));
    /* A due dose without a charted entry moves, too. */
    memset(&h, 0, sizeof(h));
    add(&h, KIND(ONCE), ORDER(ACTIVE), START, START);
    add(&h, KIND(ONCE), ORDER(ACTIVE), START + 2 * HOUR_US, START + 5 * HOUR_US);
    plan_make(&h.plan);
    assert_int_equal(slots(&h, START - DAY_US, START + DAY_US, START + 3 * HOUR_US), 1);
    is(0, START + 5 * HOUR_US, 2, SLOT(FUTURE));
    /* An earlier dose is not lost by a hold of some minutes around its time. */
    add(&more, KIND(ONCE), ORDER(ACTIVE), START, START);
    add(&more, 0, ORDER(ON_HOLD), START + 2 * HOUR_US, 0);
    add(&more, 0, ORDER(ACTIVE), START + 3 * HOUR_US, 0);
    plan_make(&more.plan);
    assert_int_equal(slots(&more, START - DAY_US, START + DAY_US, START + 4 * HOUR_US), 1);
    is(0, START, 1, SLOT(OVERDUE));
}

static void what_was_charted_stays_whatever_changed(void **state)
{
    struct taken taken[] = {{.due_us = START + 6 * HOUR_US, .outcome = DOSE(PARTIAL)},
                            {.due_us = START + 8 * HOUR_US, .outcome = DOSE(HELD)}};
    struct history h = {0};

    (void)state;
    every(&h, 360, ORDER(ACTIVE), START, START);
    every(&h, 480, ORDER(ACTIVE), START + 5 * HOUR_US, START + 8 * HOUR_US);
    plan_make(&h.plan);
    assert_int_equal(
        plan_slots(&h.plan, taken, 2, START, START + DAY_US, START + 9 * HOUR_US, out, MOST),
        4);
    /* charted early, before the order was changed */
    is(1, START + 6 * HOUR_US, 2, SLOT(GIVEN));
    is(2, START + 8 * HOUR_US, 2, SLOT(NOT_GIVEN));
    is(3, START + 16 * HOUR_US, 2, SLOT(FUTURE));
    assert_true(out[1].taken == &taken[0]);
    assert_int_equal(out[1].slot.to_us, out[2].slot.from_us);
    assert_int_equal(plan_slots(&h.plan, taken, 2, START, START + DAY_US, START, out, 3), 4);
}

/* ---- random histories ---- */

static void some_history(struct history *h)
{
    static const int STATES[] = {ORDER(ACTIVE), ORDER(ACTIVE), ORDER(ON_HOLD)};
    int64_t written = START;

    memset(h, 0, sizeof(*h));
    add(h, chance(2) == 0 ? KIND(TIMES) : KIND(INTERVAL), ORDER(ACTIVE), written,
        written + (chance(1440) - 720) * MINUTE_US);
    for (int n = chance(VERSIONS - 1); n > 0; n--) {
        int kind = chance(3) == 0 ? 0 : chance(2) == 0 ? KIND(TIMES) : KIND(INTERVAL);

        written += chance(2 * 1440) * MINUTE_US + chance(1000);
        add(h, kind, STATES[chance(3)], written, written + (chance(2880) - 1440) * MINUTE_US);
    }
    if (chance(4) == 0)
        add(h, 0, ORDER(STOPPED), written + chance(1440) * MINUTE_US, 0);
    plan_make(&h->plan);
}

static void any_history_leaves_no_moment_out_and_none_twice(void **state)
{
    size_t seen = 0;

    (void)state;
    for (int turn = 0; turn < 3000; turn++) {
        int64_t to = START + 9 * DAY_US, middle = START + chance(9 * 1440) * MINUTE_US;
        struct history h;
        size_t n, m;

        some_history(&h);
        n = slots(&h, START - 2 * DAY_US, to, START);
        assert_true(n <= MOST);
        for (size_t i = 1; i < n; i++) {
            const struct slot *a = &out[i - 1].slot, *b = &out[i].slot;

            assert_true(a->due_us < b->due_us && a->to_us <= b->from_us);
            assert_true(a->from_us <= a->due_us && a->due_us < a->on_time_us &&
                        a->on_time_us <= a->to_us);
            assert_true(a->to_us == b->from_us || a->to_us == a->due_us + DAY_US);
        }
        m = plan_slots(&h.plan, NULL, 0, START - 2 * DAY_US, middle, START, part, MOST);
        for (size_t i = 0; i < m; i++)
            assert_memory_equal(&part[i], &out[i], sizeof(out[i]));
        assert_int_equal(plan_slots(&h.plan, NULL, 0, middle, to, START, part, MOST), n - m);
        for (size_t i = m; i < n; i++)
            assert_memory_equal(&part[i - m], &out[i], sizeof(out[i]));
        seen += n;
    }
    assert_true(seen > 50000);
}

/* Each dose belongs to the version in force at its time, and no dose of that version is
 * missing. */
static void any_history_is_that_of_the_versions_in_force(void **state)
{
    (void)state;
    for (int turn = 0; turn < 500; turn++) {
        struct history h;
        size_t n, at = 0;

        some_history(&h);
        n = slots(&h, START, START + 12 * DAY_US, START);
        for (size_t v = 0; v < h.plan.n; v++) {
            struct timing t = plan_timing(&h.order[v], zone, 60, 60);
            int64_t until =
                v + 1 < h.plan.n ? h.order[v + 1].written_at_us : START + 12 * DAY_US;
            struct timing_walk w;

            if (h.order[v].state == ORDER(STOPPED) && until > h.order[v].written_at_us + DAY_US)
                until = h.order[v].written_at_us + DAY_US;
            timing_start(&w, &t, h.order[v].written_at_us);
            while (timing_next(&w) && w.due_us < until) {
                assert_true(at < n && out[at].slot.due_us == w.due_us);
                assert_true(out[at].version == &h.v[v]);
                at++;
            }
        }
        assert_int_equal(at, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_cuts_what_was_due_later),
        cmocka_unit_test(a_hold_skips_and_going_on_does_not_bring_back),
        cmocka_unit_test(a_hold_before_it_is_late_skips_and_one_behind_does_not),
        cmocka_unit_test(an_end_shows_a_day_of_skipped_doses),
        cmocka_unit_test(what_was_wrong_or_a_draft_has_none),
        cmocka_unit_test(a_beginning_in_the_past_leaves_the_dose_that_is_open),
        cmocka_unit_test(the_one_dose_goes_where_the_last_version_puts_it),
        cmocka_unit_test(what_was_charted_stays_whatever_changed),
        cmocka_unit_test(any_history_leaves_no_moment_out_and_none_twice),
        cmocka_unit_test(any_history_is_that_of_the_versions_in_force),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
