/* Limits of numbers: minutes between doses, doses per day, days. */
#include "services/dosage/check/held.h"
#include "services/dosage/schedule/timing.h"

void held_number(struct held *h, const char *what, int64_t actual, int64_t limit,
                 const char *unit, bool least, const struct words *words)
{
    const struct ward_decimal x = ward_decimal_of(actual, 0), l = ward_decimal_of(limit, 0);
    bool broken = least ? actual < limit : actual > limit;
    const char *args[2];

    held_looked(h, compared(h->r, what, &x, &l, unit, least ? ">=" : "<="), broken);
    if (!broken)
        return;
    args[0] = say_decimal(h->r, &x, "");
    args[1] = say_decimal(h->r, &l, "");
    held_also(h, words->en, words->zh, args);
}

static void check_interval(struct held *h)
{
    static const struct words own = {"doses are {0} minutes apart, at least {1}",
                                     "给药间隔 {0} 分钟，至少 {1} 分钟"};
    static const struct words last = {"the last dose was {0} minutes before, at least {1}",
                                      "距上次给药 {0} 分钟，至少 {1} 分钟"};
    int32_t least = h->rule->msg->min_interval_minutes;
    int64_t gap, limit;
    int per_day, apart;

    if (least <= 0 || (h->skip & GROUP_INTERVAL) != 0 || (h->r->rate && !h->r->patch))
        return;
    timing_density(h->r->p, &per_day, &apart);
    if (!h->r->giving && apart != INT32_MAX)
        held_number(h, "interval-minutes", apart, least, "min", true, &own);
    if (h->sums == NULL)
        h->sums = sums_of(h->r, h->share);
    if (h->sums != NULL && sums_gap(h->r, h->sums, least, &gap, &limit))
        held_number(h, "since-last-minutes", gap, limit, "min", true, &last);
}

static void check_count(struct held *h)
{
    static const struct words words = {"{0} doses within 24 hours, at most {1}",
                                       "24 小时内 {0} 次，最多 {1} 次"};
    int32_t most = h->rule->msg->max_doses_per_day;
    struct ward_decimal n;

    if (most <= 0 || (h->skip & GROUP_COUNT) != 0 || (h->r->rate && !h->r->patch))
        return;
    if (h->sums == NULL)
        h->sums = sums_of(h->r, h->share);
    if (h->sums != NULL && sums_most(h->r, h->sums, 1, true, &n) &&
        ward_decimal_round(&n, 0, WARD_ROUND_UP, &n, NULL, NULL) == WARD_OK)
        held_number(h, "doses-per-day", (int64_t)n.coef, most, "1", false, &words);
}

/* Doses more than 36 hours apart belong to two courses. Local policy: set by your
 * pharmacists. */
#define COURSE_GAP_US (36 * HOUR_US)

static bool holds(const struct drug *d, int ingredient)
{
    for (size_t i = 0; d != NULL && i < d->n_ingredients; i++)
        if (d->ingredients[i] == ingredient)
            return true;
    return false;
}

/* The order's start for order_days. A changed active order began in the past. */
static int64_t order_began(const struct run *r)
{
    return r->p->starts_at_us > 0 ? time_of(r->p->starts_at_us) : r->at_us;
}

/* Start of the uninterrupted sequence of doses of the ingredient up to this order, from any
 * order and by any route. Without earlier doses, the order's own start. */
static int64_t course_begins(const struct held *h)
{
    const struct run *r = h->r;
    int64_t begins = order_began(r);

    for (size_t i = r->n_pasts; engine_at_least(r, 2) && i-- > 0;) {
        int64_t at_us = time_of(r->pasts[i].msg->given_at_us);

        if (!holds(r->pasts[i].drug, h->share->ingredient) || at_us > begins)
            continue;
        if (begins - at_us > COURSE_GAP_US)
            break;
        begins = at_us;
    }
    return begins;
}

static void check_duration(struct held *h)
{
    static const struct words words = {"it goes on for {0} days, at most {1}",
                                       "疗程 {0} 天，最多 {1} 天"};
    int32_t most = h->rule->msg->max_duration_days;
    struct ward_decimal limit = ward_decimal_of(most, 0);
    const char *args[1];
    int64_t days;

    if (most <= 0 || (h->skip & GROUP_DURATION) != 0 || h->r->giving)
        return;
    days = order_days(h->r);
    if (days >= 0)
        days += (order_began(h->r) - course_begins(h) + DAY_US - 1) / DAY_US;
    if (days >= 0) {
        held_number(h, "duration-days", days, most, "d", false, &words);
        return;
    }
    held_looked(h, compared(h->r, "duration-days-without-end", &limit, &limit, "d", "<="),
                true);
    args[0] = say_decimal(h->r, &limit, "");
    held_also(h, "it has no end, at most {0} days", "未设停止时间，最多 {0} 天", args);
}

void held_numbers(struct held *h)
{
    check_interval(h);
    check_count(h);
    check_duration(h);
}
