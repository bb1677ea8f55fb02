/* Finds the true reason of a rejection if the first gate's reason would mislead: the picture is
 * not upright, the picture's edge cuts the face, or the light is too weak. */
#include "common/base/crypto.h"
#include "services/identity/face/face_pixels.h"
#include "services/identity/live/live.h"

#include <math.h>
#include <string.h>

/* Source for all: LFW, UTKFace and 250 faces of the web (2026-11-23); make eval-reasons prints
 * the results for each half.
 *
 * The embedding of an upright face is longer than that of a rotated face. For 335 upright
 * photographs that a gate rejected, no rotated copy that passed all gates had an embedding
 * longer than 1.12 times the original. For nine of ten rotated photographs, the upright copy
 * has one. */
#define NORM_LEAD 1.2
/* Faces with a mean grey below this are examined again with more light. LFW's darkest face has
 * a mean of 55. */
#define DIM    60
#define MIDDLE 110
/* Share of the face's box outside the picture. Only one of 127 covered or small faces reached
 * it. */
#define BOX_OUT 0.15
/* Distance from the edge. If the edge cuts a face, the picture beside its mirror image shows a
 * complete face this near the edge. */
#define EDGE_OFF 0.15
#define SIDE     640 /* about twice the input size of a detector */

struct looking {
    struct face_engine *e;
    struct ward_arena *mem;
    const struct ward_stop *stop;
    struct ward_err *err;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to examine a photograph again");
}

static bool small_copy(const struct pixels *im, struct pixels *out, struct ward_arena *mem)
{
    int most = im->w > im->h ? im->w : im->h, k = most < 2 * SIDE ? 1 : most / SIDE;
    struct reduced r;

    if (!pixels_reduce(im, (struct rect){0, 0, im->w, im->h}, k, &r, mem))
        return false;
    *out = r.im;
    return true;
}

/* ---- orientation ---- */

/* Rotates the picture by a quarter turn to the right. */
static bool quarter(const struct pixels *im, struct pixels *out, struct ward_arena *mem)
{
    uint8_t *rgb = ward_alloc(mem, (size_t)3 * (size_t)im->w * (size_t)im->h);

    for (int y = 0; rgb != NULL && y < im->h; y++)
        for (int x = 0; x < im->w; x++)
            memcpy(rgb + 3 * ((size_t)x * (size_t)im->h + (size_t)(im->h - 1 - y)),
                   im->rgb + 3 * ((size_t)y * (size_t)im->w + (size_t)x), 3);
    *out = (struct pixels){im->h, im->w, rgb};
    return rgb != NULL;
}

/* The length of the embedding of the largest face; 0 unless the face passes every gate. A
 * border is added, because a face that fills the picture would not be found without it. */
static enum ward_code usable_norm(const struct looking *l, const struct pixels *im,
                                  double *norm)
{
    const struct rect padded = {-0.25 * im->w, -0.25 * im->h, 1.5 * im->w, 1.5 * im->h};
    struct face_box boxes[FACE_MAX_FOUND];
    struct quality q = {0};
    struct face f;
    int n = 0, which = 0;

    *norm = 0;
    WARD_TRY(face_search(l->e, l->mem, l->stop, im, padded, boxes, &n, l->err));
    if (rule_largest_face(boxes, n, &which) != USABLE)
        return WARD_OK;
    WARD_TRY(face_locate(l->e, l->mem, l->stop, im, &boxes[which], &f, l->err));
    if (rule_eyes(f.eye_distance_px) != USABLE)
        return WARD_OK;
    WARD_TRY(quality_measure(im, &f, l->mem, &q, l->err));
    if (quality_gate(&q) != USABLE)
        return WARD_OK;
    WARD_TRY(face_embed(l->e, l->mem, l->stop, im, &f, l->err));
    *norm = f.norm;
    ward_wipe(f.embedding, sizeof(f.embedding));
    return WARD_OK;
}

/* Examines the picture rotated by a quarter, a half and three quarters, or by a half only. */
static enum ward_code turn(const struct looking *l, const struct pixels *im, double norm,
                           bool half_alone, bool *better)
{
    struct pixels at = *im, next;

    *better = false;
    for (int i = 1; i < 4 && !*better; i++) {
        double turned = 0;

        if (!quarter(&at, &next, l->mem))
            return no_memory(l->err);
        at = next;
        if (half_alone && i != 2)
            continue;
        WARD_TRY(usable_norm(l, &at, &turned));
        *better = turned > NORM_LEAD * norm;
    }
    return WARD_OK;
}

/* Computes the embedding of the unrotated face too, because a gate rejected the face before it
 * was embedded. */
static enum ward_code not_upright(const struct looking *l, const struct pixels *im,
                                  const struct refusal *known, bool *yes)
{
    struct pixels small;
    struct face own;
    double norm = 0;

    if (!small_copy(im, &small, l->mem))
        return no_memory(l->err);
    if (known->face != NULL) {
        own = *known->face;
        WARD_TRY(face_embed(l->e, l->mem, l->stop, im, &own, l->err));
        norm = own.norm;
        ward_wipe(own.embedding, sizeof(own.embedding));
    }
    return turn(l, &small, norm, false, yes);
}

enum ward_code upside_down(struct face_engine *e, struct ward_arena *mem,
                           const struct ward_stop *stop, const struct pixels *im, double norm,
                           enum gate *gate, struct ward_err *err)
{
    const struct looking l = {e, mem, stop, err};
    struct pixels small;
    bool yes = false;

    if (!small_copy(im, &small, mem))
        return no_memory(err);
    WARD_TRY(turn(&l, &small, norm, true, &yes));
    if (yes)
        *gate = FACE_NOT_UPRIGHT;
    return WARD_OK;
}

/* ---- cropping ---- */

static bool box_is_cut(const struct face_box *b, const struct pixels *im)
{
    double w = fmin(b->x2, im->w) - fmax(b->x1, 0), h = fmin(b->y2, im->h) - fmax(b->y1, 0);

    return !(w * h >= (1 - BOX_OUT) * (b->x2 - b->x1) * (b->y2 - b->y1));
}

/* Joins the picture and its mirror image at the picture's left or right edge. */
static bool mirrored(const struct pixels *im, bool left, struct pixels *out,
                     struct ward_arena *mem)
{
    const int w = im->w;
    uint8_t *rgb = ward_alloc(mem, (size_t)6 * (size_t)w * (size_t)im->h);

    for (int y = 0; rgb != NULL && y < im->h; y++)
        for (int x = 0; x < w; x++) {
            const uint8_t *p = im->rgb + 3 * ((size_t)y * (size_t)w + (size_t)x);
            uint8_t *row = rgb + 6 * (size_t)y * (size_t)w;

            memcpy(row + 3 * (left ? w + x : x), p, 3);
            memcpy(row + 3 * (left ? w - 1 - x : 2 * w - 1 - x), p, 3);
        }
    *out = (struct pixels){2 * w, im->h, rgb};
    return rgb != NULL;
}

static enum ward_code edge_is_in_a_face(const struct looking *l, const struct pixels *im,
                                        bool *yes)
{
    struct face_box boxes[FACE_MAX_FOUND];
    struct pixels small, pair;
    int n = 0;

    *yes = false;
    if (!small_copy(im, &small, l->mem))
        return no_memory(l->err);
    for (int left = 0; left < 2 && !*yes; left++) {
        if (!mirrored(&small, left == 1, &pair, l->mem))
            return no_memory(l->err);
        WARD_TRY(face_detect(l->e, l->mem, l->stop, &pair, boxes, &n, l->err));
        for (int i = 0; i < n; i++) {
            double middle = (boxes[i].x1 + boxes[i].x2) / 2, w = boxes[i].x2 - boxes[i].x1;

            *yes |= fabs(middle - small.w) < EDGE_OFF * w;
        }
    }
    return WARD_OK;
}

/* ---- light ---- */

/* Adjusts the mean of the face to middle grey by gamma correction. */
static void light(uint8_t *grey, double mean)
{
    const double gamma = log(MIDDLE / 255.0) / log(fmax(1, mean) / 255.0);
    uint8_t to[256];

    for (int i = 0; i < 256; i++)
        to[i] = (uint8_t)(255 * pow(i / 255.0, gamma) + 0.5);
    for (int i = 0; i < FACE_CHIP * FACE_CHIP; i++)
        grey[i] = to[grey[i]];
}

static enum ward_code bare_when_lit(const struct looking *l, const struct pixels *im,
                                    const struct refusal *known, bool *yes)
{
    uint8_t *grey = ward_alloc(l->mem, (size_t)FACE_CHIP * FACE_CHIP);
    struct quality lit = *known->quality;
    struct similarity s;

    if (grey == NULL || !face_align(&known->face->points, &s) ||
        !face_grey(im, &s, grey, l->mem))
        return no_memory(l->err);
    light(grey, lit.brightness);
    quality_of_grey(grey, &lit);
    *yes = occlusion_of(known->face, grey, &lit) <= quality_limits.occlusion;
    return WARD_OK;
}

/* ---- the reason ---- */

static bool may_mislead(enum gate g)
{
    return g == FACE_NOT_FOUND || g == FACE_TOO_SMALL || g == FACE_OCCLUDED ||
           g == FACE_TURNED || g == FACE_BLURRED;
}

enum ward_code second_look(struct face_engine *e, struct ward_arena *mem,
                           const struct ward_stop *stop, const struct pixels *im,
                           const struct refusal *known, enum gate *gate, struct ward_err *err)
{
    const struct looking l = {e, mem, stop, err};
    const enum gate first = *gate;
    bool turned = false, yes = false;

    if (!may_mislead(first))
        return WARD_OK;
    WARD_TRY(not_upright(&l, im, known, &turned));
    if (turned)
        *gate = FACE_NOT_UPRIGHT;
    else if (first == FACE_NOT_FOUND)
        WARD_TRY(edge_is_in_a_face(&l, im, &yes));
    else if (first == FACE_OCCLUDED || first == FACE_TOO_SMALL)
        yes = box_is_cut(known->box, im);
    if (yes)
        *gate = FACE_CROPPED;
    if (*gate != FACE_OCCLUDED || !(known->quality->brightness < DIM))
        return WARD_OK;
    WARD_TRY(bare_when_lit(&l, im, known, &yes));
    if (yes)
        *gate = FACE_TOO_DARK;
    return WARD_OK;
}
