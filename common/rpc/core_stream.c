#include "common/rpc/core.h"

#include <grpc/byte_buffer.h>
#include <time.h>

/* The handler waits here for events from the poll thread. Both threads hold the lock only while
 * they change flags. All operations of a call are complete before stream_end returns, so none
 * refers to a stream that serves the next call. */

static void on_read(struct tag *tag, bool ok)
{
    struct ward_stream *st = RPC_OF(tag, struct core_call, read)->s.watch;

    pthread_mutex_lock(&st->lock);
    st->reading = false;
    st->read_ok = ok;
    pthread_cond_signal(&st->moved);
    pthread_mutex_unlock(&st->lock);
}

static void on_wrote(struct tag *tag, bool ok)
{
    struct ward_stream *st = RPC_OF(tag, struct core_call, wrote)->s.watch;

    pthread_mutex_lock(&st->lock);
    st->writing = false;
    st->dead = st->dead || !ok;
    pthread_cond_signal(&st->moved);
    pthread_mutex_unlock(&st->lock);
}

/* Waits until *busy is false. Lock held. Core ends operations at the caller's deadline. At a
 * deadline that only this server has set, this function cancels the call, which also ends the
 * operations. */
static void await(struct ward_stream *st, const bool *busy, int64_t deadline_ns)
{
    struct timespec at = {.tv_sec = deadline_ns / 1000000000,
                          .tv_nsec = deadline_ns % 1000000000};

    while (*busy && deadline_ns != WARD_NO_DEADLINE) {
        if (pthread_cond_timedwait(&st->moved, &st->lock, &at) == 0)
            continue;
        grpc_call_cancel_with_status(core_of(st->s)->call, GRPC_STATUS_DEADLINE_EXCEEDED,
                                     "deadline exceeded", NULL);
        deadline_ns = WARD_NO_DEADLINE;
    }
    while (*busy)
        pthread_cond_wait(&st->moved, &st->lock);
}

void core_stream_end(struct ward_stream *st)
{
    pthread_mutex_lock(&st->lock);
    await(st, &st->writing, st->s->deadline_ns);
    st->s = NULL;
    pthread_mutex_unlock(&st->lock);
    grpc_byte_buffer_destroy(st->in);
    grpc_byte_buffer_destroy(st->out);
    st->in = st->out = NULL;
}

enum ward_code core_recv(struct ward_call *c, const ProtobufCMessage **msg)
{
    struct ward_stream *st = c->stream;
    struct core_call *s = core_of(st->s);
    grpc_op op = {.op = GRPC_OP_RECV_MESSAGE};
    ProtobufCMessage *m = NULL;

    grpc_byte_buffer_destroy(st->in);
    st->in = NULL;
    ward_arena_reset(&st->mem);
    if (ward_call_cancelled(c))
        return stream_over(c);

    op.data.recv_message.recv_message = &st->in;
    pthread_mutex_lock(&st->lock);
    st->reading = true;
    core_start(s, &op, 1, &s->read, on_read);
    await(st, &st->reading, c->deadline_ns);
    pthread_mutex_unlock(&st->lock);
    /* A stream that was cut off must never look complete. */
    if (!st->read_ok || grpc_call_failed_before_recv_message(s->call) ||
        (st->in == NULL && ward_call_cancelled(c)))
        return stream_over(c);
    if (st->in == NULL) {
        st->no_more = true;
        *msg = NULL;
        return WARD_OK;
    }
    ward_metric_add(st->s->method->stats.bytes_in, (double)grpc_byte_buffer_length(st->in));
    WARD_TRY(core_unpack(st->s->method->req, st->in, st->s->rpc->cfg.max_elements, &st->mem, &m,
                         c->err));
    *msg = m;
    return WARD_OK;
}

enum ward_code core_send(struct ward_call *c, const ProtobufCMessage *msg)
{
    struct ward_stream *st = c->stream;
    struct core_call *s = core_of(st->s);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};
    size_t n;

    pthread_mutex_lock(&st->lock);
    await(st, &st->writing, c->deadline_ns);
    if (st->dead || ward_call_cancelled(c)) {
        pthread_mutex_unlock(&st->lock);
        return stream_over(c);
    }
    grpc_byte_buffer_destroy(st->out);
    st->out = core_pack(msg);
    n = s->initial_sent ? 0 : 1;
    ops[n].op = GRPC_OP_SEND_MESSAGE;
    ops[n++].data.send_message.send_message = st->out;
    s->initial_sent = true;
    st->writing = true;
    ward_metric_add(st->s->method->stats.bytes_out, (double)grpc_byte_buffer_length(st->out));
    core_start(s, ops, n, &s->wrote, on_wrote);
    pthread_mutex_unlock(&st->lock);
    return WARD_OK;
}
