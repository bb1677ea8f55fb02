/* serve_own.h - what serve.c and its tests know of a set.
 *
 * Loaded models are counted: the set holds those in use, each engine those its instances are
 * of, so that a device can be left while work is in the middle of it.
 *
 * Threads: loaded models are counted under the set's lock. Memory: each lives in its own arena.
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
    struct ward_backend *own; /* in a worker process of this set; NULL: the chooser's */
    bool mourned;             /* the end of its process is counted */
    int n_spares; /* warm instances that no engine has taken; under the set's lock */
    struct ward_engine *spare[WARD_SERVE_SPARES][WARD_SERVE_MODELS];
    struct ward_device device;
    char backend[33];
    struct ward_model *model[WARD_SERVE_MODELS];
    double share; /* the least of its models' */
    bool low;     /* below a model's min_share */
    int users;    /* the set and engines; under the set's lock */
};

struct ward_serve {
    struct ward_arena mem; /* the set's own */
    struct ward_serve_config cfg;
    struct ward_option option;
    struct ward_chooser *chooser;
    pthread_mutex_t choosing;        /* held while devices are tried; guards tried */
    struct ward_serve_loaded *tried; /* of the last device that answered rightly */
    pthread_mutex_t lock;            /* guards all below, briefly */
    struct ward_serve_loaded *now;
    bool degraded;
    atomic_uint generation; /* counts changes of `now` */
    atomic_uint moves;      /* counts those to another device */
    atomic_int engines;
    bool lost;                     /* the last try ended its worker process; under `choosing` */
    int n_rows[WARD_SERVE_MODELS]; /* sizes of runs that an instance is warmed with */
    int rows[WARD_SERVE_MODELS][WARD_QUEUE_RUNGS];
};

struct ward_serve_engine {
    struct ward_arena mem;
    struct ward_serve *serve;
    struct ward_serve_loaded *loaded;
    unsigned generation;
    struct ward_engine *of[WARD_SERVE_MODELS];
};

/* serve.c: the sizes of runs that new instances of model `which` are warmed with. */
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
/* Makes a warm instance for each engine of the set, as far as memory allows. */
void loaded_warm(const struct ward_serve *p, struct ward_serve_loaded *s,
                 struct ward_arena *mem);

#endif
