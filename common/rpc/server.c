#include "common/rpc/server.h"

#include "common/base/log.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_DEFAULT_POLLERS 4
#define SLICE_MS            20
#define GOODBYE_MS          250

static void *poll_main(void *arg)
{
    struct poller *p = arg;
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    grpc_event ev;

    pthread_setname_np(pthread_self(), "rpc-poll");
    call_slots(p);
    while ((ev = grpc_completion_queue_next(p->cq, never, NULL)).type != GRPC_QUEUE_SHUTDOWN)
        tag_run(ev.tag, ev.success != 0);
    return NULL;
}

/* One for two cores: core's pollers share one epoll and wake each other, and workers need cores
 * too. On two cores a second poller adds a fifth to the throughput of inline calls, but a fifth
 * of its CPU to every call, and when calls come one at a time it doubles it (make bench-rpc).
 */
static int default_pollers(void)
{
    long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;

    return half < 1 ? 1 : half > MAX_DEFAULT_POLLERS ? MAX_DEFAULT_POLLERS : (int)half;
}

static void settle_config(struct ward_rpc *rpc, const struct ward_rpc_config *cfg)
{
    rpc->cfg = *cfg;
    if (rpc->cfg.descriptors == NULL)
        rpc->cfg.descriptors = &ward_proto_set;
    if (rpc->cfg.max_message == 0)
        rpc->cfg.max_message = cfg->arena_cap;
    if (rpc->cfg.max_elements == 0)
        rpc->cfg.max_elements = WARD_WIRE_ELEMENTS;
    if (rpc->cfg.max_message > INT32_MAX)
        rpc->cfg.max_message = INT32_MAX;
    rpc->n_pollers = cfg->pollers > 0 ? cfg->pollers : default_pollers();
    if (rpc->n_pollers > RPC_MAX_POLLERS)
        rpc->n_pollers = RPC_MAX_POLLERS;
}

/* Core's clock and ours are the same one, but core does not promise it. */
static int64_t clock_offset(void)
{
    gpr_timespec core = gpr_now(GPR_CLOCK_MONOTONIC);

    return core.tv_sec * INT64_C(1000000000) + core.tv_nsec - ward_mono_ns();
}

static enum ward_code listen_on(struct ward_rpc *rpc, struct ward_err *err)
{
    grpc_server_credentials *creds;
    const char *at = rpc->cfg.listen;
    int port;

    WARD_TRY(tls_credentials(&rpc->cfg, &creds, &rpc->secure, err));
    rpc->core = args_server(&rpc->cfg);
    for (int i = 0; i < rpc->n_pollers; i++) {
        struct poller *p = &rpc->pollers[i];

        p->rpc = rpc;
        p->cq = grpc_completion_queue_create_for_next(NULL);
        ward_arena_init(&p->mem, rpc->cfg.arena_cap);
        grpc_server_register_completion_queue(rpc->core, p->cq, NULL);
    }
    port = grpc_server_add_http2_port(rpc->core, at, creds);
    grpc_server_credentials_release(creds);
    if (port == 0)
        return WARD_FAIL(err, UNAVAILABLE, "cannot listen on %s", at);
    rpc->port = strncmp(at, "unix:", 5) == 0 ? 0 : port;
    return table_register(rpc, err);
}

static enum ward_code serve(struct ward_rpc *rpc, struct ward_err *err)
{
    rpc->mono_offset = clock_offset();
    grpc_server_start(rpc->core);
    for (int i = 0; i < rpc->n_pollers; i++) {
        struct poller *p = &rpc->pollers[i];

        atomic_fetch_add(&rpc->live, 1);
        p->running = pthread_create(&p->thread, NULL, poll_main, p) == 0;
        if (!p->running) {
            atomic_fetch_sub(&rpc->live, 1);
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start a poll thread");
        }
    }
    if (rpc->cfg.broken == NULL)
        return WARD_OK;
    return watchdog_start(rpc, &rpc->watchdog, err);
}

static enum ward_code open_all(struct ward_rpc *rpc, struct ward_err *err)
{
    const struct ward_rpc_config *cfg = &rpc->cfg;

    args_quiet();
    grpc_init();
    rpc->begun = true;
    WARD_TRY(callers_new(cfg->callers, &rpc->callers, err));
    WARD_TRY(table_make(rpc, err));
    WARD_TRY(crew_start(rpc, &rpc->workers, cfg->workers, cfg->queue, true, false, err));
    WARD_TRY(crew_start(rpc, &rpc->streams, cfg->streams, cfg->queue, true, true, err));
    WARD_TRY(crew_start(rpc, &rpc->system, RPC_SYSTEM, RPC_SYSTEM_QUEUE, false, true, err));
    WARD_TRY(listen_on(rpc, err));
    return serve(rpc, err);
}

enum ward_code ward_rpc_start(const struct ward_rpc_config *cfg, struct ward_rpc **out,
                              struct ward_err *err)
{
    struct ward_rpc *rpc = calloc(1, sizeof(*rpc));
    enum ward_code code;
    sigset_t all, was;

    WARD_ASSERT(rpc != NULL);
    settle_config(rpc, cfg);
    rpc->tokens = tokens_new();
    ward_arena_init(&rpc->mem, SIZE_MAX / 2);
    /* Signals are the main thread's: every thread of ours and of core's inherits this mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    code = open_all(rpc, err);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (code != WARD_OK) {
        ward_rpc_stop(rpc, 0);
        return code;
    }
    stats_server(rpc);
    *out = rpc;
    return WARD_OK;
}

int ward_rpc_port(const struct ward_rpc *rpc)
{
    return rpc->port;
}

void ward_rpc_serving(struct ward_rpc *rpc, const char *service, bool serving)
{
    health_set(rpc->health, service, serving);
}

/* Waits for the calls in progress, grace_ms at most; true when core has closed its connections
 * as well. A peer that does not answer core's goodbye would keep a connection open, so those
 * get a moment once no call is left. */
static bool settled(struct ward_rpc *rpc, grpc_completion_queue *cq, int grace_ms)
{
    gpr_timespec slice = gpr_time_from_millis(SLICE_MS, GPR_TIMESPAN);
    int64_t now = ward_mono_ns(), end = now + grace_ms * WARD_NS_PER_MS, quiet = now;

    for (; now < end && now - quiet < GOODBYE_MS * WARD_NS_PER_MS; now = ward_mono_ns()) {
        gpr_timespec until = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC), slice);

        if (grpc_completion_queue_next(cq, until, NULL).type == GRPC_OP_COMPLETE)
            return true;
        if (atomic_load(&rpc->in_flight) > 0)
            quiet = ward_mono_ns();
    }
    return false;
}

/* Streams of reflection and of health are not worth waiting for. */
static void break_system(struct ward_rpc *rpc)
{
    health_end(rpc->health);
    for (int i = 0; i < rpc->system.n; i++)
        stream_break(rpc->system.workers[i].stream);
}

/* No new calls; those in progress get grace_ms, then a cancel. The notification has a queue of
 * its own: on a poll thread's it would look like a call's. */
static void drain(struct ward_rpc *rpc, int grace_ms)
{
    grpc_completion_queue *cq = grpc_completion_queue_create_for_next(NULL);
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    int left;

    atomic_store(&rpc->stopping, true);
    grpc_server_shutdown_and_notify(rpc->core, cq, NULL);
    break_system(rpc);
    if (!settled(rpc, cq, grace_ms)) {
        left = atomic_load(&rpc->in_flight);
        if (left > 0)
            WARD_LOG(WARN, "grace is over, calls are cancelled", WARD_KN("calls", left));
        grpc_server_cancel_all_calls(rpc->core);
        grpc_completion_queue_next(cq, never, NULL);
    }
    grpc_completion_queue_shutdown(cq);
    grpc_completion_queue_next(cq, never, NULL);
    grpc_completion_queue_destroy(cq);
}

static void stop_pollers(struct ward_rpc *rpc)
{
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    for (int i = 0; i < rpc->n_pollers && rpc->pollers[i].cq != NULL; i++)
        grpc_completion_queue_shutdown(rpc->pollers[i].cq);
    for (int i = 0; i < rpc->n_pollers && rpc->pollers[i].cq != NULL; i++) {
        struct poller *p = &rpc->pollers[i];

        if (p->running)
            pthread_join(p->thread, NULL);
        else
            grpc_completion_queue_next(p->cq, never, NULL); /* its shutdown; nothing else */
        call_free_all(p);
        ward_arena_done(&p->mem);
    }
}

void ward_rpc_stop(struct ward_rpc *rpc, int grace_ms)
{
    if (rpc == NULL)
        return;
    stats_server(NULL);
    watchdog_stop(rpc->watchdog);
    if (rpc->core != NULL)
        drain(rpc, grace_ms);
    /* Core lets go of a connection before we have let go of its calls. */
    while (atomic_load(&rpc->live) > 0)
        nanosleep(&(struct timespec){.tv_nsec = WARD_NS_PER_MS}, NULL);
    crew_stop(&rpc->workers);
    crew_stop(&rpc->streams);
    crew_stop(&rpc->system);
    stop_pollers(rpc);
    if (rpc->core != NULL)
        grpc_server_destroy(rpc->core);
    for (int i = 0; i < rpc->n_pollers; i++)
        if (rpc->pollers[i].cq != NULL)
            grpc_completion_queue_destroy(rpc->pollers[i].cq);
    health_free(rpc->health);
    tokens_free(rpc->tokens);
    callers_free(rpc->callers);
    ward_arena_done(&rpc->mem);
    if (rpc->begun)
        grpc_shutdown();
    free(rpc);
}
