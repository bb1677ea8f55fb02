#include "services/identity/live/live.h"

#include <math.h>
#include <string.h>

/* The part of the upright chip that is face and nothing else: brow to chin, cheek to cheek. */
#define TOP    28
#define BOTTOM 104
#define LEFT   20
#define RIGHT  92
#define INNER  ((RIGHT - LEFT) * (BOTTOM - TOP))

static void to_grey(const uint8_t *rgb, uint8_t *grey)
{
    for (size_t i = 0; i < (size_t)FACE_CHIP * FACE_CHIP; i++, rgb += 3)
        grey[i] = (uint8_t)((77 * rgb[0] + 150 * rgb[1] + 29 * rgb[2] + 128) >> 8);
}

/* Variance of the 4-neighbour Laplacian. Source: J. L. Pech-Pacheco et al., "Diatom
 * autofocusing in brightfield microscopy: a comparative study", ICPR 2000. */
static double sharpness(const uint8_t *g)
{
    int64_t sum = 0, squares = 0;

    for (int y = TOP; y < BOTTOM; y++)
        for (int x = LEFT; x < RIGHT; x++) {
            const uint8_t *p = g + y * FACE_CHIP + x;
            int v = p[-1] + p[1] + p[-FACE_CHIP] + p[FACE_CHIP] - 4 * p[0];

            sum += v;
            squares += v * v;
        }
    return (double)squares / INNER - (double)sum / INNER * ((double)sum / INNER);
}

static void exposure(const uint8_t *g, struct quality *q)
{
    int64_t sum = 0, ends = 0;

    for (int y = TOP; y < BOTTOM; y++)
        for (int x = LEFT; x < RIGHT; x++) {
            int v = g[y * FACE_CHIP + x];

            sum += v;
            ends += v <= 4 || v >= 251;
        }
    q->brightness = (double)sum / INNER;
    q->clipped = (double)ends / INNER;
}

/* Share of the upright chip that lies outside the picture, on a grid of 28 x 28. */
static double cut(const struct pixels *im, const struct similarity *s)
{
    const double k = s->a * s->a + s->b * s->b;
    int outside = 0;

    for (int j = 2; j < FACE_CHIP; j += 4)
        for (int i = 2; i < FACE_CHIP; i += 4) {
            double u = i - s->tx, v = j - s->ty;
            double x = (s->a * u + s->b * v) / k, y = (s->a * v - s->b * u) / k;

            outside += !(x >= 0 && y >= 0 && x < im->w && y < im->h);
        }
    return outside / (28.0 * 28.0);
}

enum ward_code quality_measure(const struct pixels *im, const struct face *f,
                               struct ward_arena *mem, struct quality *out,
                               struct ward_err *err)
{
    uint8_t *chip = ward_alloc(mem, (size_t)3 * FACE_CHIP * FACE_CHIP);
    uint8_t *grey = ward_alloc(mem, (size_t)FACE_CHIP * FACE_CHIP);
    struct quality q = {.padded = out->padded};
    struct similarity s;

    if (!face_align(&f->points, &s))
        return WARD_FAIL(err, INTERNAL, "the landmark model put all points in one place");
    if (chip == NULL || grey == NULL || !face_warp(im, &s, chip, mem))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to prepare a photograph");
    to_grey(chip, grey);
    q.sharpness = sharpness(grey);
    exposure(grey, &q);
    q.cut = cut(im, &s);
    pose_of(f, &q.yaw, &q.pitch, &q.roll);
    q.occlusion = occlusion_of(f, grey, &q);
    *out = q;
    return WARD_OK;
}

const struct quality_limits quality_limits = {.cut = 0.25,
                                              .sharpness = 15,
                                              .dark = 30,
                                              .bright = 215,
                                              .clipped = 0.3,
                                              .yaw = 40,
                                              .pitch = 27,
                                              .roll = 35,
                                              .occlusion = 0.5};

enum gate quality_gate(const struct quality *q)
{
    const struct quality_limits *l = &quality_limits;
    bool dark = q->brightness < 128;

    if (!(q->cut <= l->cut))
        return FACE_CROPPED;
    if (!(q->brightness >= l->dark) || (dark && !(q->clipped <= l->clipped)))
        return FACE_TOO_DARK;
    if (!(q->brightness <= l->bright) || (!dark && !(q->clipped <= l->clipped)))
        return FACE_TOO_BRIGHT;
    if (!(fabs(q->yaw) <= l->yaw && fabs(q->pitch) <= l->pitch && fabs(q->roll) <= l->roll))
        return FACE_TURNED;
    if (!(q->sharpness >= l->sharpness))
        return FACE_BLURRED;
    if (!(q->occlusion <= l->occlusion))
        return FACE_OCCLUDED;
    return USABLE;
}
