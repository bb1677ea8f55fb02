#include "services/identity/face_pixels.h"

#include <math.h>

static int clamp(double v, int lo, int hi)
{
    return !(v >= lo) ? lo : v > hi ? hi : (int)v; /* NaN is lo */
}

/* Mean of the block (bx, by) of k x k, cut at the photograph's edge. */
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
        out[c] = (uint8_t)((sum[c] + n / 2) / n);
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

static const uint8_t *at(const struct pixels *im, int x, int y)
{
    x = x < 0 ? 0 : x >= im->w ? im->w - 1 : x;
    y = y < 0 ? 0 : y >= im->h ? im->h - 1 : y;
    return im->rgb + 3 * ((size_t)y * (size_t)im->w + (size_t)x);
}

/* Far outside, every pixel is the edge's: floor() of such a number must not overflow an int. */
static double near(double v, int size)
{
    return !(v >= -2) ? -2 : v > size + 1 ? size + 1 : v;
}

static void sample(const struct pixels *im, double fx, double fy, uint8_t *out)
{
    int ix, iy;
    double ax, ay;

    fx = near(fx, im->w), fy = near(fy, im->h);
    ix = (int)floor(fx), iy = (int)floor(fy);
    ax = fx - ix, ay = fy - iy;
    for (int c = 0; c < 3; c++) {
        double top = at(im, ix, iy)[c] * (1 - ax) + at(im, ix + 1, iy)[c] * ax;
        double low = at(im, ix, iy + 1)[c] * (1 - ax) + at(im, ix + 1, iy + 1)[c] * ax;

        out[c] = (uint8_t)(top * (1 - ay) + low * ay + 0.5);
    }
}

bool pixels_resize(const struct pixels *im, struct rect r, int w, int h, uint8_t *out,
                   struct ward_arena *mem)
{
    int k = clamp(floor(fmin(r.w / w, r.h / h)), 1, im->w > im->h ? im->w : im->h);
    struct reduced src;
    double sx = r.w / w / k, sy = r.h / h / k;

    if (!pixels_reduce(im, r, k, &src, mem))
        return false;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, out += 3)
            sample(&src.im, r.x / k - src.x0 + (x + 0.5) * sx - 0.5,
                   r.y / k - src.y0 + (y + 0.5) * sy - 0.5, out);
    return true;
}
