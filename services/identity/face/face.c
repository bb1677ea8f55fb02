#include "services/identity/face/face.h"
#include "services/identity/face/face_pixels.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct face_pack {
    struct ward_arena mem; /* the pack's own: its engines come from theirs */
    struct ward_backend *backend;
    struct ward_model *model[FACE_N_MODELS];
    const struct face_recipe *recipe;
    struct face_choice choice;
};

struct face_engine {
    struct ward_arena mem;
    const struct face_recipe *recipe;
    struct ward_engine *of[FACE_N_MODELS];
};

/* Things of the process are few: each lives in an arena of its own, so that services need no
 * malloc. */
#define OWN_CAP 4096

static enum ward_code load_all(struct face_pack *p, const struct face_pack_config *cfg,
                               struct ward_err *err)
{
    char path[PATH_MAX];

    WARD_TRY(ward_backend_open(cfg->plugins, p->choice.backend, &p->backend, err));
    for (int i = 0; i < FACE_N_MODELS; i++) {
        const struct face_weights *w = p->recipe->model[i];
        struct ward_model_config mc = {.name = w->name, .path = path, .sha256 = w->sha256};

        snprintf(path, sizeof(path), "%s/%s", cfg->models, w->file);
        WARD_TRY(ward_model_load(p->backend, &mc, &p->model[i], err));
    }
    return WARD_OK;
}

enum ward_code face_pack_open(const struct face_pack_config *cfg, struct face_pack **out,
                              struct ward_err *err)
{
    struct ward_arena mem;
    const struct face_recipe *recipe = face_recipe(cfg->pack);
    struct face_pack *p;
    enum ward_code code;

    if (recipe == NULL)
        return WARD_FAIL(err, NOT_FOUND, "no face pack has this name: %s", cfg->pack);
    ward_arena_init(&mem, OWN_CAP);
    p = ward_new(&mem, struct face_pack);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the face models");
    p->mem = mem;
    p->recipe = recipe;
    snprintf(p->choice.backend, sizeof(p->choice.backend), "%.*s",
             (int)strcspn(cfg->order, ","), cfg->order);
    code = load_all(p, cfg, err);
    if (code != WARD_OK)
        face_pack_close(p);
    else
        *out = p;
    return code;
}

void face_pack_close(struct face_pack *p)
{
    struct ward_arena mem;

    if (p == NULL)
        return;
    for (int i = 0; i < FACE_N_MODELS; i++)
        ward_model_unload(p->model[i]);
    ward_backend_close(p->backend);
    mem = p->mem;
    ward_arena_done(&mem);
}

const char *face_pack_sha256(const struct face_pack *p)
{
    return ward_model_sha256(p->model[FACE_FEATURE]);
}

const char *face_pack_name(const struct face_pack *p)
{
    return p->recipe->name;
}

int face_pack_dim(const struct face_pack *p)
{
    return p->recipe->dim;
}

void face_pack_choice(struct face_pack *p, struct face_choice *out)
{
    *out = p->choice;
}

enum ward_code face_engine_open(struct face_pack *p, struct face_engine **out,
                                struct ward_err *err)
{
    struct ward_arena mem;
    struct face_engine *e;

    ward_arena_init(&mem, OWN_CAP);
    e = ward_new(&mem, struct face_engine);
    if (e == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a face engine");
    e->mem = mem;
    e->recipe = p->recipe;
    for (int i = 0; i < FACE_N_MODELS; i++) {
        enum ward_code code = ward_engine_new(p->model[i], -1, &e->of[i], err);

        if (code != WARD_OK) {
            face_engine_close(e);
            return code;
        }
    }
    *out = e;
    return WARD_OK;
}

void face_engine_close(struct face_engine *e)
{
    struct ward_arena mem;

    if (e == NULL)
        return;
    for (int i = 0; i < FACE_N_MODELS; i++)
        ward_engine_free(e->of[i]);
    mem = e->mem;
    ward_arena_done(&mem);
}

/* A model's input, to be filled. */
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
    return ward_engine_run(e->of[which], mem, stop, in, 1, out, n_out, err);
}

/* An output that must have `n` floats. */
static enum ward_code take(const struct ward_tensor *t, uint64_t n, const float **out,
                           struct ward_err *err)
{
    if (t == NULL || t->dtype != WARD_F32 || t->nbytes != n * sizeof(float))
        return WARD_FAIL(err, INTERNAL, "a face model's output is not as it should be");
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
    const struct face_recipe *r = e->recipe;
    struct rect around = r->around(im->w, im->h);
    struct ward_tensor in, answer[FACE_OUTPUTS];
    uint32_t n_out = FACE_OUTPUTS;
    const float *values[FACE_OUTPUTS] = {NULL};

    WARD_TRY(make_input(r, FACE_DETECT, mem, &in, err));
    if (!r->fill_detect(im, around, in.data, mem))
        return no_memory(err);
    WARD_TRY(ward_engine_run(e->of[FACE_DETECT], mem, stop, &in, 1, answer, &n_out, err));
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
    const struct face_recipe *r = e->recipe;
    struct ward_tensor in, answer[FACE_OUTPUTS];
    uint32_t n_out = FACE_OUTPUTS;
    const float *values = NULL;

    WARD_TRY(make_input(r, FACE_LANDMARK, mem, &in, err));
    if (!r->fill_marks(im, crop, in.data, mem))
        return no_memory(err);
    WARD_TRY(ward_engine_run(e->of[FACE_LANDMARK], mem, stop, &in, 1, answer, &n_out, err));
    WARD_TRY(take(*r->marks_output == '\0' && n_out > 0
                      ? &answer[0]
                      : ward_tensor_named(answer, n_out, r->marks_output),
                  (uint64_t)r->n_marks_output, &values, err));
    for (int i = 0; i < r->n_marks_output; i++)
        if (!(fabsf(values[i]) < 1e4f)) /* NaN fails this too */
            return WARD_FAIL(err, INTERNAL, "the landmark model answered with no numbers");
    r->place_marks(values, crop, marks);
    return WARD_OK;
}

enum ward_code face_locate(struct face_engine *e, struct ward_arena *mem,
                           const struct ward_stop *stop, const struct pixels *im,
                           const struct face_box *box, struct face *out, struct ward_err *err)
{
    double first[FACE_MARKS][2], marks[FACE_MARKS][2];
    struct face_crop crop;

    crop = e->recipe->first_crop(box);
    WARD_TRY(landmarks(e, mem, stop, im, &crop, first, err));
    crop = e->recipe->second_crop(first);
    WARD_TRY(landmarks(e, mem, stop, im, &crop, marks, err));
    memcpy(out->marks, marks, sizeof(out->marks));
    out->n_marks = FACE_MARKS;
    out->points = face_five(marks);
    out->eye_distance_px = face_eye_distance(&out->points);
    out->drift = face_drift(first, marks, out->eye_distance_px);
    return WARD_OK;
}

/* Adds what the embedding model says of its input to v. */
static enum ward_code add_embedding(struct face_engine *e, struct ward_arena *mem,
                                    const struct ward_stop *stop, const struct ward_tensor *in,
                                    float *v, struct ward_err *err)
{
    struct ward_tensor answer[2];
    uint32_t n_out = WARD_COUNT(answer);
    const float *values = NULL;

    WARD_TRY(ward_engine_run(e->of[FACE_FEATURE], mem, stop, in, 1, answer, &n_out, err));
    WARD_TRY(take(n_out > 0 ? &answer[0] : NULL, (uint64_t)e->recipe->dim, &values, err));
    for (int i = 0; i < e->recipe->dim; i++)
        v[i] += values[i];
    return WARD_OK;
}

enum ward_code face_embed(struct face_engine *e, struct ward_arena *mem,
                          const struct ward_stop *stop, const struct pixels *im,
                          struct face *face, struct ward_err *err)
{
    const struct face_recipe *r = e->recipe;
    float v[FACE_DIM_MAX] = {0};
    struct ward_tensor in;
    struct similarity s;
    double norm;
    uint8_t *chip = ward_alloc(mem, 3 * (size_t)r->chip * (size_t)r->chip);

    if (!r->align(face->marks, &s))
        return WARD_FAIL(err, INTERNAL, "the landmark model put all points in one place");
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
    if (r->lift > 0)
        face_lift(v, r->dim, r->lift);
    if (!(norm > 1e-6) || !face_normalise(v, r->dim))
        return WARD_FAIL(err, INTERNAL, "the embedding model answered with no numbers");
    face->norm = norm;
    memcpy(face->embedding, v, sizeof(v));
    return WARD_OK;
}

enum ward_code face_known(struct face_engine *e, struct ward_arena *mem, struct ward_err *err)
{
    for (int i = 0; i < FACE_N_MODELS; i++)
        WARD_TRY(ward_engine_known(e->of[i], mem, &e->recipe->model[i]->known, err));
    return WARD_OK;
}
