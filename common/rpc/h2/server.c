#include "common/rpc/h2/sockets.h"

#include "common/base/log.h"

#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>

#define MAX_CONNS   4096
#define RESERVED    128 /* descriptors that are not connections */
#define MAX_SILENT  512 /* limit of connections without a byte yet; each takes 0.5 kB */
#define MAX_SHAKING 64  /* limit of connections in their TLS handshake; each takes 40 kB */
#define CERTS_NS    (1000 * WARD_NS_PER_MS)
#define SLICE_NS    (2 * WARD_NS_PER_MS)
#define GOODBYE_NS  (500 * WARD_NS_PER_MS) /* wait for peers that ignore a GOAWAY */

/* Returns the limit of connections: the process's descriptors, less a reserve for files and
 * databases. */
static int max_conns(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= MAX_CONNS + RESERVED)
        return MAX_CONNS;
    return r.rlim_cur > 2 * RESERVED ? (int)r.rlim_cur - RESERVED : (int)r.rlim_cur / 2;
}

static bool open_loop(struct loop *l)
{
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = l};

    l->ep = epoll_create1(EPOLL_CLOEXEC);
    l->event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return l->ep >= 0 && l->event >= 0 && epoll_ctl(l->ep, EPOLL_CTL_ADD, l->event, &e) == 0;
}

static enum ward_code h2_listen(struct ward_rpc *rpc, struct ward_err *err)
{
    struct h2_server *srv = calloc(1, sizeof(*srv));
    int most = max_conns();

    WARD_ASSERT(srv != NULL);
    rpc->h2 = srv;
    srv->rpc = rpc;
    srv->n_loops = rpc->n_pollers;
    srv->loops = calloc((size_t)srv->n_loops, sizeof(*srv->loops));
    WARD_ASSERT(srv->loops != NULL);
    caps_init(&srv->caps, most, most * 3 / 4);
    srv->max_shaking[0] = most / 4 < MAX_SILENT ? most / 4 : MAX_SILENT;
    srv->max_shaking[1] = most / 8 < MAX_SHAKING ? most / 8 : MAX_SHAKING;
    srv->most_conn = H2_HELD_CONN + 2 * rpc->cfg.max_message;
    srv->most_peer = H2_HELD_PEER + 2 * rpc->cfg.max_message;
    srv->most_all = H2_HELD_ALL + 8 * rpc->cfg.max_message;
    for (int i = 0; i < srv->n_loops; i++)
        loop_init(&srv->loops[i], srv, rpc, i);
    if (rpc->secure)
        WARD_TRY(tls_open(&rpc->cfg.tls, &srv->tls, err));
    for (int i = 0; i < srv->n_loops; i++)
        if (!open_loop(&srv->loops[i]))
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no descriptors for a server");
    return listen_open(srv, rpc->cfg.listen, &rpc->port, err);
}

static void look_at_certificates(struct timer *t)
{
    struct h2_server *srv = RPC_OF(t, struct h2_server, certificates);

    tls_look(srv->tls);
    wheel_set(&srv->loops[0].wheel, t, srv->loops[0].now + CERTS_NS);
}

static enum ward_code h2_serve(struct ward_rpc *rpc, struct ward_err *err)
{
    struct h2_server *srv = rpc->h2;

    if (srv->tls != NULL) {
        srv->certificates.fn = look_at_certificates;
        wheel_set(&srv->loops[0].wheel, &srv->certificates, srv->loops[0].now + CERTS_NS);
    }
    listen_watch(srv, true);
    for (int i = srv->n_loops - 1; i >= 0; i--)
        if (!loop_start(&srv->loops[i]))
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start an I/O thread");
    return WARD_OK;
}

/* ---- the end ---- */

static void nudge_all(struct h2_server *srv)
{
    for (int i = 0; i < srv->n_loops; i++)
        if (srv->loops[i].running)
            loop_nudge(&srv->loops[i]);
}

static void h2_refuse(struct ward_rpc *rpc)
{
    atomic_store(&rpc->h2->refusing, true);
    nudge_all(rpc->h2);
}

/* Returns whether all loops have stopped accepting connections. */
static bool drains(struct h2_server *srv)
{
    for (int i = 0; i < srv->n_loops; i++)
        if (!atomic_load(&srv->loops[i].draining))
            return false;
    return true;
}

static int count(struct h2_server *srv, bool calls)
{
    int n = 0;

    for (int i = 0; i < srv->n_loops; i++)
        n += atomic_load(calls ? &srv->loops[i].n_calls : &srv->loops[i].n_conns);
    return n;
}

/* Waits until every connection has closed. Returns false at the end of grace_ms, or GOODBYE_NS
 * after the last call, if peers ignore the GOAWAY. */
static bool settled(struct h2_server *srv, int grace_ms)
{
    int64_t now = ward_mono_ns(), end = now + grace_ms * WARD_NS_PER_MS, quiet = now;

    for (; now < end && now - quiet < GOODBYE_NS; now = ward_mono_ns()) {
        nanosleep(&(struct timespec){.tv_nsec = SLICE_NS}, NULL);
        if (!drains(srv)) {
            quiet = ward_mono_ns();
            continue;
        }
        if (count(srv, false) == 0)
            return true;
        if (count(srv, true) > 0)
            quiet = ward_mono_ns();
    }
    return false;
}

static void h2_drain(struct ward_rpc *rpc, int grace_ms)
{
    struct h2_server *srv = rpc->h2;
    int left;

    if (!srv->loops[0].running || settled(srv, grace_ms))
        return;
    left = atomic_load(&rpc->in_flight);
    if (left > 0)
        WARD_LOG(WARN, "the grace period has ended; calls are cancelled",
                 WARD_KN("calls", left));
    atomic_store(&srv->cut, true);
    nudge_all(srv);
}

static void h2_close(struct ward_rpc *rpc)
{
    struct h2_server *srv = rpc->h2;

    atomic_store(&srv->cut, true);
    atomic_store(&srv->stopping, true);
    nudge_all(srv);
    for (int i = 0; i < srv->n_loops; i++) {
        if (i == 0 && !srv->loops[0].running)
            listen_close(srv); /* the loop never ran */
        loop_done(&srv->loops[i]);
    }
    tls_close(srv->tls);
    caps_done(&srv->caps);
    free(srv->loops);
    free(srv);
}

/* Returns the turns of the slowest loop, so that other loops cannot hide a stuck loop. */
static uint64_t h2_progress(struct ward_rpc *rpc)
{
    uint64_t least = UINT64_MAX;

    for (int i = 0; i < rpc->h2->n_loops; i++) {
        uint64_t n = atomic_load_explicit(&rpc->h2->loops[i].turns, memory_order_relaxed);

        least = n < least ? n : least;
    }
    return least;
}

const struct transport transport_h2 = {
    .name = "h2",
    .listen = h2_listen,
    .serve = h2_serve,
    .refuse = h2_refuse,
    .drain = h2_drain,
    .close = h2_close,
    .progress = h2_progress,
    .turns = true,
    .meta = face_meta,
    .peer = face_peer,
    .gone = face_gone,
    .request = face_request,
    .finish = face_finish,
    .reply = face_finish,
    .push = face_push,
    .watch_close = face_watch_close,
    .cancel = face_cancel,
    .recv = face_recv,
    .send = face_send,
    .stream_end = face_stream_end,
};
