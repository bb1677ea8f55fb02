/* core.h - the transport on gRPC's C core, and declarations that it shares with the clients.
 * Inside common/rpc.
 *
 * core.c       starts, drains and stops its server;  core_args.c  settings of core
 * core_call.c  a call in core: slot, arrival, final batch, end
 * core_stream.c  receive and send;  core_tls.c  credentials;  core_bytes.c  byte buffers
 * core_pump.c  polls for clients if another transport serves
 *
 * Threads: a poller is a completion queue with one thread. Only that thread handles arriving
 * calls. A call belongs to its poll thread, then to the worker that took it from the queue,
 * until finish or reply. The events that end a call (`closed`, `ended`) are delivered to the
 * poll thread or to the worker that caused them; the last event recycles the call. Memory:
 * calls are recycled by their poller. Errors: as in rpc.h.
 */
#ifndef WARD_RPC_CORE_H
#define WARD_RPC_CORE_H

#include "common/rpc/server.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

/* Number for each method and poller; small, because core searches tags linearly. */
#define CORE_SLOTS       16
#define CORE_SPARE_SLOTS 4 /* for calls of unknown paths */

/* The tag that a completion queue returns for a batch. Storing `fn` releases the data written
 * before the batch started, and loading it acquires that data. Core also orders these accesses,
 * but not visibly to a race detector. */
struct tag;
typedef void tag_fn(struct tag *tag, bool ok);
struct tag {
    _Atomic(tag_fn *) fn;
};
static inline void tag_run(struct tag *tag, bool ok)
{
    atomic_load_explicit(&tag->fn, memory_order_acquire)(tag, ok);
}

/* A call with core's objects. */
struct core_call {
    struct served s; /* first */
    struct tag arrived, closed, ended, read, wrote;
    struct poller *at;
    grpc_call *call;
    grpc_metadata_array meta;
    grpc_call_details details; /* for unknown paths */
    gpr_timespec deadline;
    grpc_byte_buffer *payload;
    bool close_asked; /* RECV_CLOSE was started: a cancellation reaches the handler */
    bool initial_sent;
    atomic_int open_ops; /* number of batches not yet completed; set before they start */
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
    struct core_call *free; /* used only by the poll thread */
    /* Recycled by any thread; the poll thread takes the whole list. */
    _Atomic(struct core_call *) returned;
    struct ward_arena mem; /* for calls that run on the poll thread */
};

struct core {
    grpc_server *server;
    /* For the shutdown event, which a poll thread would mistake for a call's event. */
    grpc_completion_queue *goodbye;
    struct poller pollers[RPC_MAX_POLLERS];
    int64_t mono_offset; /* core's monotonic clock minus ours */
    /* Slots and calls that core holds, plus pollers that have not yet posted their slots.
     * Starting a batch on a queue that was shut down is fatal, so the queues stay open until
     * this is 0. */
    atomic_int live;
};

/* ---- core_args.c, core_tls.c ---- */
grpc_server *args_server(const struct ward_rpc_config *cfg);
WARD_MUST enum ward_code tls_credentials(const struct ward_rpc_config *cfg, bool secure,
                                         grpc_server_credentials **out, struct ward_err *err);
/* Sends core's log to Ward's log; turns core's lock checker off. */
void args_quiet(void);
bool args_accept_failed(void); /* core has logged a failed accept since args_quiet */

/* ---- core_call.c ---- */
/* Posts the slots of every method; runs on the poll thread. */
void core_slots(struct poller *p);
void core_free_all(struct poller *p);
/* Starts a batch. `fn` runs when the batch is complete. */
void core_start(struct core_call *s, const grpc_op *ops, size_t n, struct tag *tag, tag_fn *fn);
/* Functions of struct transport. */
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
/* Returns the parent for calls that the handler of c makes, so that core cancels these calls
 * with the parent. NULL if no call is served, or another transport serves the call. */
grpc_call *core_parent(const struct ward_call *c);
/* Returns a queue whose thread handles completions while the handler of c waits. NULL if no
 * call is served, or the handler itself runs on a transport thread. */
grpc_completion_queue *core_poller(const struct ward_call *c);

/* ---- core_pump.c: a poll thread for clients if no server runs on core ---- */
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
