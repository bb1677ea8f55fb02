/* Change. */
#include "common/base/clock.h"
#include "services/dosage/order/ordering.h"
#include "services/dosage/order/prescription.h"

#include <string.h>

typedef Ward__Dosage__V1__ChangeRequest ChangeRequest;
typedef Ward__Dosage__V1__ChangeResponse ChangeResponse;
typedef Ward__Dosage__V1__Drug Drug;

struct changing {
    struct ordering o;
    const ChangeRequest *req;
};

static bool same_ingredients(const Drug *a, const Drug *b)
{
    if (a == NULL || b == NULL || a->n_ingredients != b->n_ingredients)
        return false;
    for (size_t i = 0; i < a->n_ingredients; i++) {
        size_t k = 0;

        while (k < b->n_ingredients && strcmp(a->ingredients[i], b->ingredients[k]) != 0)
            k++;
        if (k == b->n_ingredients)
            return false;
    }
    return true;
}

static enum ward_code check_drug(struct changing *ch, const char *was, const char *is,
                                 struct ward_err *err)
{
    struct ward_call *c = ch->o.call;
    const struct ruleset *rules;

    if (strcmp(was, is) == 0)
        return WARD_OK;
    WARD_TRY(ruleset_active(c->wrk, c->mem, &rules, err));
    if (!same_ingredients(ruleset_drug(rules, was), ruleset_drug(rules, is)))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "DRUG_CHANGED",
                                "the drug has other ingredients than the drug of the order");
    return WARD_OK;
}

/* An order for a single dose is given once. After its dose was given, a new due time is
 * refused, because due lists and downtime packs would show a second dose. */
static enum ward_code check_once(struct changing *ch, const Prescription *now,
                                 struct ward_err *err)
{
    if (now->timing->kind != WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE || ch->o.times_kept)
        return WARD_OK;
    return ordering_no_doses(&ch->o, err);
}

static enum ward_code write(struct changing *ch, const Order *was, Prescription *p,
                            struct ward_err *err)
{
    Order *order = ward_new(ch->o.call->mem, Order);

    if (order == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an order");
    *order = *was;
    order->prescription = p;
    order->ward = api_text(ch->o.ward);
    order->time_zone = api_text(ch->o.time_zone);
    order->reason_code = api_text("");
    return ordering_write(&ch->o, order, err);
}

/* A draft keeps its start. A draft without a start begins when the draft is activated. */
static enum ward_code write_draft(struct changing *ch, const Order *was, struct ward_err *err)
{
    Prescription *p = ward_new(ch->o.call->mem, Prescription);

    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an order");
    *p = *ch->req->prescription;
    if (p->starts_at_us == 0)
        p->starts_at_us = was->prescription->starts_at_us;
    return write(ch, was, p, err);
}

static enum ward_code change_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct changing *ch = arg;
    const ChangeRequest *q = ch->req;
    Prescription *now;
    Order *was;

    (void)db;
    WARD_TRY(ordering_order(&ch->o, &was, err));
    if (!rule_order_changes((enum order_state)was->state))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_STATE",
                                "an order in this state cannot be changed");
    WARD_TRY(check_drug(ch, was->prescription->drug_id, q->prescription->drug_id, err));
    if ((enum order_state)was->state == ORDER_DRAFT)
        return write_draft(ch, was, err);
    WARD_TRY(ordering_starts(&ch->o, was->prescription, q->prescription, &now, err));
    WARD_TRY(check_once(ch, now, err));
    WARD_TRY(ordering_decide(&ch->o, PURPOSE(CHANGE), now, was->order_id, err));
    return ch->o.n_open > 0 ? WARD_OK : write(ch, was, now, err);
}

static enum ward_code check(struct changing *ch)
{
    const ChangeRequest *q = ch->req;

    WARD_TRY(prescription_valid(q->prescription, ward_wall_us(), ch->o.call->err));
    return ordering_beside(&ch->o, q->overrides, q->n_overrides, q->second_person_token);
}

static enum ward_code change(struct ward_call *c, const ChangeRequest *q, ChangeResponse *r)
{
    struct changing ch = {.req = q};
    enum ward_code code;

    WARD_TRY(ordering_of(&ch.o, c, q->order_id, q->expected_version));
    code = check(&ch);
    WARD_TRY(code == WARD_OK
                 ? ordering_run(&ch.o, q->idempotency_key, &q->base, change_in_tx, &ch)
                 : ordering_late(&ch.o, q->idempotency_key, &q->base, code));
    r->changed = ch.o.done;
    r->order = ch.o.order;
    r->decision = ch.o.decision;
    r->open = ch.o.open;
    r->n_open = ch.o.n_open;
    return WARD_OK;
}

enum ward_code change_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return change(c, (const ChangeRequest *)q, (ChangeResponse *)r);
}
