/* models.h - one version of one model: opened, asked its known answer every minute, exchanged
 * where a device fails. registry/ says which there are.
 *
 * One that is broken is tried again with its canary. Threads: a model is shared; `users` is
 * under the registry's lock. Memory: its own arenas. Errors: UNAVAILABLE MODEL_NOT_READY.
 */
#ifndef DIAGNOSIS_MODEL_MODELS_H
#define DIAGNOSIS_MODEL_MODELS_H

#include "common/serve/isolate.h"
#include "services/diagnosis/diagnosis.h"
#include "services/diagnosis/model/manifest.h"

#include <pthread.h>

struct model {
    struct ward_arena own, mem; /* own: this struct and its texts; mem: the manifest's */
    struct diagnosis *dia;
    int users; /* calls that took it */
    const char *name, *version;
    char label[132]; /* "chest/1": the metrics' */
    struct manifest is;
    bool has_io;
    struct ward_model_io io;    /* as the back end tells it */
    struct ward_canary *canary; /* a worker's watching thread wakes it under `looking` */
    pthread_mutex_t looking;
    struct ward_isolation isolation; /* of its worker process */
    struct ward_arena canary_mem;
    struct ward_serve_engine *canary_engine;
    char order[64];                     /* of devices, of those that the manifest names */
    _Atomic(struct ward_serve *) serve; /* NULL until it was opened; then `is` is whole, */
    struct ward_queue *queue;           /* and its queue open */
    struct ward_serve_member member;    /* what the queue runs */
    unsigned generation;                /* of the device that the queue was warmed up on */
};

/* Opens in the background: model_state says when it serves. The texts are copied. */
WARD_MUST enum ward_code model_new(struct diagnosis *dia, const char *name, const char *version,
                                   struct model **out, struct ward_err *err);
/* Waits for its canary; when nobody uses it. NULL is fine. */
void model_free(struct model *m);
/* UNAVAILABLE  MODEL_NOT_READY: why in the message, without paths */
WARD_MUST enum ward_code model_state(struct model *m, struct ward_err *err);
/* One input through the model's queue: ward_queue_run. UNAVAILABLE  MODEL_NOT_READY */
WARD_MUST enum ward_code model_ask(struct model *m, enum ward_urgency lane,
                                   struct ward_arena *mem, const struct ward_stop *stop,
                                   const struct ward_tensor *in, struct ward_tensor *out,
                                   uint32_t *n_out, struct ward_err *err);

#endif
