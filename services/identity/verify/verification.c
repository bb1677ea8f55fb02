#include "services/identity/identity_metrics.h"
#include "services/identity/verify/misses.h"
#include "services/identity/verify/verify.h"

#include "common/base/metrics.h"

#include <string.h>

typedef Ward__Identity__V1__Liveness Liveness;

static struct ward_family identity_liveness = {
    .name = "ward_identity_liveness_total",
    .help = "Number of captures checked for liveness, by the policy of the purpose and by the "
            "result.",
    .type = WARD_COUNTER,
    .label = {"policy", "result"},
};
WARD_METRIC_LISTED(identity_liveness)

#define OUTCOME(x) WARD__IDENTITY__V1__OUTCOME__OUTCOME_##x

enum ward_code verification_begin(struct verification *v, const struct claim *claim)
{
    struct ward_call *c = v->call;
    struct worker *w = c->wrk;

    WARD_TRY(api_subject_id(c, claim->subject_id, v->id, v->subject_text));
    ward_event_begin(&v->event, c, api_event_ctx(c), v->subject_text);
    WARD_TRY(api_where(c, claim->place, claim->device, claim->purpose));
    v->event.place = claim->place;
    v->device = *claim->device == '\0' ? c->peer : claim->device;
    v->purpose = claim->purpose;
    v->by = &w->id->now;
    v->shown = (struct liveness_shown){.passive = -1, .attended = claim->attended};
    WARD_TRY(rule_operating_point(&v->by->calibration, claim->max_fmr, &v->at, c->err));
    WARD_TRY(policy_of(w->db, c->mem, claim->purpose, &v->policy, c->err));
    if (!v->policy.allow_face)
        return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "WAY_NOT_ALLOWED",
                                "the policy of this purpose does not permit faces: identify "
                                "this person in another way");
    v->at.fmr = claim->max_fmr == 0 ? RULE_FMR_DEFAULT : claim->max_fmr;
    if (v->at.fmr > v->policy.max_fmr)
        v->at.fmr = v->policy.max_fmr;
    return rule_operating_point(&v->by->calibration, v->at.fmr, &v->at, c->err);
}

static enum ward_code no_template(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "NO_TEMPLATE",
                            "the subject has no face template: add a photograph, or identify "
                            "this person in another way");
}

/* Reads the templates of the current model; if the subject has none, those of the former
 * model. */
static enum ward_code fuse(struct verification *v)
{
    struct ward_call *c = v->call;
    struct worker *w = c->wrk;
    struct ward_err first = {0};
    double fmr = v->at.fmr;
    enum ward_code code = subject_fused(w, c->mem, &v->subject,
                                        face_pack_sha256(w->id->now.pack), &v->kept, &first);

    if (code == WARD_OK)
        return v->kept.n == 0 ? no_template(c->err) : WARD_OK;
    if (strcmp(first.reason, "MODEL_CHANGED") != 0 || w->former == NULL) {
        *c->err = first;
        return code;
    }
    v->former = true;
    v->by = &w->id->former;
    WARD_TRY(
        subject_fused(w, c->mem, &v->subject, face_pack_sha256(v->by->pack), &v->kept, c->err));
    if (v->kept.n == 0)
        return no_template(c->err);
    return rule_operating_point(&v->by->calibration, fmr, &v->at, c->err);
}

enum ward_code verification_recall(struct verification *v)
{
    struct ward_call *c = v->call;
    struct worker *w = c->wrk;

    WARD_TRY(subject_alive(w->db, c->mem, v->id, &v->subject, c->err));
    WARD_TRY(face_of_age(w->id, v->subject.kind, v->subject.birth_year, c->err));
    WARD_TRY(consent_need(w->db, c->mem, v->id, purpose_of_verify(v->subject.kind), c->err));
    return fuse(v);
}

enum ward_code verification_embed(struct verification *v, struct ward_arena *mem,
                                  const struct pixels *im, const struct face_box *box,
                                  struct face *face)
{
    struct ward_call *c = v->call;
    struct worker *w = c->wrk;
    struct ward_stop stop = api_stop(c);

    if (!v->former)
        return WARD_OK;
    WARD_TRY(face_locate(w->former, mem, &stop, im, box, face, c->err));
    return face_embed(w->former, mem, &stop, im, face, c->err);
}

enum ward_code verification_compare(struct verification *v, const float *embedding,
                                    double *score)
{
    struct ward_call *c = v->call;
    struct worker *w = c->wrk;
    float turned[TEMPLATE_DIM_MAX];

    memcpy(turned, embedding, (size_t)v->kept.dim * sizeof(*turned));
    WARD_TRY(keys_turn(w->id->keys, w->db, v->subject.kind, v->kept.generation, v->kept.dim,
                       turned, c->err));
    *score = face_cosine(v->kept.v, turned, v->kept.dim);
    ward_wipe(turned, sizeof(turned));
    return WARD_OK;
}

static const char *const POLICIES[] = {"", "none", "passive", "active", "attended"};
static const char *const RESULTS[] = {"satisfied", "required", "failed"};
/* Without the first, which stands for an unspecified policy. */
#define POLICY_COUNT ((int)WARD_COUNT(POLICIES) - 1)
WARD_METRIC_FROM_ZERO(identity_liveness, (int)WARD_COUNT(RESULTS) * POLICY_COUNT,
                      POLICIES[1 + i % POLICY_COUNT], RESULTS[i / POLICY_COUNT])

void verification_count(const struct verification *v)
{
    const char *result = v->gate == USABLE              ? RESULTS[0]
                         : v->gate == LIVENESS_REQUIRED ? RESULTS[1]
                         : v->gate == LIVENESS_FAILED   ? RESULTS[2]
                                                        : NULL;

    if (result != NULL)
        ward_metric_add(
            ward_series_of(&identity_liveness, POLICIES[v->policy.liveness], result, NULL), 1);
}

void verification_decide(struct verification *v)
{
    v->match = v->gate == USABLE && v->score >= v->at.threshold;
}

static const char *const OUTCOMES[] = {"NO_MATCH", "MATCH", "UNUSABLE"};
WARD_METRIC_FROM_ZERO(identity_verifications, WARD_COUNT(OUTCOMES), OUTCOMES[i], NULL)

const char *verification_outcome(const struct verification *v)
{
    return OUTCOMES[v->gate != USABLE ? 2 : v->match];
}

Ward__Identity__V1__Outcome verification_wire_outcome(const struct verification *v)
{
    return v->gate != USABLE ? OUTCOME(UNUSABLE)
           : v->match        ? OUTCOME(MATCH)
                             : OUTCOME(NO_MATCH);
}

enum ward_code verification_liveness(struct verification *v, Liveness **out)
{
    Liveness *l = ward_new(v->call->mem, Liveness);

    if (l == NULL)
        return WARD_FAIL(v->call->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__identity__v1__liveness__init(l);
    l->policy = (Ward__Identity__V1__LivenessPolicy)v->policy.liveness;
    l->passive_score = v->shown.passive;
    l->passive_threshold = LIVENESS_THRESHOLD;
    l->challenge_passed = v->shown.challenge;
    l->attended = v->shown.attended;
    l->satisfied = liveness_gate(v->policy.liveness, &v->shown) == USABLE;
    *out = l;
    return WARD_OK;
}

bool verification_age_known(const struct verification *v)
{
    return face_age_known(v->subject.kind, v->subject.birth_year);
}

double verification_fmr(const struct verification *v)
{
    return verification_age_known(v) ? v->at.fmr : 0;
}

double verification_told(const struct verification *v, double score)
{
    return v->gate != USABLE ? 0 : rule_score_told(&v->by->calibration, v->at.threshold, score);
}

enum ward_code verification_issue(struct verification *v, char **token, int32_t *lifetime_s)
{
    struct ward_call *c = v->call;
    const struct identity *id = ((struct worker *)c->wrk)->id;
    struct ward_ppid p = {.patient = v->subject_text,
                          .place = v->event.place,
                          .device = v->device,
                          .purpose = v->purpose,
                          .method = liveness_method(v->policy.liveness),
                          .actor = c->who->subject,
                          .score = verification_told(v, v->score),
                          .model = face_pack_sha256(v->by->pack)};

    if (!v->match || !verification_age_known(v))
        return WARD_OK;
    WARD_TRY(token_issue(c, &p, token, c->err));
    *lifetime_s = id->cfg.ppid_lifetime_s;
    ward_event_note(&v->event, "token", p.token_id);
    return WARD_OK;
}

void verification_note(struct verification *v)
{
    ward_event_note(&v->event, "outcome", verification_outcome(v));
    ward_event_note(&v->event, "model", face_pack_sha256(v->by->pack));
    ward_event_note(&v->event, "device", v->device);
    ward_event_note(&v->event, "for", v->purpose);
    ward_event_note(&v->event, "method", liveness_method(v->policy.liveness));
    ward_event_note_num(&v->event, "threshold", v->at.threshold);
    if (v->gate == USABLE)
        ward_event_note_num(&v->event, "score", v->score);
    else
        ward_event_note(&v->event, "reason", gate_reason(v->gate));
    if (!verification_age_known(v))
        ward_event_note(&v->event, "age", "not known");
    if (v->shown.passive >= 0)
        ward_event_note_num(&v->event, "passive", v->shown.passive);
}

/* Checks inside the event's transaction that the face may still be used; only then is a token
 * sent. A withdrawal locks the subject too, so it happens before or after this transaction. */
static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct verification *v = arg;
    const struct identity *id = ((struct worker *)v->call->wrk)->id;
    struct ward_wrapped_key key;
    struct subject now;
    bool kept = false;

    WARD_TRY(subject_find(db, v->call->mem, v->id, true, &now, err));
    WARD_TRY(face_of_age(id, now.kind, now.birth_year, err));
    if (verification_age_known(v)) /* a token requires that the age is still known */
        WARD_TRY(face_needs_age(now.kind, now.birth_year, err));
    WARD_TRY(face_key_of(db, v->call->mem, v->id, true, &key, &kept, err));
    WARD_TRY(consent_need(db, v->call->mem, v->id, purpose_of_verify(v->subject.kind), err));
    if (!kept)
        return no_template(err);
    if (v->gate == USABLE)
        WARD_TRY(misses_take(v->call, db, v->id, !v->match, err));
    return ward_event_write(&v->event, db, err);
}

enum ward_code verification_commit(struct verification *v)
{
    struct worker *w = v->call->wrk;

    return ward_db_tx(w->db, in_tx, v, v->call->err);
}

void verification_forget(struct verification *v)
{
    ward_wipe(&v->kept, sizeof(v->kept));
}
