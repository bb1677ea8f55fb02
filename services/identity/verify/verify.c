#include "services/identity/verify/verify.h"
#include "services/identity/identity_metrics.h"

#include <string.h>

typedef Ward__Identity__V1__VerifyRequest VerifyRequest;
typedef Ward__Identity__V1__VerifyResponse VerifyResponse;

/* Compares the face. An upside-down face matches nobody, and its score would reveal nothing
 * about the person. */
static enum ward_code compare(struct verification *v, const struct ward_stop *stop,
                              struct photo *p)
{
    struct ward_call *c = v->call;
    struct worker *w = c->wrk;
    /* norm of the current model's embedding, which a former model's embedding may replace */
    double norm = p->face.norm;

    WARD_TRY(verification_embed(v, c->mem, &p->im, &p->box, &p->face));
    WARD_TRY(verification_compare(v, p->face.embedding, &v->score));
    if (v->score >= v->at.threshold)
        return WARD_OK;
    return upside_down(w->face, c->mem, stop, &p->im, norm, &v->gate, c->err);
}

/* Reads the photograph as the policy requires, and compares it if permitted. */
static enum ward_code look(struct verification *v, const VerifyRequest *req, struct photo *p)
{
    struct ward_call *c = v->call;
    struct ward_stop stop = api_stop(c);
    struct photo_want want = {.largest_only = req->largest_only,
                              .passive = v->policy.liveness == LIVENESS_PASSIVE};

    WARD_TRY(photo_read(c->wrk, c->mem, &stop, req->photograph.data, req->photograph.len, &want,
                        p, c->err));
    v->shown.passive = p->passive;
    v->gate = p->gate;
    if (v->gate == USABLE)
        v->gate = liveness_gate(v->policy.liveness, &v->shown);
    verification_count(v);
    if (v->gate != USABLE)
        return WARD_OK;
    return compare(v, &stop, p);
}

static enum ward_code fill(struct verification *v, struct photo *p, VerifyResponse *resp)
{
    struct ward_call *c = v->call;

    resp->outcome = verification_wire_outcome(v);
    resp->score = verification_told(v, v->score);
    resp->threshold = v->at.threshold;
    resp->fmr = verification_fmr(v);
    resp->fmr_worst_group = resp->fmr > 0 ? v->at.worst : 0;
    resp->age_unknown = !verification_age_known(v);
    resp->threshold_source = api_text(v->by->calibration.source);
    resp->templates = v->gate == USABLE ? v->kept.n : 0;
    WARD_TRY(ward_call_copy(c, face_pack_sha256(v->by->pack), &resp->model_sha256));
    WARD_TRY(ward_call_copy(c, v->event.event_text, &resp->event_id));
    WARD_TRY(api_device(c, &resp->device, &resp->degraded));
    if (v->gate != USABLE)
        WARD_TRY(api_reason(c, v->gate, &resp->reasons, &resp->n_reasons));
    WARD_TRY(api_quality(c, p, &resp->quality));
    WARD_TRY(verification_liveness(v, &resp->liveness));
    verification_note(v);
    return verification_issue(v, &resp->token, &resp->token_lifetime_s);
}

static enum ward_code answer(struct verification *v, const VerifyRequest *req,
                             VerifyResponse *resp)
{
    struct photo p;

    WARD_TRY(verification_recall(v));
    WARD_TRY(look(v, req, &p));
    verification_decide(v);
    ward_wipe(p.face.embedding, sizeof(p.face.embedding));
    WARD_TRY(fill(v, &p, resp));
    return verification_commit(v);
}

static enum ward_code verify(struct ward_call *c, const VerifyRequest *req,
                             VerifyResponse *resp)
{
    struct worker *w = c->wrk;
    struct verification v = {.call = c};
    enum ward_code code;

    ward_event_begin(&v.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(
        verification_begin(&v, &(struct claim){req->subject_id, req->place, req->device,
                                               req->purpose, req->max_fmr, req->attended}));
    code = answer(&v, req, resp);
    verification_forget(&v);
    if (code == WARD_OK)
        ward_metric_add(
            ward_series_of(&identity_verifications, verification_outcome(&v), NULL, NULL), 1);
    return code;
}

enum ward_code verify_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return verify(c, (const VerifyRequest *)q, (VerifyResponse *)r);
}
