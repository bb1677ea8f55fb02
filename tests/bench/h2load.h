/* h2load.h - unary gRPC calls as streams of one mutual-TLS connection, from one thread on
 * nghttp2 and OpenSSL: a caller that costs little, so that the service is what is measured. For
 * tests/bench only.
 *
 * Threads: one. Memory: what h2load_open took, h2load_close frees; a call's buffers are the
 * caller's and stand until its `done`. Errors: none are survived: a connection that breaks ends
 * the program with a line that says why.
 */
#ifndef WARD_BENCH_H2LOAD_H
#define WARD_BENCH_H2LOAD_H

#include "tests/bench/h2conn.h"

#include <protobuf-c/protobuf-c.h>

#define H2LOAD_REPLY (64 * 1024)

struct h2call {
    /* Set by the caller. */
    const char *path, *token; /* of the bearer, as it is; NULL: no person */
    const ProtobufCMessage *req;
    void *user;
    /* The library's. */
    uint8_t *frame, *reply;
    size_t n_frame, cap_frame, sent, n_reply;
    bool http_ok;
    int status; /* of gRPC; -1 before it came */
    int64_t began_ns;
};

struct h2load {
    struct h2conn conn;
    nghttp2_session_callbacks *cb;
    SSL_CTX *tls;
    char authority[32];
    int ep;
    int64_t open;                                   /* calls under way */
    void (*done)(struct h2load *, struct h2call *); /* may begin the call anew */
};

/* certs holds ca.pem, <client>.pem and <client>.key; the server answers on loopback. */
void h2load_open(struct h2load *l, int port, const char *certs, const char *client,
                 void (*done)(struct h2load *, struct h2call *));
void h2load_close(struct h2load *l);
/* Packs req into the call's frame and begins the call; h2load_turn sends it. */
void h2load_call(struct h2load *l, struct h2call *call);
/* Sends, waits wait_ms at most for something to read, and tells `done` of what came back. */
void h2load_turn(struct h2load *l, int64_t wait_ns);
/* The call's answer, parsed; the program ends unless it came with :status 200, grpc-status 0
 * and one whole message. Free it with protobuf_c_message_free_unpacked. */
ProtobufCMessage *h2load_answer(const struct h2call *call,
                                const ProtobufCMessageDescriptor *type);

#endif
