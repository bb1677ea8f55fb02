#include "services/identity/photo.h"
#include "common/base/clock.h"
#include "common/image/image.h"
#include "services/identity/identity_metrics.h"

#include <stdio.h>

/* As the .proto says. JPEGs above 4 Mpx are decoded smaller: a face that the detector finds at
 * all in 320 x 240 is then still more than 24 px between the eyes. */
static const struct ward_image_limits limits = {
    .max_bytes = IDENTITY_PHOTO_MAX,
    .max_pixels = 16777216,
    .max_side = 16384,
    .jpeg_pixels = 4194304,
};

enum ward_code photo_decode(struct ward_arena *mem, const void *bytes, size_t n,
                            struct pixels *out, struct ward_err *err)
{
    struct ward_image im;
    enum ward_code code = ward_image_decode(bytes, n, &limits, mem, &im, err);

    if (code == WARD_OK)
        *out = (struct pixels){im.width, im.height, im.rgb};
    else if (code == WARD_INVALID_ARGUMENT && err != NULL)
        snprintf(err->field, sizeof(err->field), "photograph");
    return code;
}

enum ward_code photo_read(struct worker *w, struct ward_arena *mem,
                          const struct ward_stop *stop, const void *bytes, size_t n,
                          const struct photo_want *want, struct photo *out,
                          struct ward_err *err)
{
    struct face_box boxes[FACE_MAX_FOUND];
    struct photo p = {.passive = -1};
    struct pixels im = {0};
    int64_t began = ward_mono_ns();
    int which = 0;

    WARD_TRY(ward_canary_state(w->id->canary, err));
    WARD_TRY(photo_decode(mem, bytes, n, &im, err));
    p.width_px = im.w;
    p.height_px = im.h;
    WARD_TRY(face_detect(w->face, mem, stop, &im, boxes, &p.faces, err));
    p.gate = want->largest_only ? rule_largest_face(boxes, p.faces, &which)
                                : rule_which_face(boxes, p.faces, &which);
    if (p.gate == USABLE) {
        p.detection_score = boxes[which].score;
        WARD_TRY(face_locate(w->face, mem, stop, &im, &boxes[which], &p.face, err));
        p.eye_distance_px = p.face.eye_distance_px;
        p.gate = rule_eyes(p.eye_distance_px);
    }
    if (p.gate == USABLE)
        WARD_TRY(face_embed(w->face, mem, stop, &im, &p.face, err));
    ward_metric_add(ward_series_of(&identity_photographs,
                                   p.gate == USABLE ? "USABLE" : gate_reason(p.gate), NULL,
                                   NULL),
                    1);
    ward_observe(&identity_photo_seconds, (double)(ward_mono_ns() - began) / 1e9);
    *out = p;
    return WARD_OK;
}
