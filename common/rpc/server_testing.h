/* server_testing.h - a server in this process and its callers. For server_*_test.c.
 *
 * The request's text controls the handlers: "gate" waits until the test opens the gate or the
 * call ends, "hog" allocates more memory than a call may use, "forget" writes no audit event,
 * and "fail" fails with fail_code.
 *
 * Threads: handlers run on the server's threads; all else runs on the test's. Memory: the
 * test's. Errors: assertions.
 */
#ifndef WARD_RPC_SERVER_TESTING_H
#define WARD_RPC_SERVER_TESTING_H

#include "common/rpc/client.h"
#include "common/rpc/core.h"
#include "common/rpc/wire.h"
#include "ward/test/v1/echo.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define ECHO(method) "/ward.test.v1.Echo/" #method
#define ARENA        ((size_t)256 << 10)

typedef Ward__Test__V1__EchoRequest Request;
typedef Ward__Test__V1__EchoResponse Response;

static struct {
    atomic_int entered; /* number of handlers that have started */
    atomic_int at_gate, saw_cancel, opened, closed, refused, received;
    atomic_int whole; /* number of client streams that were complete */
    atomic_bool gate;
    atomic_int refused_code;
    char refused_peer[64], refused_subject[64];
    int open_fails_at; /* opening this worker fails */
} room;

static inline void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* Waits until `cond` is true. Fails after half a minute. */
#define UNTIL(cond)                                                                            \
    do {                                                                                       \
        for (int until_ = 0; !(cond) && until_ < 30000; until_++)                              \
            nap();                                                                             \
        assert_true(cond);                                                                     \
    } while (0)

/* ---- handlers ---- */

static inline enum ward_code obey(struct ward_call *c, const Request *q)
{
    atomic_fetch_add(&room.entered, 1);
    if (strcmp(q->text, "gate") == 0) {
        atomic_fetch_add(&room.at_gate, 1);
        while (!atomic_load(&room.gate) && !ward_call_cancelled(c))
            nap();
        atomic_fetch_sub(&room.at_gate, 1);
        if (!atomic_load(&room.gate)) {
            atomic_fetch_add(&room.saw_cancel, 1);
            return WARD_FAIL(c->err, CANCELLED, "seen");
        }
    }
    if (strcmp(q->text, "hog") == 0 && ward_alloc(c->mem, ARENA) == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "too much memory");
    if (strcmp(q->text, "wordless") == 0)
        return (enum ward_code)q->fail_code;
    if (strcmp(q->text, "fail") == 0) {
        ward_err_reason(c->err, (enum ward_code)q->fail_code, "AS_ASKED", __FILE__, __LINE__,
                        "failed as asked");
        return ward_err_detail(c->err, "for the log only");
    }
    return WARD_OK;
}

static inline enum ward_code echo(struct ward_call *c, const Request *q, Response *r)
{
    c->audited = c->method->audited && strcmp(q->text, "forget") != 0;
    WARD_TRY(obey(c, q));
    r->payload = q->payload;
    r->peer = (char *)(uintptr_t)c->peer;
    r->subject = (char *)(uintptr_t)(c->who == NULL ? "" : c->who->subject);
    r->trace_id = ward_strdup(c->mem, c->traceparent);
    r->left_ms = ward_left_ms(c->deadline_ns);
    r->received = c->wrk == NULL ? 0 : *(int *)c->wrk;
    return WARD_OK;
}

static inline enum ward_code server_stream(struct ward_call *c, const Request *q)
{
    Response r = WARD__TEST__V1__ECHO_RESPONSE__INIT;

    WARD_TRY(obey(c, q));
    for (int i = 0; i < q->repeat; i++) {
        r.received = i + 1;
        r.payload = q->payload;
        WARD_TRY(ward_send(c, &r.base));
    }
    return WARD_OK;
}

static inline enum ward_code client_stream(struct ward_call *c, Response *r)
{
    const ProtobufCMessage *q;

    for (;;) {
        WARD_TRY(ward_recv(c, &q));
        if (q == NULL) {
            atomic_fetch_add(&room.whole, 1);
            return WARD_OK;
        }
        atomic_fetch_add(&room.received, 1);
        WARD_TRY(obey(c, (const Request *)q));
        r->received++;
    }
}

static inline enum ward_code bidi(struct ward_call *c)
{
    Response r = WARD__TEST__V1__ECHO_RESPONSE__INIT;
    const ProtobufCMessage *q;

    for (;;) {
        WARD_TRY(ward_recv(c, &q));
        if (q == NULL)
            return WARD_OK;
        atomic_fetch_add(&room.received, 1);
        r.payload = ((const Request *)q)->payload;
        r.received++;
        WARD_TRY(ward_send(c, &r.base));
    }
}

#define UNTYPED(fn, call)                                                                      \
    static inline enum ward_code fn##_rpc(struct ward_call *c, const ProtobufCMessage *q,      \
                                          ProtobufCMessage *r)                                 \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return call;                                                                           \
    }
UNTYPED(echo, echo(c, (const Request *)q, (Response *)r))
UNTYPED(server_stream, server_stream(c, (const Request *)q))
UNTYPED(client_stream, client_stream(c, (Response *)r))
UNTYPED(bidi, bidi(c))

#define TYPES                                                                                  \
    &ward__test__v1__echo_request__descriptor, &ward__test__v1__echo_response__descriptor
static const struct ward_method echo_methods[] = {
    {ECHO(Fast), echo_rpc, TYPES},
    {ECHO(Unary), echo_rpc, TYPES},
    {ECHO(Bedside), echo_rpc, TYPES},
    {ECHO(Guarded), echo_rpc, TYPES},
    {ECHO(Closed), echo_rpc, TYPES},
    {ECHO(ServerStream), server_stream_rpc, TYPES},
    {ECHO(ClientStream), client_stream_rpc, TYPES},
    {ECHO(Bidi), bidi_rpc, TYPES},
    {0},
};

/* A worker's resource is its number, from 1. */
static inline enum ward_code worker_open(void *svc, void **wrk, struct ward_err *err)
{
    static int numbers[64];
    int n = atomic_fetch_add(&room.opened, 1) + 1;

    (void)svc;
    if (n == room.open_fails_at) {
        atomic_fetch_sub(&room.opened, 1);
        return WARD_FAIL(err, UNAVAILABLE, "no database");
    }
    numbers[n % 64] = n;
    *wrk = &numbers[n % 64];
    return WARD_OK;
}

static inline void worker_close(void *wrk)
{
    assert_non_null(wrk);
    atomic_fetch_add(&room.closed, 1);
}

static inline void on_refused(struct ward_call *c, enum ward_code code)
{
    assert_int_equal(c->err->code, code);
    assert_false(ward_call_cancelled(c));
    assert_non_null(ward_alloc(c->mem, 1024)); /* memory is left for the event */
    snprintf(room.refused_peer, sizeof(room.refused_peer), "%s", c->peer);
    snprintf(room.refused_subject, sizeof(room.refused_subject), "%s",
             c->who == NULL ? "" : c->who->subject);
    atomic_store(&room.refused_code, (int)code);
    atomic_fetch_add(&room.refused, 1);
}

/* ---- the server and a client ---- */

static inline struct ward_rpc_config config_of(void)
{
    memset(&room, 0, sizeof(room));
    return (struct ward_rpc_config){
        .listen = "127.0.0.1:0",
        .tls = {"", "", ""},
        .workers = 2,
        .streams = 3, /* at most two for one peer */
        .pollers = 2,
        .queue = 4,
        .arena_cap = ARENA,
        .methods = echo_methods,
        .wrk_open = worker_open,
        .wrk_close = worker_close,
        .refused = on_refused,
    };
}

static inline struct ward_rpc *started(const struct ward_rpc_config *cfg)
{
    struct ward_rpc *rpc = NULL;
    struct ward_err err = {0};
    enum ward_code code = ward_rpc_start(cfg, &rpc, &err);

    if (code != WARD_OK)
        print_message("%s %s\n", err.msg, err.detail);
    assert_int_equal(code, WARD_OK);
    ward_rpc_serving(rpc, NULL, true);
    return rpc;
}

static inline struct ward_client *client_with(const struct ward_rpc *rpc,
                                              const struct ward_tls *tls, bool beside_server)
{
    struct ward_client *cl = NULL;
    struct ward_err err = {0};
    char target[64];

    snprintf(target, sizeof(target), "127.0.0.1:%d", ward_rpc_port(rpc));
    assert_int_equal(
        ward_client_open(&(struct ward_client_config){.target = target,
                                                      .tls = *tls,
                                                      .server = "echo",
                                                      .beside_server = beside_server},
                         &cl, &err),
        WARD_OK);
    return cl;
}

static inline struct ward_client *client_of(const struct ward_rpc *rpc,
                                            const struct ward_tls *tls)
{
    return client_with(rpc, tls, false);
}

static const struct ward_tls plain = {"", "", ""};

/* Makes one unary call with this request. */
static inline enum ward_code ask(struct ward_client *cl, const char *path, Request q,
                                 const struct ward_out *with, struct ward_arena *mem,
                                 Response **r, struct ward_err *err)
{
    return ward_client_call(cl, path, with, &q.base, &ward__test__v1__echo_response__descriptor,
                            (ProtobufCMessage **)r, mem, err);
}

/* Strings that are NULL are packed as empty strings. */
#define REQUEST(...)                                                                           \
    ((Request){PROTOBUF_C_MESSAGE_INIT(&ward__test__v1__echo_request__descriptor), __VA_ARGS__})
#define TEXT(t) .text = (char *)(uintptr_t)(t)

/* ---- a unary call on its own thread ---- */

struct asked {
    pthread_t thread;
    struct ward_client *cl;
    const char *path, *text;
    int64_t deadline_ns;
    enum ward_code code;
    struct ward_err err;
    atomic_bool back;
};

static inline void *asked_main(void *arg)
{
    struct asked *a = arg;
    struct ward_out with = {.deadline_ns = a->deadline_ns};
    struct ward_arena mem;
    Response *r;

    ward_arena_init(&mem, ARENA);
    a->code = ask(a->cl, a->path, REQUEST(TEXT(a->text)), &with, &mem, &r, &a->err);
    ward_arena_done(&mem);
    atomic_store(&a->back, true);
    return NULL;
}

static inline void ask_later(struct asked *a, struct ward_client *cl, const char *path,
                             const char *text)
{
    *a = (struct asked){.cl = cl, .path = path, .text = text, .deadline_ns = a->deadline_ns};
    assert_int_equal(pthread_create(&a->thread, NULL, asked_main, a), 0);
}

static inline enum ward_code answer_of(struct asked *a)
{
    pthread_join(a->thread, NULL);
    return a->code;
}

#endif
