#include "services/diagnosis/model/models.h"

#include "services/diagnosis/metrics.h"

#include <stdio.h>
#include <string.h>

#define OWN_CAP    ((size_t)1 << 20)
#define CANARY_CAP ((size_t)64 << 20)

/* ---- the canary: opens a model, then checks its known answer ---- */

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

/* Copies WARD_DEVICES to m->order, without the kinds that the manifest excludes. */
static enum ward_code choose_order(struct model *m, struct ward_err *err)
{
    const char *list = m->dia->cfg.order;
    size_t n = 0;

    *m->order = '\0';
    while (*list != '\0') {
        size_t len = strcspn(list, ",");

        if (manifest_may_run_on(&m->is, list, len) && n + len + 2 < sizeof(m->order)) {
            if (n > 0)
                m->order[n++] = ',';
            memcpy(m->order + n, list, len);
            m->order[n += len] = '\0';
        }
        list += len + (list[len] == ',');
    }
    return n > 0 ? WARD_OK
                 : WARD_FAIL_REASON(err, FAILED_PRECONDITION, "MODEL_MANIFEST",
                                    "the manifest permits none of the devices in WARD_DEVICES");
}

static void copy_shapes(struct model *m)
{
    const struct ward_model_io *io = ward_serve_shapes(m->canary_engine, 0);

    m->has_io = io != NULL;
    if (io != NULL)
        m->io = *io;
}

/* The worker process ended or grew: makes the canary's thread check soon. */
static void look(void *arg, int delay_ms)
{
    struct model *m = arg;

    pthread_mutex_lock(&m->looking);
    if (m->canary != NULL)
        ward_canary_soon(m->canary, delay_ms);
    pthread_mutex_unlock(&m->looking);
}

static struct ward_isolation *isolated(struct model *m)
{
    const struct diagnosis_config *cfg = &m->dia->cfg;

    if (strcmp(cfg->isolation, "none") == 0)
        return NULL;
    m->isolation.budget_bytes = (size_t)cfg->isolation_mib << 20;
    m->isolation.most_bytes = 2 * m->isolation.budget_bytes;
    m->isolation.run_ms = cfg->isolation_run_ms;
    m->isolation.grace_ms = cfg->isolation_grace_ms;
    m->isolation.look = look;
    m->isolation.arg = m;
    return &m->isolation;
}

static enum ward_code open_serve(struct model *m, struct ward_err *err)
{
    const struct diagnosis_config *cfg = &m->dia->cfg;
    struct ward_serve_config what = {.plugins = cfg->plugins,
                                     .models = cfg->models,
                                     .order = m->order,
                                     .npu_providers = cfg->npu_providers,
                                     .isolation = isolated(m)};
    struct ward_serve *serve = NULL;
    enum ward_code code;

    ward_arena_reset(&m->mem);
    WARD_TRY(
        manifest_read(cfg->models, m->name, m->version, &m->dia->trust, &m->mem, &m->is, err));
    WARD_TRY(choose_order(m, err));
    what.fallback = m->is.deny ? "deny" : cfg->fallback;
    what.model[0] = (struct ward_serve_model){.name = m->label,
                                              .file = m->is.file,
                                              .sha256 = m->is.sha256,
                                              .known = &m->is.known,
                                              .min_share = m->is.min_share};
    WARD_TRY(ward_serve_open(&what, &serve, err));
    code = ward_serve_engine_open(serve, &m->canary_engine, err);
    if (code == WARD_OK)
        copy_shapes(m);
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

static enum ward_code ask(void *arg, struct ward_err *err)
{
    struct model *m = arg;
    enum ward_code code = atomic_load(&m->serve) == NULL ? open_serve(m, err) : WARD_OK;

    if (code == WARD_OK)
        code = ward_serve_known(m->canary_engine, &m->canary_mem, err);
    if (code == WARD_OK)
        code = ward_serve_follow(&m->member, m->queue, &m->generation, err);
    ward_arena_reset(&m->canary_mem);
    diagnosis_set_serving(m->label, code == WARD_OK);
    return code;
}

/* ---- open and close ---- */

enum ward_code model_new(struct diagnosis *dia, const char *name, const char *version,
                         struct model **out, struct ward_err *err)
{
    struct ward_arena own;
    struct model *m;
    enum ward_code code;

    ward_arena_init(&own, OWN_CAP);
    m = ward_new(&own, struct model);
    if (m == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a model");
    m->own = own;
    m->dia = dia;
    m->name = ward_strdup(&m->own, name);
    m->version = ward_strdup(&m->own, version);
    snprintf(m->label, sizeof(m->label), "%s/%s", name, version);
    diagnosis_metrics_of(name, m->label);
    ward_arena_init(&m->mem, OWN_CAP);
    ward_arena_init(&m->canary_mem, CANARY_CAP);
    pthread_mutex_init(&m->looking, NULL);
    code = m->own.full
               ? WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a model")
               : ward_canary_start(m->label, dia->cfg.canary_ms, ask, m, &m->canary, err);
    if (code != WARD_OK)
        model_free(m);
    else
        *out = m;
    return code;
}

/* Stops the canary. Afterwards, `look` finds no canary if the worker process ends. */
static void stop_canary(struct model *m)
{
    struct ward_canary *canary;

    pthread_mutex_lock(&m->looking);
    canary = m->canary;
    m->canary = NULL;
    pthread_mutex_unlock(&m->looking);
    ward_canary_stop(canary);
}

void model_free(struct model *m)
{
    struct ward_arena own;

    if (m == NULL)
        return;
    stop_canary(m);
    ward_queue_close(m->queue);
    ward_serve_engine_close(m->canary_engine);
    ward_serve_close(atomic_load(&m->serve));
    diagnosis_set_serving(m->label, false);
    ward_arena_done(&m->canary_mem);
    ward_arena_done(&m->mem);
    pthread_mutex_destroy(&m->looking);
    own = m->own;
    ward_arena_done(&own);
}

enum ward_code model_state(struct model *m, struct ward_err *err)
{
    struct ward_serve *serve = atomic_load(&m->serve);
    struct ward_err why = {0};

    if (ward_canary_state(m->canary, &why) == WARD_OK &&
        ward_serve_state(serve, &why) == WARD_OK)
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
