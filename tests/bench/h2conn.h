/* h2conn.h - one HTTP/2 connection on a non-blocking socket, plain or TLS with certificates on
 * both sides: what the load generator and the floor server share. For tests/bench only.
 *
 * Threads: a connection belongs to one. Memory: h2_drop frees what h2_init and h2_flush took.
 * Errors: false means the connection is of no more use.
 */
#ifndef WARD_BENCH_H2CONN_H
#define WARD_BENCH_H2CONN_H

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define H2_OUT  (256 * 1024) /* bytes waiting to be written; nghttp2 keeps the rest */
#define H2_HIGH (64 * 1024)

struct h2conn {
    nghttp2_session *h2;
    SSL *tls; /* NULL for plain text */
    int fd, ep;
    uint8_t *out;
    size_t n_out;
    bool wants_out; /* EPOLLOUT is asked for */
};

static inline SSL_CTX *h2_tls(const SSL_METHOD *method, const char *dir, const char *name)
{
    SSL_CTX *ctx = SSL_CTX_new(method);
    char path[512];
    bool ok = ctx != NULL;

    snprintf(path, sizeof(path), "%s/ca.pem", dir);
    ok = ok && SSL_CTX_load_verify_locations(ctx, path, NULL) == 1;
    snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
    ok = ok && SSL_CTX_use_certificate_chain_file(ctx, path) == 1;
    snprintf(path, sizeof(path), "%s/%s.key", dir, name);
    ok = ok && SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1;
    if (!ok) {
        fprintf(stderr, "%s: certificates of %s cannot be used\n", dir, name);
        return NULL;
    }
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return ctx;
}

/* Takes fd; the session is the caller's to make, before or after. */
static inline bool h2_init(struct h2conn *c, int ep, int fd, SSL_CTX *ctx)
{
    int one = 1;

    *c = (struct h2conn){.fd = fd, .ep = ep, .out = malloc(H2_OUT)};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (ctx != NULL) {
        c->tls = SSL_new(ctx);
        if (c->tls == NULL || SSL_set_fd(c->tls, fd) != 1)
            return false;
    }
    return c->out != NULL;
}

static inline void h2_drop(struct h2conn *c)
{
    nghttp2_session_del(c->h2);
    SSL_free(c->tls);
    close(c->fd);
    free(c->out);
}

static inline void h2_watch(struct h2conn *c, bool out)
{
    struct epoll_event e = {.events = EPOLLIN | (out ? EPOLLOUT : 0), .data.ptr = c};

    if (out == c->wants_out)
        return;
    c->wants_out = out;
    epoll_ctl(c->ep, EPOLL_CTL_MOD, c->fd, &e);
}

/* What nghttp2 has to say goes out in as few writes as there can be. */
static inline bool h2_gather(struct h2conn *c)
{
    const uint8_t *data;
    ssize_t n;

    while (c->n_out < H2_HIGH) {
        n = nghttp2_session_mem_send(c->h2, &data);
        if (n < 0 || (size_t)n > H2_OUT - c->n_out)
            return false;
        if (n == 0)
            break;
        memcpy(c->out + c->n_out, data, (size_t)n);
        c->n_out += (size_t)n;
    }
    return true;
}

static inline bool h2_flush(struct h2conn *c)
{
    ssize_t n;

    for (;;) {
        if (!h2_gather(c))
            return false;
        if (c->n_out == 0)
            break;
        n = c->tls != NULL ? SSL_write(c->tls, c->out, (int)c->n_out)
                           : send(c->fd, c->out, c->n_out, MSG_NOSIGNAL);
        if (n <= 0) {
            h2_watch(c, true);
            return true;
        }
        memmove(c->out, c->out + n, c->n_out - (size_t)n);
        c->n_out -= (size_t)n;
    }
    h2_watch(c, false);
    return true;
}

/* Reads all there is and hands it to nghttp2. False at the end or on an error. */
static inline bool h2_read(struct h2conn *c)
{
    uint8_t in[65536];
    ssize_t n;

    for (;;) {
        n = c->tls != NULL ? SSL_read(c->tls, in, sizeof(in)) : recv(c->fd, in, sizeof(in), 0);
        if (n <= 0 && c->tls != NULL) {
            int why = SSL_get_error(c->tls, (int)n);

            return why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE;
        }
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        if (nghttp2_session_mem_recv(c->h2, in, (size_t)n) < 0)
            return false;
        if (c->tls == NULL && n < (ssize_t)sizeof(in))
            return true;
    }
}

#endif
