/* Gallery.Identify: finds the person of a photograph. */
#include "services/identity/api.h"
#include "services/identity/gallery/identify.h"
#include "services/identity/verify/misses.h"
#include "ward/identity/v1/gallery.pb-c.h"

#include "common/base/crypto.h"

#include <string.h>

typedef Ward__Identity__V1__IdentifyRequest IdentifyRequest;
typedef Ward__Identity__V1__IdentifyResponse IdentifyResponse;
typedef Ward__Identity__V1__Candidate Candidate;
typedef Ward__Identity__V1__Liveness Liveness;

static struct ward_family identifications = {
    .name = "ward_identity_identifications_total",
    .help = "Number of answered 1:N searches, by outcome.",
    .type = WARD_COUNTER,
    .label = {"outcome"},
};
WARD_METRIC_LISTED(identifications)
WARD_METRIC_FROM_ZERO(identifications, IDENTIFY_UNUSABLE,
                      identify_outcome_name((enum identify_outcome)(i + IDENTIFY_MATCH)), NULL)

struct asked {
    struct ward_call *call;
    const IdentifyRequest *req;
    IdentifyResponse *resp;
    struct use_policy policy;
    const char *device;
    /* event_before and found_before restore the state if the transaction runs again */
    struct ward_event event, event_before;
    struct identified found, found_before;
};

static enum ward_code begin(struct asked *a)
{
    struct ward_call *c = a->call;
    struct worker *w = c->wrk;
    const IdentifyRequest *req = a->req;

    ward_event_begin(&a->event, c, api_event_ctx(c), NULL);
    ward_db_deadline(w->db, c->deadline_ns);
    WARD_TRY(api_where(c, req->place, req->device, req->purpose));
    a->event.place = req->place;
    a->device = *req->device == '\0' ? c->peer : req->device;
    WARD_TRY(policy_of(w->db, c->mem, req->purpose, &a->policy, c->err));
    if (!a->policy.allow_search)
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "WAY_NOT_ALLOWED",
                                "the policy of this purpose does not allow search: verify the "
                                "claimed person");
    return WARD_OK;
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
}

static double told(const struct asked *a, const struct likeness *l)
{
    const struct identity *id = ((struct worker *)a->call->wrk)->id;
    const struct loaded_pack *by = l->which == 0 ? &id->now : &id->former;

    return rule_score_told(&by->calibration, a->found.by[l->which].threshold, l->hit.score);
}

static enum ward_code fill_candidates(struct asked *a, struct ward_err *err)
{
    const struct identified *x = &a->found;
    struct ward_arena *mem = a->call->mem;
    Candidate *list = ward_alloc(mem, (size_t)x->n * sizeof(*list));
    char *ids = ward_alloc(mem, (size_t)x->n * 37 + 1);

    a->resp->candidates = ward_alloc(mem, (size_t)x->n * sizeof(list));
    if (list == NULL || ids == NULL || a->resp->candidates == NULL)
        return no_memory(err);
    for (int i = 0; i < x->n; i++) {
        char *text = ward_alloc(mem, 37);

        if (text == NULL)
            return no_memory(err);
        ward__identity__v1__candidate__init(&list[i]);
        ward_uuid_text(x->found[i].hit.subject_id, text);
        list[i].subject_id = text;
        list[i].kind = (Ward__Identity__V1__SubjectKind)x->found[i].hit.kind;
        list[i].score = told(a, &x->found[i]);
        a->resp->candidates[i] = &list[i];
        if (i > 0)
            ids[strlen(ids)] = ' ';
        memcpy(ids + strlen(ids), text, 37);
    }
    a->resp->n_candidates = (size_t)x->n;
    if (x->outcome == IDENTIFY_MATCH)
        a->event.patient = list[0].subject_id;
    else if (x->n > 0)
        ward_event_note(&a->event, "candidates", ids);
    return WARD_OK;
}

static enum ward_code fill_liveness(struct asked *a)
{
    struct ward_call *c = a->call;
    Liveness *l = ward_new(c->mem, Liveness);

    if (l == NULL)
        return no_memory(c->err);
    ward__identity__v1__liveness__init(l);
    l->policy = (Ward__Identity__V1__LivenessPolicy)a->policy.liveness;
    l->passive_score = a->found.shown.passive;
    l->passive_threshold = LIVENESS_THRESHOLD;
    l->attended = a->found.shown.attended;
    l->satisfied = liveness_gate(a->policy.liveness, &a->found.shown) == USABLE;
    a->resp->liveness = l;
    return WARD_OK;
}

/* Fills the fields that do not depend on the found subject. */
static enum ward_code fill_before(struct asked *a)
{
    struct ward_call *c = a->call;
    IdentifyResponse *resp = a->resp;
    const struct identified *x = &a->found;

    resp->fmr = x->fmr;
    resp->gallery_size = x->size;
    resp->seq = x->seq;
    WARD_TRY(ward_call_copy(c, a->event.event_text, &resp->event_id));
    WARD_TRY(api_device(c, &resp->device, &resp->degraded));
    if (x->gate != USABLE)
        WARD_TRY(api_reason(c, x->gate, &resp->reasons, &resp->n_reasons));
    WARD_TRY(api_quality(c, &x->photo, &resp->quality));
    return fill_liveness(a);
}

static void note(struct asked *a, int by)
{
    const struct identified *x = &a->found;
    const char *size = ward_printf(a->call->mem, "%lld", (long long)x->size);

    ward_event_note(&a->event, "outcome", identify_outcome_name(x->outcome));
    ward_event_note(&a->event, "gallery", a->req->gallery);
    ward_event_note(&a->event, "size", size == NULL ? "" : size);
    ward_event_note(&a->event, "model", a->resp->model_sha256);
    ward_event_note(&a->event, "device", a->device);
    ward_event_note(&a->event, "for", a->req->purpose);
    ward_event_note(&a->event, "method", liveness_method(a->policy.liveness));
    ward_event_note_num(&a->event, "threshold", x->by[by].threshold);
    if (x->gate != USABLE)
        ward_event_note(&a->event, "reason", gate_reason(x->gate));
    else if (x->n_found > 0)
        ward_event_note_num(&a->event, "score", x->found[0].hit.score);
}

static enum ward_code fill_after(struct asked *a, struct ward_err *err)
{
    const struct identity *id = ((struct worker *)a->call->wrk)->id;
    const struct identified *x = &a->found;
    int by = identify_by(x);
    const struct loaded_pack *pack = by == 0 ? &id->now : &id->former;

    a->resp->outcome = (Ward__Identity__V1__IdentifyOutcome)x->outcome;
    a->resp->threshold = x->by[by].threshold;
    a->resp->margin = x->by[by].margin;
    a->resp->extrapolated = x->by[by].extrapolated;
    a->resp->threshold_source = api_text(pack->calibration.source);
    a->resp->model_sha256 = api_text(face_pack_sha256(pack->pack));
    WARD_TRY(fill_candidates(a, err));
    note(a, by);
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct asked *a = arg;

    a->event = a->event_before;
    a->found = a->found_before;
    WARD_TRY(identify_again(a->call, db, &a->found, err));
    if (*a->found.barred != '\0')
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, a->found.barred,
            "the most similar subject may not be compared because of the subject's age: "
            "identify this person by wristband and a second identifier");
    if (a->found.gate == USABLE)
        WARD_TRY(misses_take(a->call, db, NULL, a->found.outcome == IDENTIFY_NO_MATCH, err));
    WARD_TRY(fill_after(a, err));
    return ward_event_write(&a->event, db, err);
}

static enum ward_code identify(struct ward_call *c, const IdentifyRequest *req,
                               IdentifyResponse *resp)
{
    struct asked *a = ward_new(c->mem, struct asked);
    struct identify_want want;

    if (a == NULL)
        return no_memory(c->err);
    a->call = c;
    a->req = req;
    a->resp = resp;
    WARD_TRY(begin(a));
    want = (struct identify_want){.gallery = req->gallery,
                                  .photograph = req->photograph.data,
                                  .n = req->photograph.len,
                                  .largest_only = req->largest_only,
                                  .attended = req->attended,
                                  .policy = &a->policy,
                                  .max_fpir = req->max_fpir};
    WARD_TRY(identify_face(c, &want, &a->found));
    WARD_TRY(fill_before(a));
    a->event_before = a->event;
    a->found_before = a->found;
    WARD_TRY(ward_db_tx(((struct worker *)c->wrk)->db, in_tx, a, c->err));
    ward_metric_add(
        ward_series_of(&identifications, identify_outcome_name(a->found.outcome), NULL, NULL),
        1);
    return WARD_OK;
}

enum ward_code identify_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return identify(c, (const IdentifyRequest *)q, (IdentifyResponse *)r);
}
