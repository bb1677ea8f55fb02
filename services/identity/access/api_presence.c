/* ForgetPresence: lets a person enter who is locked out by anti-passback. */
#include "services/identity/access/movements.h"

typedef Ward__Identity__V1__ForgetPresenceRequest ForgetPresenceRequest;
typedef Ward__Identity__V1__ForgetPresenceResponse ForgetPresenceResponse;

struct forgetting {
    struct ward_call *call;
    struct ward_event event;
    uint8_t id[IDENTITY_ID];
    char text[37];
    const char *zone; /* NULL: all zones */
    ForgetPresenceResponse *resp;
};

static enum ward_code forget_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct forgetting *x = arg;
    struct ward_arena *mem = x->call->mem;
    struct ward_event event = x->event;
    struct zone *z = NULL;
    struct subject s;
    uint64_t n = 0;

    WARD_TRY(subject_hold(db, mem, x->id, &s, err));
    WARD_TRY(zone_find(db, mem, x->zone, &z, err));
    WARD_TRY(presence_forget(db, mem, x->id, x->zone, &n, err));
    x->resp->forgotten = (int32_t)n;
    ward_event_note(&event, "zone", x->zone == NULL ? "all" : x->zone);
    ward_event_note_int(&event, "forgotten", (int64_t)n);
    return ward_event_write(&event, db, err);
}

enum ward_code forget_presence_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    const ForgetPresenceRequest *req = (const ForgetPresenceRequest *)q;
    struct forgetting x = {.call = c, .resp = (ForgetPresenceResponse *)r};
    struct worker *w = c->wrk;

    ward_event_begin(&x.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(api_subject_id(c, req->subject_id, x.id, x.text));
    ward_event_begin(&x.event, c, api_event_ctx(c), x.text);
    if (*req->zone != '\0') {
        WARD_TRY(access_word(c, "zone", req->zone));
        x.zone = req->zone;
        x.event.place = req->zone;
    }
    WARD_TRY(ward_call_copy(c, x.event.event_text, &x.resp->event_id));
    return ward_db_tx(w->db, forget_in_tx, &x, c->err);
}
