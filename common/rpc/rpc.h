/* rpc.h - serve gRPC methods. Only common/rpc uses gRPC's C core.
 *
 * Poll threads read and write sockets, check the caller, and put complete calls on a bounded
 * queue. A worker takes a call and runs its handler from top to bottom. Each worker has one
 * thread, one arena, and resources of the service, such as a database connection. A handler is
 * therefore ordinary blocking code and takes no locks. Methods of lane INLINE run on the poll
 * thread and must never block. These methods and health answer while all workers are busy.
 * Streaming methods have their own workers (lane STREAM), so that long streams never delay
 * unary calls. Workers take calls of lane BEDSIDE first, and one more worker takes only calls
 * of that lane.
 *
 * A method's properties (streaming, permitted callers, audited, idempotent, deadline, lane) are
 * declared in its .proto file (ward/options/v1). These properties are read from the compiled
 * descriptors at start. If the service's table and the descriptors do not have the same
 * methods, the start fails.
 *
 * Threads: start/stop from one thread. Memory: a call uses its worker's arena, which is reset
 * after the reply.
 * Errors: a handler's code and ward_err are sent as gRPC status and google.rpc.Status details.
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

/* A method's properties from the descriptors. */
struct ward_method_info {
    const char *path;    /* "/ward.audit.v1.Audit/Append" */
    const char *service; /* "ward.audit.v1.Audit" */
    bool client_streaming, server_streaming;
    bool idempotent; /* option idempotency_level: IDEMPOTENT or NO_SIDE_EFFECTS */
    bool audited;
    enum ward_lane lane;
    int deadline_ms; /* default if the caller sets no deadline */
    int n_callers, n_roles, n_services;
    /* Names of services; "*": any authenticated peer; empty: nobody. */
    const char *const *callers;
    /* The person needs any of these; empty: no person is required. */
    const char *const *roles;
    const char *const *services; /* callers that need no person despite the roles */
};

/* A call, as a handler receives it. All members are valid until the handler returns. */
struct ward_call {
    struct ward_arena *mem;
    struct ward_err *err;
    void *svc; /* shared by all workers; read-only after the start */
    void *wrk; /* the worker's own resource; NULL on lane INLINE */
    const struct ward_method_info *method;
    int64_t deadline_ns;              /* monotonic; never WARD_NO_DEADLINE for unary calls */
    const char *peer;                 /* the calling service's name; "" without TLS */
    const struct ward_principal *who; /* the person; NULL if the call has no token */
    /* W3C trace context with this call's own span, to pass on; always set. */
    char traceparent[56];
    char trace_id[33];
    bool audited;               /* set by ward_outbox_add: the handler wrote its audit event */
    struct ward_stream *stream; /* NULL for unary calls */
    /* Private to common/rpc; NULL if a test calls the handler directly. */
    struct served *served;
};

/* Returns true after the caller has disconnected or the deadline has passed. Poll this function
 * in long work. */
bool ward_call_cancelled(const struct ward_call *c);

/* For a unary call: fills `resp`, whose submessages and strings are in c->mem, or sets c->err.
 * For client streaming, req is NULL. For server streaming, resp is NULL. */
typedef enum ward_code ward_handler(struct ward_call *c, const ProtobufCMessage *req,
                                    ProtobufCMessage *resp);

/* Receives the next message of a client stream. *msg is NULL after the last message, and
 * otherwise valid until the next ward_recv.
 *   CANCELLED, DEADLINE_EXCEEDED
 *   INVALID_ARGUMENT  the bytes are not a message of the method's type */
WARD_MUST enum ward_code ward_recv(struct ward_call *c, const ProtobufCMessage **msg);
/* Waits until the transport has room, at most until the deadline, then sends. */
WARD_MUST enum ward_code ward_send(struct ward_call *c, const ProtobufCMessage *msg);

struct ward_method {
    const char *path;
    ward_handler *fn;
    const ProtobufCMessageDescriptor *req, *resp;
};

/* Declares fn_rpc, an untyped wrapper of the typed unary handler fn. */
#define WARD_UNARY(fn, Req, Resp)                                                              \
    static enum ward_code fn##_rpc(struct ward_call *c, const ProtobufCMessage *q,             \
                                   ProtobufCMessage *r)                                        \
    {                                                                                          \
        return fn(c, (const Req *)q, (Resp *)r);                                               \
    }
/* Wrappers for streaming handlers: fn(c, req), fn(c, resp), fn(c). */
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

/* Certificates are PEM files, loaded again when they change. */
struct ward_tls {
    const char *cert, *key, *ca; /* all three, or all "" for plain text */
};

/* A FileDescriptorSet in wire format, including imports. */
struct ward_descriptors {
    const uint8_t *data;
    size_t len;
};
/* Ward's own descriptors, embedded by the build. */
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
    const char *listen;  /* "0.0.0.0:50051" or "unix:/path"; port 0: the kernel picks a port */
    struct ward_tls tls; /* required unless `listen` is a loopback address or a unix socket */
    struct ward_jwks *jwks; /* NULL: all persons' tokens are rejected */
    /* "lab-x=gateway,pump-*=devices": names in certificates that also have the rights of the
     * named caller; NULL: none. */
    const char *callers;
    /* Number of workers of lane WORKER, plus one if a method has lane BEDSIDE. */
    int workers;
    int streams; /* number of workers of lane STREAM; 0 if no method streams */
    int pollers; /* number of poll threads; 0: half the number of cores, 1 to 4 */
    /* Limit of calls that wait for a worker; others get RESOURCE_EXHAUSTED. */
    int queue;
    /* Limit of memory for a call, including its decoded message, in bytes. */
    size_t arena_cap;
    size_t max_message;   /* limit of a message on the wire, in bytes; 0: arena_cap */
    size_t max_elements;  /* limit of fields and repeated elements in a message; 0: 65536 */
    int peer_connections; /* limit of connections for each name and address; 0: 96 */
    int handshake_ms;     /* time limit of a TLS handshake; 0: 5000 */
    /* Time until an idle peer is pinged; without an answer, its connection is closed 20 s
     * later; 0: 60000. */
    int keepalive_ms;
    int max_age_ms;       /* age at which a connection gets GOAWAY; 0: never */
    int max_age_grace_ms; /* time until the connection's calls are then cancelled; 0: never */
    int watchdog_ms;      /* time between the watchdog's probes; 0: 1000 */
    size_t watchdog_rss;  /* memory use above which `broken` is called, in bytes; 0: no limit */
    const struct ward_method *methods;          /* ends with a NULL path */
    const struct ward_descriptors *descriptors; /* NULL: ward_proto_set */
    /* Names besides the services' for grpc.health.v1, such as a model's. The list ends with
     * NULL and is stored by reference; NULL: none. ward_rpc_serving adds a missing name. */
    const char *const *parts;
    void *svc;
    enum ward_code (*wrk_open)(void *svc, void **wrk, struct ward_err *err); /* may be NULL */
    void (*wrk_close)(void *wrk);
    /* Called when an audited call failed or was rejected (unknown peer, wrong role, handler's
     * failure): writes its audit event. Runs on a worker before the reply. c->err has the
     * cause. The event has its own memory and 2 s. A call rejected because the queue was full
     * has no worker, so it is only counted. May be NULL. */
    void (*refused)(struct ward_call *c, enum ward_code code);
    /* Called once when the watchdog finds that the server cannot accept connections or uses too
     * much memory: must stop the process, so that it is started again. Runs on the watchdog's
     * thread, which ward_rpc_stop joins, so it must not stop the server itself. `why` is a
     * constant text. NULL: no watchdog. */
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

/* Opens all workers, then listens and serves. Health returns NOT_SERVING until
 * ward_rpc_serving(rpc, NULL, true).
 *   FAILED_PRECONDITION  methods and descriptors differ, certificates invalid, plain text
 *                        refused
 *   UNAVAILABLE          cannot listen
 *   others               wrk_open's */
WARD_MUST enum ward_code ward_rpc_start(const struct ward_rpc_config *cfg,
                                        struct ward_rpc **out, struct ward_err *err);
int ward_rpc_port(const struct ward_rpc *rpc); /* 0 for a unix socket */

/* Sets the health state of a service or part, by its full name, or of all (NULL), also for
 * Watch streams. NULL with `serving` true leaves the parts unchanged. */
void ward_rpc_serving(struct ward_rpc *rpc, const char *service, bool serving);

/* Rejects new calls, waits up to grace_ms for calls in progress, cancels the rest, joins all
 * threads and frees rpc. Accepts NULL. */
void ward_rpc_stop(struct ward_rpc *rpc, int grace_ms);

#endif
