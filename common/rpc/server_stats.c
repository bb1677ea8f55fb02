#include "common/rpc/server.h"

#include <pthread.h>
#include <string.h>

static const double SECONDS[] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                 0.01,   0.025,   0.05,   0.1,   0.25,   0.5,
                                 1,      2.5,     5,      10,    60,     0};

#define BY_METHOD                                                                              \
    {                                                                                          \
        "grpc_service", "grpc_method"                                                          \
    }
static struct ward_family started = {.name = "grpc_server_started_total",
                                     .help = "Number of calls that arrived.",
                                     .type = WARD_COUNTER,
                                     .label = BY_METHOD};
static struct ward_family handled = {.name = "grpc_server_handled_total",
                                     .help = "Number of answered calls, by code.",
                                     .type = WARD_COUNTER,
                                     .label = {"grpc_service", "grpc_method", "grpc_code"}};
static struct ward_family seconds = {.name = "grpc_server_handling_seconds",
                                     .help = "Time from the arrival of a call to its answer.",
                                     .type = WARD_HISTOGRAM,
                                     .label = BY_METHOD,
                                     .bounds = SECONDS};
static struct ward_family bytes_in = {.name = "ward_rpc_received_bytes_total",
                                      .help = "Size of all request messages in bytes.",
                                      .type = WARD_COUNTER,
                                      .label = BY_METHOD};
static struct ward_family bytes_out = {.name = "ward_rpc_sent_bytes_total",
                                       .help = "Size of all response messages in bytes.",
                                       .type = WARD_COUNTER,
                                       .label = BY_METHOD};
static struct ward_family in_flight = {
    .name = "ward_rpc_in_flight",
    .help = "Number of calls that arrived and have no answer yet.",
    .type = WARD_GAUGE,
    .label = BY_METHOD};
static struct ward_family arena = {.name = "ward_rpc_arena_high_water_bytes",
                                   .help = "Largest memory use of a call of this method.",
                                   .type = WARD_GAUGE,
                                   .label = BY_METHOD};
static struct ward_family shed = {.name = "ward_rpc_shed_total",
                                  .help =
                                      "Number of calls rejected because the queue was full.",
                                  .type = WARD_COUNTER,
                                  .label = BY_METHOD};

/* A process usually has one server. The gauge shows the server that started last. */
static struct ward_rpc *current;
/* Guards `current` between a scrape and a stop. */
static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;

static double read_queue(void)
{
    struct ward_rpc *rpc;
    double n = 0;

    pthread_mutex_lock(&current_lock);
    rpc = current;
    for (int i = 0; rpc != NULL && i < CREW_SYSTEM; i++)
        if (rpc->crews[i].n > 0)
            n += queue_waiting(&rpc->crews[i].queue);
    pthread_mutex_unlock(&current_lock);
    return n;
}

static double busy(enum crew_kind kind)
{
    double n;

    pthread_mutex_lock(&current_lock);
    n = current == NULL ? 0 : atomic_load(&current->crews[kind].busy);
    pthread_mutex_unlock(&current_lock);
    return n;
}

static double read_workers(void)
{
    return busy(CREW_WORKERS);
}

static double read_streams(void)
{
    return busy(CREW_STREAMS);
}

static struct ward_family queued = {.name = "ward_rpc_queue_depth",
                                    .help = "Number of calls that wait for a worker.",
                                    .type = WARD_GAUGE,
                                    .read = read_queue};
static struct ward_family workers_busy = {.name = "ward_rpc_workers_busy",
                                          .help = "Number of workers that handle a call.",
                                          .type = WARD_GAUGE,
                                          .read = read_workers};
static struct ward_family streams_busy = {.name = "ward_rpc_streams_busy",
                                          .help =
                                              "Number of stream workers that handle a stream.",
                                          .type = WARD_GAUGE,
                                          .read = read_streams};
static struct ward_family waited = {.name = "ward_rpc_queue_seconds",
                                    .help = "Time that calls waited for a worker, by queue: "
                                            "bedside, bulk or stream.",
                                    .type = WARD_HISTOGRAM,
                                    .label = {"queue"},
                                    .bounds = SECONDS};
WARD_METRIC_LISTED(queued)
WARD_METRIC_LISTED(workers_busy)
WARD_METRIC_LISTED(streams_busy)
WARD_METRIC_LISTED(waited)
WARD_METRIC_LISTED(started)
WARD_METRIC_LISTED(handled)
WARD_METRIC_LISTED(seconds)
WARD_METRIC_LISTED(bytes_in)
WARD_METRIC_LISTED(bytes_out)
WARD_METRIC_LISTED(in_flight)
WARD_METRIC_LISTED(arena)
WARD_METRIC_LISTED(shed)

void stats_server(struct ward_rpc *rpc)
{
    pthread_mutex_lock(&current_lock);
    current = rpc;
    pthread_mutex_unlock(&current_lock);
}

void stats_of(const char *service, const char *method, struct method_stats *out)
{
    *out = (struct method_stats){
        .started = ward_series_of(&started, service, method, NULL),
        .seconds = ward_series_of(&seconds, service, method, NULL),
        .bytes_in = ward_series_of(&bytes_in, service, method, NULL),
        .bytes_out = ward_series_of(&bytes_out, service, method, NULL),
        .in_flight = ward_series_of(&in_flight, service, method, NULL),
        .arena = ward_series_of(&arena, service, method, NULL),
        .shed = ward_series_of(&shed, service, method, NULL),
    };
    out->handled[WARD_OK] = ward_series_of(&handled, service, method, "OK");
}

void stats_began(struct served *s, size_t bytes)
{
    struct method_stats *m = &s->method->stats;

    ward_metric_add(m->started, 1);
    ward_metric_add(m->in_flight, 1);
    if (bytes > 0)
        ward_metric_add(m->bytes_in, (double)bytes);
}

void stats_ended(struct served *s, enum ward_code code, size_t sent)
{
    struct method_stats *m = &s->method->stats;
    struct ward_series *by_code = atomic_load_explicit(&m->handled[code], memory_order_relaxed);

    if (by_code == NULL) {
        by_code = ward_series_of(&handled, m->started->label[0], m->started->label[1],
                                 ward_code_name(code));
        atomic_store_explicit(&m->handled[code], by_code, memory_order_relaxed);
    }
    ward_metric_add(by_code, 1);
    ward_metric_add(m->in_flight, -1);
    ward_metric_observe(&seconds, m->seconds, (double)(ward_mono_ns() - s->began_ns) / 1e9);
    if (sent > 0)
        ward_metric_add(m->bytes_out, (double)sent);
}

void stats_waited(const struct served *s, int64_t ns)
{
    static const char *const names[] = {"bedside", "bulk", "stream"};
    static struct ward_series *_Atomic series[3];
    int i = s->method->crew->kind != CREW_WORKERS ? 2 : (int)s->job.lane;
    struct ward_series *one = atomic_load_explicit(&series[i], memory_order_relaxed);

    if (one == NULL) {
        one = ward_series_of(&waited, names[i], NULL, NULL);
        atomic_store_explicit(&series[i], one, memory_order_relaxed);
    }
    ward_metric_observe(&waited, one, (double)ns / 1e9);
}
