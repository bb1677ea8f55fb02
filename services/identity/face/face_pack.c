#include "services/identity/face/face_own.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* Things of the process are few: each lives in an arena of its own, so that services need no
 * malloc. */
#define OWN_CAP    4096
#define KNOWN_CAP  ((size_t)16 << 20) /* the largest known question with its answer */
#define RECHECK_MS 60000              /* how often a better device is looked for */

/* ---- sets ---- */

static void set_free(struct loaded_set *s)
{
    struct ward_arena mem;

    if (s == NULL)
        return;
    for (int i = 0; i < FACE_N_MODELS; i++)
        ward_model_unload(s->model[i]);
    mem = s->mem;
    ward_arena_done(&mem);
}

static enum ward_code set_load(const struct face_pack *p, struct ward_backend *b,
                               const struct ward_device *d, struct loaded_set **out,
                               struct ward_err *err)
{
    struct ward_arena mem;
    struct loaded_set *s;
    char path[PATH_MAX];

    ward_arena_init(&mem, OWN_CAP);
    s = ward_new(&mem, struct loaded_set);
    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the face models");
    s->mem = mem;
    s->device = *d;
    s->users = 1;
    snprintf(s->backend, sizeof(s->backend), "%s", ward_backend_name(b));
    for (int i = 0; i < FACE_N_MODELS; i++) {
        const struct face_weights *w = p->recipe->model[i];
        struct ward_model_config mc = {.path = path};
        enum ward_code code;

        if (w == NULL)
            continue;
        mc.name = w->name;
        mc.sha256 = w->sha256;
        snprintf(path, sizeof(path), "%s/%s", p->models, w->file);
        code = ward_model_load(b, &mc, &s->model[i], err);
        if (code != WARD_OK) {
            set_free(s);
            return code;
        }
    }
    *out = s;
    return WARD_OK;
}

static struct loaded_set *set_take(struct face_pack *p, unsigned *generation)
{
    struct loaded_set *s;

    pthread_mutex_lock(&p->lock);
    s = p->now;
    s->users++;
    *generation = p->generation;
    pthread_mutex_unlock(&p->lock);
    return s;
}

static void set_leave(struct face_pack *p, struct loaded_set *s)
{
    bool last;

    if (s == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    last = --s->users == 0;
    pthread_mutex_unlock(&p->lock);
    if (last)
        set_free(s);
}

/* ---- engines ---- */

static void instances_free(struct ward_engine *of[FACE_N_MODELS])
{
    for (int i = 0; i < FACE_N_MODELS; i++) {
        ward_engine_free(of[i]);
        of[i] = NULL;
    }
}

static enum ward_code instances_new(const struct loaded_set *s,
                                    struct ward_engine *of[FACE_N_MODELS], struct ward_err *err)
{
    for (int i = 0; i < FACE_N_MODELS; i++) {
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

static enum ward_code ask(struct ward_engine *const of[FACE_N_MODELS],
                          const struct face_recipe *r, struct ward_arena *mem,
                          struct ward_err *err)
{
    for (int i = 0; i < FACE_N_MODELS; i++)
        if (r->model[i] != NULL)
            WARD_TRY(ward_engine_known(of[i], mem, &r->model[i]->known, err));
    return WARD_OK;
}

enum ward_code engine_renew(struct face_engine *e, struct ward_err *err)
{
    struct ward_engine *of[FACE_N_MODELS] = {NULL};
    struct loaded_set *s;
    unsigned generation;
    enum ward_code code;

    if (e->set != NULL && e->generation == atomic_load(&e->pack->generation))
        return WARD_OK;
    s = set_take(e->pack, &generation);
    code = instances_new(s, of, err);
    if (code != WARD_OK) {
        set_leave(e->pack, s);
        return code;
    }
    instances_free(e->of);
    set_leave(e->pack, e->set);
    memcpy(e->of, of, sizeof(of));
    e->set = s;
    e->generation = generation;
    return WARD_OK;
}

enum ward_code face_engine_open(struct face_pack *p, struct face_engine **out,
                                struct ward_err *err)
{
    struct ward_arena mem;
    struct face_engine *e;
    enum ward_code code;

    ward_arena_init(&mem, OWN_CAP);
    e = ward_new(&mem, struct face_engine);
    if (e == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a face engine");
    e->mem = mem;
    e->pack = p;
    code = engine_renew(e, err);
    if (code != WARD_OK)
        face_engine_close(e);
    else
        *out = e;
    return code;
}

void face_engine_close(struct face_engine *e)
{
    struct ward_arena mem;

    if (e == NULL)
        return;
    instances_free(e->of);
    set_leave(e->pack, e->set);
    mem = e->mem;
    ward_arena_done(&mem);
}

/* ---- the device ---- */

/* The chooser's question. What answered rightly is kept: it need not be loaded twice. */
static enum ward_code try_device(void *arg, struct ward_backend *b, const struct ward_device *d,
                                 struct ward_err *err)
{
    struct ward_engine *of[FACE_N_MODELS] = {NULL};
    struct face_pack *p = arg;
    struct loaded_set *s;
    struct ward_arena mem;
    enum ward_code code;

    WARD_TRY(set_load(p, b, d, &s, err));
    ward_arena_init(&mem, KNOWN_CAP);
    code = instances_new(s, of, err);
    if (code == WARD_OK)
        code = ask(of, p->recipe, &mem, err);
    instances_free(of);
    ward_arena_done(&mem);
    if (code != WARD_OK) {
        set_free(s);
        return code;
    }
    set_free(p->tried);
    p->tried = s;
    return WARD_OK;
}

/* `stay`: the device in use answers; leave it only for another. */
static enum ward_code choose(struct face_pack *p, bool stay, struct ward_err *err)
{
    struct ward_choice is;
    struct loaded_set *old = NULL;
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
        set_leave(p, old);
    }
    set_free(p->tried);
    p->tried = NULL;
    pthread_mutex_unlock(&p->choosing);
    return code;
}

enum ward_code face_known(struct face_engine *e, struct ward_arena *mem, struct ward_err *err)
{
    struct ward_err better = {0};
    enum ward_code code = engine_renew(e, err);

    if (code == WARD_OK)
        code = ask(e->of, e->pack->recipe, mem, err);
    if (code != WARD_OK) {
        WARD_TRY(choose(e->pack, false, err));
        return engine_renew(e, err);
    }
    /* Nothing better now is no failure: this one answers. */
    if (ward_choose_due(e->pack->chooser, e->pack->recheck_ms) &&
        choose(e->pack, true, &better) == WARD_OK)
        return engine_renew(e, err);
    return WARD_OK;
}

void face_pack_choice(struct face_pack *p, struct face_choice *out)
{
    struct face_choice c;

    pthread_mutex_lock(&p->lock);
    memcpy(c.backend, p->now->backend, sizeof(c.backend));
    memcpy(c.device, p->now->device.name, sizeof(c.device));
    c.degraded = p->degraded;
    pthread_mutex_unlock(&p->lock);
    *out = c;
}

int face_pack_report(struct face_pack *p, struct ward_candidate out[WARD_ORDER_MAX])
{
    return ward_chooser_report(p->chooser, out);
}

/* ---- the pack ---- */

static enum ward_code open_chooser(struct face_pack *p, const struct face_pack_config *cfg,
                                   struct ward_err *err)
{
    struct ward_order order;

    WARD_TRY(ward_order_parse(cfg->order, cfg->fallback, &order, err));
    p->option = (struct ward_option){"npu_providers",
                                     cfg->npu_providers == NULL ? "" : cfg->npu_providers};
    WARD_TRY(ward_chooser_open_with(cfg->plugins, &order, &p->option, 1, try_device, p,
                                    &p->chooser, err));
    return choose(p, false, err);
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
    p->models = cfg->models;
    p->recheck_ms = cfg->recheck_ms > 0 ? cfg->recheck_ms : RECHECK_MS;
    pthread_mutex_init(&p->choosing, NULL);
    pthread_mutex_init(&p->lock, NULL);
    code = open_chooser(p, cfg, err);
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
    set_leave(p, p->now);
    ward_chooser_close(p->chooser);
    pthread_mutex_destroy(&p->choosing);
    pthread_mutex_destroy(&p->lock);
    mem = p->mem;
    ward_arena_done(&mem);
}

const char *face_pack_sha256(const struct face_pack *p)
{
    return p->recipe->model[FACE_FEATURE]->sha256;
}

const char *face_pack_name(const struct face_pack *p)
{
    return p->recipe->name;
}

bool face_pack_live(const struct face_pack *p)
{
    return p->recipe->model[FACE_LIVENESS] != NULL;
}

int face_pack_dim(const struct face_pack *p)
{
    return p->recipe->dim;
}
