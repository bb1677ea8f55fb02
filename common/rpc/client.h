/* client.h - call gRPC methods.
 *
 * A ward_client is one channel: connections are reused, spread over all addresses of dns:///
 * names (round_robin) and re-made by themselves. UNAVAILABLE is retried, at most 3 times with
 * jitter and inside the deadline, for methods the descriptors call idempotent, and for no
 * others.
 *
 * Threads: a client may be shared; a stream belongs to one thread. Memory: replies live in the
 * caller's arena. Errors: a remote failure comes back as its code, message, field, reason and
 * retry_after_ms.
 */
#ifndef WARD_RPC_CLIENT_H
#define WARD_RPC_CLIENT_H

#include "common/rpc/rpc.h"

struct ward_client;

struct ward_client_config {
    const char *target;  /* "dns:///audit.ward:50051", "unix:/path", "127.0.0.1:5000" */
    struct ward_tls tls; /* all "" for plain text */
    const char *server;  /* expected peer: the service's name in its certificate's URI */
    const struct ward_descriptors *descriptors; /* NULL: ward_proto_set */
    size_t max_message;                         /* bytes; 0: 4 MiB */
};

WARD_MUST enum ward_code ward_client_open(const struct ward_client_config *cfg,
                                          struct ward_client **out, struct ward_err *err);
void ward_client_close(struct ward_client *cl); /* NULL is fine */

/* What goes with a call. */
struct ward_out {
    int64_t deadline_ns;     /* monotonic; 0: the method's own default */
    const char *token;       /* a person's bearer token; NULL or "" for none */
    const char *traceparent; /* NULL or "": a new trace */
};
/* Passes on a served call's deadline, person and trace. */
struct ward_out ward_out_of(const struct ward_call *c);

/* One unary call. *resp is unpacked into mem. */
WARD_MUST enum ward_code
ward_client_call(struct ward_client *cl, const char *path, const struct ward_out *with,
                 const ProtobufCMessage *req, const ProtobufCMessageDescriptor *resp_type,
                 ProtobufCMessage **resp, struct ward_arena *mem, struct ward_err *err);

/* Streams of any kind: open, send any number, end sending, receive until *msg is NULL, close.
 */
struct ward_client_stream;
WARD_MUST enum ward_code ward_client_open_stream(struct ward_client *cl, const char *path,
                                                 const struct ward_out *with,
                                                 const ProtobufCMessageDescriptor *resp_type,
                                                 struct ward_client_stream **out,
                                                 struct ward_err *err);
WARD_MUST enum ward_code ward_client_send(struct ward_client_stream *s,
                                          const ProtobufCMessage *msg, struct ward_err *err);
WARD_MUST enum ward_code ward_client_send_end(struct ward_client_stream *s,
                                              struct ward_err *err);
/* *msg lives in mem; NULL after the last, when the call's own status was OK. */
WARD_MUST enum ward_code ward_client_recv(struct ward_client_stream *s, struct ward_arena *mem,
                                          ProtobufCMessage **msg, struct ward_err *err);
void ward_client_close_stream(struct ward_client_stream *s); /* cancels what is unfinished */

#endif
