/* The changes of a correction, and whether one person alone may make the changes. */
#include "services/dosage/give/correct.h"
#include "services/dosage/order/order_own.h"

#include <string.h>

typedef Ward__Dosage__V1__Timing Timing;
typedef Ward__Dosage__V1__Slot Slot;

#define ALONE_US (15 * MINUTE_US) /* maximum by which one person alone may move a time back */

/* ---- larger than before ---- */

static bool compare(const struct ruleset *rules, const Dose *was, const Quantity *now, int *cmp)
{
    const Drug *drug = ruleset_drug(rules, was->drug_id);
    struct ward_decimal a, b;
    struct amount x, y;

    if (amount_of(now, &x, NULL) != WARD_OK || amount_of(was->dose, &y, NULL) != WARD_OK)
        return false;
    if (ward_ucum_convert(&x.value, &x.unit, &y.unit, &a, NULL) == WARD_OK) {
        *cmp = ward_decimal_cmp(&a, &y.value);
        return true;
    }
    if (drug == NULL || drug->n_ingredients == 0 ||
        amount_of_ingredient(rules, drug->id, was->product_id, now, drug->ingredients[0], &a,
                             NULL) != WARD_OK ||
        amount_of_ingredient(rules, drug->id, was->product_id, was->dose, drug->ingredients[0],
                             &b, NULL) != WARD_OK)
        return false;
    *cmp = ward_decimal_cmp(&a, &b);
    return true;
}

bool correct_is_upward(const struct ruleset *rules, const Dose *was, const Quantity *now)
{
    int cmp = 0;

    return was->dose == NULL || !compare(rules, was, now, &cmp) || cmp > 0;
}

/* ---- the check ---- */

/* A prescription for the dose, as if the dose had been ordered once at this time. */
static enum ward_code alone(struct correcting *k, const Dose *d, Prescription **out,
                            struct ward_err *err)
{
    Prescription *p = ward_new(k->v.c->mem, Prescription);
    Timing *t = ward_new(k->v.c->mem, Timing);

    if (p == NULL || t == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a check");
    ward__dosage__v1__timing__init(t);
    t->kind = WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE;
    ward__dosage__v1__prescription__init(p);
    p->drug_id = d->drug_id;
    p->product_id = d->product_id;
    p->dose = d->dose;
    p->route = d->route;
    p->timing = t;
    p->starts_at_us = d->given_at_us;
    *out = p;
    return WARD_OK;
}

static bool is_rate(const Prescription *p)
{
    return p->timing != NULL &&
           p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_CONTINUOUS;
}

/* Converts the dose to the first ingredient's own unit, so that the amount does not depend on
 * the product in hand. */
static enum ward_code in_its_unit(struct correcting *k, const Dose *d, Quantity **out,
                                  struct ward_err *err)
{
    const Drug *drug = ruleset_drug(k->rules, d->drug_id);
    const Ward__Dosage__V1__Ingredient *in =
        drug == NULL || drug->n_ingredients == 0
            ? NULL
            : ruleset_ingredient(k->rules, drug->ingredients[0]);
    struct ward_decimal amount;

    *out = d->dose;
    if (in == NULL)
        return WARD_OK;
    WARD_TRY(amount_of_ingredient(k->rules, d->drug_id, d->product_id, d->dose, in->id, &amount,
                                  err));
    return amount_print(&amount, in->unit, k->v.c->mem, out, err);
}

static enum ward_code ask(struct correcting *k, const Dose *d, Decision **out,
                          struct ward_err *err)
{
    struct asked what = {.chart = &k->v.chart,
                         .order_id = d->order_id,
                         .purpose = WARD__DOSAGE__V1__CHECK_PURPOSE__CHECK_PURPOSE_GIVE,
                         .at_us = d->given_at_us,
                         .without = d->administration_id,
                         .ward = d->ward};
    Prescription *own = NULL;
    Quantity *giving = NULL;
    uint8_t id[DOSAGE_ID];
    Order *order;

    if (ward_uuid_parse(d->order_id, id)) {
        WARD_TRY(order_version(k->v.w, k->v.c->mem, id, d->order_version, &order, err));
        what.prescription = order->prescription;
        what.time_zone = order->time_zone;
        giving = d->dose;
        if (!is_rate(order->prescription))
            WARD_TRY(in_its_unit(k, d, &giving, err));
        what.giving = giving;
    } else {
        WARD_TRY(alone(k, d, &own, err));
        what.prescription = own;
    }
    return decide(k->v.w, k->v.c->mem, &what, &k->rules, out, err);
}

enum ward_code correct_check(struct correcting *k, Dose *d, struct ward_err *err)
{
    Decision *decision;

    if (!k->upward)
        return WARD_OK;
    WARD_TRY(ask(k, d, &decision, err));
    decision->decided_by = api_text(k->v.c->who->subject);
    decision->second_person = api_text(k->has_second ? k->second.subject : "");
    decision->event_id = k->v.event_id;
    k->answer.decision = decision;
    d->decision_id = decision->decision_id;
    return WARD_OK;
}

/* ---- the required people ---- */

static bool is_hard(const Decision *d)
{
    for (size_t i = 0; d != NULL && i < d->n_findings; i++)
        if (d->findings[i]->severity == WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD)
            return true;
    return false;
}

/* *out: an earlier time would allow an earlier next dose. For as-needed orders and emergency
 * doses, the interval starts at the dose. For other doses, only a time before the slot's own
 * window matters. */
static enum ward_code opens(struct correcting *k, const Dose *was, const Dose *d, bool *out,
                            struct ward_err *err)
{
    struct ward_arena *mem = k->v.c->mem;
    struct ward_err why = {0};
    uint8_t id[DOSAGE_ID];
    enum ward_code code;
    int64_t due_us;
    Order *order;
    Slot *slot;

    *out = false;
    if (d->given_at_us >= was->given_at_us || !dose_counts(was))
        return WARD_OK;
    WARD_TRY(dose_due(was, &due_us, err));
    if (due_us < 0) {
        /* compared with the first charted time, because small corrections add up */
        *out = k->first_us - d->given_at_us > ALONE_US;
        return WARD_OK;
    }
    if (!ward_uuid_parse(was->order_id, id))
        return WARD_FAIL(err, DATA_LOSS, "a dose's order has no id");
    WARD_TRY(order_find(k->v.w, mem, id, false, &order, err));
    code = slot_find(k->v.w, mem, order, due_us, k->v.now_us, &slot, &why);
    *out = code == WARD_NOT_FOUND || (code == WARD_OK && d->given_at_us < slot->window_from_us);
    if (code == WARD_OK || code == WARD_NOT_FOUND)
        return WARD_OK;
    *err = why;
    return code;
}

static enum ward_code needed(const char *why, struct ward_err *err)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SECOND_PERSON_NEEDED", "%s", why);
}

enum ward_code correct_people(struct correcting *k, const Dose *was, const Dose *d,
                              struct ward_err *err)
{
    bool earlier;

    WARD_TRY(opens(k, was, d, &earlier, err));
    if (k->has_second)
        return WARD_OK;
    if (is_high_alert_dose(k->rules, was) && (dose_counts(was) || d->wasted != NULL))
        return needed("two people must correct a dose of a high-alert medicine", err);
    if (k->q->dose != NULL && d->n_rights == RIGHTS &&
        d->rights[RIGHT(DOSE) - 1]->result == RESULT(FAIL))
        return needed("two people must correct a dose to more than the ordered dose", err);
    if (is_hard(k->answer.decision))
        return needed("two people must correct a dose to a dose with a hard stop", err);
    if (earlier)
        return needed(
            "two people must correct a time if the next dose could then be given earlier", err);
    return WARD_OK;
}
