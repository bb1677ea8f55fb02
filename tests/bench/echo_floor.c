/* echo_floor - the least a unary echo can cost: nghttp2, epoll and protobuf-c, two threads, and
 * nothing else of gRPC (no deadlines, no cancel, no checks, no metrics).
 *
 *   echo_floor [CERTS]    prints its port; serves until SIGTERM
 *
 * It bounds what any server here could reach; it is no server to use. */
#include "tests/bench/h2conn.h"
#include "ward/test/v1/echo.pb-c.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <signal.h>

#define THREADS 2
#define MOST    1024 /* bytes of a request or a reply with its prefix */
#define EVENTS  64

struct stream {
    uint8_t in[MOST], out[MOST];
    size_t n_in, n_out, sent;
};

static SSL_CTX *tls;
static nghttp2_session_callbacks *callbacks;

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value),
                        .flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

static int on_begin(nghttp2_session *h2, const nghttp2_frame *f, void *user)
{
    struct stream *s;

    (void)user;
    if (f->hd.type != NGHTTP2_HEADERS || f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    s = malloc(sizeof(*s));
    if (s == NULL)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    s->n_in = s->n_out = s->sent = 0;
    return nghttp2_session_set_stream_user_data(h2, f->hd.stream_id, s);
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t n, void *user)
{
    struct stream *s = nghttp2_session_get_stream_user_data(h2, id);

    (void)flags, (void)user;
    if (s == NULL || n > MOST - s->n_in)
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    memcpy(s->in + s->n_in, data, n);
    s->n_in += n;
    return 0;
}

static ssize_t read_reply(nghttp2_session *h2, int32_t id, uint8_t *out, size_t cap,
                          uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct stream *s = source->ptr;
    size_t n = s->n_out - s->sent < cap ? s->n_out - s->sent : cap;

    (void)user;
    memcpy(out, s->out + s->sent, n);
    s->sent += n;
    if (s->sent == s->n_out) {
        nghttp2_nv trailer = header("grpc-status", "0");

        *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
        nghttp2_submit_trailer(h2, id, &trailer, 1);
    }
    return (ssize_t)n;
}

static bool echo(struct stream *s)
{
    Ward__Test__V1__EchoResponse reply = WARD__TEST__V1__ECHO_RESPONSE__INIT;
    Ward__Test__V1__EchoRequest *req;
    size_t n;

    if (s->n_in < 5)
        return false;
    req = ward__test__v1__echo_request__unpack(NULL, s->n_in - 5, s->in + 5);
    if (req == NULL)
        return false;
    reply.payload = req->payload;
    n = ward__test__v1__echo_response__get_packed_size(&reply);
    if (n <= MOST - 5) {
        s->out[0] = s->out[1] = s->out[2] = 0;
        s->out[3] = (uint8_t)(n >> 8);
        s->out[4] = (uint8_t)n;
        s->n_out = 5 + ward__test__v1__echo_response__pack(&reply, s->out + 5);
    }
    ward__test__v1__echo_request__free_unpacked(req, NULL);
    return n <= MOST - 5;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *f, void *user)
{
    struct stream *s = nghttp2_session_get_stream_user_data(h2, f->hd.stream_id);
    const nghttp2_nv headers[] = {header(":status", "200"),
                                  header("content-type", "application/grpc")};
    nghttp2_data_provider body = {.source.ptr = s, .read_callback = read_reply};

    (void)user;
    if (s == NULL || f->hd.type != NGHTTP2_DATA || !(f->hd.flags & NGHTTP2_FLAG_END_STREAM))
        return 0;
    if (!echo(s))
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    return nghttp2_submit_response(h2, f->hd.stream_id, headers, 2, &body);
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t error, void *user)
{
    (void)error, (void)user;
    free(nghttp2_session_get_stream_user_data(h2, id));
    return 0;
}

static void take(int ep, int fd)
{
    const nghttp2_settings_entry streams = {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 1000};
    struct h2conn *c = malloc(sizeof(*c));
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

    if (c == NULL || !h2_init(c, ep, fd, tls)) {
        free(c);
        close(fd);
        return;
    }
    if (c->tls != NULL)
        SSL_set_accept_state(c->tls);
    nghttp2_session_server_new(&c->h2, callbacks, c);
    nghttp2_submit_settings(c->h2, 0, &streams, 1);
    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &e);
}

static void work(struct h2conn *c)
{
    bool alive = h2_read(c); /* drives the handshake too */

    if (alive && (c->tls == NULL || SSL_is_init_finished(c->tls)))
        alive = h2_flush(c);
    if (alive)
        return;
    h2_drop(c);
    free(c);
}

static void *serve(void *arg)
{
    int listener = *(int *)arg, ep = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event events[EVENTS], e = {.events = EPOLLIN};

    epoll_ctl(ep, EPOLL_CTL_ADD, listener, &e);
    for (;;) {
        int n = epoll_wait(ep, events, EVENTS, -1);

        for (int i = 0; i < n; i++) {
            int fd;

            if (events[i].data.ptr != NULL)
                work(events[i].data.ptr);
            else if ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
                take(ep, fd);
        }
    }
    return NULL;
}

/* Threads share the port; the kernel spreads connections over them. */
static int listen_at(uint16_t *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(*port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 512) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        perror("echo_floor");
        return -1;
    }
    *port = ntohs(at.sin_port);
    return fd;
}

static int choose_h2(SSL *ssl, const unsigned char **out, unsigned char *out_len,
                     const unsigned char *in, unsigned int in_len, void *arg)
{
    static const unsigned char h2[] = "\x02h2";
    unsigned char *chosen;

    (void)ssl, (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, h2, sizeof(h2) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

int main(int argc, char **argv)
{
    int fds[THREADS];
    pthread_t threads[THREADS];
    uint16_t port = 0;

    signal(SIGPIPE, SIG_IGN);
    if (argc == 2) {
        tls = h2_tls(TLS_server_method(), argv[1], "echo");
        if (tls == NULL)
            return 1;
        SSL_CTX_set_alpn_select_cb(tls, choose_h2, NULL);
    }
    if (nghttp2_session_callbacks_new(&callbacks) != 0)
        return 1;
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
    for (int i = 0; i < THREADS; i++) {
        fds[i] = listen_at(&port);
        if (fds[i] < 0)
            return 1;
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, serve, &fds[i]);
    printf("%d\n", port);
    fflush(stdout);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    return 0;
}
