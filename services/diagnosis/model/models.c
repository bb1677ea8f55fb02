#include "services/diagnosis/model/models.h"

#include <stdio.h>
#include <string.h>

#define OWN_CAP    ((size_t)1 << 20)
#define CANARY_CAP ((size_t)64 << 20)

/* ---- the canary: opens what is not open, asks what is ---- */

static enum ward_code open_queue(struct model *m, struct ward_serve *serve,
                                 struct ward_err *err)
{
    const struct diagnosis_config *cfg = &m->dia->cfg;

    m->member.serve = serve;
    m->generation = ward_serve_generation(serve);
    return ward_serve_queue(&m->member,
                            &(struct ward_queue_config){.instances = cfg->instances,
                                                        .reserve = cfg->stat_instances,
                                                        .max_rows = cfg->batch_rows,
                                                        .cap_rows = cfg->queue_rows,
                                                        .delay_us = cfg->batch_delay_us},
                            &m->queue, err);
}

static enum ward_code open_serve(struct model *m, struct ward_err *err)
{
    const struct diagnosis_config *cfg = &m->dia->cfg;
    struct ward_serve_config what = {.plugins = cfg->plugins,
                                     .models = cfg->models,
                                     .order = cfg->order,
                                     .fallback = cfg->fallback,
                                     .npu_providers = cfg->npu_providers};
    struct ward_serve *serve = NULL;
    enum ward_code code;

    ward_arena_reset(&m->mem);
    WARD_TRY(manifest_read(cfg->models, m->name, m->version, &m->mem, &m->is, err));
    what.model[0] = (struct ward_serve_model){.name = m->label,
                                              .file = m->is.file,
                                              .sha256 = m->is.sha256,
                                              .known = &m->is.known,
                                              .min_share = m->is.min_share};
    WARD_TRY(ward_serve_open(&what, &serve, err));
    code = ward_serve_engine_open(serve, &m->canary_engine, err);
    if (code == WARD_OK)
        code = open_queue(m, serve, err);
    if (code != WARD_OK) {
        ward_serve_engine_close(m->canary_engine);
        m->canary_engine = NULL;
        ward_serve_close(serve);
        return code;
    }
    atomic_store(&m->serve, serve);
    return WARD_OK;
}

/* What was measured on one device is not so on another. */
static enum ward_code follow(struct model *m, struct ward_err *err)
{
    unsigned now = ward_serve_generation(m->member.serve);

    if (now == m->generation)
        return WARD_OK;
    WARD_TRY(ward_queue_warm(m->queue, err));
    m->generation = now;
    return WARD_OK;
}

static enum ward_code ask(void *arg, struct ward_err *err)
{
    struct model *m = arg;
    enum ward_code code = atomic_load(&m->serve) == NULL ? open_serve(m, err) : WARD_OK;

    if (code == WARD_OK)
        code = ward_serve_known(m->canary_engine, &m->canary_mem, err);
    if (code == WARD_OK)
        code = follow(m, err);
    ward_arena_reset(&m->canary_mem);
    ward_metric_set(ward_series_of(&diagnosis_serving, m->label, NULL, NULL), code == WARD_OK);
    return code;
}

/* ---- the list ---- */

static enum ward_code add(struct diagnosis *dia, const char *name, const char *version,
                          struct ward_err *err)
{
    struct model *m;

    if (!rule_name(name) || !rule_name(version) || dia->n_models == DIAGNOSIS_MODELS)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "WARD_DIAGNOSIS_MODELS is a list of at most %d name/version",
                         DIAGNOSIS_MODELS);
    for (int i = 0; i < dia->n_models; i++)
        if (strcmp(dia->model[i]->name, name) == 0)
            return WARD_FAIL(err, INVALID_ARGUMENT,
                             "WARD_DIAGNOSIS_MODELS names a model twice");
    m = ward_new(&dia->mem, struct model);
    dia->part[dia->n_models] = ward_printf(&dia->mem, "ward.diagnosis.v1/%s", name);
    if (m == NULL || dia->part[dia->n_models] == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a model");
    *m = (struct model){.dia = dia, .at = dia->n_models, .name = name, .version = version};
    snprintf(m->label, sizeof(m->label), "%s/%s", name, version);
    ward_arena_init(&m->mem, OWN_CAP);
    ward_arena_init(&m->canary_mem, CANARY_CAP);
    dia->model[dia->n_models++] = m;
    return ward_canary_start(m->label, dia->cfg.canary_ms, ask, m, &m->canary, err);
}

enum ward_code models_open(struct diagnosis *dia, struct ward_err *err)
{
    char *list, *next;

    ward_arena_init(&dia->mem, OWN_CAP);
    list = ward_strdup(&dia->mem, dia->cfg.serve);
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the models");
    for (char *one = list; one != NULL && *one != '\0'; one = next) {
        char *slash = strchr(one, '/');

        next = strchr(one, ',');
        if (next != NULL)
            *next++ = '\0';
        slash = strchr(one, '/');
        if (slash != NULL)
            *slash++ = '\0';
        WARD_TRY(add(dia, one, slash == NULL ? "" : slash, err));
    }
    return WARD_OK;
}

void models_close(struct diagnosis *dia)
{
    for (int i = dia->n_models - 1; i >= 0; i--) {
        struct model *m = dia->model[i];

        ward_canary_stop(m->canary);
        ward_queue_close(m->queue);
        ward_serve_engine_close(m->canary_engine);
        ward_serve_close(atomic_load(&m->serve));
        ward_arena_done(&m->canary_mem);
        ward_arena_done(&m->mem);
    }
    ward_arena_done(&dia->mem);
}

enum ward_code model_find(const struct diagnosis *dia, const char *name, struct model **out,
                          struct ward_err *err)
{
    for (int i = 0; i < dia->n_models; i++)
        if (strcmp(dia->model[i]->name, name) == 0) {
            *out = dia->model[i];
            return WARD_OK;
        }
    return WARD_FAIL_REASON(err, NOT_FOUND, "MODEL_NOT_FOUND",
                            "no model of this name is configured");
}

enum ward_code model_state(struct model *m, struct ward_err *err)
{
    struct ward_err why = {0};

    if (ward_canary_state(m->canary, &why) == WARD_OK)
        return WARD_OK;
    return WARD_FAIL_REASON(err, UNAVAILABLE, "MODEL_NOT_READY", "the model %s: %.120s",
                            m->label, why.msg);
}

enum ward_code model_ask(struct model *m, enum ward_urgency lane, struct ward_arena *mem,
                         const struct ward_stop *stop, const struct ward_tensor *in,
                         struct ward_tensor *out, uint32_t *n_out, struct ward_err *err)
{
    WARD_TRY(model_state(m, err));
    return ward_queue_run(m->queue, lane, mem, stop, in, 1, out, n_out, err);
}
