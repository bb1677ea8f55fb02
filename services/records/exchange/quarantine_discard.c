/* DiscardQuarantined: rejects an item. The item's content is destroyed; the person and the
 * reason remain.
 */
#include "services/records/api.h"
#include "services/records/exchange/quarantine_own.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Records__V1__DiscardQuarantinedRequest Request;

#define REASON_MOST 500

struct discarding {
    struct ward_call *call;
    struct worker *w;
    struct ward_event event;
    const Request *req;
    uint8_t id[RECORDS_ID];
};

static enum ward_code discard(struct discarding *d, const struct item *it, struct ward_err *err)
{
    static const char SQL[] = "UPDATE quarantine SET state = 3, decided_by = ?,"
                              " decided_at_us = ? WHERE item_id = ?";
    struct ward_arena *mem = d->call->mem;
    QuarantineItem wire;
    struct problems p;

    WARD_TRY(item_wire(d->w, mem, it, &wire, err));
    p = (struct problems){.at = wire.problems, .n = wire.n_problems};
    if (p.n == QUARANTINE_PROBLEMS)
        p.n--; /* drops the last problem, so that the reason can be stored */
    WARD_TRY(problem_add(mem, &p, "DISCARDED", "", d->req->reason, NULL, err));
    WARD_TRY(item_rekey(d->w, mem, it, &p, err));
    WARD_TRY(closed_drop(d->w, mem, it->id, err));
    return ward_db_run(d->w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(ward_text(d->call->who->subject),
                                   ward_int(mem, ward_wall_us()),
                                   ward_blob(it->id, RECORDS_ID)),
                       NULL, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct discarding *d = arg;
    struct ward_arena *mem = d->call->mem;
    struct ward_event event = d->event;
    struct item it;

    WARD_TRY(item_find(d->w, mem, d->id, true, &it, err));
    if (it.state == STATE_OF(WAITING))
        WARD_TRY(discard(d, &it, err));
    else if (it.state != STATE_OF(DISCARDED) ||
             strcmp(it.decided_by, d->call->who->subject) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "QUARANTINE_DECIDED",
                                "the item was already replayed or discarded");
    if (it.patient.n == RECORDS_ID)
        return tell(d->w, &event, NULL, (const uint8_t *)it.patient.p, err);
    return ward_event_write(&event, db, err);
}

static enum ward_code discard_quarantined(struct ward_call *c, const Request *req)
{
    struct worker *w = c->wrk;
    struct discarding d = {.call = c, .w = w, .req = req};
    char text[37];

    ward_event_begin(&d.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_id(c, "item_id", req->item_id, d.id, text));
    ward_event_note(&d.event, "item", text);
    if (*req->reason == '\0' || strlen(req->reason) > REASON_MOST)
        return WARD_FAIL_FIELD(c->err, "reason", "must be 1 to %d bytes", REASON_MOST);
    return ward_db_tx(w->event_ctx.db, in_tx, &d, c->err);
}

enum ward_code discard_quarantined_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                       ProtobufCMessage *r)
{
    (void)r;
    return discard_quarantined(c, (const Request *)q);
}
