/* Distinguishes a plain photograph of a face from a negative, a drawing or a picture of few
 * tones. Such pictures pass the other limits, because the models tolerate bad light. */
#include "services/identity/face/face_pixels.h"
#include "services/identity/live/live.h"

#include <math.h>

#define GRID  64 /* a grid of single pixels, because an average would hide dots and steps */
#define BLOCK 8
#define FEW   8
#define PARTS 8

/* Source: make eval-reasons (2026-11-23): the limits were chosen on one half of the
 * photographs, so that none of them that passes all other gates is rejected. docs/face.md has
 * the cost in the other half. Real skin under blue light reaches -59 in `red`, so a negative is
 * recognized by `red` and its shading, and a grey picture by its shading alone. */
#define FEW_MOST     0.45
#define FLAT_MOST    0.25
#define COARSE_LEAST 0.2
#define BLUE         (-25.0)
#define BLUE_LIKE    0.15
#define GREY         6.0
#define GREY_LIKE    (-0.15)

/* The mean shading of 577 faces of LFW and UTKFace (the half for choosing limits), made
 * symmetric. Each value is for one of PARTS x PARTS parts of the aligned face, in tenths of a
 * standard deviation. */
static const signed char average[PARTS][PARTS] = {
    {-9, 5, 14, 19, 19, 14, 5, -9},       {-9, -6, -4, 12, 12, -4, -6, -9},
    {-11, -22, -20, 2, 2, -20, -22, -11}, {4, 7, 7, 12, 12, 7, 7, 4},
    {4, 16, 11, 11, 11, 11, 16, 4},       {-3, 4, 4, -3, -3, 4, 4, -3},
    {-7, -1, -11, -8, -8, -11, -1, -7},   {-14, -4, 0, -2, -2, 0, -4, -14},
};

struct sample {
    int grey[GRID][GRID];
    int flat;   /* number of samples equal to their right and lower neighbours */
    double red; /* sum of red minus blue */
};

static int grey_of(const uint8_t *p)
{
    return (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8;
}

static int within(double v, int most)
{
    return v < 0 ? 0 : v > most ? most : (int)v;
}

/* Samples the aligned face between brow and chin, from single pixels of the photograph. */
static void take(const struct pixels *im, const struct similarity *s, struct sample *out)
{
    const double k = s->a * s->a + s->b * s->b;

    out->flat = 0, out->red = 0;
    for (int j = 0; j < GRID; j++)
        for (int i = 0; i < GRID; i++) {
            double u = FACE_INNER_LEFT + (i + 0.5) * FACE_INNER_W / GRID - s->tx;
            double v = FACE_INNER_TOP + (j + 0.5) * FACE_INNER_H / GRID - s->ty;
            int x = within((s->a * u + s->b * v) / k, im->w - 2);
            int y = within((s->a * v - s->b * u) / k, im->h - 2);
            const uint8_t *p = im->rgb + 3 * ((size_t)y * (size_t)im->w + (size_t)x);
            const uint8_t *below = p + 3 * (size_t)im->w;

            out->grey[j][i] = grey_of(p);
            out->flat += grey_of(p) == grey_of(p + 3) && grey_of(p) == grey_of(below);
            out->red += p[0] - p[2];
        }
}

/* The share of samples in the FEW most frequent tones. */
static double few_tones(const struct sample *s)
{
    int n[256] = {0}, sum = 0;

    for (int i = 0; i < GRID * GRID; i++)
        n[s->grey[i / GRID][i % GRID]]++;
    for (int i = 0; i < FEW; i++) {
        int most = 0;

        for (int t = 1; t < 256; t++)
            if (n[t] > n[most])
                most = t;
        sum += n[most];
        n[most] = 0;
    }
    return (double)sum / (GRID * GRID);
}

/* The share of the shading that is coarser than BLOCK samples: large for a face, small for a
 * drawing or a pattern of dots. */
static double coarse(const struct sample *s)
{
    double sum = 0, squares = 0, blocks = 0;
    const int n = GRID * GRID, per = BLOCK * BLOCK, n_blocks = n / per;

    for (int j = 0; j < GRID; j += BLOCK)
        for (int i = 0; i < GRID; i += BLOCK) {
            double block = 0;

            for (int b = 0; b < per; b++) {
                int v = s->grey[j + b / BLOCK][i + b % BLOCK];

                block += v, squares += (double)v * v;
            }
            sum += block;
            blocks += block / per * (block / per);
        }
    sum /= n;
    squares = squares / n - sum * sum;
    return squares < 1 ? 1 : (blocks / n_blocks - sum * sum) / squares;
}

/* Mean grey of one part of the aligned face. */
static double part(const uint8_t *grey, int row, int column)
{
    const int y0 = FACE_INNER_TOP + row * FACE_INNER_H / PARTS,
              y1 = FACE_INNER_TOP + (row + 1) * FACE_INNER_H / PARTS,
              x0 = FACE_INNER_LEFT + column * FACE_INNER_W / PARTS,
              x1 = FACE_INNER_LEFT + (column + 1) * FACE_INNER_W / PARTS;
    int sum = 0;

    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++)
            sum += grey[y * FACE_CHIP + x];
    return (double)sum / ((y1 - y0) * (x1 - x0));
}

/* Pearson's correlation of the parts with `average`. */
static double likeness(const uint8_t *grey)
{
    const double n = PARTS * PARTS;
    double a = 0, b = 0, aa = 0, bb = 0, ab = 0;

    for (int row = 0; row < PARTS; row++)
        for (int column = 0; column < PARTS; column++) {
            double x = part(grey, row, column), y = average[row][column];

            a += x, b += y, aa += x * x, bb += y * y, ab += x * y;
        }
    aa -= a * a / n, bb -= b * b / n, ab -= a * b / n;
    return aa < 1 ? 0 : ab / sqrt(aa * bb);
}

enum ward_code natural_measure(const struct pixels *im, const struct face *f,
                               struct ward_arena *mem, struct natural *out,
                               struct ward_err *err)
{
    struct sample *s = ward_new(mem, struct sample);
    uint8_t *grey = ward_alloc(mem, (size_t)FACE_CHIP * FACE_CHIP);
    struct similarity to;

    if (!face_align(&f->points, &to))
        return WARD_FAIL(err, INTERNAL,
                         "the landmark model returned one position for all points");
    if (s == NULL || grey == NULL || im->w < 2 || im->h < 2 || !face_grey(im, &to, grey, mem))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to prepare a photograph");
    take(im, &to, s);
    *out = (struct natural){.like = likeness(grey),
                            .red = s->red / (GRID * GRID),
                            .few = few_tones(s),
                            .flat = (double)s->flat / (GRID * GRID),
                            .coarse = coarse(s)};
    return WARD_OK;
}

bool natural_is(const struct natural *n)
{
    bool drawn = n->few > FEW_MOST && (n->flat > FLAT_MOST || n->coarse < COARSE_LEAST);
    bool negative =
        (n->red < BLUE && n->like < BLUE_LIKE) || (fabs(n->red) < GREY && n->like < GREY_LIKE);

    return !drawn && !negative;
}
