#include "services/identity/face/face_pixels.h"
#include "services/identity/live/live.h"

#include <math.h>
#include <string.h>

#define TOP    FACE_INNER_TOP
#define BOTTOM (TOP + FACE_INNER_H)
#define LEFT   FACE_INNER_LEFT
#define RIGHT  (LEFT + FACE_INNER_W)
#define INNER  ((RIGHT - LEFT) * (BOTTOM - TOP))

static int grey_at(const uint8_t *p)
{
    return 77 * p[0] + 150 * p[1] + 29 * p[2]; /* luma times 256 */
}

/* Samples the inner part of the aligned face in grey, with a border of one pixel. Outside the
 * picture, pixels of the edge are repeated. pixels_warp would compute three colours of the
 * whole face, which costs five times as much. */
static void sample(const struct reduced *r, const struct similarity *s, uint8_t *grey)
{
    const double k = (s->a * s->a + s->b * s->b) * r->k;
    const float a = (float)(s->a / k), b = (float)(-s->b / k);
    const float x_most = (float)(r->im.w - 1), y_most = (float)(r->im.h - 1);

    for (int v = TOP - 1; v <= BOTTOM; v++) {
        double p = LEFT - 1 - s->tx, q = v - s->ty, off = (r->k - 1) / 2.0 / r->k;
        float x = (float)((s->a * p + s->b * q) / k - off - r->x0);
        float y = (float)((s->a * q - s->b * p) / k - off - r->y0);

        for (int u = LEFT - 1; u <= RIGHT; u++, x += a, y += b) {
            float fx = x > 0 ? x < x_most ? x : x_most : 0;
            float fy = y > 0 ? y < y_most ? y : y_most : 0;
            int i = (int)fx, j = (int)fy, ax = (int)(256 * (fx - (float)i)),
                ay = (int)(256 * (fy - (float)j));
            size_t right = i + 1 < r->im.w ? 3 : 0, row = 3 * (size_t)r->im.w;
            const uint8_t *top = r->im.rgb + (size_t)j * row + 3 * (size_t)i;
            const uint8_t *low = j + 1 < r->im.h ? top + row : top;
            int up = grey_at(top) * (256 - ax) + grey_at(top + right) * ax;
            int down = grey_at(low) * (256 - ax) + grey_at(low + right) * ax;

            grey[v * FACE_CHIP + u] =
                (uint8_t)(((up >> 8) * (256 - ay) + (down >> 8) * ay + 32768) >> 16);
        }
    }
}

bool face_grey(const struct pixels *im, const struct similarity *s, uint8_t *grey,
               struct ward_arena *mem)
{
    const double det = s->a * s->a + s->b * s->b, scale = sqrt(det);
    const double p = FACE_CHIP / 2.0 - s->tx, q = FACE_CHIP / 2.0 - s->ty;
    const double x = (s->a * p + s->b * q) / det, y = (s->a * q - s->b * p) / det;
    /* reaches past the corners of the inner part */
    const double reach = 0.75 * FACE_CHIP / scale;
    int k = scale > 0.5 ? 1 : 1 / scale > 4096 ? 4096 : (int)(1 / scale);
    struct reduced r;

    if (!pixels_reduce(im, (struct rect){x - reach, y - reach, 2 * reach, 2 * reach}, k, &r,
                       mem))
        return false;
    sample(&r, s, grey);
    return true;
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

void quality_of_grey(const uint8_t *grey, struct quality *q)
{
    q->sharpness = sharpness(grey);
    exposure(grey, q);
}

/* The share of the aligned face that is outside the picture, on a grid of 28 x 28 points. */
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
    uint8_t *grey = ward_alloc(mem, (size_t)FACE_CHIP * FACE_CHIP);
    struct quality q = {.padded = out->padded};
    struct similarity s;

    if (!face_align(&f->points, &s))
        return WARD_FAIL(err, INTERNAL,
                         "the landmark model returned one position for all points");
    if (grey == NULL || !face_grey(im, &s, grey, mem))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to prepare a photograph");
    quality_of_grey(grey, &q);
    q.cut = cut(im, &s);
    pose_of(f, &q.yaw, &q.pitch, &q.roll);
    q.occlusion = occlusion_of(f, grey, &q);
    *out = q;
    return WARD_OK;
}

/* Source for all: make eval-quality on LFW's 2,320 images of folds 1-3 and on degraded copies
 * of every sixth (2026-11-21; docs/face.md, "Capture quality"). Each gate rejects at most 0.5 %
 * of LFW. Its limit is where degraded copies begin to lose their match with the original (FMR
 * 1e-4). LFW has skin of every colour, and its darkest face has a mean of 55. The limit for
 * darkness is far below 55, so that it judges the light and not the person. */
const struct quality_limits quality_limits = {.cut = 0.4,
                                              .sharpness = 12,
                                              .dark = 22,
                                              .bright = 225,
                                              .clipped = 0.4,
                                              .yaw = 44,
                                              .pitch = 30,
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
