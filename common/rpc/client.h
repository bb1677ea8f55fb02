/* client.h - call gRPC methods.
 *
 * A ward_client is one channel. Connections are reused, spread over all healthy addresses of
 * dns:/// names (round_robin) and restored after a loss. UNAVAILABLE is retried only for
 * methods that the descriptors declare idempotent: at most 3 times, within the deadline, after
 * RetryInfo's delay plus jitter. Of a stream, only the opening is retried.
 *
 * The server's certificate must contain the URI spiffe://ward/<server>. Another name is
 * rejected in the TLS handshake, before a message, a header or a token is sent. Certificate,
 * key and CA are loaded again when the files change; open connections stay open.
 *
 * Threads: threads may share a client; a stream belongs to one thread. Memory: replies are in
 * the caller's arena. Errors: a remote failure is returned with its code, message, field,
 * reason and retry_after_ms. Local failures:
 *   UNAVAILABLE         the server cannot be reached; reason SERVER_NOT_EXPECTED: wrong name
 *   DEADLINE_EXCEEDED   no answer in time
 *   CANCELLED           the server cancelled the call, or the served call's caller has gone
 *   RESOURCE_EXHAUSTED  a message past max_message, or a reply past the arena's cap
 *   UNAUTHENTICATED     TOKEN_MALFORMED: the token cannot be sent in a header
 *   UNIMPLEMENTED       no descriptor has the path, or a stream was called as unary
 *   INTERNAL            REPLY_MALFORMED
 */
#ifndef WARD_RPC_CLIENT_H
#define WARD_RPC_CLIENT_H

#include "common/rpc/rpc.h"

struct ward_client;

struct ward_client_config {
    const char *target;  /* "dns:///audit.ward:50051", "unix:/path", "127.0.0.1:5000" */
    struct ward_tls tls; /* all "" for plain text */
    const char *server;  /* expected name of the server in its certificate's URI */
    const struct ward_descriptors *descriptors; /* NULL: ward_proto_set */
    size_t max_message;                         /* bytes; 0: 4 MiB */
    /* True if this process also runs a ward_rpc. The server's threads then read for streams
     * too, and a stream's thread sleeps until an event. Before the server starts and after it
     * has stopped, a stream hardly receives events, but can be cancelled and closed. Opening a
     * stream then may take as long as its connection attempts, 5 s each. */
    bool beside_server;
};

/* Returns before a connection exists. Calls report an unavailable server.
 *   FAILED_PRECONDITION  a certificate file cannot be read, the expected server is missing, or
 *                        plain text to another machine */
WARD_MUST enum ward_code ward_client_open(const struct ward_client_config *cfg,
                                          struct ward_client **out, struct ward_err *err);
/* Returns whether every address of the target is on this machine. */
bool ward_client_is_local(const char *target);
/* Once no call and no stream of it is left. NULL is fine. */
void ward_client_close(struct ward_client *cl);

/* Options of a call. */
struct ward_out {
    int64_t deadline_ns;     /* monotonic; 0: the method's own default */
    const char *token;       /* a person's bearer token; NULL or "" for none */
    const char *traceparent; /* NULL or "": a new trace */
    /* The served call whose handler makes this call, or NULL. When the served call's caller has
     * gone, this call ends with CANCELLED. */
    const struct ward_call *served;
};
/* Passes on the deadline, person, trace and cancellation of a served call. Call from the
 * handler's own thread. */
struct ward_out ward_out_of(const struct ward_call *c);

/* Makes one unary call. *resp is unpacked into mem. */
WARD_MUST enum ward_code
ward_client_call(struct ward_client *cl, const char *path, const struct ward_out *with,
                 const ProtobufCMessage *req, const ProtobufCMessageDescriptor *resp_type,
                 ProtobufCMessage **resp, struct ward_arena *mem, struct ward_err *err);

/* Streams of any kind: open, send any number of messages, end sending, receive until *msg is
 * NULL, close. */
struct ward_client_stream;
WARD_MUST enum ward_code ward_client_open_stream(struct ward_client *cl, const char *path,
                                                 const struct ward_out *with,
                                                 const ProtobufCMessageDescriptor *resp_type,
                                                 struct ward_client_stream **out,
                                                 struct ward_err *err);
/* Waits until there is room, then sends. OUT_OF_RANGE: the server ended the call with OK and
 * reads no more messages. The server's earlier messages can still be received. */
WARD_MUST enum ward_code ward_client_send(struct ward_client_stream *s,
                                          const ProtobufCMessage *msg, struct ward_err *err);
WARD_MUST enum ward_code ward_client_send_end(struct ward_client_stream *s,
                                              struct ward_err *err);
/* *msg is in mem; NULL after the last message, if the call's status was OK. */
WARD_MUST enum ward_code ward_client_recv(struct ward_client_stream *s, struct ward_arena *mem,
                                          ProtobufCMessage **msg, struct ward_err *err);
/* Ends the stream's pending operation with CANCELLED. Any thread may call this while the stream
 * is open. */
void ward_client_cancel_stream(struct ward_client_stream *s);
void ward_client_close_stream(struct ward_client_stream *s); /* cancels an unfinished call */

#endif
