/* verify.h - verifies that a face is that of one subject: the common part of Verify and
 * VerifyVideo.
 *
 * begin reads the request and the policy of its purpose. recall reads the subject's templates:
 * of the current model, or of the former model if there are no others. compare scores an
 * embedding. issue signs a token for a match. commit writes the audit event if the consent is
 * still valid.
 *
 * Threads: each worker uses its own call. Memory: the call's arena; verification_forget wipes
 * `kept`. Errors: those of Verify in the .proto. */
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
    const struct loaded_pack *by; /* pack whose model and thresholds are used */
    struct operating_point at;
    struct fused kept;
    struct liveness_shown shown;
    enum gate gate; /* result of the capture gates, then of the liveness check */
    double score;   /* 0 if nothing was compared */
    bool match;
};

struct claim {
    const char *subject_id, *place, *device, *purpose;
    double max_fmr;
    bool attended;
};
WARD_MUST enum ward_code verification_begin(struct verification *v, const struct claim *claim);
WARD_MUST enum ward_code verification_recall(struct verification *v);
/* Embeds the face again with the former model, if the templates are of that model. */
WARD_MUST enum ward_code verification_embed(struct verification *v, struct ward_arena *mem,
                                            const struct pixels *im, const struct face_box *box,
                                            struct face *face);
/* The cosine of an embedding (length 1, not transformed) with the subject's templates. */
WARD_MUST enum ward_code verification_compare(struct verification *v, const float *embedding,
                                              double *score);
/* Updates the metric of liveness results, for a usable capture. */
void verification_count(const struct verification *v);
/* Decides MATCH, NO_MATCH or UNUSABLE from gate and score. */
void verification_decide(struct verification *v);
const char *verification_outcome(const struct verification *v);
Ward__Identity__V1__Outcome verification_wire_outcome(const struct verification *v);
WARD_MUST enum ward_code verification_liveness(struct verification *v,
                                               Ward__Identity__V1__Liveness **out);
/* False for a patient without a year of birth. The stated rate may not hold for such a patient:
 * the answer's rate is 0, and no token is issued. */
bool verification_age_known(const struct verification *v);
double verification_fmr(const struct verification *v);
/* Issues a token for a match if the age is known. Otherwise *token is "" and *lifetime_s 0. */
WARD_MUST enum ward_code verification_issue(struct verification *v, char **token,
                                            int32_t *lifetime_s);
/* The score for the caller: rule_score_told with the threshold in use; 0 without a comparison.
 * Only the audit event has the exact score. */
double verification_told(const struct verification *v, double score);
/* Adds the fields that both methods write to the audit event. */
void verification_note(struct verification *v);
WARD_MUST enum ward_code verification_commit(struct verification *v);
void verification_forget(struct verification *v);

#endif
