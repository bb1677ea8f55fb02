#include "common/rpc/server.h"

#include <time.h>

/* Blocking access to a stream for its handler. `s` is set while the stream serves a call. */

void stream_init(struct ward_stream *st, size_t cap)
{
    pthread_condattr_t attr;

    *st = (struct ward_stream){0};
    pthread_mutex_init(&st->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&st->moved, &attr);
    pthread_condattr_destroy(&attr);
    ward_arena_init(&st->mem, cap);
}

void stream_done(struct ward_stream *st)
{
    ward_arena_done(&st->mem);
    pthread_cond_destroy(&st->moved);
    pthread_mutex_destroy(&st->lock);
}

void stream_begin(struct ward_stream *st, struct served *s)
{
    s->watch = st;
    pthread_mutex_lock(&st->lock);
    st->s = s;
    st->reading = st->writing = st->no_more = st->dead = false;
    pthread_mutex_unlock(&st->lock);
}

void stream_end(struct ward_stream *st)
{
    st->s->rpc->transport->stream_end(st);
    ward_arena_reset(&st->mem);
}

void stream_break(struct ward_stream *st)
{
    pthread_mutex_lock(&st->lock);
    if (st->s != NULL)
        st->s->rpc->transport->cancel(st->s);
    pthread_mutex_unlock(&st->lock);
}

enum ward_code stream_over(const struct ward_call *c)
{
    if (c->deadline_ns != WARD_NO_DEADLINE && ward_mono_ns() >= c->deadline_ns)
        return WARD_FAIL(c->err, DEADLINE_EXCEEDED, "the deadline passed during the stream");
    return WARD_FAIL(c->err, CANCELLED, "the caller disconnected");
}

enum ward_code ward_recv(struct ward_call *c, const ProtobufCMessage **msg)
{
    WARD_ASSERT(c->stream != NULL && c->method->client_streaming);
    if (c->stream->no_more) {
        *msg = NULL;
        return WARD_OK;
    }
    return c->served->rpc->transport->recv(c, msg);
}

enum ward_code ward_send(struct ward_call *c, const ProtobufCMessage *msg)
{
    WARD_ASSERT(c->stream != NULL && c->method->server_streaming);
    return c->served->rpc->transport->send(c, msg);
}
