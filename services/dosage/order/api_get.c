/* GetOrder, OrderHistory and ListOrders. */
#include "services/dosage/order/reading.h"
#include "services/dosage/store/page.h"

#include <string.h>

typedef Ward__Dosage__V1__GetOrderRequest GetOrderRequest;
typedef Ward__Dosage__V1__GetOrderResponse GetOrderResponse;
typedef Ward__Dosage__V1__OrderHistoryRequest OrderHistoryRequest;
typedef Ward__Dosage__V1__OrderHistoryResponse OrderHistoryResponse;
typedef Ward__Dosage__V1__ListOrdersRequest ListOrdersRequest;
typedef Ward__Dosage__V1__ListOrdersResponse ListOrdersResponse;

static enum ward_code no_memory(struct ward_call *c)
{
    return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a list of orders");
}

/* A draft is visible only to its prescriber. Other callers get ORDER_NOT_FOUND. */
static bool is_hidden(const struct ward_call *c, const Order *o)
{
    return (enum order_state)o->state == ORDER_DRAFT &&
           !rule_same_person(o->written_by, c->who->subject);
}

/* ---- one order ---- */

/* The current version, if the caller may access its patient. */
static enum ward_code begin(struct reading *r, struct ward_call *c, const char *order_id,
                            uint8_t id[DOSAGE_ID], Order **out)
{
    r->call = c;
    WARD_TRY(api_begin(c, &r->event, NULL));
    WARD_TRY(ward_call_id(c, "order_id", order_id, id, NULL));
    WARD_TRY(order_find(c->wrk, c->mem, id, false, out, c->err));
    WARD_TRY(order_unseen(reading_may(r, (*out)->patient_id), c->err));
    if (is_hidden(c, *out))
        return WARD_FAIL_REASON(c->err, NOT_FOUND, "ORDER_NOT_FOUND", "no such order");
    return WARD_OK;
}

static enum ward_code get_order(struct ward_call *c, const GetOrderRequest *q,
                                GetOrderResponse *resp)
{
    struct reading r = {0};
    uint8_t id[DOSAGE_ID];
    Order *order;

    if (q->version < 0)
        return WARD_FAIL_FIELD(c->err, "version", "must be 0 or more");
    WARD_TRY(begin(&r, c, q->order_id, id, &order));
    if (q->version != 0 && q->version != order->version)
        WARD_TRY(order_version(c->wrk, c->mem, id, q->version, &order, c->err));
    order_note(&r.event, order);
    WARD_TRY(reading_tell(&r));
    resp->order = order;
    return WARD_OK;
}

/* ---- an order's versions ---- */

static enum ward_code order_history(struct ward_call *c, const OrderHistoryRequest *q,
                                    OrderHistoryResponse *resp)
{
    const char *question = ward_printf(c->mem, "%.36s %d", q->order_id, (int)q->page_size);
    struct reading r = {0};
    uint8_t id[DOSAGE_ID];
    int32_t below = INT32_MAX;
    bool given = false;
    Order *order;
    int page = 0;

    WARD_TRY(begin(&r, c, q->order_id, id, &order));
    WARD_TRY(ward_call_page(c, q->page_size, READ_USUAL, READ_MOST, &page));
    if (question == NULL)
        return no_memory(c);
    WARD_TRY(page_place(c, question, q->page_token, &below, sizeof(below), &given));
    WARD_TRY(order_versions(c->wrk, c->mem, id, below, (size_t)page + 1, &resp->orders,
                            &resp->n_orders, c->err));
    if (resp->n_orders > (size_t)page) {
        resp->n_orders = (size_t)page;
        below = resp->orders[page - 1]->version;
        WARD_TRY(page_token(c, question, &below, sizeof(below), &resp->next_page_token));
    }
    ward_event_note(&r.event, "order", order->order_id);
    ward_event_note_int(&r.event, "versions", (int64_t)resp->n_orders);
    return reading_tell(&r);
}

/* ---- a patient's orders ---- */

static enum ward_code states_of(struct ward_call *c, const ListOrdersRequest *q, uint32_t *out)
{
    *out = q->n_states == 0 ? UINT32_MAX : 0;
    for (size_t i = 0; i < q->n_states; i++) {
        enum order_state s = (enum order_state)q->states[i];

        if (s <= ORDER_NONE || s >= ORDER_STATES)
            return WARD_FAIL_FIELD(c->err, "states", "has an unknown state");
        *out |= 1U << s;
    }
    return WARD_OK;
}

static void hide_drafts(const struct ward_call *c, ListOrdersResponse *resp)
{
    size_t n = 0;

    for (size_t i = 0; i < resp->n_orders; i++)
        if (!is_hidden(c, resp->orders[i]))
            resp->orders[n++] = resp->orders[i];
    resp->n_orders = n;
}

static enum ward_code list_orders(struct ward_call *c, const ListOrdersRequest *q,
                                  ListOrdersResponse *resp)
{
    struct reading r = {0};
    uint8_t last[DOSAGE_ID];
    const char *question;
    uint32_t states = 0;
    bool given = false;
    int page = 0;

    WARD_TRY(reading_of(&r, c, q->patient_id));
    WARD_TRY(ward_call_page(c, q->page_size, READ_USUAL, READ_MOST, &page));
    WARD_TRY(states_of(c, q, &states));
    question =
        ward_printf(c->mem, "%s %u %d", r.chart.text, (unsigned)states, (int)q->page_size);
    if (question == NULL)
        return no_memory(c);
    WARD_TRY(page_place(c, question, q->page_token, last, sizeof(last), &given));
    WARD_TRY(orders_page(c->wrk, c->mem, r.chart.id, states, given ? last : NULL,
                         (size_t)page + 1, &resp->orders, &resp->n_orders, c->err));
    if (resp->n_orders > (size_t)page) {
        resp->n_orders = (size_t)page;
        if (!ward_uuid_parse(resp->orders[page - 1]->order_id, last))
            return WARD_FAIL(c->err, INTERNAL, "a stored order has no id");
        WARD_TRY(page_token(c, question, last, sizeof(last), &resp->next_page_token));
    }
    hide_drafts(c, resp);
    ward_event_note_int(&r.event, "orders", (int64_t)resp->n_orders);
    return reading_tell(&r);
}

enum ward_code get_order_rpc(struct ward_call *c, const ProtobufCMessage *q,
                             ProtobufCMessage *r)
{
    return get_order(c, (const GetOrderRequest *)q, (GetOrderResponse *)r);
}

enum ward_code order_history_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    return order_history(c, (const OrderHistoryRequest *)q, (OrderHistoryResponse *)r);
}

enum ward_code list_orders_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    return list_orders(c, (const ListOrdersRequest *)q, (ListOrdersResponse *)r);
}
