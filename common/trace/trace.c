#include "common/trace/trace.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/metrics.h"
#include "common/rpc/client.h"
#include "common/trace/otlp.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPANS      2048 /* of the ring */
#define BATCH      512  /* spans of one Export call, at most */
#define EVERY_MS   1000
#define TIMEOUT_MS 5000
#define CLOSE_MS   2000
#define SERVER     "otlp" /* name in the collector's certificate: spiffe://ward/otlp */

struct ward_trace {
    struct ward_client *client;
    const char *service, *version;
    int every_ms;
    pthread_t thread;
    struct ward_arena mem; /* the thread's */
    bool failing;          /* the last export failed; the thread's */

    pthread_mutex_t lock; /* guards the members below */
    pthread_cond_t changed;
    bool closing;
    size_t first, n; /* waiting spans */
    struct otlp_span ring[SPANS];
};

static struct ward_family spans_total = {
    .name = "ward_trace_spans_total",
    .help =
        "Number of spans for the OpenTelemetry collector, by outcome: exported, dropped (the "
        "collector was slow or unavailable), refused (by the collector).",
    .type = WARD_COUNTER,
    .label = {"outcome"},
};
WARD_METRIC_LISTED(spans_total)

static void count(const char *outcome, double n)
{
    if (n > 0)
        ward_metric_add(ward_series_of(&spans_total, outcome, NULL, NULL), n);
}

static struct timespec after_ms(int ms)
{
    struct timespec t;
    int64_t ns;

    clock_gettime(CLOCK_MONOTONIC, &t);
    ns = t.tv_nsec + ms * WARD_NS_PER_MS;
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return t;
}

/* Waits for the next batch. Returns true if the exporter closes. */
static bool wait_for_turn(struct ward_trace *t)
{
    struct timespec until = after_ms(t->every_ms);
    bool closing;

    pthread_mutex_lock(&t->lock);
    while (!t->closing && t->n < BATCH &&
           pthread_cond_timedwait(&t->changed, &t->lock, &until) == 0)
        ;
    closing = t->closing;
    pthread_mutex_unlock(&t->lock);
    return closing;
}

/* Copies the oldest spans and leaves them in the ring. */
static size_t oldest(struct ward_trace *t, struct otlp_span *out, size_t most)
{
    size_t n;

    pthread_mutex_lock(&t->lock);
    n = t->n < most ? t->n : most;
    for (size_t i = 0; i < n; i++)
        out[i] = t->ring[(t->first + i) % SPANS];
    pthread_mutex_unlock(&t->lock);
    return n;
}

static void take_off(struct ward_trace *t, size_t n)
{
    pthread_mutex_lock(&t->lock);
    t->first = (t->first + n) % SPANS;
    t->n -= n;
    pthread_mutex_unlock(&t->lock);
}

static void note(struct ward_trace *t, enum ward_code code, const struct ward_err *err)
{
    if (code != WARD_OK && !t->failing)
        WARD_LOG(WARN, "spans cannot be exported", WARD_KV("code", ward_code_name(code)),
                 WARD_KV("error", err->msg));
    if (code == WARD_OK && t->failing)
        WARD_LOG(INFO, "spans are exported again");
    t->failing = code != WARD_OK;
}

/* Counts the spans of a batch. Spans that could not be delivered stay in the ring. */
static void settle(struct ward_trace *t, size_t n, enum ward_code code,
                   const ProtobufCMessage *reply)
{
    const Opentelemetry__Proto__Collector__Trace__V1__ExportTraceServiceResponse *r =
        (const void *)reply;
    double refused;

    if (code == WARD_UNAVAILABLE || code == WARD_DEADLINE_EXCEEDED ||
        code == WARD_RESOURCE_EXHAUSTED)
        return;
    take_off(t, n);
    refused = code != WARD_OK              ? (double)n
              : r->partial_success == NULL ? 0
                                           : (double)r->partial_success->rejected_spans;
    count("refused", refused);
    count("exported", (double)n - refused);
}

/* Sends one batch. Returns the number of sent spans; 0 if none wait or the call failed. */
static size_t send_batch(struct ward_trace *t, struct otlp_span *batch, int timeout_ms)
{
    size_t n = oldest(t, batch, BATCH);
    struct ward_err err = {0};
    ProtobufCMessage *reply = NULL;
    struct ward_out with = {.deadline_ns = ward_mono_ns() + timeout_ms * WARD_NS_PER_MS};
    enum ward_code code;

    if (n == 0)
        return 0;
    code = ward_client_call(
        t->client, "/opentelemetry.proto.collector.trace.v1.TraceService/Export", &with,
        &otlp_request(&t->mem, t->service, t->version, batch, n)->base,
        &opentelemetry__proto__collector__trace__v1__export_trace_service_response__descriptor,
        &reply, &t->mem, &err);
    note(t, code, &err);
    settle(t, n, code, reply);
    ward_arena_reset(&t->mem);
    return code == WARD_OK ? n : 0;
}

static void *export_main(void *arg)
{
    struct ward_trace *t = arg;
    struct otlp_span *batch = calloc(BATCH, sizeof(*batch));

    WARD_ASSERT(batch != NULL);
    while (!wait_for_turn(t))
        while (send_batch(t, batch, TIMEOUT_MS) == BATCH)
            ;
    while (send_batch(t, batch, CLOSE_MS) == BATCH)
        ;
    free(batch);
    return NULL;
}

static void init_lock(struct ward_trace *t)
{
    pthread_condattr_t mono;

    pthread_condattr_init(&mono);
    pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, &mono);
    pthread_condattr_destroy(&mono);
}

enum ward_code ward_trace_open(const struct ward_trace_config *cfg, struct ward_trace **out,
                               struct ward_err *err)
{
    struct ward_trace *t = calloc(1, sizeof(*t));
    enum ward_code code;

    WARD_ASSERT(t != NULL);
    t->service = cfg->service;
    t->version = cfg->version;
    t->every_ms = cfg->every_ms > 0 ? cfg->every_ms : EVERY_MS;
    code = ward_client_open(
        &(struct ward_client_config){
            .target = cfg->endpoint,
            .tls =
                ward_client_is_local(cfg->endpoint) ? (struct ward_tls){"", "", ""} : cfg->tls,
            .server = SERVER,
        },
        &t->client, err);
    if (code != WARD_OK) {
        free(t);
        return code;
    }
    ward_arena_init(&t->mem, SIZE_MAX / 2);
    init_lock(t);
    WARD_ASSERT(pthread_create(&t->thread, NULL, export_main, t) == 0);
    *out = t;
    return WARD_OK;
}

void ward_trace_add(void *trace, const struct ward_rpc_span *span)
{
    struct ward_trace *t = trace;
    struct otlp_span *s;
    bool wake;

    pthread_mutex_lock(&t->lock);
    if (t->n == SPANS) {
        pthread_mutex_unlock(&t->lock);
        count("dropped", 1);
        return;
    }
    s = &t->ring[(t->first + t->n++) % SPANS];
    wake = t->n == BATCH;
    otlp_ids(span->traceparent, span->parent, s);
    snprintf(s->path, sizeof(s->path), "%s", span->path);
    snprintf(s->peer, sizeof(s->peer), "%s", span->peer);
    s->began_us = span->began_us;
    s->ended_us = span->ended_us;
    s->code = span->code;
    if (wake)
        pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
}

void ward_trace_close(struct ward_trace *t)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    t->closing = true;
    pthread_cond_signal(&t->changed);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    count("dropped", (double)t->n);
    ward_client_close(t->client);
    ward_arena_done(&t->mem);
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
