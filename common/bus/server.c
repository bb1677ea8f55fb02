/* The receiving side of a delivery: threads that receive, commit and acknowledge. */
#include "common/bus/bus_nng.h"

#include <nng/protocol/reqrep0/rep.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MAX_THREADS 64

struct taker {
    struct ward_bus_server *server;
    pthread_t thread;
    bool started, has_ctx, has_wrk;
    pthread_mutex_t lock; /* guards the next two members */
    bool receiving, stopping;
    nng_ctx ctx;
    nng_aio *aio;
    void *wrk;
    struct ward_bus_item *items;
};

struct ward_bus_server {
    struct ward_bus_server_config cfg;
    nng_socket s;
    int port;
    int n;
    struct taker takers[];
};

/* Parses a request and passes it to `mark` or `take`. *ack is the result. */
static void handle(struct taker *t, nng_msg *m, struct ward_err *ack)
{
    const struct ward_bus_server_config *cfg = &t->server->cfg;
    char peer[65], service[MARK_NAME + 1];
    enum ward_code code;
    uint64_t sent, last;
    size_t n = 0;

    ward_bus_peer(nng_msg_get_pipe(m), peer);
    if (cfg->mark != NULL &&
        ward_mark_parse(nng_msg_body(m), nng_msg_len(m), service, &sent, &last)) {
        ack->code = cfg->mark(cfg->svc, t->wrk, peer, service, sent, last, ack);
        return;
    }
    code = ward_frame_parse(nng_msg_body(m), nng_msg_len(m), t->items, WARD_BUS_MAX_ITEMS, &n,
                            ack);
    if (code == WARD_OK)
        code = cfg->take(cfg->svc, t->wrk, peer, t->items, n, ack);
    if (code == WARD_OK)
        *ack = (struct ward_err){0};
    ack->code = code;
}

static void answer(struct taker *t, const struct ward_err *ack)
{
    uint8_t bytes[ACK_MAX];
    size_t n = ward_ack_pack(ack, bytes);
    nng_msg *m;

    if (nng_msg_alloc(&m, 0) != 0 || nng_msg_append(m, bytes, n) != 0)
        return; /* the sender will repeat the request */
    nng_aio_set_timeout(t->aio, NNG_DURATION_INFINITE);
    nng_aio_set_msg(t->aio, m);
    nng_ctx_send(t->ctx, t->aio);
    nng_aio_wait(t->aio);
    if (nng_aio_result(t->aio) != 0)
        nng_msg_free(nng_aio_get_msg(t->aio));
    nng_aio_set_msg(t->aio, NULL);
}

/* Returns the next request, or NULL if the server stops. A stop interrupts only this wait, so
 * that a request in progress is still acknowledged. */
static nng_msg *next(struct taker *t)
{
    nng_msg *m = NULL;

    pthread_mutex_lock(&t->lock);
    t->receiving = !t->stopping;
    if (t->receiving) {
        nng_aio_set_timeout(t->aio, NNG_DURATION_INFINITE);
        nng_ctx_recv(t->ctx, t->aio);
    }
    pthread_mutex_unlock(&t->lock);
    if (!t->receiving) /* written only by this thread */
        return NULL;
    nng_aio_wait(t->aio);
    pthread_mutex_lock(&t->lock);
    t->receiving = false;
    if (nng_aio_result(t->aio) == 0)
        m = nng_aio_get_msg(t->aio);
    nng_aio_set_msg(t->aio, NULL);
    pthread_mutex_unlock(&t->lock);
    return m;
}

static void *serve(void *arg)
{
    struct taker *t = arg;
    bool stopping = false;

    while (!stopping) {
        struct ward_err ack = {0};
        nng_msg *m = next(t);

        if (m != NULL) {
            handle(t, m, &ack);
            nng_msg_free(m);
            answer(t, &ack);
        }
        pthread_mutex_lock(&t->lock);
        stopping = t->stopping;
        pthread_mutex_unlock(&t->lock);
    }
    return NULL;
}

static enum ward_code start(struct taker *t, struct ward_err *err)
{
    const struct ward_bus_server_config *cfg = &t->server->cfg;
    int rv;

    t->items = malloc(WARD_BUS_MAX_ITEMS * sizeof(*t->items));
    if (t->items == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    if ((rv = nng_aio_alloc(&t->aio, NULL, NULL)) != 0 ||
        (rv = nng_ctx_open(&t->ctx, t->server->s)) != 0)
        return ward_bus_fail(rv, "cannot open the bus", err);
    t->has_ctx = true;
    if (cfg->wrk_open != NULL)
        WARD_TRY(cfg->wrk_open(cfg->svc, &t->wrk, err));
    t->has_wrk = cfg->wrk_open != NULL;
    if (pthread_create(&t->thread, NULL, serve, t) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread");
    t->started = true;
    return WARD_OK;
}

static enum ward_code begin(struct ward_bus_server *s, struct ward_err *err)
{
    int rv = nng_rep0_open(&s->s);

    if (rv == 0)
        rv = nng_socket_set_size(s->s, NNG_OPT_RECVMAXSZ, WARD_BUS_MAX_BYTES + 64);
    if (rv != 0)
        return ward_bus_fail(rv, "cannot open the bus", err);
    WARD_TRY(ward_bus_guard(s->s, err));
    for (int i = 0; i < s->n; i++)
        WARD_TRY(start(&s->takers[i], err));
    return ward_bus_socket_listen(s->s, s->cfg.url, &s->cfg.tls, &s->port, err);
}

enum ward_code ward_bus_listen(const struct ward_bus_server_config *cfg,
                               struct ward_bus_server **out, struct ward_err *err)
{
    int n = cfg->threads < 1 ? 1 : cfg->threads > MAX_THREADS ? MAX_THREADS : cfg->threads;
    struct ward_bus_server *s;
    enum ward_code code;

    WARD_TRY(ward_bus_check_url(cfg->url, err));
    s = calloc(1, sizeof(*s) + (size_t)n * sizeof(*s->takers));
    if (s == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    s->cfg = *cfg;
    s->n = n;
    for (int i = 0; i < n; i++) {
        s->takers[i].server = s;
        pthread_mutex_init(&s->takers[i].lock, NULL);
    }
    code = begin(s, err);
    if (code != WARD_OK)
        ward_bus_stop(s);
    else
        *out = s;
    return code;
}

int ward_bus_port(const struct ward_bus_server *s)
{
    return s->port;
}

static void stop(struct taker *t)
{
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    if (t->receiving)
        nng_aio_cancel(t->aio);
    pthread_mutex_unlock(&t->lock);
    if (t->started) /* the thread has acknowledged its last request */
        pthread_join(t->thread, NULL);
    if (t->has_wrk && t->server->cfg.wrk_close != NULL)
        t->server->cfg.wrk_close(t->wrk);
    if (t->has_ctx)
        nng_ctx_close(t->ctx);
    if (t->aio != NULL)
        nng_aio_free(t->aio);
    free(t->items);
    pthread_mutex_destroy(&t->lock);
}

void ward_bus_stop(struct ward_bus_server *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < s->n; i++)
        stop(&s->takers[i]);
    if (s->s.id != 0 && !ward_bus_close(s->s))
        return;
    free(s);
}
