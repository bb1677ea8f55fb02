/* Values of a modality to brightness. Source: DICOM PS3.3 2024b, C.11.2.1.2.1, C.11.2.1.3.1 and
 * C.11.2.1.3.2; checked 2026-11. */
#include "services/diagnosis/steps/steps_own.h"

#include <math.h>

static double share(const struct window *w, double v)
{
    double at;

    switch (w->fn) {
    case WINDOW_SIGMOID:
        return 1 / (1 + exp(-4 * (v - w->centre) / w->width));
    case WINDOW_LINEAR_EXACT:
        at = (v - w->centre) / w->width + 0.5;
        break;
    case WINDOW_LINEAR:
    default:
        if (w->width <= 1) /* a width of 1 or less is a step function */
            return v <= w->centre - 0.5 ? 0 : 1;
        at = (v - (w->centre - 0.5)) / (w->width - 1) + 0.5;
    }
    return at > 1 ? 1 : at > 0 ? at : 0; /* NaN becomes 0 */
}

void plane_window(struct plane *p, const struct window *w)
{
    for (size_t i = 0; i < (size_t)p->w * (size_t)p->h; i++)
        p->px[i] = (float)(255 * share(w, (double)p->px[i]));
}

void plane_stretch(struct plane *p)
{
    const size_t n = (size_t)p->w * (size_t)p->h;
    float lo = INFINITY, hi = -INFINITY;

    for (size_t i = 0; i < n; i++) {
        lo = fminf(lo, p->px[i]);
        hi = fmaxf(hi, p->px[i]);
    }
    for (size_t i = 0; i < n; i++)
        p->px[i] = hi > lo ? 255 * (p->px[i] - lo) / (hi - lo) : 0;
}
