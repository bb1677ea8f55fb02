#include "common/rpc/h2/sockets.h"

#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define ONE_READ 4 /* limit of reads from one connection in one turn of the loop */
/* Limit of handshake steps in one turn; a step may take as long as a signature. */
#define SHAKES       8
#define HANDSHAKE_MS 5000
#define BARE         ((size_t)40 << 10) /* approximate memory of a connection without calls */

static struct conn *conn_of(struct session *s)
{
    return RPC_OF(s, struct conn, session);
}

static void mark_dirty(struct conn *c)
{
    if (c->dirty)
        return;
    c->dirty = true;
    c->dirty_next = c->loop->dirty;
    c->loop->dirty = c;
}

static void wake(struct session *s)
{
    mark_dirty(conn_of(s));
}

/* ---- handshakes: a connection takes a few hundred bytes until its first byte ---- */

static void shake_on(struct conn *c, int list)
{
    struct loop *l = c->loop;

    c->shaking = true;
    c->shaking_in = list;
    c->shake_next = NULL;
    c->shake_prev = l->shaking_last[list];
    *(c->shake_prev == NULL ? &l->shaking[list] : &c->shake_prev->shake_next) = c;
    l->shaking_last[list] = c;
    l->n_shaking[list]++;
}

static void shake_off(struct conn *c)
{
    struct loop *l = c->loop;

    if (!c->shaking)
        return;
    c->shaking = false;
    l->n_shaking[c->shaking_in]--;
    *(c->shake_prev == NULL ? &l->shaking[c->shaking_in] : &c->shake_prev->shake_next) =
        c->shake_next;
    *(c->shake_next == NULL ? &l->shaking_last[c->shaking_in] : &c->shake_next->shake_prev) =
        c->shake_prev;
}

/* ---- life ---- */

/* Only marks the connection, because a caller may still use it. The loop frees the connection
 * after the turn. */
void conn_cut(struct conn *c)
{
    c->dead = true;
    mark_dirty(c);
}

static void conn_free(struct conn *c)
{
    struct loop *l = c->loop;

    shake_off(c);
    wheel_unset(&c->timer);
    session_close(&c->session);
    loop_left_behind(l, c->session.most + BARE);
    if (c->from != NULL)
        peer_disconnected(c->from);
    peer_drop(c->from);
    if (c->tls != NULL)
        SSL_free(c->tls);
    /* close alone is not enough. A child process between fork and exec still has the
     * descriptor, and its events would refer to freed memory. */
    epoll_ctl(l->ep, EPOLL_CTL_DEL, c->fd, NULL);
    close(c->fd);
    free(c->left);
    *(c->prev == NULL ? &l->conns : &c->prev->next) = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    atomic_fetch_sub(&l->n_conns, 1);
    caps_left(&l->srv->caps, c->ip);
    h2_stat_conn(-1);
    free(c);
}

/* Sets the timer to the session's look_at if that is earlier than the current timer. */
static void look_later(struct conn *c)
{
    if (c->timer.next == NULL || c->session.look_at < c->timer.at)
        wheel_set(&c->loop->wheel, &c->timer, c->session.look_at);
}

static void on_time(struct timer *t)
{
    struct conn *c = RPC_OF(t, struct conn, timer);

    if (c->session.h2 == NULL) {
        h2_stat_refused("handshake");
        conn_cut(c);
        return;
    }
    if (c->left != NULL && c->loop->now - c->wrote > H2_STALL_MS * WARD_NS_PER_MS) {
        h2_stat_ended("stalled");
        conn_cut(c);
    } else if (!session_tick(&c->session)) {
        conn_cut(c);
    } else {
        look_later(c);
    }
}

/* Selects the handshake to end: the oldest one of an address with more than half of the list,
 * or else the oldest of all. A flood from one address therefore ends only its own
 * handshakes. */
static struct conn *victim(const struct loop *l, int list)
{
    struct conn *most = l->shaking[list];
    int lead = 0;

    for (struct conn *c = l->shaking[list]; c != NULL; c = c->shake_next) {
        if (lead == 0)
            most = c;
        lead += memcmp(c->ip, most->ip, sizeof(c->ip)) == 0 ? 1 : -1;
    }
    for (struct conn *c = l->shaking[list]; lead > 0 && c != NULL; c = c->shake_next)
        if (memcmp(c->ip, most->ip, sizeof(c->ip)) == 0)
            return c;
    return l->shaking[list];
}

static void give_way(struct loop *l, int list)
{
    struct conn *c;

    if (l->n_shaking[list] < l->srv->max_shaking[list])
        return;
    c = victim(l, list);
    h2_stat_refused("gave way");
    shake_off(c);
    conn_cut(c);
}

void conn_take(struct loop *l, int fd, const uint8_t ip[16])
{
    struct conn *c = calloc(1, sizeof(*c));
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    int limit = l->rpc->cfg.handshake_ms > 0 ? l->rpc->cfg.handshake_ms : HANDSHAKE_MS;

    if (c == NULL || epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &e) != 0) {
        free(c);
        close(fd);
        caps_left(&l->srv->caps, ip);
        return;
    }
    c->loop = l;
    c->fd = fd;
    c->timer.fn = on_time;
    c->wrote = l->now;
    memcpy(c->ip, ip, 16);
    c->next = l->conns;
    if (l->conns != NULL)
        l->conns->prev = c;
    l->conns = c;
    atomic_fetch_add(&l->n_conns, 1);
    h2_stat_conn(1);
    give_way(l, 0);
    shake_on(c, 0);
    wheel_set(&l->wheel, &c->timer, l->now + limit * WARD_NS_PER_MS);
}

void conn_drain(struct conn *c)
{
    if (c->session.h2 == NULL) /* still in the handshake: session_open starts the drain later */
        return;
    session_drain(&c->session);
    look_later(c);
}

/* ---- reading ---- */

static bool begin(struct conn *c)
{
    struct ward_rpc *rpc = c->loop->rpc;
    char name[RPC_PEER] = "";
    struct peer *from;

    if (c->tls != NULL && !tls_agreed(c->tls, name)) {
        h2_stat_refused("no h2");
        return false;
    }
    from = peers_hold(&rpc->peers, name, c->ip);
    if (!peer_connected(from, rpc->cfg.peer_connections)) {
        h2_stat_refused("peer");
        peer_drop(from);
        return false;
    }
    c->from = from;
    c->tls_messages = 0; /* those of the handshake are free */
    if (!session_open(&c->session, c->loop, from, wake))
        return false;
    shake_off(c);
    wheel_unset(&c->timer);
    look_later(c);
    return true;
}

/* Returns the number of bytes; 0: none available now; -1: the connection has ended. */
static ssize_t get(struct conn *c, uint8_t *in, size_t cap)
{
    ssize_t n;
    int why;

    if (c->tls == NULL) {
        n = recv(c->fd, in, cap, 0);
        return n > 0 ? n : n < 0 && errno == EAGAIN ? 0 : -1;
    }
    ERR_clear_error(); /* the thread's error queue may contain errors of another connection */
    n = SSL_read(c->tls, in, (int)cap);
    if (n > 0)
        return n;
    why = SSL_get_error(c->tls, (int)n);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
        return 0;
    /* A peer that closes without a byte only looked whether the port is open, as a load
     * balancer and the watchdog do. */
    if (c->session.h2 == NULL && why == SSL_ERROR_SSL &&
        BIO_number_read(SSL_get_rbio(c->tls)) > 0)
        tls_failed();
    return -1;
}

/* Handles the first byte of a connection. From now on, the connection uses more memory, so it
 * moves from the list of silent connections to the list of handshakes in progress. */
static bool first_byte(struct conn *c)
{
    struct tls *tls = c->loop->srv->tls;

    if (!c->shaking || c->shaking_in == 1)
        return true;
    shake_off(c);
    give_way(c->loop, 1);
    shake_on(c, 1);
    if (tls == NULL)
        return true;
    c->tls = tls_new(tls, c->fd, &c->tls_messages);
    return c->tls != NULL;
}

/* TLS messages after the handshake, such as key updates, serve no call, so they use up the
 * budget. */
static bool pays_for_tls(struct conn *c)
{
    int n = c->tls_messages;

    c->tls_messages = 0;
    if (n == 0 || session_charge(&c->session, n))
        return true;
    h2_stat_ended("budget");
    return false;
}

static void flush(struct conn *c);

static bool conn_read(struct conn *c)
{
    struct loop *l = c->loop;

    if (!first_byte(c))
        return false;
    for (int i = 0; i < ONE_READ; i++) {
        ssize_t n = get(c, l->in, sizeof(l->in));

        if (n >= 0 && c->session.h2 == NULL &&
            (c->tls == NULL || SSL_is_init_finished(c->tls)) && !begin(c))
            return false;
        if (c->session.h2 != NULL && !pays_for_tls(c))
            return false;
        if (n <= 0)
            return n == 0;
        if (!session_read(&c->session, l->in, (size_t)n))
            return false;
        look_later(c);
        if (session_full(&c->session)) /* send rejections before more calls are accepted */
            flush(c);
        if (c->tls != NULL ? !SSL_has_pending(c->tls) : n < (ssize_t)sizeof(l->in))
            /* Epoll reports more data; this saves a read that would return EAGAIN. */
            return true;
    }
    /* Other connections are next. epoll does not report data that TLS has buffered. If TLS has
     * buffered only a part of a record, the next read finds no data, and epoll reports the
     * rest. */
    if (!c->again) {
        c->again = true;
        c->again_next = l->again;
        l->again = c;
    }
    return true;
}

void conn_event(struct conn *c, uint32_t events)
{
    if (c->dead)
        return;
    /* Handshakes take turns with calls. epoll reports this connection again. */
    if (c->shaking && c->loop->srv->tls != NULL && c->loop->shakes_left-- <= 0)
        return;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && !conn_read(c))
        c->dead = true; /* pending data of nghttp2, such as a GOAWAY, is still sent */
    mark_dirty(c);
}

void conn_read_again(struct loop *l)
{
    struct conn *c = l->again, *next;

    for (l->again = NULL; c != NULL; c = next) {
        next = c->again_next;
        c->again = false;
        if (!c->dead && !conn_read(c))
            c->dead = true;
        mark_dirty(c);
    }
}

/* ---- writing ---- */

static void watch(struct conn *c, bool out)
{
    struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};

    if (c->wants_out == out)
        return;
    c->wants_out = out;
    epoll_ctl(c->loop->ep, EPOLL_CTL_MOD, c->fd, &e);
}

/* Returns the number of bytes written; -1: the connection failed. */
static ssize_t put(struct conn *c, const uint8_t *p, size_t n)
{
    size_t at = 0;

    while (at < n) {
        ssize_t k;

        if (c->tls != NULL) {
            ERR_clear_error();
            k = SSL_write(c->tls, p + at, (int)(n - at));
            if (k <= 0 && SSL_get_error(c->tls, (int)k) != SSL_ERROR_WANT_WRITE &&
                SSL_get_error(c->tls, (int)k) != SSL_ERROR_WANT_READ)
                return -1;
        } else {
            k = send(c->fd, p + at, n - at, MSG_NOSIGNAL);
            if (k < 0 && errno != EAGAIN)
                return -1;
        }
        if (k <= 0)
            break;
        at += (size_t)k;
    }
    if (at > 0)
        c->wrote = c->loop->now;
    return (ssize_t)at;
}

/* Writes the rest of the previous write, with unchanged bytes, as TLS requires. Returns true
 * when all of it is written. */
static bool put_left(struct conn *c)
{
    ssize_t sent = put(c, c->left + c->left_at, c->n_left - c->left_at);

    if (sent < 0) {
        c->dead = true;
        return false;
    }
    c->left_at += (size_t)sent;
    if (c->left_at < c->n_left)
        return false;
    free(c->left);
    c->left = NULL;
    return true;
}

static void keep_left(struct conn *c, const uint8_t *p, size_t n)
{
    c->n_left = n;
    c->left_at = 0;
    c->left = malloc(n);
    if (c->left == NULL)
        c->dead = true;
    else
        memcpy(c->left, p, n);
    watch(c, true);
}

/* Sends the session's pending data in as few writes as possible: once in each turn, not once
 * for each reply. */
static void flush(struct conn *c)
{
    uint8_t *out = c->loop->out;
    ssize_t n, sent;

    if (c->session.h2 == NULL || (c->left != NULL && !put_left(c)))
        return;
    do {
        n = session_write(&c->session, out);
        sent = n <= 0 ? n : put(c, out, (size_t)n);
        if (sent < 0) {
            c->dead = true;
            return;
        }
        if (sent < n) {
            keep_left(c, out + sent, (size_t)(n - sent));
            return;
        }
    } while (n >= (ssize_t)H2_GATHER);
    watch(c, false);
    if (session_over(&c->session))
        c->dead = true;
}

void conn_flush_all(struct loop *l)
{
    l->shakes_left = SHAKES;
    while (l->dirty != NULL) {
        struct conn *c = l->dirty;

        l->dirty = c->dirty_next;
        flush(c);
        c->dirty = false;
        if (c->dead && !c->again)
            conn_free(c);
    }
}
