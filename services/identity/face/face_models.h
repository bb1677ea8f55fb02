/* face_models.h - which weights are meant, and what each answers to a known question.
 * Threads: read-only. Memory: static. Errors: none. */
#ifndef WARD_IDENTITY_FACE_MODELS_H
#define WARD_IDENTITY_FACE_MODELS_H

#include "common/host/host.h"

enum face_model {
    FACE_DETECT,
    FACE_LANDMARK,
    FACE_FEATURE,
    FACE_LIVENESS, /* [1, 3, 128, 128] BGR 0..255; class 0 of softmax: live */
    FACE_POSE, /* [1, 3, 224, 224] RGB, ImageNet's; `output`, `617`, `618`: yaw, pitch, roll */
    FACE_EYE,  /* [1, 1, 24, 24] grey / 255; class 0: closed */
    FACE_N_MODELS
};

struct face_weights {
    const char *name, *file, *sha256; /* file: below the folder of models */
    struct ward_known known;
};
extern const struct face_weights face_weights[FACE_N_MODELS];

#endif
