/* Searches for faces that face_detect does not find: beyond the picture's edge, in parts of the
 * picture, and with lower scores. */
#include "services/identity/face/face_pixels.h"
#include "services/identity/live/live.h"

#include <math.h>

#include <string.h>

#define CANVAS_SIDE 640 /* about twice the input size of any detector */
#define GREY        127

/* Draws the region, grey outside the picture, with one pixel for each block of k x k pixels. */
static bool canvas_of(const struct reduced *r, struct rect around, struct pixels *out,
                      struct ward_arena *mem)
{
    int x0 = (int)floor(around.x / r->k), y0 = (int)floor(around.y / r->k);
    int w = (int)ceil((around.x + around.w) / r->k) - x0,
        h = (int)ceil((around.y + around.h) / r->k) - y0;
    int from = r->x0 > x0 ? r->x0 : x0,
        to = r->x0 + r->im.w < x0 + w ? r->x0 + r->im.w : x0 + w;
    uint8_t *rgb = w < 1 || h < 1 ? NULL : ward_alloc(mem, (size_t)3 * (size_t)w * (size_t)h);

    if (rgb == NULL)
        return false;
    memset(rgb, GREY, (size_t)3 * (size_t)w * (size_t)h);
    for (int y = 0; y < h; y++) {
        int row = y0 + y - r->y0;

        if (row >= 0 && row < r->im.h && to > from)
            memcpy(rgb + 3 * ((size_t)y * (size_t)w + (size_t)(from - x0)),
                   r->im.rgb + 3 * ((size_t)row * (size_t)r->im.w + (size_t)(from - r->x0)),
                   (size_t)3 * (size_t)(to - from));
    }
    *out = (struct pixels){w, h, rgb};
    return true;
}

enum ward_code face_search(struct face_engine *e, struct ward_arena *mem,
                           const struct ward_stop *stop, const struct pixels *im,
                           struct rect around, struct face_box *out, int *n,
                           struct ward_err *err)
{
    double most = around.w > around.h ? around.w : around.h;
    int k = most < 2.0 * CANVAS_SIDE ? 1 : (int)(most / CANVAS_SIDE);
    double x0 = floor(around.x / k) * k, y0 = floor(around.y / k) * k;
    struct pixels canvas;
    struct reduced r;

    if (!pixels_reduce(im, around, k, &r, mem) || !canvas_of(&r, around, &canvas, mem))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to look for faces");
    WARD_TRY(face_detect(e, mem, stop, &canvas, out, n, err));
    for (int i = 0; i < *n; i++) {
        out[i].x1 = out[i].x1 * k + x0, out[i].x2 = out[i].x2 * k + x0;
        out[i].y1 = out[i].y1 * k + y0, out[i].y2 = out[i].y2 * k + y0;
    }
    return WARD_OK;
}

/* The smallest 4:3 rectangle around r, with equal centre. */
static struct rect letterbox(struct rect r)
{
    double w = r.w, h = r.h;

    if (w * FACE_DETECT_H > h * FACE_DETECT_W)
        h = w * FACE_DETECT_H / FACE_DETECT_W;
    else
        w = h * FACE_DETECT_W / FACE_DETECT_H;
    return (struct rect){r.x + (r.w - w) / 2, r.y + (r.h - h) / 2, w, h};
}

/* Maps scores from `least` upwards to the detector's range from FACE_DETECT_MIN upwards. The
 * order of scores is preserved. */
static void lift(float *scores, double least)
{
    const double up = (1 - FACE_DETECT_MIN) / (1 - least);

    for (int i = 0; i < FACE_ANCHORS; i++)
        scores[2 * i + 1] = (float)(1 - (1 - scores[2 * i + 1]) * up);
}

enum ward_code face_search_low(struct face_engine *e, struct ward_arena *mem,
                               const struct ward_stop *stop, const struct pixels *im,
                               struct rect region, double least, struct face_box *out, int *n,
                               struct ward_err *err)
{
    struct rect around = letterbox(region);
    struct ward_tensor in, answer[4];
    uint32_t n_out = WARD_COUNT(answer);
    const struct ward_tensor *s, *b;
    float *scores = ward_alloc(mem, (size_t)FACE_ANCHORS * 2 * sizeof(*scores));

    WARD_TRY(face_model_input(FACE_DETECT, mem, &in, err));
    if (scores == NULL || !face_fill_detect(im, around, in.data, mem))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to prepare a photograph");
    WARD_TRY(face_model_run(e, FACE_DETECT, mem, stop, &in, answer, &n_out, err));
    s = ward_tensor_named(answer, n_out, "scores");
    b = ward_tensor_named(answer, n_out, "boxes");
    if (s == NULL || b == NULL || s->nbytes != FACE_ANCHORS * 2 * sizeof(float) ||
        b->nbytes != FACE_ANCHORS * 4 * sizeof(float))
        return WARD_FAIL(err, INTERNAL, "a face model's output has the wrong form");
    memcpy(scores, s->data, s->nbytes);
    lift(scores, least);
    if (!face_boxes(scores, b->data, FACE_ANCHORS, around, out, FACE_MAX_FOUND, n, mem))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the faces found");
    for (int i = 0; i < *n; i++)
        out[i].score = 1 - (1 - out[i].score) * (1 - least) / (1 - FACE_DETECT_MIN);
    return WARD_OK;
}
