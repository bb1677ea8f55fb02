/* Too soon after the last dose: intended close doses are exempt, all others are found; also for
 * random histories. */
#include "services/dosage/check/check_testing.h"

static const char SET[] =
    "ingredients { id: 'plain' name { en: 'plain' zh: '平' } unit: 'mg' }\n"
    "ingredients { id: 'alert' name { en: 'alert' zh: '警' } unit: 'mg' high_alert: true }\n"
    "drugs { id: 'plain' ingredients: 'plain' routes: ROUTE_PO }\n"
    "drugs { id: 'alert' ingredients: 'alert' routes: ROUTE_PO }\n"
    "drugs { id: 'both' ingredients: 'alert' ingredients: 'plain' routes: ROUTE_PO\n"
    "  products { id: 'both-1' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'alert' amount: '1 mg' per: '1 {tablet}' }\n"
    "    strengths { ingredient: 'plain' amount: '1 mg' per: '1 {tablet}' } } }\n"
    "dose_rules { rule { id: 'p' severity: SEVERITY_WARN } ingredient: 'plain'\n"
    "  max_single: '100000 mg' max_rate: '100000 mg/h' }\n"
    "dose_rules { rule { id: 'a' severity: SEVERITY_WARN } ingredient: 'alert'\n"
    "  max_single: '100000 mg' max_rate: '100000 mg/h' }\n";

#define NOW_MIN INT64_C(30000000) /* 2027-01-15T08:00:00Z */
#define AT(min) (long long)((NOW_MIN + (min)) * MINUTE_US)

#define ONCE "kind: KIND_ONCE"
#define DRIP "kind: KIND_CONTINUOUS"
#define Q(m) "kind: KIND_INTERVAL interval_minutes: " #m
#define TID  "kind: KIND_TIMES times: '08:00' times: '14:00' times: '20:00'"
#define PRN(m)                                                                                 \
    "kind: KIND_AS_NEEDED } as_needed { reason { code: 'x' } max_doses_per_24h: 24 "           \
    "min_interval_minutes: " #m

static int set_up(void **state)
{
    static struct bench b;

    bench_open(&b, SET);
    *state = &b;
    return 0;
}

static int set_down(void **state)
{
    bench_close(*state);
    return 0;
}

static char *what(struct bench *b, const char *drug, const char *timing, int starts)
{
    return ward_printf(
        &b->run,
        "prescription { drug_id: '%s' dose: '%s' %s route: ROUTE_PO timing { %s } "
        "starts_at_us: %lld } ",
        drug,
        strstr(timing, "CONT") != NULL ? "1 mg/h"
        : strcmp(drug, "both") == 0    ? "1 {tablet}"
                                       : "1 mg",
        strcmp(drug, "both") == 0 ? "product_id: 'both-1'" : "", timing, AT(starts));
}

static char *running(struct bench *b, const char *id, const char *drug, const char *timing)
{
    return ward_printf(&b->run, "running { order_id: '%s' %s } ", id,
                       what(b, drug, timing, -1440));
}

/* due 0: no due time; interval 0: no interval. */
static char *given(struct bench *b, const char *order, const char *drug, int at, int due,
                   int interval)
{
    return ward_printf(&b->run,
                       "given { administration_id: 'g%d' order_id: '%s' drug_id: '%s' %s "
                       "given_at_us: %lld due_at_us: %lld interval_minutes: %d } ",
                       -at, order, drug,
                       strcmp(drug, "both") == 0 ? "dose: '1 {tablet}' product_id: 'both-1'"
                                                 : "dose: '1 mg'",
                       AT(at), due == 0 ? 0LL : AT(due), interval);
}

#define FACTS                                                                                  \
    "facts { state: CHART_STATE_CURRENT birth_date: '1970-01-01' sex: SEX_MALE "               \
    "allergies { no_known: true } } "

static char *ask(struct bench *b, const char *purpose, const char *order, int due,
                 const char *rest)
{
    return ward_printf(&b->run,
                       "at_us: %lld engine: 2 purpose: CHECK_PURPOSE_%s order_id: '%s' "
                       "due_at_us: %lld " FACTS "%s",
                       AT(0), purpose, order, due == INT32_MIN ? 0LL : AT(due), rest);
}
#define NO_DUE INT32_MIN

/* The severity of the finding: 'W', 'H', or '-' for no finding. */
static char soon(struct bench *b, const char *snapshot)
{
    const char *told = check_told(b, snapshot), *at = strstr(told, "ward.too-soon:");

    if (strstr(told, "ward.") == NULL && strchr(told, ':') == NULL && *told != '\0')
        fail_msg("%s", told);
    return at == NULL ? '-' : at[strlen("ward.too-soon:")];
}

#define SOON(want, purpose, order, due, ...)                                                   \
    do {                                                                                       \
        const char *rest_[] = {__VA_ARGS__};                                                   \
        char *all_ = ward_strdup(&b->run, "");                                                 \
                                                                                               \
        for (size_t i_ = 0; i_ < WARD_COUNT(rest_); i_++)                                      \
            all_ = ward_printf(&b->run, "%s%s", all_, rest_[i_]);                              \
        assert_int_equal(soon(b, ask(b, purpose, order, due, all_)), want);                    \
    } while (0)

static void half_the_interval_is_the_border(void **state)
{
    struct bench *b = *state;
    const Ward__Dosage__V1__Finding *f;

    SOON('W', "GIVE", "mine", 0, what(b, "plain", Q(360), -720),
         given(b, "mine", "plain", -179, -360, 360));
    f = told_finding(b, "ward.too-soon");
    assert_string_equal(f->text->en,
                        "plain was given 2 h 59 min before this dose. Two doses should be at "
                        "least 3 h apart.");
    assert_string_equal(f->text->zh,
                        "本次给药前 2 小时 59 分钟已给过 平，两次给药至少应间隔 3 小时。");
    assert_string_equal(f->about[0], "g179");
    assert_string_equal(f->compared[0]->what, "since-last-minutes");
    assert_string_equal(f->compared[0]->actual->value, "179");
    assert_string_equal(f->compared[0]->limit->value, "180");
    assert_int_equal(told_step(b, "ward.too-soon")->result,
                     WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN);
    SOON('-', "GIVE", "mine", 0, what(b, "plain", Q(360), -720),
         given(b, "mine", "plain", -180, -360, 360));
    assert_int_equal(told_step(b, "ward.too-soon")->result,
                     WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD);
    SOON('H', "GIVE", "mine", 0, what(b, "alert", Q(360), -720),
         given(b, "mine", "alert", -1, -360, 360));
    SOON('W', "GIVE", "mine", 0, what(b, "plain", TID, -720),
         given(b, "mine", "plain", -170, -360, 360)); /* the smallest interval is 6 h */
    /* doses at 02:00 and 03:00, on the day without an hour between */
    SOON('W', "GIVE", "mine", 0,
         what(b, "plain", "kind: KIND_TIMES times: '02:00' times: '03:00'", -720),
         given(b, "mine", "plain", -5, -5, 60));
    /* a combination that contains the ingredient */
    SOON('H', "GIVE", "mine", 0, what(b, "alert", Q(360), -720),
         given(b, "", "both", -5, 0, 0));
    /* the dose was charted after a later dose */
    SOON('W', "GIVE", "mine", 0, what(b, "plain", Q(360), -720),
         given(b, "mine", "plain", 30, 360, 360));
    assert_non_null(strstr(told_finding(b, "ward.too-soon")->text->en, "30 min after this"));
}

static void stopped_and_ordered_again(void **state)
{
    struct bench *b = *state;

    SOON('W', "PLACE", "", 0, what(b, "plain", Q(1440), 0),
         given(b, "old", "plain", -1, -1, 1440));
    SOON('H', "PLACE", "", 0, what(b, "alert", Q(1440), 0),
         given(b, "old", "alert", -1, -1, 1440));
    SOON('-', "PLACE", "", 1439, what(b, "alert", Q(1440), 1439),
         given(b, "old", "alert", -1, -1, 1440));
    /* a single dose uses the interval of the stopped order */
    SOON('H', "PLACE", "", 0, what(b, "alert", ONCE, 0),
         given(b, "old", "alert", -10, -10, 720));
    SOON('-', "PLACE", "", 0, what(b, "alert", ONCE, 0), given(b, "old", "alert", -10, -10, 0));
    /* an emergency dose, then the scheduled dose */
    SOON('H', "GIVE", "mine", -1, what(b, "alert", Q(240), -1),
         given(b, "", "alert", -1, 0, 0));
}

static void a_change_is_held_against_its_next_dose(void **state)
{
    struct bench *b = *state;

    SOON('-', "CHANGE", "mine", 718, what(b, "alert", Q(720), -2),
         given(b, "mine", "alert", -2, -2, 720));
    SOON('H', "CHANGE", "mine", 30, what(b, "alert", Q(720), 30),
         given(b, "mine", "alert", -2, -2, 720));
    SOON('H', "CHANGE", "mine", 5, what(b, "alert", Q(720), 5),
         given(b, "mine", "alert", -2, -2, 0)); /* ordered as a single dose */
    SOON('-', "CHANGE", "mine", 30, "times_kept: true ", what(b, "alert", Q(720), -690),
         given(b, "mine", "alert", -2, -690, 720)); /* given late; doses are not moved */
    SOON('-', "CHANGE", "mine", -2, what(b, "alert", ONCE, -2),
         given(b, "mine", "alert", -2, -2, 720)); /* the slot is already charted */
}

static void as_needed_beside_scheduled_has_its_own_rules(void **state)
{
    struct bench *b = *state;

    SOON('-', "GIVE", "mine", NO_DUE, what(b, "alert", PRN(240), -720),
         running(b, "o", "alert", Q(720)), given(b, "o", "alert", -10, -10, 720));
    SOON('-', "GIVE", "mine", 0, what(b, "alert", Q(720), -720),
         running(b, "o", "alert", PRN(240)), given(b, "o", "alert", -10, 0, 240));
    SOON('H', "GIVE", "mine", NO_DUE, what(b, "alert", PRN(240), -720),
         given(b, "stopped", "alert", -10, -10, 720));
    SOON('H', "GIVE", "mine", NO_DUE, what(b, "alert", PRN(240), -720),
         running(b, "o", "alert", PRN(120)), given(b, "o", "alert", -59, 0, 120));
    SOON('-', "GIVE", "mine", NO_DUE, what(b, "alert", PRN(240), -720),
         running(b, "o", "alert", PRN(120)), given(b, "o", "alert", -60, 0, 120));
    SOON('-', "PLACE", "", NO_DUE, what(b, "alert", PRN(240), 0),
         given(b, "stopped", "alert", -10, -10, 720)); /* checked when a dose is given */
}

static void orders_beside_each_other_are_as_far_apart_as_planned(void **state)
{
    struct bench *b = *state;
#define DAILY "kind: KIND_TIMES times: '08:00'"

    /* mealtime insulin as three orders; morning and evening; every other day */
    SOON('-', "GIVE", "mine", 0, what(b, "alert", DAILY, -14400),
         running(b, "o", "alert", DAILY), given(b, "o", "alert", -235, -240, 1440));
    SOON('-', "GIVE", "mine", 0, what(b, "alert", Q(1440), -14400),
         running(b, "o", "alert", Q(1440)), given(b, "o", "alert", -690, -720, 1440));
    SOON('-', "GIVE", "mine", 0, what(b, "alert", Q(2880), -14400),
         running(b, "o", "alert", Q(2880)), given(b, "o", "alert", -1400, -1440, 2880));
    /* exceptions: a late dose, and two doses at one time */
    SOON('H', "GIVE", "mine", 0, what(b, "alert", Q(1440), -14400),
         running(b, "o", "alert", Q(1440)), given(b, "o", "alert", -120, -720, 1440));
    SOON('H', "GIVE", "mine", 0, what(b, "alert", Q(1440), -14400),
         running(b, "o", "alert", Q(1440)), given(b, "o", "alert", -1, 0, 1440));
    /* an extra dose at once beside a scheduled order: only a warning */
    SOON('W', "PLACE", "", 0, what(b, "alert", ONCE, 0), running(b, "o", "alert", Q(720)),
         given(b, "o", "alert", -60, -60, 720));
    SOON('-', "PLACE", "", 0, what(b, "alert", ONCE, 0), running(b, "o", "alert", Q(720)),
         given(b, "o", "alert", -150, -150, 720));
}

static void practice_that_is_meant_is_left_alone(void **state)
{
    struct bench *b = *state;

    /* a loading dose, then maintenance when due, or at once */
    SOON('-', "PLACE", "", 720, what(b, "alert", Q(1440), 720),
         given(b, "load", "alert", 0, 0, 0));
    SOON('H', "PLACE", "", 5, what(b, "alert", Q(1440), 5), given(b, "load", "alert", 0, 0, 0));
    /* loading doses of orders for a single dose each */
    SOON('-', "PLACE", "", 0, what(b, "alert", ONCE, 0),
         given(b, "load", "alert", -360, -360, 0));
    /* infusions as the other dose, and as the checked dose */
    SOON('-', "GIVE", "mine", 0, what(b, "alert", DRIP, 0),
         given(b, "load", "alert", -1, 0, 0));
    SOON('-', "GIVE", "mine", 0, what(b, "alert", Q(720), 0), running(b, "o", "alert", DRIP),
         given(b, "o", "alert", -1, 0, 0));
    SOON('-', "GIVE", "mine", 0, what(b, "alert", Q(720), 0),
         "given { administration_id: 'g' drug_id: 'alert' dose: '1 mg/h' given_at_us: "
         "1799999940000000 } ");
    /* the rest of a partly given dose */
    SOON('-', "GIVE", "mine", -20, what(b, "alert", Q(720), -20),
         given(b, "mine", "alert", -10, -20, 720));
    /* the order written after an emergency, and its next dose */
    SOON('-', "PLACE", "", 0, what(b, "alert", Q(720), 0),
         "given { administration_id: 'g' drug_id: 'alert' dose: '1 mg' unacknowledged: true "
         "given_at_us: 1799999940000000 } ");
    SOON('H', "GIVE", "mine", 0, what(b, "alert", Q(720), 0),
         "given { administration_id: 'g' drug_id: 'alert' dose: '1 mg' unacknowledged: true "
         "given_at_us: 1799999940000000 } ");
    /* another ingredient */
    SOON('-', "GIVE", "mine", 0, what(b, "alert", Q(720), 0), given(b, "", "plain", -1, 0, 0));
}

static void a_patch_is_compared_with_patches(void **state)
{
    struct bench *b = *state;
    static const char ordered[] =
        "prescription { drug_id: 'alert' dose: '1 mg/h' route: ROUTE_TD timing { kind: "
        "KIND_INTERVAL interval_minutes: 4320 } starts_at_us: 1799000000000000 } ";
    static const char worn[] =
        "given { administration_id: 'g' order_id: 'mine' drug_id: 'alert' dose: '1 mg/h' "
        "given_at_us: 1799999940000000 interval_minutes: 4320 } ";

    SOON('H', "GIVE", "mine", 0, ordered, worn);
    SOON('H', "GIVE", "new", 0, ordered, worn);
    SOON('-', "GIVE", "mine", 0, ordered, given(b, "", "alert", -1, 0, 0));
    SOON('-', "GIVE", "mine", 0, what(b, "alert", Q(720), 0), worn);
}

static void an_older_check_does_not_know_it(void **state)
{
    struct bench *b = *state;
    const char *s = ask(b, "GIVE", "mine", 0,
                        ward_printf(&b->run, "%s%s", what(b, "plain", Q(360), -720),
                                    given(b, "", "plain", -1, 0, 0)));
    Ward__Dosage__V1__Snapshot *old = bench_snapshot(b, s);

    assert_int_equal(soon(b, s), 'W');
    old->engine = 1;
    assert_int_equal(bench_try(b, old), WARD_OK);
    assert_string_equal(bench_told(b), "");
    assert_null(strstr(bench_told(b), "too-soon"));
}

/* ---- random histories ---- */

#define ORDERS    6
#define DOSES     40
#define HISTORIES 400
#define STEPS     60

static uint64_t seed;

static int chance(int below)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (int)((seed >> 33) % (uint64_t)below);
}

enum how { SCHEDULED, NEEDED, SINGLE };
struct order {
    enum how how;
    int interval, starts, changed; /* minutes */
    bool runs;
};
struct dose {
    int order, at, due, interval; /* order -1: emergency dose; due -1: no slot */
};
struct history {
    struct bench *b;
    int now;
    struct order orders[ORDERS];
    int n_orders;
    struct dose doses[DOSES];
    int n_doses;
};

static void place(struct history *h)
{
    static const int intervals[] = {60, 240, 360, 480, 720, 1440};

    if (h->n_orders == ORDERS)
        return;
    h->orders[h->n_orders++] = (struct order){.how = (enum how)chance(3),
                                              .interval = intervals[chance(6)],
                                              .starts = h->now + chance(3) * 45,
                                              .changed = h->now,
                                              .runs = true};
}

/* The last due slot of an order; an order for a single dose has one slot. */
static int due_of(const struct history *h, const struct order *o)
{
    if (o->how == NEEDED || o->starts > h->now)
        return o->how == NEEDED ? -1 : o->starts;
    return o->how == SINGLE ? o->starts
                            : o->starts + (h->now - o->starts) / o->interval * o->interval;
}

static bool is_taken(const struct history *h, int order, int due)
{
    for (int i = 0; i < h->n_doses; i++)
        if (h->doses[i].order == order && due >= 0 && h->doses[i].due == due)
            return true;
    return false;
}

static char *timing_of(struct bench *b, const struct order *o)
{
    if (o->how == SINGLE)
        return ward_printf(&b->run, ONCE);
    if (o->how == SCHEDULED)
        return ward_printf(&b->run, "kind: KIND_INTERVAL interval_minutes: %d", o->interval);
    return ward_printf(&b->run,
                       "kind: KIND_AS_NEEDED } as_needed { reason { code: 'x' } "
                       "max_doses_per_24h: 24 min_interval_minutes: %d",
                       o->interval);
}

static char *seen(struct history *h, int giving, int due)
{
    struct bench *b = h->b;
    char id[16];
    char *s =
        what(b, "plain", timing_of(b, &h->orders[giving]), h->orders[giving].starts - h->now);

    for (int i = 0; i < h->n_orders; i++)
        if (i != giving && h->orders[i].runs) {
            snprintf(id, sizeof(id), "o%d", i);
            s = ward_printf(&b->run, "%s%s", s,
                            running(b, id, "plain", timing_of(b, &h->orders[i])));
        }
    for (int i = 0; i < h->n_doses; i++) {
        const struct dose *d = &h->doses[i];

        s = ward_printf(&b->run,
                        "%sgiven { administration_id: 'g%d' order_id: '%s%.*d' drug_id: "
                        "'plain' dose: '1 mg' given_at_us: %lld due_at_us: %lld "
                        "interval_minutes: %d } ",
                        s, i, d->order < 0 ? "" : "o", d->order < 0 ? 0 : 1,
                        d->order < 0 ? 0 : d->order, AT(d->at - h->now),
                        d->due < 0 ? 0LL : AT(d->due - h->now), d->interval);
    }
    snprintf(id, sizeof(id), "o%d", giving);
    return ask(b, "GIVE", id, due < 0 ? NO_DUE : due - h->now, s);
}

/* Checks a case against the rule of docs/dosage.md. */
static void hold_to_the_promise(const struct history *h, int giving, char told)
{
    const struct order *me = &h->orders[giving];
    int own = me->how == SINGLE ? 0 : me->interval;
    bool must = false, may = false;

    for (int i = 0; i < h->n_doses; i++) {
        const struct dose *d = &h->doses[i];
        const struct order *of = d->order >= 0 && d->order != giving && h->orders[d->order].runs
                                     ? &h->orders[d->order]
                                     : NULL;
        int other = of == NULL || of->how == SINGLE ? 0 : of->interval;
        int gap = h->now - d->at;
        int most = own > 0 ? own : of != NULL ? other : d->interval;

        may = may || 2 * gap < most;
        if (of != NULL && own > 0 && other > 0 && (me->how == NEEDED) != (of->how == NEEDED))
            continue;
        if (of != NULL && other > 0 && other < most)
            most = other;
        if (of != NULL && most > 240)
            most = 240;
        must = must || 2 * gap < most;
    }
    if (must && told == '-')
        fail_msg("two doses within half the interval, and nothing was found");
    if (!may && told != '-')
        fail_msg("found though every dose is far enough");
}

static void give(struct history *h, int order)
{
    struct order *o = &h->orders[order];
    int due = due_of(h, o);

    if (!o->runs || is_taken(h, order, due) || h->n_doses == DOSES)
        return;
    hold_to_the_promise(h, order, soon(h->b, seen(h, order, due)));
    h->doses[h->n_doses++] = (struct dose){.order = order,
                                           .at = h->now,
                                           .due = due,
                                           .interval = o->how == SINGLE ? 0 : o->interval};
}

static void step(struct history *h)
{
    static const int waits[] = {1, 5, 30, 60, 120, 350};
    int order = h->n_orders == 0 ? 0 : chance(h->n_orders);

    switch (h->n_orders == 0 ? 0 : chance(8)) {
    case 0:
        place(h);
        break;
    case 1:
        h->orders[order].runs = false;
        break;
    case 2: /* changed interval and start */
        h->orders[order].how = SCHEDULED;
        h->orders[order].interval = chance(2) == 0 ? 240 : 720;
        if (chance(2) == 0)
            h->orders[order].starts = h->now + chance(2) * 30;
        break;
    case 3:
        if (h->n_doses < DOSES)
            h->doses[h->n_doses++] = (struct dose){.order = -1, .at = h->now, .due = -1};
        break;
    case 4:
        h->now += waits[chance(6)];
        break;
    default:
        give(h, order);
        h->now += chance(4) == 0 ? waits[chance(6)] : 0;
    }
}

static void no_history_gives_two_doses_too_soon_unfound(void **state)
{
    struct bench *b = *state;

    seed = 20261122;
    for (int i = 0; i < HISTORIES; i++) {
        struct history h = {.b = b, .now = 100000};

        for (int k = 0; k < STEPS; k++)
            step(&h);
        ward_arena_reset(&b->run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(half_the_interval_is_the_border),
        cmocka_unit_test(stopped_and_ordered_again),
        cmocka_unit_test(a_change_is_held_against_its_next_dose),
        cmocka_unit_test(as_needed_beside_scheduled_has_its_own_rules),
        cmocka_unit_test(orders_beside_each_other_are_as_far_apart_as_planned),
        cmocka_unit_test(practice_that_is_meant_is_left_alone),
        cmocka_unit_test(a_patch_is_compared_with_patches),
        cmocka_unit_test(an_older_check_does_not_know_it),
        cmocka_unit_test(no_history_gives_two_doses_too_soon_unfound)};

    return cmocka_run_group_tests_name("soon", tests, set_up, set_down);
}
