/* Contrast-limited adaptive histogram equalisation.
 *
 * Source: K. Zuiderveld, "Contrast Limited Adaptive Histogram Equalization", Graphics Gems IV,
 * 1994, 474-485. Padding, redistribution of the clipped counts, and rounding are those of
 * OpenCV 4.6 (cv::CLAHE), with which models are usually trained; checked 2026-11. */
#include "services/diagnosis/steps/steps_own.h"

#include <math.h>

#define BINS 256

/* One lookup table for each tile. */
struct tables {
    int tiles, tw, th;
    float at[STEPS_TILES * STEPS_TILES][BINS];
};

static int level(float v)
{
    return v >= 255 ? 255 : v > 0 ? (int)lrintf(v) : 0; /* NaN becomes 0 */
}

/* Mirrors an index beyond the picture's edge. The pixel at the edge is not repeated. */
static int mirror(int i, int n)
{
    while (n > 1 && i >= n)
        i = i < 2 * n - 1 ? 2 * n - 2 - i : i - (2 * n - 2);
    return n == 1 ? 0 : i;
}

/* Clips bars of the histogram at `most`, and spreads the clipped counts over all bars. */
static void limit(int *bar, int most)
{
    int over = 0, each, rest;

    for (int i = 0; i < BINS; i++)
        if (bar[i] > most) {
            over += bar[i] - most;
            bar[i] = most;
        }
    each = over / BINS;
    rest = over - each * BINS;
    for (int i = 0; i < BINS; i++)
        bar[i] += each;
    if (rest > 0) {
        int step = BINS / rest < 1 ? 1 : BINS / rest;

        for (int i = 0; i < BINS && rest > 0; i += step, rest--)
            bar[i]++;
    }
}

static void tabulate(const struct plane *p, const struct tables *t, int tx, int ty, double clip,
                     float *to)
{
    const int area = t->tw * t->th;
    const float scale = (float)(BINS - 1) / (float)area;
    int bar[BINS] = {0}, sum = 0, most = (int)(clip * area / BINS);

    for (int y = ty * t->th; y < (ty + 1) * t->th; y++)
        for (int x = tx * t->tw; x < (tx + 1) * t->tw; x++)
            bar[level(
                p->px[(size_t)mirror(y, p->h) * (size_t)p->w + (size_t)mirror(x, p->w)])]++;
    if (clip > 0)
        limit(bar, most < 1 ? 1 : most);
    for (int i = 0; i < BINS; i++) {
        sum += bar[i];
        to[i] = (float)level((float)sum * scale);
    }
}

/* Finds the two tiles on an axis between whose centres pixel i is, and the weight of the second
 * tile. */
static void about(int i, int size, int tiles, int *one, int *two, float *share)
{
    float at = (float)i * (1.0f / (float)size) - 0.5f;

    *one = (int)floorf(at);
    *share = at - (float)*one;
    *two = *one + 1 < tiles ? *one + 1 : tiles - 1;
    *one = *one < 0 ? 0 : *one;
}

static void map_row(struct plane *p, const struct tables *t, int y)
{
    int y1, y2, x1, x2;
    float ya, xa;

    about(y, t->th, t->tiles, &y1, &y2, &ya);
    for (int x = 0; x < p->w; x++) {
        float *v = &p->px[(size_t)y * (size_t)p->w + (size_t)x], up, down;
        int was = level(*v);

        about(x, t->tw, t->tiles, &x1, &x2, &xa);
        up = t->at[y1 * t->tiles + x1][was] * (1 - xa) + t->at[y1 * t->tiles + x2][was] * xa;
        down = t->at[y2 * t->tiles + x1][was] * (1 - xa) + t->at[y2 * t->tiles + x2][was] * xa;
        *v = (float)level(up * (1 - ya) + down * ya);
    }
}

enum ward_code plane_clahe(struct plane *p, const struct step *s)
{
    struct tables *t = ward_new(p->mem, struct tables);
    const int n = s->tiles;
    bool whole = p->w % n == 0 && p->h % n == 0;

    if (t == NULL)
        return WARD_FAIL(p->err, RESOURCE_EXHAUSTED, "no memory for an input");
    t->tiles = n;
    t->tw = whole ? p->w / n : (p->w + n - p->w % n) / n;
    t->th = whole ? p->h / n : (p->h + n - p->h % n) / n;
    for (int i = 0; i < n * n; i++) {
        WARD_TRY(plane_go_on(p));
        tabulate(p, t, i % n, i / n, s->clip, t->at[i]);
    }
    for (int y = 0; y < p->h; y++) {
        WARD_TRY(plane_go_on(p));
        map_row(p, t, y);
    }
    return WARD_OK;
}
