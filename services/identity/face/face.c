#include "services/identity/face/face_own.h"
#include "services/identity/face/face_pixels.h"

#include <math.h>
#include <string.h>

/* Allocates a model's input. */
static enum ward_code make_input(const struct face_recipe *recipe, enum face_model which,
                                 struct ward_arena *mem, struct ward_tensor *in,
                                 struct ward_err *err)
{
    const struct ward_known *k = &recipe->model[which]->known;

    *in = (struct ward_tensor){.name = k->input, .dtype = WARD_F32, .rank = k->rank};
    in->nbytes = sizeof(float);
    for (uint32_t i = 0; i < k->rank; i++) {
        in->shape[i] = k->shape[i];
        in->nbytes *= (uint64_t)k->shape[i];
    }
    in->data = ward_alloc64(mem, in->nbytes);
    if (in->data == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a face model's input");
    return WARD_OK;
}

enum ward_code face_model_input(enum face_model which, struct ward_arena *mem,
                                struct ward_tensor *in, struct ward_err *err)
{
    return make_input(face_recipe("faceplugin"), which, mem, in, err);
}

enum ward_code face_model_run(struct face_engine *e, enum face_model which,
                              struct ward_arena *mem, const struct ward_stop *stop,
                              const struct ward_tensor *in, struct ward_tensor *out,
                              uint32_t *n_out, struct ward_err *err)
{
    if (e->pack->recipe->model[which] == NULL)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "LIVENESS_UNAVAILABLE",
                                "this model pack has no liveness models: let staff confirm "
                                "that they see the person, or verify without a face");
    return ward_serve_run(e->of, which, mem, stop, in, 1, out, n_out, err);
}

/* Takes an output, which must have `n` floats. */
static enum ward_code take(const struct ward_tensor *t, uint64_t n, const float **out,
                           struct ward_err *err)
{
    if (t == NULL || t->dtype != WARD_F32 || t->nbytes != n * sizeof(float))
        return WARD_FAIL(err, INTERNAL, "the output of a face model is invalid");
    *out = t->data;
    return WARD_OK;
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to prepare a photograph");
}

enum ward_code face_detect(struct face_engine *e, struct ward_arena *mem,
                           const struct ward_stop *stop, const struct pixels *im,
                           struct face_box *out, int *n, struct ward_err *err)
{
    const struct face_recipe *r = e->pack->recipe;
    struct rect around = r->around(im->w, im->h);
    struct ward_tensor in, answer[FACE_OUTPUTS];
    uint32_t n_out = FACE_OUTPUTS;
    const float *values[FACE_OUTPUTS] = {NULL};

    WARD_TRY(ward_serve_renew(e->of, err));
    WARD_TRY(make_input(r, FACE_DETECT, mem, &in, err));
    if (!r->fill_detect(im, around, in.data, mem))
        return no_memory(err);
    WARD_TRY(ward_serve_run(e->of, FACE_DETECT, mem, stop, &in, 1, answer, &n_out, err));
    for (int i = 0; i < FACE_OUTPUTS && r->output[i] != NULL; i++)
        WARD_TRY(take(ward_tensor_named(answer, n_out, r->output[i]), (uint64_t)r->n_output[i],
                      &values[i], err));
    if (!r->boxes(values, around, out, FACE_MAX_FOUND, n, mem))
        return no_memory(err);
    return WARD_OK;
}

static enum ward_code landmarks(struct face_engine *e, struct ward_arena *mem,
                                const struct ward_stop *stop, const struct pixels *im,
                                const struct face_crop *crop, double marks[FACE_MARKS][2],
                                struct ward_err *err)
{
    const struct face_recipe *r = e->pack->recipe;
    struct ward_tensor in, answer[FACE_OUTPUTS];
    uint32_t n_out = FACE_OUTPUTS;
    const float *values = NULL;

    WARD_TRY(make_input(r, FACE_LANDMARK, mem, &in, err));
    if (!r->fill_marks(im, crop, in.data, mem))
        return no_memory(err);
    WARD_TRY(ward_serve_run(e->of, FACE_LANDMARK, mem, stop, &in, 1, answer, &n_out, err));
    WARD_TRY(take(*r->marks_output == '\0' && n_out > 0
                      ? &answer[0]
                      : ward_tensor_named(answer, n_out, r->marks_output),
                  (uint64_t)r->n_marks_output, &values, err));
    for (int i = 0; i < r->n_marks_output; i++)
        if (!(fabsf(values[i]) < 1e4f)) /* NaN fails this too */
            return WARD_FAIL(err, INTERNAL,
                             "the landmark model returned a value that is not a number");
    r->place_marks(values, crop, marks);
    return WARD_OK;
}

enum ward_code face_locate(struct face_engine *e, struct ward_arena *mem,
                           const struct ward_stop *stop, const struct pixels *im,
                           const struct face_box *box, struct face *out, struct ward_err *err)
{
    double first[FACE_MARKS][2], marks[FACE_MARKS][2];
    struct face_crop crop;

    crop = e->pack->recipe->first_crop(box);
    WARD_TRY(landmarks(e, mem, stop, im, &crop, first, err));
    crop = e->pack->recipe->second_crop(first);
    WARD_TRY(landmarks(e, mem, stop, im, &crop, marks, err));
    memcpy(out->marks, marks, sizeof(out->marks));
    out->n_marks = FACE_MARKS;
    out->points = face_five(marks);
    out->eye_distance_px = face_eye_distance(&out->points);
    out->drift = face_drift(first, marks, out->eye_distance_px);
    return WARD_OK;
}

/* Runs the embedding model on its input, and adds the output to v. */
static enum ward_code add_embedding(struct face_engine *e, struct ward_arena *mem,
                                    const struct ward_stop *stop, const struct ward_tensor *in,
                                    float *v, struct ward_err *err)
{
    struct ward_tensor answer[2];
    uint32_t n_out = WARD_COUNT(answer);
    const float *values = NULL;

    WARD_TRY(ward_serve_run(e->of, FACE_FEATURE, mem, stop, in, 1, answer, &n_out, err));
    WARD_TRY(take(n_out > 0 ? &answer[0] : NULL, (uint64_t)e->pack->recipe->dim, &values, err));
    for (int i = 0; i < e->pack->recipe->dim; i++)
        v[i] += values[i];
    return WARD_OK;
}

enum ward_code face_embed(struct face_engine *e, struct ward_arena *mem,
                          const struct ward_stop *stop, const struct pixels *im,
                          struct face *face, struct ward_err *err)
{
    const struct face_recipe *r = e->pack->recipe;
    float v[FACE_DIM_MAX] = {0};
    struct ward_tensor in;
    struct similarity s;
    double norm;
    uint8_t *chip = ward_alloc(mem, 3 * (size_t)r->chip * (size_t)r->chip);

    if (!r->align(face->marks, &s))
        return WARD_FAIL(err, INTERNAL,
                         "the landmark model returned one position for all points");
    if (chip == NULL || !pixels_warp(im, &s, r->chip, chip, mem))
        return no_memory(err);
    WARD_TRY(make_input(r, FACE_FEATURE, mem, &in, err));
    r->fill_feature(chip, in.data);
    WARD_TRY(add_embedding(e, mem, stop, &in, v, err));
    if (r->flip) {
        face_mirror(in.data, 3, r->chip);
        WARD_TRY(add_embedding(e, mem, stop, &in, v, err));
    }
    for (int i = 0; i < r->dim; i++)
        v[i] /= r->flip ? 2 : 1;
    norm = face_length(v, r->dim);
    if (!face_normalise(v, r->dim))
        return WARD_FAIL(err, INTERNAL,
                         "the embedding model returned a value that is not a number");
    face->norm = norm;
    memcpy(face->embedding, v, sizeof(v));
    return WARD_OK;
}
