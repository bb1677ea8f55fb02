/* Looking for faces where and how face_detect does not: beyond the picture's edge, and down to
 * lower scores. */
#include "services/identity/live/live.h"

#include <string.h>

/* The 4:3 rectangle around another, centred. */
static struct rect letterbox(struct rect r)
{
    double w = r.w, h = r.h;

    if (w * FACE_DETECT_H > h * FACE_DETECT_W)
        h = w * FACE_DETECT_H / FACE_DETECT_W;
    else
        w = h * FACE_DETECT_W / FACE_DETECT_H;
    return (struct rect){r.x + (r.w - w) / 2, r.y + (r.h - h) / 2, w, h};
}

/* Scores from `least` up count as the detector's own from FACE_DETECT_MIN: order is kept. */
static void lift(float *scores, double least)
{
    const double up = (1 - FACE_DETECT_MIN) / (1 - least);

    for (int i = 0; i < FACE_ANCHORS; i++)
        scores[2 * i + 1] = (float)(1 - (1 - scores[2 * i + 1]) * up);
}

enum ward_code face_search(struct face_engine *e, struct ward_arena *mem,
                           const struct ward_stop *stop, const struct pixels *im,
                           const struct face_search *how, struct face_box *out, int *n,
                           struct ward_err *err)
{
    struct rect around = letterbox(how->around);
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
        return WARD_FAIL(err, INTERNAL, "a face model's output is not as it should be");
    memcpy(scores, s->data, s->nbytes);
    lift(scores, how->least);
    if (!face_boxes(scores, b->data, FACE_ANCHORS, around, out, FACE_MAX_FOUND, n, mem))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the faces found");
    for (int i = 0; i < *n; i++)
        out[i].score = 1 - (1 - out[i].score) * (1 - how->least) / (1 - FACE_DETECT_MIN);
    return WARD_OK;
}
