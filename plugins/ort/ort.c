#include "plugins/ort/ort.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int ort_fail(struct ward_plugin_err *err, int code, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
    va_end(ap);
    return code;
}

int ort_check(struct ort_plugin *p, OrtStatus *status, struct ward_plugin_err *err)
{
    static const struct {
        OrtErrorCode theirs;
        int ours;
    } table[] = {
        {ORT_INVALID_ARGUMENT, 3}, {ORT_NO_SUCHFILE, 5},         {ORT_NO_MODEL, 5},
        {ORT_INVALID_PROTOBUF, 9}, {ORT_INVALID_GRAPH, 9},       {ORT_NOT_IMPLEMENTED, 12},
        {ORT_EP_FAIL, 14},         {ORT_MODEL_LOAD_CANCELED, 1},
    };
    int code = 13;

    if (status == NULL)
        return 0;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if (p->api->GetErrorCode(status) == table[i].theirs)
            code = table[i].ours;
    ort_fail(err, code, "onnxruntime: %.160s", p->api->GetErrorMessage(status));
    p->api->ReleaseStatus(status);
    return code;
}

/* ONNX Runtime's own log lines become the host's. */
static void ORT_API_CALL forward(void *param, OrtLoggingLevel severity, const char *category,
                                 const char *logid, const char *where, const char *message)
{
    const struct ort_plugin *p = param;

    (void)category, (void)logid, (void)where;
    p->host->log(p->host->ctx, severity >= ORT_LOGGING_LEVEL_ERROR ? 0 : 1, message);
}

int ort_open(const struct ort_provider *provider, const struct ward_host *host, void **plugin,
             struct ward_plugin_err *err)
{
    struct ort_plugin *p = calloc(1, sizeof(*p));
    int rc;

    if (p == NULL)
        return ort_fail(err, 8, "no memory");
    p->provider = provider;
    p->host = host;
    p->api = OrtGetApiBase()->GetApi(ORT_API_VERSION);
    if (p->api == NULL) {
        rc = ort_fail(err, 9, "onnxruntime %s is older than the headers this was built with",
                      OrtGetApiBase()->GetVersionString());
        goto free_p;
    }
    rc = ort_check(p,
                   p->api->CreateEnvWithCustomLogger(forward, p, ORT_LOGGING_LEVEL_WARNING,
                                                     "ward", &p->env),
                   err);
    if (rc == 0) /* inference is local; nothing about it is to be told to anyone */
        rc = ort_check(p, p->api->DisableTelemetryEvents(p->env), err);
    if (rc == 0)
        rc = ort_check(
            p, p->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &p->cpu),
            err);
    if (rc == 0) {
        *plugin = p;
        return 0;
    }
    if (p->env != NULL)
        p->api->ReleaseEnv(p->env);
free_p:
    free(p);
    return rc;
}

void ort_close(void *plugin)
{
    struct ort_plugin *p = plugin;

    p->api->ReleaseMemoryInfo(p->cpu);
    p->api->ReleaseEnv(p->env);
    free(p);
}

int ort_devices(void *plugin, struct ward_device *out, uint32_t cap, uint32_t *n,
                struct ward_plugin_err *err)
{
    struct ort_plugin *p = plugin;

    return p->provider->devices(p, out, cap, n, err);
}

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
    /* The arena and the memory pattern keep the largest run's memory for ever, for each
     * session; off, a service's memory is what it uses now. */
    if (rc == 0)
        rc = ort_check(m->p, api->DisableCpuMemArena(o), err);
    /* For its pool's threads; the calling thread's is set around each run (ort_run.c). */
    if (rc == 0)
        rc = ort_check(m->p, api->AddSessionConfigEntry(o, "session.set_denormal_as_zero", "1"),
                       err);
    if (rc == 0)
        rc = m->p->provider->choose(m->p, o, device, err);
    return rc;
}

static int open_session(struct ort_model *m, int32_t device, OrtSession **out,
                        struct ward_plugin_err *err)
{
    const OrtApi *api = m->p->api;
    OrtSessionOptions *o = NULL;
    int rc;

    for (uint32_t i = 0; i < m->n_sessions; i++)
        if (m->sessions[i].device == device) {
            *out = m->sessions[i].session;
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
            m->p, api->CreateSessionFromArray(m->p->env, m->weights, (size_t)m->nbytes, o, out),
            err);
    api->ReleaseSessionOptions(o);
    if (rc != 0)
        return rc;
    m->sessions[m->n_sessions].device = device;
    m->sessions[m->n_sessions++].session = *out;
    return 0;
}

int ort_model_load(void *plugin, const struct ward_model_spec *spec, void **model,
                   struct ward_plugin_err *err)
{
    struct ward_device d[ORT_MAX_DEVICES];
    struct ort_plugin *p = plugin;
    OrtSession *session = NULL;
    struct ort_model *m;
    uint32_t n = 0;
    int rc;

    if (spec->data == NULL || spec->nbytes == 0)
        return ort_fail(err, 3, "an ONNX model has weights");
    m = calloc(1, sizeof(*m));
    if (m == NULL)
        return ort_fail(err, 8, "no memory");
    m->p = p;
    m->threads = spec->threads;
    snprintf(m->sha256, sizeof(m->sha256), "%s", spec->sha256);
    m->weights = malloc((size_t)spec->nbytes);
    if (m->weights == NULL) {
        rc = ort_fail(err, 8, "no memory for the weights");
        goto undo;
    }
    memcpy(m->weights, spec->data, (size_t)spec->nbytes);
    m->nbytes = spec->nbytes;
    /* A session on the first device now, so that a broken model fails here, not at a call. */
    rc = p->provider->devices(p, d, ORT_MAX_DEVICES, &n, err);
    if (rc == 0 && n == 0)
        rc = ort_fail(err, 14, "no device");
    if (rc == 0)
        rc = open_session(m, d[0].ordinal, &session, err);
    if (rc == 0)
        rc = ort_read_io(p, session, m, err);
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
    OrtSession *session = NULL;
    int rc = open_session(model, device, &session, err);

    return rc != 0 ? rc : ort_instance_open(model, session, instance, err);
}
