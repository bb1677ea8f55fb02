/* ListMissed: slots of a ward without a charted dose, order by order. */
#include "common/base/clock.h"
#include "services/dosage/track/track.h"

#include <string.h>

typedef Ward__Dosage__V1__ListMissedRequest MissedRequest;
typedef Ward__Dosage__V1__ListMissedResponse MissedResponse;

#define PAGE_USUAL  100
#define PAGE_MOST   500
#define ORDERS_ONCE 50

struct looking {
    struct ward_call *call;
    struct ward_event event;
    const MissedRequest *req;
    int64_t from_us, to_us, now_us;
    uint8_t after[DOSAGE_ID]; /* orders up to this id are finished */
    bool behind;              /* `after` is set */
    char past[SLOT_ID_SIZE];  /* the last slot of the previous page; "": first page */
    int64_t past_us;
    size_t page;
    bool full;
    MissedResponse *r;
};

/* Replaces an id by the next smaller id, so that the list after it begins with this order. */
static bool before(uint8_t id[DOSAGE_ID])
{
    for (int i = DOSAGE_ID - 1; i >= 0; i--)
        if (id[i]-- != 0)
            return true;
    return false;
}

static enum ward_code take_token(struct looking *l)
{
    struct ward_err why = {0};

    if (*l->req->page_token == '\0')
        return WARD_OK;
    if (slot_id_parse(l->req->page_token, l->after, &l->past_us, &why) != WARD_OK)
        return ward_err_about(l->call->err,
                              WARD_FAIL_REASON(l->call->err, INVALID_ARGUMENT,
                                               "PAGE_TOKEN_INVALID",
                                               "page_token does not belong to this query"),
                              "page_token");
    ward_uuid_text(l->after, l->past);
    l->behind = before(l->after);
    return WARD_OK;
}

/* A page ends when a further slot is found, so that the last page has no token. */
static enum ward_code add(struct looking *l, Slot *slot)
{
    MissedResponse *r = l->r;

    if (slot->state != WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_MISSED ||
        (strcmp(slot->order_id, l->past) == 0 && slot->due_at_us <= l->past_us))
        return WARD_OK;
    if (r->n_slots == l->page) {
        l->full = true;
        return ward_call_copy(l->call, r->slots[r->n_slots - 1]->slot_id, &r->next_page_token);
    }
    r->slots[r->n_slots++] = slot;
    return WARD_OK;
}

static enum ward_code of_order(struct looking *l, Order *order, struct ward_err *err)
{
    Slot **slots;
    size_t n;

    WARD_TRY(slots_of(l->call->wrk, l->call->mem, &order, 1, l->from_us, l->to_us, l->now_us,
                      &slots, &n, err));
    for (size_t i = 0; i < n && !l->full; i++)
        WARD_TRY(add(l, slots[i]));
    return WARD_OK;
}

static enum ward_code look(struct looking *l, struct ward_err *err)
{
    uint8_t after[DOSAGE_ID];
    const uint8_t *from = l->behind ? after : NULL;
    Order **orders;
    size_t n;

    memcpy(after, l->after, DOSAGE_ID);
    do {
        if (ward_call_cancelled(l->call))
            return WARD_FAIL(err, CANCELLED, "the caller disconnected");
        WARD_TRY(orders_of_ward(l->call->wrk, l->call->mem, l->req->ward, TRACK_RAN, l->from_us,
                                l->to_us, from, ORDERS_ONCE, &orders, &n, err));
        for (size_t i = 0; i < n && !l->full; i++)
            WARD_TRY(of_order(l, orders[i], err));
        if (n > 0 && !ward_uuid_parse(orders[n - 1]->order_id, after))
            return WARD_FAIL(err, DATA_LOSS, "an order has no id");
        from = after;
    } while (n == ORDERS_ONCE && !l->full);
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct looking *l = arg;
    const char **who;

    l->full = false;
    l->r->n_slots = 0;
    l->r->next_page_token = api_text("");
    WARD_TRY(look(l, err));
    who = ward_alloc(l->call->mem, (l->r->n_slots + 1) * sizeof(*who));
    if (who == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the events");
    for (size_t i = 0; i < l->r->n_slots; i++)
        who[i] = l->r->slots[i]->patient_id;
    return track_shown(&l->event, who, l->r->n_slots, db, err);
}

enum ward_code list_missed_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    struct looking l = {.call = c, .req = (const MissedRequest *)q, .r = (MissedResponse *)r};
    struct worker *w = c->wrk;
    int page;

    WARD_TRY(api_begin(c, &l.event, NULL));
    WARD_TRY(track_ward(c, l.req->ward));
    WARD_TRY(ward_call_page(c, l.req->page_size, PAGE_USUAL, PAGE_MOST, &page));
    l.page = (size_t)page;
    l.now_us = ward_wall_us();
    l.from_us = l.req->from_us;
    l.to_us = l.req->to_us;
    WARD_TRY(track_span(c, l.now_us, TRACK_DAY_US, 0, &l.from_us, &l.to_us));
    WARD_TRY(take_token(&l));
    l.r->slots = ward_alloc(c->mem, l.page * sizeof(Slot *));
    if (l.r->slots == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    return ward_db_tx(w->event_ctx.db, in_tx, &l, c->err);
}
