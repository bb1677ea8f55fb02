/* photo.h - reads the bytes of a photograph, and returns a usable face or the reason of a
 * rejection.
 *
 * Threads: each worker uses its own engines. Memory: the call's arena. Errors: INVALID_ARGUMENT
 * IMAGE_* (field photograph); otherwise those of host.h. */
#ifndef IDENTITY_PHOTO_H
#define IDENTITY_PHOTO_H

#include "services/identity/identity.h"
#include "services/identity/live/live.h"

struct photo_want {
    /* use the largest of several faces, instead of rejecting the photograph */
    bool largest_only;
    bool passive; /* run the passive liveness model on a usable face */
    bool enrol;   /* reject images that are not plain photographs: they would be stored as
                   * templates */
    /* the photograph is a frame of a film: a rejection is not examined again */
    bool frame;
    bool turned_too; /* embed the face of a frame whatever its quality, for example turned */
};
struct photo {
    enum gate gate; /* `face` is set only if gate is USABLE; `quality` as far as measured */
    int faces, width_px, height_px;
    double detection_score, eye_distance_px;
    struct quality quality;
    double passive;   /* score of the passive liveness model, 0..1; -1: not run */
    struct pixels im; /* the decoded pixels, in the arena */
    struct face_box box;
    struct face face;
};
/* Decodes a photograph, finds its face (again with a border, for a tight crop), measures the
 * face, and embeds a usable face. Updates metrics. */
WARD_MUST enum ward_code photo_read(struct worker *w, struct ward_arena *mem,
                                    const struct ward_stop *stop, const void *bytes, size_t n,
                                    const struct photo_want *want, struct photo *out,
                                    struct ward_err *err);
/* Like photo_read for a decoded picture: the caller sets p->im and p->passive = -1. Updates no
 * metrics. */
WARD_MUST enum ward_code photo_look(struct worker *w, struct ward_arena *mem,
                                    const struct ward_stop *stop, const struct photo_want *want,
                                    struct photo *p, struct ward_err *err);
/* Decodes only. */
WARD_MUST enum ward_code photo_decode(struct ward_arena *mem, const void *bytes, size_t n,
                                      struct pixels *out, struct ward_err *err);

#endif
