/* hide.h - makes the faces of a photograph unrecognisable.
 *
 * Faces are searched with a lower threshold than for recognition: in the whole picture, in
 * parts and in tiles, and again in the result. Source of the rates by face size: make
 * eval-redact.
 *
 * Threads: each worker uses its own engine. Memory: `mem` for a copy of a line; a separate
 * arena for each search. Errors: those of host.h; RESOURCE_EXHAUSTED. */
#ifndef IDENTITY_HIDE_H
#define IDENTITY_HIDE_H

#include "services/identity/face/face.h"

#define HIDE_BOXES 4096

struct hiding {
    /* In. */
    struct face_engine *engine;
    const struct face_pack *pack; /* the pack of the engine */
    const struct ward_stop *stop;
    struct ward_arena *mem;
    struct ward_err *err;
    struct pixels im;
    uint8_t *rgb; /* the pixels of im, modified in place */
    bool blur;    /* smooth the pixelated blocks */
    /* Out. */
    int faces; /* number of confident faces, each counted once; every found face is hidden */
    /* faces may be left: too many to separate, or still found in the last search */
    bool crowded;
    /* Internal; initialize to 0. */
    struct ward_arena scratch;
    int n, n_whole;            /* number of boxes; boxes of the whole picture come first */
    int hidden_from, n_hidden; /* boxes that were hidden since the last search */
    struct face_box box[HIDE_BOXES];
};
WARD_MUST enum ward_code hide_faces(struct hiding *r);
/* From this width in pixels on, a face is usually found; hide.c has the figures. */
int hide_least_px(const struct face_pack *p);

#endif
