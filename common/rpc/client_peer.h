/* client_peer.h - a server for the client's tests. The server uses core directly, so that it
 * can violate the protocol (junk, silence, early ends). For *_test.c in this folder only.
 *
 * Threads: one thread serves one call at a time. The test reads the records of a call after the
 * call has ended. Memory: the test's. Errors: assertions.
 */
#ifndef WARD_RPC_CLIENT_PEER_H
#define WARD_RPC_CLIENT_PEER_H

#include "common/rpc/wire.h"
#include "ward/test/v1/echo.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <grpc/byte_buffer_reader.h>
#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <stdatomic.h>

#define ECHO(method) "/ward.test.v1.Echo/" #method

enum peer_does {
    /* Unary and client stream: returns the last message; otherwise: returns each message. */
    PEER_ECHO,
    PEER_FAIL,   /* returns `fail`, with details unless `bare` */
    PEER_SILENT, /* gives no answer until the client disconnects */
    PEER_JUNK,   /* returns bytes that are not a message */
    PEER_EMPTY,  /* returns OK without a message */
    PEER_TWICE,  /* returns the message twice, as one message */
    PEER_EARLY,  /* returns OK after the first message, without reading the rest */
};

struct scripted {
    _Atomic enum peer_does does;
    atomic_int fail_left; /* number of PEER_FAIL answers before PEER_ECHO; below 0: unlimited */
    struct ward_err fail;
    bool bare;
    int repeat; /* number of replies to each message of a server stream */
    /* records for the test */
    atomic_int calls, received, cancelled;
    char token[256], trace[64], name[256];
    /* private */
    grpc_server *server;
    grpc_completion_queue *arrivals, *work;
    pthread_t thread;
    int port;
};

struct peer_call {
    struct scripted *p;
    grpc_call *call;
    grpc_call_details details;
    grpc_metadata_array headers;
    bool server_streams;
};

static bool peer_batch(struct peer_call *c, const grpc_op *ops, size_t n)
{
    assert_int_equal(grpc_call_start_batch(c->call, ops, n, &n, NULL), GRPC_CALL_OK);
    return grpc_completion_queue_pluck(c->p->work, &n, gpr_inf_future(GPR_CLOCK_MONOTONIC),
                                       NULL)
               .success != 0;
}

static void peer_copy(char *out, size_t cap, const grpc_metadata_array *md, const char *key)
{
    *out = '\0';
    for (size_t i = 0; i < md->count; i++) {
        if (grpc_slice_str_cmp(md->metadata[i].key, key) == 0)
            snprintf(out, cap, "%.*s", (int)GRPC_SLICE_LENGTH(md->metadata[i].value),
                     (const char *)GRPC_SLICE_START_PTR(md->metadata[i].value));
    }
}

static void peer_name(struct peer_call *c)
{
    grpc_auth_context *auth = grpc_call_auth_context(c->call);
    grpc_auth_property_iterator it =
        grpc_auth_context_find_properties_by_name(auth, GRPC_PEER_URI_PROPERTY_NAME);
    const grpc_auth_property *uri = grpc_auth_property_iterator_next(&it);

    snprintf(c->p->name, sizeof(c->p->name), "%s", uri == NULL ? "" : uri->value);
    grpc_auth_context_release(auth);
}

static bool peer_receive(struct peer_call *c, grpc_byte_buffer **out)
{
    peer_batch(
        c, &(grpc_op){.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {.recv_message = out}},
        1);
    if (*out != NULL)
        atomic_fetch_add(&c->p->received, 1);
    return *out != NULL;
}

/* EchoRequest and EchoResponse both have the payload as field 1, so bytes are returned
 * unchanged. */
static void peer_send(struct peer_call *c, grpc_byte_buffer *message)
{
    grpc_byte_buffer *copy = grpc_byte_buffer_copy(message);

    peer_batch(
        c, &(grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message = {.send_message = copy}},
        1);
    grpc_byte_buffer_destroy(copy);
}

static void peer_send_twice(struct peer_call *c, grpc_byte_buffer *message)
{
    grpc_byte_buffer_reader reader;
    grpc_byte_buffer *twice;
    grpc_slice both[2];

    grpc_byte_buffer_reader_init(&reader, message);
    both[0] = both[1] = grpc_byte_buffer_reader_readall(&reader);
    grpc_byte_buffer_reader_destroy(&reader);
    twice = grpc_raw_byte_buffer_create(both, 2);
    peer_send(c, twice);
    grpc_byte_buffer_destroy(twice);
    grpc_slice_unref(both[0]);
}

static void peer_status(struct peer_call *c, const struct ward_err *err, bool bare)
{
    uint8_t packed[WARD_DETAILS_MAX];
    size_t n = ward_details_pack(err, packed, sizeof(packed));
    grpc_slice words = grpc_slice_from_static_string(err->msg);
    grpc_metadata details = {.key = grpc_slice_from_static_string("grpc-status-details-bin"),
                             .value = grpc_slice_from_copied_buffer((char *)packed, n)};
    int gone = 0;
    grpc_op ops[] = {
        {.op = GRPC_OP_SEND_STATUS_FROM_SERVER,
         .data.send_status_from_server = {.trailing_metadata_count = bare ? 0 : 1,
                                          .trailing_metadata = &details,
                                          .status = (grpc_status_code)err->code,
                                          .status_details = &words}},
        {.op = GRPC_OP_RECV_CLOSE_ON_SERVER, .data.recv_close_on_server = {.cancelled = &gone}},
    };

    peer_batch(c, ops, 2);
    if (gone)
        atomic_fetch_add(&c->p->cancelled, 1);
    grpc_slice_unref(details.value);
}

static void peer_ok(struct peer_call *c)
{
    peer_status(c, &(struct ward_err){0}, true);
}

static void peer_silent(struct peer_call *c)
{
    int gone = 0;

    peer_batch(c,
               &(grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER,
                          .data.recv_close_on_server = {.cancelled = &gone}},
               1);
    if (gone)
        atomic_fetch_add(&c->p->cancelled, 1);
}

static void peer_junk(struct peer_call *c)
{
    grpc_slice s = grpc_slice_from_static_string("\x0a\xff\xff\xff\x7f not a message");
    grpc_byte_buffer *b = grpc_raw_byte_buffer_create(&s, 1);

    peer_send(c, b);
    grpc_byte_buffer_destroy(b);
    peer_ok(c);
}

static void peer_echo(struct peer_call *c, enum peer_does does)
{
    grpc_byte_buffer *last = NULL, *in = NULL;

    while (peer_receive(c, &in)) {
        if (last != NULL)
            grpc_byte_buffer_destroy(last);
        last = in;
        for (int i = 0; c->server_streams && i < c->p->repeat; i++)
            peer_send(c, in);
        if (does == PEER_EARLY)
            break;
    }
    if (last != NULL && does == PEER_TWICE)
        peer_send_twice(c, last);
    else if (last != NULL && !c->server_streams)
        peer_send(c, last);
    if (last != NULL)
        grpc_byte_buffer_destroy(last);
    peer_ok(c);
}

static void peer_serve(struct peer_call *c)
{
    enum peer_does does = atomic_load(&c->p->does);

    atomic_fetch_add(&c->p->calls, 1);
    peer_copy(c->p->token, sizeof(c->p->token), &c->headers, "authorization");
    peer_copy(c->p->trace, sizeof(c->p->trace), &c->headers, "traceparent");
    peer_name(c);
    c->server_streams = grpc_slice_str_cmp(c->details.method, ECHO(ServerStream)) == 0 ||
                        grpc_slice_str_cmp(c->details.method, ECHO(Bidi)) == 0;
    if (does != PEER_FAIL && does != PEER_SILENT)
        peer_batch(c, &(grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA}, 1);
    if (does == PEER_FAIL && atomic_fetch_sub(&c->p->fail_left, 1) == 1)
        atomic_store(&c->p->does, PEER_ECHO);
    if (does == PEER_FAIL) {
        peer_batch(c, &(grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA}, 1);
        peer_status(c, &c->p->fail, c->p->bare);
    } else if (does == PEER_SILENT)
        peer_silent(c);
    else if (does == PEER_JUNK)
        peer_junk(c);
    else if (does == PEER_EMPTY)
        peer_ok(c);
    else
        peer_echo(c, does);
}

static void *peer_loop(void *arg)
{
    struct scripted *p = arg;

    for (;;) {
        struct peer_call c = {.p = p};
        grpc_event e;

        grpc_call_details_init(&c.details);
        grpc_metadata_array_init(&c.headers);
        grpc_server_request_call(p->server, &c.call, &c.details, &c.headers, p->work,
                                 p->arrivals, &c);
        e = grpc_completion_queue_next(p->arrivals, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (e.success) {
            peer_serve(&c);
            grpc_call_unref(c.call);
        }
        grpc_call_details_destroy(&c.details);
        grpc_metadata_array_destroy(&c.headers);
        if (!e.success)
            return NULL;
    }
}

/* Uses dir/name.pem, dir/name.key and dir/ca.pem; plain text if dir is NULL. */
static grpc_server_credentials *peer_creds(const char *dir, const char *name)
{
    char cert[128], key[128], ca[128];
    grpc_tls_certificate_provider *files;
    grpc_tls_credentials_options *o;

    if (dir == NULL)
        return grpc_insecure_server_credentials_create();
    snprintf(cert, sizeof(cert), "%s/%s.pem", dir, name);
    snprintf(key, sizeof(key), "%s/%s.key", dir, name);
    snprintf(ca, sizeof(ca), "%s/ca.pem", dir);
    files = grpc_tls_certificate_provider_file_watcher_create(key, cert, ca, 1);
    o = grpc_tls_credentials_options_create();
    grpc_tls_credentials_options_set_certificate_provider(o, files);
    grpc_tls_credentials_options_watch_root_certs(o);
    grpc_tls_credentials_options_watch_identity_key_cert_pairs(o);
    grpc_tls_credentials_options_set_cert_request_type(
        o, GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    grpc_tls_certificate_provider_release(files);
    return grpc_tls_server_credentials_create(o);
}

/* Starts the server. p->port 0: the kernel picks a port. The test may set p->does before or
 * after. */
static void peer_start(struct scripted *p, const char *dir, const char *name)
{
    grpc_arg reuse = {.type = GRPC_ARG_INTEGER,
                      .key = (char *)(uintptr_t)GRPC_ARG_ALLOW_REUSEPORT};
    grpc_channel_args args = {.num_args = 1, .args = &reuse};
    grpc_server_credentials *creds;
    char at[32];

    grpc_init();
    creds = peer_creds(dir, name);
    snprintf(at, sizeof(at), "127.0.0.1:%d", p->port);
    p->arrivals = grpc_completion_queue_create_for_next(NULL);
    p->work = grpc_completion_queue_create_for_pluck(NULL);
    p->server = grpc_server_create(&args, NULL);
    grpc_server_register_completion_queue(p->server, p->arrivals, NULL);
    p->port = grpc_server_add_http2_port(p->server, at, creds);
    assert_true(p->port > 0);
    grpc_server_credentials_release(creds);
    grpc_server_start(p->server);
    assert_int_equal(pthread_create(&p->thread, NULL, peer_loop, p), 0);
}

static void peer_stop(struct scripted *p)
{
    grpc_completion_queue *end = grpc_completion_queue_create_for_pluck(NULL);

    grpc_server_shutdown_and_notify(p->server, end, p);
    grpc_server_cancel_all_calls(p->server);
    grpc_completion_queue_pluck(end, p, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
    pthread_join(p->thread, NULL);
    grpc_completion_queue_destroy(end);
    grpc_server_destroy(p->server);
    grpc_completion_queue_shutdown(p->arrivals);
    while (grpc_completion_queue_next(p->arrivals, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL)
               .type != GRPC_QUEUE_SHUTDOWN)
        continue;
    grpc_completion_queue_destroy(p->arrivals);
    grpc_completion_queue_shutdown(p->work);
    grpc_completion_queue_destroy(p->work);
    grpc_shutdown();
}

#endif
