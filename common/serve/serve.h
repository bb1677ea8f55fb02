/* serve.h - models that a service serves: loaded together on the best device that answers
 * rightly, exchanged without stopping.
 *
 * A set is what one job needs: one model or several that must run on the same device. The first
 * device of the order that gives the known answer of each is taken. ward_serve_known asks again
 * and chooses anew when one is wrong or a better device may be back; each engine follows with
 * its next piece of work, and the old models go when the last engine has left them.
 *
 * Threads: a set is shared; an engine belongs to one thread. Memory: open/close pairs, engines
 * closed before their set; the config's texts are kept by reference. Errors: host.h's and
 * select.h's.
 */
#ifndef WARD_SERVE_SERVE_H
#define WARD_SERVE_SERVE_H

#include "common/host/select.h"
#include "common/serve/queue.h"

#define WARD_SERVE_MODELS 8

/* A service's own question, for a model whose known answer is no number. `e` is of the device
 * that is tried, and of nobody else. */
typedef enum ward_code ward_serve_ask(const void *arg, struct ward_engine *e,
                                      struct ward_arena *mem, struct ward_err *err);

struct ward_serve_model {
    const char *name;               /* messages and metrics; NULL: the set has none here */
    const char *file, *sha256;      /* below config.models */
    int threads;                    /* CPU threads of one run; 0 is 1 */
    const struct ward_known *known; /* its question with a known answer; or */
    ward_serve_ask *ask;            /* this, with ask_arg */
    const void *ask_arg;
    double min_share; /* of its nodes the device must run, 0 to 1: below it the
                       * set is degraded */
};

struct ward_isolation;
struct ward_serve_config {
    const char *plugins;              /* the folder of back ends */
    const char *models;               /* the folder that files are below */
    const char *order, *fallback;     /* "npu,gpu,cpu" and "deny" or "degraded" (select.h) */
    const char *npu_providers;        /* the npu plugin's option; NULL or "" for none */
    struct ward_isolation *isolation; /* isolate.h; NULL: back ends run in this process */
    int recheck_ms;                   /* how often a better device is looked for; 0 is 60,000 */
    struct ward_serve_model model[WARD_SERVE_MODELS];
};

struct ward_serve;
/*   NOT_FOUND, FAILED_PRECONDITION  weights that are missing or are not the ones meant, where
 *                                   that is so on each device: inside UNAVAILABLE's detail
 *   UNAVAILABLE  reason DEVICE_NOT_READY: nothing of the order may be used (detail: why) */
WARD_MUST enum ward_code ward_serve_open(const struct ward_serve_config *cfg,
                                         struct ward_serve **out, struct ward_err *err);
void ward_serve_close(struct ward_serve *s); /* NULL is fine */

/* What runs the models now. */
struct ward_serve_choice {
    char backend[33], device[64];
    bool
        degraded; /* not the first of the order, or below a model's min_share: answers say so */
    double share; /* of the nodes that the device runs, of the model with the least */
};
void ward_serve_choice(struct ward_serve *s, struct ward_serve_choice *out);
/* What was found of each back end of the order when it was last tried. Returns how many. */
int ward_serve_report(struct ward_serve *s, struct ward_candidate out[WARD_ORDER_MAX]);

/* One thread's instances of the set's models. */
struct ward_serve_engine;
WARD_MUST enum ward_code ward_serve_engine_open(struct ward_serve *s,
                                                struct ward_serve_engine **out,
                                                struct ward_err *err);
void ward_serve_engine_close(struct ward_serve_engine *e); /* NULL is fine */
/* Moves to the device in use, if it is another by now: before a piece of work, whose runs are
 * then all on one device. */
WARD_MUST enum ward_code ward_serve_renew(struct ward_serve_engine *e, struct ward_err *err);
/* Counts moves to another device, which invalidate measurements of the last one. */
unsigned ward_serve_generation(struct ward_serve *s);
/* Returns WARD_OK while the worker process runs, and always without isolation.
 *   UNAVAILABLE  WORKER_LOST: how the process ended */
WARD_MUST enum ward_code ward_serve_state(struct ward_serve *s, struct ward_err *err);
const struct ward_serve_model *ward_serve_model_of(const struct ward_serve *s, int which);
/* Of model `which` on the engine's device, until the next renew; NULL: its plugin cannot say.
 */
const struct ward_model_io *ward_serve_shapes(const struct ward_serve_engine *e, int which);
/* ward_engine_interrupt, while ward_serve_run of this model runs. */
bool ward_serve_interrupt(struct ward_serve_engine *e, int which);
/* ward_engine_run of model `which`, which the set has. */
WARD_MUST enum ward_code ward_serve_run(struct ward_serve_engine *e, int which,
                                        struct ward_arena *mem, const struct ward_stop *stop,
                                        const struct ward_tensor *in, uint32_t n_in,
                                        struct ward_tensor *out, uint32_t *n_out,
                                        struct ward_err *err);
/* Returns the process id of the worker in use; 0 without isolation. */
int ward_serve_pid(struct ward_serve *s);
/* Asks each model its question. Slow where it chooses again: for a canary's thread. Replaces a
 * worker process that ended (after its back-off) or grew.
 *   UNAVAILABLE  reason DEVICE_NOT_READY: no device answers rightly;  WORKER_LOST: the process
 *                ended, and the next starts later (isolation.look says when) */
WARD_MUST enum ward_code ward_serve_known(struct ward_serve_engine *e, struct ward_arena *mem,
                                          struct ward_err *err);

/* Returns whether the engine's last run, on this thread, ended its worker process. */
bool ward_serve_blamed(const struct ward_serve_engine *e);

/* A queue (queue.h) over model `which` of a set. Each of its instances is an engine of the set
 * and moves with it. `cfg` without name, ops, io and known, which are the model's. The model is
 * kept by reference. */
struct ward_serve_member {
    struct ward_serve *serve;
    int which;
};
WARD_MUST enum ward_code ward_serve_queue(const struct ward_serve_member *m,
                                          const struct ward_queue_config *cfg,
                                          struct ward_queue **out, struct ward_err *err);
/* Call after ward_serve_known: measures the ladder again if the set moved to another device
 * since *moves, and moves idle instances to the models in use, so that the old ones go. */
WARD_MUST enum ward_code ward_serve_follow(const struct ward_serve_member *m,
                                           struct ward_queue *q, unsigned *moves,
                                           struct ward_err *err);

#endif
