/* photo.h - from a photograph's bytes to a usable face, or the reason why it is not usable.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: INVALID_ARGUMENT IMAGE_* (field
 * photograph); others host.h's.
 */
#ifndef IDENTITY_PHOTO_H
#define IDENTITY_PHOTO_H

#include "services/identity/identity.h"
#include "services/identity/live/live.h"

struct photo_want {
    bool largest_only; /* use the largest of several faces instead of rejecting */
    bool passive;      /* run the passive liveness model on a usable face */
    bool enrol;        /* reject images that are not plain photographs: they would be stored as
                        * templates */
    bool frame;        /* of a film: no second examination of a rejection */
    bool turned_too;   /* embed the face of a video's frame whatever its quality */
};
struct photo {
    enum gate gate; /* face is set only if USABLE; the rest as far as measured */
    int faces, width_px, height_px;
    double detection_score, eye_distance_px;
    struct quality quality;
    double passive;   /* 0..1; -1: not run */
    struct pixels im; /* as decoded; in the arena */
    struct face_box box;
    struct face face;
};
/* Decodes, finds the face (again with padding for a tight crop), measures, and embeds it if
 * usable. Counts and measures the time. */
WARD_MUST enum ward_code photo_read(struct worker *w, struct ward_arena *mem,
                                    const struct ward_stop *stop, const void *bytes, size_t n,
                                    const struct photo_want *want, struct photo *out,
                                    struct ward_err *err);
/* The same for a decoded picture: p->im is set and the rest {.passive = -1}. Counts nothing. */
WARD_MUST enum ward_code photo_look(struct worker *w, struct ward_arena *mem,
                                    const struct ward_stop *stop, const struct photo_want *want,
                                    struct photo *p, struct ward_err *err);
/* Decodes only. */
WARD_MUST enum ward_code photo_decode(struct ward_arena *mem, const void *bytes, size_t n,
                                      struct pixels *out, struct ward_err *err);

#endif
