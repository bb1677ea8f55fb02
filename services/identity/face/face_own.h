/* face_own.h - what face.c and face_pack.c share.
 *
 * A loaded set is the pack's models on one device. The pack holds the one in use; each engine
 * holds the one its instances are of, so that a device can be left while photographs are in the
 * middle of it: the set goes when its last engine has moved on.
 *
 * Threads: a set is counted under the pack's lock. Memory: a set lives in its own arena.
 * Errors: host.h's.
 */
#ifndef WARD_IDENTITY_FACE_OWN_H
#define WARD_IDENTITY_FACE_OWN_H

#include "common/host/select.h"
#include "services/identity/face/face.h"

#include <pthread.h>

struct loaded_set {
    struct ward_arena mem;
    struct ward_device device;
    char backend[33];
    struct ward_model *model[FACE_N_MODELS];
    int users; /* the pack and engines; under the pack's lock */
};

struct face_pack {
    struct ward_arena mem; /* the pack's own */
    const struct face_recipe *recipe;
    const char *models;
    struct ward_option option;
    int recheck_ms;
    struct ward_chooser *chooser;
    pthread_mutex_t choosing; /* held while devices are tried; guards tried */
    struct loaded_set *tried; /* what the last device that answered rightly was tried with */
    pthread_mutex_t lock;     /* guards all below, briefly */
    struct loaded_set *now;
    bool degraded;
    atomic_uint generation; /* counts changes of `now` */
};

struct face_engine {
    struct ward_arena mem;
    struct face_pack *pack;
    struct loaded_set *set;
    unsigned generation;
    struct ward_engine *of[FACE_N_MODELS];
};

/* Moves to the pack's device, if it is another by now. */
WARD_MUST enum ward_code engine_renew(struct face_engine *e, struct ward_err *err);

#endif
