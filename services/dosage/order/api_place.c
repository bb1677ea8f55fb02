/* Place. */
#include "common/base/clock.h"
#include "services/dosage/order/ordering.h"
#include "services/dosage/order/prescription.h"

typedef Ward__Dosage__V1__PlaceRequest PlaceRequest;
typedef Ward__Dosage__V1__PlaceResponse PlaceResponse;

struct placing {
    struct ordering o;
    const PlaceRequest *req;
};

static enum ward_code write(struct placing *p, Prescription *prescription,
                            enum order_state state, struct ward_err *err)
{
    Order *order = ward_new(p->o.call->mem, Order);

    if (order == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an order");
    ward__dosage__v1__order__init(order);
    order->state = (Ward__Dosage__V1__OrderState)state;
    order->prescription = prescription;
    order->ward = api_text(p->o.ward);
    order->time_zone = api_text(p->o.time_zone);
    return ordering_write(&p->o, order, err);
}

static enum ward_code place_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct placing *p = arg;
    Prescription *now;

    (void)db;
    if (p->req->draft)
        return write(p, p->req->prescription, ORDER_DRAFT, err);
    WARD_TRY(ordering_starts(&p->o, NULL, p->req->prescription, &now, err));
    WARD_TRY(ordering_decide(&p->o, PURPOSE(PLACE), now, "", err));
    return p->o.n_open > 0 ? WARD_OK : write(p, now, ORDER_ACTIVE, err);
}

static enum ward_code check(struct placing *p)
{
    struct ward_call *c = p->o.call;
    const PlaceRequest *q = p->req;

    WARD_TRY(prescription_valid(q->prescription, ward_wall_us(), c->err));
    if (q->draft && (q->n_overrides > 0 || *q->second_person_token != '\0'))
        return WARD_FAIL_FIELD(c->err, "draft",
                               "must be false if overrides or second_person_token are set, "
                               "because a draft is not checked");
    return ordering_beside(&p->o, q->overrides, q->n_overrides, q->second_person_token);
}

static enum ward_code place(struct ward_call *c, const PlaceRequest *q, PlaceResponse *r)
{
    struct placing p = {.req = q};
    enum ward_code code;

    WARD_TRY(ordering_for(&p.o, c, q->patient_id));
    code = check(&p);
    WARD_TRY(code == WARD_OK ? ordering_run(&p.o, q->idempotency_key, &q->base, place_in_tx, &p)
                             : ordering_late(&p.o, q->idempotency_key, &q->base, code));
    r->placed = p.o.done;
    r->order = p.o.order;
    r->decision = p.o.decision;
    r->open = p.o.open;
    r->n_open = p.o.n_open;
    return WARD_OK;
}

enum ward_code place_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return place(c, (const PlaceRequest *)q, (PlaceResponse *)r);
}
