#include "common/rpc/core.h"

#include "common/base/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLICE_MS   20
#define GOODBYE_MS 250

static void *poll_main(void *arg)
{
    struct poller *p = arg;
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    grpc_event ev;

    pthread_setname_np(pthread_self(), "rpc-poll");
    core_slots(p);
    while ((ev = grpc_completion_queue_next(p->cq, never, NULL)).type != GRPC_QUEUE_SHUTDOWN)
        tag_run(ev.tag, ev.success != 0);
    return NULL;
}

/* In practice both clocks are equal, but core does not guarantee this. */
static int64_t clock_offset(void)
{
    gpr_timespec core = gpr_now(GPR_CLOCK_MONOTONIC);

    return core.tv_sec * INT64_C(1000000000) + core.tv_nsec - ward_mono_ns();
}

static enum ward_code add_methods(struct ward_rpc *rpc, struct ward_err *err)
{
    for (int i = 0; i < rpc->n_methods; i++) {
        struct method *m = &rpc->methods[i];

        m->registered = grpc_server_register_method(
            rpc->core->server, m->info->path, NULL,
            call_waits_for_message(m) ? GRPC_SRM_PAYLOAD_READ_INITIAL_BYTE_BUFFER
                                      : GRPC_SRM_PAYLOAD_NONE,
            0);
        if (m->registered == NULL)
            return WARD_FAIL(err, FAILED_PRECONDITION, "%s is served twice", m->info->path);
    }
    return WARD_OK;
}

static enum ward_code core_listen(struct ward_rpc *rpc, struct ward_err *err)
{
    const char *at = rpc->cfg.listen;
    grpc_server_credentials *creds;
    struct core *core = calloc(1, sizeof(*core));
    int port;

    WARD_ASSERT(core != NULL);
    rpc->core = core;
    args_quiet();
    grpc_init();
    WARD_TRY(tls_credentials(&rpc->cfg, rpc->secure, &creds, err));
    core->server = args_server(&rpc->cfg);
    for (int i = 0; i < rpc->n_pollers; i++) {
        struct poller *p = &core->pollers[i];

        p->rpc = rpc;
        p->cq = grpc_completion_queue_create_for_next(NULL);
        ward_arena_init(&p->mem, rpc->cfg.arena_cap);
        grpc_server_register_completion_queue(core->server, p->cq, NULL);
    }
    port = grpc_server_add_http2_port(core->server, at, creds);
    grpc_server_credentials_release(creds);
    if (port == 0)
        return WARD_FAIL(err, UNAVAILABLE, "cannot listen on %s", at);
    rpc->port = strncmp(at, "unix:", 5) == 0 ? 0 : port;
    return add_methods(rpc, err);
}

static enum ward_code core_serve(struct ward_rpc *rpc, struct ward_err *err)
{
    struct core *core = rpc->core;

    WARD_LOG(WARN, "served by gRPC's C core, which a peer can stop",
             WARD_KV("open_to",
                     "CVE-2023-33953, CVE-2023-44487, CVE-2023-4785, CVE-2023-32732, "
                     "CONTINUATION floods"));
    core->mono_offset = clock_offset();
    grpc_server_start(core->server);
    for (int i = 0; i < rpc->n_pollers; i++) {
        struct poller *p = &core->pollers[i];

        atomic_fetch_add(&core->live, 1);
        p->running = pthread_create(&p->thread, NULL, poll_main, p) == 0;
        if (!p->running) {
            atomic_fetch_sub(&core->live, 1);
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start a poll thread");
        }
    }
    return WARD_OK;
}

static void core_refuse(struct ward_rpc *rpc)
{
    struct core *core = rpc->core;

    if (core->server == NULL)
        return;
    core->goodbye = grpc_completion_queue_create_for_next(NULL);
    grpc_server_shutdown_and_notify(core->server, core->goodbye, NULL);
}

/* Waits at most grace_ms for the calls in progress. Returns true when core has closed its
 * connections too. A peer that ignores core's GOAWAY would keep its connection open, so the
 * wait ends GOODBYE_MS after the last call. */
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

static void core_drain(struct ward_rpc *rpc, int grace_ms)
{
    struct core *core = rpc->core;
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);
    int left;

    if (core->goodbye == NULL)
        return;
    if (!settled(rpc, core->goodbye, grace_ms)) {
        left = atomic_load(&rpc->in_flight);
        if (left > 0)
            WARD_LOG(WARN, "the grace period has ended; calls are cancelled",
                     WARD_KN("calls", left));
        grpc_server_cancel_all_calls(core->server);
        grpc_completion_queue_next(core->goodbye, never, NULL);
    }
    grpc_completion_queue_shutdown(core->goodbye);
    grpc_completion_queue_next(core->goodbye, never, NULL);
    grpc_completion_queue_destroy(core->goodbye);
    /* Core closes a connection before Ward has released the connection's calls. */
    while (atomic_load(&core->live) > 0)
        nanosleep(&(struct timespec){.tv_nsec = WARD_NS_PER_MS}, NULL);
}

static void stop_pollers(struct ward_rpc *rpc)
{
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    for (int i = 0; i < rpc->n_pollers && rpc->core->pollers[i].cq != NULL; i++)
        grpc_completion_queue_shutdown(rpc->core->pollers[i].cq);
    for (int i = 0; i < rpc->n_pollers && rpc->core->pollers[i].cq != NULL; i++) {
        struct poller *p = &rpc->core->pollers[i];

        if (p->running)
            pthread_join(p->thread, NULL);
        else
            /* The shutdown event; no other event can arrive. */
            grpc_completion_queue_next(p->cq, never, NULL);
        core_free_all(p);
        ward_arena_done(&p->mem);
    }
}

static void core_close(struct ward_rpc *rpc)
{
    struct core *core = rpc->core;

    stop_pollers(rpc);
    if (core->server != NULL)
        grpc_server_destroy(core->server);
    for (int i = 0; i < rpc->n_pollers; i++)
        if (core->pollers[i].cq != NULL)
            grpc_completion_queue_destroy(core->pollers[i].cq);
    grpc_shutdown();
    free(core);
}

static uint64_t core_progress(struct ward_rpc *rpc)
{
    return atomic_load_explicit(&rpc->answered, memory_order_relaxed);
}

static bool core_deaf(struct ward_rpc *rpc)
{
    (void)rpc;
    return args_accept_failed();
}

const struct transport transport_core = {
    .name = "core",
    .listen = core_listen,
    .serve = core_serve,
    .refuse = core_refuse,
    .drain = core_drain,
    .close = core_close,
    .progress = core_progress,
    .deaf = core_deaf,
    .meta = core_meta,
    .peer = core_peer,
    .gone = core_gone,
    .request = core_request,
    .finish = core_finish,
    .reply = core_reply,
    .push = core_push,
    .watch_close = core_watch_close,
    .cancel = core_cancel,
    .recv = core_recv,
    .send = core_send,
    .stream_end = core_stream_end,
};
