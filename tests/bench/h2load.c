#include "h2load.h"

#include "common/base/clock.h"

#include <arpa/inet.h>
#include <fcntl.h>

#define PREFIX      5 /* of a gRPC message: not compressed, length */
#define DEADLINE_HD "60S"

static void end(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

/* ---- calls ---- */

static ssize_t read_body(nghttp2_session *h2, int32_t id, uint8_t *out, size_t cap,
                         uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct h2call *call = source->ptr;
    size_t left = call->n_frame - call->sent, n = left < cap ? left : cap;

    (void)h2, (void)id, (void)user;
    memcpy(out, call->frame + call->sent, n);
    call->sent += n;
    if (call->sent == call->n_frame)
        *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static nghttp2_nv header(const char *name, const char *value)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name,
                        .value = (uint8_t *)(uintptr_t)value,
                        .namelen = strlen(name),
                        .valuelen = strlen(value)};
}

static void pack(struct h2call *call)
{
    size_t n = protobuf_c_message_get_packed_size(call->req);

    call->n_frame = PREFIX + n;
    if (call->cap_frame < call->n_frame) {
        call->cap_frame = 2 * call->n_frame;
        call->frame = realloc(call->frame, call->cap_frame);
    }
    if (call->reply == NULL)
        call->reply = malloc(H2LOAD_REPLY);
    if (call->frame == NULL || call->reply == NULL)
        end(call->path, "no memory");
    call->frame[0] = 0;
    for (int i = 0; i < 4; i++)
        call->frame[1 + i] = (uint8_t)(n >> (24 - 8 * i));
    protobuf_c_message_pack(call->req, call->frame + PREFIX);
}

void h2load_call(struct h2load *l, struct h2call *call)
{
    char bearer[2100];
    nghttp2_data_provider body = {.source.ptr = call, .read_callback = read_body};
    nghttp2_nv headers[] = {
        header(":method", "POST"),
        header(":scheme", "https"),
        header(":path", call->path),
        header(":authority", l->authority),
        header("content-type", "application/grpc"),
        header("te", "trailers"),
        header("grpc-timeout", DEADLINE_HD),
        header("user-agent", "h2load"),
        header("authorization", ""),
    };
    size_t n = sizeof(headers) / sizeof(*headers);

    snprintf(bearer, sizeof(bearer), "Bearer %s", call->token == NULL ? "" : call->token);
    headers[n - 1] = header("authorization", bearer);
    pack(call);
    call->sent = call->n_reply = 0;
    call->http_ok = false;
    call->status = -1;
    call->began_ns = ward_mono_ns();
    if (nghttp2_submit_request(l->conn.h2, NULL, headers, call->token == NULL ? n - 1 : n,
                               &body, call) < 0)
        end(call->path, "a call could not be begun");
    l->open++;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *f, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags,
                     void *user)
{
    struct h2call *call = nghttp2_session_get_stream_user_data(h2, f->hd.stream_id);

    (void)flags, (void)user;
    if (call == NULL)
        return 0;
    if (name_len == 7 && memcmp(name, ":status", 7) == 0)
        call->http_ok = len == 3 && memcmp(value, "200", 3) == 0;
    else if (name_len == 11 && memcmp(name, "grpc-status", 11) == 0)
        call->status = len == 1   ? value[0] - '0'
                       : len == 2 ? 10 * (value[0] - '0') + value[1] - '0'
                                  : 99;
    return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t n, void *user)
{
    struct h2call *call = nghttp2_session_get_stream_user_data(h2, id);

    (void)flags, (void)user;
    if (call == NULL)
        return 0;
    if (call->n_reply + n > H2LOAD_REPLY)
        end(call->path, "a reply is larger than expected");
    memcpy(call->reply + call->n_reply, data, n);
    call->n_reply += n;
    return 0;
}

static int on_close(nghttp2_session *h2, int32_t id, uint32_t error, void *user)
{
    struct h2call *call = nghttp2_session_get_stream_user_data(h2, id);
    struct h2load *l = user;

    if (call == NULL)
        return 0;
    if (error != 0)
        end(call->path, "a stream was reset");
    l->open--;
    l->done(l, call);
    return 0;
}

ProtobufCMessage *h2load_answer(const struct h2call *call,
                                const ProtobufCMessageDescriptor *type)
{
    const uint8_t *r = call->reply;
    size_t n = call->n_reply < PREFIX
                   ? 0
                   : (size_t)r[1] << 24 | (size_t)r[2] << 16 | (size_t)r[3] << 8 | r[4];
    ProtobufCMessage *m;

    if (!call->http_ok || call->status != 0 || call->n_reply != PREFIX + n || r[0] != 0) {
        fprintf(stderr, "%s: grpc-status %d\n", call->path, call->status);
        exit(1);
    }
    m = protobuf_c_message_unpack(type, NULL, n, r + PREFIX);
    if (m == NULL)
        end(call->path, "a reply cannot be parsed");
    return m;
}

/* ---- the connection ---- */

static bool handshake(struct h2conn *c)
{
    static const unsigned char alpn[] = "\x02h2";

    SSL_set_alpn_protos(c->tls, alpn, sizeof(alpn) - 1);
    SSL_set_tlsext_host_name(c->tls, "localhost");
    return SSL_set1_host(c->tls, "localhost") == 1 && SSL_connect(c->tls) == 1;
}

static bool join(struct h2load *l, int port)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const nghttp2_settings_entry settings[] = {{NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
                                               {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1 << 20}};
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = &l->conn};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || !h2_init(&l->conn, l->ep, fd, l->tls) ||
        connect(fd, (const struct sockaddr *)&at, sizeof(at)) != 0 || !handshake(&l->conn))
        return false;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return nghttp2_session_client_new(&l->conn.h2, l->cb, l) == 0 &&
           nghttp2_submit_settings(l->conn.h2, 0, settings, 2) == 0 &&
           nghttp2_session_set_local_window_size(l->conn.h2, 0, 0, 1 << 26) == 0 &&
           epoll_ctl(l->ep, EPOLL_CTL_ADD, fd, &e) == 0;
}

void h2load_open(struct h2load *l, int port, const char *certs, const char *client,
                 void (*done)(struct h2load *, struct h2call *))
{
    *l = (struct h2load){.done = done, .ep = epoll_create1(EPOLL_CLOEXEC)};
    snprintf(l->authority, sizeof(l->authority), "localhost:%d", port);
    l->tls = h2_tls(TLS_client_method(), certs, client);
    if (l->tls == NULL || nghttp2_session_callbacks_new(&l->cb) != 0)
        end("h2load", "no TLS");
    nghttp2_session_callbacks_set_on_header_callback(l->cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(l->cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(l->cb, on_close);
    if (!join(l, port))
        end("h2load", "no connection to the server");
}

void h2load_close(struct h2load *l)
{
    h2_drop(&l->conn);
    nghttp2_session_callbacks_del(l->cb);
    SSL_CTX_free(l->tls);
    close(l->ep);
}

void h2load_turn(struct h2load *l, int64_t wait_ns)
{
    const struct timespec wait = {.tv_sec = wait_ns / 1000000000,
                                  .tv_nsec = wait_ns % 1000000000};
    struct epoll_event e;

    if (!h2_flush(&l->conn))
        end("h2load", "the connection broke");
    if (epoll_pwait2(l->ep, &e, 1, &wait, NULL) == 1 && (e.events & ~(uint32_t)EPOLLOUT) != 0 &&
        !h2_read(&l->conn))
        end("h2load", "the server closed the connection");
}
