#include "plugins/ort/ort.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
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

/* An ONNX Runtime message has its source location, then the component, then the text, so the
 * end of a long message is stored. For CUDA's own failures, the beginning is stored. */
static void say_end(struct ward_plugin_err *err, int code, const char *said)
{
    const char *cuda = strstr(said, "CUDA failure");
    const size_t most = 160;
    size_t n, from;

    said = cuda == NULL ? said : cuda;
    n = strlen(said);

    while (n > 0 && strchr(" \n;", said[n - 1]) != NULL)
        n--;
    from = cuda == NULL && n > most ? n - most : 0;
    ort_fail(err, code, "onnxruntime: %s%.*s", from > 0 ? "..." : "",
             (int)(n - from > most ? most : n - from), said + from);
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
    say_end(err, code, p->api->GetErrorMessage(status));
    p->api->ReleaseStatus(status);
    return code;
}

void ort_log(const struct ort_plugin *p, int level, const char *fmt, ...)
{
    char line[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(line, sizeof(line), fmt, ap);
    va_end(ap);
    p->host->log(p->host->ctx, level, line);
}

const char *ort_option(const struct ort_plugin *p, const char *key)
{
    const struct ward_host *h = p->host;

    if (h->size < offsetof(struct ward_host, option) + sizeof(h->option) || h->option == NULL)
        return NULL;
    return h->option(h->ctx, key);
}

int ort_each_pair(const char *list,
                  int (*each)(void *arg, const char *key, const char *value,
                              struct ward_plugin_err *err),
                  void *arg, struct ward_plugin_err *err)
{
    char pair[1024], *equals;
    int rc = 0;

    while (rc == 0 && list != NULL && *list != '\0') {
        size_t n = strcspn(list, ",");

        if (n >= sizeof(pair))
            return ort_fail(err, 3, "an option is too long");
        memcpy(pair, list, n);
        pair[n] = '\0';
        list += n + (list[n] == ',');
        equals = strchr(pair, '=');
        if (equals == NULL || equals == pair)
            return ort_fail(err, 3, "an option is not key=value");
        *equals = '\0';
        rc = each(arg, pair, equals + 1, err);
    }
    return rc;
}

/* There is one environment for the process. Back ends of several libraries share it, and it
 * logs through its creator, which may be closed before the others. Messages therefore go to any
 * open back end of this library, and are lost if no back end is open. */
static struct {
    pthread_mutex_t lock;
    struct ort_plugin *first;
} opened = {PTHREAD_MUTEX_INITIALIZER, NULL};

static void ORT_API_CALL forward(void *param, OrtLoggingLevel severity, const char *category,
                                 const char *logid, const char *where, const char *message)
{
    (void)param, (void)category, (void)logid, (void)where;
    pthread_mutex_lock(&opened.lock);
    if (opened.first != NULL)
        ort_log(opened.first, severity >= ORT_LOGGING_LEVEL_ERROR ? 0 : 1, "%s", message);
    pthread_mutex_unlock(&opened.lock);
}

static void enter(struct ort_plugin *p)
{
    pthread_mutex_lock(&opened.lock);
    p->next = opened.first;
    opened.first = p;
    pthread_mutex_unlock(&opened.lock);
}

static void leave(struct ort_plugin *p)
{
    struct ort_plugin **at = &opened.first;

    pthread_mutex_lock(&opened.lock);
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    pthread_mutex_unlock(&opened.lock);
}

static void release(struct ort_plugin *p)
{
    if (p->cpu != NULL)
        p->api->ReleaseMemoryInfo(p->cpu);
    if (p->env != NULL)
        p->api->ReleaseEnv(p->env);
    leave(p);
    free(p);
}

/* ONNX Runtime's telemetry runs a shell for a machine id, writes into the user's home and sends
 * events over the internet. It starts with the first environment, before DisableTelemetryEvents
 * can be called. Only this variable takes effect earlier. */
static void no_telemetry(void)
{
    (void)!setenv("ORT_DISABLE_TELEMETRY", "1", 1);
}

/* Creates the counters, so that the host shows 0 before the first event. */
static void count_from_zero(const struct ort_plugin *p)
{
    p->host->metric(p->host->ctx, p->provider->cancelled, 0);
    if (p->provider->placed != NULL)
        p->host->metric(p->host->ctx, p->provider->placed, 0);
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
        free(p);
        return rc;
    }
    no_telemetry();
    enter(p);
    rc = ort_check(p,
                   p->api->CreateEnvWithCustomLogger(forward, NULL, ORT_LOGGING_LEVEL_WARNING,
                                                     "ward", &p->env),
                   err);
    if (rc == 0) /* inference is local, and no data about it may leave the machine */
        rc = ort_check(p, p->api->DisableTelemetryEvents(p->env), err);
    if (rc == 0)
        rc = ort_check(
            p, p->api->CreateCpuMemoryInfo(OrtDeviceAllocator, OrtMemTypeDefault, &p->cpu),
            err);
    if (rc == 0 && provider->open != NULL)
        rc = provider->open(p, err);
    if (rc != 0) {
        release(p);
        return rc;
    }
    count_from_zero(p);
    *plugin = p;
    return 0;
}

void ort_close(void *plugin)
{
    struct ort_plugin *p = plugin;

    if (p->provider->close != NULL)
        p->provider->close(p);
    release(p);
}

int ort_devices(void *plugin, struct ward_device *out, uint32_t cap, uint32_t *n,
                struct ward_plugin_err *err)
{
    struct ort_plugin *p = plugin;

    return p->provider->devices(p, out, cap, n, err);
}
