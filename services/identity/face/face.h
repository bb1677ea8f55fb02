/* face.h - from a photograph's pixels to a face's embedding, on real models.
 *
 * Detect, landmarks twice, upright by a similarity, embed, to length 1. Which models and which
 * arithmetic: a pack is a row of face_models.c. Which device runs them: the first of the order
 * that gives the known answers; a canary that asks face_known chooses again when one fails, and
 * engines follow at their next photograph.
 *
 * Threads: a pack is shared; an engine belongs to one. Memory: open/close pairs; working memory
 * in the caller's arena (about 4 MiB beside the photograph). Errors: host.h's; INTERNAL for a
 * model that answers with no numbers.
 */
#ifndef WARD_IDENTITY_FACE_H
#define WARD_IDENTITY_FACE_H

#include "common/serve/serve.h"
#include "services/identity/face/face_geometry.h"
#include "services/identity/face/face_models.h"

#define FACE_MAX_FOUND 32

/* The models, loaded on one device. The config's texts are kept by reference. */
struct face_pack;
struct face_pack_config {
    const char *plugins;          /* the folder of back ends */
    const char *models;           /* the folder with faceplugin/fr_*.onnx */
    const char *pack;             /* "faceplugin" or "clear" */
    const char *order, *fallback; /* "npu,gpu,cpu" and "deny" or "degraded" (select.h) */
    const char *npu_providers;    /* the npu plugin's option; NULL or "" for none */
    int recheck_ms;               /* how often a better device is looked for; 0 is 60,000 */
};
/*   NOT_FOUND    no such pack
 *   UNAVAILABLE  reason DEVICE_NOT_READY: nothing of the order may be used (detail: why) */
WARD_MUST enum ward_code face_pack_open(const struct face_pack_config *cfg,
                                        struct face_pack **out, struct ward_err *err);
void face_pack_close(struct face_pack *p); /* NULL is fine; engines first */
/* Of the embedding model's weights: what templates are bound to. */
const char *face_pack_sha256(const struct face_pack *p);
const char *face_pack_name(const struct face_pack *p);
int face_pack_dim(const struct face_pack *p); /* values of an embedding: 512 or 128 */
/* Has it models for liveness, pose and eyes? */
bool face_pack_live(const struct face_pack *p);

/* What runs the models now. */
void face_pack_choice(struct face_pack *p, struct ward_serve_choice *out);

/* What was found of each back end of the order when it was last tried. Returns how many. */
int face_pack_report(struct face_pack *p, struct ward_candidate out[WARD_ORDER_MAX]);

/* One worker's instances. */
struct face_engine;
WARD_MUST enum ward_code face_engine_open(struct face_pack *p, struct face_engine **out,
                                          struct ward_err *err);
void face_engine_close(struct face_engine *e); /* NULL is fine */

/* Every face, best first, at most FACE_MAX_FOUND. */
WARD_MUST enum ward_code face_detect(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     struct face_box *out, int *n, struct ward_err *err);

struct face {
    struct face_points points;
    double marks[FACE_MARKS][2]; /* photograph pixels; FACE_EYE_LEFT... */
    int n_marks;                 /* FACE_MARKS */
    double eye_distance_px;
    double drift; /* how far the second pass moved a mark, mean, in eye distances */
    double norm;  /* the embedding's length before it was made 1 */
    float embedding[FACE_DIM_MAX]; /* of length 1; zeros after face_pack_dim */
};
/* Everything but norm and embedding. */
WARD_MUST enum ward_code face_locate(struct face_engine *e, struct ward_arena *mem,
                                     const struct ward_stop *stop, const struct pixels *im,
                                     const struct face_box *box, struct face *out,
                                     struct ward_err *err);
/* The embedding of a located face. */
WARD_MUST enum ward_code face_embed(struct face_engine *e, struct ward_arena *mem,
                                    const struct ward_stop *stop, const struct pixels *im,
                                    struct face *face, struct ward_err *err);

/* FACE_LIVENESS, FACE_POSE or FACE_EYE by itself; they are the same in every pack that has
 * them. The input is zeroed memory of the arena, to be filled. RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code face_model_input(enum face_model which, struct ward_arena *mem,
                                          struct ward_tensor *in, struct ward_err *err);
/* *n_out is capacity going in, count coming out. Errors: ward_engine_run's, and
 *   FAILED_PRECONDITION  LIVENESS_UNAVAILABLE: the pack has none */
WARD_MUST enum ward_code face_model_run(struct face_engine *e, enum face_model which,
                                        struct ward_arena *mem, const struct ward_stop *stop,
                                        const struct ward_tensor *in, struct ward_tensor *out,
                                        uint32_t *n_out, struct ward_err *err);

/* Asks each model its question with a known answer. If one is wrong, or a better device may be
 * back, the pack chooses again: slow, so only from a canary's thread.
 *   UNAVAILABLE  reason DEVICE_NOT_READY: no device answers rightly */
WARD_MUST enum ward_code face_known(struct face_engine *e, struct ward_arena *mem,
                                    struct ward_err *err);

#endif
