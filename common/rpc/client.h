/* client.h - call gRPC methods.
 *
 * A ward_client is one channel: connections are reused, spread over all healthy addresses of
 * dns:/// names (round_robin) and re-made by themselves. UNAVAILABLE is retried, at most 3
 * times with jitter (after what RetryInfo asks for) and inside the deadline, for methods the
 * descriptors call idempotent, and for no others. Of streams only the opening is retried.
 *
 * The server must prove to be spiffe://ward/<server>: a certificate with another name is
 * refused inside the TLS handshake, before a message, a header or a token is sent.
 * Certificates, key and authority are read again when the files change; open connections stay.
 *
 * Threads: a client may be shared; a stream belongs to one thread. Memory: replies live in the
 * caller's arena. Errors: a remote failure comes back as its code, message, field, reason and
 * retry_after_ms. Made on this side:
 *   UNAVAILABLE         the server cannot be reached; reason SERVER_NOT_EXPECTED: it is another
 *   DEADLINE_EXCEEDED   no answer in time
 *   CANCELLED           the server gave the call up, or whoever it was made for is gone
 *   RESOURCE_EXHAUSTED  a message past max_message, or a reply past the arena's cap
 *   UNAUTHENTICATED     TOKEN_MALFORMED: the token can be in no header
 *   UNIMPLEMENTED       no descriptor knows the path, or a stream was called as unary
 *   INTERNAL            REPLY_MALFORMED
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
    /* This process runs a ward_rpc, whose threads read for the streams too, so that a stream's
     * thread sleeps until there is something for it. Before that server starts and once it has
     * stopped a stream hears next to nothing, but can be cancelled and closed; one that is
     * being opened then may take as long as its tries to connect do, 5 s each. */
    bool beside_server;
};

/* Returns before anything is connected: a server that is not there is told by the calls.
 *   FAILED_PRECONDITION  a certificate file cannot be read, no expected server, plain text to
 *                        another machine */
WARD_MUST enum ward_code ward_client_open(const struct ward_client_config *cfg,
                                          struct ward_client **out, struct ward_err *err);
/* Returns whether every address of the target is on this machine. */
bool ward_client_is_local(const char *target);
/* Once no call and no stream of it is left. NULL is fine. */
void ward_client_close(struct ward_client *cl);

/* What goes with a call. */
struct ward_out {
    int64_t deadline_ns;     /* monotonic; 0: the method's own default */
    const char *token;       /* a person's bearer token; NULL or "" for none */
    const char *traceparent; /* NULL or "": a new trace */
    /* The call whose handler makes this one, or NULL: once its caller is gone, this one ends
     * too, CANCELLED. */
    const struct ward_call *served;
};
/* Passes on a served call's deadline, person, trace and end. For its handler's own thread. */
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
/* Waits for room. OUT_OF_RANGE: the server ended the call with OK and reads no more; what it
 * sent can still be received. */
WARD_MUST enum ward_code ward_client_send(struct ward_client_stream *s,
                                          const ProtobufCMessage *msg, struct ward_err *err);
WARD_MUST enum ward_code ward_client_send_end(struct ward_client_stream *s,
                                              struct ward_err *err);
/* *msg lives in mem; NULL after the last, when the call's own status was OK. */
WARD_MUST enum ward_code ward_client_recv(struct ward_client_stream *s, struct ward_arena *mem,
                                          ProtobufCMessage **msg, struct ward_err *err);
/* From any thread while the stream is open: what its own thread waits for ends, CANCELLED. */
void ward_client_cancel_stream(struct ward_client_stream *s);
void ward_client_close_stream(struct ward_client_stream *s); /* cancels what is unfinished */

#endif
