/* face_own.h - declarations that face.c and face_pack.c share.
 *
 * Threads, memory, errors: face.h.
 */
#ifndef WARD_IDENTITY_FACE_OWN_H
#define WARD_IDENTITY_FACE_OWN_H

#include "common/serve/serve.h"
#include "services/identity/face/face.h"

struct face_pack {
    struct ward_arena mem; /* the pack's arena */
    const struct face_recipe *recipe;
    struct ward_serve *serve; /* the pack's models, in the order of enum face_model */
};

struct face_engine {
    struct ward_arena mem;
    struct face_pack *pack;
    struct ward_serve_engine *of;
};

#endif
