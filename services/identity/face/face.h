/* face.h - computes the embedding of a face from the pixels of a photograph.
 *
 * Steps: detection, landmarks twice, alignment by a similarity transform, embedding,
 * normalization to length 1. A pack, a row of face_models.c, defines the models and the
 * arithmetic. The pack selects the first device of the configured order that gives the known
 * answers. A canary calls face_known, which selects another device after a failure. Engines use
 * the new device from their next photograph on.
 *
 * Threads: a pack is shared; an engine is used by one thread. Memory: open/close pairs; working
 * memory in the caller's arena (about 4 MiB besides the photograph). Errors: those of host.h;
 * INTERNAL if a model's output is not finite. */
#ifndef WARD_IDENTITY_FACE_H
#define WARD_IDENTITY_FACE_H

#include "common/serve/serve.h"
#include "services/identity/face/face_geometry.h"
#include "services/identity/face/face_models.h"

#define FACE_MAX_FOUND 32

/* The models, loaded on one device. A pack refers to the texts of its config, which must
 * outlive the pack. */
struct face_pack;
struct face_pack_config {
    const char *plugins; /* the folder of back ends */
    const char *models;  /* the folder with faceplugin/fr_*.onnx */
    const char *pack;    /* "faceplugin" or "clear" */
    /* such as "npu,gpu,cpu", and "deny" or "degraded" (select.h) */
    const char *order, *fallback;
    const char *npu_providers; /* the npu plugin's option; NULL or "" for none */
    int recheck_ms;            /* interval of trials of a better device; 0 means 60,000 */
};
/*   NOT_FOUND    the pack does not exist
 *   UNAVAILABLE  reason DEVICE_NOT_READY: no back end of the order is usable */
WARD_MUST enum ward_code face_pack_open(const struct face_pack_config *cfg,
                                        struct face_pack **out, struct ward_err *err);
void face_pack_close(struct face_pack *p); /* NULL is allowed; close engines first */
/* SHA-256 of the embedding model's weights: templates are bound to it. */
const char *face_pack_sha256(const struct face_pack *p);
const char *face_pack_name(const struct face_pack *p);
int face_pack_dim(const struct face_pack *p); /* values of an embedding: 512 or 128 */
/* Whether the pack has models for liveness, pose and eyes. */
bool face_pack_live(const struct face_pack *p);

/* The device that runs the models now. */
void face_pack_choice(struct face_pack *p, struct ward_serve_choice *out);

/* The result of the last trial of each back end of the order. Returns their number. */
int face_pack_report(struct face_pack *p, struct ward_candidate out[WARD_ORDER_MAX]);

/* One worker's instances. */
struct face_engine;
WARD_MUST enum ward_code face_engine_open(struct face_pack *p, struct face_engine **out,
                                          struct ward_err *err);
void face_engine_close(struct face_engine *e); /* NULL is allowed */

/* Finds faces, best first, at most FACE_MAX_FOUND. */
WARD_MUST enum ward_code face_detect(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     struct face_box *out, int *n, struct ward_err *err);

struct face {
    struct face_points points;
    /* in pixels of the photograph; indices are FACE_EYE_LEFT and so on */
    double marks[FACE_MARKS][2];
    int n_marks; /* number of landmarks: FACE_MARKS */
    double eye_distance_px;
    double drift; /* mean movement of a landmark in the second pass, in eye distances */
    double norm;  /* the embedding's length before normalization */
    float embedding[FACE_DIM_MAX]; /* of length 1; values after face_pack_dim are 0 */
};
/* Computes all members of struct face except norm and embedding. */
WARD_MUST enum ward_code face_locate(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     const struct face_box *box, struct face *out,
                                     struct ward_err *err);
/* Computes norm and embedding of a located face. */
WARD_MUST enum ward_code face_embed(struct face_engine *e, struct ward_arena *mem,
                                    const struct ward_stop *stop, const struct pixels *im,
                                    struct face *face, struct ward_err *err);

/* Allocates the input of FACE_LIVENESS, FACE_POSE or FACE_EYE; these models are equal in all
 * packs that have them. The input is zeroed memory of the arena, which the caller fills.
 * RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code face_model_input(enum face_model which, struct ward_arena *mem,
                                          struct ward_tensor *in, struct ward_err *err);
/* Runs one of these three models. *n_out is the capacity of `out` before the call, and the
 * number of outputs after it. Errors: those of ward_engine_run, and
 *   FAILED_PRECONDITION  LIVENESS_UNAVAILABLE: the pack has no such model */
WARD_MUST enum ward_code face_model_run(struct face_engine *e, enum face_model which,
                                        struct ward_arena *mem, const struct ward_stop *stop,
                                        const struct ward_tensor *in, struct ward_tensor *out,
                                        uint32_t *n_out, struct ward_err *err);

/* Runs the known-answer check of each model. If an answer is wrong, or a better device may be
 * available again, the pack selects a device again. The call is slow: make it only from a
 * canary's thread.
 *   UNAVAILABLE  reason DEVICE_NOT_READY: no device gives correct answers */
WARD_MUST enum ward_code face_known(struct face_engine *e, struct ward_arena *mem,
                                    struct ward_err *err);

#endif
