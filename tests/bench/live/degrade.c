#include "tests/bench/live/degrade.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

const char *const cover_names[COVER_N] = {"mask", "glasses", "half", "hand"};
const char *const attack_names[ATTACK_N] = {"print", "screen"};

static uint8_t clamp(double v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
}

static uint8_t *room(int w, int h, struct ward_arena *mem)
{
    return ward_alloc(mem, (size_t)3 * (size_t)w * (size_t)h);
}

/* Deterministic: the same seed makes the same picture. */
static unsigned next(unsigned *x)
{
    *x ^= *x << 13, *x ^= *x >> 17, *x ^= *x << 5;
    return *x;
}
static double uniform(unsigned *x, double lo, double hi)
{
    return lo + (hi - lo) * (next(x) >> 8) / 16777216.0;
}

static void at(const struct pixels *im, double x, double y, double out[3])
{
    double fx = fmin(fmax(x, 0), im->w - 1), fy = fmin(fmax(y, 0), im->h - 1);
    int x0 = (int)fx, y0 = (int)fy, x1 = x0 + (x0 + 1 < im->w), y1 = y0 + (y0 + 1 < im->h);
    double ax = fx - x0, ay = fy - y0;

#define PX(px, py, c) im->rgb[3 * ((size_t)(py) * (size_t)im->w + (size_t)(px)) + (size_t)(c)]
    for (int c = 0; c < 3; c++)
        out[c] = (PX(x0, y0, c) * (1 - ax) + PX(x1, y0, c) * ax) * (1 - ay) +
                 (PX(x0, y1, c) * (1 - ax) + PX(x1, y1, c) * ax) * ay;
#undef PX
}

struct pixels degrade_blur(const struct pixels *im, double sigma, struct ward_arena *mem)
{
    int r = (int)ceil(3 * sigma);
    double *k = ward_alloc(mem, (size_t)(2 * r + 1) * sizeof(*k)), sum = 0;
    uint8_t *mid = room(im->w, im->h, mem), *out = room(im->w, im->h, mem);

    if (k == NULL || mid == NULL || out == NULL)
        return (struct pixels){0};
    for (int i = -r; i <= r; i++)
        sum += k[i + r] = exp(-i * i / (2 * sigma * sigma));
    for (int pass = 0; pass < 2; pass++) {
        const uint8_t *from = pass == 0 ? im->rgb : mid;
        uint8_t *to = pass == 0 ? mid : out;

        for (int y = 0; y < im->h; y++)
            for (int x = 0; x < 3 * im->w; x++) {
                double v = 0;

                for (int i = -r; i <= r; i++) {
                    int u = x / 3 + (pass == 0 ? i : 0), w = y + (pass == 0 ? 0 : i);

                    u = u < 0 ? 0 : u >= im->w ? im->w - 1 : u;
                    w = w < 0 ? 0 : w >= im->h ? im->h - 1 : w;
                    v += k[i + r] *
                         from[3 * ((size_t)w * (size_t)im->w + (size_t)u) + (size_t)(x % 3)];
                }
                to[(size_t)y * (size_t)im->w * 3 + (size_t)x] = clamp(v / sum);
            }
    }
    return (struct pixels){im->w, im->h, out};
}

static struct pixels mapped(const struct pixels *im, const uint8_t map[256],
                            struct ward_arena *mem)
{
    uint8_t *out = room(im->w, im->h, mem);

    for (size_t i = 0; out != NULL && i < (size_t)3 * (size_t)im->w * (size_t)im->h; i++)
        out[i] = map[im->rgb[i]];
    return (struct pixels){out == NULL ? 0 : im->w, im->h, out};
}

struct pixels degrade_gamma(const struct pixels *im, double gamma, struct ward_arena *mem)
{
    uint8_t map[256];

    for (int i = 0; i < 256; i++)
        map[i] = clamp(255 * pow(i / 255.0, gamma));
    return mapped(im, map, mem);
}

struct pixels degrade_gain(const struct pixels *im, double k, struct ward_arena *mem)
{
    uint8_t map[256];

    for (int i = 0; i < 256; i++)
        map[i] = clamp(i * k);
    return mapped(im, map, mem);
}

struct pixels degrade_turn(const struct pixels *im, double degrees, struct ward_arena *mem)
{
    uint8_t *out = room(im->w, im->h, mem);
    double c = cos(degrees * PI / 180), s = sin(degrees * PI / 180), v[3];

    if (out == NULL)
        return (struct pixels){0};
    for (int y = 0; y < im->h; y++)
        for (int x = 0; x < im->w; x++) {
            double dx = x - im->w / 2.0, dy = y - im->h / 2.0;

            at(im, im->w / 2.0 + c * dx + s * dy, im->h / 2.0 - s * dx + c * dy, v);
            for (int k = 0; k < 3; k++)
                out[3 * (y * im->w + x) + k] = clamp(v[k]);
        }
    return (struct pixels){im->w, im->h, out};
}

struct pixels degrade_mirror(const struct pixels *im, struct ward_arena *mem)
{
    uint8_t *out = room(im->w, im->h, mem);

    for (int y = 0; out != NULL && y < im->h; y++)
        for (int x = 0; x < im->w; x++)
            memcpy(out + 3 * (y * im->w + x), im->rgb + 3 * (y * im->w + im->w - 1 - x), 3);
    return (struct pixels){out == NULL ? 0 : im->w, im->h, out};
}

struct pixels degrade_crop(const struct pixels *im, int x, int y, int w, int h,
                           struct ward_arena *mem)
{
    uint8_t *out = room(w, h, mem);

    for (int j = 0; out != NULL && j < h; j++)
        memcpy(out + (size_t)3 * (size_t)w * (size_t)j, im->rgb + 3 * ((y + j) * im->w + x),
               (size_t)3 * (size_t)w);
    return (struct pixels){out == NULL ? 0 : w, h, out};
}

/* ---- covers ---- */

struct point {
    double x, y;
};

static bool within(const struct point *p, int n, double x, double y)
{
    bool in = false;

    for (int i = 0, j = n - 1; i < n; j = i++)
        if ((p[i].y > y) != (p[j].y > y) &&
            x < (p[j].x - p[i].x) * (y - p[i].y) / (p[j].y - p[i].y) + p[i].x)
            in = !in;
    return in;
}

static struct point mark(const struct face *f, int i)
{
    return (struct point){f->marks[i][0], f->marks[i][1]};
}

/* From mark i towards j and t times as far. */
static struct point beyond(const struct face *f, int i, int j, double t)
{
    struct point a = mark(f, i), b = mark(f, j);

    return (struct point){a.x + t * (b.x - a.x), a.y + t * (b.y - a.y)};
}

static int outline(const struct face *f, enum cover what, unsigned seed, struct point *p)
{
    int n = 0;

    switch (what) {
    case COVER_MASK: /* ear to ear below the eyes, over the nose's bridge */
        for (int i = 1; i <= 15; i++)
            p[n++] = beyond(f, 30, i, 1.08);
        p[n++] = mark(f, 28);
        break;
    case COVER_GLASSES: /* a dark band from brow to cheek */
        p[n++] = beyond(f, 27, 0, 0.95);
        p[n++] = beyond(f, 41, 19, 1.0);
        p[n++] = mark(f, 27);
        p[n++] = beyond(f, 46, 24, 1.0);
        p[n++] = beyond(f, 27, 16, 0.95);
        p[n++] = beyond(f, 44, 46, 2.6);
        p[n++] = mark(f, 28);
        p[n++] = beyond(f, 37, 41, 2.6);
        break;
    case COVER_HALF: /* the picture's left or right half */
        p[n++] = beyond(f, 8, 27, 1.6);
        for (int i = 0; i <= 8; i++)
            p[n++] = beyond(f, 30, seed & 1 ? i : 16 - i, 1.2);
        break;
    default: /* a hand before mouth and chin */
        for (int i = 4; i <= 12; i++)
            p[n++] = beyond(f, 51, i, 1.15);
        p[n++] = beyond(f, 12, 35, 0.8);
        p[n++] = mark(f, 33);
        p[n++] = beyond(f, 4, 31, 0.8);
        break;
    }
    return n;
}

struct pixels degrade_cover(const struct pixels *im, const struct face *f, enum cover what,
                            unsigned seed, struct ward_arena *mem)
{
    static const uint8_t masks[5][3] = {
        {150, 190, 215}, {235, 235, 235}, {35, 35, 40}, {120, 170, 150}, {200, 170, 140}};
    static const uint8_t halves[3][3] = {{60, 45, 35}, {170, 130, 110}, {120, 120, 120}};
    unsigned x = seed * 2654435761u + 88172645u;
    uint8_t *out = room(im->w, im->h, mem), colour[3] = {22, 22, 25};
    struct point p[32];
    int n = outline(f, what, seed, p);
    double skin[3];

    if (out == NULL)
        return (struct pixels){0};
    memcpy(out, im->rgb, (size_t)3 * (size_t)im->w * (size_t)im->h);
    if (what == COVER_MASK)
        memcpy(colour, masks[next(&x) % 5], 3);
    if (what == COVER_HALF)
        memcpy(colour, halves[next(&x) % 3], 3);
    if (what == COVER_HAND) { /* their own skin: the cheek's colour, a little darker */
        at(im, (f->marks[29][0] + f->marks[2][0]) / 2, (f->marks[29][1] + f->marks[2][1]) / 2,
           skin);
        for (int c = 0; c < 3; c++)
            colour[c] = clamp(skin[c] * 0.93);
    }
    for (int y = 0; y < im->h; y++)
        for (int u = 0; u < im->w; u++) {
            double shade = 1 - 0.15 * sin(y * 0.21) * sin(u * 0.13);

            if (!within(p, n, u + 0.5, y + 0.5))
                continue;
            for (int c = 0; c < 3; c++)
                out[3 * (y * im->w + u) + c] = clamp(colour[c] * shade + uniform(&x, -4, 4));
        }
    return (struct pixels){im->w, im->h, out};
}

struct pixels degrade_lids(const struct pixels *im, const struct face *f,
                           struct ward_arena *mem)
{
    uint8_t *out = room(im->w, im->h, mem);

    if (out == NULL)
        return (struct pixels){0};
    memcpy(out, im->rgb, (size_t)3 * (size_t)im->w * (size_t)im->h);
    for (int e = FACE_EYE_LEFT; e <= FACE_EYE_RIGHT; e += 6) {
        double cx = 0, cy = 0, rx, ry, skin[3];

        for (int i = 0; i < 6; i++)
            cx += f->marks[e + i][0] / 6, cy += f->marks[e + i][1] / 6;
        rx = 0.62 *
             hypot(f->marks[e + 3][0] - f->marks[e][0], f->marks[e + 3][1] - f->marks[e][1]);
        ry = 0.55 * rx;
        at(im, cx, cy + 2.2 * ry, skin);
        for (int y = (int)(cy - ry); y <= (int)(cy + ry); y++)
            for (int x = (int)(cx - rx); x <= (int)(cx + rx); x++) {
                double u = (x + 0.5 - cx) / rx, v = (y + 0.5 - cy) / ry, r = u * u + v * v;
                double lash = exp(-pow((v - 0.45 + 0.35 * u * u) / 0.16, 2));
                double w = r >= 1 ? 0 : fmin(1, 3 * (1 - r));

                if (x < 0 || y < 0 || x >= im->w || y >= im->h)
                    continue;
                for (int c = 0; c < 3; c++) {
                    uint8_t *q = &out[3 * (y * im->w + x) + c];

                    *q = clamp(*q * (1 - w) + w * skin[c] * (1 - 0.65 * lash));
                }
            }
    }
    return (struct pixels){im->w, im->h, out};
}

/* ---- attacks ---- */

struct shown {
    double corner[4][2]; /* of the medium in the new picture: clockwise from top left */
    double warm, gain, lift;
};

/* Where in the unit square the point lies, by bilinear inversion in four steps of Newton's. */
static bool unmap(const struct shown *s, double x, double y, double *u, double *v)
{
    double a = 0.5, b = 0.5;

    for (int i = 0; i < 6; i++) {
        double f[2], du[2], dv[2], d, t[2] = {x, y};

        for (int c = 0; c < 2; c++) {
            double p = s->corner[0][c], q = s->corner[1][c], r = s->corner[2][c],
                   w = s->corner[3][c];

            f[c] = p * (1 - a) * (1 - b) + q * a * (1 - b) + r * a * b + w * (1 - a) * b - t[c];
            du[c] = (q - p) * (1 - b) + (r - w) * b;
            dv[c] = (w - p) * (1 - a) + (r - q) * a;
        }
        d = du[0] * dv[1] - du[1] * dv[0];
        a -= (f[0] * dv[1] - f[1] * dv[0]) / d;
        b -= (du[0] * f[1] - du[1] * f[0]) / d;
    }
    *u = a, *v = b;
    return a >= 0 && a <= 1 && b >= 0 && b <= 1;
}

static void medium(const struct pixels *im, enum attack what, const struct shown *s, double u,
                   double v, double out[3])
{
    const double border = what == ATTACK_PRINT ? 0.03 : 0.05;
    double in_u = (u - border) / (1 - 2 * border), in_v = (v - border) / (1 - 2 * border);

    if (in_u < 0 || in_u > 1 || in_v < 0 || in_v > 1) {
        for (int c = 0; c < 3; c++)
            out[c] = what == ATTACK_PRINT ? 232 : 18;
        return;
    }
    at(im, in_u * (im->w - 1), in_v * (im->h - 1), out);
    for (int c = 0; c < 3; c++)
        out[c] = s->lift + out[c] * s->gain * (c == 0 ? 1 + s->warm : c == 2 ? 1 - s->warm : 1);
    if (what == ATTACK_SCREEN) /* the grid of its points against the camera's: a slow wave */
        for (int c = 0; c < 3; c++)
            out[c] *= 1 + 0.06 * sin(2 * PI * (in_u * im->w / 3.3 + c / 3.0)) +
                      0.04 * sin(2 * PI * in_v * im->h / 4.1);
}

struct pixels degrade_attack(const struct pixels *im, enum attack what, unsigned seed,
                             struct ward_arena *mem)
{
    unsigned x = seed * 2654435761u + 362436069u;
    uint8_t *out = room(im->w, im->h, mem);
    struct pixels made = {im->w, im->h, out};
    struct shown s = {
        .warm = what == ATTACK_PRINT ? uniform(&x, 0, 0.12) : uniform(&x, -0.12, 0.02),
        .gain = what == ATTACK_PRINT ? uniform(&x, 0.7, 0.85) : uniform(&x, 0.9, 1.1),
        .lift = what == ATTACK_PRINT ? uniform(&x, 15, 35) : uniform(&x, 0, 15)};
    double wall = uniform(&x, 60, 200), v[3];

    if (out == NULL)
        return (struct pixels){0};
    for (int i = 0; i < 4; i++) {
        double m = 0.06 * im->w;

        s.corner[i][0] = (i == 1 || i == 2 ? im->w - m : m) + uniform(&x, -m, m);
        s.corner[i][1] = (i >= 2 ? im->h - m : m) + uniform(&x, -m, m);
    }
    for (int j = 0; j < im->h; j++)
        for (int i = 0; i < im->w; i++) {
            double a, b;

            if (unmap(&s, i + 0.5, j + 0.5, &a, &b))
                medium(im, what, &s, a, b, v);
            else
                v[0] = v[1] = v[2] = wall;
            for (int c = 0; c < 3; c++)
                out[3 * (j * im->w + i) + c] = clamp(v[c] + uniform(&x, -3, 3));
        }
    return degrade_blur(&made, uniform(&x, 0.5, 0.9), mem);
}
