/* h2.h - the transport on libnghttp2 and OpenSSL. Inside common/rpc/h2.
 *
 * server.c   starts, drains and stops a server  loop.c    epoll threads and their mailboxes
 * listen.c   listens and accepts                caps.c    limits of connections
 * conn.c     a socket, its TLS, its buffers     tls.c     certificates, loaded again on change
 * session.c  HTTP/2 of a connection, without its socket: budgets, windows, GOAWAY
 * call.c     a call and its headers   call_in.c  its messages   call_out.c  its answer
 * face.c     functions for a handler's thread   frame.c, text.c, wheel.c  helpers
 * stats.c    metrics
 *
 * Threads: a connection and its nghttp2 session belong to one loop's thread, so nghttp2 needs
 * no lock. The loop shares a call with at most one other thread, and the call's lock guards the
 * shared members. That thread informs the loop by mail. Only the loop frees a call, after its
 * stream is closed and the other thread has released the call. Memory: a call holds its
 * messages. Errors: the peer receives gRPC's codes. If a function returns false, the connection
 * must be closed.
 */
#ifndef WARD_RPC_H2_H2_H
#define WARD_RPC_H2_H2_H

#include "common/rpc/h2/caps.h"
#include "common/rpc/h2/frame.h"
#include "common/rpc/h2/wheel.h"
#include "common/rpc/server.h"

#include <nghttp2/nghttp2.h>

#define H2_STREAMS 1000            /* limit of concurrent calls on one connection */
#define H2_META    ((size_t)16384) /* bytes of a call's metadata; a token may take half */
/* Bytes of a call's headers above which the connection ends. */
#define H2_BOMB   (8 * H2_META)
#define H2_BUDGET 2000              /* budget of frames that serve no call */
#define H2_REFILL 1000              /* frames added to the budget each second */
#define H2_MEMORY ((size_t)4 << 20) /* limit of nghttp2's memory for a connection */
/* Memory limits of a connection, a peer and all peers. Each limit also has room for 2, 2 or 8
 * messages of the largest size. The first H2_FREE bytes of nghttp2's memory are not counted. */
#define H2_HELD_CONN ((size_t)2 << 20)
#define H2_FREE      ((size_t)16 << 10)
#define H2_HELD_PEER ((size_t)2 << 20)
#define H2_HELD_ALL  ((size_t)64 << 20)
/* Approximate memory of a call without its messages. */
#define H2_CALL_BYTES ((size_t)1536)
#define H2_TELL       ((size_t)8 << 10) /* a session reports its memory in these steps */
#define H2_WINDOW     (256 << 10)       /* window of a stream */
#define H2_WINDOWS    (1 << 20)         /* window of a connection */
/* Time after which a peer that reads nothing loses its stream or connection. */
#define H2_STALL_MS 20000
/* Time in which a call without a deadline must arrive completely. */
#define H2_WHOLE_MS      60000
#define H2_IDLE_MS       600000
#define H2_GATHER        ((size_t)64 << 10)
#define H2_OUT           (3 * H2_GATHER) /* buffer for gathered data and one more frame */
#define H2_MAX_LISTENERS 4

struct h2_server;
struct loop;
struct session;

/* ---- loop.c ---- */
struct mail {
    struct mail *next;
    void (*fn)(struct mail *m);
};
struct loop {
    struct h2_server *srv;
    struct ward_rpc *rpc;
    pthread_t thread;
    bool running;
    atomic_bool draining;
    int ep, event, index;
    int64_t now;
    struct wheel wheel;
    struct timer trim; /* set after closed connections have freed much memory */
    size_t left_behind;
    _Atomic(struct mail *) mail;
    atomic_bool asleep;
    atomic_int n_conns, n_calls;
    _Atomic uint64_t turns;
    /* dirty: to be flushed; again: to be read again without an event. */
    struct conn *dirty, *again;
    struct conn *conns;
    /* Connections in their handshake; [0]: no byte yet, [1]: others. */
    struct conn *shaking[2], *shaking_last[2];
    /* shakes_left: handshake steps left in this turn. */
    int n_shaking[2], shakes_left;
    struct h2_call *free_calls;
    int n_free;
    struct ward_arena mem; /* for calls that run on this thread */
    uint8_t in[H2_GATHER], out[H2_OUT];
};
void loop_init(struct loop *l, struct h2_server *srv, struct ward_rpc *rpc, int index);
void loop_done(struct loop *l);
WARD_MUST bool loop_start(struct loop *l);
void loop_post(struct loop *l, struct mail *m); /* safe on any thread */
void loop_nudge(struct loop *l);
void loop_read_mail(struct loop *l);
/* Reports a closed connection that used at most this much memory. Much freed memory is returned
 * to the system. */
void loop_left_behind(struct loop *l, size_t bytes);

/* ---- session.c ---- */
struct session {
    struct loop *loop;
    nghttp2_session *h2;
    nghttp2_mem mem;
    struct peer *from;
    void (*wake)(struct session *s); /* called when data is ready to be sent */
    size_t h2_bytes, held;           /* memory of nghttp2, and of the calls */
    /* told: memory last reported to the peer; most: maximum of told. */
    size_t told, most;
    int64_t age_at, heard, pinged, drained, refilled;
    int64_t look_at; /* time of the next session_tick */
    int budget, n_calls;
    struct h2_call *calls;
    struct h2_call *ending; /* calls that were half-closed in the current read */
    enum { SESSION_OPEN, SESSION_NOTICED, SESSION_ACKED, SESSION_LEAVING } drain;
};
bool session_open(struct session *s, struct loop *l, struct peer *from,
                  void (*wake)(struct session *s));
void session_close(struct session *s); /* ends all its calls */
bool session_read(struct session *s, const uint8_t *p, size_t n);
/* Writes pending data, up to about H2_GATHER bytes; out has H2_OUT bytes. Returns the length;
 * -1: the session failed. */
ssize_t session_write(struct session *s, uint8_t *out);
bool session_over(const struct session *s); /* nothing is left to send or to receive */
void session_drain(struct session *s);
bool session_tick(struct session *s); /* sets look_at; false: close the connection */
/* Charges the peer's budget. Returns false if the budget is used up. */
bool session_charge(struct session *s, int frames);
/* Reports a change in a call's memory. */
void session_holds(struct session *s, size_t was, size_t now);
bool session_full(const struct session *s);

/* ---- the call ---- */
struct kept { /* a header stored for later use */
    struct kept *next;
    const char *name;
    size_t len;
    char value[];
};
struct words { /* a failure's message and details, encoded for the trailers */
    size_t n_msg, n_details;
    char text[];
};
struct h2_call {
    pthread_mutex_t lock; /* survives recycling; all members from `s` on are zeroed */
    pthread_cond_t moved;
    struct served s;
    struct mail mail;
    struct h2_call *prev, *next; /* links in the session's list or the free list */
    struct timer timer;
    struct loop *loop;
    struct session *session; /* NULL after the stream is closed */
    int32_t id;
    struct kept *meta;
    /* Used only by the loop. */
    size_t n_headers, charged;
    struct framer framer;
    int n_messages;
    bool post, grpc, encoded, bad_bin, bad_timeout, timeout;
    bool arrived; /* call_arrived was called */
    bool owned;   /* another thread, or call_arrived, still uses the call */
    bool ending;  /* in the session's `ending` list */
    struct h2_call *ending_next;
    bool replied, answered, held_back;
    bool due; /* the timer is the time by which the answer must be sent */
    /* Shared with the handler's thread. */
    struct msg *in, **in_tail, *out, **out_tail;
    size_t in_bytes, out_bytes;
    size_t owed; /* bytes of the stream's window to restore when a message is taken */
    bool ended;  /* the client has half-closed the stream */
    bool finished, posted, watched, pushed;
    atomic_bool done; /* the reply is complete; set once */
    enum ward_code code;
    struct words *words;
};
static inline struct h2_call *h2_of(const struct served *s)
{
    return RPC_OF((uintptr_t)s, struct h2_call, s);
}

/* ---- call.c ---- */
struct h2_call *call_new(struct session *s, int32_t id);
void call_lost(struct h2_call *c); /* called when the stream is closed */
void call_free_spare(struct loop *l);
bool call_header(struct h2_call *c, const uint8_t *name, size_t n_name, const uint8_t *value,
                 size_t n);         /* false: far too many headers */
void call_begun(struct h2_call *c); /* called when the headers are complete */
/* Passes the call to its handler; c may be freed afterwards. */
void call_arrive(struct h2_call *c, size_t bytes);
/* Returns whether this thread is inside call_arrive for this call. If so, the call's end is
 * reported to call_arrive with call_finished_here. */
bool call_is_arriving(const struct h2_call *c);
void call_finished_here(void);
void call_set_off(struct h2_call *c);

/* ---- call_in.c ---- */
void call_data(struct h2_call *c, const uint8_t *p, size_t n);
void call_ended(struct h2_call *c);
/* Marks all calls that were half-closed in the current read as ended. */
void call_ended_all(struct session *s);
void call_ends_no_more(struct session *s, struct h2_call *c);
void call_account(struct h2_call *c); /* reports the call's memory to its session */

/* ---- call_out.c ---- */
/* Sends pending data of the call. */
void call_reply(struct h2_call *c);
/* Ends the call from the loop, in any state of its handler. */
void call_refuse(struct h2_call *c, struct ward_err *err);
struct words *words_of(const struct ward_err *err);
void call_http(struct h2_call *c, const char *status);

/* ---- face.c ---- */
void face_mail(struct mail *m);
void face_settle(struct h2_call *c); /* runs on the loop after the handler is done */
int face_meta(const struct served *s, const char *key, const char **value, size_t *len);
void face_peer(struct served *s);
bool face_gone(struct served *s);
enum ward_code face_request(struct served *s, struct ward_arena *mem, ProtobufCMessage **out,
                            struct ward_err *err);
void face_finish(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                 const struct ward_err *err);
void face_push(struct served *s, const ProtobufCMessage *msg);
void face_watch_close(struct served *s);
void face_cancel(struct served *s);
enum ward_code face_recv(struct ward_call *c, const ProtobufCMessage **msg);
enum ward_code face_send(struct ward_call *c, const ProtobufCMessage *msg);
void face_stream_end(struct ward_stream *st);

/* ---- server.c ---- */
struct h2_server {
    struct ward_rpc *rpc;
    struct loop *loops;
    int n_loops;
    struct caps caps;
    int max_shaking[2]; /* limits for each loop; above them, conn.c ends a handshake */
    size_t most_conn, most_peer, most_all;
    atomic_size_t held; /* memory of the calls of all connections */
    int listeners[H2_MAX_LISTENERS], n_listeners;
    struct timer accept_again, certificates;
    struct tls *tls; /* NULL: plain text */
    char unix_path[108];
    atomic_bool refusing, cut, stopping;
};

/* ---- stats.c ---- */
void h2_stat_conn(int n);
void h2_stat_refused(const char *why);
void h2_stat_ended(const char *why); /* counts a connection that the server ended */

#endif
