/* SetState. */
#include "services/dosage/order/ordering.h"
#include "services/dosage/order/prescription.h"

typedef Ward__Dosage__V1__SetStateRequest SetStateRequest;
typedef Ward__Dosage__V1__SetStateResponse SetStateResponse;
typedef Ward__Dosage__V1__Reason Reason;

struct moving {
    struct ordering o;
    const SetStateRequest *req;
    enum order_state to;
};

/* ---- permitted transitions ---- */

static enum ward_code check_reason(struct moving *m, enum order_state from,
                                   struct ward_err *err)
{
    struct ward_call *c = m->o.call;
    const char *code = m->req->reason_code;
    const struct ruleset *rules;
    const Reason *reason;
    bool fit;

    if (*code == '\0' && from == ORDER_DRAFT && m->to == ORDER_ACTIVE)
        return WARD_OK;
    WARD_TRY(ruleset_active(c->wrk, c->mem, &rules, err));
    reason = ruleset_reason(rules, code, WARD__DOSAGE__V1__REASON__USE__USE_ORDER_STATE);
    if (reason == NULL)
        return ward_err_about(
            err,
            WARD_FAIL_REASON(err, INVALID_ARGUMENT, "REASON_UNKNOWN",
                             "the active rule set has no such reason for an order's state"),
            "reason_code");
    fit = reason->n_roles == 0;
    for (size_t i = 0; i < reason->n_roles; i++)
        fit = fit || ward_principal_has(c->who, reason->roles[i]);
    if (!fit)
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "OVERRIDE_ROLE",
                                "the caller's roles do not permit this reason");
    return WARD_OK;
}

static enum ward_code check_step(struct moving *m, const Order *was, struct ward_err *err)
{
    enum order_state from = (enum order_state)was->state;
    enum rule_step step = rule_order_step(from, m->to);

    if (step == STEP_NO)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_STATE",
                                "the order's state does not permit this transition");
    WARD_TRY(check_reason(m, from, err));
    return step == STEP_WITHOUT_DOSES ? ordering_no_doses(&m->o, err) : WARD_OK;
}

/* ---- continuing ---- */

static enum ward_code write(struct moving *m, const Order *was, Prescription *p,
                            struct ward_err *err)
{
    Order *order = ward_new(m->o.call->mem, Order);

    if (order == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an order");
    *order = *was;
    order->state = (Ward__Dosage__V1__OrderState)m->to;
    order->prescription = p;
    order->reason_code = m->req->reason_code;
    if (m->to == ORDER_ACTIVE) {
        order->ward = api_text(m->o.ward);
        order->time_zone = api_text(m->o.time_zone);
    }
    return ordering_write(&m->o, order, err);
}

static enum ward_code activate(struct moving *m, const Order *was, struct ward_err *err)
{
    bool draft = (enum order_state)was->state == ORDER_DRAFT;
    Prescription *now;

    if (prescription_over(was->prescription, m->o.at_us))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_STATE",
                                "the order has ended; change its end first");
    WARD_TRY(ordering_starts(&m->o, NULL, was->prescription, &now, err));
    WARD_TRY(ordering_decide(&m->o, draft ? PURPOSE(PLACE) : PURPOSE(CHANGE), now,
                             was->order_id, err));
    return m->o.n_open > 0 ? WARD_OK : write(m, was, now, err);
}

static enum ward_code move_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct moving *m = arg;
    Order *was;

    (void)db;
    WARD_TRY(ordering_order(&m->o, &was, err));
    WARD_TRY(check_step(m, was, err));
    return m->to == ORDER_ACTIVE ? activate(m, was, err)
                                 : write(m, was, was->prescription, err);
}

static enum ward_code check(struct moving *m)
{
    const SetStateRequest *q = m->req;
    struct ward_call *c = m->o.call;

    if (m->to <= ORDER_NONE || m->to >= ORDER_STATES)
        return WARD_FAIL_FIELD(c->err, "state", "is not a state");
    if (m->to != ORDER_ACTIVE && (q->n_overrides > 0 || *q->second_person_token != '\0'))
        return WARD_FAIL_FIELD(c->err, "overrides", "are permitted only with ACTIVE");
    return ordering_beside(&m->o, q->overrides, q->n_overrides, q->second_person_token);
}

static enum ward_code set_state(struct ward_call *c, const SetStateRequest *q,
                                SetStateResponse *r)
{
    struct moving m = {.req = q, .to = (enum order_state)q->state};
    enum ward_code code;

    WARD_TRY(ordering_of(&m.o, c, q->order_id, q->expected_version));
    code = check(&m);
    WARD_TRY(code == WARD_OK ? ordering_run(&m.o, q->idempotency_key, &q->base, move_in_tx, &m)
                             : ordering_late(&m.o, q->idempotency_key, &q->base, code));
    r->changed = m.o.done;
    r->order = m.o.order;
    r->decision = m.o.decision;
    r->open = m.o.open;
    r->n_open = m.o.n_open;
    return WARD_OK;
}

enum ward_code set_state_rpc(struct ward_call *c, const ProtobufCMessage *q,
                             ProtobufCMessage *r)
{
    return set_state(c, (const SetStateRequest *)q, (SetStateResponse *)r);
}
