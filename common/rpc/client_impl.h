/* client_impl.h - declarations shared by the client's files. Inside common/rpc.
 *
 * Threads: an open ward_client is read-only, except for `check`. An exchange belongs to one
 * thread. Memory: an exchange owns core's objects until ward_exchange_done. Errors: see each
 * function.
 */
#ifndef WARD_RPC_CLIENT_IMPL_H
#define WARD_RPC_CLIENT_IMPL_H

#include "common/rpc/client.h"
#include "common/rpc/methods.h"
#include "common/rpc/server.h"

#include <grpc/grpc.h>
#include <stdatomic.h>

#define WARD_RETRIES 3 /* number of retries after the first try */

/* The expected name of the server. Reference-counted, because core uses it during handshakes,
 * which may end after ward_client_close. */
struct ward_peer_check {
    atomic_int refs;
    atomic_bool refused; /* the server of the last handshake had another name */
    char uri[160];
};

struct ward_client {
    grpc_channel *channel;
    struct ward_peer_check *check; /* NULL without TLS */
    struct ward_arena mem;         /* the parsed descriptors */
    struct ward_set *set;
    size_t max_message;
    bool beside_server; /* as in ward_client_config */
    /* core_pump.c reads for this client, because the server does not run on core */
    bool pumped;
    char server[128]; /* for messages */
};

/* Creates the credentials of cfg. With TLS, *check is also created, and the caller must drop
 * it.
 *   FAILED_PRECONDITION  a file is missing, only some of the files are given, the expected name
 *                        is missing, or plain text to another machine */
WARD_MUST enum ward_code ward_client_creds(const struct ward_client_config *cfg,
                                           grpc_channel_credentials **out,
                                           struct ward_peer_check **check,
                                           struct ward_err *err);
void ward_peer_check_drop(struct ward_peer_check *check); /* accepts NULL */

/* Returns the delay before retry number `retry`, from 0: the server's retry_after_ms plus a
 * random part of a window that doubles with each retry. `random`: any 64 bits. */
int64_t ward_retry_delay_ns(int retry, int retry_after_ms, uint64_t random);

/* Sleeps for that delay and lets the channel connect at once. Returns false without sleeping if
 * the deadline would pass meanwhile. */
bool ward_retry_wait(struct ward_client *cl, int retry, int retry_after_ms,
                     int64_t deadline_ns);

/* Headers of a call: the person's token and the trace. */
struct ward_headers {
    grpc_metadata at[2];
    size_t n;
};
/*   UNAUTHENTICATED  TOKEN_MALFORMED: the token is too long or contains a character that is not
 *                    permitted in a header */
WARD_MUST enum ward_code ward_headers_make(const struct ward_out *with,
                                           struct ward_headers *out, struct ward_err *err);
void ward_headers_done(struct ward_headers *h);

/* One gRPC call with its reply and status. */
struct ward_exchange {
    grpc_call *call;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *reply;
    grpc_status_code status;
    grpc_slice words;
    struct call_hook hook; /* hook of the served call whose handler makes this call */
};
void ward_exchange_init(struct ward_exchange *x, struct ward_client *cl,
                        grpc_completion_queue *cq, const char *path,
                        const struct ward_out *with, int64_t deadline_ns);
void ward_exchange_done(struct ward_exchange *x);
grpc_op ward_exchange_status_op(struct ward_exchange *x);
/* Converts x->status, which is not OK, to an error. */
WARD_MUST enum ward_code ward_exchange_fail(const struct ward_client *cl,
                                            const struct ward_exchange *x,
                                            struct ward_err *err);
/* Decodes and drops x->reply.
 *   INTERNAL            the reply is not a message of that type
 *   RESOURCE_EXHAUSTED  past the arena's cap */
WARD_MUST enum ward_code ward_exchange_reply(struct ward_exchange *x,
                                             const ProtobufCMessageDescriptor *type,
                                             struct ward_arena *mem, ProtobufCMessage **out,
                                             struct ward_err *err);

/* Serializes a message.
 *   RESOURCE_EXHAUSTED  longer than the client's max_message */
WARD_MUST enum ward_code ward_client_pack(const struct ward_client *cl,
                                          const ProtobufCMessage *msg, grpc_slice *out,
                                          struct ward_err *err);

/* Returns the method and the deadline of the next call.
 *   UNIMPLEMENTED      the method does not exist, or is not of the called kind (unary or
 *                      streaming)
 *   DEADLINE_EXCEEDED  the deadline has already passed */
WARD_MUST enum ward_code ward_client_route(const struct ward_client *cl, const char *path,
                                           const struct ward_out *with, bool streams,
                                           const struct ward_method_info **info,
                                           int64_t *deadline_ns, struct ward_err *err);

#endif
