/* Loaded models, and engines with instances of these models. */
#include "common/serve/serve_own.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Each loaded set is in its own arena, so that services need no malloc. */
#define LOADED_CAP ((size_t)64 << 10)
#define ENGINE_CAP 4096

/* ---- loaded models ---- */

void loaded_free(struct ward_serve_loaded *s)
{
    struct ward_arena mem;

    if (s == NULL)
        return;
    for (int k = 0; k < s->n_spares; k++)
        instances_free(s->spare[k]);
    for (int i = 0; i < WARD_SERVE_MODELS; i++)
        ward_model_unload(s->model[i]);
    ward_backend_close(s->own);
    mem = s->mem;
    ward_arena_done(&mem);
}

enum ward_code loaded_new(const struct ward_serve *p, struct ward_backend *b,
                          const struct ward_device *d, struct ward_serve_loaded **out,
                          struct ward_err *err)
{
    struct ward_arena mem;
    struct ward_serve_loaded *s;
    char path[PATH_MAX];

    ward_arena_init(&mem, LOADED_CAP);
    s = ward_new(&mem, struct ward_serve_loaded);
    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the models");
    s->mem = mem;
    s->device = *d;
    s->users = 1;
    snprintf(s->backend, sizeof(s->backend), "%s", ward_backend_name(b));
    for (int i = 0; i < WARD_SERVE_MODELS; i++) {
        const struct ward_serve_model *m = &p->cfg.model[i];
        struct ward_model_config mc = {m->name, path, m->sha256, m->threads};
        enum ward_code code;

        if (m->name == NULL)
            continue;
        snprintf(path, sizeof(path), "%s/%s", p->cfg.models, m->file);
        code = ward_model_load(b, &mc, &s->model[i], err);
        if (code != WARD_OK) {
            loaded_free(s);
            return code;
        }
    }
    *out = s;
    return WARD_OK;
}

static struct ward_serve_loaded *loaded_take(struct ward_serve *p, unsigned *generation)
{
    struct ward_serve_loaded *s;

    pthread_mutex_lock(&p->lock);
    s = p->now;
    s->users++;
    *generation = p->generation;
    pthread_mutex_unlock(&p->lock);
    return s;
}

void loaded_leave(struct ward_serve *p, struct ward_serve_loaded *s)
{
    bool last;

    if (s == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    last = --s->users == 0;
    pthread_mutex_unlock(&p->lock);
    if (last)
        loaded_free(s);
}

/* ---- instances ---- */

void instances_free(struct ward_engine *of[WARD_SERVE_MODELS])
{
    for (int i = 0; i < WARD_SERVE_MODELS; i++) {
        ward_engine_free(of[i]);
        of[i] = NULL;
    }
}

enum ward_code instances_new(const struct ward_serve_loaded *s,
                             struct ward_engine *of[WARD_SERVE_MODELS], struct ward_err *err)
{
    for (int i = 0; i < WARD_SERVE_MODELS; i++) {
        enum ward_code code = WARD_OK;

        if (s->model[i] != NULL)
            code = ward_engine_new(s->model[i], s->device.ordinal, &of[i], err);
        if (code != WARD_OK) {
            instances_free(of);
            return code;
        }
    }
    return WARD_OK;
}

enum ward_code instances_ask(struct ward_engine *const of[WARD_SERVE_MODELS],
                             const struct ward_serve_config *cfg, struct ward_arena *mem,
                             struct ward_err *err)
{
    for (int i = 0; i < WARD_SERVE_MODELS; i++) {
        const struct ward_serve_model *m = &cfg->model[i];

        if (m->name != NULL && m->ask != NULL)
            WARD_TRY(m->ask(m->ask_arg, of[i], mem, err));
        else if (m->name != NULL)
            WARD_TRY(ward_engine_known(of[i], mem, m->known, err));
    }
    return WARD_OK;
}

/* Runs the model with several rows, like the queue's runs. */
static enum ward_code run_rows(struct ward_engine *e, const struct ward_model_io *io,
                               const struct ward_known *k, int rows, struct ward_arena *mem)
{
    struct ward_tensor in[WARD_MAX_IO], out[WARD_MAX_IO];
    uint32_t n_in = io == NULL ? 1 : io->n_in, n_out = WARD_MAX_IO;

    for (uint32_t i = 0; i < n_in; i++)
        if (!ward_known_tensor(k, n_in == 1 ? NULL : &io->in[i], rows, mem, &in[i]))
            return WARD_RESOURCE_EXHAUSTED;
    return ward_engine_run(e, mem, NULL, in, n_in, out, &n_out, NULL);
}

static void warm(const struct ward_serve *p, const struct ward_serve_loaded *s,
                 struct ward_engine *const of[WARD_SERVE_MODELS], struct ward_arena *mem)
{
    for (int i = 0; i < WARD_SERVE_MODELS; i++)
        for (int k = 0; k < p->n_rows[i] && p->cfg.model[i].known != NULL; k++) {
            ward_arena_reset(mem);
            if (run_rows(of[i], ward_model_shapes(s->model[i]), p->cfg.model[i].known,
                         p->rows[i][k], mem) != WARD_OK)
                return; /* ignored: the queue's warm-up returns the error */
        }
}

void loaded_warm(const struct ward_serve *p, struct ward_serve_loaded *s,
                 struct ward_arena *mem)
{
    int n = atomic_load(&p->engines);

    while (s->n_spares < n && s->n_spares < WARD_SERVE_SPARES) {
        struct ward_engine **of = s->spare[s->n_spares];

        if (instances_new(s, of, NULL) != WARD_OK)
            return;
        s->n_spares++;
        warm(p, s, of, mem);
    }
}

/* ---- engines ---- */

/* Takes a warm spare instance. Returns false if the device has no spare instance. */
static bool take_spare(struct ward_serve *p, struct ward_serve_loaded *s,
                       struct ward_engine *of[WARD_SERVE_MODELS])
{
    bool any;

    pthread_mutex_lock(&p->lock);
    any = s->n_spares > 0;
    if (any)
        memcpy(of, s->spare[--s->n_spares], sizeof(s->spare[0]));
    pthread_mutex_unlock(&p->lock);
    return any;
}

enum ward_code ward_serve_renew(struct ward_serve_engine *e, struct ward_err *err)
{
    struct ward_engine *of[WARD_SERVE_MODELS] = {NULL};
    struct ward_serve_loaded *s;
    unsigned generation;
    enum ward_code code;

    if (e->loaded != NULL && e->generation == atomic_load(&e->serve->generation))
        return WARD_OK;
    s = loaded_take(e->serve, &generation);
    code = take_spare(e->serve, s, of) ? WARD_OK : instances_new(s, of, err);
    if (code != WARD_OK) {
        loaded_leave(e->serve, s);
        return code;
    }
    instances_free(e->of);
    loaded_leave(e->serve, e->loaded);
    memcpy(e->of, of, sizeof(of));
    e->loaded = s;
    e->generation = generation;
    return WARD_OK;
}

enum ward_code ward_serve_engine_open(struct ward_serve *p, struct ward_serve_engine **out,
                                      struct ward_err *err)
{
    struct ward_arena mem;
    struct ward_serve_engine *e;
    enum ward_code code;

    ward_arena_init(&mem, ENGINE_CAP);
    e = ward_new(&mem, struct ward_serve_engine);
    if (e == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an engine");
    e->mem = mem;
    e->serve = p;
    atomic_fetch_add(&p->engines, 1);
    code = ward_serve_renew(e, err);
    if (code != WARD_OK)
        ward_serve_engine_close(e);
    else
        *out = e;
    return code;
}

void ward_serve_engine_close(struct ward_serve_engine *e)
{
    struct ward_arena mem;

    if (e == NULL)
        return;
    instances_free(e->of);
    loaded_leave(e->serve, e->loaded);
    atomic_fetch_sub(&e->serve->engines, 1);
    mem = e->mem;
    ward_arena_done(&mem);
}
