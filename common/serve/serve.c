#include "common/serve/serve_own.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Things of the process are few: each lives in an arena of its own, so that services need no
 * malloc. */
#define OWN_CAP    4096
#define KNOWN_CAP  ((size_t)16 << 20) /* the largest known question with its answer */
#define RECHECK_MS 60000              /* how often a better device is looked for */

/* ---- loaded models ---- */

static void loaded_free(struct ward_serve_loaded *s)
{
    struct ward_arena mem;

    if (s == NULL)
        return;
    for (int i = 0; i < WARD_SERVE_MODELS; i++)
        ward_model_unload(s->model[i]);
    mem = s->mem;
    ward_arena_done(&mem);
}

static enum ward_code loaded_new(const struct ward_serve *p, struct ward_backend *b,
                                 const struct ward_device *d, struct ward_serve_loaded **out,
                                 struct ward_err *err)
{
    struct ward_arena mem;
    struct ward_serve_loaded *s;
    char path[PATH_MAX];

    ward_arena_init(&mem, OWN_CAP);
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

static void loaded_leave(struct ward_serve *p, struct ward_serve_loaded *s)
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

/* ---- engines ---- */

static void instances_free(struct ward_engine *of[WARD_SERVE_MODELS])
{
    for (int i = 0; i < WARD_SERVE_MODELS; i++) {
        ward_engine_free(of[i]);
        of[i] = NULL;
    }
}

static enum ward_code instances_new(const struct ward_serve_loaded *s,
                                    struct ward_engine *of[WARD_SERVE_MODELS],
                                    struct ward_err *err)
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

static enum ward_code ask(struct ward_engine *const of[WARD_SERVE_MODELS],
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

enum ward_code ward_serve_renew(struct ward_serve_engine *e, struct ward_err *err)
{
    struct ward_engine *of[WARD_SERVE_MODELS] = {NULL};
    struct ward_serve_loaded *s;
    unsigned generation;
    enum ward_code code;

    if (e->loaded != NULL && e->generation == atomic_load(&e->serve->generation))
        return WARD_OK;
    s = loaded_take(e->serve, &generation);
    code = instances_new(s, of, err);
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

    ward_arena_init(&mem, OWN_CAP);
    e = ward_new(&mem, struct ward_serve_engine);
    if (e == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an engine");
    e->mem = mem;
    e->serve = p;
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
    mem = e->mem;
    ward_arena_done(&mem);
}

/* ---- the device ---- */

static void count_share(const struct ward_serve *p, struct ward_engine *const of[],
                        struct ward_serve_loaded *s)
{
    s->share = 1;
    for (int i = 0; i < WARD_SERVE_MODELS; i++) {
        double share = of[i] == NULL ? 1 : ward_engine_share(of[i]);

        s->share = share < s->share ? share : s->share;
        s->low |= of[i] != NULL && share < p->cfg.model[i].min_share;
    }
}

/* The chooser's question. What answered rightly is kept: it need not be loaded twice. */
static enum ward_code try_device(void *arg, struct ward_backend *b, const struct ward_device *d,
                                 struct ward_err *err)
{
    struct ward_engine *of[WARD_SERVE_MODELS] = {NULL};
    struct ward_serve *p = arg;
    struct ward_serve_loaded *s;
    struct ward_arena mem;
    enum ward_code code;

    WARD_TRY(loaded_new(p, b, d, &s, err));
    ward_arena_init(&mem, KNOWN_CAP);
    code = instances_new(s, of, err);
    if (code == WARD_OK)
        code = ask(of, &p->cfg, &mem, err);
    if (code == WARD_OK)
        count_share(p, of, s);
    instances_free(of);
    ward_arena_done(&mem);
    if (code != WARD_OK) {
        loaded_free(s);
        return code;
    }
    loaded_free(p->tried);
    p->tried = s;
    return WARD_OK;
}

/* `stay`: the device in use answers; leave it only for another. */
static enum ward_code choose(struct ward_serve *p, bool stay, struct ward_err *err)
{
    struct ward_choice is;
    struct ward_serve_loaded *old = NULL;
    enum ward_code code;

    pthread_mutex_lock(&p->choosing);
    code = ward_choose(p->chooser, &is, err);
    if (code == WARD_OK) {
        pthread_mutex_lock(&p->lock);
        p->degraded = is.degraded;
        if (!stay || strcmp(p->now->backend, p->tried->backend) != 0 ||
            p->now->device.ordinal != p->tried->device.ordinal) {
            old = p->now;
            p->now = p->tried;
            p->tried = NULL;
            atomic_fetch_add(&p->generation, 1);
        }
        pthread_mutex_unlock(&p->lock);
        loaded_leave(p, old);
    }
    loaded_free(p->tried);
    p->tried = NULL;
    pthread_mutex_unlock(&p->choosing);
    return code;
}

enum ward_code ward_serve_known(struct ward_serve_engine *e, struct ward_arena *mem,
                                struct ward_err *err)
{
    struct ward_err better = {0};
    enum ward_code code = ward_serve_renew(e, err);

    if (code == WARD_OK)
        code = ask(e->of, &e->serve->cfg, mem, err);
    if (code != WARD_OK) {
        WARD_TRY(choose(e->serve, false, err));
        return ward_serve_renew(e, err);
    }
    /* Nothing better now is no failure: this one answers. */
    if (ward_choose_due(e->serve->chooser, e->serve->cfg.recheck_ms) &&
        choose(e->serve, true, &better) == WARD_OK)
        return ward_serve_renew(e, err);
    return WARD_OK;
}

void ward_serve_choice(struct ward_serve *p, struct ward_serve_choice *out)
{
    struct ward_serve_choice c;

    pthread_mutex_lock(&p->lock);
    memcpy(c.backend, p->now->backend, sizeof(c.backend));
    memcpy(c.device, p->now->device.name, sizeof(c.device));
    c.degraded = p->degraded || p->now->low;
    c.share = p->now->share;
    pthread_mutex_unlock(&p->lock);
    *out = c;
}

unsigned ward_serve_generation(struct ward_serve *p)
{
    return atomic_load(&p->generation);
}

const struct ward_serve_model *ward_serve_model_of(const struct ward_serve *p, int which)
{
    return &p->cfg.model[which];
}

const struct ward_model_io *ward_serve_shapes(const struct ward_serve_engine *e, int which)
{
    return ward_model_shapes(e->loaded->model[which]);
}

bool ward_serve_interrupt(struct ward_serve_engine *e, int which)
{
    return ward_engine_interrupt(e->of[which]);
}

int ward_serve_report(struct ward_serve *p, struct ward_candidate out[WARD_ORDER_MAX])
{
    return ward_chooser_report(p->chooser, out);
}

enum ward_code ward_serve_run(struct ward_serve_engine *e, int which, struct ward_arena *mem,
                              const struct ward_stop *stop, const struct ward_tensor *in,
                              uint32_t n_in, struct ward_tensor *out, uint32_t *n_out,
                              struct ward_err *err)
{
    return ward_engine_run(e->of[which], mem, stop, in, n_in, out, n_out, err);
}

/* ---- the set ---- */

static enum ward_code open_chooser(struct ward_serve *p, struct ward_err *err)
{
    const char *npu = p->cfg.npu_providers;
    struct ward_order order;

    WARD_TRY(ward_order_parse(p->cfg.order, p->cfg.fallback, &order, err));
    p->option = (struct ward_option){"npu_providers", npu == NULL ? "" : npu};
    WARD_TRY(ward_chooser_open_with(p->cfg.plugins, &order, &p->option, 1, try_device, p,
                                    &p->chooser, err));
    return choose(p, false, err);
}

enum ward_code ward_serve_open(const struct ward_serve_config *cfg, struct ward_serve **out,
                               struct ward_err *err)
{
    struct ward_arena mem;
    struct ward_serve *p;
    enum ward_code code;

    ward_arena_init(&mem, OWN_CAP);
    p = ward_new(&mem, struct ward_serve);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the models");
    p->mem = mem;
    p->cfg = *cfg;
    if (p->cfg.recheck_ms <= 0)
        p->cfg.recheck_ms = RECHECK_MS;
    pthread_mutex_init(&p->choosing, NULL);
    pthread_mutex_init(&p->lock, NULL);
    code = open_chooser(p, err);
    if (code != WARD_OK)
        ward_serve_close(p);
    else
        *out = p;
    return code;
}

void ward_serve_close(struct ward_serve *p)
{
    struct ward_arena mem;

    if (p == NULL)
        return;
    loaded_leave(p, p->now);
    ward_chooser_close(p->chooser);
    pthread_mutex_destroy(&p->choosing);
    pthread_mutex_destroy(&p->lock);
    mem = p->mem;
    ward_arena_done(&mem);
}
