/* session_testing.h - a session without a socket: bytes go in, frames come out, and the test
 * sets the time. For session_*_test.c and tests/fuzz/h2_session.c.
 *
 * The server has Echo's methods and the built-in methods. w_turn() acts as its worker. The
 * helpers write a client's frames byte by byte, with literal headers, and read the server's
 * headers with nghttp2's decoder.
 *
 * Threads: the test's alone. Memory: the test's. Errors: assertions.
 */
#ifndef WARD_RPC_H2_SESSION_TESTING_H
#define WARD_RPC_H2_SESSION_TESTING_H

#include "common/rpc/h2/h2.h"
#include "ward/test/v1/echo.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define W_STREAMS 4096 /* highest number of streams that the test records */
#define W_ARENA   ((size_t)64 << 10)
#define W_FAST    "/ward.test.v1.Echo/Fast"
#define W_UNARY   "/ward.test.v1.Echo/Unary"
#define W_WATCH   "/grpc.health.v1.Health/Watch"
#define W_MS      WARD_NS_PER_MS

struct w_stream { /* the server's frames on one stream */
    int headers, data_frames;
    size_t n_data;
    bool ended, reset;
    uint32_t reset_code;
    char http[8], status[8], message[256], accept[32];
    size_t n_details;
};
struct w_said {
    struct w_stream streams[W_STREAMS];
    int goaways, pings, pongs, settings, settings_acks;
    uint32_t goaway_code;
    int32_t goaway_last;
    uint8_t ping[8];
    size_t bytes;
};
static struct {
    struct ward_rpc rpc;
    struct h2_server srv;
    struct loop loop;
    struct session session;
    struct peer *from;
    struct worker worker;
    nghttp2_hd_inflater *inflater;
    struct w_said said;
    bool alive;
    int entered; /* number of handlers that ran */
} w;

/* ---- the service ---- */

static inline enum ward_code w_echo(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    const Ward__Test__V1__EchoRequest *req = (const Ward__Test__V1__EchoRequest *)q;

    (void)c;
    w.entered++;
    c->audited = c->method->audited;
    ((Ward__Test__V1__EchoResponse *)r)->payload = req->payload;
    return WARD_OK;
}

static inline enum ward_code w_no_stream(struct ward_call *c, const ProtobufCMessage *q,
                                         ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "no streams here");
}

#define W_TYPES                                                                                \
    &ward__test__v1__echo_request__descriptor, &ward__test__v1__echo_response__descriptor
static const struct ward_method w_methods[] = {
    {"/ward.test.v1.Echo/Fast", w_echo, W_TYPES},
    {"/ward.test.v1.Echo/Unary", w_echo, W_TYPES},
    {"/ward.test.v1.Echo/Bedside", w_echo, W_TYPES},
    {"/ward.test.v1.Echo/Guarded", w_echo, W_TYPES},
    {"/ward.test.v1.Echo/Closed", w_echo, W_TYPES},
    {"/ward.test.v1.Echo/ServerStream", w_no_stream, W_TYPES},
    {"/ward.test.v1.Echo/ClientStream", w_no_stream, W_TYPES},
    {"/ward.test.v1.Echo/Bidi", w_no_stream, W_TYPES},
    {0},
};

/* ---- life ---- */

static inline void w_wake(struct session *s)
{
    (void)s; /* w_turn always writes */
}

/* Starts a server. */
static inline void w_serve(struct ward_rpc_config cfg)
{
    struct ward_err err = {0};

    memset(&w, 0, sizeof(w));
    cfg.methods = w_methods;
    cfg.descriptors = &ward_proto_set;
    cfg.workers = cfg.streams = 1;
    cfg.arena_cap = W_ARENA;
    cfg.max_message = cfg.max_message == 0 ? 4096 : cfg.max_message;
    cfg.max_elements = 1000;
    cfg.queue = 8;
    w.rpc.cfg = cfg;
    w.rpc.transport = &transport_h2;
    w.rpc.h2 = &w.srv;
    ward_arena_init(&w.rpc.mem, SIZE_MAX / 2);
    peers_init(&w.rpc.peers);
    WARD_ASSERT(callers_new(NULL, &w.rpc.callers, &err) == WARD_OK);
    WARD_ASSERT(table_make(&w.rpc, &err) == WARD_OK);
    queue_init(&w.rpc.crews[CREW_WORKERS].queue, 8, 1, 0, 0);
    queue_init(&w.rpc.crews[CREW_STREAMS].queue, 0, 1, 0, 1); /* no worker serves streams */
    queue_init(&w.rpc.crews[CREW_SYSTEM].queue, 0, 1, 0, 0);
    sem_init(&w.worker.waiter.wake, 0, 0);
    ward_arena_init(&w.worker.mem, W_ARENA);
    w.srv.rpc = &w.rpc;
    w.srv.loops = &w.loop;
    w.srv.n_loops = 1;
    w.srv.most_conn = (size_t)256 << 10;
    w.srv.most_peer = (size_t)512 << 10;
    w.srv.most_all = (size_t)1 << 20;
    loop_init(&w.loop, &w.srv, &w.rpc, 0);
}

/* Connects a peer to the server. */
static inline void w_connect(void)
{
    static const uint8_t ip[16];

    memset(&w.said, 0, sizeof(w.said));
    nghttp2_hd_inflate_new(&w.inflater);
    w.from = peers_hold(&w.rpc.peers, "friend", ip);
    w.alive = session_open(&w.session, &w.loop, w.from, w_wake);
    WARD_ASSERT(w.alive);
}

/* Disconnects the peer and asserts that no call is left. */
static inline void w_disconnect(void)
{
    struct job *j;

    session_close(&w.session);
    while (queue_waiting(&w.rpc.crews[CREW_WORKERS].queue) > 0) {
        j = queue_take(&w.rpc.crews[CREW_WORKERS].queue, &w.worker.waiter);
        call_run(RPC_OF(j, struct served, job), &w.worker.mem, &w.worker);
    }
    while (atomic_load(&w.loop.mail) != NULL)
        loop_read_mail(&w.loop);
    WARD_ASSERT(atomic_load(&w.loop.n_calls) == 0);
    WARD_ASSERT(atomic_load(&w.rpc.in_flight) == 0);
    WARD_ASSERT(w.session.h2_bytes == 0);
    WARD_ASSERT(atomic_load(&w.from->bytes) == 0 && atomic_load(&w.srv.held) == 0);
    peer_drop(w.from);
    nghttp2_hd_inflate_del(w.inflater);
}

static inline void w_open(struct ward_rpc_config cfg)
{
    w_serve(cfg);
    w_connect();
}

static inline void w_close(void)
{
    w_disconnect();
    health_end(w.rpc.health);
    peers_done(&w.rpc.peers);
    health_free(w.rpc.health);
    callers_free(w.rpc.callers);
    loop_done(&w.loop);
    for (int i = 0; i < 3; i++)
        queue_done(&w.rpc.crews[i].queue);
    ward_arena_done(&w.worker.mem);
    ward_arena_done(&w.rpc.mem);
    sem_destroy(&w.worker.waiter.wake);
}

/* ---- the server's frames ---- */

static inline uint32_t w_u32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline struct w_stream *w_stream(int32_t id)
{
    return &w.said.streams[id / 2 % W_STREAMS];
}

static inline void w_field(struct w_stream *st, const nghttp2_nv *nv)
{
    static const struct {
        const char *name;
        size_t at, cap;
    } kept[] = {
        {":status", offsetof(struct w_stream, http), 8},
        {"grpc-status", offsetof(struct w_stream, status), 8},
        {"grpc-message", offsetof(struct w_stream, message), 256},
        {"grpc-accept-encoding", offsetof(struct w_stream, accept), 32},
    };

    for (size_t i = 0; i < WARD_COUNT(kept); i++)
        if (strlen(kept[i].name) == nv->namelen && nv->valuelen < kept[i].cap &&
            memcmp(kept[i].name, nv->name, nv->namelen) == 0)
            memcpy((char *)st + kept[i].at, nv->value, nv->valuelen + 1);
    if (nv->namelen == 23 && memcmp(nv->name, "grpc-status-details-bin", 23) == 0)
        st->n_details = nv->valuelen;
}

static inline void w_headers(struct w_stream *st, const uint8_t *p, size_t n)
{
    st->headers++;
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t k = nghttp2_hd_inflate_hd2(w.inflater, &nv, &flags, p, n, 1);

        WARD_ASSERT(k >= 0);
        p += k;
        n -= (size_t)k;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0)
            w_field(st, &nv);
        if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) {
            nghttp2_hd_inflate_end_headers(w.inflater);
            return;
        }
    }
}

static inline void w_frame(const uint8_t *f, const uint8_t *p, size_t n)
{
    struct w_stream *st = w_stream((int32_t)w_u32(f + 5));

    switch (f[3]) {
    case NGHTTP2_DATA:
        st->data_frames++;
        st->n_data += n;
        break;
    case NGHTTP2_HEADERS:
        w_headers(st, p, n);
        break;
    case NGHTTP2_RST_STREAM:
        st->reset = true;
        st->reset_code = w_u32(p);
        return;
    case NGHTTP2_SETTINGS:
        *((f[4] & NGHTTP2_FLAG_ACK) != 0 ? &w.said.settings_acks : &w.said.settings) += 1;
        return;
    case NGHTTP2_PING:
        *((f[4] & NGHTTP2_FLAG_ACK) != 0 ? &w.said.pongs : &w.said.pings) += 1;
        memcpy(w.said.ping, p, 8);
        return;
    case NGHTTP2_GOAWAY:
        w.said.goaways++;
        w.said.goaway_last = (int32_t)w_u32(p);
        w.said.goaway_code = w_u32(p + 4);
        return;
    default:
        return;
    }
    st->ended = st->ended || (f[4] & NGHTTP2_FLAG_END_STREAM) != 0;
}

static inline void w_read(void)
{
    static uint8_t out[H2_OUT];
    ssize_t n;

    while ((n = session_write(&w.session, out)) > 0) {
        w.said.bytes += (size_t)n;
        for (ssize_t at = 0; at < n;) { /* each write contains only whole frames */
            size_t len = (size_t)out[at] << 16 | (size_t)out[at + 1] << 8 | out[at + 2];

            w_frame(out + at, out + at + 9, len);
            at += 9 + (ssize_t)len;
        }
    }
    w.alive = w.alive && n == 0 && !session_over(&w.session);
}

/* Runs one turn of the loop and of the worker. */
static inline void w_turn(void)
{
    struct queue *q = &w.rpc.crews[CREW_WORKERS].queue;

    wheel_run(&w.loop.wheel, w.loop.now);
    for (int i = 0; i < 3; i++) {
        loop_read_mail(&w.loop);
        while (queue_waiting(q) > 0) {
            struct job *j = queue_take(q, &w.worker.waiter);

            call_run(RPC_OF(j, struct served, job), &w.worker.mem, &w.worker);
        }
    }
    if (w.session.look_at <= w.loop.now && !session_tick(&w.session))
        w.alive = false;
    w_read();
}

static inline void w_later(int64_t ms)
{
    w.loop.now += ms * W_MS;
    w_turn();
}

/* ---- the client's frames ---- */

static inline void w_bytes(const void *p, size_t n)
{
    if (!w.alive)
        return;
    if (!session_read(&w.session, p, n)) {
        w_read(); /* a GOAWAY may be pending */
        w.alive = false;
        return;
    }
    w_turn();
}

static inline size_t w_put_frame(uint8_t *at, uint8_t type, uint8_t flags, int32_t id,
                                 const void *p, size_t n)
{
    const uint8_t head[9] = {
        (uint8_t)(n >> 16),  (uint8_t)(n >> 8),   (uint8_t)n,         type,       flags,
        (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

    memcpy(at, head, 9);
    if (n > 0)
        memcpy(at + 9, p, n);
    return 9 + n;
}

static inline void w_send_frame(uint8_t type, uint8_t flags, int32_t id, const void *p,
                                size_t n)
{
    static uint8_t frame[1 << 20];

    WARD_ASSERT(n + 9 <= sizeof(frame));
    w_bytes(frame, w_put_frame(frame, type, flags, id, p, n));
}

/* Writes a literal header that is not added to the table. */
static inline size_t w_literal(uint8_t *at, const char *name, const char *value)
{
    size_t n = strlen(name), v = strlen(value), k = 0;
    const size_t len[2] = {n, v};
    const char *text[2] = {name, value};

    at[k++] = 0;
    for (int i = 0; i < 2; i++) {
        size_t left = len[i];

        at[k++] = (uint8_t)(left < 127 ? left : 127);
        if (left >= 127) {
            for (left -= 127; left >= 128; left /= 128)
                at[k++] = (uint8_t)(left % 128 + 128);
            at[k++] = (uint8_t)left;
        }
        memcpy(at + k, text[i], len[i]);
        k += len[i];
    }
    return k;
}

static inline size_t w_block(uint8_t *at, const char *path, const char *name, const char *value)
{
    size_t n = w_literal(at, ":method", "POST");

    n += w_literal(at + n, ":scheme", "http");
    n += w_literal(at + n, ":path", path);
    n += w_literal(at + n, ":authority", "x");
    n += w_literal(at + n, "content-type", "application/grpc");
    n += w_literal(at + n, "te", "trailers");
    return name == NULL ? n : n + w_literal(at + n, name, value);
}

static inline void w_begin(int32_t id, const char *path, const char *name, const char *value)
{
    static uint8_t block[256 << 10];
    size_t n = w_block(block, path, name, value), at = 0, part;

    do { /* frames of up to 16 kB */
        part = n - at < 16000 ? n - at : 16000;
        w_send_frame(at == 0 ? NGHTTP2_HEADERS : NGHTTP2_CONTINUATION,
                     at + part == n ? NGHTTP2_FLAG_END_HEADERS : 0, id, block + at, part);
        at += part;
    } while (at < n);
}

static inline void w_data(int32_t id, const void *p, size_t n, bool end)
{
    w_send_frame(NGHTTP2_DATA, end ? NGHTTP2_FLAG_END_STREAM : 0, id, p, n);
}

static const uint8_t w_empty[5]; /* an empty message */

/* Makes a complete call with an empty message. */
static inline void w_call(int32_t id, const char *path)
{
    w_begin(id, path, NULL, NULL);
    w_data(id, w_empty, 5, true);
}

static inline void w_preface(void)
{
    w_bytes(NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    w_send_frame(NGHTTP2_SETTINGS, 0, 0, NULL, 0);
    w_send_frame(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, NULL, 0);
}

static inline int w_status(int32_t id)
{
    const struct w_stream *st = w_stream(id);

    return *st->status == '\0' ? -1 : (int)strtol(st->status, NULL, 10);
}

#endif
