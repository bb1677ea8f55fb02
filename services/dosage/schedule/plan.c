#include "services/dosage/schedule/plan.h"

#include "ward/dosage/v1/administration.pb-c.h"

#include <stdlib.h>
#include <string.h>

#define MINUTE_US INT64_C(60000000)

#define ORDER(name) WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_##name
#define SLOT(name)  WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_##name
#define KIND(name)  WARD__DOSAGE__V1__TIMING__KIND__KIND_##name
#define DOSE(name)  WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_##name

typedef Ward__Dosage__V1__Order Order;

struct timing plan_timing(const Order *order, const struct ward_zone *zone, int before_minutes,
                          int after_minutes)
{
    const Ward__Dosage__V1__Prescription *p = order->prescription;
    const Ward__Dosage__V1__Timing *rule = p->timing;
    int before = rule->before_minutes > 0 ? rule->before_minutes : before_minutes;
    int after = rule->after_minutes > 0 ? rule->after_minutes : after_minutes;

    return (struct timing){.rule = rule,
                           .zone = zone,
                           .starts_us = p->starts_at_us,
                           .ends_us = p->ends_at_us == 0 ? TIMING_NO_END : p->ends_at_us,
                           .before_us = before * MINUTE_US,
                           .after_us = after * MINUTE_US};
}

static bool is_single(const struct plan_version *v)
{
    return v->timing.rule->kind == KIND(ONCE) || v->timing.rule->kind == KIND(CONTINUOUS);
}

static bool has_ended(const struct plan_version *v)
{
    return v->order->state == ORDER(STOPPED) || v->order->state == ORDER(COMPLETED) ||
           v->order->state == ORDER(CANCELLED);
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The start of a first version's doses: the earliest dose whose window was open when the order
 * was written. */
static int64_t opening(const struct plan_version *v)
{
    int64_t written = v->order->written_at_us, since = written;
    struct timing_walk w;
    struct slot s;

    timing_start(&w, &v->timing, written - PLAN_DAY_US);
    while (timing_next(&w) && w.due_us < written)
        if (timing_slot_at(&v->timing, w.due_us, &s) && s.to_us > written)
            since = w.due_us;
    return since;
}

/* Limits a version to the doses due while the version was in force. A version without doses
 * gets an empty time span. */
static void bound(struct plan_version *v, bool first, bool last_single)
{
    struct timing *t = &v->timing;

    if (v->order->state == ORDER(DRAFT) || (is_single(v) && !last_single)) {
        t->ends_us = 0;
        return;
    }
    if (is_single(v)) /* the only dose, at any time */
        t->since_us = 0;
    else
        t->since_us = first ? opening(v) : v->from_us;
    t->ends_us = smaller(t->ends_us, v->until_us);
    if (has_ended(v))
        t->ends_us = smaller(t->ends_us, v->from_us + PLAN_DAY_US);
}

void plan_make(struct plan *p)
{
    size_t last_single = p->n;

    for (size_t i = 0; i < p->n; i++) {
        struct plan_version *v = &p->v[i];

        v->from_us = v->order->written_at_us;
        v->until_us = i + 1 < p->n ? p->v[i + 1].order->written_at_us : INT64_MAX;
        if (is_single(v))
            last_single = i;
    }
    for (size_t i = 0; i < p->n; i++)
        bound(&p->v[i], i == 0 && p->whole, i == last_single);
}

/* ---- selection of doses ---- */

struct found {
    const struct plan *plan;
    struct planned *out;
    size_t n, cap;
    int64_t from_us, to_us; /* extended by a day before */
};

static const struct plan_version *in_force(const struct plan *p, int64_t at_us)
{
    size_t i = p->n - 1;

    while (i > 0 && p->v[i].from_us > at_us)
        i--;
    return &p->v[i];
}

static void add(struct found *f, int64_t due_us, int64_t number, const struct taken *taken)
{
    if (f->n == f->cap)
        return;
    f->out[f->n++] = (struct planned){.slot = {.due_us = due_us, .number = number},
                                      .version = in_force(f->plan, due_us),
                                      .taken = taken};
}

/* Adds one dose after the time span, for the window of the last dose. */
static void find_due(struct found *f, const struct plan_version *v)
{
    struct timing_walk w;

    timing_start(&w, &v->timing, f->from_us);
    while (timing_next(&w)) {
        add(f, w.due_us, w.number, NULL);
        if (w.due_us >= f->to_us || f->n == f->cap)
            return;
    }
}

static int by_due(const void *a, const void *b)
{
    const struct planned *x = a, *y = b;

    if (x->slot.due_us != y->slot.due_us)
        return x->slot.due_us < y->slot.due_us ? -1 : 1;
    return (x->taken == NULL) - (y->taken == NULL); /* a charted dose comes first */
}

static size_t once_each(struct planned *all, size_t n)
{
    size_t kept = 0;

    if (n > 0)
        qsort(all, n, sizeof(*all), by_due);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && all[kept - 1].slot.due_us == all[i].slot.due_us) {
            if (all[i].taken == NULL)
                all[kept - 1].slot.number = all[i].slot.number;
            continue;
        }
        all[kept++] = all[i];
    }
    return kept;
}

/* ---- states of doses ---- */

static void cut_windows(struct planned *all, size_t n)
{
    int64_t border = INT64_MIN;

    for (size_t i = 0; i < n; i++) {
        const struct timing *t = &all[i].version->timing;
        int64_t next = INT64_MAX;

        if (i + 1 < n)
            next = timing_border(all[i].slot.due_us, t->after_us, all[i + 1].slot.due_us,
                                 all[i + 1].version->timing.before_us);
        timing_window(&all[i].slot, t->before_us, t->after_us, border, next);
        border = next;
    }
}

/* Whether the order was active from the due time until the dose would be late, so that a nurse
 * could have given the dose. */
static bool was_on(const struct plan *p, const struct slot *s)
{
    for (const struct plan_version *v = in_force(p, s->due_us); v < p->v + p->n; v++) {
        if (v->from_us >= s->on_time_us && v->from_us > s->due_us)
            break;
        if (v->order->state != ORDER(ACTIVE))
            return false;
    }
    return true;
}

static Ward__Dosage__V1__SlotState state_of(const struct plan *p, const struct planned *s,
                                            int64_t now_us)
{
    if (s->taken != NULL)
        return s->taken->outcome == DOSE(GIVEN) || s->taken->outcome == DOSE(PARTIAL)
                   ? SLOT(GIVEN)
                   : SLOT(NOT_GIVEN);
    if (!was_on(p, &s->slot))
        return SLOT(SKIPPED);
    if (now_us < s->slot.from_us)
        return SLOT(FUTURE);
    if (now_us < s->slot.on_time_us)
        return SLOT(DUE);
    return now_us < s->slot.to_us ? SLOT(OVERDUE) : SLOT(MISSED);
}

size_t plan_slots(const struct plan *p, const struct taken *taken, size_t n_taken,
                  int64_t from_us, int64_t to_us, int64_t now_us, struct planned *out,
                  size_t most)
{
    struct found f = {.plan = p,
                      .out = out,
                      .cap = PLAN_ROOM(most),
                      .from_us = from_us - PLAN_DAY_US,
                      .to_us = to_us};
    size_t n = 0;

    for (size_t i = 0; i < n_taken; i++)
        add(&f, taken[i].due_us, -1, &taken[i]);
    for (size_t i = 0; i < p->n && p->v[p->n - 1].order->state != ORDER(ENTERED_IN_ERROR); i++)
        find_due(&f, &p->v[i]);
    if (f.n == f.cap)
        return most + 1;
    f.n = once_each(out, f.n);
    cut_windows(out, f.n);
    for (size_t i = 0; i < f.n; i++) {
        if (out[i].slot.due_us < from_us || out[i].slot.due_us >= to_us)
            continue;
        out[n] = out[i];
        out[n].state = state_of(p, &out[n], now_us);
        if (n++ == most)
            return n;
    }
    return n;
}
