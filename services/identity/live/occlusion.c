/* Estimates whether something covers the face. No model exists for this purpose. Four signals
 * that change if a face is covered are summed with weights. A signal counts only above the
 * value that three quarters of uncovered faces stay below. */
#include "services/identity/live/live.h"

#include <math.h>

struct region {
    int x, y, x_end, y_end;
};
/* Regions of the aligned face. */
static const struct region eye_left = {22, 42, 54, 60}, eye_right = {58, 42, 90, 60},
                           cheek_left = {22, 62, 42, 82}, cheek_right = {70, 62, 90, 82},
                           nose = {44, 60, 68, 78}, mouth = {38, 84, 74, 98};

struct tone {
    double mean, sd, laplacian; /* of a region in grey; `laplacian` is a mean square */
};

static struct tone tone_of(const uint8_t *g, const struct region *r)
{
    int64_t sum = 0, squares = 0, edges = 0;
    int n = (r->x_end - r->x) * (r->y_end - r->y);
    struct tone t;

    for (int y = r->y; y < r->y_end; y++)
        for (int x = r->x; x < r->x_end; x++) {
            const uint8_t *p = g + y * FACE_CHIP + x;
            int v = p[0], e = p[-1] + p[1] + p[-FACE_CHIP] + p[FACE_CHIP] - 4 * v;

            sum += v;
            squares += v * v;
            edges += e * e;
        }
    t.mean = (double)sum / n;
    t.sd = sqrt(fmax(0, (double)squares / n - t.mean * t.mean));
    t.laplacian = (double)edges / n;
    return t;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Source: a logistic fit on every second of 2,320 LFW images (folds 1-3). It separates them
 * from copies with simulated masks, dark glasses, hands and half covers. The knots are at the
 * third quartile of the uncovered faces. The constant is adjusted so that 0.5 % of the
 * uncovered faces reach 0.5. Features and knots were chosen on these images too, so the figures
 * of make eval-quality (2026-11-21) are fitted, not held out. */
double occlusion_of(const struct face *f, const uint8_t *grey, const struct quality *q)
{
    const struct tone el = tone_of(grey, &eye_left), er = tone_of(grey, &eye_right),
                      cl = tone_of(grey, &cheek_left), cr = tone_of(grey, &cheek_right),
                      no = tone_of(grey, &nose), mo = tone_of(grey, &mouth);
    /* Dark glasses: an eye much darker than the cheeks. */
    double eyes = least(el.mean, er.mean) / (1 + least(cl.mean, cr.mean));
    /* Masks and hands: a mouth without edges in a face with edges. */
    double edges = log((1 + mo.laplacian) / (1 + q->sharpness));
    /* Any smooth cover: a part with hardly any shading, relative to its brightness. */
    double shade = 100 * least(least(mo.sd, no.sd), least(el.sd, er.sd)) / (10 + q->brightness);
    double s = -7.4 + 14.4 * fmax(0, 0.72 - eyes) + 2.3 * fmax(0, 0.275 - edges) +
               0.63 * fmax(0, 14.2 - shade);

    /* Landmarks that differ between the two passes were guessed. */
    s += 49 * fmax(0, f->drift - 0.068);
    return 1 / (1 + exp(-s));
}
