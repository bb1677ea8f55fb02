/* Snapshots over orders and doses from fake tables. Numbers are invented. */
#include "services/dosage/check/check_text.h"
#include "services/dosage/give/give.h"
#include "services/dosage/order/home.h"
#include "services/dosage/order/order_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef Ward__Dosage__V1__Administration Administration;

#define NOW INT64_C(1800000000000000)
#define DAY INT64_C(86400000000)

static const char SET[] =
    "title: 't' notice: 'n' ingredients { id: 'free' name { en: 'f' zh: 'f' } unit: 'mg' "
    "source: "
    "'s' } drugs { id: 'free' name { en: 'f' zh: 'f' } ingredients: 'free' routes: ROUTE_PO "
    "products { id: 'free-tab' name { en: 'f' zh: 'f' } form: 'tablet' source: 's' "
    "routes: ROUTE_PO strengths { ingredient: 'free' amount: '10 mg' per: '1 {tablet}' } } }";

/* ---- a table of doses, oldest first ---- */

static Administration doses[12000];
static size_t n_doses;

enum ward_code doses_of(struct worker *w, struct ward_arena *mem,
                        const uint8_t patient[DOSAGE_ID], int64_t from_us, int64_t to_us,
                        size_t most, Administration ***out, size_t *n, struct ward_err *err)
{
    (void)w, (void)patient, (void)err;
    *out = ward_alloc(mem, most * sizeof(Administration *));
    *n = 0;
    for (size_t i = 0; i < n_doses && *n < most; i++)
        if (doses[i].given_at_us >= from_us && doses[i].given_at_us < to_us)
            (*out)[(*n)++] = &doses[i];
    return WARD_OK;
}

bool dose_counts(const Administration *a)
{
    return a->outcome == WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_GIVEN;
}

static Administration *give(int64_t at_us)
{
    Administration *a = &doses[n_doses++];

    ward__dosage__v1__administration__init(a);
    a->outcome = WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_GIVEN;
    a->given_at_us = at_us;
    return a;
}

/* ---- fixtures ---- */

struct bench {
    struct ward_arena mem;
    struct ruleset *rules;
    struct looked looked;
    struct chart chart;
    struct asked what;
    Order *orders[600];
};

static int up(void **state)
{
    static struct ruleset_problems problems;
    static const char sha256[65] = "";
    static struct bench b;
    struct ward_err err = {0};

    b = (struct bench){.chart = {.text = "patient"}};
    ward_arena_init(&b.mem, (size_t)64 << 20);
    assert_int_equal(ruleset_make((const Ward__Dosage__V1__RuleSet *)pb(
                                      &b.mem, &ward__dosage__v1__rule_set__descriptor, SET),
                                  sha256, &b.rules, &problems, &err),
                     WARD_OK);
    b.looked =
        (struct looked){.rules = b.rules, .time_zone = "Asia/Shanghai", .running = b.orders};
    b.what =
        (struct asked){.chart = &b.chart,
                       .prescription = pb(&b.mem, &ward__dosage__v1__prescription__descriptor,
                                          "drug_id: 'free' timing { kind: KIND_ONCE }"),
                       .order_id = "",
                       .at_us = NOW};
    n_doses = 0;
    *state = &b;
    return 0;
}

static int down(void **state)
{
    struct bench *b = *state;

    ruleset_free(b->rules);
    ward_arena_done(&b->mem);
    return 0;
}

static void run(struct bench *b, const char *id, const char *state, const char *timing)
{
    b->orders[b->looked.n_running++] =
        pb(&b->mem, &ward__dosage__v1__order__descriptor,
           ward_printf(&b->mem,
                       "order_id: '%s' version: 1 state: ORDER_STATE_%s prescription { "
                       "drug_id: 'free' starts_at_us: 1799000000000000 timing { %s } }",
                       id, state, timing));
}

static const Snapshot *made(struct bench *b)
{
    struct ward_err err = {0};
    Snapshot *s = NULL;

    assert_int_equal(snapshot_make(NULL, &b->mem, &b->looked, &b->what, &s, &err), WARD_OK);
    return s;
}

/* ---- the tests ---- */

#define EVERY "kind: KIND_INTERVAL interval_minutes: 60"

static void what_runs_is_there_but_the_order_itself_and_what_is_spent(void **state)
{
    struct bench *b = *state;
    const Snapshot *s;

    run(b, "a", "ACTIVE", EVERY);
    run(b, "b", "ON_HOLD", EVERY);
    run(b, "c", "ACTIVE", "kind: KIND_ONCE");
    run(b, "d", "ACTIVE", EVERY);
    b->what.order_id = "d";
    s = made(b);
    assert_int_equal(s->n_running, 2);
    assert_string_equal(s->running[0]->order_id, "a");
    assert_false(s->running[0]->on_hold);
    assert_string_equal(s->running[1]->order_id, "b");
    assert_true(s->running[1]->on_hold);
    assert_string_equal(s->order_id, "d");
    assert_false(s->cut);
}

static void more_than_500_orders_are_cut_and_told(void **state)
{
    struct bench *b = *state;

    for (int i = 0; i < 500; i++)
        run(b, ward_printf(&b->mem, "%04d", i), "ACTIVE", EVERY);
    assert_false(made(b)->cut);
    run(b, "0500", "ACTIVE", EVERY);
    assert_true(made(b)->cut);
    assert_int_equal(made(b)->n_running, 500);
}

static void doses_of_400_days_that_count_are_there_oldest_first(void **state)
{
    struct bench *b = *state;
    const Snapshot *s;

    give(NOW - 400 * DAY - 1);
    give(NOW - 400 * DAY)->administration_id = (char *)(uintptr_t) "first";
    give(NOW - 5)->outcome = WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_REFUSED;
    give(NOW - 1)->emergency = true;
    give(NOW)->administration_id = (char *)(uintptr_t) "last";
    s = made(b);
    assert_int_equal(s->n_given, 3);
    assert_string_equal(s->given[0]->administration_id, "first");
    assert_false(s->given[0]->unacknowledged);
    assert_true(s->given[1]->unacknowledged);
    assert_string_equal(s->given[2]->administration_id, "last");
    assert_false(s->cut);
}

static void of_too_many_doses_the_newest_are_there_and_it_is_told(void **state)
{
    struct bench *b = *state;
    const Snapshot *s;

    for (int i = 0; i < 5000; i++)
        give(NOW - 300 * DAY + i * (DAY / 20));
    s = made(b);
    assert_int_equal(s->n_given, 5000);
    assert_false(s->cut);
    for (int i = 0; i < 6000; i++)
        give(NOW - 40 * DAY + i * (DAY / 200));
    s = made(b);
    assert_true(s->cut);
    assert_in_range(s->n_given, 2000, 5000);
    assert_int_equal(s->given[s->n_given - 1]->given_at_us,
                     NOW - 40 * DAY + 5999 * (DAY / 200));
    for (size_t i = 1; i < s->n_given; i++)
        assert_true(s->given[i]->given_at_us - s->given[i - 1]->given_at_us == DAY / 200);
}

static HomeReconciliation *decided(struct bench *b, const char *statement, int version)
{
    return pb(&b->mem, &ward__dosage__v1__home_reconciliation__descriptor,
              ward_printf(&b->mem,
                          "statement_id: '%s' statement_version: %d version: 1 decision: "
                          "HOME_DECISION_STOP",
                          statement, version));
}

static void decisions_about_what_the_chart_has_at_its_version_are_there(void **state)
{
    struct bench *b = *state;
    HomeReconciliation *all[] = {decided(b, "a", 2), decided(b, "b", 1), decided(b, "c", 1)};
    const Snapshot *s;

    b->looked.homes = all;
    b->looked.n_homes = 3;
    assert_int_equal(made(b)->n_home_reconciliations, 0); /* the chart is missing */
    b->chart.facts = pb(&b->mem, &ward__dosage__v1__facts__descriptor,
                        "home_medicines { record_id: 'a' record_version: 3 } "
                        "home_medicines { record_id: 'b' record_version: 1 } "
                        "home_medicines { record_id: 'd' record_version: 1 }");
    s = made(b);
    assert_int_equal(s->n_home_reconciliations, 1);
    assert_ptr_equal(s->home_reconciliations[0], all[1]);
}

static void the_zone_is_the_one_asked_for_or_the_wards(void **state)
{
    struct bench *b = *state;

    assert_string_equal(made(b)->time_zone, "Asia/Shanghai");
    b->what.time_zone = "Europe/Berlin";
    assert_string_equal(made(b)->time_zone, "Europe/Berlin");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_runs_is_there_but_the_order_itself_and_what_is_spent),
        TEST(more_than_500_orders_are_cut_and_told),
        TEST(doses_of_400_days_that_count_are_there_oldest_first),
        TEST(of_too_many_doses_the_newest_are_there_and_it_is_told),
        TEST(decisions_about_what_the_chart_has_at_its_version_are_there),
        TEST(the_zone_is_the_one_asked_for_or_the_wards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
