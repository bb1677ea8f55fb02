#include "common/rpc/server.h"

#include "common/rpc/wire.h"

#include <grpc/byte_buffer.h>
#include <grpc/byte_buffer_reader.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS  INT64_C(1000000000)
#define FARTHEST_S INT64_C(4000000000) /* the farthest deadline told to a handler */

static void post(struct poller *p, struct method *m);
static void on_arrived(struct tag *tag, bool ok);
static void on_closed(struct tag *tag, bool ok);
static void on_ended(struct tag *tag, bool ok);

void call_start(struct served *s, const grpc_op *ops, size_t n, struct tag *tag, tag_fn *fn)
{
    grpc_call *call = s->call; /* *s may be gone before the batch has returned */
    grpc_call_error e;

    atomic_store_explicit(&tag->fn, fn, memory_order_release);
    e = grpc_call_start_batch(call, ops, n, tag, NULL);
    WARD_ASSERT(e == GRPC_CALL_OK);
}

/* ---- memory: each poller recycles its own ---- */

static struct served *take(struct poller *p)
{
    struct served *s;

    if (p->free == NULL)
        p->free = atomic_exchange_explicit(&p->returned, NULL, memory_order_acquire);
    s = p->free;
    if (s != NULL) {
        p->free = s->next;
        return s;
    }
    s = calloc(1, sizeof(*s));
    WARD_ASSERT(s != NULL);
    s->rpc = p->rpc;
    s->at = p;
    grpc_metadata_array_init(&s->meta);
    grpc_call_details_init(&s->details);
    return s;
}

/* Ready for the next call. The metadata array keeps its room; its slices were the call's. */
static void recycle(struct served *s)
{
    _Atomic(struct served *) *pile = &s->at->returned;
    struct ward_rpc *rpc = s->rpc;

    if (s->method == &s->rpc->unknown) {
        grpc_call_details_destroy(&s->details);
        grpc_call_details_init(&s->details);
    }
    if (s->method->async != NULL)
        health_gone(s);
    grpc_byte_buffer_destroy(s->payload);
    grpc_byte_buffer_destroy(s->reply);
    grpc_slice_unref(s->status_text);
    if (s->has_trailer)
        grpc_slice_unref(s->trailer.value);
    if (s->call != NULL)
        grpc_call_unref(s->call);
    s->payload = s->reply = NULL;
    s->status_text = grpc_empty_slice();
    s->call = NULL;
    s->meta.count = 0;
    s->has_trailer = s->close_asked = s->initial_sent = s->allowed = false;
    s->was_cancelled = 0;
    s->watch = NULL;
    atomic_store_explicit(&s->cancelled, false, memory_order_relaxed);
    s->next = atomic_load_explicit(pile, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(pile, &s->next, s, memory_order_release,
                                                  memory_order_relaxed))
        ;
    atomic_fetch_sub_explicit(&rpc->live, 1, memory_order_release); /* the last touch */
}

static void free_list(struct served *first)
{
    for (struct served *s = first, *next; s != NULL; s = next) {
        next = s->next;
        grpc_metadata_array_destroy(&s->meta);
        grpc_call_details_destroy(&s->details);
        free(s);
    }
}

void call_free_all(struct poller *p)
{
    free_list(p->free);
    free_list(atomic_exchange(&p->returned, NULL));
    p->free = NULL;
}

static void op_ended(struct served *s)
{
    if (atomic_fetch_sub_explicit(&s->open_ops, 1, memory_order_acq_rel) == 1)
        recycle(s);
}

void call_keep(struct poller *p)
{
    grpc_completion_queue_thread_local_cache_init(p->cq);
}

/* What came back may be another call's: this thread does core's work for whoever asked first.
 * An arrival is the poll thread's to handle: an empty batch takes it there. */
void call_take(struct poller *p)
{
    struct tag *tag;
    void *at;
    int ok;

    if (!grpc_completion_queue_thread_local_cache_flush(p->cq, &at, &ok))
        return;
    tag = at;
    if (ok != 0 && atomic_load_explicit(&tag->fn, memory_order_acquire) == on_arrived)
        call_start(RPC_OF(tag, struct served, arrived), NULL, 0, tag, on_arrived);
    else
        tag_run(tag, ok != 0);
}

/* ---- arrival ---- */

static void post(struct poller *p, struct method *m)
{
    struct ward_rpc *rpc = p->rpc;
    struct served *s = take(p);
    grpc_call_error e;

    atomic_fetch_add_explicit(&rpc->live, 1, memory_order_relaxed);
    s->method = m;
    atomic_store_explicit(&s->arrived.fn, on_arrived, memory_order_release);
    if (m->registered != NULL)
        e = grpc_server_request_registered_call(
            rpc->core, m->registered, &s->call, &s->deadline, &s->meta,
            m->info->client_streaming ? NULL : &s->payload, p->cq, p->cq, &s->arrived);
    else
        e = grpc_server_request_call(rpc->core, &s->call, &s->details, &s->meta, p->cq, p->cq,
                                     &s->arrived);
    WARD_ASSERT(e == GRPC_CALL_OK);
}

void call_slots(struct poller *p)
{
    for (int k = 0; k < RPC_SLOTS; k++)
        for (int i = 0; i < p->rpc->n_methods; i++)
            post(p, &p->rpc->methods[i]);
    for (int k = 0; k < RPC_SPARE_SLOTS; k++)
        post(p, &p->rpc->unknown);
    atomic_fetch_sub(&p->rpc->live, 1); /* what serve() counted for this poller */
}

/* A call without a deadline of its caller's gets the method's. */
static int64_t deadline_of(const struct served *s)
{
    const struct ward_method_info *m = s->method->info;
    bool streams = m->client_streaming || m->server_streaming;
    int ms = m->deadline_ms > 0 ? m->deadline_ms : streams ? 0 : RPC_UNARY_MS;

    if (gpr_time_cmp(s->deadline, gpr_inf_future(s->deadline.clock_type)) != 0) {
        if (s->deadline.tv_sec > FARTHEST_S) /* a timeout of 99999999 hours is allowed */
            return FARTHEST_S * SECOND_NS;
        return s->deadline.tv_sec * SECOND_NS + s->deadline.tv_nsec - s->rpc->mono_offset;
    }
    return ms == 0 ? WARD_NO_DEADLINE : s->began_ns + ms * WARD_NS_PER_MS;
}

static void fail(struct served *s, struct ward_err *err)
{
    call_log(err);
    call_finish(s, NULL, err->code, err);
}

static void shed(struct served *s)
{
    struct ward_err err = {0};

    ward_metric_add(s->method->stats.shed, 1);
    (void)WARD_FAIL_REASON(&err, RESOURCE_EXHAUSTED, "OVERLOADED",
                           "too many calls are waiting");
    err.retry_after_ms = 250;
    fail(s, &err);
}

/* What the poll thread does with a call: refuse it, run it, or hand it on. */
static void dispatch(struct served *s)
{
    struct method *m = s->method;
    struct ward_err err = {0};

    if (m->registered == NULL) {
        (void)WARD_FAIL(&err, UNIMPLEMENTED, "no such method");
        fail(s, &err);
        return;
    }
    admit_peer(s);
    s->allowed = admit_caller(s, &err) == WARD_OK;
    /* A refused call of an audited method goes on to a worker, which writes the event. */
    if (!s->allowed && (!m->info->audited || s->rpc->cfg.refused == NULL || m->queue == NULL)) {
        fail(s, &err);
        return;
    }
    if (m->async != NULL) {
        m->async(s);
    } else if (m->queue == NULL) {
        call_run(s, &s->at->mem, NULL);
    } else {
        if (m->info->client_streaming || m->info->server_streaming)
            call_watch_close(s); /* unary calls ask when they need to know: call_run.c */
        if (!queue_put(m->queue, s))
            shed(s);
    }
}

static void on_arrived(struct tag *tag, bool ok)
{
    struct served *s = RPC_OF(tag, struct served, arrived);

    if (!ok) { /* the server stops */
        recycle(s);
        return;
    }
    if (!atomic_load_explicit(&s->rpc->stopping, memory_order_relaxed))
        post(s->at, s->method); /* first, or calls pile up in core */
    s->began_ns = ward_mono_ns();
    if (s->method->registered == NULL)
        s->deadline = s->details.deadline;
    s->deadline_ns = deadline_of(s);
    stats_began(s);
    atomic_fetch_add_explicit(&s->rpc->in_flight, 1, memory_order_relaxed);
    dispatch(s);
}

/* ---- the end ---- */

void call_watch_close(struct served *s)
{
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};

    op.data.recv_close_on_server.cancelled = &s->was_cancelled;
    s->close_asked = true;
    atomic_store(&s->open_ops, 2); /* this one, and the final batch that must come */
    call_start(s, &op, 1, &s->closed, on_closed);
}

static void on_closed(struct tag *tag, bool ok)
{
    struct served *s = RPC_OF(tag, struct served, closed);

    (void)ok;
    if (s->was_cancelled != 0)
        atomic_store(&s->cancelled, true);
    if (s->method->async != NULL)
        s->method->async(s);
    op_ended(s);
}

static void on_ended(struct tag *tag, bool ok)
{
    (void)ok; /* false: the caller went away first; nothing is left to do for it */
    op_ended(RPC_OF(tag, struct served, ended));
}

static size_t add_status(struct served *s, grpc_op *op, enum ward_code code,
                         const struct ward_err *err)
{
    uint8_t details[WARD_DETAILS_MAX];
    size_t n;

    op->op = GRPC_OP_SEND_STATUS_FROM_SERVER;
    op->data.send_status_from_server.status = (grpc_status_code)code;
    if (code == WARD_OK)
        return 1;
    s->status_text = grpc_slice_from_copied_string(err->msg);
    op->data.send_status_from_server.status_details = &s->status_text;
    n = ward_details_pack(err, details, sizeof(details));
    s->trailer = (grpc_metadata){
        .key = grpc_slice_from_static_string("grpc-status-details-bin"),
        .value = grpc_slice_from_copied_buffer((const char *)details, n),
    };
    s->has_trailer = true;
    op->data.send_status_from_server.trailing_metadata = &s->trailer;
    op->data.send_status_from_server.trailing_metadata_count = 1;
    return 1;
}

void call_finish(struct served *s, grpc_byte_buffer *msg, enum ward_code code,
                 const struct ward_err *err)
{
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};
    size_t n = s->initial_sent ? 0 : 1;

    if (msg != NULL) {
        ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[n++].data.send_message.send_message = msg;
        s->reply = msg;
    }
    ops[n] = (grpc_op){0};
    n += add_status(s, &ops[n], code, err);
    if (!s->close_asked) { /* nobody watched the call: its close comes with its end */
        ops[n] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
        ops[n++].data.recv_close_on_server.cancelled = &s->was_cancelled;
        atomic_store_explicit(&s->open_ops, 1, memory_order_relaxed);
    }
    stats_ended(s, code, msg == NULL ? 0 : grpc_byte_buffer_length(msg));
    atomic_fetch_sub_explicit(&s->rpc->in_flight, 1, memory_order_relaxed);
    call_start(s, ops, n, &s->ended, on_ended);
}

/* ---- bytes ---- */

grpc_byte_buffer *call_pack(const ProtobufCMessage *m)
{
    grpc_slice slice = grpc_slice_malloc(protobuf_c_message_get_packed_size(m));
    grpc_byte_buffer *bytes;

    protobuf_c_message_pack(m, GRPC_SLICE_START_PTR(slice));
    bytes = grpc_raw_byte_buffer_create(&slice, 1);
    grpc_slice_unref(slice);
    return bytes;
}

enum ward_code call_unpack(const ProtobufCMessageDescriptor *type, grpc_byte_buffer *bytes,
                           size_t elements, struct ward_arena *mem, ProtobufCMessage **out,
                           struct ward_err *err)
{
    grpc_byte_buffer_reader reader;
    enum ward_code code;
    grpc_slice *one;
    grpc_slice flat;

    if (bytes == NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "NO_MESSAGE",
                                "the request has no message");
    if (!grpc_byte_buffer_reader_init(&reader, bytes))
        return WARD_FAIL(err, INVALID_ARGUMENT, "the request cannot be read");
    if (bytes->data.raw.slice_buffer.count == 1 &&
        grpc_byte_buffer_reader_peek(&reader, &one)) {
        code = ward_wire_unpack_most(type, GRPC_SLICE_START_PTR(*one), GRPC_SLICE_LENGTH(*one),
                                     elements, mem, out, err);
    } else {
        flat = grpc_byte_buffer_reader_readall(&reader);
        code = ward_wire_unpack_most(type, GRPC_SLICE_START_PTR(flat), GRPC_SLICE_LENGTH(flat),
                                     elements, mem, out, err);
        grpc_slice_unref(flat);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    return code;
}
