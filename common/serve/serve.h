/* serve.h - the models of a service: loaded together on the best device that answers
 * correctly, and replaced without interrupting service.
 *
 * A set is one model, or several that must run on the same device. The set uses the first
 * device in the configured order that answers all known questions correctly. ward_serve_known
 * asks the questions again. The function chooses a new device after a wrong answer, or when a
 * better device may be available again. Each engine moves to the new device with its next work,
 * and the old models are freed when no engine uses them.
 *
 * Threads: threads share a set; an engine belongs to one thread. Memory: open/close pairs;
 * close engines before their set. The config's texts are stored by reference. Errors: host.h's
 * and select.h's.
 */
#ifndef WARD_SERVE_SERVE_H
#define WARD_SERVE_SERVE_H

#include "common/host/select.h"
#include "common/serve/queue.h"

#define WARD_SERVE_MODELS 8

/* A service's own test of a model, if the known answer is not a list of numbers. No other
 * thread uses `e`, an engine on the tested device. */
typedef enum ward_code ward_serve_ask(const void *arg, struct ward_engine *e,
                                      struct ward_arena *mem, struct ward_err *err);

struct ward_serve_model {
    const char *name;               /* for messages and metrics; NULL: no model at this index */
    const char *file, *sha256;      /* file: path below config.models */
    int threads;                    /* CPU threads for one run; 0 is 1 */
    const struct ward_known *known; /* question with a known answer; used if ask is NULL */
    ward_serve_ask *ask;            /* own test, called with ask_arg */
    const void *ask_arg;
    /* The set is degraded if the device runs a smaller share of the model's nodes, 0 to 1. */
    double min_share;
};

struct ward_isolation;
struct ward_serve_config {
    const char *plugins;              /* folder of back ends */
    const char *models;               /* folder of the models' files */
    const char *order, *fallback;     /* "npu,gpu,cpu" and "deny" or "degraded" (select.h) */
    const char *npu_providers;        /* option of the npu plugin; NULL or "": none */
    struct ward_isolation *isolation; /* isolate.h; NULL: back ends run in this process */
    /* Period of the search for a better device; 0 is 60,000. */
    int recheck_ms;
    struct ward_serve_model model[WARD_SERVE_MODELS];
};

struct ward_serve;
/*   UNAVAILABLE  reason DEVICE_NOT_READY: no device in the order is usable. The detail has the
 *                causes, such as NOT_FOUND for missing weights. */
WARD_MUST enum ward_code ward_serve_open(const struct ward_serve_config *cfg,
                                         struct ward_serve **out, struct ward_err *err);
void ward_serve_close(struct ward_serve *s); /* accepts NULL */

/* The device that runs the models now. */
struct ward_serve_choice {
    char backend[33], device[64];
    bool degraded; /* not the first device in the order, or below a model's min_share */
    double share;  /* share of nodes that the device runs; the smallest of all models */
};
void ward_serve_choice(struct ward_serve *s, struct ward_serve_choice *out);
/* Lists the results of the last try of each back end in the order. Returns their number. */
int ward_serve_report(struct ward_serve *s, struct ward_candidate out[WARD_ORDER_MAX]);

/* Instances of the set's models for one thread. */
struct ward_serve_engine;
WARD_MUST enum ward_code ward_serve_engine_open(struct ward_serve *s,
                                                struct ward_serve_engine **out,
                                                struct ward_err *err);
void ward_serve_engine_close(struct ward_serve_engine *e); /* accepts NULL */
/* Moves the engine to the device in use. Call before each piece of work, so that all its runs
 * use one device. */
WARD_MUST enum ward_code ward_serve_renew(struct ward_serve_engine *e, struct ward_err *err);
/* Counts moves to another device, which invalidate measurements of the previous device. */
unsigned ward_serve_generation(struct ward_serve *s);
/* Returns WARD_OK while the worker process runs, and always without isolation.
 *   UNAVAILABLE  WORKER_LOST: how the process ended */
WARD_MUST enum ward_code ward_serve_state(struct ward_serve *s, struct ward_err *err);
const struct ward_serve_model *ward_serve_model_of(const struct ward_serve *s, int which);
/* Returns the shapes of model `which` on the engine's device, valid until the next renew; NULL:
 * the plugin does not know them. */
const struct ward_model_io *ward_serve_shapes(const struct ward_serve_engine *e, int which);
/* Calls ward_engine_interrupt. Call during ward_serve_run of this model. */
bool ward_serve_interrupt(struct ward_serve_engine *e, int which);
/* Calls ward_engine_run of model `which`, which must exist in the set. */
WARD_MUST enum ward_code ward_serve_run(struct ward_serve_engine *e, int which,
                                        struct ward_arena *mem, const struct ward_stop *stop,
                                        const struct ward_tensor *in, uint32_t n_in,
                                        struct ward_tensor *out, uint32_t *n_out,
                                        struct ward_err *err);
/* Returns the process id of the worker in use; 0 without isolation. */
int ward_serve_pid(struct ward_serve *s);
/* Asks all models their known questions, and chooses a device again if necessary, which is
 * slow. Call from a background thread. Replaces a worker process that ended (after its
 * back-off) or grew.
 *   UNAVAILABLE  reason DEVICE_NOT_READY: no device answers correctly
 *   UNAVAILABLE  reason WORKER_LOST: the process ended; the next start is delayed
 *                (isolation.look receives the delay) */
WARD_MUST enum ward_code ward_serve_known(struct ward_serve_engine *e, struct ward_arena *mem,
                                          struct ward_err *err);

/* Returns whether the engine's last run, on this thread, ended its worker process. */
bool ward_serve_blamed(const struct ward_serve_engine *e);

/* Opens a queue (queue.h) for model `which` of a set. Each of its instances is an engine of the
 * set and moves with the set. name, ops, io and known of `cfg` are ignored. `m` is stored by
 * reference. */
struct ward_serve_member {
    struct ward_serve *serve;
    int which;
};
WARD_MUST enum ward_code ward_serve_queue(const struct ward_serve_member *m,
                                          const struct ward_queue_config *cfg,
                                          struct ward_queue **out, struct ward_err *err);
/* Call after ward_serve_known. Measures the ladder again if the set moved to another device
 * since *moves. Moves idle instances to the models in use, so that the old models can be
 * freed. */
WARD_MUST enum ward_code ward_serve_follow(const struct ward_serve_member *m,
                                           struct ward_queue *q, unsigned *moves,
                                           struct ward_err *err);

#endif
