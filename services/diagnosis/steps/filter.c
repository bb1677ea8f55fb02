/* Median and Gaussian filters. Beyond the edge, the pixels at the edge are repeated. */
#include "services/diagnosis/steps/steps_own.h"

#include <math.h>
#include <string.h>

static int inside(int i, int n)
{
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* ---- median ---- */

/* Returns the k-th smallest of n values, and reorders the values (Hoare's selection). */
static float kth(float *v, int n, int k)
{
    int lo = 0, hi = n - 1;

    while (lo < hi) {
        float pivot = v[k];
        int i = lo, j = hi;

        while (i <= j) {
            while (v[i] < pivot)
                i++;
            while (pivot < v[j])
                j--;
            if (i <= j) {
                float t = v[i];

                v[i++] = v[j];
                v[j--] = t;
            }
        }
        if (j < k)
            lo = i;
        if (k < i)
            hi = j;
    }
    return v[k];
}

enum ward_code plane_median(struct plane *p, const struct step *s)
{
    const int r = s->size / 2, n = s->size * s->size;
    float seen[STEPS_MEDIAN * STEPS_MEDIAN];

    WARD_TRY(plane_spare(p));
    for (int y = 0; y < p->h; y++) {
        WARD_TRY(plane_go_on(p));
        for (int x = 0; x < p->w; x++) {
            float *to = seen;

            for (int dy = -r; dy <= r; dy++) {
                const float *row = p->px + (size_t)inside(y + dy, p->h) * (size_t)p->w;

                for (int dx = -r; dx <= r; dx++)
                    *to++ = row[inside(x + dx, p->w)];
            }
            p->spare[(size_t)y * (size_t)p->w + (size_t)x] = kth(seen, n, n / 2);
        }
    }
    plane_swap(p);
    return WARD_OK;
}

/* ---- Gaussian ---- */

#define RADIUS_MAX (4 * STEPS_SIGMA + 1)

/* Computes weights for distances 0..radius. Their sum over both sides is 1. */
static int weights(double sigma, double out[RADIUS_MAX + 1])
{
    int radius = (int)(4 * sigma + 0.5);
    double sum = 1;

    out[0] = 1;
    for (int i = 1; i <= radius; i++) {
        out[i] = exp(-0.5 * i * i / (sigma * sigma));
        sum += 2 * out[i];
    }
    for (int i = 0; i <= radius; i++)
        out[i] /= sum;
    return radius;
}

/* Blurs one line of n values that are `step` apart. */
static void blur(const float *from, float *to, size_t step, int n, const double *w, int radius)
{
    for (int i = 0; i < n; i++) {
        double sum = w[0] * (double)from[(size_t)i * step];

        for (int k = 1; k <= radius; k++)
            sum += w[k] * ((double)from[(size_t)inside(i - k, n) * step] +
                           (double)from[(size_t)inside(i + k, n) * step]);
        to[(size_t)i * step] = (float)sum;
    }
}

enum ward_code plane_gaussian(struct plane *p, const struct step *s)
{
    double w[RADIUS_MAX + 1];
    int radius = weights(s->sigma, w);

    WARD_TRY(plane_spare(p));
    for (int x = 0; x < p->w; x++) {
        WARD_TRY(plane_go_on(p));
        blur(p->px + x, p->spare + x, (size_t)p->w, p->h, w, radius);
    }
    plane_swap(p);
    for (int y = 0; y < p->h; y++) {
        WARD_TRY(plane_go_on(p));
        blur(p->px + (size_t)y * (size_t)p->w, p->spare + (size_t)y * (size_t)p->w, 1, p->w, w,
             radius);
    }
    plane_swap(p);
    return WARD_OK;
}
