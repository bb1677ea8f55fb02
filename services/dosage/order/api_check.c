/* Check. */
#include "common/base/clock.h"
#include "services/dosage/order/keeper.h"
#include "services/dosage/order/ordering.h"
#include "services/dosage/order/prescription.h"

#include <string.h>

typedef Ward__Dosage__V1__CheckRequest CheckRequest;
typedef Ward__Dosage__V1__CheckResponse CheckResponse;

/* The changed order must belong to this patient. */
static enum ward_code check_order(struct ordering *o, const char *order_id, Order **out)
{
    struct ward_call *c = o->call;
    uint8_t id[DOSAGE_ID], patient[DOSAGE_ID];
    uint8_t(*all)[DOSAGE_ID];
    Order *order;
    size_t n;

    *out = NULL;
    if (*order_id == '\0')
        return WARD_OK;
    WARD_TRY(ward_call_id(c, "order_id", order_id, id, NULL));
    WARD_TRY(order_find(c->wrk, c->mem, id, false, &order, c->err));
    if (!ward_uuid_parse(order->patient_id, patient))
        return WARD_FAIL(c->err, INTERNAL, "a stored order has no id");
    WARD_TRY(owners_of(c->wrk, c->mem, o->chart.id, &all, &n, c->err));
    for (size_t i = 0; i < n; i++)
        if (memcmp(all[i], patient, DOSAGE_ID) == 0) {
            *out = order;
            return WARD_OK;
        }
    return WARD_FAIL_REASON(c->err, NOT_FOUND, "ORDER_NOT_FOUND",
                            "the patient has no such order");
}

struct checking {
    struct ordering o;
    struct looked looked;
};

static enum ward_code keep_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct checking *k = arg;
    struct ward_call *c = k->o.call;
    struct ward_event event = k->o.event;

    if (k->looked.me != NULL)
        WARD_TRY(decision_keep_for(c->wrk, c->mem, k->looked.me, k->o.decision, 0, err));
    else
        WARD_TRY(decision_keep(c->wrk, c->mem, k->o.decision, 0, err));
    decision_note(&event, k->o.decision);
    return ward_event_write(&event, db, err);
}

/* Stores the decision in one transaction with the decisions of other calls. */
static enum ward_code keep_with_others(struct checking *k, bool *stale)
{
    struct ward_call *c = k->o.call;
    struct keeper *keeper = ((struct worker *)c->wrk)->dos->keeper;
    struct ward_event event = k->o.event;
    struct ward_outbox_item item;
    struct decision_rows rows;
    struct keeping what = {.rows = &rows, .event = &item, .head = k->looked.head};

    WARD_TRY(decision_rows(c->mem, k->looked.me, k->o.decision, 0, &rows, c->err));
    decision_note(&event, k->o.decision);
    WARD_TRY(ward_event_pack(&event, &item, c->err));
    WARD_TRY(keeper_keep(keeper, c->mem, &what, c->deadline_ns, c->err));
    *stale = what.stale;
    if (what.stale)
        return WARD_OK;
    c->audited = true;
    decision_count(k->o.decision, true);
    return WARD_OK;
}

/* 0 if the time zone is unknown: the check then uses the order's start. */
static int64_t due_of(const struct checking *k, const Prescription *p, bool changes)
{
    const struct looked *l = &k->looked;
    struct ward_err why = {0};
    struct clock clock;

    if (l->n_given == 0 || clock_of(k->o.call->wrk, l->time_zone, l->before_minutes,
                                    l->after_minutes, &clock, &why) != WARD_OK)
        return 0;
    return next_due(&clock, p, changes, k->o.at_us);
}

static enum ward_code decide_now(struct checking *k, const Prescription *p,
                                 const char *order_id, bool kept)
{
    struct asked what = {.chart = &k->o.chart,
                         .prescription = p,
                         .order_id = order_id,
                         .purpose = PURPOSE(ASK),
                         .at_us = k->o.at_us,
                         .times_kept = k->o.times_kept,
                         .ward = k->o.ward};
    const struct look_for where = {.patient = k->o.chart.id,
                                   .at_us = k->o.at_us,
                                   .ward = k->o.ward,
                                   .due_us = -1,
                                   .kept = kept};
    struct ward_call *c = k->o.call;

    look_wipe(&k->looked);
    WARD_TRY(look(c->wrk, c->mem, &where, &k->looked, c->err));
    what.due_us = due_of(k, p, *order_id != '\0');
    WARD_TRY(decide_by(c->wrk, c->mem, &what, &k->looked, &k->o.decision, c->err));
    k->o.decision->decided_by = api_text(c->who->subject);
    return ward_call_copy(c, k->o.event.event_text, &k->o.decision->event_id);
}

static enum ward_code decide_and_keep(struct checking *k, const Prescription *p,
                                      const char *order_id)
{
    struct ward_call *c = k->o.call;
    struct worker *w = c->wrk;
    bool kept = w->dos->keeper != NULL, stale = false;

    WARD_TRY(decide_now(k, p, order_id, kept));
    if (!kept || k->looked.me == NULL)
        return ward_db_tx(w->event_ctx.db, keep_in_tx, k, c->err);
    WARD_TRY(keep_with_others(k, &stale));
    if (!stale)
        return WARD_OK;
    lately_forget(w->dos, k->o.chart.id);
    WARD_TRY(decide_now(k, p, order_id, false));
    return keep_with_others(k, &stale);
}

static enum ward_code check(struct ward_call *c, const CheckRequest *q, CheckResponse *r)
{
    struct checking k = {0};
    enum ward_code code;
    Prescription *now;
    Order *order;

    WARD_TRY(ordering_for(&k.o, c, q->patient_id));
    k.o.at_us = ward_wall_us();
    WARD_TRY(prescription_valid(q->prescription, k.o.at_us, c->err));
    WARD_TRY(check_order(&k.o, q->order_id, &order));
    WARD_TRY(ordering_starts(&k.o, order == NULL ? NULL : order->prescription, q->prescription,
                             &now, c->err));
    code = order_gone(decide_and_keep(&k, now, order == NULL ? "" : order->order_id), c->err);
    look_wipe(&k.looked);
    r->decision = k.o.decision;
    return code;
}

enum ward_code check_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return check(c, (const CheckRequest *)q, (CheckResponse *)r);
}
