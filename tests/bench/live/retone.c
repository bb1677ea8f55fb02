#include "tests/bench/live/degrade.h"

#include <string.h>

static uint8_t *room(int w, int h, struct ward_arena *mem)
{
    return ward_alloc(mem, (size_t)3 * (size_t)w * (size_t)h);
}

static size_t count(const struct pixels *im)
{
    return (size_t)im->w * (size_t)im->h;
}

static int grey_of(const uint8_t *p)
{
    return (77 * p[0] + 150 * p[1] + 29 * p[2]) >> 8;
}

struct pixels degrade_negative(const struct pixels *im, bool colour, struct ward_arena *mem)
{
    uint8_t *out = room(im->w, im->h, mem);

    for (size_t i = 0; out != NULL && i < 3 * count(im); i++)
        out[i] = (uint8_t)(255 - (colour ? im->rgb[i] : grey_of(im->rgb + i / 3 * 3)));
    return (struct pixels){out == NULL ? 0 : im->w, im->h, out};
}

struct pixels degrade_tones(const struct pixels *im, int n, struct ward_arena *mem)
{
    uint8_t *out = room(im->w, im->h, mem);

    for (size_t i = 0; out != NULL && i < count(im); i++)
        memset(out + 3 * i, grey_of(im->rgb + 3 * i) * n / 256 * 255 / (n - 1), 3);
    return (struct pixels){out == NULL ? 0 : im->w, im->h, out};
}

/* Eight times a pixel less its neighbours, one colour. */
static int edge_at(const struct pixels *im, int x, int y, int c)
{
    int sum = 0;

    for (int j = y - 1; j <= y + 1; j++)
        for (int i = x - 1; i <= x + 1; i++) {
            int u = i < 0 ? 0 : i < im->w ? i : im->w - 1;
            int v = j < 0 ? 0 : j < im->h ? j : im->h - 1;
            int k = i == x && j == y ? 8 : -1;

            sum += k * im->rgb[3 * ((size_t)v * (size_t)im->w + (size_t)u) + (size_t)c];
        }
    return sum < 0 ? 0 : sum > 255 ? 255 : sum;
}

struct pixels degrade_edges(const struct pixels *im, bool on_white, struct ward_arena *mem)
{
    uint8_t *out = room(im->w, im->h, mem);

    for (int y = 0; out != NULL && y < im->h; y++)
        for (int x = 0; x < im->w; x++)
            for (int c = 0; c < 3; c++) {
                int v = edge_at(im, x, y, c);

                out[3 * ((size_t)y * (size_t)im->w + (size_t)x) + (size_t)c] =
                    (uint8_t)(on_white ? 255 - v : v);
            }
    return (struct pixels){out == NULL ? 0 : im->w, im->h, out};
}

/* Floyd and Steinberg's: what is wrong with one pixel is made good at the next ones. */
struct pixels degrade_dots(const struct pixels *im, struct ward_arena *mem)
{
    size_t w = (size_t)im->w, n = count(im);
    uint8_t *out = room(im->w, im->h, mem);
    float *owed = ward_alloc(mem, (n + w + 2) * sizeof(*owed));

    if (out == NULL || owed == NULL)
        return (struct pixels){0};
    for (size_t i = 0; i < n; i++) {
        float v = (float)grey_of(im->rgb + 3 * i) + owed[i], now = v > 127 ? 255 : 0;
        float off = (v - now) / 16;

        memset(out + 3 * i, (int)now, 3);
        owed[i + 1] += 7 * off;
        owed[i + w - 1] += 3 * off;
        owed[i + w] += 5 * off;
        owed[i + w + 1] += off;
    }
    return (struct pixels){im->w, im->h, out};
}

struct pixels degrade_quarter(const struct pixels *im, int times, struct ward_arena *mem)
{
    struct pixels is = *im;

    for (; times > 0 && is.rgb != NULL; times--) {
        uint8_t *out = room(is.w, is.h, mem);

        for (int y = 0; out != NULL && y < is.h; y++)
            for (int x = 0; x < is.w; x++)
                memcpy(out + 3 * ((size_t)x * (size_t)is.h + (size_t)(is.h - 1 - y)),
                       is.rgb + 3 * ((size_t)y * (size_t)is.w + (size_t)x), 3);
        is = (struct pixels){out == NULL ? 0 : is.h, is.w, out};
    }
    return is;
}
