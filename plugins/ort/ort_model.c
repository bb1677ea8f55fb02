#include "plugins/ort/ort.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int configure(struct ort_model *m, int32_t device, OrtSessionOptions *o,
                     struct ward_plugin_err *err)
{
    const OrtApi *api = m->p->api;
    int rc;

    rc = ort_check(m->p, api->SetIntraOpNumThreads(o, (int)m->threads), err);
    if (rc == 0)
        rc = ort_check(m->p, api->SetInterOpNumThreads(o, 1), err);
    if (rc == 0)
        rc = ort_check(m->p, api->SetSessionGraphOptimizationLevel(o, ORT_ENABLE_ALL), err);
    /* The arena and the memory pattern would keep the memory of the largest run forever, for
     * each session. Without them, a service uses only its current memory. */
    if (rc == 0)
        rc = ort_check(m->p, api->DisableCpuMemArena(o), err);
    /* Flushes very small numbers to zero on the pool's threads. ort_run.c sets the mode of the
     * calling thread around each run. */
    if (rc == 0)
        rc = ort_check(m->p, api->AddSessionConfigEntry(o, "session.set_denormal_as_zero", "1"),
                       err);
    if (rc == 0 && m->p->provider->placed != NULL)
        rc = ort_check(
            m->p, api->AddSessionConfigEntry(o, "session.record_ep_graph_assignment_info", "1"),
            err);
    /* hides ONNX Runtime's warning about nodes on the CPU: check_placed gives more
     * information */
    if (rc == 0 && m->p->provider->placed != NULL)
        rc = ort_check(m->p, api->SetSessionLogSeverityLevel(o, ORT_LOGGING_LEVEL_ERROR), err);
    if (rc == 0)
        rc = m->p->provider->choose(m->p, o, device, err);
    return rc;
}

/* Counts a session's nodes on the device, and all of its nodes. */
static int count_nodes(struct ort_plugin *p, const OrtSession *s, size_t *placed, size_t *all,
                       struct ward_plugin_err *err)
{
    const OrtEpAssignedSubgraph *const *part = NULL;
    const OrtEpAssignedNode *const *nodes = NULL;
    const char *where = NULL;
    size_t n_parts = 0, n;
    int rc = ort_check(p, p->api->Session_GetEpGraphAssignmentInfo(s, &part, &n_parts), err);

    for (size_t i = 0; rc == 0 && i < n_parts; i++) {
        n = 0;
        rc = ort_check(p, p->api->EpAssignedSubgraph_GetEpName(part[i], &where), err);
        if (rc == 0)
            rc = ort_check(p, p->api->EpAssignedSubgraph_GetNodes(part[i], &nodes, &n), err);
        *all += n;
        if (rc == 0 && strcmp(where, "CPUExecutionProvider") != 0)
            *placed += n;
    }
    return rc;
}

/* A provider may silently leave the whole model to the CPU, which is not the requested device.
 */
static int check_placed(struct ort_model *m, const OrtSession *s, uint32_t *on, uint32_t *of,
                        struct ward_plugin_err *err)
{
    struct ort_plugin *p = m->p;
    size_t placed = 0, all = 0;
    int rc;

    if (p->provider->placed == NULL)
        return 0;
    rc = count_nodes(p, s, &placed, &all, err);
    if (rc != 0)
        return rc;
    if (placed == 0)
        return ort_fail(err, 12, "the device runs none of the model's %zu nodes", all);
    ort_log(p, 2, "%s: %zu of %zu nodes run on the device, the rest on the CPU", m->name,
            placed, all);
    p->host->metric(p->host->ctx, p->provider->placed, (double)placed);
    *on = (uint32_t)placed;
    *of = (uint32_t)all;
    return 0;
}

/* Opens a session for a device. *at is its index in m->sessions. */
static int open_session(struct ort_model *m, int32_t device, uint32_t *at,
                        struct ward_plugin_err *err)
{
    const OrtApi *api = m->p->api;
    OrtSessionOptions *o = NULL;
    OrtSession *s = NULL;
    uint32_t placed = 0, nodes = 0;
    int rc;

    for (uint32_t i = 0; i < m->n_sessions; i++)
        if (m->sessions[i].device == device) {
            *at = i;
            return 0;
        }
    if (m->n_sessions == ORT_MAX_DEVICES)
        return ort_fail(err, 8, "a model runs on at most %d devices", ORT_MAX_DEVICES);
    rc = ort_check(m->p, api->CreateSessionOptions(&o), err);
    if (rc != 0)
        return rc;
    rc = configure(m, device, o, err);
    if (rc == 0)
        rc = ort_check(
            m->p, api->CreateSessionFromArray(m->p->env, m->weights, (size_t)m->nbytes, o, &s),
            err);
    api->ReleaseSessionOptions(o);
    if (rc == 0) {
        rc = check_placed(m, s, &placed, &nodes, err);
        if (rc != 0)
            api->ReleaseSession(s);
    }
    if (rc != 0)
        return rc;
    m->sessions[m->n_sessions].device = device;
    m->sessions[m->n_sessions].session = s;
    m->sessions[m->n_sessions].placed = placed;
    m->sessions[m->n_sessions].nodes = nodes;
    *at = m->n_sessions++;
    return 0;
}

/* Creates a session on the first working device now, so that a broken model fails here and not
 * during a call. */
static int open_first(struct ort_model *m, struct ward_plugin_err *err)
{
    struct ward_device d[ORT_MAX_DEVICES];
    uint32_t n = 0, at = 0;
    int rc = m->p->provider->devices(m->p, d, ORT_MAX_DEVICES, &n, err);

    if (rc != 0)
        return rc;
    rc = ort_fail(err, 14, "no device");
    for (uint32_t i = 0; rc != 0 && i < n; i++)
        rc = open_session(m, d[i].ordinal, &at, err);
    return rc == 0 ? ort_read_io(m->p, m->sessions[at].session, m, err) : rc;
}

int ort_model_load(void *plugin, const struct ward_model_spec *spec, void **model,
                   struct ward_plugin_err *err)
{
    struct ort_model *m;
    int rc;

    if (spec->data == NULL || spec->nbytes == 0)
        return ort_fail(err, 3, "an ONNX model has weights");
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return ort_fail(err, 8, "no memory");
    m->p = plugin;
    snprintf(m->name, sizeof(m->name), "%s", spec->name);
    m->threads = spec->threads;
    snprintf(m->sha256, sizeof(m->sha256), "%s", spec->sha256);
    m->weights = malloc((size_t)spec->nbytes);
    if (m->weights == NULL) {
        rc = ort_fail(err, 8, "no memory for the weights");
        goto undo;
    }
    memcpy(m->weights, spec->data, (size_t)spec->nbytes);
    m->nbytes = spec->nbytes;
    rc = open_first(m, err);
    if (rc == 0) {
        *model = m;
        return 0;
    }
undo:
    ort_model_free(m);
    return rc;
}

int ort_model_info(void *model, struct ward_model_info *info)
{
    const struct ort_model *m = model;

    snprintf(info->sha256, sizeof(info->sha256), "%s", m->sha256);
    snprintf(info->version, sizeof(info->version), "onnxruntime %s",
             OrtGetApiBase()->GetVersionString());
    return 0;
}

void ort_model_free(void *model)
{
    struct ort_model *m = model;

    for (uint32_t i = 0; i < m->n_sessions; i++)
        m->p->api->ReleaseSession(m->sessions[i].session);
    free(m->weights);
    free(m);
}

int ort_instance_new(void *model, int32_t device, void **instance, struct ward_plugin_err *err)
{
    uint32_t at = 0;
    int rc = open_session(model, device, &at, err);

    return rc != 0 ? rc : ort_instance_open(model, at, instance, err);
}
