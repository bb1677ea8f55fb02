#include "common/rpc/h2/h2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Functions for the thread that handles a call. These functions change only members that the
 * call's lock guards, and inform the loop by mail. */

/* Limit of unsent bytes, above which a stream's handler waits. */
#define OUT_HIGH ((size_t)64 << 10)

/* Releases the lock, which the caller holds, and posts the call's mail unless it is already
 * posted. If the mail is already posted, the loop may free the call after the unlock. */
static void tell_unlock(struct h2_call *c, bool something)
{
    bool post = something && !c->posted;
    struct loop *l = c->loop;

    if (post)
        c->posted = true;
    pthread_mutex_unlock(&c->lock);
    if (post)
        loop_post(l, &c->mail);
}

/* Runs on the loop: sends new messages, restores flow-control windows, and handles the end of a
 * call. */
void face_mail(struct mail *m)
{
    struct h2_call *c = RPC_OF(m, struct h2_call, mail);
    bool speak, finished, pushed;
    size_t owed;

    pthread_mutex_lock(&c->lock);
    c->posted = false;
    owed = c->owed;
    c->owed = 0;
    speak = c->out != NULL || atomic_load(&c->done);
    finished = c->finished;
    pushed = c->pushed && c->session == NULL;
    if (pushed)
        c->pushed = false;
    pthread_mutex_unlock(&c->lock);
    if (pushed)
        health_moved(&c->s); /* the caller disconnected before the message could be sent */
    if (c->session != NULL) {
        call_account(c);
        if (owed > 0) {
            nghttp2_session_consume_stream(c->session->h2, c->id, owed);
            c->session->wake(c->session);
        }
        if (speak && !finished && !c->answered)
            call_reply(c);
    }
    if (finished)
        face_settle(c);
}

/* Delays the answer if the peer sends rejected calls too often. */
void face_settle(struct h2_call *c)
{
    int64_t most;

    if (c->session != NULL && !c->answered && c->s.hold_ms > 0 && !c->replied) {
        most = (c->s.deadline_ns - c->loop->now) / 2;
        c->held_back = most > 0;
        if (most > c->s.hold_ms * WARD_NS_PER_MS)
            most = c->s.hold_ms * WARD_NS_PER_MS;
        wheel_set(&c->loop->wheel, &c->timer, c->loop->now + most);
    }
    if (c->session != NULL && !c->answered)
        call_reply(c);
    call_set_off(c);
}

/* ---- properties of a call ---- */

int face_meta(const struct served *s, const char *key, const char **value, size_t *len)
{
    int seen = 0;

    for (const struct kept *k = h2_of(s)->meta; k != NULL; k = k->next) {
        if (strcmp(k->name, key) != 0)
            continue;
        seen++;
        *value = k->value;
        *len = k->len;
    }
    return seen;
}

void face_peer(struct served *s)
{
    (void)s; /* copied from the connection when the call began */
}

bool face_gone(struct served *s)
{
    return atomic_load_explicit(&s->cancelled, memory_order_relaxed);
}

/* Removes and returns the first message, or NULL. Lock held. */
static struct msg *detach(struct h2_call *c)
{
    struct msg *m = c->in;

    if (m == NULL)
        return NULL;
    c->in = m->next;
    if (c->in == NULL)
        c->in_tail = &c->in;
    m->next = NULL;
    c->in_bytes -= m->len;
    return m;
}

/* The message is complete before the call arrives. It is freed here and not with the call, so
 * that the handler does not run beside two copies of a large request. */
enum ward_code face_request(struct served *s, struct ward_arena *mem, ProtobufCMessage **out,
                            struct ward_err *err)
{
    struct h2_call *c = h2_of(s);
    enum ward_code code;
    struct msg *m;

    pthread_mutex_lock(&c->lock);
    m = detach(c);
    pthread_mutex_unlock(&c->lock);
    if (m == NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "NO_MESSAGE",
                                "the request has no message");
    code = ward_wire_unpack_most(s->method->req, m->data, m->len, s->rpc->cfg.max_elements, mem,
                                 out, err);
    frame_free(m);
    return code;
}

/* ---- the answer ---- */

/* Lock held. */
static void append(struct h2_call *c, struct msg *m)
{
    m->next = NULL;
    *c->out_tail = m;
    c->out_tail = &m->next;
    c->out_bytes += m->len;
}

void face_finish(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                 const struct ward_err *err)
{
    struct h2_call *c = h2_of(s);
    bool wanted = !atomic_load(&c->done) && !face_gone(s);
    struct msg *m = resp == NULL || !wanted ? NULL : frame_pack(resp);
    struct words *w = code == WARD_OK || !wanted ? NULL : words_of(err);
    struct ward_err none = {0};
    size_t sent = m == NULL ? 0 : m->len - FRAME_PREFIX;

    if (resp != NULL && wanted && m == NULL) {
        code = WARD_FAIL(&none, RESOURCE_EXHAUSTED, "no memory for the answer");
        w = words_of(&none);
    }
    call_hooks_run(s);
    pthread_mutex_lock(&c->lock);
    if (!atomic_load(&c->done)) {
        if (m != NULL)
            append(c, m);
        c->code = code;
        c->words = w;
        m = NULL;
        w = NULL;
        atomic_store(&c->done, true);
    }
    code = c->code;
    pthread_mutex_unlock(&c->lock);
    frame_free(m);
    free(w);
    call_counted(s, code, sent); /* while this thread still owns the call */
    if (call_is_arriving(c)) {
        call_finished_here();
        return;
    }
    pthread_mutex_lock(&c->lock);
    c->finished = true;
    tell_unlock(c, true);
}

void face_push(struct served *s, const ProtobufCMessage *msg)
{
    struct h2_call *c = h2_of(s);
    struct msg *m = frame_pack(msg);

    WARD_ASSERT(m != NULL);
    pthread_mutex_lock(&c->lock);
    append(c, m);
    c->pushed = true;
    tell_unlock(c, true);
}

void face_watch_close(struct served *s)
{
    struct h2_call *c = h2_of(s);

    pthread_mutex_lock(&c->lock);
    c->watched = true;
    pthread_mutex_unlock(&c->lock);
}

void face_cancel(struct served *s)
{
    struct h2_call *c = h2_of(s);
    struct ward_err err = {0};

    (void)WARD_FAIL(&err, UNAVAILABLE, "the server is stopping");
    pthread_mutex_lock(&c->lock);
    if (!atomic_load(&c->done)) {
        c->code = WARD_UNAVAILABLE;
        c->words = words_of(&err);
        atomic_store(&c->done, true);
    }
    atomic_store(&s->cancelled, true);
    pthread_cond_broadcast(&c->moved);
    tell_unlock(c, true);
}

/* ---- streams ---- */

/* Waits for a change of the call. Returns false at the deadline. Lock held. */
static bool await(struct h2_call *c, int64_t until)
{
    struct timespec at = {.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};

    if (until == WARD_NO_DEADLINE)
        return pthread_cond_wait(&c->moved, &c->lock) == 0;
    return pthread_cond_timedwait(&c->moved, &c->lock, &at) != ETIMEDOUT;
}

/* Returns the next message and restores its flow-control window. Returns NULL at the end of the
 * stream (*ended) or if the call has ended. */
static struct msg *next(struct h2_call *c, int64_t deadline_ns, bool *ended)
{
    struct msg *m = NULL;
    bool owes = false;

    pthread_mutex_lock(&c->lock);
    while (c->in == NULL && !c->ended && !face_gone(&c->s) && await(c, deadline_ns))
        ;
    *ended = c->in == NULL && c->ended && !face_gone(&c->s);
    if (c->in != NULL && !face_gone(&c->s)) {
        m = detach(c);
        owes = c->owed > 0; /* the loop restores the window */
    }
    tell_unlock(c, owes);
    return m;
}

enum ward_code face_recv(struct ward_call *call, const ProtobufCMessage **msg)
{
    struct ward_stream *st = call->stream;
    struct h2_call *c = h2_of(st->s);
    ProtobufCMessage *out = NULL;
    enum ward_code code;
    struct msg *m;

    ward_arena_reset(&st->mem);
    if (ward_call_cancelled(call))
        return stream_over(call);
    m = next(c, call->deadline_ns, &st->no_more);
    if (m == NULL && !st->no_more)
        return stream_over(call);
    *msg = NULL;
    if (m == NULL)
        return WARD_OK;
    ward_metric_add(st->s->method->stats.bytes_in, (double)m->len);
    code = ward_wire_unpack_most(st->s->method->req, m->data, m->len,
                                 st->s->rpc->cfg.max_elements, &st->mem, &out, call->err);
    frame_free(m);
    *msg = out;
    return code;
}

enum ward_code face_send(struct ward_call *call, const ProtobufCMessage *msg)
{
    struct h2_call *c = h2_of(call->stream->s);
    int64_t stall = ward_mono_ns() + H2_STALL_MS * WARD_NS_PER_MS;
    int64_t until = call->deadline_ns < stall ? call->deadline_ns : stall;
    struct msg *m;
    bool room;

    if (ward_call_cancelled(call))
        return stream_over(call);
    m = frame_pack(msg);
    if (m == NULL)
        return WARD_FAIL(call->err, RESOURCE_EXHAUSTED, "no memory for the message");
    pthread_mutex_lock(&c->lock);
    while (c->out_bytes > OUT_HIGH && !face_gone(&c->s) && await(c, until))
        ;
    room = c->out_bytes <= OUT_HIGH && !face_gone(&c->s);
    if (room) {
        ward_metric_add(c->s.method->stats.bytes_out, (double)(m->len - FRAME_PREFIX));
        append(c, m);
    }
    tell_unlock(c, room);
    if (room)
        return WARD_OK;
    frame_free(m);
    if (!ward_call_cancelled(call)) {

        return WARD_FAIL_REASON(call->err, RESOURCE_EXHAUSTED, "READER_STALLED",
                                "the peer read nothing for %d s", H2_STALL_MS / 1000);
    }
    return stream_over(call);
}

void face_stream_end(struct ward_stream *st)
{
    pthread_mutex_lock(&st->lock);
    st->s = NULL;
    pthread_mutex_unlock(&st->lock);
}
