/* server.h - declarations shared by the server's files, for any transport. Inside common/rpc.
 *
 * server.c        starts and stops the server;  transport.c  selects the transport
 * server_table.c  the served methods, including built-in ones;  server_stats.c  their metrics
 * call_dispatch.c dispatches arrived calls;  call_hook.c  callbacks when a caller has gone
 * call_admit.c    access: certificate, list of callers, person's token;  call_token.c
 * call_run.c      decodes, runs the handler, replies;  call_trace.c  W3C trace context
 * call_load.c     calls for workers: rejected, queued, abandoned, measured
 * load/           the queue and the peers that share it;  server_worker.c  the workers
 * stream.c        blocking receive and send;  health.c  grpc.health.v1
 * watchdog.c      detects a server that accepts no connections, or too much memory
 * core.h          the transport on gRPC's C core;  h2/  on libnghttp2 and OpenSSL
 *
 * Threads: a call arrives on a transport thread and belongs to that thread, then to the worker
 * that took it from the queue, until it is finished. Memory: calls are recycled by their
 * transport.
 * Errors: as in rpc.h.
 */
#ifndef WARD_RPC_SERVER_H
#define WARD_RPC_SERVER_H

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/rpc/load/peers.h"
#include "common/rpc/methods.h"
#include "common/rpc/rpc.h"
#include "common/rpc/wire.h"

#include <pthread.h>
#include <semaphore.h>

#define RPC_MAX_POLLERS  64
#define RPC_SYSTEM       2 /* number of threads for reflection's streams */
#define RPC_SYSTEM_QUEUE 16
#define RPC_PEER         PEER_NAME
#define RPC_UNARY_MS     10000 /* default deadline of a unary call */
#define RPC_REFUSED_MS   2000  /* time for the audit of a rejected call after its deadline */
#define RPC_REFUSED_ROOM ((size_t)64 << 10) /* additional arena for this audit */

#define RPC_OF(tag, type, member) ((type *)(void *)((char *)(tag)-offsetof(type, member)))

struct method_stats {
    struct ward_series *started, *seconds, *bytes_in, *bytes_out, *in_flight, *arena, *shed;
    _Atomic(struct ward_series *) handled[WARD_N_CODES];
};

struct served;

struct method {
    const struct ward_method_info *info;
    ward_handler *fn;
    const ProtobufCMessageDescriptor *req, *resp;
    void *svc;
    size_t n_path;
    void *registered;  /* core's handle of the method */
    struct crew *crew; /* NULL: runs on the transport's thread */
    enum queue_lane lane;
    _Atomic int64_t cost_ns; /* worker time of a call; 0: unknown */
    /* Replaces fn: stores the call and never blocks. At the end, called again without mem. */
    void (*async)(struct served *s, struct ward_arena *mem);
    bool system; /* built in: any peer may call, without a person */
    struct method_stats stats;
};

/* One call, without the data of a specific transport. */
struct served {
    struct served *next; /* in the list of free calls */
    struct job job;      /* used while the call waits for a worker */
    struct peer *from;   /* the transport's reference; from the queue on, the call's */
    bool queued, runs;   /* queued: the call holds `from`; runs: a worker has the call */
    int hold_ms;         /* time for which the transport delays the answer */
    struct ward_rpc *rpc;
    struct method *method;
    int64_t began_ns, deadline_ns;
    char peer[RPC_PEER];
    bool allowed; /* the calling service may call; the person is checked later */
    atomic_bool cancelled;
    void *watch;             /* the health watch, or the stream */
    struct call_hook *hooks; /* guarded by call_hook.c's lock */
    atomic_bool hooked;      /* the call has hooks */
};

/* A transport. Each call passed to call_arrived is ended exactly once, by finish or reply, on
 * any thread. After that, only the transport may use the call. */
struct transport {
    const char *name;
    /* ---- the server, in the order of calls ---- */
    WARD_MUST enum ward_code (*listen)(struct ward_rpc *rpc, struct ward_err *err);
    WARD_MUST enum ward_code (*serve)(struct ward_rpc *rpc, struct ward_err *err);
    void (*refuse)(struct ward_rpc *rpc); /* accepts no new calls from now on */
    /* Waits grace_ms for calls in progress, then cancels them. */
    void (*drain)(struct ward_rpc *rpc, int grace_ms);
    void (*close)(struct ward_rpc *rpc); /* called after workers stopped or a start failed */
    uint64_t (*progress)(struct ward_rpc *rpc); /* grows while the server serves */
    bool turns; /* progress also grows without calls, at least once a second */
    bool (*deaf)(struct ward_rpc *rpc); /* accepting has failed for good; NULL: never happens */
    /* ---- a call ---- */
    /* Returns the number of headers `key`, and the last value, which has no NUL at its end. */
    int (*meta)(const struct served *s, const char *key, const char **value, size_t *len);
    void (*peer)(struct served *s); /* fills s->peer; "" if the certificate has no name */
    bool (*gone)(struct served *s); /* the caller has disconnected */
    WARD_MUST enum ward_code (*request)(struct served *s, struct ward_arena *mem,
                                        ProtobufCMessage **out, struct ward_err *err);
    void (*finish)(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                   const struct ward_err *err);
    void (*reply)(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                  const struct ward_err *err); /* finish, called on the thread of the handler */
    /* Sends a message without waiting for room. Calls health_moved after sending. */
    void (*push)(struct served *s, const ProtobufCMessage *msg);
    void (*watch_close)(struct served *s); /* calls method->async when the call is closed */
    void (*cancel)(struct served *s);      /* ends the call with UNAVAILABLE */
    /* ---- for stream.c, called by the worker ---- */
    WARD_MUST enum ward_code (*recv)(struct ward_call *c, const ProtobufCMessage **msg);
    WARD_MUST enum ward_code (*send)(struct ward_call *c, const ProtobufCMessage *msg);
    void (*stream_end)(struct ward_stream *st); /* waits until no operation uses the stream */
};
extern const struct transport transport_core, transport_h2;
/* Returns the transport selected by ward_rpc_use or WARD_TRANSPORT, one for the process. */
const struct transport *transport_chosen(void);

/* ---- stream.c: blocking access to one streaming call; belongs to a worker ---- */
struct ward_stream {
    pthread_mutex_t lock; /* guards `s` against stream_break; core also uses it */
    pthread_cond_t moved;
    struct served *s;
    struct ward_arena mem; /* holds the last received message */
    struct grpc_byte_buffer *in, *out;
    bool reading, writing, read_ok;
    bool no_more; /* the client half-closed */
    bool dead;    /* a read or write failed, so the call has ended */
};
void stream_init(struct ward_stream *st, size_t cap);
void stream_done(struct ward_stream *st);
void stream_begin(struct ward_stream *st, struct served *s);
/* Waits until no operation is in progress, then releases the call. */
void stream_end(struct ward_stream *st);
/* Cancels the current stream, because the server stops. */
void stream_break(struct ward_stream *st);
/* Returns why a call ended before its handler returned. */
enum ward_code stream_over(const struct ward_call *c);

/* ---- server_worker.c ---- */
struct worker {
    struct ward_rpc *rpc;
    struct crew *crew;
    struct waiter waiter;
    pthread_t thread;
    bool running, own; /* own: the worker opens the service's resource, wrk */
    void *wrk;
    struct ward_arena mem;
    struct ward_stream *stream; /* NULL: only unary calls */
    struct ward_stream stream_room;
};
enum crew_kind { CREW_WORKERS, CREW_STREAMS, CREW_SYSTEM };
struct crew {
    enum crew_kind kind;
    struct queue queue;
    struct worker *workers;
    int n;
    atomic_int busy;
};
/* `reserved` of the workers take only bedside calls. */
WARD_MUST enum ward_code crew_start(struct ward_rpc *rpc, enum crew_kind kind, int n,
                                    int reserved, struct ward_err *err);
void crew_stop(struct crew *crew);

/* ---- health.c ---- */
struct health;
/* The lists end with NULL and are stored by reference. `parts` may be NULL. */
struct health *health_new(const char *const *services, const char *const *parts);
void health_free(struct health *h);
void health_set(struct health *h, const char *service, bool serving);
void health_end(struct health *h); /* ends all Watch streams; later ones end at once */
enum ward_code health_check(struct ward_call *c, const ProtobufCMessage *req,
                            ProtobufCMessage *resp);
void health_watch(struct served *s, struct ward_arena *mem);
void health_moved(struct served *s); /* the pushed message was sent */
void health_gone(struct served *s);  /* frees the watch */

/* ---- callers.c: names in certificates with the rights of a caller in the .proto files ---- */
struct callers;
/*   FAILED_PRECONDITION  the list is malformed */
WARD_MUST enum ward_code callers_new(const char *list, struct callers **out,
                                     struct ward_err *err);
void callers_free(struct callers *c); /* accepts NULL */
/* Returns the caller whose rights `peer` has by configuration; otherwise `peer`. */
const char *callers_as(const struct callers *c, const char *peer);

struct ward_rpc {
    struct ward_rpc_config cfg;
    struct ward_arena mem; /* tables that live as long as the server */
    struct ward_set *set;
    struct method *methods;
    int n_methods;
    struct method unknown;
    struct ward_reflection reflection;
    struct health *health;
    struct tokens *tokens;
    struct callers *callers;
    const struct transport *transport;
    struct core *core; /* exactly one of core and h2 is set */
    struct h2_server *h2;
    void *_Atomic pump; /* core_pump.c's queue; set when a handler first makes a call */
    int n_pollers;
    struct crew crews[3]; /* indexed by crew_kind */
    struct peers peers;
    bool bedside; /* at least one method has lane BEDSIDE */
    struct watchdog *watchdog;
    int port;
    bool secure;
    atomic_bool stopping;
    atomic_int in_flight; /* number of calls that have arrived and are not answered */
    _Atomic uint64_t answered;
};

/* Decides between plain text and certificates. FAILED_PRECONDITION if only some of the files
 * are given, or for plain text to other machines. */
WARD_MUST enum ward_code transport_secure(const struct ward_rpc_config *cfg, bool *secure,
                                          struct ward_err *err);

/* ---- server_table.c ---- */
WARD_MUST enum ward_code table_make(struct ward_rpc *rpc, struct ward_err *err);
struct method *table_find(struct ward_rpc *rpc, const char *path, size_t len);

/* ---- call_dispatch.c ---- */
/* Rejects, runs or queues a call. All but client streams have their message. */
void call_arrived(struct served *s, size_t bytes_in, struct ward_arena *mem);
bool call_waits_for_message(const struct method *m); /* the handler needs the message */
/* Returns the deadline of a call whose caller set no deadline. */
int64_t call_own_deadline(const struct served *s);
/* Counts an ended call. Every transport calls this before it sends the answer. */
void call_counted(struct served *s, enum ward_code code, size_t bytes_out);

/* ---- call_load.c ---- */
/* Puts the call on the queue of its method's crew, or rejects it. */
void call_queue(struct served *s);
/* Called by the transport: ends a call that still waits in the queue, because its caller has
 * gone (CANCELLED) or its time is over (another code). */
void call_give_up(struct served *s, enum ward_code code);
/* Returns the time of call_give_up for a waiting call; WARD_NO_DEADLINE: never. */
int64_t call_patience(const struct served *s);
/* Called by the worker before and after the handler. */
void call_taken(struct served *s, int64_t now_ns);
void call_measured(struct served *s, int64_t began_ns, enum ward_code code);
void call_let_go(struct served *s); /* at the end: releases the queue and the peer */

/* ---- call_hook.c: fn runs once, on any thread, after the call's caller has gone ---- */
struct call_hook {
    struct call_hook *next, **at;
    void (*fn)(struct call_hook *h);
};
void call_hook(const struct ward_call *c, struct call_hook *h);
void call_unhook(struct call_hook *h);
void call_hooks_run(struct served *s);

/* ---- call_admit.c ---- */
WARD_MUST enum ward_code admit_caller(const struct served *s, struct ward_err *err);
WARD_MUST enum ward_code admit_person(struct served *s, struct ward_arena *mem,
                                      const struct ward_principal **who, struct ward_err *err);
/* Copies the name from a SPIFFE URI of Ward; "" for any other URI. */
void admit_uri(const char *uri, size_t len, char peer[RPC_PEER]);
/* Returns a value of the call's metadata; NULL if the key is absent or repeated. */
const char *call_meta(const struct served *s, const char *key, size_t *len);

/* ---- call_token.c: a cache of verified bearer tokens ---- */
struct tokens *tokens_new(void);
void tokens_free(struct tokens *t);
/* Checks a token like ward_jwt_check. */
WARD_MUST enum ward_code tokens_check(struct tokens *t, struct ward_jwks *jwks,
                                      struct ward_arena *mem, const char *token, size_t len,
                                      struct ward_principal *out, struct ward_err *err);

/* ---- call_run.c ---- */
void call_run(struct served *s, struct ward_arena *mem, struct worker *w);

/* ---- call_log.c ---- */
void call_log(const struct ward_err *err); /* logs a failed call; call once for each */

/* ---- call_trace.c ---- */
/* `permille` of the calls without a valid traceparent are sampled. */
void trace_take(const char *in, size_t len, int permille, char traceparent[56],
                char trace_id[33]);
/* Hands the call's span to the tracer, if there is one. `in` is the caller's traceparent. */
void trace_end(const struct served *s, const struct ward_call *c, const char *in, size_t len,
               enum ward_code code);

/* ---- server_stats.c ---- */
void stats_of(const char *service, const char *method, struct method_stats *out);
void stats_server(struct ward_rpc *rpc);
void stats_waited(const struct served *s, int64_t ns); /* for calls on workers */
void stats_began(struct served *s, size_t bytes_in);
void stats_ended(struct served *s, enum ward_code code, size_t bytes_out);

/* ---- watchdog.c ---- */
struct watchdog;
WARD_MUST enum ward_code watchdog_start(struct ward_rpc *rpc, struct watchdog **out,
                                        struct ward_err *err);
void watchdog_stop(struct watchdog *w);

#endif
