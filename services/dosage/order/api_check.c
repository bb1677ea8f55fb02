/* Check. */
#include "common/base/clock.h"
#include "services/dosage/order/ordering.h"
#include "services/dosage/order/prescription.h"

#include <string.h>

typedef Ward__Dosage__V1__CheckRequest CheckRequest;
typedef Ward__Dosage__V1__CheckResponse CheckResponse;

/* The order that is changed is one of this very patient's. */
static enum ward_code check_order(struct ordering *o, const char *order_id, const char **text)
{
    struct ward_call *c = o->call;
    uint8_t id[DOSAGE_ID], patient[DOSAGE_ID];
    uint8_t(*all)[DOSAGE_ID];
    Order *order;
    size_t n;

    *text = "";
    if (*order_id == '\0')
        return WARD_OK;
    WARD_TRY(ward_call_id(c, "order_id", order_id, id, NULL));
    WARD_TRY(order_find(c->wrk, c->mem, id, false, &order, c->err));
    if (!ward_uuid_parse(order->patient_id, patient))
        return WARD_FAIL(c->err, INTERNAL, "an order without ids");
    WARD_TRY(owners_of(c->wrk, c->mem, o->chart.id, &all, &n, c->err));
    for (size_t i = 0; i < n; i++)
        if (memcmp(all[i], patient, DOSAGE_ID) == 0) {
            *text = order->order_id;
            return WARD_OK;
        }
    return WARD_FAIL_REASON(c->err, NOT_FOUND, "ORDER_NOT_FOUND",
                            "the patient has no such order");
}

static enum ward_code keep_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ordering *o = arg;
    struct ward_act act = o->act;

    WARD_TRY(decision_keep(o->call->wrk, o->call->mem, o->decision, 0, err));
    decision_note(&act, o->decision);
    return ward_act_write(&act, db, err);
}

static enum ward_code check(struct ward_call *c, const CheckRequest *q, CheckResponse *r)
{
    struct worker *w = c->wrk;
    struct ordering o = {0};
    const struct ruleset *rules;
    Prescription *now;
    const char *order;

    WARD_TRY(ordering_for(&o, c, q->patient_id));
    o.at_us = ward_wall_us();
    WARD_TRY(prescription_valid(q->prescription, o.at_us, c->err));
    WARD_TRY(check_order(&o, q->order_id, &order));
    WARD_TRY(ordering_starts(&o, q->prescription, &now, c->err));
    WARD_TRY(decide(w, c->mem,
                    &(struct asked){.chart = &o.chart,
                                    .prescription = now,
                                    .order_id = order,
                                    .purpose = PURPOSE(ASK),
                                    .at_us = o.at_us,
                                    .time_zone = o.time_zone},
                    &rules, &o.decision, c->err));
    o.decision->decided_by = api_text(c->who->subject);
    WARD_TRY(ward_call_copy(c, o.act.event_text, &o.decision->event_id));
    WARD_TRY(order_gone(ward_db_tx(w->seat.db, keep_in_tx, &o, c->err), c->err));
    r->decision = o.decision;
    return WARD_OK;
}

enum ward_code check_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return check(c, (const CheckRequest *)q, (CheckResponse *)r);
}
