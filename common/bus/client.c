/* The sending side of a delivery. */
#include "common/bus/bus_nng.h"
#include "common/bus/crowd.h"

#include <nng/protocol/reqrep0/req.h>
#include <nng/supplemental/util/platform.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 2000 /* longest wait for a connection before UNAVAILABLE */
#define LATE_MS    20

struct ward_bus_client {
    nng_socket s;
    nng_ctx ctx;
    nng_aio *aio;
    pthread_mutex_t lock; /* guards the start of an operation on aio, so that an interruption
                             reaches a started operation */
    bool interrupted;
    bool late;                   /* a late answer to an abandoned request may still arrive */
    struct bus_crowd *crowd;     /* NULL if the URL has one address */
    atomic_int pipes[CROWD_MAX]; /* ids of the open connections; 0 for an unused element */
};

/* Stores the added pipes instead of their number, because NNG also reports the removal of pipes
 * that the guard rejected. */
static void joined(nng_pipe p, nng_pipe_ev ev, void *arg)
{
    struct ward_bus_client *c = arg;
    int id = nng_pipe_id(p);
    bool comes = ev == NNG_PIPE_EV_ADD_POST;

    for (int i = 0; i < CROWD_MAX; i++) {
        int was = comes ? 0 : id;

        if (atomic_compare_exchange_strong(&c->pipes[i], &was, comes ? id : 0))
            return;
    }
}

static enum ward_code prepare(struct ward_bus_client *c, const char *url,
                              const struct ward_bus_tls *tls, struct ward_err *err)
{
    int rv;

    WARD_TRY(ward_bus_guard(c->s, err));
    if ((rv = nng_pipe_notify(c->s, NNG_PIPE_EV_ADD_POST, joined, c)) != 0 ||
        (rv = nng_pipe_notify(c->s, NNG_PIPE_EV_REM_POST, joined, c)) != 0 ||
        (rv = nng_socket_set_size(c->s, NNG_OPT_RECVMAXSZ, ACK_MAX)) != 0 ||
        /* the relay retries, because it knows whether the row still exists */
        (rv = nng_socket_set_ms(c->s, NNG_OPT_REQ_RESENDTIME, NNG_DURATION_INFINITE)) != 0 ||
        (rv = nng_ctx_open(&c->ctx, c->s)) != 0)
        return ward_bus_fail(rv, "cannot open the bus", err);
    return ward_bus_crowd_is(url) ? ward_bus_crowd_open(c->s, url, tls, &c->crowd, err)
                                  : ward_bus_socket_dial(c->s, url, tls, err);
}

enum ward_code ward_bus_dial(const char *url, const struct ward_bus_tls *tls,
                             struct ward_bus_client **out, struct ward_err *err)
{
    struct ward_bus_client *c;
    enum ward_code code;
    int rv;

    WARD_TRY(ward_bus_check_url(url, err));
    c = calloc(1, sizeof(*c));
    if (c == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    pthread_mutex_init(&c->lock, NULL);
    if ((rv = nng_aio_alloc(&c->aio, NULL, NULL)) != 0 || (rv = nng_req0_open(&c->s)) != 0) {
        ward_bus_hangup(c);
        return ward_bus_fail(rv, "cannot open the bus", err);
    }
    code = prepare(c, url, tls, err);
    if (code != WARD_OK)
        ward_bus_hangup(c);
    else
        *out = c;
    return code;
}

void ward_bus_hangup(struct ward_bus_client *c)
{
    if (c == NULL)
        return;
    ward_bus_crowd_close(c->crowd);
    /* waits for a late answer, because nng_close can hang when an answer arrives; see
     * ward_bus_close */
    if (c->late)
        nng_msleep(LATE_MS);
    if (c->s.id != 0 && !ward_bus_close(c->s))
        return;
    if (c->aio != NULL)
        nng_aio_free(c->aio);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

bool ward_bus_connected(const struct ward_bus_client *c)
{
    for (int i = 0; i < CROWD_MAX; i++)
        if (atomic_load(&c->pipes[i]) != 0)
            return true;
    return false;
}

void ward_bus_interrupt(struct ward_bus_client *c)
{
    pthread_mutex_lock(&c->lock);
    c->interrupted = true;
    pthread_mutex_unlock(&c->lock);
    nng_aio_cancel(c->aio);
}

/* Starts an operation (send or receive) and waits for its end. */
static int perform(struct ward_bus_client *c, void (*step)(nng_ctx, nng_aio *), int timeout_ms)
{
    bool go;

    nng_aio_set_timeout(c->aio, timeout_ms);
    pthread_mutex_lock(&c->lock);
    go = !c->interrupted;
    if (go)
        step(c->ctx, c->aio);
    pthread_mutex_unlock(&c->lock);
    if (!go)
        return NNG_ECANCELED;
    nng_aio_wait(c->aio);
    return nng_aio_result(c->aio);
}

static enum ward_code send(struct ward_bus_client *c, nng_msg *m, int timeout_ms,
                           struct ward_err *err)
{
    int rv;

    nng_aio_set_msg(c->aio, m);
    rv = perform(c, nng_ctx_send, timeout_ms < CONNECT_MS ? timeout_ms : CONNECT_MS);
    if (rv == 0)
        return WARD_OK;
    nng_msg_free(nng_aio_get_msg(c->aio));
    nng_aio_set_msg(c->aio, NULL);
    return rv == NNG_ETIMEDOUT ? WARD_FAIL(err, UNAVAILABLE, "the receiver is unreachable")
                               : ward_bus_fail(rv, "cannot send on the bus", err);
}

static enum ward_code await_ack(struct ward_bus_client *c, int timeout_ms, struct ward_err *ack,
                                struct ward_err *err)
{
    enum ward_code code;
    nng_msg *m;
    int rv;

    rv = perform(c, nng_ctx_recv, timeout_ms);
    c->late = rv != 0;
    if (rv == NNG_ETIMEDOUT)
        return WARD_FAIL(err, DEADLINE_EXCEEDED, "the receiver did not answer in time");
    if (rv != 0)
        return ward_bus_fail(rv, "no acknowledgement arrived", err);
    m = nng_aio_get_msg(c->aio);
    nng_aio_set_msg(c->aio, NULL);
    code = ward_ack_parse(nng_msg_body(m), nng_msg_len(m), ack, NULL);
    nng_msg_free(m);
    return code == WARD_OK ? WARD_OK
                           : WARD_FAIL(err, INTERNAL, "the receiver's answer is malformed");
}

/* Sends m, takes ownership of m, and waits for the receiver's answer. */
static enum ward_code exchange(struct ward_bus_client *c, nng_msg *m, int timeout_ms,
                               struct ward_err *err)
{
    struct ward_err ack = {0};

    pthread_mutex_lock(&c->lock);
    c->interrupted = false;
    pthread_mutex_unlock(&c->lock);
    WARD_TRY(send(c, m, timeout_ms, err));
    WARD_TRY(await_ack(c, timeout_ms, &ack, err));
    if (ack.code == WARD_OK)
        return WARD_OK;
    if (err != NULL)
        *err = ack;
    return ack.code;
}

enum ward_code ward_bus_mark(struct ward_bus_client *c, const char *service, uint64_t sent,
                             uint64_t last, int timeout_ms, struct ward_err *err)
{
    uint8_t bytes[MARK_MAX];
    size_t n = ward_mark_pack(service, sent, last, bytes);
    nng_msg *m;

    if (n == 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "not a service's name");
    if (nng_msg_alloc(&m, n) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    memcpy(nng_msg_body(m), bytes, n);
    return exchange(c, m, timeout_ms, err);
}

enum ward_code ward_bus_deliver(struct ward_bus_client *c, const struct ward_bus_item *items,
                                size_t n, int timeout_ms, struct ward_err *err)
{
    size_t size = ward_frame_size(items, n);
    nng_msg *m;

    if (size == 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "%zu items do not fit one frame", n);
    if (nng_msg_alloc(&m, size) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    ward_frame_pack(items, n, nng_msg_body(m));
    return exchange(c, m, timeout_ms, err);
}
