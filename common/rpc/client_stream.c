/* Streams of any kind, blocking, within the call's deadline.
 *
 * Unlike a unary call, a stream has its own completion queue: the stream outlives the function
 * that opens it, and some programs pass the open stream to another thread.
 *
 * All completion queues of a process share one epoll. In a process with a server, the thread of
 * a long stream would be woken for the server's arriving calls, only to wake a server thread
 * for each. In such a process, the stream's thread therefore sleeps, and core uses a callback.
 */
#include "common/base/clock.h"
#include "common/rpc/client_impl.h"

#include <semaphore.h>
#include <stdlib.h>

/* One batch, from its start until its completion was awaited. */
struct mark {
    /* Used beside a server; otherwise the mark is a tag. */
    grpc_completion_queue_functor call_back;
    sem_t ended;
    int ok;
};

struct ward_client_stream {
    struct ward_client *cl;
    const ProtobufCMessageDescriptor *type;
    grpc_completion_queue *cq;
    struct ward_exchange x;
    bool over;      /* x.status is set */
    bool said_done; /* ward_client_send_end was called */
    struct mark begun, done, shut;
};

static void called_back(grpc_completion_queue_functor *f, int ok)
{
    struct mark *m = (struct mark *)f;

    m->ok = ok;
    sem_post(&m->ended); /* the waiter may free m after this */
}

static void mark_init(struct mark *m)
{
    *m = (struct mark){.call_back = {.functor_run = called_back}};
    sem_init(&m->ended, 0, 0);
}

static bool mark_await(struct mark *m)
{
    while (sem_wait(&m->ended) != 0)
        ; /* interrupted by a signal */
    sem_destroy(&m->ended);
    return m->ok != 0;
}

/* Waits for one batch. A batch ends at the deadline at the latest, because core then fails the
 * call. */
static bool await(struct ward_client_stream *s, struct mark *m)
{
    gpr_timespec never = gpr_inf_future(GPR_CLOCK_MONOTONIC);

    if (s->cl->beside_server)
        return mark_await(m);
    return grpc_completion_queue_pluck(s->cq, m, never, NULL).success != 0;
}

static void start(struct ward_client_stream *s, grpc_op op, struct mark *m)
{
    mark_init(m);
    WARD_ASSERT(grpc_call_start_batch(s->x.call, &op, 1, m, NULL) == GRPC_CALL_OK);
}

static bool batch(struct ward_client_stream *s, grpc_op op)
{
    struct mark m;

    start(s, op, &m);
    return await(s, &m);
}

static void await_status(struct ward_client_stream *s)
{
    if (s->over)
        return;
    await(s, &s->done);
    s->over = true;
}

/* Starts the call. Returns false if the call failed before its headers were sent. */
static bool begin(struct ward_client_stream *s, const char *path, const struct ward_out *with,
                  struct ward_headers *headers, int64_t deadline_ns)
{
    ward_exchange_init(&s->x, s->cl, s->cq, path, with, deadline_ns);
    s->over = false;
    start(s, ward_exchange_status_op(&s->x), &s->done);
    start(s,
          (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA,
                    .data.recv_initial_metadata = {.recv_initial_metadata = &s->x.initial}},
          &s->begun);
    return batch(s, (grpc_op){.op = GRPC_OP_SEND_INITIAL_METADATA,
                              .data.send_initial_metadata = {.count = headers->n,
                                                             .metadata = headers->at}});
}

static void end(struct ward_client_stream *s)
{
    if (!s->over)
        grpc_call_cancel(s->x.call, NULL);
    await_status(s);
    await(s, &s->begun);
    ward_exchange_done(&s->x);
}

static enum ward_code open_once(struct ward_client_stream *s, const char *path,
                                const struct ward_out *with, struct ward_headers *headers,
                                int64_t deadline_ns, struct ward_err *err)
{
    enum ward_code code = WARD_OK;

    if (begin(s, path, with, headers, deadline_ns))
        return WARD_OK;
    await_status(s);
    code = ward_exchange_fail(s->cl, &s->x, err);
    end(s);
    return code;
}

static struct ward_client_stream *stream_new(struct ward_client *cl,
                                             const ProtobufCMessageDescriptor *type)
{
    struct ward_client_stream *s = calloc(1, sizeof(*s));

    if (s == NULL)
        return NULL;
    s->cl = cl;
    s->type = type;
    mark_init(&s->shut);
    s->cq = cl->beside_server
                ? grpc_completion_queue_create_for_callback(&s->shut.call_back, NULL)
                : grpc_completion_queue_create_for_pluck(NULL);
    return s;
}

static void stream_free(struct ward_client_stream *s)
{
    grpc_completion_queue_shutdown(s->cq);
    if (s->cl->beside_server)
        mark_await(&s->shut);
    grpc_completion_queue_destroy(s->cq);
    free(s);
}

enum ward_code ward_client_open_stream(struct ward_client *cl, const char *path,
                                       const struct ward_out *with,
                                       const ProtobufCMessageDescriptor *resp_type,
                                       struct ward_client_stream **out, struct ward_err *err)
{
    const struct ward_method_info *info;
    struct ward_client_stream *s;
    struct ward_headers headers;
    struct ward_err why = {0};
    int64_t deadline_ns;
    enum ward_code code;

    WARD_TRY(ward_client_route(cl, path, with, true, &info, &deadline_ns, err));
    WARD_TRY(ward_headers_make(with, &headers, err));
    s = stream_new(cl, resp_type);
    if (s == NULL) {
        ward_headers_done(&headers);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a stream");
    }
    code = open_once(s, path, with, &headers, deadline_ns, &why);
    for (int retry = 0; code == WARD_UNAVAILABLE && info->idempotent; retry++) {
        if (retry == WARD_RETRIES ||
            !ward_retry_wait(cl, retry, why.retry_after_ms, deadline_ns))
            break;
        code = open_once(s, path, with, &headers, deadline_ns, &why);
    }
    ward_headers_done(&headers);
    if (code == WARD_OK) {
        *out = s;
        return WARD_OK;
    }
    stream_free(s);
    if (err != NULL)
        *err = why;
    return code;
}

/* Returns the reason why no more messages can be sent. */
static enum ward_code send_failed(struct ward_client_stream *s, struct ward_err *err)
{
    await_status(s);
    if (s->x.status != GRPC_STATUS_OK)
        return ward_exchange_fail(s->cl, &s->x, err);
    return WARD_FAIL(err, OUT_OF_RANGE, "%s has ended the call and reads no more messages",
                     s->cl->server);
}

enum ward_code ward_client_send(struct ward_client_stream *s, const ProtobufCMessage *msg,
                                struct ward_err *err)
{
    grpc_byte_buffer *buffer;
    grpc_slice bytes;
    bool sent;

    if (s->said_done)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the sending side of the call is closed");
    if (s->over)
        return send_failed(s, err);
    WARD_TRY(ward_client_pack(s->cl, msg, &bytes, err));
    buffer = grpc_raw_byte_buffer_create(&bytes, 1);
    grpc_slice_unref(bytes);
    sent = batch(s, (grpc_op){.op = GRPC_OP_SEND_MESSAGE,
                              .data.send_message = {.send_message = buffer}});
    grpc_byte_buffer_destroy(buffer);
    return sent ? WARD_OK : send_failed(s, err);
}

enum ward_code ward_client_send_end(struct ward_client_stream *s, struct ward_err *err)
{
    if (s->said_done)
        return WARD_OK;
    s->said_done = true;
    if (!s->over && batch(s, (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT}))
        return WARD_OK;
    await_status(s);
    /* Not an error if the server has ended the call with OK. */
    return s->x.status == GRPC_STATUS_OK ? WARD_OK : ward_exchange_fail(s->cl, &s->x, err);
}

enum ward_code ward_client_recv(struct ward_client_stream *s, struct ward_arena *mem,
                                ProtobufCMessage **msg, struct ward_err *err)
{
    /* Messages that the server sent before it ended the call can still be read. */
    batch(s, (grpc_op){.op = GRPC_OP_RECV_MESSAGE,
                       .data.recv_message = {.recv_message = &s->x.reply}});
    if (s->x.reply != NULL)
        return ward_exchange_reply(&s->x, s->type, mem, msg, err);
    await_status(s);
    if (s->x.status != GRPC_STATUS_OK)
        return ward_exchange_fail(s->cl, &s->x, err);
    *msg = NULL;
    return WARD_OK;
}

void ward_client_cancel_stream(struct ward_client_stream *s)
{
    grpc_call_cancel(s->x.call, NULL);
}

void ward_client_close_stream(struct ward_client_stream *s)
{
    if (s == NULL)
        return;
    end(s);
    stream_free(s);
}
