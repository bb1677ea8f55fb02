/* rpc.h - serve gRPC methods. With client.h, the only code that knows gRPC's C core.
 *
 * Poll threads move bytes, check who calls, and put whole calls on a bounded queue; a worker
 * (one thread, one arena, whatever the service hangs on it: a database connection, an inference
 * instance) takes a call and runs its handler from top to bottom. So a handler is ordinary
 * blocking code and takes no locks. Methods of lane INLINE run on the poll thread and must
 * never block; health, reflection and such answer there while every worker is busy. Streaming
 * methods have workers of their own (lane STREAM), so that a long tail never starves a unary
 * call. Lane BEDSIDE is a worker before all others, and one worker that serves nothing else.
 *
 * What a method is (streaming, who may call, audited, idempotent, deadline, lane) stands in its
 * .proto (ward/options/v1) and is read from the compiled descriptors at start; a method that is
 * in one table and not in the other stops the process.
 *
 * Threads: start/stop from one thread. Memory: a call's is its arena's, reset after the reply.
 * Errors: a handler's code and ward_err become gRPC status and google.rpc.Status details.
 */
#ifndef WARD_RPC_RPC_H
#define WARD_RPC_RPC_H

#include "common/auth/auth.h"
#include "common/base/arena.h"
#include "common/base/status.h"

#include <protobuf-c/protobuf-c.h>
#include <stdatomic.h>
#include <stdint.h>

enum ward_lane { WARD_LANE_WORKER, WARD_LANE_INLINE, WARD_LANE_STREAM, WARD_LANE_BEDSIDE };

/* What the descriptors say of a method. */
struct ward_method_info {
    const char *path;    /* "/ward.audit.v1.Audit/Append" */
    const char *service; /* "ward.audit.v1.Audit" */
    bool client_streaming, server_streaming;
    bool idempotent; /* option idempotency_level: IDEMPOTENT or NO_SIDE_EFFECTS */
    bool audited;
    enum ward_lane lane;
    int deadline_ms; /* used where the caller gave none */
    int n_callers, n_roles, n_services;
    const char *const *callers; /* service names; "*" is any authenticated peer; none: nobody */
    const char *const *roles;   /* any of these; none: no person is needed */
    const char *const *services; /* callers that need no person in spite of roles */
};

/* What a handler gets. Everything here is valid until the handler returns. */
struct ward_call {
    struct ward_arena *mem;
    struct ward_err *err;
    void *svc; /* shared by all workers; read-only once serving */
    void *wrk; /* this worker's own; NULL on lane INLINE */
    const struct ward_method_info *method;
    int64_t deadline_ns;              /* monotonic; never WARD_NO_DEADLINE for unary calls */
    const char *peer;                 /* the calling service's name; "" without TLS */
    const struct ward_principal *who; /* the person; NULL where no token came */
    char traceparent[56];             /* W3C: this call's own span, to pass on; always set */
    char trace_id[33];
    bool audited;               /* set by ward_outbox_add: the handler wrote its event */
    struct ward_stream *stream; /* NULL for unary calls */
    struct served *served;      /* rpc's own; NULL where a test calls a handler itself */
};

/* True once the caller went away or the deadline passed. Poll it in long work. */
bool ward_call_cancelled(const struct ward_call *c);

/* Unary: fills `resp`, whose submessages and strings come from c->mem, or fails into c->err.
 * Client streaming: req is NULL; server streaming: resp is NULL. */
typedef enum ward_code ward_handler(struct ward_call *c, const ProtobufCMessage *req,
                                    ProtobufCMessage *resp);

/* Next message of a client stream into *msg, or NULL when the client has said it is done. It
 * lives until the next ward_recv. CANCELLED, DEADLINE_EXCEEDED;  INVALID_ARGUMENT  not that
 * message */
WARD_MUST enum ward_code ward_recv(struct ward_call *c, const ProtobufCMessage **msg);
/* Waits until the transport has room (bounded by the deadline), then sends. */
WARD_MUST enum ward_code ward_send(struct ward_call *c, const ProtobufCMessage *msg);

struct ward_method {
    const char *path;
    ward_handler *fn;
    const ProtobufCMessageDescriptor *req, *resp;
};

/* Declares fn_rpc, the untyped face of a typed unary handler fn. */
#define WARD_UNARY(fn, Req, Resp)                                                              \
    static enum ward_code fn##_rpc(struct ward_call *c, const ProtobufCMessage *q,             \
                                   ProtobufCMessage *r)                                        \
    {                                                                                          \
        return fn(c, (const Req *)q, (Resp *)r);                                               \
    }
/* The same for streaming handlers: fn(c, req), fn(c, resp), fn(c). */
#define WARD_SERVER_STREAM(fn, Req)                                                            \
    static enum ward_code fn##_rpc(struct ward_call *c, const ProtobufCMessage *q,             \
                                   ProtobufCMessage *r)                                        \
    {                                                                                          \
        (void)r;                                                                               \
        return fn(c, (const Req *)q);                                                          \
    }
#define WARD_CLIENT_STREAM(fn, Resp)                                                           \
    static enum ward_code fn##_rpc(struct ward_call *c, const ProtobufCMessage *q,             \
                                   ProtobufCMessage *r)                                        \
    {                                                                                          \
        (void)q;                                                                               \
        return fn(c, (Resp *)r);                                                               \
    }
#define WARD_BIDI(fn)                                                                          \
    static enum ward_code fn##_rpc(struct ward_call *c, const ProtobufCMessage *q,             \
                                   ProtobufCMessage *r)                                        \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return fn(c);                                                                          \
    }

/* Certificates are PEM files that are re-read when they change. */
struct ward_tls {
    const char *cert, *key, *ca; /* all three, or all "" for plain text */
};

/* A FileDescriptorSet in wire format, imports included. */
struct ward_descriptors {
    const uint8_t *data;
    size_t len;
};
/* The project's own, embedded by the build. */
extern const struct ward_descriptors ward_proto_set;

/* A served call that ended, for a tracer. Valid during the call of ward_rpc_config.span. */
struct ward_rpc_span {
    const char *path;           /* "/package.Service/Method" */
    const char *peer;           /* the calling service's name, or "" */
    const char *traceparent;    /* this call's own span */
    const char *parent;         /* id of the caller's span, 16 hex digits, or "" */
    int64_t began_us, ended_us; /* wall time: arrival of the call, end of the handler */
    enum ward_code code;
};

struct ward_rpc_config {
    const char *listen;  /* "0.0.0.0:50051" or "unix:/path"; port 0 picks one */
    struct ward_tls tls; /* plain text is refused unless listen is loopback or a unix socket */
    struct ward_jwks *jwks; /* NULL: no person's token is accepted */
    const char *callers;  /* "lab-x=gateway,pump-*=devices": certificates' names with the rights
                           * of one of these two, beside their own; NULL: none */
    int workers;          /* of lane WORKER; one more where a method has lane BEDSIDE */
    int streams;          /* of lane STREAM; 0 where no method streams */
    int pollers;          /* completion queues and poll threads; 0: half the cores, 1 to 4 */
    int queue;            /* calls that may wait for a worker; past it RESOURCE_EXHAUSTED */
    size_t arena_cap;     /* bytes a call may use, its decoded message included */
    size_t max_message;   /* bytes of one message on the wire; 0: arena_cap */
    size_t max_elements;  /* fields and repeated elements of one message; 0: 65536 */
    int peer_connections; /* of one name in certificates from one address; 0: 128 */
    int handshake_ms;     /* TLS handshake's limit; 0: 5000 */
    int keepalive_ms; /* an idle peer is pinged this often, and dropped 20 s later; 0: 60000 */
    int max_age_ms;   /* GOAWAY for a connection older than this; 0: never */
    int max_age_grace_ms; /* then its calls are cut; 0: never */
    int watchdog_ms;      /* accept probe's period; 0: 1000 */
    size_t watchdog_rss;  /* bytes of memory past which the process is told to stop; 0: none */
    const struct ward_method *methods;          /* ends with a NULL path */
    const struct ward_descriptors *descriptors; /* NULL: ward_proto_set */
    /* Names beside the services' that grpc.health.v1 answers for, such as a model's; NULL at
     * the end, kept by reference; NULL: none. ward_rpc_serving adds a name that is not among
     * them. */
    const char *const *parts;
    void *svc;
    enum ward_code (*wrk_open)(void *svc, void **wrk, struct ward_err *err); /* may be NULL */
    void (*wrk_close)(void *wrk);
    /* An audited call failed or was refused (unknown peer, wrong role, handler's failure):
     * write its event. Runs on a worker, before the reply; c->err holds why. Memory and 2 s are
     * kept for it. A call shed because the queue was full has no worker and is only counted.
     * May be NULL. */
    void (*refused)(struct ward_call *c, enum ward_code code);
    /* The watchdog found the server unable to accept, or memory run away: stop this process so
     * that it is started again. Called once, on the watchdog's thread, which ward_rpc_stop
     * joins: do not stop the server from inside it. `why` is constant text. NULL: nothing is
     * watched.
     */
    void (*broken)(void *arg, const char *why);
    void *broken_arg;
    /* Called at the end of each call with the sampled flag, before the reply, on the call's
     * thread; must not block. Calls of package grpc are left out. NULL: nobody traces. */
    void (*span)(void *arg, const struct ward_rpc_span *span);
    void *span_arg;
    /* Share of the calls without a caller's trace that get the sampled flag, per mille. Only
     * with `span`; without it, all get the flag, and the services that they call decide. */
    int trace_permille;
};

struct ward_rpc;

/* Selects the transport of this process's servers: "h2" (libnghttp2 and OpenSSL) or "core"
 * (gRPC's C core). Call it before opening a server or client. Without a call, the environment
 * variable WARD_TRANSPORT selects, and h2 is the default.
 *   INVALID_ARGUMENT  another name */
WARD_MUST enum ward_code ward_rpc_use(const char *transport, struct ward_err *err);

/* Opens every worker, then listens and serves; health answers NOT_SERVING until
 * ward_rpc_serving(rpc, NULL, true).
 *   FAILED_PRECONDITION  methods and descriptors differ, certificates unusable, plain text
 *                        refused
 *   UNAVAILABLE          cannot listen
 *   others               wrk_open's */
WARD_MUST enum ward_code ward_rpc_start(const struct ward_rpc_config *cfg,
                                        struct ward_rpc **out, struct ward_err *err);
int ward_rpc_port(const struct ward_rpc *rpc); /* 0 for a unix socket */

/* grpc.health.v1 of one service or part by its full name, or of all (NULL), Watch streams
 * included. Serving, NULL leaves the parts as they are. */
void ward_rpc_serving(struct ward_rpc *rpc, const char *service, bool serving);

/* Refuses new calls, waits up to grace_ms for those in progress, cancels the rest, joins every
 * thread, frees. NULL is fine. */
void ward_rpc_stop(struct ward_rpc *rpc, int grace_ms);

#endif
