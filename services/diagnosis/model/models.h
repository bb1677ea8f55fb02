/* models.h - one version of one model. A canary opens the model, checks its known answer every
 * minute, and selects another device after a failure. registry/ decides which versions are
 * loaded.
 *
 * The canary also retries a model that could not be opened. Threads: a model is shared; the
 * registry's lock protects `users`. Memory: its own arenas. Errors: UNAVAILABLE
 * MODEL_NOT_READY. */
#ifndef DIAGNOSIS_MODEL_MODELS_H
#define DIAGNOSIS_MODEL_MODELS_H

#include "common/serve/isolate.h"
#include "services/diagnosis/diagnosis.h"
#include "services/diagnosis/model/manifest.h"

#include <pthread.h>

struct model {
    struct ward_arena own, mem; /* own: this struct and its texts; mem: the manifest */
    struct diagnosis *dia;
    int users; /* number of calls that use the model */
    const char *name, *version;
    char label[132]; /* label of metrics, such as "chest/1" */
    struct manifest is;
    bool has_io;
    struct ward_model_io io; /* inputs and outputs, as the back end describes them */
    /* the thread that watches the worker process wakes the canary, under the lock `looking` */
    struct ward_canary *canary;
    pthread_mutex_t looking;
    struct ward_isolation isolation; /* isolation of the model's worker process */
    struct ward_arena canary_mem;
    struct ward_serve_engine *canary_engine;
    /* order of devices, restricted to those that the manifest permits */
    char order[64];
    /* NULL until the model is open; then `is` and `queue` are set too */
    _Atomic(struct ward_serve *) serve;
    struct ward_queue *queue;
    struct ward_serve_member member; /* the model as the queue runs it */
    /* generation of the device for which the queue was warmed up */
    unsigned generation;
};

/* Opens a model in the background; model_state tells when it serves. The texts are copied. */
WARD_MUST enum ward_code model_new(struct diagnosis *dia, const char *name, const char *version,
                                   struct model **out, struct ward_err *err);
/* Closes a model that nobody uses, after its canary has stopped. NULL is allowed. */
void model_free(struct model *m);
/* Returns OK if the model serves.
 *   UNAVAILABLE  MODEL_NOT_READY: the message says why, without paths */
WARD_MUST enum ward_code model_state(struct model *m, struct ward_err *err);
/* Runs one input through the model's queue (ward_queue_run).
 *   UNAVAILABLE  MODEL_NOT_READY */
WARD_MUST enum ward_code model_ask(struct model *m, enum ward_urgency lane,
                                   struct ward_arena *mem, const struct ward_stop *stop,
                                   const struct ward_tensor *in, struct ward_tensor *out,
                                   uint32_t *n_out, struct ward_err *err);

#endif
