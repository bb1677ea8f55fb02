/* core.h - the transport on gRPC's C core, and what the clients on it share with it. Inside
 * common/rpc.
 *
 * core.c       starts, drains and ends its server;  core_args.c  what core is told
 * core_call.c  a call's life in core: slot, arrival, final batch, end
 * core_stream.c  receive and send;  core_tls.c  credentials;  core_bytes.c  byte buffers
 * core_pump.c  reads for clients where another transport serves
 *
 * Threads: a poller is one completion queue and its one thread: arrivals run there and nowhere
 * else. A call belongs to that thread, then to the worker that took it, until call_finish. What
 * ends a call (`closed`, `ended`) may come back on the poll thread or on the worker that caused
 * it; the last one recycles. Memory: calls are recycled by their poller. Errors: as in rpc.h.
 */
#ifndef WARD_RPC_CORE_H
#define WARD_RPC_CORE_H

#include "common/rpc/server.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#define CORE_SLOTS       16 /* per method and poller: core scans outstanding tags linearly */
#define CORE_SPARE_SLOTS 4  /* for paths nobody registered */

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

/* One call as core knows it. */
struct core_call {
    struct served s; /* first */
    struct tag arrived, closed, ended, read, wrote;
    struct poller *at;
    grpc_call *call;
    grpc_metadata_array meta;
    grpc_call_details details; /* of unknown paths */
    gpr_timespec deadline;
    grpc_byte_buffer *payload;
    bool close_asked; /* RECV_CLOSE is posted: a cancel reaches the handler */
    bool initial_sent;
    atomic_int open_ops; /* batches whose tags still come; set before they can */
    int was_cancelled;
    grpc_slice status_text;
    grpc_metadata trailer;
    bool has_trailer;
    grpc_byte_buffer *reply;
};
static inline struct core_call *core_of(const struct served *s)
{
    return (struct core_call *)(uintptr_t)s;
}

struct poller {
    struct ward_rpc *rpc;
    grpc_completion_queue *cq;
    pthread_t thread;
    bool running;
    struct core_call *free;               /* its thread's */
    _Atomic(struct core_call *) returned; /* recycled by any thread; taken whole by this one */
    struct ward_arena mem;                /* of calls run here */
};

struct core {
    grpc_server *server;
    grpc_completion_queue *goodbye; /* of the shutdown: on a poll thread's it would look like a
                                     * call's */
    struct poller pollers[RPC_MAX_POLLERS];
    int64_t mono_offset; /* core's monotonic clock minus ours */
    /* Slots and calls that core still holds, and pollers that have not posted theirs. A batch
     * started on a queue that is shut down is fatal, so the queues outlive these. */
    atomic_int live;
};

/* ---- core_args.c, core_tls.c ---- */
grpc_server *args_server(const struct ward_rpc_config *cfg);
WARD_MUST enum ward_code tls_credentials(const struct ward_rpc_config *cfg, bool secure,
                                         grpc_server_credentials **out, struct ward_err *err);
void args_quiet(void);         /* core's log into ours; its lock checker off */
bool args_accept_failed(void); /* core said so since then: it accepts no more */

/* ---- core_call.c ---- */
void core_slots(struct poller *p); /* posts every method's slots; on its thread */
void core_free_all(struct poller *p);
/* Starts a batch whose end runs fn. */
void core_start(struct core_call *s, const grpc_op *ops, size_t n, struct tag *tag, tag_fn *fn);
/* The transport's. */
int core_meta(const struct served *s, const char *key, const char **value, size_t *len);
void core_peer(struct served *s);
bool core_gone(struct served *s);
WARD_MUST enum ward_code core_request(struct served *s, struct ward_arena *mem,
                                      ProtobufCMessage **out, struct ward_err *err);
void core_finish(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                 const struct ward_err *err);
void core_reply(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                const struct ward_err *err);
void core_push(struct served *s, const ProtobufCMessage *msg);
void core_watch_close(struct served *s);
void core_cancel(struct served *s);
/* What core cancels a call of the handler's with; NULL where no call is served on it. */
grpc_call *core_parent(const struct ward_call *c);
/* A queue with a thread that handles what ends there while the handler of c waits; NULL where
 * no call is served, or the handler runs on such a thread itself. */
grpc_completion_queue *core_poller(const struct ward_call *c);

/* ---- core_pump.c: such a thread where no server on core has one; counted ---- */
grpc_completion_queue *core_pump_hold(void);
void core_pump_drop(void);

/* ---- core_stream.c ---- */
WARD_MUST enum ward_code core_recv(struct ward_call *c, const ProtobufCMessage **msg);
WARD_MUST enum ward_code core_send(struct ward_call *c, const ProtobufCMessage *msg);
void core_stream_end(struct ward_stream *st);

/* ---- core_bytes.c ---- */
grpc_byte_buffer *core_pack(const ProtobufCMessage *m);
WARD_MUST enum ward_code core_unpack(const ProtobufCMessageDescriptor *type,
                                     grpc_byte_buffer *bytes, size_t elements,
                                     struct ward_arena *mem, ProtobufCMessage **out,
                                     struct ward_err *err);

#endif
