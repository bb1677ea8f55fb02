/* AssessPhotograph: tells whether a photograph could be enrolled. Nothing is compared or
 * stored. */
#include "services/identity/api.h"

typedef Ward__Identity__V1__AssessPhotographRequest AssessRequest;
typedef Ward__Identity__V1__AssessPhotographResponse AssessResponse;

static enum ward_code write_act(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_event event = *(struct ward_event *)arg;

    return ward_event_write(&event, db, err);
}

static enum ward_code assess(struct ward_call *c, const AssessRequest *req,
                             AssessResponse *resp)
{
    struct worker *w = c->wrk;
    struct photo_want want = {.largest_only = req->largest_only, .enrol = true};
    struct ward_stop stop = api_stop(c);
    struct ward_event event;
    struct photo p;

    ward_event_begin(&event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(photo_read(w, c->mem, &stop, req->photograph.data, req->photograph.len, &want, &p,
                        c->err));
    ward_wipe(p.face.embedding, sizeof(p.face.embedding));
    resp->usable = p.gate == USABLE;
    if (!resp->usable)
        WARD_TRY(api_reason(c, p.gate, &resp->reasons, &resp->n_reasons));
    WARD_TRY(api_quality(c, &p, &resp->quality));
    ward_event_note(&event, "gate", resp->usable ? "USABLE" : gate_reason(p.gate));
    return ward_db_tx(w->db, write_act, &event, c->err);
}

enum ward_code assess_photograph_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    return assess(c, (const AssessRequest *)q, (AssessResponse *)r);
}
