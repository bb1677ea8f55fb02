#include "tests/abuse/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct options options = {.path = "/ward.test.v1.Echo/Fast", .tls = true};

double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- bytes ---- */

void put(struct bytes *b, const void *p, size_t n)
{
    if (b->n + n > b->cap) {
        b->cap = 2 * (b->n + n);
        b->p = realloc(b->p, b->cap);
    }
    if (n > 0)
        memcpy(b->p + b->n, p, n);
    b->n += n;
}

void drop(struct bytes *b)
{
    free(b->p);
    *b = (struct bytes){0};
}

void put_frame(struct bytes *b, int type, int flags, uint32_t stream, const void *p, size_t n)
{
    const uint8_t head[9] = {
        (uint8_t)(n >> 16),      (uint8_t)(n >> 8),      (uint8_t)n,
        (uint8_t)type,           (uint8_t)flags,         (uint8_t)(stream >> 24),
        (uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream};

    put(b, head, 9);
    put(b, p, n);
}

static void put_string(struct bytes *b, const void *p, size_t n)
{
    uint8_t c = (uint8_t)(n < 127 ? n : 127);

    put(b, &c, 1);
    if (n >= 127) {
        size_t left = n - 127;

        for (; left >= 128; left /= 128) {
            c = (uint8_t)(left % 128 + 128);
            put(b, &c, 1);
        }
        c = (uint8_t)left;
        put(b, &c, 1);
    }
    put(b, p, n);
}

void put_literal(struct bytes *b, const char *name, const void *value, size_t n)
{
    put(b, "", 1);
    put_string(b, name, strlen(name));
    put_string(b, value, n);
}

static void put_text(struct bytes *b, const char *name, const char *value)
{
    put_literal(b, name, value, strlen(value));
}

void put_call(struct bytes *b, uint32_t stream, int flags, const char *name, const void *value,
              size_t n)
{
    struct bytes h = {0};
    size_t at = 0, part;

    put_text(&h, ":method", "POST");
    put_text(&h, ":scheme", options.tls ? "https" : "http");
    put_text(&h, ":path", options.path);
    put_text(&h, ":authority", "localhost");
    put_text(&h, "content-type", "application/grpc");
    put_text(&h, "te", "trailers");
    if (name != NULL)
        put_literal(&h, name, value, n);
    do {
        part = h.n - at < 16384 ? h.n - at : 16384;
        put_frame(b, at == 0 ? 1 : 9, (at == 0 ? flags : 0) | (at + part == h.n ? 4 : 0),
                  stream, h.p + at, part);
        at += part;
    } while (at < h.n);
    drop(&h);
}

/* ---- the connection ---- */

static SSL_CTX *ctx;
static pthread_once_t ctx_once = PTHREAD_ONCE_INIT;

static void make_context(void)
{
    char path[512];

    ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL); /* it attacks whoever is there */
    SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\x02h2", 3);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (options.name != NULL) {
        snprintf(path, sizeof(path), "%s/%s.pem", options.certs, options.name);
        if (SSL_CTX_use_certificate_chain_file(ctx, path) != 1)
            fprintf(stderr, "abuse: cannot read %s\n", path);
        snprintf(path, sizeof(path), "%s/%s.key", options.certs, options.name);
        if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) != 1)
            fprintf(stderr, "abuse: cannot read %s\n", path);
    }
}

bool peer_connect(struct peer *p)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    int on = 1;

    *p = (struct peer){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (p->fd < 0)
        return false;
    inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
    if (options.from != NULL && inet_pton(AF_INET, options.from, &from.sin_addr) == 1) {
        setsockopt(p->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
        if (bind(p->fd, (const struct sockaddr *)&from, sizeof(from)) != 0)
            fprintf(stderr, "abuse: cannot bind to %s\n", options.from);
    }
    setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(p->fd, (const struct sockaddr *)&to, sizeof(to)) == 0)
        return true;
    peer_close(p);
    return false;
}

bool peer_shake(struct peer *p)
{
    struct timeval limit = {.tv_sec = 10};

    setsockopt(p->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    pthread_once(&ctx_once, make_context);
    p->tls = SSL_new(ctx);
    SSL_set_fd(p->tls, p->fd);
    if (options.tls12)
        SSL_set_max_proto_version(p->tls, TLS1_2_VERSION);
    return SSL_connect(p->tls) == 1;
}

bool peer_open(struct peer *p)
{
    if (!peer_connect(p))
        return false;
    if (options.tls && !peer_shake(p)) {
        peer_close(p);
        return false;
    }
    fcntl(p->fd, F_SETFL, fcntl(p->fd, F_GETFL) | O_NONBLOCK);
    return true;
}

void peer_close(struct peer *p)
{
    if (p->tls != NULL)
        SSL_free(p->tls);
    if (p->fd >= 0)
        close(p->fd);
    p->tls = NULL;
    p->fd = -1;
}

/* False: closed. */
static bool hear(struct peer *p)
{
    uint8_t in[65536];
    ssize_t n;

    do {
        n = p->tls != NULL ? SSL_read(p->tls, in, sizeof(in)) : recv(p->fd, in, sizeof(in), 0);
        if (n > 0)
            p->n_read += (size_t)n;
    } while (n > 0);
    if (p->tls != NULL)
        return SSL_get_error(p->tls, (int)n) == SSL_ERROR_WANT_READ;
    return n < 0 && errno == EAGAIN;
}

bool peer_send(struct peer *p, const void *bytes, size_t n)
{
    const uint8_t *at = bytes;
    double end = now_s() + 20;

    while (n > 0 && now_s() < end) {
        struct pollfd f = {.fd = p->fd, .events = (short)(POLLOUT | (p->deaf ? 0 : POLLIN))};
        ssize_t k;

        if (poll(&f, 1, 1000) < 0)
            return false;
        if ((f.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && !hear(p))
            return false;
        if ((f.revents & POLLOUT) == 0)
            continue;
        k = p->tls != NULL ? SSL_write(p->tls, at, (int)(n < 16384 ? n : 16384))
                           : send(p->fd, at, n, MSG_NOSIGNAL);
        if (k <= 0) {
            if (p->tls != NULL ? SSL_get_error(p->tls, (int)k) != SSL_ERROR_WANT_WRITE
                               : errno != EAGAIN)
                return false;
            continue;
        }
        at += k;
        n -= (size_t)k;
    }
    return n == 0;
}

bool peer_listen(struct peer *p, double seconds)
{
    double end = now_s() + seconds, left;

    while ((left = end - now_s()) > 0) {
        struct pollfd f = {.fd = p->fd, .events = POLLIN};

        if (poll(&f, 1, (int)(left * 1000) + 1) < 0)
            return false;
        if (f.revents != 0 && !hear(p))
            return false;
    }
    return true;
}

bool peer_hello(struct peer *p, const uint8_t *settings, size_t n)
{
    struct bytes b = {0};
    bool ok;

    put(&b, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
    put_frame(&b, 4, 0, 0, settings, n);
    ok = peer_send(p, b.p, b.n);
    drop(&b);
    return ok;
}
