#include "services/identity/face/face_own.h"

/* Each pack and engine is in an arena of its own, so that services need no malloc. A process
 * has few of them. */
#define OWN_CAP 512

/* ---- engines ---- */

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
    code = ward_serve_engine_open(p->serve, &e->of, err);
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
    ward_serve_engine_close(e->of);
    mem = e->mem;
    ward_arena_done(&mem);
}

enum ward_code face_known(struct face_engine *e, struct ward_arena *mem, struct ward_err *err)
{
    return ward_serve_known(e->of, mem, err);
}

/* ---- the pack ---- */

static struct ward_serve_config serving(const struct face_pack_config *cfg,
                                        const struct face_recipe *recipe)
{
    struct ward_serve_config out = {.plugins = cfg->plugins,
                                    .models = cfg->models,
                                    .order = cfg->order,
                                    .fallback = cfg->fallback,
                                    .npu_providers = cfg->npu_providers,
                                    .recheck_ms = cfg->recheck_ms};

    for (int i = 0; i < FACE_N_MODELS; i++) {
        const struct face_weights *w = recipe->model[i];

        if (w != NULL)
            out.model[i] = (struct ward_serve_model){
                .name = w->name, .file = w->file, .sha256 = w->sha256, .known = &w->known};
    }
    return out;
}

enum ward_code face_pack_open(const struct face_pack_config *cfg, struct face_pack **out,
                              struct ward_err *err)
{
    struct ward_arena mem;
    const struct face_recipe *recipe = face_recipe(cfg->pack);
    struct ward_serve_config models;
    struct face_pack *p;
    enum ward_code code;

    if (recipe == NULL)
        return WARD_FAIL(err, NOT_FOUND, "there is no face pack with the name %s", cfg->pack);
    ward_arena_init(&mem, OWN_CAP);
    p = ward_new(&mem, struct face_pack);
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the face models");
    p->mem = mem;
    p->recipe = recipe;
    models = serving(cfg, recipe);
    code = ward_serve_open(&models, &p->serve, err);
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
    ward_serve_close(p->serve);
    mem = p->mem;
    ward_arena_done(&mem);
}

void face_pack_choice(struct face_pack *p, struct ward_serve_choice *out)
{
    ward_serve_choice(p->serve, out);
}

int face_pack_report(struct face_pack *p, struct ward_candidate out[WARD_ORDER_MAX])
{
    return ward_serve_report(p->serve, out);
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
