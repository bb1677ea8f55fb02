#include "services/identity/face/face_pixels.h"
#include "services/identity/live/live.h"

#include <math.h>

/* The threshold at which the model prefers "live" over its two other classes. Source: make
 * eval-liveness on 2,320 LFW images (2026-11-21): 4.1 % of living people rejected, 8.4 % of
 * simulated prints and 1.6 % of simulated screens accepted. Results on real attacks are far
 * worse (docs/face.md): the score is a signal, not a control. */
const double LIVENESS_THRESHOLD = 0.5;

#define SIDE 128
/* side of the crop in face sizes: the edges of a print or screen are visible */
#define SCALE     2.7
#define POSE_SIDE 224
/* side of the crop in box heights; with 1.5, mirrored heads do not reverse the sign (r -0.3) */
#define POSE_SCALE 1.0
#define POSE_BINS  66
#define EYE_SIDE   24
#define EYE_SCALE  1.6

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to prepare a photograph");
}

/* Finds the output `name` (or the first output, for "") with `n` floats. */
static enum ward_code take(const struct ward_tensor *t, uint32_t n_t, const char *name,
                           uint64_t n, const float **out, struct ward_err *err)
{
    const struct ward_tensor *a = *name == '\0' ? t : ward_tensor_named(t, n_t, name);

    if (n_t == 0 || a == NULL || a->dtype != WARD_F32 || a->nbytes != n * sizeof(float))
        return WARD_FAIL(err, INTERNAL, "the output of a face model is invalid");
    *out = a->data;
    return WARD_OK;
}

/* The softmax probability of class `k` of n. */
static double share(const float *v, int n, int k)
{
    double most = v[0], sum = 0;

    for (int i = 1; i < n; i++)
        most = v[i] > most ? v[i] : most;
    for (int i = 0; i < n; i++)
        sum += exp(v[i] - most);
    return exp(v[k] - most) / sum;
}

/* A square of `side` around the box, moved into the picture, and at most as large as the
 * picture. */
static struct rect inside(const struct pixels *im, const struct face_box *box, double side)
{
    double most = im->w < im->h ? im->w : im->h;
    double s = side < most ? side : most;
    double x = (box->x1 + box->x2 - s) / 2, y = (box->y1 + box->y2 - s) / 2;

    x = x < 0 ? 0 : x > im->w - s ? im->w - s : x;
    y = y < 0 ? 0 : y > im->h - s ? im->h - s : y;
    return (struct rect){x, y, s, s};
}

enum ward_code liveness_score(struct face_engine *e, struct ward_arena *mem,
                              const struct ward_stop *stop, const struct pixels *im,
                              const struct face_box *box, double *score, struct ward_err *err)
{
    uint8_t *rgb = ward_alloc(mem, (size_t)3 * SIDE * SIDE);
    struct ward_tensor in, answer[2];
    uint32_t n = WARD_COUNT(answer);
    const float *v = NULL;
    float *to;
    double live;

    WARD_TRY(face_model_input(FACE_LIVENESS, mem, &in, err));
    if (rgb == NULL ||
        !pixels_resize(im, inside(im, box, SCALE * (box->y2 - box->y1)), SIDE, SIDE, rgb, mem))
        return no_memory(err);
    to = in.data;
    for (int i = 0; i < SIDE * SIDE; i++)
        for (int c = 0; c < 3; c++)
            to[c * SIDE * SIDE + i] = rgb[3 * i + 2 - c];
    WARD_TRY(face_model_run(e, FACE_LIVENESS, mem, stop, &in, answer, &n, err));
    WARD_TRY(take(answer, n, "", 3, &v, err));
    live = share(v, 3, 0);
    if (!(live >= 0 && live <= 1))
        return WARD_FAIL(err, INTERNAL,
                         "the liveness model returned a value that is not a number");
    *score = live;
    return WARD_OK;
}

/* Converts the model's 66 bins of 3 degrees to an angle in degrees. */
static double angle(const float *bins)
{
    double sum = 0;

    for (int i = 0; i < POSE_BINS; i++)
        sum += share(bins, POSE_BINS, i) * i;
    return 3 * sum - 99;
}

enum ward_code pose_measure(struct face_engine *e, struct ward_arena *mem,
                            const struct ward_stop *stop, const struct pixels *im,
                            const struct face_box *box, double *yaw, double *pitch,
                            double *roll, struct ward_err *err)
{
    static const double mean[3] = {0.485, 0.456, 0.406}, sd[3] = {0.229, 0.224, 0.225};
    static const char *const names[3] = {"output", "617", "618"};
    double side = POSE_SCALE * (box->y2 - box->y1), got[3];
    struct rect around = {(box->x1 + box->x2 - side) / 2, (box->y1 + box->y2 - side) / 2, side,
                          side};
    uint8_t *rgb = ward_alloc(mem, (size_t)3 * POSE_SIDE * POSE_SIDE);
    struct ward_tensor in, answer[4];
    uint32_t n = WARD_COUNT(answer);
    float *to;

    WARD_TRY(face_model_input(FACE_POSE, mem, &in, err));
    if (rgb == NULL || !pixels_resize(im, around, POSE_SIDE, POSE_SIDE, rgb, mem))
        return no_memory(err);
    to = in.data;
    for (int i = 0; i < POSE_SIDE * POSE_SIDE; i++)
        for (int c = 0; c < 3; c++)
            to[c * POSE_SIDE * POSE_SIDE + i] =
                (float)((rgb[3 * i + c] / 255.0 - mean[c]) / sd[c]);
    WARD_TRY(face_model_run(e, FACE_POSE, mem, stop, &in, answer, &n, err));
    for (int k = 0; k < 3; k++) {
        const float *bins = NULL;

        WARD_TRY(take(answer, n, names[k], POSE_BINS, &bins, err));
        got[k] = angle(bins);
        if (!(fabs(got[k]) <= 99))
            return WARD_FAIL(err, INTERNAL,
                             "the pose model returned a value that is not a number");
    }
    /* the model's positive direction is the picture's left, which is the person's right */
    *yaw = -got[0];
    *pitch = got[1];
    *roll = got[2];
    return WARD_OK;
}

/* How closed one eye is, 0..1. `first` is the index of the eye's first landmark. */
static enum ward_code eye(struct face_engine *e, struct ward_arena *mem,
                          const struct ward_stop *stop, const struct pixels *im,
                          const struct face *f, int first, double *closed, struct ward_err *err)
{
    static const int lid[4] = {1, 2, 4, 5};
    const double(*m)[2] = &f->marks[first];
    double x = 0, y = 0, side = EYE_SCALE * hypot(m[3][0] - m[0][0], m[3][1] - m[0][1]);
    uint8_t rgb[3 * EYE_SIDE * EYE_SIDE];
    struct ward_tensor in, answer[2];
    uint32_t n = WARD_COUNT(answer);
    const float *v = NULL;
    float *to;

    for (int i = 0; i < 4; i++)
        x += m[lid[i]][0] / 4, y += m[lid[i]][1] / 4;
    side = side < 4 ? 4 : side;
    WARD_TRY(face_model_input(FACE_EYE, mem, &in, err));
    if (!pixels_resize(im, (struct rect){x - side / 2, y - side / 2, side, side}, EYE_SIDE,
                       EYE_SIDE, rgb, mem))
        return no_memory(err);
    to = in.data;
    for (int i = 0; i < EYE_SIDE * EYE_SIDE; i++)
        to[i] = (float)((int)(.299 * rgb[3 * i] + .587 * rgb[3 * i + 1] +
                              .114 * rgb[3 * i + 2] + .5) /
                        255.0);
    WARD_TRY(face_model_run(e, FACE_EYE, mem, stop, &in, answer, &n, err));
    WARD_TRY(take(answer, n, "", 2, &v, err));
    *closed = share(v, 2, 0);
    if (!(*closed >= 0 && *closed <= 1))
        return WARD_FAIL(err, INTERNAL, "the eye model returned a value that is not a number");
    return WARD_OK;
}

enum ward_code sight_measure(struct face_engine *e, struct ward_arena *mem,
                             const struct ward_stop *stop, const struct pixels *im,
                             const struct face_box *box, const struct face *f,
                             struct sight *out, struct ward_err *err)
{
    double left = 0, right = 0, yaw = 0, pitch, roll;

    WARD_TRY(eye(e, mem, stop, im, f, FACE_EYE_LEFT, &left, err));
    WARD_TRY(eye(e, mem, stop, im, f, FACE_EYE_RIGHT, &right, err));
    WARD_TRY(pose_measure(e, mem, stop, im, box, &yaw, &pitch, &roll, err));
    out->usable = true;
    out->yaw = yaw;
    out->eyes_closed = left < right ? left : right;
    return WARD_OK;
}
