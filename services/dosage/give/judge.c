/* Comparison of a dose with its order. */
#include "services/dosage/give/judge.h"

#include "common/base/clock.h"
#include "services/dosage/schedule/slot_reader.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Dosage__V1__Timing Timing;

#define DAY_MOST 5000 /* maximum doses of a patient in a day */

bool judge_refuses(const struct giving *g)
{
    return rights_failed(&g->rights) || g->n_open > 0;
}

/* ---- the order ---- */

/* Time of the dose: the stated time. Without a stated time, the token's issue time, at which
 * the patient was present, so that a repeated call gives an equal time. Without a token,
 * now. */
static int64_t when(const struct giving *g)
{
    if (g->q->given_at_us != 0)
        return g->q->given_at_us;
    return g->token.spent_us != 0 && g->token.spent_us < g->v.now_us ? g->token.spent_us
                                                                     : g->v.now_us;
}

/* -1 for an invalid slot id, which is reported after the order was checked. */
static int64_t due_of(const struct giving *g)
{
    struct ward_err why = {0};
    uint8_t order[DOSAGE_ID];
    int64_t due_us = -1;

    return slot_id_parse(g->q->slot_id, order, &due_us, &why) == WARD_OK ? due_us : -1;
}

/* Usually the order is active, and was loaded with the other active orders. */
static enum ward_code read_order(struct giving *g, struct ward_err *err)
{
    const struct looked *l = &g->looked;
    uint8_t id[DOSAGE_ID];

    g->order = NULL;
    for (size_t i = 0; i < l->n_running && g->order == NULL; i++)
        if (ward_uuid_parse(l->running[i]->order_id, id) &&
            memcmp(id, g->order_id, DOSAGE_ID) == 0)
            g->order = l->running[i];
    g->beside = g->order == NULL;
    return g->beside ? order_find(g->v.w, g->v.c->mem, g->order_id, false, &g->order, err)
                     : WARD_OK;
}

/* The order's ward is usually the patient's present ward, whose clock is already loaded. */
static enum ward_code read_clock(struct giving *g, struct ward_err *err)
{
    const struct looked *l = &g->looked;

    if (strcmp(g->where.ward, g->order->ward) == 0)
        return clock_of(g->v.w, l->time_zone, l->before_minutes, l->after_minutes, &g->clock,
                        err);
    g->beside = true;
    return ward_clock(g->v.w, g->v.c->mem, g->order->ward, false, &g->clock, err);
}

static enum ward_code find_order(struct giving *g, struct ward_err *err)
{
    uint8_t patient[DOSAGE_ID];

    WARD_TRY(read_order(g, err));
    if (g->order == NULL || !ward_uuid_parse(g->order->patient_id, patient) ||
        (g->owner = look_owner(&g->looked, patient)) == NULL)
        return WARD_FAIL_REASON(err, NOT_FOUND, "ORDER_NOT_FOUND",
                                "the patient has no order with this id");
    if ((enum order_state)g->order->state != ORDER_ACTIVE)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_STATE",
                                "the order is not active");
    g->rules = g->looked.rules;
    return read_clock(g, err);
}

/* ---- the slot ---- */

/* Refuses a second dose of an order for a single dose, in any slot. An emergency dose counts,
 * too. */
static enum ward_code not_yet(const struct giving *g, struct ward_err *err)
{
    const Timing *t = g->order->prescription->timing;

    if (g->given && t->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE &&
        g->looked.order_given && !g->rest.has_before)
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "SLOT_TAKEN",
                                "the only dose of this order was already given");
    return WARD_OK;
}

/* A dose cannot be given after its time: the next dose's window has begun, or the order was not
 * active at the time. A dose that was not given may be charted at any time. */
static enum ward_code is_open(const struct giving *g, Ward__Dosage__V1__SlotState state,
                              struct ward_err *err)
{
    if (g->given_us < g->slot.from_us)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SLOT_EARLY",
                                "the slot's window has not begun");
    if (g->given && (g->given_us >= g->slot.to_us ||
                     state == WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_SKIPPED))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SLOT_OVER",
                                "the slot's window has ended, or the order was on hold or "
                                "had ended at that time");
    return WARD_OK;
}

/* Finds the slot as shown by ListSlots, by the version of the order in force at the due
 * time. */
static enum ward_code find_slot(struct giving *g, struct ward_err *err)
{
    struct slot_reader r = {.w = g->v.w,
                            .mem = g->v.c->mem,
                            .rules = g->rules,
                            .ward = g->order->ward,
                            .clock = g->clock};
    Slot *slot;
    uint8_t of[DOSAGE_ID];

    WARD_TRY(slot_id_parse(g->q->slot_id, of, &g->due_us, err));
    if (memcmp(of, g->order_id, DOSAGE_ID) != 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "SLOT_NOT_FOUND",
                                "the order has no dose due at this time");
    WARD_TRY(slot_of(&r, g->order, g->due_us, g->v.now_us, g->looked.taken, g->looked.n_taken,
                     &slot, err));
    g->slot = (struct slot){.due_us = g->due_us,
                            .from_us = slot->window_from_us,
                            .on_time_us = slot->on_time_until_us,
                            .to_us = slot->window_to_us};
    WARD_TRY(slot_rest(g, err));
    WARD_TRY(not_yet(g, err));
    return is_open(g, slot->state, err);
}

static enum ward_code too_soon(struct ward_err *err)
{
    return WARD_FAIL_REASON(
        err, FAILED_PRECONDITION, "PRN_LIMIT",
        "the order permits no further dose, or the last dose is too recent");
}

static bool shares_ingredient(const struct ruleset *rules, const char *one, const char *other)
{
    const Drug *a = ruleset_drug(rules, one), *b = ruleset_drug(rules, other);

    for (size_t i = 0; a != NULL && b != NULL && i < a->n_ingredients; i++)
        for (size_t k = 0; k < b->n_ingredients; k++)
            if (strcmp(a->ingredients[i], b->ingredients[k]) == 0)
                return true;
    return strcmp(one, other) == 0;
}

/* Whether a dose counts for the limits: a dose of this order, or an emergency dose of an equal
 * ingredient without an order. */
static bool counts_here(const struct giving *g, const Dose *d)
{
    if (!dose_counts(d))
        return false;
    if (*d->order_id != '\0')
        return strcmp(d->order_id, g->order->order_id) == 0;
    return shares_ingredient(g->rules, d->drug_id, g->order->prescription->drug_id);
}

/* Later doses count, too, because a dose may be charted after a later dose. */
static enum ward_code within_limits(struct giving *g, struct ward_err *err)
{
    const Ward__Dosage__V1__AsNeeded *n = g->order->prescription->as_needed;
    Dose **all;
    size_t n_all, counted = 0;

    if (n == NULL || !g->given)
        return WARD_OK;
    WARD_TRY(doses_of(g->v.w, g->v.c->mem, g->v.chart.id, g->given_us - DAY_US + 1, INT64_MAX,
                      DAY_MOST, &all, &n_all, err));
    if (n_all == DAY_MOST)
        return too_soon(err);
    for (size_t i = 0; i < n_all; i++) {
        if (!counts_here(g, all[i]))
            continue;
        counted++;
        if (llabs(all[i]->given_at_us - g->given_us) < n->min_interval_minutes * MINUTE_US)
            return too_soon(err);
    }
    return counted >= (size_t)n->max_doses_per_24h ? too_soon(err) : WARD_OK;
}

static enum ward_code find_time(struct giving *g, struct ward_err *err)
{
    const Prescription *p = g->order->prescription;

    g->due_us = -1;
    g->rest = (struct slot_rest){.instead_of = NULL};
    g->timing =
        plan_timing(g->order, g->clock.zone, g->clock.before_minutes, g->clock.after_minutes);
    if (p->timing != NULL && p->timing->kind != WARD__DOSAGE__V1__TIMING__KIND__KIND_AS_NEEDED)
        return find_slot(g, err);
    if (*g->q->slot_id != '\0')
        return WARD_FAIL_FIELD(err, "slot_id", "does not belong to an as-needed order");
    if (g->given_us < p->starts_at_us || (p->ends_at_us != 0 && g->given_us >= p->ends_at_us))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_STATE",
                                "the order has not started, or has ended");
    return within_limits(g, err);
}

/* ---- the rights ---- */

static enum ward_code time_right(struct giving *g, struct ward_err *err)
{
    const char *reason = g->q->time_reason;
    bool late = g->due_us >= 0 && g->given_us >= g->slot.on_time_us;
    long long minutes = g->due_us < 0 ? 0 : (long long)((g->given_us - g->due_us) / MINUTE_US);

    if (*reason != '\0')
        WARD_TRY(reason_check(&g->v, g->rules, "time_reason", reason, USE(TIME), err));
    if (g->due_us < 0)
        rights_say(&g->rights, RIGHT(TIME), RESULT(PASS), "", "as needed, within its limits");
    else
        rights_say(&g->rights, RIGHT(TIME),
                   late && *reason == '\0' ? RESULT(FAIL) : RESULT(PASS),
                   !late             ? ""
                   : *reason == '\0' ? "late"
                                     : reason,
                   ward_printf(g->v.c->mem, "%+lld min", minutes));
    return WARD_OK;
}

/* The product in hand, if the product belongs to the ordered drug. */
static const char *of_it_in_hand(const struct giving *g, const char *otherwise)
{
    const struct hand *h = &g->hand;

    return h->product == NULL || strcmp(h->drug->id, g->order->prescription->drug_id) != 0
               ? otherwise
               : h->product->id;
}

static enum ward_code rights(struct giving *g, struct ward_err *err)
{
    const AdministerRequest *q = g->q;
    const Prescription *p = g->order->prescription;
    const struct measured_dose dose = {.rules = g->rules,
                                       .ordered = p,
                                       .given = q->dose,
                                       .product_id = of_it_in_hand(g, ""),
                                       .hand = &g->hand,
                                       .partial = q->outcome == OUTCOME(PARTIAL),
                                       .before = g->rest.has_before ? &g->rest.before : NULL};
    char today[11];

    if (*q->not_scanned_reason != '\0')
        WARD_TRY(reason_check(&g->v, g->rules, "not_scanned_reason", q->not_scanned_reason,
                              USE(NOT_SCANNED), err));
    day_of(g->timing.zone, g->given_us, today);
    hand_right(&g->rights, &g->hand, p->drug_id, p->product_id, today);
    WARD_TRY(dose_right(&g->rights, &dose, err));
    hand_route(&g->rights, &g->hand, p, (int)q->route);
    return time_right(g, err);
}

/* ---- judging all parts ---- */

/* A high-alert medicine needs two people to be given, and to be wasted. */
static enum ward_code two_people(struct giving *g, struct ward_err *err)
{
    bool wasted = g->q->outcome == OUTCOME(WASTED) || g->q->wasted != NULL;

    if ((g->given || wasted) && is_high_alert(g->rules, g->order->prescription->drug_id) &&
        !g->has_second)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SECOND_PERSON_NEEDED",
                                "a high-alert medicine needs a second person");
    return WARD_OK;
}

static enum ward_code wasted(struct giving *g, struct ward_err *err)
{
    const Prescription *p = g->order->prescription;
    Scanned **scanned = ward_alloc(g->v.c->mem, (g->hand.n_more + 1) * sizeof(Scanned *));
    struct waste w = {.rules = g->rules,
                      .drug_id = p->drug_id,
                      .product_id = of_it_in_hand(g, p->product_id),
                      .wasted = g->q->wasted,
                      .of = p->dose,
                      .given = g->given ? g->q->dose : NULL,
                      .scanned = scanned};

    if (scanned == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for barcodes");
    if (g->hand.scanned != NULL)
        scanned[w.n_scanned++] = g->hand.scanned;
    for (size_t i = 0; i < g->hand.n_more; i++)
        scanned[w.n_scanned++] = g->hand.more[i].scanned;
    return wasted_check(&w, err);
}

static enum ward_code judge_seen(struct giving *g, struct ward_err *err)
{
    const AdministerRequest *q = g->q;

    WARD_TRY(find_order(g, err));
    WARD_TRY(find_time(g, err));
    if (*q->reason_code != '\0')
        WARD_TRY(
            reason_check(&g->v, g->rules, "reason_code", q->reason_code, USE(NOT_GIVEN), err));
    if (*q->charted_late_reason != '\0')
        WARD_TRY(reason_check(&g->v, g->rules, "charted_late_reason", q->charted_late_reason,
                              USE(TIME), err));
    WARD_TRY(hand_read(g->v.c->mem, g->rules, q->scan, q->product_id, q->not_scanned_reason,
                       &g->hand, err));
    WARD_TRY(hand_count(g->v.c->mem, g->rules, q, &g->hand, err));
    WARD_TRY(wasted(g, err));
    if (!g->given)
        return two_people(g, err);
    WARD_TRY(rights(g, err));
    WARD_TRY(two_people(g, err));
    return judge_check(g, err);
}

enum ward_code judge(struct giving *g, struct ward_err *err)
{
    const Ward__Dosage__V1__Facts *facts = g->v.chart.facts;

    look_wipe(&g->looked);
    g->decision = NULL;
    g->n_open = 0;
    WARD_TRY(
        rights_make(g->v.c->mem, g->given ? "token-not-spent" : "not-given", &g->rights, err));
    g->judged_us = 0;
    g->v.now_us = ward_wall_us();
    g->given_us = when(g);
    g->where = (struct look_for){
        .patient = g->v.chart.id,
        .at_us = g->q->given_at_us != 0 ? g->given_us : g->v.now_us,
        .ward = facts != NULL && rule_is_ward(facts->ward) ? facts->ward : "",
        .order = g->order_id,
        .due_us = due_of(g),
        .alone = !g->given, /* a dose that is not given needs no check */
    };
    WARD_TRY(look(g->v.w, g->v.c->mem, &g->where, &g->looked, err));
    WARD_TRY(judge_seen(g, err));
    g->judged_us = g->v.now_us;
    return WARD_OK;
}

/* ---- with the lock held ---- */

/* *stands: nobody has changed the patient's data since the data were read. */
static enum ward_code lock(struct giving *g, bool *stands, struct ward_err *err)
{
    struct ward_rows rows;
    struct owner owner;
    bool held = false;

    *stands = false;
    if (g->looked.me != NULL)
        WARD_TRY(
            owner_hold(g->v.w, g->v.c->mem, g->v.chart.id, g->looked.root, &rows, &held, err));
    if (held) {
        *stands = look_stands(&g->looked, &rows);
        return WARD_OK;
    }
    WARD_TRY(owner_lock(g->v.w, g->v.c->mem, g->v.chart.id, &owner, err));
    owner_wipe(&owner);
    return WARD_OK;
}

/* Whether the dose was judged less than a second ago, for an equal time, with cached inputs
 * only. */
static bool is_fresh(const struct giving *g)
{
    const Ward__Dosage__V1__Snapshot *s = g->decision == NULL ? NULL : g->decision->snapshot;

    return g->v.now_us - g->judged_us < SECOND_IN_US &&
           llabs(when(g) - g->given_us) < SECOND_IN_US && g->looked.given_all && !g->beside &&
           (s == NULL || (!s->cut && s->n_lifetime == 0));
}

/* The slot must not have changed since the first read: a person must first see an entry that
 * was charted since then (for example, held with a reason). */
static enum ward_code same_slot(const struct giving *g, const char *was, struct ward_err *err)
{
    const char *is = g->rest.instead_of;

    if ((was == NULL) == (is == NULL) && (is == NULL || strcmp(was, is) == 0))
        return WARD_OK;
    return WARD_FAIL_REASON(err, ALREADY_EXISTS, "SLOT_TAKEN",
                            "a dose of this slot is already charted");
}

enum ward_code judge_locked(struct giving *g, struct ward_err *err)
{
    const char *was = g->rest.instead_of;
    bool stands;

    WARD_TRY(lock(g, &stands, err));
    g->v.now_us = ward_wall_us();
    g->locked = stands;
    if (judge_refuses(g) || (stands && is_fresh(g)))
        return WARD_OK;
    WARD_TRY(judge(g, err));
    g->locked = true;
    return same_slot(g, was, err);
}
