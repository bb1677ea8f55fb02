#include "services/identity/face/face.h"
#include "services/identity/face/face_models.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct face_pack {
    struct ward_arena mem; /* the pack's own: its engines come from theirs */
    struct ward_backend *backend;
    struct ward_model *model[FACE_N_MODELS];
    struct face_choice choice;
};

struct face_engine {
    struct ward_arena mem;
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
        const struct face_weights *w = &face_weights[i];
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
    struct face_pack *p;
    enum ward_code code;

    if (cfg->pack != NULL && strcmp(cfg->pack, "faceplugin") != 0)
        return WARD_FAIL(err, NOT_FOUND, "no face pack has this name: %s", cfg->pack);
    ward_arena_init(&mem, OWN_CAP);
    p = ward_new(&mem, struct face_pack);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the face models");
    p->mem = mem;
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
    (void)p;
    return "faceplugin";
}

int face_pack_dim(const struct face_pack *p)
{
    (void)p;
    return FACE_DIM_MAX;
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
static enum ward_code make_input(enum face_model which, struct ward_arena *mem,
                                 struct ward_tensor *in, struct ward_err *err)
{
    const struct ward_known *k = &face_weights[which].known;

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
    return make_input(which, mem, in, err);
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
    struct rect around = face_letterbox(im->w, im->h);
    struct ward_tensor in, answer[4];
    uint32_t n_out = WARD_COUNT(answer);
    const float *scores = NULL, *boxes = NULL;

    WARD_TRY(make_input(FACE_DETECT, mem, &in, err));
    if (!face_fill_detect(im, around, in.data, mem))
        return no_memory(err);
    WARD_TRY(ward_engine_run(e->of[FACE_DETECT], mem, stop, &in, 1, answer, &n_out, err));
    WARD_TRY(take(ward_tensor_named(answer, n_out, "scores"), (uint64_t)FACE_ANCHORS * 2,
                  &scores, err));
    WARD_TRY(take(ward_tensor_named(answer, n_out, "boxes"), (uint64_t)FACE_ANCHORS * 4, &boxes,
                  err));
    if (!face_boxes(scores, boxes, FACE_ANCHORS, around, out, FACE_MAX_FOUND, n, mem))
        return no_memory(err);
    return WARD_OK;
}

static enum ward_code landmarks(struct face_engine *e, struct ward_arena *mem,
                                const struct ward_stop *stop, const struct pixels *im,
                                struct rect crop, double marks[FACE_MARKS][2],
                                struct ward_err *err)
{
    struct ward_tensor in, answer[2];
    uint32_t n_out = WARD_COUNT(answer);
    const float *values = NULL;

    WARD_TRY(make_input(FACE_LANDMARK, mem, &in, err));
    if (!face_fill_marks(im, crop, in.data, mem))
        return no_memory(err);
    WARD_TRY(ward_engine_run(e->of[FACE_LANDMARK], mem, stop, &in, 1, answer, &n_out, err));
    WARD_TRY(take(n_out > 0 ? &answer[0] : NULL, (uint64_t)FACE_MARKS * 2, &values, err));
    for (int i = 0; i < 2 * FACE_MARKS; i++)
        if (!(fabsf(values[i]) < 100)) /* in units of the crop; NaN fails this too */
            return WARD_FAIL(err, INTERNAL, "the landmark model answered with no numbers");
    face_place_marks(values, crop, marks);
    return WARD_OK;
}

enum ward_code face_locate(struct face_engine *e, struct ward_arena *mem,
                           const struct ward_stop *stop, const struct pixels *im,
                           const struct face_box *box, struct face *out, struct ward_err *err)
{
    double first[FACE_MARKS][2], marks[FACE_MARKS][2];

    WARD_TRY(landmarks(e, mem, stop, im, face_first_crop(box), first, err));
    WARD_TRY(landmarks(e, mem, stop, im, face_second_crop(first), marks, err));
    memcpy(out->marks, marks, sizeof(out->marks));
    out->n_marks = FACE_MARKS;
    out->points = face_five(marks);
    out->eye_distance_px = face_eye_distance(&out->points);
    out->drift = face_drift(first, marks, out->eye_distance_px);
    return WARD_OK;
}

enum ward_code face_embed(struct face_engine *e, struct ward_arena *mem,
                          const struct ward_stop *stop, const struct pixels *im,
                          struct face *face, struct ward_err *err)
{
    struct ward_tensor in, answer[2];
    uint32_t n_out = WARD_COUNT(answer);
    const float *values = NULL;
    float v[FACE_DIM];
    struct similarity s;
    uint8_t *chip = ward_alloc(mem, 3 * FACE_CHIP * FACE_CHIP);

    if (!face_align(&face->points, &s))
        return WARD_FAIL(err, INTERNAL, "the landmark model put all points in one place");
    if (chip == NULL || !face_warp(im, &s, chip, mem))
        return no_memory(err);
    WARD_TRY(make_input(FACE_FEATURE, mem, &in, err));
    face_fill_feature(chip, in.data);
    WARD_TRY(ward_engine_run(e->of[FACE_FEATURE], mem, stop, &in, 1, answer, &n_out, err));
    WARD_TRY(take(n_out > 0 ? &answer[0] : NULL, FACE_DIM, &values, err));
    memcpy(v, values, sizeof(v));
    if (!face_normalise(v, FACE_DIM, &face->norm))
        return WARD_FAIL(err, INTERNAL, "the embedding model answered with no numbers");
    memcpy(face->embedding, v, sizeof(v));
    return WARD_OK;
}

enum ward_code face_known(struct face_engine *e, struct ward_arena *mem, struct ward_err *err)
{
    for (int i = 0; i < FACE_N_MODELS; i++)
        WARD_TRY(ward_engine_known(e->of[i], mem, &face_weights[i].known, err));
    return WARD_OK;
}
