/* hide.h - makes the faces of a photograph unrecognisable.
 *
 * It searches with a lower threshold than recognition, in the whole picture, in parts and in
 * tiles, and searches the result again. Source of its rates by size: make eval-redact.
 *
 * Threads: a worker's own. Memory: `mem` for a copy of a line, an arena of its own for each
 * search. Errors: host.h's; RESOURCE_EXHAUSTED.
 */
#ifndef IDENTITY_HIDE_H
#define IDENTITY_HIDE_H

#include "services/identity/face/face.h"

#define HIDE_BOXES 4096

struct hiding {
    /* In. */
    struct face_engine *engine;
    const struct face_pack *pack; /* the engine's */
    const struct ward_stop *stop;
    struct ward_arena *mem;
    struct ward_err *err;
    struct pixels im;
    uint8_t *rgb; /* im's, modified in place */
    bool blur;    /* smooth over the blocks */
    /* Out. */
    int faces;    /* confident ones, each once; everything found is hidden */
    bool crowded; /* more than could be separated, or found again in the last search */
    /* Its own; zero. */
    struct ward_arena scratch;
    int n, n_whole;            /* boxes; those of the whole picture come first */
    int hidden_from, n_hidden; /* those hidden since the last look */
    struct face_box box[HIDE_BOXES];
};
WARD_MUST enum ward_code hide_faces(struct hiding *r);
/* The width in pixels from which on a face is usually found; hide.c has the figures. */
int hide_least_px(const struct face_pack *p);

#endif
