/* verify.h - one subject, one claim: the common part of Verify and VerifyVideo.
 *
 * begin reads the request and the use's policy, recall the subject's templates (of the current
 * model, or of the former one if there are no others), compare scores an embedding, issue signs
 * a token for a match, commit writes the audit event if the consent is still valid.
 *
 * Threads: a worker's own. Memory: the call's arena; `kept` is wiped by verification_forget.
 * Errors: the .proto's of Verify.
 */
#ifndef IDENTITY_VERIFY_H
#define IDENTITY_VERIFY_H

#include "services/identity/api.h"
#include "services/identity/subject/subject.h"
#include "services/identity/token/token.h"

struct verification {
    struct ward_call *call;
    struct ward_event event;
    uint8_t id[IDENTITY_ID];
    char subject_text[37];
    struct subject subject;
    const char *device, *purpose;
    struct use_policy policy;
    bool former;                  /* the templates are of the former model */
    const struct loaded_pack *by; /* whose model and thresholds are used */
    struct operating_point at;
    struct fused kept;
    struct liveness_shown shown;
    enum gate gate; /* of the capture, then of its liveness */
    double score;   /* 0 unless compared */
    bool match;
};

struct claim {
    const char *subject_id, *place, *device, *purpose;
    double max_fmr;
    bool attended;
};
WARD_MUST enum ward_code verification_begin(struct verification *v, const struct claim *claim);
WARD_MUST enum ward_code verification_recall(struct verification *v);
/* If the templates are of the former model, embeds the face again with that model. */
WARD_MUST enum ward_code verification_embed(struct verification *v, struct ward_arena *mem,
                                            const struct pixels *im, const struct face_box *box,
                                            struct face *face);
/* Cosine of an embedding (length 1, not transformed) with the templates. */
WARD_MUST enum ward_code verification_compare(struct verification *v, const float *embedding,
                                              double *score);
/* Counts the liveness policy's result for a usable capture. */
void verification_count(const struct verification *v);
/* MATCH, NO_MATCH or UNUSABLE from gate and score. */
void verification_decide(struct verification *v);
const char *verification_outcome(const struct verification *v);
Ward__Identity__V1__Outcome verification_wire_outcome(const struct verification *v);
WARD_MUST enum ward_code verification_liveness(struct verification *v,
                                               Ward__Identity__V1__Liveness **out);
/* For a patient without a year of birth the stated rate may not hold: the rate is 0 and no
 * token is issued. */
bool verification_age_known(const struct verification *v);
double verification_fmr(const struct verification *v);
/* Only for a match of known age; otherwise *token stays "" and *lifetime_s 0. */
WARD_MUST enum ward_code verification_issue(struct verification *v, char **token,
                                            int32_t *lifetime_s);
/* rule_score_told by the threshold in use; 0 without a comparison. Only the audit event has the
 * exact score. */
double verification_told(const struct verification *v, double score);
/* The fields of both answers in the audit event. */
void verification_note(struct verification *v);
WARD_MUST enum ward_code verification_commit(struct verification *v);
void verification_forget(struct verification *v);

#endif
