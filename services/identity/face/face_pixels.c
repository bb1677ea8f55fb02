#include "services/identity/face/face_pixels.h"

#include <math.h>

static int clamp(double v, int lo, int hi)
{
    return !(v >= lo) ? lo : v > hi ? hi : (int)v; /* NaN becomes lo */
}

/* Mean of the block (bx, by) of k x k, clipped at the photograph's edge. */
static void mean(const struct pixels *im, int bx, int by, int k, uint8_t *out)
{
    int x_end = (bx + 1) * k < im->w ? (bx + 1) * k : im->w;
    int y_end = (by + 1) * k < im->h ? (by + 1) * k : im->h;
    unsigned sum[3] = {0, 0, 0}, n = 0;

    for (int y = by * k; y < y_end; y++)
        for (int x = bx * k; x < x_end; x++, n++) {
            const uint8_t *p = im->rgb + 3 * ((size_t)y * (size_t)im->w + (size_t)x);

            sum[0] += p[0], sum[1] += p[1], sum[2] += p[2];
        }
    for (int c = 0; c < 3; c++)
        out[c] = n == 0 ? 0 : (uint8_t)((sum[c] + n / 2) / n);
}

bool pixels_reduce(const struct pixels *im, struct rect region, int k, struct reduced *out,
                   struct ward_arena *mem)
{
    int last_x, last_y, x0, y0, x1, y1;
    uint8_t *rgb;

    if (k < 2) {
        *out = (struct reduced){*im, 1, 0, 0};
        return true;
    }
    last_x = (im->w - 1) / k;
    last_y = (im->h - 1) / k;
    x0 = clamp(floor(region.x / k) - 1, 0, last_x);
    y0 = clamp(floor(region.y / k) - 1, 0, last_y);
    x1 = clamp(ceil((region.x + region.w) / k) + 1, x0, last_x);
    y1 = clamp(ceil((region.y + region.h) / k) + 1, y0, last_y);
    rgb = ward_alloc(mem, 3 * (size_t)(x1 - x0 + 1) * (size_t)(y1 - y0 + 1));
    if (rgb == NULL)
        return false;
    *out = (struct reduced){{x1 - x0 + 1, y1 - y0 + 1, rgb}, k, x0, y0};
    for (int y = y0; y <= y1; y++)
        for (int x = x0; x <= x1; x++, rgb += 3)
            mean(im, x, y, k, rgb);
    return true;
}

/* Limits coordinates far outside the photograph, so that floor() of them fits an int. Every
 * pixel there equals the nearest pixel of the edge. */
static double near(double v, int size)
{
    return !(v >= -2) ? -2 : v > size + 1 ? size + 1 : v;
}

/* The two pixels of a row or column around a point, and the weight of the second. */
struct between {
    int first, second;
    float far;
};

static struct between locate(double at, int size)
{
    double v = near(at, size), whole = floor(v);

    return (struct between){clamp(whole, 0, size - 1), clamp(whole + 1, 0, size - 1),
                            (float)(v - whole)};
}

bool pixels_resize(const struct pixels *im, struct rect r, int w, int h, uint8_t *out,
                   struct ward_arena *mem)
{
    int k = clamp(floor(fmin(r.w / w, r.h / h)), 1, im->w > im->h ? im->w : im->h);
    struct between *columns = ward_alloc(mem, (size_t)w * sizeof(*columns));
    double sx = r.w / w / k, sy = r.h / h / k;
    int from, to;
    struct reduced src;
    float *line;

    if (columns == NULL || !pixels_reduce(im, r, k, &src, mem))
        return false;
    for (int x = 0; x < w; x++)
        columns[x] = locate(r.x / k - src.x0 + (x + 0.5) * sx - 0.5, src.im.w);
    from = 3 * columns[0].first;
    to = 3 * columns[w - 1].second + 3;
    line = ward_alloc(mem, (size_t)src.im.w * 3 * sizeof(*line));
    if (line == NULL)
        return false;
    for (int y = 0; y < h; y++) {
        struct between row = locate(r.y / k - src.y0 + (y + 0.5) * sy - 0.5, src.im.h);
        const uint8_t *top = src.im.rgb + 3 * (size_t)row.first * (size_t)src.im.w;
        const uint8_t *low = src.im.rgb + 3 * (size_t)row.second * (size_t)src.im.w;

        for (int i = from; i < to; i++)
            line[i] = (float)top[i] * (1 - row.far) + (float)low[i] * row.far;
        for (int x = 0; x < w; x++, out += 3) {
            const float *left = line + 3 * columns[x].first;
            const float *right = line + 3 * columns[x].second, far = columns[x].far;

            for (int c = 0; c < 3; c++)
                out[c] = (uint8_t)(left[c] * (1 - far) + right[c] * far + 0.5f);
        }
    }
    return true;
}

/* Blends four pixels that are all inside the photograph: the common case, and the fastest. */
static void blend_inside(const struct pixels *im, double x, double y, uint8_t *out)
{
    int ix = (int)x, iy = (int)y;
    float ax = (float)(x - ix), ay = (float)(y - iy);
    float w00 = (1 - ax) * (1 - ay), w10 = ax * (1 - ay), w01 = (1 - ax) * ay, w11 = ax * ay;
    const uint8_t *top = im->rgb + 3 * ((size_t)iy * (size_t)im->w + (size_t)ix);
    const uint8_t *low = top + 3 * (size_t)im->w;

    for (int c = 0; c < 3; c++)
        out[c] = (uint8_t)((float)top[c] * w00 + (float)top[3 + c] * w10 + (float)low[c] * w01 +
                           (float)low[3 + c] * w11 + 0.5f);
}

/* Blends one colour of one pixel: bilinear, black outside the photograph, as in the
 * calibration. */
static double blend(const struct pixels *im, int x, int y, double ax, double ay, int c)
{
    double v = 0;

    for (int j = 0; j < 2; j++)
        for (int i = 0; i < 2; i++) {
            int px = x + i, py = y + j;
            double weight = (i ? ax : 1 - ax) * (j ? ay : 1 - ay);

            if (px >= 0 && py >= 0 && px < im->w && py < im->h)
                v +=
                    weight * im->rgb[3 * ((size_t)py * (size_t)im->w + (size_t)px) + (size_t)c];
        }
    return v;
}

bool pixels_warp(const struct pixels *im, const struct similarity *s, int side, uint8_t *out,
                 struct ward_arena *mem)
{
    double det = s->a * s->a + s->b * s->b, ia = s->a / det, ib = -s->b / det;
    double scale = sqrt(det), half = side / 2.0 - s->tx, down = side / 2.0 - s->ty;
    double cx = ia * half - ib * down, cy = ib * half + ia * down;
    double reach = side / scale; /* more than half the diagonal of the chip */
    int k = scale > 0.5 ? 1 : 1 / scale > 4096 ? 4096 : (int)(1 / scale);
    double per, middle;
    struct reduced r;

    if (!pixels_reduce(im, (struct rect){cx - reach, cy - reach, 2 * reach, 2 * reach}, k, &r,
                       mem))
        return false;
    per = 1.0 / r.k;
    middle = (r.k - 1) / 2.0;
    for (int v = 0; v < side; v++)
        for (int u = 0; u < side; u++, out += 3) {
            double x = ia * (u - s->tx) - ib * (v - s->ty);
            double y = ib * (u - s->tx) + ia * (v - s->ty);

            x = (x - middle) * per - r.x0;
            y = (y - middle) * per - r.y0;
            if (x >= 0 && y >= 0 && x < r.im.w - 1 && y < r.im.h - 1) {
                blend_inside(&r.im, x, y, out);
                continue;
            }
            if (!(x > -2 && y > -2 && x < r.im.w + 1 && y < r.im.h + 1)) {
                out[0] = out[1] = out[2] = 0;
                continue;
            }
            for (int c = 0; c < 3; c++)
                out[c] = (uint8_t)(blend(&r.im, (int)floor(x), (int)floor(y), x - floor(x),
                                         y - floor(y), c) +
                                   0.5);
        }
    return true;
}
