/* GetAdherence: for each order, the results of the slots whose windows ended in a time span. */
#include "common/base/clock.h"
#include "services/dosage/track/track.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Dosage__V1__GetAdherenceRequest AdherenceRequest;
typedef Ward__Dosage__V1__GetAdherenceResponse AdherenceResponse;

struct counting {
    struct ward_call *call;
    struct ward_event event;
    struct chart chart;
    const AdherenceRequest *req;
    int64_t from_us, to_us, now_us;
    Order **orders;
    Dose **doses; /* by id */
    size_t n_orders, n_doses;
    AdherenceResponse *r;
};

static int by_id(const void *a, const void *b)
{
    return strcmp((*(Dose *const *)a)->administration_id,
                  (*(Dose *const *)b)->administration_id);
}

static enum ward_code read_orders(struct counting *k, struct ward_err *err)
{
    struct worker *w = k->call->wrk;

    if (*k->req->order_id == '\0')
        return orders_of(w, k->call->mem, k->chart.id, TRACK_RAN, k->from_us - TRACK_DAY_US,
                         k->to_us, &k->orders, &k->n_orders, err);
    k->n_orders = 1;
    k->orders = ward_new(k->call->mem, Order *);
    if (k->orders == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the order");
    return track_order(k->call, &k->chart, k->req->order_id, k->orders, err);
}

/* Reads doses given from two days before the time span to one day after. A charted dose outside
 * this time is read alone (charted_for). */
static enum ward_code read_doses(struct counting *k, struct ward_err *err)
{
    WARD_TRY(doses_of(k->call->wrk, k->call->mem, k->chart.id, k->from_us - 2 * TRACK_DAY_US,
                      k->to_us + TRACK_DAY_US, TRACK_DOSES + 1, &k->doses, &k->n_doses, err));
    if (k->n_doses > TRACK_DOSES)
        return WARD_FAIL_REASON(
            err, RESOURCE_EXHAUSTED, "SLOTS_TOO_MANY",
            "the answer would have more than %d doses; request a shorter period", TRACK_DOSES);
    if (k->n_doses > 0)
        qsort(k->doses, k->n_doses, sizeof(*k->doses), by_id);
    return WARD_OK;
}

static enum ward_code charted_for(struct counting *k, const Slot *slot, Dose **out,
                                  struct ward_err *err)
{
    Dose key = {.administration_id = slot->administration_id}, *at = &key, **found;
    uint8_t id[DOSAGE_ID];

    *out = NULL;
    if (*slot->administration_id == '\0')
        return WARD_OK;
    found = k->n_doses == 0 ? NULL
                            : (Dose **)bsearch((const void *)&at, (const void *)k->doses,
                                               k->n_doses, sizeof(*k->doses), by_id);
    if (found != NULL) {
        *out = *found;
        return WARD_OK;
    }
    if (!ward_uuid_parse(slot->administration_id, id))
        return WARD_FAIL(err, DATA_LOSS, "a charted slot has no dose");
    return dose_find(k->call->wrk, k->call->mem, id, false, out, err);
}

static enum ward_code count_slots(struct counting *k, const Order *order, Slot *const *slots,
                                  size_t n, struct ward_err *err)
{
    Adherence *a = ward_new(k->call->mem, Adherence);

    if (a == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__dosage__v1__adherence__init(a);
    a->order_id = order->order_id;
    for (size_t i = 0; i < n; i++) {
        Dose *charted;

        if (slots[i]->window_to_us < k->from_us || slots[i]->window_to_us >= k->to_us ||
            slots[i]->window_to_us > k->now_us)
            continue;
        WARD_TRY(charted_for(k, slots[i], &charted, err));
        adherence_add(a, slots[i], charted);
    }
    if (a->due > 0 || *k->req->order_id != '\0')
        k->r->orders[k->r->n_orders++] = a;
    return WARD_OK;
}

/* A window ends at most a day after its slot is due, so slots are read from a day before. */
static enum ward_code count_all(struct counting *k, struct ward_err *err)
{
    WARD_TRY(read_orders(k, err));
    WARD_TRY(read_doses(k, err));
    k->r->n_orders = 0;
    k->r->orders = ward_alloc(k->call->mem, k->n_orders * sizeof(Adherence *));
    if (k->r->orders == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < k->n_orders; i++) {
        Slot **slots;
        size_t n;

        WARD_TRY(slots_of(k->call->wrk, k->call->mem, &k->orders[i], 1,
                          k->from_us - TRACK_DAY_US, k->to_us, k->now_us, &slots, &n, err));
        WARD_TRY(count_slots(k, k->orders[i], slots, n, err));
    }
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct counting *k = arg;
    struct ward_event event = k->event;

    WARD_TRY(count_all(k, err));
    ward_event_note_int(&event, "orders", (int64_t)k->r->n_orders);
    return ward_event_write(&event, db, err);
}

enum ward_code get_adherence_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    struct counting k = {
        .call = c, .req = (const AdherenceRequest *)q, .r = (AdherenceResponse *)r};
    struct worker *w = c->wrk;

    WARD_TRY(track_begin(c, k.req->patient_id, &k.event, &k.chart));
    k.now_us = ward_wall_us();
    k.from_us = k.req->from_us;
    k.to_us = k.req->to_us;
    WARD_TRY(track_span(c, k.now_us, 7 * TRACK_DAY_US, 0, &k.from_us, &k.to_us));
    return ward_db_tx(w->event_ctx.db, in_tx, &k, c->err);
}
