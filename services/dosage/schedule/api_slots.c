/* ListSlots, PreviewTiming. */
#include "common/base/clock.h"
#include "services/dosage/schedule/slot_reader.h"
#include "services/dosage/track/track.h"

#include <string.h>

typedef Ward__Dosage__V1__ListSlotsRequest ListRequest;
typedef Ward__Dosage__V1__ListSlotsResponse ListResponse;
typedef Ward__Dosage__V1__PreviewTimingRequest PreviewRequest;
typedef Ward__Dosage__V1__PreviewTimingResponse PreviewResponse;

#define PREVIEW_USUAL 20
#define PREVIEW_MOST  1000
#define STATE(name)   WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_##name

/* ---- ListSlots ---- */

struct asking {
    struct ward_call *call;
    struct ward_event event;
    struct chart chart;
    const char *order_id;
    int64_t from_us, to_us, now_us;
    ListResponse *r;
};

static enum ward_code read_slots(struct asking *a, struct ward_err *err)
{
    struct worker *w = a->call->wrk;
    struct ward_arena *mem = a->call->mem;
    Order *one, **orders = &one;
    size_t n = 1;

    /* An order that begins later may have had doses of an earlier version. */
    if (*a->order_id == '\0')
        WARD_TRY(
            orders_of(w, mem, a->chart.id, TRACK_RAN, a->from_us, INT64_MAX, &orders, &n, err));
    else
        WARD_TRY(track_order(a->call, &a->chart, a->order_id, &one, err));
    WARD_TRY(slots_of(w, mem, orders, n, a->from_us, a->to_us, a->now_us, &a->r->slots,
                      &a->r->n_slots, err));
    for (size_t i = 0; i < a->r->n_slots; i++)
        a->r->slots[i]->patient_id = a->chart.text; /* the id of the surviving record */
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct asking *a = arg;
    struct ward_event event = a->event;

    WARD_TRY(read_slots(a, err));
    ward_event_note_int(&event, "slots", (int64_t)a->r->n_slots);
    return ward_event_write(&event, db, err);
}

enum ward_code list_slots_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    const ListRequest *req = (const ListRequest *)q;
    struct asking *a = ward_new(c->mem, struct asking);
    struct worker *w = c->wrk;

    if (a == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    a->call = c;
    a->r = (ListResponse *)r;
    a->order_id = req->order_id;
    a->from_us = req->from_us;
    a->to_us = req->to_us;
    a->now_us = ward_wall_us();
    WARD_TRY(track_begin(c, req->patient_id, &a->event, &a->chart));
    WARD_TRY(track_span(c, a->now_us, TRACK_DAY_US, TRACK_DAY_US, &a->from_us, &a->to_us));
    return ward_db_tx(w->event_ctx.db, in_tx, a, c->err);
}

/* ---- PreviewTiming ---- */

/* Checks a timing as in an order. Fields that only AS_NEEDED requires get placeholders. */
static enum ward_code check(const PreviewRequest *req, int64_t starts_us, struct ward_err *err)
{
    Ward__Dosage__V1__Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    Ward__Dosage__V1__AsNeeded as_needed = WARD__DOSAGE__V1__AS_NEEDED__INIT;
    Ward__Dosage__V1__Coding reason = WARD__DOSAGE__V1__CODING__INIT;

    p.timing = req->timing;
    p.starts_at_us = starts_us;
    p.ends_at_us = req->ends_at_us;
    as_needed.max_doses_per_24h = 1;
    as_needed.reason = &reason;
    reason.code = api_text("any");
    if (p.timing != NULL && p.timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_AS_NEEDED)
        p.as_needed = &as_needed;
    return timing_check(&p, err);
}

static Ward__Dosage__V1__SlotState state_at(const struct slot *s, int64_t now_us)
{
    if (now_us < s->from_us)
        return STATE(FUTURE);
    if (now_us < s->on_time_us)
        return STATE(DUE);
    return now_us < s->to_us ? STATE(OVERDUE) : STATE(MISSED);
}

static enum ward_code show(struct ward_call *c, const struct timing *t, int64_t now_us,
                           size_t most, PreviewResponse *r)
{
    struct slot *found = ward_alloc(c->mem, most * sizeof(*found));
    Slot *all = ward_alloc(c->mem, most * sizeof(*all));
    char *stamps = ward_alloc(c->mem, most * WARD_ZONE_STAMP);

    r->slots = ward_alloc(c->mem, most * sizeof(Slot *));
    if (found == NULL || all == NULL || stamps == NULL || r->slots == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    r->n_slots = timing_slots(t, t->starts_us, INT64_MAX, found, most);
    for (size_t i = 0; i < r->n_slots; i++) {
        Slot *s = r->slots[i] = &all[i];

        ward__dosage__v1__slot__init(s);
        s->due_at_us = found[i].due_us;
        s->window_from_us = found[i].from_us;
        s->on_time_until_us = found[i].on_time_us;
        s->window_to_us = found[i].to_us;
        s->state = state_at(&found[i], now_us);
        s->due_local = stamps + i * WARD_ZONE_STAMP;
        ward_zone_stamp(t->zone, s->due_at_us, s->due_local);
    }
    return WARD_OK;
}

enum ward_code preview_timing_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    const PreviewRequest *req = (const PreviewRequest *)q;
    PreviewResponse *resp = (PreviewResponse *)r;
    Ward__Dosage__V1__Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    Order order = WARD__DOSAGE__V1__ORDER__INIT;
    int64_t now_us = ward_wall_us();
    struct clock clock;
    struct timing t;
    struct ward_event nobody;

    WARD_TRY(api_begin(c, &nobody, NULL));
    if (!rule_is_ward(req->ward))
        return WARD_FAIL_FIELD(c->err, "ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    if (req->most < 0 || req->most > PREVIEW_MOST)
        return WARD_FAIL_FIELD(c->err, "most", "must be 0 to 1,000");
    p.timing = req->timing;
    p.starts_at_us = req->starts_at_us == 0 ? now_us : req->starts_at_us;
    p.ends_at_us = req->ends_at_us;
    order.prescription = &p;
    WARD_TRY(check(req, p.starts_at_us, c->err));
    WARD_TRY(ward_clock(c->wrk, c->mem, req->ward, true, &clock, c->err));
    t = plan_timing(&order, clock.zone, clock.before_minutes, clock.after_minutes);
    resp->time_zone = api_text(clock.name);
    return show(c, &t, now_us, req->most == 0 ? PREVIEW_USUAL : (size_t)req->most, resp);
}
