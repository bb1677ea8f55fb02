#include "services/identity/api.h"
#include "services/identity/identity_metrics.h"

#include <string.h>

typedef Ward__Identity__V1__VerifyRequest VerifyRequest;
typedef Ward__Identity__V1__VerifyResponse VerifyResponse;
typedef Ward__Identity__V1__Reason Reason;

#define OUTCOME(x) WARD__IDENTITY__V1__OUTCOME__OUTCOME_##x

struct verification {
    struct ward_call *call;
    struct act act;
    uint8_t id[IDENTITY_ID];
    char subject[37];
    const char *device;
    struct operating_point at;
    struct photo photo;
    float kept[FACE_DIM];
    double score;
    bool match;
};

static enum ward_code check(struct verification *v, const VerifyRequest *req)
{
    struct ward_call *c = v->call;

    WARD_TRY(api_subject_id(c, req->subject_id, v->id, v->subject));
    act_begin(&v->act, c, v->subject);
    if (!rule_is_label(req->place, true))
        return WARD_FAIL_FIELD(c->err, "place", "must be 1 to 64 visible ASCII characters");
    v->act.place = req->place;
    if (!rule_is_label(req->device, false))
        return WARD_FAIL_FIELD(c->err, "device", "must be at most 64 visible ASCII characters");
    v->device = *req->device == '\0' ? c->peer : req->device;
    if (!rule_is_word(req->purpose))
        return WARD_FAIL_FIELD(c->err, "purpose", "must be 1 to 64 of a-z, 0-9 and -");
    return rule_operating_point(req->max_fmr, &v->at, c->err);
}

static enum ward_code no_consent(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "NO_CONSENT",
                            "there is no consent to use this face for this: identify this "
                            "person in another way");
}

/* The subject's template, opened. */
static enum ward_code recall(struct verification *v)
{
    struct ward_call *c = v->call;
    struct worker *w = c->wrk;
    struct kept_template t;
    struct subject s;

    WARD_TRY(subject_find(w->db, c->mem, v->id, false, &s, c->err));
    if (s.erased_at_us != 0)
        return WARD_FAIL_REASON(c->err, NOT_FOUND, "SUBJECT_NOT_FOUND", "no such subject");
    if (s.withdrawn_at_us != 0 || !rule_covers_verify(s.purpose))
        return no_consent(c->err);
    WARD_TRY(template_of(w->db, c->mem, v->id, face_pack_sha256(w->id->pack), &t, c->err));
    return unseal_template(w->id->kek, &t.sealed, v->kept, c->err);
}

static void decide(struct verification *v)
{
    if (v->photo.gate != USABLE)
        return;
    v->score = face_cosine(v->kept, v->photo.face.embedding, FACE_DIM);
    v->match = v->score >= v->at.threshold;
}

static const char *outcome_of(const struct verification *v)
{
    return v->photo.gate != USABLE ? "UNUSABLE" : v->match ? "MATCH" : "NO_MATCH";
}

static enum ward_code fill_reasons(struct verification *v, VerifyResponse *resp)
{
    struct ward_call *c = v->call;
    Reason *r;

    if (v->photo.gate == USABLE)
        return WARD_OK;
    r = ward_new(c->mem, Reason);
    resp->reasons = ward_alloc(c->mem, sizeof(Reason *));
    if (r == NULL || resp->reasons == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__reason__init(r);
    r->reason = api_text(gate_reason(v->photo.gate));
    r->text = api_text(gate_advice(v->photo.gate));
    resp->reasons[0] = r;
    resp->n_reasons = 1;
    return WARD_OK;
}

static enum ward_code issue(struct verification *v, const VerifyRequest *req,
                            VerifyResponse *resp)
{
    struct ward_call *c = v->call;
    const struct identity *id = ((struct worker *)c->wrk)->id;
    struct ward_ppid p = {.patient = v->subject,
                          .place = req->place,
                          .device = v->device,
                          .purpose = req->purpose,
                          .method = "face",
                          .actor = c->who->subject,
                          .score = v->score,
                          .model = face_pack_sha256(id->pack)};

    if (!v->match)
        return WARD_OK;
    WARD_TRY(
        ward_ppid_issue(id->ppid, &p, id->cfg.ppid_lifetime_s, c->mem, &resp->token, c->err));
    resp->token_lifetime_s = id->cfg.ppid_lifetime_s;
    act_note(&v->act, "token", p.token_id);
    return WARD_OK;
}

static enum ward_code fill(struct verification *v, const VerifyRequest *req,
                           VerifyResponse *resp)
{
    struct ward_call *c = v->call;

    resp->outcome = v->photo.gate != USABLE ? OUTCOME(UNUSABLE)
                    : v->match              ? OUTCOME(MATCH)
                                            : OUTCOME(NO_MATCH);
    resp->score = v->score;
    resp->threshold = v->at.threshold;
    resp->fmr = v->at.fmr;
    resp->threshold_source = api_text(RULE_CALIBRATION);
    WARD_TRY(api_copy(c, face_pack_sha256(((struct worker *)c->wrk)->id->pack),
                      &resp->model_sha256));
    WARD_TRY(api_copy(c, v->act.event_text, &resp->event_id));
    WARD_TRY(fill_reasons(v, resp));
    WARD_TRY(api_quality(c, &v->photo, &resp->quality));
    act_note(&v->act, "outcome", outcome_of(v));
    act_note(&v->act, "model", resp->model_sha256);
    act_note(&v->act, "device", v->device);
    act_note(&v->act, "for", req->purpose);
    act_note_num(&v->act, "threshold", v->at.threshold);
    if (v->photo.gate == USABLE)
        act_note_num(&v->act, "score", v->score);
    else
        act_note(&v->act, "reason", gate_reason(v->photo.gate));
    return issue(v, req, resp);
}

/* A token goes out only if the face may still be used when its event is committed. */
static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct verification *v = arg;
    bool kept = false;

    WARD_TRY(face_is_kept(db, v->call->mem, v->id, &kept, err));
    if (!kept)
        return no_consent(err);
    return act_write(&v->act, db, err);
}

static enum ward_code verify(struct ward_call *c, const VerifyRequest *req,
                             VerifyResponse *resp)
{
    struct worker *w = c->wrk;
    struct verification v = {.call = c};
    struct ward_stop stop = api_stop(c);

    act_begin(&v.act, c, NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(check(&v, req));
    WARD_TRY(recall(&v));
    WARD_TRY(photo_read(w, c->mem, &stop, req->photograph.data, req->photograph.len, &v.photo,
                        c->err));
    decide(&v);
    ward_wipe(v.kept, sizeof(v.kept));
    WARD_TRY(fill(&v, req, resp));
    WARD_TRY(ward_db_tx(w->db, in_tx, &v, c->err));
    ward_metric_add(ward_series_of(&identity_verifications, outcome_of(&v), NULL, NULL), 1);
    return WARD_OK;
}

enum ward_code verify_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return verify(c, (const VerifyRequest *)q, (VerifyResponse *)r);
}
