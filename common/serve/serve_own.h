/* serve_own.h - a set's members, shared by serve.c, serve_load.c, serve_queue.c and tests.
 *
 * Loaded models are reference-counted. The set holds the models in use, and each engine the
 * models of its instances, so that the set can leave a device during a run.
 *
 * Threads: the set's lock guards the counts. Memory: each loaded set is in its own arena.
 * Errors: host.h's.
 */
#ifndef WARD_SERVE_SERVE_OWN_H
#define WARD_SERVE_SERVE_OWN_H

#include "common/serve/isolate.h"
#include "common/serve/serve.h"

#include <pthread.h>

#define WARD_SERVE_SPARES (WARD_QUEUE_INSTANCES + 2)

struct ward_serve_loaded {
    struct ward_arena mem;
    /* Back end in a worker process of this set; NULL: the chooser's back end. */
    struct ward_backend *own;
    bool mourned; /* the end of its process was already handled */
    int n_spares; /* warm instances not yet taken; guarded by the set's lock */
    struct ward_engine *spare[WARD_SERVE_SPARES][WARD_SERVE_MODELS];
    struct ward_device device;
    char backend[33];
    struct ward_model *model[WARD_SERVE_MODELS];
    double share; /* smallest share of its models */
    bool low;     /* below a model's min_share */
    int users;    /* number of references; guarded by the set's lock */
};

struct ward_serve {
    struct ward_arena mem; /* the set's own */
    struct ward_serve_config cfg;
    struct ward_option option;
    struct ward_chooser *chooser;
    pthread_mutex_t choosing;        /* held while devices are tried; guards tried */
    struct ward_serve_loaded *tried; /* models on the last device that answered correctly */
    pthread_mutex_t lock;            /* guards all members below */
    struct ward_serve_loaded *now;
    bool degraded;
    atomic_uint generation; /* counts changes of `now` */
    atomic_uint moves;      /* counts moves to another device */
    atomic_int engines;
    /* The last try ended its worker process; guarded by `choosing`. */
    bool lost;
    int n_rows[WARD_SERVE_MODELS]; /* numbers of rows with which new instances are warmed up */
    int rows[WARD_SERVE_MODELS][WARD_QUEUE_RUNGS];
};

struct ward_serve_engine {
    struct ward_arena mem;
    struct ward_serve *serve;
    struct ward_serve_loaded *loaded;
    unsigned generation;
    struct ward_engine *of[WARD_SERVE_MODELS];
};

/* serve.c: sets the numbers of rows with which new instances of model `which` are warmed up. */
void serve_rows(struct ward_serve *p, int which, const int *rows, int n);

/* ---- serve_load.c ---- */

WARD_MUST enum ward_code loaded_new(const struct ward_serve *p, struct ward_backend *b,
                                    const struct ward_device *d, struct ward_serve_loaded **out,
                                    struct ward_err *err);
void loaded_free(struct ward_serve_loaded *s);
void loaded_leave(struct ward_serve *p, struct ward_serve_loaded *s);
WARD_MUST enum ward_code instances_new(const struct ward_serve_loaded *s,
                                       struct ward_engine *of[WARD_SERVE_MODELS],
                                       struct ward_err *err);
void instances_free(struct ward_engine *of[WARD_SERVE_MODELS]);
/* Asks each model its known question. */
WARD_MUST enum ward_code instances_ask(struct ward_engine *const of[WARD_SERVE_MODELS],
                                       const struct ward_serve_config *cfg,
                                       struct ward_arena *mem, struct ward_err *err);
/* Creates a warm instance for each engine of the set, as far as memory permits. */
void loaded_warm(const struct ward_serve *p, struct ward_serve_loaded *s,
                 struct ward_arena *mem);

#endif
