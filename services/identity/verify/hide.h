/* hide.h - a photograph's faces, made unrecognisable where they lie.
 *
 * Looks with a lower threshold than recognition does, in the whole, in parts and in tiles, and
 * looks again at what came of it. Source of what it finds by size: make eval-redact.
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
    uint8_t *rgb; /* im's, changed in place */
    bool blur;    /* smooth over the blocks */
    /* Out. */
    int faces;    /* hardly a mistake, each once; everything found is hidden */
    bool crowded; /* more than could be told apart, or found again at the last look */
    /* Its own; zero. */
    struct ward_arena scratch;
    int n, n_whole;            /* boxes; those of the whole come first */
    int hidden_from, n_hidden; /* those hidden since the last look */
    struct face_box box[HIDE_BOXES];
};
WARD_MUST enum ward_code hide_faces(struct hiding *r);
/* The width in pixels from which on a face is found as a rule; with its figures in hide.c. */
int hide_least_px(const struct face_pack *p);

#endif
