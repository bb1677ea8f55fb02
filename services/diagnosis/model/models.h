/* models.h - the models that the configuration names: opened, asked their known answer every
 * minute, exchanged where a device fails.
 *
 * One that is broken leaves the others serving: its calls are refused, and it is tried again
 * with its canary. Threads: a model is shared. Memory: its own arena.
 * Errors: UNAVAILABLE MODEL_NOT_READY.
 */
#ifndef DIAGNOSIS_MODEL_MODELS_H
#define DIAGNOSIS_MODEL_MODELS_H

#include "services/diagnosis/diagnosis.h"
#include "services/diagnosis/model/manifest.h"

struct model {
    struct ward_arena mem;
    const struct diagnosis *dia;
    int at; /* in struct diagnosis */
    const char *name, *version;
    char label[97]; /* "chest/1": the metrics' */
    struct manifest is;
    struct ward_canary *canary;
    struct ward_arena canary_mem;
    struct ward_serve_engine *canary_engine;
    _Atomic(struct ward_serve *) serve; /* NULL until it was opened; then `is` is whole, */
    struct ward_queue *queue;           /* and its queue open */
    struct ward_serve_member member;    /* what the queue runs */
    unsigned generation;                /* of the device that the queue was warmed up on */
};

/* cfg.serve's, "chest/1,heart_tree/1".   INVALID_ARGUMENT  a name, twice the same, too many */
WARD_MUST enum ward_code models_open(struct diagnosis *dia, struct ward_err *err);
void models_close(struct diagnosis *dia);
/* NOT_FOUND  MODEL_NOT_FOUND */
WARD_MUST enum ward_code model_find(const struct diagnosis *dia, const char *name,
                                    struct model **out, struct ward_err *err);
/* UNAVAILABLE  MODEL_NOT_READY: why in the message, without paths */
WARD_MUST enum ward_code model_state(struct model *m, struct ward_err *err);
/* One input through the model's queue: ward_queue_run. UNAVAILABLE  MODEL_NOT_READY */
WARD_MUST enum ward_code model_ask(struct model *m, enum ward_urgency lane,
                                   struct ward_arena *mem, const struct ward_stop *stop,
                                   const struct ward_tensor *in, struct ward_tensor *out,
                                   uint32_t *n_out, struct ward_err *err);

#endif
