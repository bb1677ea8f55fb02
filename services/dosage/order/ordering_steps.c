/* Steps inside the transaction of an ordering. */
#include "services/dosage/order/ordering.h"
#include "services/dosage/order/prescription.h"

#include <string.h>

typedef Ward__Dosage__V1__Quantity Quantity;

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an order");
}

enum ward_code ordering_order(struct ordering *o, Order **out, struct ward_err *err)
{
    struct ward_call *c = o->call;
    Order *order;

    WARD_TRY(order_find(c->wrk, c->mem, o->id, true, &order, err));
    if (order->version != o->expected_version)
        return WARD_FAIL_REASON(err, ABORTED, "VERSION_CONFLICT",
                                "expected_version is not the current version of the order");
    if ((enum order_state)order->state == ORDER_DRAFT &&
        !rule_same_person(order->written_by, c->who->subject))
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "ORDER_DRAFT",
                                "only the prescriber of a draft may use the draft");
    *out = o->order = order;
    return WARD_OK;
}

/* Doses are charted under the order's lock, so no dose can appear after this query. */
enum ward_code ordering_no_doses(struct ordering *o, struct ward_err *err)
{
    static const char SQL[] = "SELECT 1 FROM administration WHERE order_id = ? AND counts"
                              " LIMIT 1";
    struct ward_call *c = o->call;
    struct worker *w = c->wrk;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_PARAMS(id_val(o->id)), &rows, err));
    return rows.n == 0 ? WARD_OK
                       : WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_HAS_DOSES",
                                          "doses of the order were given");
}

static bool is_continuous(const Prescription *p)
{
    return p->timing != NULL &&
           p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_CONTINUOUS;
}

static bool same_dose(const Prescription *a, const Prescription *b)
{
    return a->dose != NULL && b->dose != NULL && strcmp(a->dose->value, b->dose->value) == 0 &&
           strcmp(a->dose->unit, b->dose->unit) == 0;
}

/* An infusion with a new rate begins again, so that the new rate has its own slot. */
static bool begins_again(const Prescription *was, const Prescription *is)
{
    return is_continuous(is) && !(is_continuous(was) && same_dose(was, is));
}

/* "1.0 mg" is stored as "1 mg", because "1.0" may be misread as "10". Source: The Joint
 * Commission's official "Do Not Use" list (trailing zero in medication orders); ISMP, List of
 * Error-Prone Abbreviations, Symbols, and Dose Designations (2021). */
static enum ward_code without_zeros(struct ward_arena *mem, Quantity **q, struct ward_err *err)
{
    const Quantity *was = *q;
    Quantity *copy;
    size_t n;

    if (was == NULL || strchr(was->value, '.') == NULL)
        return WARD_OK;
    copy = ward_new(mem, Quantity);
    if (copy == NULL)
        return no_memory(err);
    *copy = *was;
    if ((copy->value = ward_strdup(mem, was->value)) == NULL)
        return no_memory(err);
    n = strlen(copy->value);
    while (copy->value[n - 1] == '0')
        n--;
    n -= copy->value[n - 1] == '.';
    copy->value[n] = '\0';
    *q = copy;
    return WARD_OK;
}

enum ward_code ordering_starts(struct ordering *o, const Prescription *was,
                               const Prescription *is, Prescription **out, struct ward_err *err)
{
    Prescription *copy = ward_new(o->call->mem, Prescription);

    if (copy == NULL)
        return no_memory(err);
    *copy = *is;
    WARD_TRY(without_zeros(o->call->mem, &copy->dose, err));
    WARD_TRY(without_zeros(o->call->mem, &copy->volume, err));
    WARD_TRY(without_zeros(o->call->mem, &copy->concentration, err));
    if (copy->starts_at_us == 0 && was != NULL && !begins_again(was, is)) {
        copy->starts_at_us = was->starts_at_us;
        if (copy->starts_at_us != 0 && prescription_spent(copy, o->at_us))
            return WARD_FAIL_FIELD(err, "prescription.starts_at_us",
                                   "is required, because all doses counted from the "
                                   "order's start are in the past");
    }
    if (copy->starts_at_us == 0)
        copy->starts_at_us = o->at_us;
    o->times_kept = was != NULL && same_times(was, copy);
    *out = copy;
    return WARD_OK;
}

/* ---- deciding ---- */

static enum ward_code sign(struct ordering *o, struct ward_err *err)
{
    Decision *d = o->decision;
    struct ward_call *c = o->call;

    d->overrides = (Override **)(uintptr_t)o->overrides;
    d->n_overrides = o->n_overrides;
    d->decided_by = api_text(c->who->subject);
    if (o->has_second && check_needs_second(d))
        d->second_person = api_text(o->second.subject);
    d->event_id = ward_strdup(c->mem, o->event.event_text);
    return d->event_id == NULL ? no_memory(err) : WARD_OK;
}

enum ward_code ordering_decide(struct ordering *o, Purpose purpose, const Prescription *p,
                               const char *order_id, struct ward_err *err)
{
    struct ward_call *c = o->call;
    const struct asked asked = {
        .chart = &o->chart,
        .prescription = p,
        .order_id = order_id,
        .purpose = purpose,
        .at_us = o->at_us,
        .due_us = next_due(&o->clock, p, purpose == PURPOSE(CHANGE), o->at_us),
        .times_kept = o->times_kept,
        .time_zone = o->time_zone};
    const struct check_who who = {
        .roles = c->who->roles, .n_roles = c->who->n_roles, .second = o->has_second};

    WARD_TRY(decide(c->wrk, c->mem, &asked, &o->rules, &o->decision, err));
    WARD_TRY(check_open(o->rules, o->decision, o->overrides, o->n_overrides, &who, c->mem,
                        &o->open, &o->n_open, err));
    WARD_TRY(sign(o, err));
    return decision_keep(c->wrk, c->mem, o->decision, o->n_open, err);
}

/* ---- writing ---- */

static enum ward_code name_new(struct ordering *o, Order *order, struct ward_err *err)
{
    struct ward_arena *mem = o->call->mem;
    uint8_t id[DOSAGE_ID];
    char text[37];

    ward_uuid7(id);
    ward_uuid_text(id, text);
    order->order_id = ward_strdup(mem, text);
    order->patient_id = ward_strdup(mem, o->chart.text);
    return order->order_id == NULL || order->patient_id == NULL ? no_memory(err) : WARD_OK;
}

enum ward_code ordering_write(struct ordering *o, Order *order, struct ward_err *err)
{
    struct ward_call *c = o->call;
    const Decision *d = o->decision;

    if (order->version == 0)
        WARD_TRY(name_new(o, order, err));
    order->version++;
    order->written_by = api_text(c->who->subject);
    order->written_at_us = o->at_us;
    order->second_person = api_text(d == NULL ? "" : d->second_person);
    if (d != NULL)
        order->decision_id = d->decision_id;
    order->event_id = ward_strdup(c->mem, o->event.event_text);
    if (order->event_id == NULL)
        return no_memory(err);
    WARD_TRY(order_write(c->wrk, c->mem, order, err));
    WARD_TRY(acknowledged_write(o, err));
    o->order = order;
    o->done = true;
    return WARD_OK;
}
