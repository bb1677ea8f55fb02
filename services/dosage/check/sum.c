/* sum.c - the amount of an ingredient within a time span: given doses, and future doses of this
 * order and the other active orders.
 *
 * The worst time span is searched, not the next one. The worst time span ends just before a
 * given dose leaves the span, or contains no given dose. Future doses are as dense as an
 * order's timing permits.
 *
 * Doses of an order are charted minutes early or late. An order's oldest dose is therefore not
 * counted if the dose is near the span's start, within the tolerance of the dose's window.
 * Otherwise punctual doses would sometimes count as one too many. */
#include "services/dosage/check/sum.h"

#include <stdlib.h>

#define TRIED_MOST 20000 /* maximum product of doses and orders */

bool sum_minutes(const struct ward_decimal *a_day, int64_t us, struct ward_decimal *out)
{
    const struct ward_decimal day = ward_decimal_of(1440, 0);
    struct ward_decimal minutes = ward_decimal_of((us + MINUTE_US - 1) / MINUTE_US, 0), x;

    return decimal_mul(a_day, &minutes, &x) &&
           ward_decimal_div_round(&x, &day, INFUSION_EXP, WARD_ROUND_UP, out, NULL, NULL) ==
               WARD_OK;
}

/* Maximum doses within t_us of the first dose, including the first dose. */
static int64_t doses_within(const struct stream *s, int64_t t_us)
{
    int64_t week = t_us / (7 * DAY_US), n = t_us % DAY_US / s->apart_us + 1;

    n = t_us / DAY_US * s->per_day + (n < s->per_day ? n : s->per_day);
    if (s->per_week > 0 && n > (week + 1) * s->per_week)
        n = (week + 1) * s->per_week;
    return n;
}

/* Maximum doses of an order in the first x_us from now. `steady`: from the order's own
 * start. */
static int64_t doses_ahead(const struct stream *s, int64_t x_us, bool steady)
{
    int64_t to = !steady && s->ends_us <= x_us ? s->ends_us - 1 : x_us;
    int64_t t = to - (steady ? 0 : s->first_us), n, apart;

    if (t < 0)
        return 0;
    n = doses_within(s, t);
    apart = t / s->apart_us + 1;
    n = n < apart ? n : apart;
    return s->left >= 0 && s->left < n ? s->left : n;
}

/* Duration of an infusion within a time span that ends at most x_us from now and not before
 * from_us. from_us FOREVER: the past duration does not count. */
static int64_t infused_us(const struct stream *s, int64_t span_us, int64_t x_us,
                          int64_t from_us)
{
    int64_t ahead = s->ends_us == FOREVER ? FOREVER : s->ends_us - s->first_us;
    int64_t before = from_us >= span_us ? 0 : span_us - from_us;

    if (s->first_us > x_us || ahead <= 0)
        ahead = 0;
    if (ahead >= span_us)
        return span_us;
    before = s->ran_us < before ? s->ran_us : before;
    before -= s->ends_us < 0 ? -s->ends_us : 0;
    before = before < 0 ? 0 : before;
    return before > span_us - ahead ? span_us : before + ahead;
}

/* The amount of a given dose in a time span that ends at least from_us from now. */
static bool given_in(const struct dose_given *g, int64_t span_us, int64_t from_us,
                     struct ward_decimal *out)
{
    int64_t us = from_us >= span_us ? 0 : span_us - from_us;

    *out = g->amount;
    if (!g->infusion)
        return true;
    us = (g->ago_us < us ? g->ago_us : us) - g->ended_us;
    return sum_minutes(&g->amount, us < 0 ? 0 : us, out);
}

/* Time since the end of a dose. Time spans that begin after the end do not contain the dose. */
static int64_t over_us(const struct dose_given *g)
{
    return g->infusion ? g->ended_us : g->ago_us;
}

static bool add_times(struct ward_decimal *sum, const struct ward_decimal *a, int64_t n)
{
    struct ward_decimal times = ward_decimal_of(n, 0), x;

    return decimal_mul(a, &times, &x) && ward_decimal_add(sum, &x, sum, NULL) == WARD_OK;
}

static bool add_ahead(const struct sums *s, int64_t span_us, int64_t x_us, bool steady,
                      bool doses, struct ward_decimal *sum)
{
    const struct ward_decimal one = ward_decimal_of(1, 0);

    for (size_t i = 0; i < s->n_streams; i++) {
        const struct stream *st = &s->streams[i];
        struct ward_decimal x;

        if (steady && !st->meets)
            continue;
        if (st->infusion && !doses) {
            if (!sum_minutes(&st->amount,
                             infused_us(st, span_us, steady ? FOREVER : x_us,
                                        steady ? FOREVER : s->streams[0].first_us),
                             &x) ||
                ward_decimal_add(sum, &x, sum, NULL) != WARD_OK)
                return false;
        } else if (!add_times(sum, doses ? &one : &st->amount, doses_ahead(st, x_us, steady))) {
            return false;
        }
    }
    return true;
}

/* How long from now on a time span contains a given dose. */
static int64_t stays_us(const struct dose_given *g, int64_t span_us)
{
    return span_us == FOREVER ? FOREVER : span_us - over_us(g) - g->slack_us;
}

static bool add_given(struct run *r, const struct sums *s, int64_t span_us, int64_t x_us,
                      bool doses, struct ward_decimal *sum)
{
    const struct ward_decimal one = ward_decimal_of(1, 0);

    for (size_t i = 0; i < s->n_given; i++) {
        const struct dose_given *g = &s->given[i];
        struct ward_decimal x = one;

        if (over_us(g) >= span_us || stays_us(g, span_us) <= x_us)
            continue;
        if (!g->good && !doses)
            unfit_add(r, g->msg->administration_id);
        else if ((!doses && !given_in(g, span_us, x_us, &x)) || !add_times(sum, &x, 1))
            return false;
    }
    return true;
}

/* A given dose while the time span moves: the time until the dose leaves the span, and its
 * amount. */
struct leaving {
    int64_t stays_us;
    struct ward_decimal adds;
};

static int first_to_leave(const void *a, const void *b)
{
    const struct leaving *x = a, *y = b;

    return x->stays_us != y->stays_us ? (x->stays_us < y->stays_us ? -1 : 1)
                                      : ward_decimal_cmp(&x->adds, &y->adds);
}

/* Doses in the current time span, sorted by the time of leaving. */
static struct leaving *leaving_of(struct run *r, const struct sums *s, int64_t span_us,
                                  bool doses, size_t *n)
{
    const struct ward_decimal one = ward_decimal_of(1, 0);
    struct leaving *list = ward_alloc(r->mem, s->n_given * sizeof(*list));

    *n = 0;
    for (size_t i = 0; list != NULL && i < s->n_given; i++) {
        const struct dose_given *g = &s->given[i];
        int64_t stays = stays_us(g, span_us);
        struct ward_decimal x = one;

        if (stays <= 0)
            continue;
        if ((!g->good && !doses) ||
            (!doses && !given_in(g, span_us, s->streams[0].first_us, &x)))
            unfit_add(r, g->msg->administration_id);
        else
            list[(*n)++] = (struct leaving){stays, x};
    }
    if (*n > 1)
        qsort(list, *n, sizeof(*list), first_to_leave);
    return list;
}

static bool keep_worst(const struct ward_decimal *given, const struct ward_decimal *ahead,
                       struct ward_decimal *worst)
{
    struct ward_decimal sum;

    if (ward_decimal_add(given, ahead, &sum, NULL) != WARD_OK)
        return false;
    if (ward_decimal_cmp(&sum, worst) > 0)
        *worst = sum;
    return true;
}

/* Evaluates the times just before each given dose leaves the span, when the most future doses
 * coincide with the given dose, and the time after all given doses have left. If there are too
 * many doses and orders, all doses are added together, which is never less. */
static bool worst_span(struct run *r, const struct sums *s, int64_t span_us, bool doses,
                       struct ward_decimal *worst)
{
    const struct ward_decimal none = {.coef = 0};
    struct ward_decimal given = none, ahead, steady = none;
    size_t n;
    struct leaving *list = leaving_of(r, s, span_us, doses, &n);
    bool many = n * s->n_streams > TRIED_MOST;

    if (list == NULL)
        return false;
    for (size_t i = 0; i < n; i++)
        if (ward_decimal_add(&given, &list[i].adds, &given, NULL) != WARD_OK)
            return false;
    for (size_t i = 0; !many && i < n; i++) {
        ahead = none;
        if (!add_ahead(s, span_us, list[i].stays_us - 1, false, doses, &ahead) ||
            !keep_worst(&given, &ahead, worst) ||
            ward_decimal_sub(&given, &list[i].adds, &given, NULL) != WARD_OK)
            return false;
    }
    ahead = none;
    return add_ahead(s, span_us, span_us - 1, false, doses, &ahead) &&
           add_ahead(s, span_us, span_us - 1, true, doses, &steady) &&
           keep_worst(&given, &ahead, worst) && keep_worst(&none, &steady, worst);
}

/* Lifetime amount: given doses, and the certain doses of the orders. An order without an end
 * counts with one dose, or with one day of an infusion. */
static bool for_life(struct run *r, const struct sums *s, struct ward_decimal *out)
{
    struct ward_decimal sum = s->lifetime;

    if (!add_given(r, s, FOREVER, 0, false, &sum))
        return false;
    for (size_t i = 0; i < s->n_streams; i++) {
        const struct stream *st = &s->streams[i];
        bool ends = st->left >= 0 || st->ends_us != FOREVER;
        int64_t x = ends ? (st->ends_us == FOREVER ? FOREVER / 4 : st->ends_us) : st->first_us;
        struct ward_decimal part;

        if (st->infusion) {
            int64_t us = infused_us(st, ends ? FOREVER : DAY_US, FOREVER, FOREVER);

            if (!sum_minutes(&st->amount, us + st->ran_us, &part) ||
                ward_decimal_add(&sum, &part, &sum, NULL) != WARD_OK)
                return false;
        } else if (!add_times(&sum, &st->amount, doses_ahead(st, x, false))) {
            return false;
        }
    }
    *out = sum;
    return true;
}

/* At the bedside, only given doses and the present dose count. */
static bool now_too(struct run *r, const struct sums *s, int days, bool doses,
                    struct ward_decimal *out)
{
    const struct stream *own = &s->streams[0];
    struct ward_decimal sum = {.coef = 0};

    if (days == 0)
        sum = s->lifetime;
    if (!add_given(r, s, days == 0 ? FOREVER : days * DAY_US, 0, doses, &sum))
        return false;
    if (own->infusion && !doses) {
        struct ward_decimal x;

        if (!sum_minutes(&own->amount, infused_us(own, DAY_US, 0, 0), &x) ||
            ward_decimal_add(&sum, &x, &sum, NULL) != WARD_OK)
            return false;
    } else {
        const struct ward_decimal one = ward_decimal_of(1, 0);

        if (!add_times(&sum, doses ? &one : &own->amount, 1))
            return false;
    }
    *out = sum;
    return true;
}

bool sums_most(struct run *r, const struct sums *s, int days, bool doses,
               struct ward_decimal *out)
{
    struct ward_decimal worst = {.coef = 0};

    if (r->giving)
        return now_too(r, s, days, doses, out);
    if (days == 0)
        return for_life(r, s, out);
    if (!worst_span(r, s, days * DAY_US, doses, &worst))
        return false;
    *out = worst;
    return true;
}

#define ON_TIME_MIN 60 /* maximum tolerance in minutes for punctual doses */

/* The minimum between two doses of an order, reduced by the tolerance of their windows. Doses
 * further apart by their timing need no tolerance. */
static int64_t least_own(const struct stream *own, int64_t least)
{
    int64_t apart = own->apart_us / MINUTE_US, slack = own->slack_us / MINUTE_US;

    slack = slack > ON_TIME_MIN ? ON_TIME_MIN : slack;
    slack = slack > apart / 4 ? apart / 4 : slack;
    slack = (apart > least ? apart : least) - slack;
    return slack < least ? slack : least;
}

bool sums_gap(const struct run *r, const struct sums *s, int64_t least, int64_t *minutes,
              int64_t *limit)
{
    int64_t ahead = order_begins(r) - r->at_us, worst = FOREVER;

    for (size_t i = 0; i < s->n_given; i++) {
        bool own = s->given[i].stream == 0;
        int64_t gap = (s->given[i].ago_us + ahead) / MINUTE_US;
        int64_t most = own ? least_own(&s->streams[0], least) : least;

        if (own && r->giving && s->given[i].msg->due_at_us != 0 &&
            s->given[i].msg->due_at_us == r->snap->due_at_us)
            continue; /* another part of the present dose */
        if ((own && !r->giving) || gap - most >= worst)
            continue;
        worst = gap - most;
        *minutes = gap;
        *limit = most;
    }
    return worst != FOREVER;
}

void sums_about(struct run *r, const struct sums *s, struct told *told)
{
    size_t room = 0;

    for (size_t i = 1; i < s->n_streams; i++)
        about_add(r, &told->about, &told->n_about, &room, s->streams[i].order_id);
}
