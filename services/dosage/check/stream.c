#include "services/dosage/check/sum.h"

#include "services/dosage/schedule/timing.h"

#include <stdlib.h>
#include <string.h>

static int64_t ends_of(const Ward__Dosage__V1__Prescription *p)
{
    return p->ends_at_us == 0 ? FOREVER : time_of(p->ends_at_us);
}

/* Start of the order, in the past or the future. */
static int64_t begin_of(const struct run *r)
{
    return r->p->starts_at_us > 0 ? time_of(r->p->starts_at_us) : r->at_us;
}

int64_t order_begins(const struct run *r)
{
    return !r->giving && r->p->starts_at_us > r->at_us ? time_of(r->p->starts_at_us) : r->at_us;
}

bool orders_meet_by(const struct run *r, const Ward__Dosage__V1__Prescription *other,
                    int64_t after_theirs_us, int64_t after_ours_us)
{
    int64_t ends = ends_of(r->p), other_ends = ends_of(other);
    int64_t begins = begin_of(r);

    return (other_ends == FOREVER || other_ends > FOREVER - after_theirs_us ||
            begins < other_ends + after_theirs_us) &&
           (ends == FOREVER || ends > FOREVER - after_ours_us ||
            time_of(other->starts_at_us) < ends + after_ours_us);
}

bool orders_meet(const struct run *r, const Ward__Dosage__V1__Prescription *other,
                 int64_t after_us)
{
    return orders_meet_by(r, other, after_us, after_us);
}

/* ---- the order's length ---- */

/* Days for `count` doses of a timing, including the day of the last dose. */
static int64_t count_days(const Ward__Dosage__V1__Timing *t)
{
    int64_t days, per_week = t->n_weekdays == 0 ? 7 : (int64_t)t->n_weekdays;

    if (t->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_INTERVAL)
        return ((int64_t)(t->count - 1) * t->interval_minutes + 1440) / 1440;
    if (t->kind != WARD__DOSAGE__V1__TIMING__KIND__KIND_TIMES || t->n_times == 0)
        return -1;
    days = (t->count + (int64_t)t->n_times - 1) / (int64_t)t->n_times;
    if (t->n_weekdays > 0)
        return (days + per_week - 1) / per_week * 7;
    return (days - 1) * (t->every_days == 0 ? 1 : t->every_days) + 1;
}

int64_t order_days(const struct run *r)
{
    const Ward__Dosage__V1__Prescription *p = r->p;
    int64_t begins = begin_of(r), ends = ends_of(p), days = -1, span;

    if (p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE)
        return 1;
    if (p->timing->count > 0)
        days = count_days(p->timing);
    if (ends == FOREVER || ends <= begins)
        return days;
    span = (ends - begins - 1) / DAY_US + 1;
    return days < 0 || span < days ? span : days;
}

/* ---- streams ---- */

/* The maximum tolerance of windows in minutes, and the tolerance of an order without its own
 * windows: +/-1 hour. */
#define SLACK_MIN 120

/* Single, as-needed and continuous doses have no windows. */
static int64_t slack_of(const Ward__Dosage__V1__Timing *t, int64_t apart_us)
{
    int64_t slack = (int64_t)t->before_minutes + t->after_minutes;

    if (t->kind != WARD__DOSAGE__V1__TIMING__KIND__KIND_INTERVAL &&
        t->kind != WARD__DOSAGE__V1__TIMING__KIND__KIND_TIMES)
        return 0;
    slack = (slack <= 0 || slack > SLACK_MIN ? SLACK_MIN : slack) * MINUTE_US;
    return slack < apart_us ? slack : apart_us - 1;
}

static void stream_of(const struct run *r, const Ward__Dosage__V1__Prescription *p,
                      const char *order_id, struct stream *out)
{
    int minutes;

    out->order_id = order_id;
    out->infusion = dose_is_rate(p);
    timing_density(p, &out->per_day, &minutes);
    out->per_week = out->per_day * (int)p->timing->n_weekdays;
    out->apart_us = (minutes < 1 ? 1 : minutes) * MINUTE_US;
    out->first_us = time_since(r->at_us, p->starts_at_us);
    out->ends_us = ends_of(p) == FOREVER ? FOREVER : ends_of(p) - r->at_us;
    out->slack_us = slack_of(p->timing, out->apart_us);
    out->left = p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE ? 1
                : p->timing->count > 0                                       ? p->timing->count
                                                                             : -1;
    out->meets = orders_meet(r, p, 0);
}

static bool holds(const struct drug *d, int ingredient, size_t *k)
{
    for (*k = 0; d != NULL && *k < d->n_ingredients; (*k)++)
        if (d->ingredients[*k] == ingredient)
            return true;
    return false;
}

/* Converts a dose to an amount of the ingredient; for an infusion: per day. */
bool amount_at(struct run *r, const struct drug *d, const char *product_id,
               const Ward__Dosage__V1__Quantity *q, size_t k, bool rate,
               struct ward_decimal *out)
{
    const struct body *b = &r->body;
    struct amount a;
    enum limit_per per;

    if (amount_from(r->set, q, &a, NULL) != WARD_OK)
        return false;
    if (!rate)
        return amount_dose(r->set, d, set_product(d, product_id), &a, k, out);
    return amount_rate(r->set, d, set_product(d, product_id), &a, k,
                       b->weight.there ? &b->weight.value : NULL, b->has_bsa ? &b->bsa : NULL,
                       &per, out);
}

/* Converts a dose to an amount in the unit of the sum. */
static bool part_at(struct run *r, const struct member *m, const struct drug *d,
                    const char *product_id, const Ward__Dosage__V1__Quantity *q, size_t k,
                    bool rate, struct ward_decimal *out)
{
    return amount_at(r, d, product_id, q, k, rate, out) &&
           (m->msg == NULL || (m->good && decimal_mul(out, &m->factor, out)));
}

bool member_by(const struct member *m, Ward__Dosage__V1__Route route)
{
    for (size_t i = 0; m->msg != NULL && i < m->msg->n_routes; i++)
        if (m->msg->routes[i] == route)
            return true;
    return m->msg == NULL || m->msg->n_routes == 0;
}

static void add_running(struct run *r, struct sums *s, const struct member *m)
{
    for (size_t i = 0; i < r->n_others; i++) {
        const Ward__Dosage__V1__RunningOrder *o = r->others[i].msg;
        const Ward__Dosage__V1__Prescription *p = o->prescription;
        struct stream *to = &s->streams[s->n_streams];
        size_t k;

        if (o->on_hold || !holds(r->others[i].drug, m->ingredient, &k) ||
            !member_by(m, p->route))
            continue;
        if (timing_check(p, NULL) != WARD_OK ||
            !part_at(r, m, r->others[i].drug, p->product_id, p->dose, k, dose_is_rate(p),
                     &to->amount)) {
            unfit_add(r, o->order_id);
            continue;
        }
        stream_of(r, p, o->order_id, to);
        s->n_streams++;
    }
}

/* ---- given doses ---- */

static int stream_at(const struct sums *s, const char *order_id)
{
    for (size_t i = 0; *order_id != '\0' && i < s->n_streams; i++)
        if (strcmp(s->streams[i].order_id, order_id) == 0)
            return (int)i;
    return -1;
}

/* The next dose of an order comes no earlier after its last dose than the timing permits. */
static void follow(struct stream *st, const struct dose_given *g)
{
    if (st->left > 0)
        st->left--;
    if (st->apart_us - g->ago_us > st->first_us)
        st->first_us = st->apart_us - g->ago_us;
}

/* A charted rate lasts until its order ends. Without an order, a rate lasts a day, and a patch
 * three days. */
#define PATCH_US (3 * DAY_US)
static void add_infused(struct run *r, struct sums *s, struct dose_given *to,
                        const struct past *past, const struct member *m, size_t k)
{
    const Ward__Dosage__V1__GivenDose *g = past->msg;
    struct stream *st = to->stream < 0 ? NULL : &s->streams[to->stream];
    int64_t worn_us = g->route == WARD__DOSAGE__V1__ROUTE__ROUTE_TD ? PATCH_US : DAY_US;

    to->infusion = true;
    to->good = part_at(r, m, past->drug, g->product_id, g->dose, k, true, &to->amount);
    if (st != NULL)
        to->ended_us = st->ends_us < 0 ? -st->ends_us : 0;
    else if (to->ago_us > worn_us)
        to->ended_us = to->ago_us - worn_us;
    if (to->ended_us > to->ago_us)
        to->ended_us = to->ago_us;
    if (st == NULL || !st->infusion || (r->giving && to->stream != 0)) {
        s->n_given++;
        return;
    }
    if (to->ago_us > st->ran_us)
        st->ran_us = to->ago_us; /* the rate counts with the future doses */
}

static void add_given(struct run *r, struct sums *s, const struct member *m)
{
    for (size_t i = 0; i < r->n_pasts; i++) {
        const Ward__Dosage__V1__GivenDose *g = r->pasts[i].msg;
        struct dose_given *to = &s->given[s->n_given];
        size_t k;

        if (!holds(r->pasts[i].drug, m->ingredient, &k) || !member_by(m, g->route))
            continue;
        *to = (struct dose_given){.msg = g, .ago_us = time_since(g->given_at_us, r->at_us)};
        to->stream = stream_at(s, g->order_id);
        to->good =
            part_at(r, m, r->pasts[i].drug, g->product_id, g->dose, k, false, &to->amount);
        if (!to->good) {
            add_infused(r, s, to, &r->pasts[i], m, k);
            continue;
        }
        if (to->stream >= 0 && !s->streams[to->stream].infusion)
            follow(&s->streams[to->stream], to);
        s->n_given++;
    }
}

static void add_lifetime(struct run *r, struct sums *s, const struct member *m)
{
    const struct ingredient *g = &r->set->ingredients[m->ingredient];

    for (size_t i = 0; i < r->snap->n_lifetime; i++) {
        const Ward__Dosage__V1__Lifetime *l = r->snap->lifetime[i];
        struct ward_decimal x;
        struct amount a;

        if (strcmp(l->ingredient, g->msg->id) != 0)
            continue;
        if (amount_from(r->set, l->amount, &a, NULL) == WARD_OK &&
            amount_to(&a, &g->unit, &x) &&
            (m->msg == NULL || (m->good && decimal_mul(&x, &m->factor, &x))) &&
            ward_decimal_add(&s->lifetime, &x, &s->lifetime, NULL) == WARD_OK)
            continue;
        unfit_add(r, g->msg->id);
    }
}

static int newest_first(const void *a, const void *b)
{
    const struct dose_given *x = a, *y = b;

    if (x->ago_us != y->ago_us)
        return x->ago_us < y->ago_us ? -1 : 1;
    return strcmp(x->msg->administration_id, y->msg->administration_id);
}

/* A dose may leave the span earlier, by the tolerance of its order's windows, but not before
 * the previous dose: only one dose of an order at a time is exempt. */
static void slack_of_given(struct sums *s)
{
    for (size_t i = s->n_given; i-- > 0;) {
        struct dose_given *g = &s->given[i];
        struct stream *st = g->stream < 0 ? NULL : &s->streams[g->stream];

        if (st == NULL)
            continue;
        g->slack_us = st->slack_us;
        if (st->older != NULL && st->older->ago_us - g->ago_us < g->slack_us)
            g->slack_us = st->older->ago_us - g->ago_us;
        st->older = g;
    }
}

/* Number of members that a drug contains. */
static size_t count_of(const struct member *members, size_t n, const struct drug *d)
{
    size_t k, count = 0;

    for (size_t i = 0; i < n; i++)
        count += holds(d, members[i].ingredient, &k);
    return count;
}

static struct sums *sum(struct run *r, const struct member *members, size_t n,
                        const struct ward_decimal *own)
{
    struct sums *s = ward_new(r->mem, struct sums);
    size_t streams = 1, given = 0;

    for (size_t i = 0; i < r->n_others; i++)
        streams += count_of(members, n, r->others[i].drug);
    for (size_t i = 0; i < r->n_pasts; i++)
        given += count_of(members, n, r->pasts[i].drug);
    if (s == NULL)
        return NULL;
    s->streams = ward_alloc(r->mem, streams * sizeof(*s->streams));
    s->given = ward_alloc(r->mem, given * sizeof(*s->given));
    if (s->streams == NULL || s->given == NULL)
        return NULL;
    s->streams[0].amount = *own;
    stream_of(r, r->p, r->snap->order_id, &s->streams[0]);
    s->n_streams = 1;
    for (size_t i = 0; i < n; i++)
        add_running(r, s, &members[i]);
    for (size_t i = 0; i < n; i++)
        add_given(r, s, &members[i]);
    if (s->n_given > 1)
        qsort(s->given, s->n_given, sizeof(*s->given), newest_first);
    slack_of_given(s);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || members[i].ingredient != members[i - 1].ingredient)
            add_lifetime(r, s, &members[i]);
    return s;
}

struct sums *sums_of(struct run *r, const struct share *share)
{
    const struct member one = {.ingredient = share->ingredient, .good = true};

    return sum(r, &one, 1, &share->amount);
}

struct sums *sums_of_class(struct run *r, const struct class_sum *c,
                           const struct ward_decimal *own)
{
    return sum(r, c->members, c->n_members, own);
}
