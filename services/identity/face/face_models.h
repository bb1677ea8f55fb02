/* face_models.h - which weights are meant, and what each answers to a known question.
 * Threads: read-only. Memory: static. Errors: none. */
#ifndef WARD_IDENTITY_FACE_MODELS_H
#define WARD_IDENTITY_FACE_MODELS_H

#include "common/host/host.h"

enum face_model { FACE_DETECT, FACE_LANDMARK, FACE_FEATURE, FACE_N_MODELS };

struct face_weights {
    const char *name, *file, *sha256; /* file: below the folder of models */
    struct ward_known known;
};
extern const struct face_weights face_weights[FACE_N_MODELS];

#endif
