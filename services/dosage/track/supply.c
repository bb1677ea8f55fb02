/* RecordSupply, GetSupply. */
#include "services/dosage/track/supply.h"

#include "common/base/clock.h"

typedef Ward__Dosage__V1__RecordSupplyRequest RecordRequest;
typedef Ward__Dosage__V1__RecordSupplyResponse RecordResponse;
typedef Ward__Dosage__V1__GetSupplyRequest SupplyRequest;
typedef Ward__Dosage__V1__GetSupplyResponse SupplyResponse;

struct recording {
    struct ward_call *call;
    struct ward_event event;
    struct chart chart;
    struct ward_idem idem;
    const struct ruleset *rules;
    const RecordRequest *req;
    int64_t now_us;
    Supply *supply;
};

/* ---- RecordSupply ---- */

static enum ward_code looked_at(struct recording *k, const Order *order, struct ward_err *err)
{
    const Ward__Dosage__V1__Drug *drug;
    struct ward_decimal amount;
    enum ward_code code;

    if (*k->req->product_id != '\0' &&
        (ruleset_product(k->rules, k->req->product_id, &drug) == NULL ||
         drug != ruleset_drug(k->rules, order->prescription->drug_id)))
        return WARD_FAIL_FIELD(err, "product_id", "is not a product of the order's drug");
    code = stock_amount(k->rules, order->prescription, k->req->product_id, k->req->quantity,
                        &amount, err);
    if (code == WARD_OK && ward_decimal_is_zero(&amount))
        code = WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_VALUE", "must not be 0");
    return ward_err_about(err, code, "quantity");
}

static enum ward_code record(struct recording *k, const Order *order, struct ward_err *err)
{
    struct ward_call *c = k->call;
    uint8_t id[DOSAGE_ID];
    struct supplied what = {k->req->quantity, k->req->product_id};

    WARD_TRY(looked_at(k, order, err));
    if (!ward_uuid_parse(order->order_id, id))
        return WARD_FAIL(err, DATA_LOSS, "an order has no id");
    return supply_add(c->wrk, c->mem, k->chart.id, id, c->who->subject, &what, k->now_us, err);
}

/* The stored answer has no amounts; a repeated call reads the amounts again. */
static enum ward_code keep(struct recording *k, struct ward_db *db, struct ward_err *err)
{
    RecordResponse kept = WARD__DOSAGE__V1__RECORD_SUPPLY_RESPONSE__INIT;

    return ward_call_store_answer(k->call, db, &k->idem, &kept.base, err);
}

static enum ward_code record_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct recording *k = arg;
    struct ward_event event = k->event;
    ProtobufCMessage *kept = NULL;
    Order *order;

    WARD_TRY(ward_call_stored_answer(k->call, db, &k->idem,
                                     &ward__dosage__v1__record_supply_response__descriptor,
                                     &kept, err));
    WARD_TRY(track_order(k->call, &k->chart, k->req->order_id, &order, err));
    if (kept == NULL)
        WARD_TRY(record(k, order, err));
    WARD_TRY(
        supply_sum(k->call->wrk, k->call->mem, k->rules, order, k->now_us, &k->supply, err));
    ward_event_note(&event, "order", order->order_id);
    WARD_TRY(ward_event_write(&event, db, err));
    return kept == NULL ? keep(k, db, err) : WARD_OK;
}

enum ward_code record_supply_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    struct recording k = {.call = c, .req = (const RecordRequest *)q};
    struct worker *w = c->wrk;

    WARD_TRY(track_begin(c, k.req->patient_id, &k.event, &k.chart));
    WARD_TRY(ward_call_idem(c, k.req->idempotency_key, q, &k.idem));
    WARD_TRY(ruleset_active(w, c->mem, &k.rules, c->err));
    k.now_us = ward_wall_us();
    WARD_TRY(ward_db_tx(w->event_ctx.db, record_in_tx, &k, c->err));
    ((RecordResponse *)r)->supply = k.supply;
    return WARD_OK;
}

/* ---- GetSupply ---- */

struct asking {
    struct ward_call *call;
    struct ward_event event;
    struct chart chart;
    const struct ruleset *rules;
    const SupplyRequest *req;
    int64_t now_us;
    SupplyResponse *r;
};

static enum ward_code one(struct asking *a, const char *order_id, struct ward_err *err)
{
    Order *order;

    WARD_TRY(track_order(a->call, &a->chart, order_id, &order, err));
    return supply_sum(a->call->wrk, a->call->mem, a->rules, order, a->now_us,
                      &a->r->supplies[a->r->n_supplies++], err);
}

static enum ward_code all(struct asking *a, struct ward_err *err)
{
    uint8_t(*orders)[DOSAGE_ID];
    char text[37];
    size_t n;

    WARD_TRY(supply_orders(a->call->wrk, a->call->mem, a->chart.id, &orders, &n, err));
    a->r->n_supplies = 0;
    a->r->supplies = ward_alloc(a->call->mem, (n + 1) * sizeof(Supply *));
    if (a->r->supplies == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    if (*a->req->order_id != '\0')
        return one(a, a->req->order_id, err);
    for (size_t i = 0; i < n; i++) {
        ward_uuid_text(orders[i], text);
        WARD_TRY(one(a, text, err));
    }
    return WARD_OK;
}

static enum ward_code get_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct asking *a = arg;
    struct ward_event event = a->event;

    WARD_TRY(all(a, err));
    ward_event_note_int(&event, "orders", (int64_t)a->r->n_supplies);
    return ward_event_write(&event, db, err);
}

enum ward_code get_supply_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    struct asking a = {.call = c, .req = (const SupplyRequest *)q, .r = (SupplyResponse *)r};
    struct worker *w = c->wrk;

    WARD_TRY(track_begin(c, a.req->patient_id, &a.event, &a.chart));
    WARD_TRY(ruleset_active(w, c->mem, &a.rules, c->err));
    a.now_us = ward_wall_us();
    return ward_db_tx(w->event_ctx.db, get_in_tx, &a, c->err);
}
