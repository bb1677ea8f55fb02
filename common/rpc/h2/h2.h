/* h2.h - the transport on libnghttp2 and OpenSSL. Inside common/rpc/h2.
 *
 * server.c   starts, drains and ends it       loop.c     epoll threads and their mail
 * listen.c   addresses, and who is let in     caps.c     how many, in all and of an address
 * conn.c     a socket, its TLS, its buffers   tls.c      certificates, read again when changed
 * session.c  HTTP/2 of a connection: budgets, windows, goodbye; knows no socket
 * call.c     a call's life and its headers    call_in.c  its messages   call_out.c  its answer
 * face.c     what a handler's thread does     frame.c, text.c, wheel.c  parts without state
 * stats.c    metrics
 *
 * Threads: a connection and its nghttp2 session belong to one loop's thread for life; no lock
 * is held around nghttp2. A call is shared with at most one other thread: what both touch is
 * under its lock. That thread tells the loop by mail, and only the loop frees a call: when its
 * stream is closed and the other thread has let go. Memory: a call holds its messages. Errors:
 * gRPC's codes to the peer; a function that returns false means the connection is of no more
 * use.
 */
#ifndef WARD_RPC_H2_H2_H
#define WARD_RPC_H2_H2_H

#include "common/rpc/h2/caps.h"
#include "common/rpc/h2/frame.h"
#include "common/rpc/h2/wheel.h"
#include "common/rpc/server.h"

#include <nghttp2/nghttp2.h>

#define H2_STREAMS 1000              /* calls at once on one connection */
#define H2_META    ((size_t)16384)   /* bytes of a call's metadata; a token may take half */
#define H2_BOMB    (8 * H2_META)     /* past it the connection ends */
#define H2_BUDGET  2000              /* frames that move no call: at once */
#define H2_REFILL  1000              /* and more of them a second */
#define H2_MEMORY  ((size_t)4 << 20) /* of nghttp2's, a connection */
/* Memory caps of a connection, a peer and all peers. Each also has room for 2, 4 and 8 messages
 * of the largest size. H2_FREE of nghttp2's memory counts for no cap. */
#define H2_HELD_CONN     ((size_t)2 << 20)
#define H2_FREE          ((size_t)16 << 10)
#define H2_HELD_PEER     ((size_t)2 << 20)
#define H2_HELD_ALL      ((size_t)64 << 20)
#define H2_CALL_BYTES    ((size_t)1536)    /* what a call holds without its messages, about */
#define H2_TELL          ((size_t)8 << 10) /* a session reports its memory in these steps */
#define H2_WINDOW        (256 << 10)       /* of a stream */
#define H2_WINDOWS       (1 << 20)         /* of a connection */
#define H2_STALL_MS      20000             /* a peer that takes nothing for so long */
#define H2_WHOLE_MS      60000             /* a call without a deadline must have come whole */
#define H2_IDLE_MS       600000
#define H2_GATHER        ((size_t)64 << 10)
#define H2_OUT           (3 * H2_GATHER) /* room for what is gathered and one frame more */
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
    struct timer trim; /* due where connections have left much memory behind */
    size_t left_behind;
    _Atomic(struct mail *) mail;
    atomic_bool asleep;
    atomic_int n_conns, n_calls;
    _Atomic uint64_t turns;
    struct conn *dirty, *again; /* to be flushed; to be read on although the socket is quiet */
    struct conn *conns;
    struct conn *shaking[2], *shaking_last[2]; /* in their handshake: silent, and others */
    int n_shaking[2], shakes_left;             /* steps of handshakes in this turn */
    struct h2_call *free_calls;
    int n_free;
    struct ward_arena mem; /* of calls run here */
    uint8_t in[H2_GATHER], out[H2_OUT];
};
void loop_init(struct loop *l, struct h2_server *srv, struct ward_rpc *rpc, int index);
void loop_done(struct loop *l);
WARD_MUST bool loop_start(struct loop *l);
void loop_post(struct loop *l, struct mail *m); /* any thread */
void loop_nudge(struct loop *l);
void loop_read_mail(struct loop *l);
/* A connection has ended that held so much, at most: much free memory goes back to the system.
 */
void loop_left_behind(struct loop *l, size_t bytes);

/* ---- session.c ---- */
struct session {
    struct loop *loop;
    nghttp2_session *h2;
    nghttp2_mem mem;
    struct peer *from;
    void (*wake)(struct session *s); /* there is something to be sent */
    size_t h2_bytes, held;           /* nghttp2's; its calls' */
    size_t told, most;               /* both as the peer knows it; the most of it ever */
    int64_t age_at, heard, pinged, drained, refilled;
    int64_t look_at; /* when session_tick is due */
    int budget, n_calls;
    struct h2_call *calls;
    struct h2_call *ending; /* half-closed in the read that is being taken in */
    enum { SESSION_OPEN, SESSION_NOTICED, SESSION_ACKED, SESSION_LEAVING } drain;
};
bool session_open(struct session *s, struct loop *l, struct peer *from,
                  void (*wake)(struct session *s));
void session_close(struct session *s); /* its calls are lost */
bool session_read(struct session *s, const uint8_t *p, size_t n);
/* What there is to say, up to about H2_GATHER; out has H2_OUT. -1: broken. */
ssize_t session_write(struct session *s, uint8_t *out);
bool session_over(const struct session *s); /* all is said and nothing more is heard */
void session_drain(struct session *s);
bool session_tick(struct session *s); /* sets look_at; false: cut it */
/* False: the peer has spent its budget. */
bool session_charge(struct session *s, int frames);
void session_holds(struct session *s, size_t was, size_t now); /* bytes of a call */
bool session_full(const struct session *s);

/* ---- the call ---- */
struct kept { /* a header that somebody asks for later */
    struct kept *next;
    const char *name;
    size_t len;
    char value[];
};
struct words { /* a failure's, as they go into the trailers */
    size_t n_msg, n_details;
    char text[];
};
struct h2_call {
    pthread_mutex_t lock; /* kept while the call is not in use; all that follows is zeroed */
    pthread_cond_t moved;
    struct served s;
    struct mail mail;
    struct h2_call *prev, *next; /* of the session's, or free */
    struct timer timer;
    struct loop *loop;
    struct session *session; /* NULL once its stream is closed */
    int32_t id;
    struct kept *meta;
    /* The loop's own. */
    size_t n_headers, charged;
    struct framer framer;
    int n_messages;
    bool post, grpc, encoded, bad_bin, bad_timeout, timeout;
    bool arrived; /* its owner, who finishes it, is another than the transport */
    bool owned;   /* and has not let go of it */
    bool ending;  /* in its session's list of these */
    struct h2_call *ending_next;
    bool replied, answered, held_back;
    /* Shared. */
    struct msg *in, **in_tail, *out, **out_tail;
    size_t in_bytes, out_bytes;
    size_t owed; /* stream window that is given back once taken */
    bool ended;  /* the client half-closed */
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
void call_lost(struct h2_call *c); /* its stream is closed */
void call_free_spare(struct loop *l);
bool call_header(struct h2_call *c, const uint8_t *name, size_t n_name, const uint8_t *value,
                 size_t n);                        /* false: a bomb */
void call_begun(struct h2_call *c);                /* its headers are whole */
void call_arrive(struct h2_call *c, size_t bytes); /* to its handler; the last touch */
/* For the call's end. Returns whether this thread is inside call_arrive for this call. If so,
 * call_finished_here tells call_arrive that the call has ended. */
bool call_is_arriving(const struct h2_call *c);
void call_finished_here(void);
void call_set_off(struct h2_call *c);

/* ---- call_in.c ---- */
void call_data(struct h2_call *c, const uint8_t *p, size_t n);
void call_ended(struct h2_call *c);
/* Marks the calls whose clients half-closed in the read that was just taken in. */
void call_ended_all(struct session *s);
void call_ends_no_more(struct session *s, struct h2_call *c);
void call_account(struct h2_call *c); /* what it holds, to its session */

/* ---- call_out.c ---- */
/* Sends what there is to be sent. */
void call_reply(struct h2_call *c);
/* The loop ends the call, whatever its handler is at. */
void call_refuse(struct h2_call *c, struct ward_err *err);
struct words *words_of(const struct ward_err *err);
void call_http(struct h2_call *c, const char *status);

/* ---- face.c ---- */
void face_mail(struct mail *m);
void face_settle(struct h2_call *c); /* on its loop, once its handler is done */
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
    int max_shaking[2]; /* of a loop; past it one gives way: conn.c */
    size_t most_conn, most_peer, most_all;
    atomic_size_t held; /* by calls of all connections */
    int listeners[H2_MAX_LISTENERS], n_listeners;
    struct timer accept_again, certificates;
    struct tls *tls; /* NULL: plain text */
    char unix_path[108];
    atomic_bool refusing, cut, stopping;
};

/* ---- stats.c ---- */
void h2_stat_conn(int n);
void h2_stat_refused(const char *why);
void h2_stat_ended(const char *why); /* a connection that we ended */

#endif
