/* server.h - what the files of the server share, whatever carries its calls. Inside common/rpc.
 *
 * server.c        starts and stops the whole;  transport.c  which transport
 * server_table.c  the methods served, ours and the built-in ones;  server_stats.c their metrics
 * call_dispatch.c what becomes of a call that has arrived;  call_hook.c  who is told of its end
 * call_admit.c    who may call: certificate, list of callers, person's token;  call_token.c
 * call_run.c      from bytes to the handler to the reply;  call_trace.c  W3C trace context
 * call_load.c     calls for workers: refused, queued, given up, measured
 * load/           the queue and the peers that share it;  server_worker.c  the workers
 * stream.c        blocking receive and send;  health.c  grpc.health.v1
 * watchdog.c      sees a server that accepts no more, or memory run away
 * core.h          the transport on gRPC's C core;  h2/  the one on libnghttp2 and OpenSSL
 *
 * Threads: a call arrives on a thread of the transport's and belongs to that thread, then to
 * the worker that took it, until it is finished. Memory: calls are recycled by their transport.
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
#define RPC_SYSTEM       2 /* threads of reflection's streams */
#define RPC_SYSTEM_QUEUE 16
#define RPC_PEER         PEER_NAME
#define RPC_UNARY_MS     10000 /* deadline of a unary call where nobody gave one */
#define RPC_REFUSED_MS   2000  /* what the audit of a refusal may take past the deadline */
#define RPC_REFUSED_ROOM ((size_t)64 << 10) /* arena kept for it past the cap */

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
    void *registered;  /* core's handle */
    struct crew *crew; /* NULL: on the transport's thread */
    enum queue_lane lane;
    _Atomic int64_t cost_ns; /* what a call takes a worker; 0: not known */
    /* Instead of fn: keeps the call, blocks nothing; again, without mem, when it is closed. */
    void (*async)(struct served *s, struct ward_arena *mem);
    bool system; /* built in: any peer, no person */
    struct method_stats stats;
};

/* One call, as far as every transport knows it. */
struct served {
    struct served *next; /* of those that are free */
    struct job job;      /* while it waits for a worker */
    struct peer *from;   /* its transport's, or held for the time from the queue to its end */
    bool queued, runs;   /* it holds `from`; a worker has it */
    int hold_ms;         /* its transport holds the answer back for so long */
    struct ward_rpc *rpc;
    struct method *method;
    int64_t began_ns, deadline_ns;
    char peer[RPC_PEER];
    bool allowed; /* the calling service may; the person is looked at later */
    atomic_bool cancelled;
    void *watch;             /* health's, or core's stream */
    struct call_hook *hooks; /* under call_hook.c's lock; */
    atomic_bool hooked;      /* there are some */
};

/* What carries calls. One that was handed to call_arrived is finished once, by finish or reply,
 * on any thread; from then on it is the transport's alone. */
struct transport {
    const char *name;
    /* ---- the server, in the order of its life ---- */
    WARD_MUST enum ward_code (*listen)(struct ward_rpc *rpc, struct ward_err *err);
    WARD_MUST enum ward_code (*serve)(struct ward_rpc *rpc, struct ward_err *err);
    void (*refuse)(struct ward_rpc *rpc); /* takes no new calls from now on */
    /* Those in progress get grace_ms, then a cancel. */
    void (*drain)(struct ward_rpc *rpc, int grace_ms);
    void (*close)(struct ward_rpc *rpc); /* once no worker runs; after a failed start as well */
    uint64_t (*progress)(struct ward_rpc *rpc); /* grows while it serves */
    bool turns; /* and, without calls, once a second, at least */
    bool (*deaf)(
        struct ward_rpc *rpc); /* it was seen to fail to accept; NULL: never for long */
    /* ---- a call ---- */
    /* How often `key` came, and its last value, which is not NUL-ended. */
    int (*meta)(const struct served *s, const char *key, const char **value, size_t *len);
    void (*peer)(struct served *s); /* fills s->peer; "" where the certificate names nobody */
    bool (*gone)(struct served *s); /* nobody waits for the answer any more */
    WARD_MUST enum ward_code (*request)(struct served *s, struct ward_arena *mem,
                                        ProtobufCMessage **out, struct ward_err *err);
    void (*finish)(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                   const struct ward_err *err);
    void (*reply)(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                  const struct ward_err *err); /* finish, by the call's handler */
    /* A message without waiting for room; health_moved when it has left. */
    void (*push)(struct served *s, const ProtobufCMessage *msg);
    void (*watch_close)(struct served *s); /* calls method->async again when it is closed */
    void (*cancel)(struct served *s);      /* UNAVAILABLE: the server stops */
    /* ---- stream.c's; its worker's ---- */
    WARD_MUST enum ward_code (*recv)(struct ward_call *c, const ProtobufCMessage **msg);
    WARD_MUST enum ward_code (*send)(struct ward_call *c, const ProtobufCMessage *msg);
    void (*stream_end)(struct ward_stream *st); /* waits until it refers to the call no more */
};
extern const struct transport transport_core, transport_h2;
/* By WARD_TRANSPORT, once a process. */
const struct transport *transport_chosen(void);

/* ---- stream.c: the blocking face of one streaming call; its worker's ---- */
struct ward_stream {
    pthread_mutex_t lock; /* `s` against stream_break; the rest is core's */
    pthread_cond_t moved;
    struct served *s;
    struct ward_arena mem; /* the last received message */
    struct grpc_byte_buffer *in, *out;
    bool reading, writing, read_ok;
    bool no_more; /* the client half-closed */
    bool dead;    /* a read or write failed: the call is over */
};
void stream_init(struct ward_stream *st, size_t cap);
void stream_done(struct ward_stream *st);
void stream_begin(struct ward_stream *st, struct served *s);
/* Waits until no operation is in flight, then lets go of the call. */
void stream_end(struct ward_stream *st);
/* Breaks whatever stream runs now, for a stop. */
void stream_break(struct ward_stream *st);
/* Why a call is over before its handler was done. */
enum ward_code stream_over(const struct ward_call *c);

/* ---- server_worker.c ---- */
struct worker {
    struct ward_rpc *rpc;
    struct crew *crew;
    struct waiter waiter;
    pthread_t thread;
    bool running, own; /* own: opens the service's wrk */
    void *wrk;
    struct ward_arena mem;
    struct ward_stream *stream; /* NULL: unary only */
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
/* `reserved` of the workers take bedside calls only. */
WARD_MUST enum ward_code crew_start(struct ward_rpc *rpc, enum crew_kind kind, int n,
                                    int reserved, struct ward_err *err);
void crew_stop(struct crew *crew);

/* ---- health.c ---- */
struct health;
/* Lists of names, NULL at the end, kept; parts may be NULL. */
struct health *health_new(const char *const *services, const char *const *parts);
void health_free(struct health *h);
void health_set(struct health *h, const char *service, bool serving);
void health_end(struct health *h); /* ends every Watch; later ones end at once */
enum ward_code health_check(struct ward_call *c, const ProtobufCMessage *req,
                            ProtobufCMessage *resp);
void health_watch(struct served *s, struct ward_arena *mem);
void health_moved(struct served *s); /* what was pushed has left */
void health_gone(struct served *s);  /* frees what the watch held */

/* ---- callers.c: names of certificates with the rights of a caller of the .proto files ---- */
struct callers;
/*   FAILED_PRECONDITION  the list cannot be read */
WARD_MUST enum ward_code callers_new(const char *list, struct callers **out,
                                     struct ward_err *err);
void callers_free(struct callers *c); /* NULL is fine */
/* The name whose rights `peer` was given; else peer. */
const char *callers_as(const struct callers *c, const char *peer);

struct ward_rpc {
    struct ward_rpc_config cfg;
    struct ward_arena mem; /* tables, for the server's life */
    struct ward_set *set;
    struct method *methods;
    int n_methods;
    struct method unknown;
    struct ward_reflection reflection;
    struct health *health;
    struct tokens *tokens;
    struct callers *callers;
    const struct transport *transport;
    struct core *core; /* one of the two is there */
    struct h2_server *h2;
    void *_Atomic pump; /* core_pump.c's queue, once a handler has made a call */
    int n_pollers;
    struct crew crews[3]; /* by crew_kind */
    struct peers peers;
    bool bedside; /* some method has the bedside lane */
    struct watchdog *watchdog;
    int port;
    bool secure;
    atomic_bool stopping;
    atomic_int in_flight; /* arrived, not yet answered */
    _Atomic uint64_t answered;
};

/* Plain text, or certificates: FAILED_PRECONDITION for a part of the files, and for plain text
 * to other machines. */
WARD_MUST enum ward_code transport_secure(const struct ward_rpc_config *cfg, bool *secure,
                                          struct ward_err *err);

/* ---- server_table.c ---- */
WARD_MUST enum ward_code table_make(struct ward_rpc *rpc, struct ward_err *err);
struct method *table_find(struct ward_rpc *rpc, const char *path, size_t len);

/* ---- call_dispatch.c: refuses it, runs it here with mem, or hands it on. Unary and server
 * streaming calls come with their message ---- */
void call_arrived(struct served *s, size_t bytes_in, struct ward_arena *mem);
bool call_waits_for_message(const struct method *m); /* its message comes before the handler */
/* The deadline of a call that began at s->began_ns and whose caller gave none. */
int64_t call_own_deadline(const struct served *s);
/* Counted by whoever finishes: before the answer leaves. */
void call_counted(struct served *s, enum ward_code code, size_t bytes_out);

/* ---- call_load.c ---- */
/* To the queue of its method's crew, or refused. */
void call_queue(struct served *s);
/* The transport's: nobody waits for a call any more (CANCELLED), or its time in the queue is
 * over. It ends if it waits still. */
void call_give_up(struct served *s, enum ward_code code);
/* When call_give_up is due for a call that waits; WARD_NO_DEADLINE: never. */
int64_t call_patience(const struct served *s);
/* By its worker, around the handler. */
void call_taken(struct served *s, int64_t now_ns);
void call_measured(struct served *s, int64_t began_ns, enum ward_code code);
void call_let_go(struct served *s); /* at its end: what the queue and its peer hold of it */

/* ---- call_hook.c: fn runs once, on any thread, when the call's caller has gone ---- */
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
/* The name in a certificate's one URI; "" for another's. */
void admit_uri(const char *uri, size_t len, char peer[RPC_PEER]);
/* A value of the call's metadata; NULL when absent or there twice. */
const char *call_meta(const struct served *s, const char *key, size_t *len);

/* ---- call_token.c: bearer tokens, each checked once ---- */
struct tokens *tokens_new(void);
void tokens_free(struct tokens *t);
/* As ward_jwt_check. */
WARD_MUST enum ward_code tokens_check(struct tokens *t, struct ward_jwks *jwks,
                                      struct ward_arena *mem, const char *token, size_t len,
                                      struct ward_principal *out, struct ward_err *err);

/* ---- call_run.c ---- */
void call_run(struct served *s, struct ward_arena *mem, struct worker *w);

/* ---- call_log.c ---- */
void call_log(const struct ward_err *err); /* a failed call, once */

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
void stats_waited(const struct served *s, int64_t ns); /* for a worker */
void stats_began(struct served *s, size_t bytes_in);
void stats_ended(struct served *s, enum ward_code code, size_t bytes_out);

/* ---- watchdog.c ---- */
struct watchdog;
WARD_MUST enum ward_code watchdog_start(struct ward_rpc *rpc, struct watchdog **out,
                                        struct ward_err *err);
void watchdog_stop(struct watchdog *w);

#endif
