/* run.h - runs one model on one input, and returns the answer or the reason of an abstention.
 *
 * Threads: each worker uses its own call. Memory: the call's arena. Errors: those of prepare.h,
 * models.h and host.h; INTERNAL if a model's output is not a number. */
#ifndef DIAGNOSIS_MODEL_RUN_H
#define DIAGNOSIS_MODEL_RUN_H

#include "services/diagnosis/model/models.h"
#include "ward/diagnosis/v1/diagnosis.pb-c.h"

struct said {
    enum ward_urgency lane; /* the requested lane */
    enum abstain abstains;
    const char *feature; /* for ABSTAIN_VALUE: the feature */
    double score, limit; /* for ABSTAIN_FAR and ABSTAIN_NEAR */
    double probability;  /* calibrated; only valid if the model does not abstain */
    bool image;          /* the input is an image, and `from` describes it */
    struct decoded from; /* without pixels */
    float *shown;        /* the model's input for people: [h, w], 0..255 */
    /* heat map, [1, 1, h, w] F32; NULL: none, or the model abstains */
    const struct ward_tensor *heat;
    struct ward_serve_choice on;
    uint8_t input_sha256[32];
};
/* Runs a model for a call.
 *   PERMISSION_DENIED  LANE_NOT_ALLOWED */
WARD_MUST enum ward_code model_run(struct ward_call *c, struct model *m,
                                   const Ward__Diagnosis__V1__InferRequest *req,
                                   struct said *out);

/* Runs a model without a call, for a shadow. `mem` must have room for a picture's pixels. */
WARD_MUST enum ward_code model_answer(struct model *m,
                                      const Ward__Diagnosis__V1__InferRequest *req,
                                      enum ward_urgency lane, struct ward_arena *mem,
                                      const struct ward_stop *stop, struct said *out,
                                      struct ward_err *err);

/* Draws a PNG of the model's input, with each pixel enlarged `times` times. Red marks high
 * values of the heat map; said->heat must not be NULL. The film is not decoded again, because a
 * call's memory is too small for that. */
WARD_MUST enum ward_code heat_png(const struct manifest *m, const struct said *said, int times,
                                  struct ward_arena *mem, uint8_t **png, size_t *png_n,
                                  struct ward_err *err);

#endif
