/* server.h - what the files of the server share. Inside common/rpc.
 *
 * server.c        starts and stops the whole;  server_args.c  what core is told
 * server_table.c  the methods served, ours and the built-in ones;  server_stats.c their metrics
 * call.c          a call's life in core: slot, arrival, final batch, end
 * call_admit.c    who may call: certificate, list of callers, person's token;  call_token.c
 * call_run.c      from bytes to the handler to the reply;  call_trace.c  W3C trace context
 * queue.c         the bounded queue and the workers' sleep;  server_worker.c  the workers
 * stream.c        blocking receive and send;  health.c  grpc.health.v1;  tls.c  credentials
 * watchdog.c      sees a server that accepts no more, or memory run away
 *
 * Threads: a poller is one completion queue and its one thread: arrivals run there and nowhere
 * else. A call belongs to that thread, then to the worker that took it, until call_finish. What
 * ends a call (`closed`, `ended`) may come back on the poll thread or on the worker that caused
 * it; the last one recycles. Memory: calls are recycled by their poller. Errors: as in rpc.h.
 */
#ifndef WARD_RPC_SERVER_H
#define WARD_RPC_SERVER_H

#include "common/base/clock.h"
#include "common/base/metrics.h"
#include "common/rpc/methods.h"
#include "common/rpc/rpc.h"
#include "common/rpc/wire.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <pthread.h>
#include <semaphore.h>

#define RPC_MAX_POLLERS  64
#define RPC_SLOTS        16 /* per method and poller: core scans outstanding tags linearly */
#define RPC_SPARE_SLOTS  4  /* for paths nobody registered */
#define RPC_SYSTEM       2  /* threads of reflection's streams */
#define RPC_SYSTEM_QUEUE 16
#define RPC_PEER         64
#define RPC_UNARY_MS     10000 /* deadline of a unary call where nobody gave one */
#define RPC_REFUSED_MS   2000  /* what the audit of a refusal may take past the deadline */
#define RPC_REFUSED_ROOM ((size_t)64 << 10) /* arena kept for it past the cap */

/* What a completion queue hands back. Storing `fn` releases what was written before a batch was
 * started, loading it acquires that: core orders the two anyway, but does not say so to a race
 * detector. */
struct tag;
typedef void tag_fn(struct tag *tag, bool ok);
struct tag {
    _Atomic(tag_fn *) fn;
};
static inline void tag_run(struct tag *tag, bool ok)
{
    atomic_load_explicit(&tag->fn, memory_order_acquire)(tag, ok);
}
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
    void *registered;                /* core's handle; NULL in the row of unknown paths */
    struct queue *queue;             /* NULL: on the poll thread */
    void (*async)(struct served *s); /* instead of fn: keeps the call, blocks nothing */
    bool system;                     /* built in: any peer, no person */
    struct method_stats stats;
};

/* One call as core knows it. */
struct served {
    struct tag arrived, closed, ended, read, wrote;
    struct served *next; /* in the queue, or free */
    struct ward_rpc *rpc;
    struct poller *at;
    struct method *method;
    grpc_call *call;
    grpc_metadata_array meta;
    grpc_call_details details; /* of unknown paths */
    gpr_timespec deadline;
    grpc_byte_buffer *payload;
    int64_t began_ns, deadline_ns;
    char peer[RPC_PEER];
    bool allowed;     /* the calling service may; the person is looked at later */
    bool close_asked; /* RECV_CLOSE is posted: a cancel reaches the handler */
    bool initial_sent;
    atomic_int open_ops; /* batches whose tags still come; set before they can */
    int was_cancelled;
    atomic_bool cancelled;
    void *watch; /* health's */
    grpc_slice status_text;
    grpc_metadata trailer;
    bool has_trailer;
    grpc_byte_buffer *reply;
};

struct poller {
    struct ward_rpc *rpc;
    grpc_completion_queue *cq;
    pthread_t thread;
    bool running;
    struct served *free;               /* its thread's */
    _Atomic(struct served *) returned; /* recycled by any thread; taken whole by this one */
    struct ward_arena mem;             /* of calls run here */
};

/* ---- queue.c ---- */
struct waiter {
    struct waiter *next;
    sem_t wake;
};
struct queue {
    pthread_mutex_t lock;
    struct served *head, **tail;
    struct waiter *idle; /* newest first: the warmest worker is woken */
    int waiting, n_idle, bound;
    bool waking, stopped;
};
void queue_init(struct queue *q, int bound);
void queue_done(struct queue *q);
/* False when `bound` calls wait already and nobody is free. */
WARD_MUST bool queue_put(struct queue *q, struct served *s);
/* Blocks; NULL once stopped and empty. */
struct served *queue_take(struct queue *q, struct waiter *self);
void queue_stop(struct queue *q);
int queue_waiting(struct queue *q);

/* ---- stream.c: the blocking face of one streaming call; its worker's ---- */
struct ward_stream {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    struct served *s;
    struct ward_arena mem; /* the last received message */
    grpc_byte_buffer *in, *out;
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

/* ---- server_worker.c ---- */
struct worker {
    struct ward_rpc *rpc;
    struct queue *queue;
    struct waiter waiter;
    pthread_t thread;
    bool running, own; /* own: opens the service's wrk */
    void *wrk;
    struct ward_arena mem;
    struct ward_stream *stream; /* NULL: unary only */
    struct ward_stream stream_room;
};
struct crew {
    struct queue queue;
    struct worker *workers;
    int n;
};
WARD_MUST enum ward_code crew_start(struct ward_rpc *rpc, struct crew *crew, int n, int bound,
                                    bool own, bool streams, struct ward_err *err);
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
void health_watch(struct served *s); /* a new call's, and again when it is closed */
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
    grpc_server *core;
    struct poller pollers[RPC_MAX_POLLERS];
    int n_pollers;
    struct crew workers, streams, system;
    struct watchdog *watchdog;
    int port;
    bool secure;
    int64_t mono_offset; /* core's monotonic clock minus ours */
    atomic_bool stopping;
    atomic_int in_flight; /* arrived, not yet answered */
    /* Slots and calls that core still holds, and pollers that have not posted theirs. A batch
     * started on a queue that is shut down is fatal, so the queues outlive these. */
    atomic_int live;
    bool begun; /* grpc_init was called */
};

/* ---- server_table.c ---- */
WARD_MUST enum ward_code table_make(struct ward_rpc *rpc, struct ward_err *err);
WARD_MUST enum ward_code table_register(struct ward_rpc *rpc, struct ward_err *err);

/* ---- server_args.c, tls.c ---- */
grpc_server *args_server(const struct ward_rpc_config *cfg);
WARD_MUST enum ward_code tls_credentials(const struct ward_rpc_config *cfg,
                                         grpc_server_credentials **out, bool *secure,
                                         struct ward_err *err);
void args_quiet(void); /* core's log into ours; its lock checker off */

/* ---- call.c ---- */
void call_slots(struct poller *p); /* posts every method's slots; on its thread */
void call_free_all(struct poller *p);
/* Starts a batch whose end runs fn. */
void call_start(struct served *s, const grpc_op *ops, size_t n, struct tag *tag, tag_fn *fn);
/* Sends the reply: msg (may be NULL, consumed) and a status. On any thread; the call is not the
 * caller's any more. */
void call_finish(struct served *s, grpc_byte_buffer *msg, enum ward_code code,
                 const struct ward_err *err);
/* Asks core to tell when the call is over, so that a cancel is seen. By the call's owner, once.
 */
void call_watch_close(struct served *s);
/* Around what a worker starts: its completions are taken here instead of waking a poll thread
 * for each. No lock may be held at call_take. */
void call_keep(struct poller *p);
void call_take(struct poller *p);
grpc_byte_buffer *call_pack(const ProtobufCMessage *m);
WARD_MUST enum ward_code call_unpack(const ProtobufCMessageDescriptor *type,
                                     grpc_byte_buffer *bytes, size_t elements,
                                     struct ward_arena *mem, ProtobufCMessage **out,
                                     struct ward_err *err);

/* ---- call_admit.c ---- */
void admit_peer(struct served *s);
WARD_MUST enum ward_code admit_caller(const struct served *s, struct ward_err *err);
WARD_MUST enum ward_code admit_person(struct served *s, struct ward_arena *mem,
                                      const struct ward_principal **who, struct ward_err *err);
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
/* What core cancels a call of the handler's with; NULL where no call is served. */
grpc_call *call_parent(const struct ward_call *c);
/* Whose thread handles what ends on its queue while the handler of c waits; NULL where no call
 * is served, or the handler runs on such a thread itself. */
struct poller *call_poller(const struct ward_call *c);

/* ---- call_log.c ---- */
void call_log(const struct ward_err *err); /* a failed call, once */

/* ---- call_trace.c ---- */
void trace_take(const char *in, size_t len, char traceparent[56], char trace_id[33]);

/* ---- server_stats.c ---- */
void stats_of(const char *service, const char *method, struct method_stats *out);
void stats_server(struct ward_rpc *rpc);
void stats_began(struct served *s);
void stats_ended(struct served *s, enum ward_code code, size_t bytes_out);

/* ---- watchdog.c ---- */
struct watchdog;
WARD_MUST enum ward_code watchdog_start(struct ward_rpc *rpc, struct watchdog **out,
                                        struct ward_err *err);
void watchdog_stop(struct watchdog *w);

#endif
