/* Steps that move pixels: crop, resize, rotate. */
#include "services/diagnosis/steps/steps_own.h"

#include <math.h>
#include <string.h>

/* ---- crop ---- */

/* Crops in place: the remaining pixels move to the front. */
enum ward_code plane_crop(struct plane *p, const struct step *s)
{
    int side = p->w < p->h ? p->w : p->h, w = s->width, h = s->height, x0 = s->x, y0 = s->y;

    if (s->op == STEP_CROP_SQUARE) {
        w = h = side;
        x0 = (p->w - side) / 2;
        y0 = (p->h - side) / 2;
    }
    if (x0 + w > p->w || y0 + h > p->h)
        return WARD_FAIL_REASON(p->err, INVALID_ARGUMENT, "INPUT_TOO_SMALL",
                                "the model reads %dx%d pixels at %d,%d; the picture is %dx%d",
                                w, h, x0, y0, p->w, p->h);
    for (int y = 0; y < h; y++)
        memmove(p->px + (size_t)y * (size_t)w,
                p->px + (size_t)(y + y0) * (size_t)p->w + (size_t)x0,
                (size_t)w * sizeof(float));
    p->w = w;
    p->h = h;
    return WARD_OK;
}

/* ---- resize ---- */

/* Resizes one line of n values, `from_step` apart, to m values. */
static void area_line(const float *from, size_t from_step, int n, float *to, size_t to_step,
                      int m)
{
    const double scale = (double)n / m;

    for (int i = 0; i < m; i++) {
        double a = i * scale, b = (i + 1) * scale, sum = 0;

        for (int k = (int)a; k < n && k < b; k++) {
            double share = fmin(b, k + 1) - fmax(a, k);

            sum += share * (double)from[(size_t)k * from_step];
        }
        to[(size_t)i * to_step] = (float)(sum / scale);
    }
}

void steps_area(const float *from, int sw, int sh, float *to, int dw, int dh, float *tmp)
{
    for (int y = 0; y < sh; y++)
        area_line(from + (size_t)y * (size_t)sw, 1, sw, tmp + (size_t)y * (size_t)dw, 1, dw);
    for (int x = 0; x < dw; x++)
        area_line(tmp + x, (size_t)dw, sh, to + x, (size_t)dw, dh);
}

/* Interpolates between pixels; (0, 0) is the centre of the first pixel. Outside the picture,
 * the value is *fill, or that of the nearest pixel if `fill` is NULL. */
static double between(const struct plane *p, double x, double y, const double *fill)
{
    int x0 = (int)floor(x), y0 = (int)floor(y);
    double ax = x - x0, ay = y - y0, sum = 0;

    for (int k = 0; k < 4; k++) {
        int xi = x0 + (k & 1), yi = y0 + (k >> 1);
        double share = ((k & 1) ? ax : 1 - ax) * ((k >> 1) ? ay : 1 - ay), v;
        bool outside = xi < 0 || yi < 0 || xi >= p->w || yi >= p->h;

        xi = xi < 0 ? 0 : xi >= p->w ? p->w - 1 : xi;
        yi = yi < 0 ? 0 : yi >= p->h ? p->h - 1 : yi;
        v = outside && fill != NULL ? *fill
                                    : (double)p->px[(size_t)yi * (size_t)p->w + (size_t)xi];
        sum += share * v;
    }
    return sum;
}

static enum ward_code bilinear(struct plane *p, int dw, int dh, float *to)
{
    double sx = (double)p->w / dw, sy = (double)p->h / dh;

    for (int y = 0; y < dh; y++) {
        WARD_TRY(plane_go_on(p));
        for (int x = 0; x < dw; x++)
            to[(size_t)y * (size_t)dw + (size_t)x] =
                (float)between(p, (x + 0.5) * sx - 0.5, (y + 0.5) * sy - 0.5, NULL);
    }
    return WARD_OK;
}

static enum ward_code area(struct plane *p, int dw, int dh, float *to)
{
    float *tmp = ward_alloc(p->mem, (size_t)dw * (size_t)p->h * sizeof(float));

    if (tmp == NULL)
        return WARD_FAIL(p->err, RESOURCE_EXHAUSTED, "no memory for an input");
    for (int y = 0; y < p->h; y++) {
        WARD_TRY(plane_go_on(p));
        area_line(p->px + (size_t)y * (size_t)p->w, 1, p->w, tmp + (size_t)y * (size_t)dw, 1,
                  dw);
    }
    for (int x = 0; x < dw; x++)
        area_line(tmp + x, (size_t)dw, p->h, to + x, (size_t)dw, dh);
    return WARD_OK;
}

/* Allocates memory for the result, because the result may be larger than the picture. */
enum ward_code plane_resize(struct plane *p, const struct step *s)
{
    size_t n = (size_t)s->width * (size_t)s->height;
    float *to = ward_alloc(p->mem, n * sizeof(float));

    if (to == NULL)
        return WARD_FAIL(p->err, RESOURCE_EXHAUSTED, "no memory for an input");
    WARD_TRY(s->op == STEP_RESIZE_AREA ? area(p, s->width, s->height, to)
                                       : bilinear(p, s->width, s->height, to));
    p->px = to;
    p->spare = NULL;
    p->cap = n;
    p->w = s->width;
    p->h = s->height;
    return WARD_OK;
}

/* ---- rotate ---- */

static int quarter_turns(double degrees)
{
    double turns = degrees / 90;

    return turns == floor(turns) ? (((int)turns % 4) + 4) % 4 : -1;
}

static enum ward_code turn(struct plane *p, int turns)
{
    const int w = p->w, h = p->h, dw = turns == 2 ? w : h, dh = turns == 2 ? h : w;

    for (int y = 0; y < dh; y++) {
        WARD_TRY(plane_go_on(p));
        for (int x = 0; x < dw; x++) {
            int sx = turns == 1 ? y : turns == 2 ? w - 1 - x : w - 1 - y;
            int sy = turns == 1 ? h - 1 - x : turns == 2 ? h - 1 - y : x;

            p->spare[(size_t)y * (size_t)dw + (size_t)x] =
                p->px[(size_t)sy * (size_t)w + (size_t)sx];
        }
    }
    p->w = dw;
    p->h = dh;
    return WARD_OK;
}

/* Rotates clockwise about the centre. A multiple of a quarter turn moves pixels. Any other
 * angle interpolates, and the size does not change. */
enum ward_code plane_rotate(struct plane *p, const struct step *s)
{
    const double a = s->degrees * 3.14159265358979323846 / 180, ca = cos(a), sa = sin(a);
    const double cx = (p->w - 1) / 2.0, cy = (p->h - 1) / 2.0;
    int turns = quarter_turns(s->degrees);

    if (turns == 0)
        return WARD_OK;
    WARD_TRY(plane_spare(p));
    if (turns > 0)
        WARD_TRY(turn(p, turns));
    for (int y = 0; turns < 0 && y < p->h; y++) {
        WARD_TRY(plane_go_on(p));
        for (int x = 0; x < p->w; x++) {
            double dx = x - cx, dy = y - cy;

            p->spare[(size_t)y * (size_t)p->w + (size_t)x] =
                (float)between(p, cx + ca * dx + sa * dy, cy - sa * dx + ca * dy, &s->fill);
        }
    }
    plane_swap(p);
    return WARD_OK;
}
