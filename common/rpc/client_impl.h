/* client_impl.h - what the client's own files share. Inside common/rpc.
 *
 * Threads: a ward_client is read-only once open, except for `check`; an exchange belongs to one
 * thread. Memory: an exchange owns what core hands it until ward_exchange_done. Errors: see
 * each.
 */
#ifndef WARD_RPC_CLIENT_IMPL_H
#define WARD_RPC_CLIENT_IMPL_H

#include "common/rpc/client.h"
#include "common/rpc/methods.h"
#include "common/rpc/server.h"

#include <grpc/grpc.h>
#include <stdatomic.h>

#define WARD_RETRIES 3 /* after the first try */

/* Who the server must be. Core keeps it for as long as a handshake may run, which is past
 * ward_client_close, so it is counted. */
struct ward_peer_check {
    atomic_int refs;
    atomic_bool refused; /* the last handshake met another name */
    char uri[160];
};

struct ward_client {
    grpc_channel *channel;
    struct ward_peer_check *check; /* NULL without TLS */
    struct ward_arena mem;         /* the parsed descriptors */
    struct ward_set *set;
    size_t max_message;
    bool beside_server; /* ward_client_config */
    bool pumped;        /* core_pump.c reads for it: the server beside it is not core's */
    char server[128];   /* for words */
};

/* Credentials of cfg; *check is made with TLS and must be dropped by the caller.
 *   FAILED_PRECONDITION  a file is missing, half a set of files, no expected name, plain text
 *                        to another machine */
WARD_MUST enum ward_code ward_client_creds(const struct ward_client_config *cfg,
                                           grpc_channel_credentials **out,
                                           struct ward_peer_check **check,
                                           struct ward_err *err);
void ward_peer_check_drop(struct ward_peer_check *check); /* NULL is fine */

/* How long to wait before retry number `retry` (0 is the first): what the server asked for,
 * and on top full jitter of a window that doubles. `random` is any 64 bits. */
int64_t ward_retry_delay_ns(int retry, int retry_after_ms, uint64_t random);

/* Sleeps that long and makes the channel connect at once; false, without sleeping, where the
 * deadline would pass meanwhile. */
bool ward_retry_wait(struct ward_client *cl, int retry, int retry_after_ms,
                     int64_t deadline_ns);

/* What is sent before the message: the person's token and the trace. */
struct ward_headers {
    grpc_metadata at[2];
    size_t n;
};
/*   UNAUTHENTICATED  TOKEN_MALFORMED: the token is too long or holds what no header may */
WARD_MUST enum ward_code ward_headers_make(const struct ward_out *with,
                                           struct ward_headers *out, struct ward_err *err);
void ward_headers_done(struct ward_headers *h);

/* One gRPC call and what comes back of it. */
struct ward_exchange {
    grpc_call *call;
    grpc_metadata_array initial, trailing;
    grpc_byte_buffer *reply;
    grpc_status_code status;
    grpc_slice words;
    struct call_hook hook; /* of the served call that it is made for */
};
void ward_exchange_init(struct ward_exchange *x, struct ward_client *cl,
                        grpc_completion_queue *cq, const char *path,
                        const struct ward_out *with, int64_t deadline_ns);
void ward_exchange_done(struct ward_exchange *x);
grpc_op ward_exchange_status_op(struct ward_exchange *x);
/* The failure that x->status tells; never WARD_OK. */
WARD_MUST enum ward_code ward_exchange_fail(const struct ward_client *cl,
                                            const struct ward_exchange *x,
                                            struct ward_err *err);
/* Decodes and drops x->reply.
 *   INTERNAL  not that message;  RESOURCE_EXHAUSTED  past the arena's cap */
WARD_MUST enum ward_code ward_exchange_reply(struct ward_exchange *x,
                                             const ProtobufCMessageDescriptor *type,
                                             struct ward_arena *mem, ProtobufCMessage **out,
                                             struct ward_err *err);

/* The bytes of a message to send.
 *   RESOURCE_EXHAUSTED  longer than the client's max_message */
WARD_MUST enum ward_code ward_client_pack(const struct ward_client *cl,
                                          const ProtobufCMessage *msg, grpc_slice *out,
                                          struct ward_err *err);

/* The method and the deadline of a call about to be made.
 *   UNIMPLEMENTED  no such method, or of the other kind;  DEADLINE_EXCEEDED  already past */
WARD_MUST enum ward_code ward_client_route(const struct ward_client *cl, const char *path,
                                           const struct ward_out *with, bool streams,
                                           const struct ward_method_info **info,
                                           int64_t *deadline_ns, struct ward_err *err);

#endif
