#include "services/identity/photo.h"
#include "common/base/clock.h"
#include "common/image/image.h"
#include "services/identity/identity_metrics.h"

#include <stdio.h>

/* Limits of the .proto. JPEGs above 4 Mpx are decoded at a reduced size: a face that the
 * detector finds in 320 x 240 then still has more than 24 px between the eyes. */
static const struct ward_image_limits limits = {
    .max_bytes = IDENTITY_PHOTO_MAX,
    .max_pixels = 16777216,
    .max_side = 16384,
    .jpeg_pixels = 4194304,
    .scan_pixels = 67108864, /* phones produce 48 to 64 Mpx */
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

/* State of reading one photograph. */
struct reading {
    struct worker *w;
    struct ward_arena *mem;
    const struct ward_stop *stop;
    const struct photo_want *want;
    struct ward_err *err;
};

/* Finds the face. The detector was trained on faces with surroundings, so a tight crop is
 * searched again with a grey border of a quarter of its size on each side. */
static enum ward_code find(const struct reading *r, const struct pixels *im, struct photo *p,
                           int *which)
{
    struct face_box boxes[FACE_MAX_FOUND];

    WARD_TRY(face_detect(r->w->face, r->mem, r->stop, im, boxes, &p->faces, r->err));
    if (p->faces == 0) {
        const struct rect padded = {-0.25 * im->w, -0.25 * im->h, 1.5 * im->w, 1.5 * im->h};

        WARD_TRY(
            face_search(r->w->face, r->mem, r->stop, im, padded, boxes, &p->faces, r->err));
        p->quality.padded = p->faces > 0;
    }
    p->gate = r->want->largest_only ? rule_largest_face(boxes, p->faces, which)
                                    : rule_which_face(boxes, p->faces, im->w, im->h, which);
    if (p->gate == USABLE)
        p->box = boxes[*which];
    return WARD_OK;
}

/* Checks quality for a template. A template is used for years, so its photograph must be better
 * than one for a single comparison. */
static enum ward_code for_a_template(const struct reading *r, const struct pixels *im,
                                     struct photo *p)
{
    struct natural n;

    WARD_TRY(natural_measure(im, &p->face, r->mem, &n, r->err));
    if (!natural_is(&n)) {
        p->gate = NOT_A_PHOTOGRAPH;
        return WARD_OK;
    }
    return upside_down(r->w->face, r->mem, r->stop, im, p->face.norm, &p->gate, r->err);
}

/* Each gate is applied before the next model runs. */
static enum ward_code look(const struct reading *r, const struct pixels *im, struct photo *p)
{
    struct quality *q = &p->quality;

    p->detection_score = p->box.score;
    WARD_TRY(face_locate(r->w->face, r->mem, r->stop, im, &p->box, &p->face, r->err));
    p->eye_distance_px = p->face.eye_distance_px;
    p->gate = rule_eyes(p->eye_distance_px);
    if (p->gate != USABLE)
        return WARD_OK;
    WARD_TRY(quality_measure(im, &p->face, r->mem, q, r->err));
    p->gate = quality_gate(q);
    if (p->gate == USABLE || r->want->turned_too)
        WARD_TRY(face_embed(r->w->face, r->mem, r->stop, im, &p->face, r->err));
    if (p->gate == USABLE && r->want->enrol)
        WARD_TRY(for_a_template(r, im, p));
    if (r->want->passive && p->gate == USABLE)
        return liveness_score(r->w->face, r->mem, r->stop, im, &p->box, &p->passive, r->err);
    return WARD_OK;
}

/* Finds the true reason of a rejection. Not for frames of a film: their reasons are counted,
 * not displayed. */
static enum ward_code explain(const struct reading *r, struct photo *p)
{
    const struct refusal known = {.box = &p->box,
                                  .face = p->eye_distance_px > 0 ? &p->face : NULL,
                                  .quality = &p->quality};

    if (p->gate == USABLE || r->want->frame)
        return WARD_OK;
    return second_look(r->w->face, r->mem, r->stop, &p->im, &known, &p->gate, r->err);
}

enum ward_code photo_look(struct worker *w, struct ward_arena *mem,
                          const struct ward_stop *stop, const struct photo_want *want,
                          struct photo *p, struct ward_err *err)
{
    const struct reading r = {w, mem, stop, want, err};
    int which = 0;

    p->width_px = p->im.w;
    p->height_px = p->im.h;
    WARD_TRY(find(&r, &p->im, p, &which));
    if (p->gate == USABLE)
        WARD_TRY(look(&r, &p->im, p));
    return explain(&r, p);
}

static const char *gate_label(enum gate g)
{
    return g == USABLE ? "USABLE" : gate_reason(g);
}
/* NOT_A_PHOTOGRAPH is the last gate of a photograph. The next ones are those of liveness. */
WARD_METRIC_FROM_ZERO(identity_photographs, NOT_A_PHOTOGRAPH + 1, gate_label((enum gate)i),
                      NULL)

enum ward_code photo_read(struct worker *w, struct ward_arena *mem,
                          const struct ward_stop *stop, const void *bytes, size_t n,
                          const struct photo_want *want, struct photo *out,
                          struct ward_err *err)
{
    struct photo p = {.passive = -1};
    int64_t began = ward_mono_ns();

    WARD_TRY(ward_canary_state(w->id->canary, err));
    WARD_TRY(photo_decode(mem, bytes, n, &p.im, err));
    WARD_TRY(photo_look(w, mem, stop, want, &p, err));
    ward_metric_add(ward_series_of(&identity_photographs, gate_label(p.gate), NULL, NULL), 1);
    ward_observe(&identity_photo_seconds, (double)(ward_mono_ns() - began) / 1e9);
    *out = p;
    return WARD_OK;
}
