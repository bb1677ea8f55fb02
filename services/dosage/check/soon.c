/* soon.c - too soon: a dose within half the ordered interval after another dose of the same
 * ingredient, from any order. This check needs no rule of the rule set.
 *
 * Doses that are close together on purpose are exempt:
 *   - as-needed doses beside scheduled doses (breakthrough pain): sums and PRN limits apply to
 *     these doses;
 *   - planned doses of two simultaneous orders (mealtime insulin as three orders, an extra dose
 *     at once): the interval is at most the distance of the due times, but at least
 *     PLANNED_LEAST;
 *   - the rest of a partly given dose, which belongs to the same slot;
 *   - the order written for an emergency dose without an acknowledgement (its next dose is
 *     checked at the bedside);
 *   - the first maintenance dose after a larger dose that the rule set defines as a loading
 *     dose: the rule set's minutes apply;
 *   - infusions, and single doses of orders without an interval (loading). */
#include "services/dosage/check/run.h"
#include "services/dosage/schedule/timing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef Ward__Dosage__V1__Prescription Prescription;
typedef Ward__Dosage__V1__GivenDose GivenDose;

#define KIND(name) WARD__DOSAGE__V1__TIMING__KIND__KIND_##name

/* Local policy: set by your pharmacists. No publication gives these numbers. */
#define SHARE_PERCENT 50  /* percent of the interval */
#define PLANNED_LEAST 240 /* minutes */

struct soon {
    bool any, broken, hard;
    bool after; /* the other dose was given after the checked dose */
    int64_t gap_min, limit_min;
    struct told told;
    size_t room;
};

static bool is_prn(const Prescription *p)
{
    return p->timing->kind == KIND(AS_NEEDED);
}

/* The minimum minutes between two doses of the order; 0: the order has no interval. */
static int64_t interval_of(const Prescription *p)
{
    int per_day, apart;

    timing_density(p, &per_day, &apart);
    return apart == INT32_MAX ? 0 : apart;
}

/* The order of the given dose, if the order is another active order; otherwise NULL. */
static const Prescription *beside(const struct run *r, const GivenDose *g)
{
    for (size_t i = 0; *g->order_id != '\0' && i < r->n_others; i++)
        if (strcmp(r->others[i].msg->order_id, g->order_id) == 0)
            return timing_check(r->others[i].msg->prescription, NULL) == WARD_OK
                       ? r->others[i].msg->prescription
                       : NULL;
    return NULL;
}

static int64_t minutes_between(int64_t a_us, int64_t b_us)
{
    return llabs(time_of(a_us) - time_of(b_us)) / MINUTE_US;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The interval for a dose of another simultaneous order. */
static int64_t interval_beside(const struct run *r, const GivenDose *g, const Prescription *of)
{
    int64_t own = interval_of(r->p), other = interval_of(of), both, planned;

    if (own > 0 && other > 0 && is_prn(r->p) != is_prn(of))
        return 0;
    both = own == 0 ? other : other == 0 ? own : least(own, other);
    if (r->snap->due_at_us == 0 || g->due_at_us == 0)
        return both;
    planned = minutes_between(r->snap->due_at_us, g->due_at_us);
    return least(both, planned < PLANNED_LEAST ? PLANNED_LEAST : planned);
}

/* The interval for the distance from a given dose; 0: the dose is exempt. */
static int64_t interval_for(const struct run *r, const GivenDose *g)
{
    bool own = *g->order_id != '\0' && strcmp(g->order_id, r->snap->order_id) == 0;
    const Prescription *other = own ? NULL : beside(r, g);
    int64_t interval = interval_of(r->p);

    if (own && g->due_at_us != 0 && g->due_at_us == r->snap->due_at_us)
        return 0;
    if (!r->giving && g->unacknowledged && *g->order_id == '\0')
        return 0;
    if (other != NULL)
        return other->timing->kind == KIND(CONTINUOUS) ? 0 : interval_beside(r, g, other);
    return interval > 0 ? interval : g->interval_minutes;
}

/* Time of the checked dose. For an order, the time of its first dose from now on. */
static int64_t moment(const struct run *r)
{
    int64_t begins = order_begins(r), due = time_of(r->snap->due_at_us);

    return r->giving || due < begins ? begins : due;
}

static bool holds(const struct drug *d, int ingredient)
{
    for (size_t i = 0; d != NULL && i < d->n_ingredients; i++)
        if (d->ingredients[i] == ingredient)
            return true;
    return false;
}

static bool is_rate(const struct run *r, const struct past *past)
{
    enum limit_per per;
    struct ward_decimal x;
    struct amount a;
    const struct product *product = set_product(past->drug, past->msg->product_id);

    return amount_from(r->set, past->msg->dose, &a, NULL) == WARD_OK &&
           !amount_dose(r->set, past->drug, product, &a, 0, &x) &&
           (amount_rate(r->set, past->drug, product, &a, 0, NULL, NULL, &per, &x) ||
            per != PER_NOTHING);
}

/* Patches are compared with patches. Other doses are compared with doses that are not rates. */
static bool is_alike(const struct run *r, const struct past *past)
{
    const GivenDose *g = past->msg;

    if (is_rate(r, past) != r->patch)
        return false;
    return !r->patch || g->interval_minutes > 0 || strcmp(g->order_id, r->snap->order_id) == 0;
}

/* The given amount of the ingredient. */
static bool given_amount(const struct run *r, const struct past *past, int ingredient,
                         struct ward_decimal *out)
{
    const struct product *product = set_product(past->drug, past->msg->product_id);
    struct amount a;

    if (amount_from(r->set, past->msg->dose, &a, NULL) != WARD_OK)
        return false;
    for (size_t k = 0; k < past->drug->n_ingredients; k++)
        if (past->drug->ingredients[k] == ingredient)
            return amount_dose(r->set, past->drug, product, &a, k, out);
    return false;
}

/* Whether the given dose belongs to another order, is larger than the checked dose, and is a
 * loading dose by the rule set. */
static bool is_loading(const struct run *r, const struct past *past, const struct share *share)
{
    const struct ingredient *of = &r->set->ingredients[share->ingredient];
    struct ward_decimal x;

    return of->has_loading && share->good &&
           (*past->msg->order_id == '\0' ||
            strcmp(past->msg->order_id, r->snap->order_id) != 0) &&
           given_amount(r, past, share->ingredient, &x) &&
           ward_decimal_cmp(&x, &of->loading) >= 0 && ward_decimal_cmp(&x, &share->amount) > 0;
}

static void compare(struct run *r, struct soon *s, const struct past *past, int64_t at_us,
                    const struct share *share)
{
    const struct ingredient *of = &r->set->ingredients[share->ingredient];
    const bool high_alert = of->msg->high_alert;
    const GivenDose *g = past->msg;
    int64_t gap = minutes_between(g->given_at_us, at_us), interval = interval_for(r, g);
    int64_t limit = (interval * SHARE_PERCENT + 99) / 100;
    bool broken;

    if (interval > 0 && is_loading(r, past, share))
        limit = least(limit, of->msg->loading->then_minutes);
    broken = gap < limit;

    if (interval <= 0 || (!r->giving && time_of(g->given_at_us) > at_us) ||
        (!broken && s->any && gap - limit >= s->gap_min - s->limit_min) || !is_alike(r, past))
        return;
    if (broken) {
        about_add(r, &s->told.about, &s->told.n_about, &s->room, g->administration_id);
        s->broken = true;
        s->hard |= high_alert && (interval_of(r->p) > 0 || beside(r, g) == NULL);
    }
    if (s->any && gap - limit >= s->gap_min - s->limit_min)
        return;
    s->any = true;
    s->after = time_of(g->given_at_us) > at_us;
    s->gap_min = gap;
    s->limit_min = limit;
}

/* Prints a duration, such as "2 h 30 min". */
static char *how_long(struct run *r, int64_t minutes, bool zh)
{
    char h[24], min[24];
    const char *args[] = {h, min};

    snprintf(h, sizeof(h), "%lld", (long long)(minutes / 60));
    snprintf(min, sizeof(min), "%lld", (long long)(minutes < 120 ? minutes : minutes % 60));
    if (minutes < 1)
        return say(r, zh ? "不到 1 分钟" : "less than 1 min", args);
    if (minutes < 120)
        return say(r, zh ? " {1} 分钟" : "{1} min", args);
    if (minutes % 60 == 0)
        return say(r, zh ? " {0} 小时" : "{0} h", args);
    return say(r, zh ? " {0} 小时 {1} 分钟" : "{0} h {1} min", args);
}

static void tell(struct run *r, struct soon *s, const struct ingredient *of)
{
    static const char *const when[][2] = {
        {"before the first dose of this order", "本医嘱首次给药前"},
        {"before this dose", "本次给药前"},
        {"after this dose", "本次给药后"}};
    const char *const *phrase = when[!r->giving ? 0 : s->after ? 2 : 1];
    const char *en[] = {name_en(of->msg->name, of->msg->id), how_long(r, s->gap_min, false),
                        phrase[0], how_long(r, s->limit_min, false)};
    const char *zh[] = {name_zh(of->msg->name, of->msg->id), how_long(r, s->gap_min, true),
                        phrase[1], how_long(r, s->limit_min, true)};

    find_own_as(r, OWN_TOO_SOON,
                s->hard ? WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD
                        : WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN,
                en, zh, &s->told);
}

static void check_share(struct run *r, const struct share *share)
{
    const int ingredient = share->ingredient;
    const struct ingredient *of = &r->set->ingredients[ingredient];
    static char id[] = "ward.too-soon";
    Ward__Dosage__V1__Rule rule = WARD__DOSAGE__V1__RULE__INIT;
    struct ward_decimal gap, limit;
    struct soon s = {.any = false};
    int64_t at_us = moment(r);

    /* newest first: usually only the newest dose is compared */
    for (size_t i = r->n_pasts; i-- > 0;)
        if (holds(r->pasts[i].drug, ingredient))
            compare(r, &s, &r->pasts[i], at_us, share);
    if (!s.any)
        return;
    gap = ward_decimal_of(s.gap_min, 0);
    limit = ward_decimal_of(s.limit_min, 0);
    s.told.compared = ward_new(r->mem, Ward__Dosage__V1__Compared *);
    if (s.told.compared == NULL)
        return;
    s.told.compared[s.told.n_compared++] =
        compared(r, "since-last-minutes", &gap, &limit, "min", ">=");
    rule.id = id;
    rule.version = 1;
    trace_add(r, &rule,
              s.broken ? WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
                       : WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD,
              of->msg->id, s.told.compared, s.told.n_compared);
    if (s.broken)
        tell(r, &s, of);
}

/* An as-needed order, which does not mean that a dose is due, is compared when a dose is given.
 * A change that does not move doses is also compared only when a dose is given. */
void check_too_soon(struct run *r)
{
    bool held_later = !r->giving && (r->snap->times_kept || is_prn(r->p));

    if (!engine_at_least(r, 2) || (r->rate && !r->patch) || held_later)
        return;
    for (size_t k = 0; k < r->n_shares; k++)
        check_share(r, &r->shares[k]);
}
