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

#include "common/serve/serve.h"

#include <pthread.h>

struct ward_serve_loaded {
    struct ward_arena mem;
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
};

struct ward_serve_engine {
    struct ward_arena mem;
    struct ward_serve *serve;
    struct ward_serve_loaded *loaded;
    unsigned generation;
    struct ward_engine *of[WARD_SERVE_MODELS];
};

#endif
