/* GetMar: active orders, their slots, and charted doses at one moment. */
#include "common/base/clock.h"
#include "services/dosage/track/track.h"

typedef Ward__Dosage__V1__GetMarRequest MarRequest;
typedef Ward__Dosage__V1__GetMarResponse MarResponse;

struct asking {
    struct ward_call *call;
    struct ward_event event;
    struct chart chart;
    int64_t from_us, to_us, now_us;
    MarResponse *r;
};

static enum ward_code read_all(struct asking *a, struct ward_err *err)
{
    struct worker *w = a->call->wrk;
    struct ward_arena *mem = a->call->mem;
    MarResponse *r = a->r;

    WARD_TRY(orders_of(w, mem, a->chart.id, TRACK_RAN, a->from_us, a->to_us, &r->orders,
                       &r->n_orders, err));
    WARD_TRY(slots_of(w, mem, r->orders, r->n_orders, a->from_us, a->to_us, a->now_us,
                      &r->slots, &r->n_slots, err));
    WARD_TRY(doses_of(w, mem, a->chart.id, a->from_us, a->to_us, TRACK_DOSES + 1,
                      &r->administrations, &r->n_administrations, err));
    if (r->n_administrations > TRACK_DOSES)
        return WARD_FAIL_REASON(
            err, RESOURCE_EXHAUSTED, "SLOTS_TOO_MANY",
            "the answer would have more than %d doses; request a shorter period", TRACK_DOSES);
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct asking *a = arg;
    struct ward_event event = a->event;

    WARD_TRY(read_all(a, err));
    ward_event_note_int(&event, "orders", (int64_t)a->r->n_orders);
    ward_event_note_int(&event, "doses", (int64_t)a->r->n_administrations);
    return ward_event_write(&event, db, err);
}

enum ward_code get_mar_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const MarRequest *req = (const MarRequest *)q;
    struct asking a = {.call = c, .r = (MarResponse *)r};
    struct worker *w = c->wrk;

    WARD_TRY(track_begin(c, req->patient_id, &a.event, &a.chart));
    a.now_us = ward_wall_us();
    a.from_us = req->from_us;
    a.to_us = req->to_us;
    WARD_TRY(track_span(c, a.now_us, TRACK_DAY_US, TRACK_DAY_US, &a.from_us, &a.to_us));
    WARD_TRY(ward_db_tx(w->event_ctx.db, in_tx, &a, c->err));
    a.r->as_of_us = a.now_us;
    return WARD_OK;
}
