/* run.h - one input through one model: what it says, or why it says nothing.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: prepare.h's, models.h's, host.h's;
 * INTERNAL for a model that answers with no number.
 */
#ifndef DIAGNOSIS_MODEL_RUN_H
#define DIAGNOSIS_MODEL_RUN_H

#include "services/diagnosis/model/models.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

struct said {
    enum ward_urgency lane; /* that was asked for */
    enum abstain abstains;
    const char *feature; /* of ABSTAIN_VALUE */
    double score, limit; /* of ABSTAIN_FAR and ABSTAIN_NEAR */
    double probability;  /* calibrated; where it does not abstain */
    bool image;          /* and `from` says what was read */
    struct decoded from; /* its pixels are no longer there */
    float *shown;        /* an image as the model saw it, for people: [h, w], 0..255 */
    const struct ward_tensor *heat; /* [1, 1, h, w] F32; NULL: none, or the model abstains */
    struct ward_serve_choice on;
    uint8_t input_sha256[32];
};
/* PERMISSION_DENIED  LANE_NOT_ALLOWED */
WARD_MUST enum ward_code model_run(struct ward_call *c, struct model *m,
                                   const Ward__Diagnosis__V1__InferRequest *req,
                                   struct said *out);

/* The same without a call: for a shadow. The memory is large enough for a picture's pixels. */
WARD_MUST enum ward_code model_answer(struct model *m,
                                      const Ward__Diagnosis__V1__InferRequest *req,
                                      enum ward_urgency lane, struct ward_arena *mem,
                                      const struct ward_stop *stop, struct said *out,
                                      struct ward_err *err);

/* A PNG: what the model saw, each pixel `times` times as wide and high, red where the heat is
 * most. said->heat is not NULL. The film is not decoded again: twice is more than a call's
 * memory. */
WARD_MUST enum ward_code heat_png(const struct manifest *m, const struct said *said, int times,
                                  struct ward_arena *mem, uint8_t **png, size_t *png_n,
                                  struct ward_err *err);

#endif
