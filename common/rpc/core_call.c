#include "common/rpc/core.h"

#include <grpc/byte_buffer.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_NS  INT64_C(1000000000)
#define FARTHEST_S INT64_C(4000000000) /* latest deadline that a handler receives */

static void post(struct poller *p, struct method *m);
static void on_arrived(struct tag *tag, bool ok);
static void on_closed(struct tag *tag, bool ok);
static void on_ended(struct tag *tag, bool ok);

void core_start(struct core_call *s, const grpc_op *ops, size_t n, struct tag *tag, tag_fn *fn)
{
    grpc_call *call = s->call; /* *s may be freed before grpc_call_start_batch returns */
    grpc_call_error e;

    atomic_store_explicit(&tag->fn, fn, memory_order_release);
    e = grpc_call_start_batch(call, ops, n, tag, NULL);
    WARD_ASSERT(e == GRPC_CALL_OK);
}

/* ---- memory: each poller recycles its own ---- */

static struct core_call *take(struct poller *p)
{
    struct core_call *s;

    if (p->free == NULL)
        p->free = atomic_exchange_explicit(&p->returned, NULL, memory_order_acquire);
    s = p->free;
    if (s != NULL) {
        p->free = (struct core_call *)s->s.next;
        return s;
    }
    s = calloc(1, sizeof(*s));
    WARD_ASSERT(s != NULL);
    s->s.rpc = p->rpc;
    s->at = p;
    grpc_metadata_array_init(&s->meta);
    grpc_call_details_init(&s->details);
    return s;
}

/* Prepares s for the next call. The metadata array keeps its capacity; its slices belonged to
 * the call. */
static void recycle(struct core_call *s)
{
    _Atomic(struct core_call *) *pile = &s->at->returned;
    struct core *core = s->s.rpc->core;
    struct core_call *top;

    if (s->s.method == &s->s.rpc->unknown) {
        grpc_call_details_destroy(&s->details);
        grpc_call_details_init(&s->details);
    }
    if (s->s.method->async != NULL)
        health_gone(&s->s);
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
    s->has_trailer = s->close_asked = s->initial_sent = s->s.allowed = false;
    s->was_cancelled = 0;
    s->s.watch = NULL;
    atomic_store_explicit(&s->s.cancelled, false, memory_order_relaxed);
    top = atomic_load_explicit(pile, memory_order_relaxed);
    do
        s->s.next = (struct served *)top;
    while (!atomic_compare_exchange_weak_explicit(pile, &top, s, memory_order_release,
                                                  memory_order_relaxed));
    /* s must not be used after this */
    atomic_fetch_sub_explicit(&core->live, 1, memory_order_release);
}

static void free_list(struct core_call *first)
{
    for (struct core_call *s = first, *next; s != NULL; s = next) {
        next = (struct core_call *)s->s.next;
        grpc_metadata_array_destroy(&s->meta);
        grpc_call_details_destroy(&s->details);
        free(s);
    }
}

void core_free_all(struct poller *p)
{
    free_list(p->free);
    free_list(atomic_exchange(&p->returned, NULL));
    p->free = NULL;
}

static void op_ended(struct core_call *s)
{
    if (atomic_fetch_sub_explicit(&s->open_ops, 1, memory_order_acq_rel) == 1)
        recycle(s);
}

static void keep(struct poller *p)
{
    grpc_completion_queue_thread_local_cache_init(p->cq);
}

/* The returned completion may belong to another call, because core runs pending work on any
 * thread that calls it. Only the poll thread handles an arrival, so an empty batch transfers an
 * arrival to that thread. */
static void take_one(struct poller *p)
{
    struct tag *tag;
    void *at;
    int ok;

    if (!grpc_completion_queue_thread_local_cache_flush(p->cq, &at, &ok))
        return;
    tag = at;
    if (ok != 0 && atomic_load_explicit(&tag->fn, memory_order_acquire) == on_arrived)
        core_start(RPC_OF(tag, struct core_call, arrived), NULL, 0, tag, on_arrived);
    else
        tag_run(tag, ok != 0);
}

/* ---- arrival ---- */

static void post(struct poller *p, struct method *m)
{
    struct ward_rpc *rpc = p->rpc;
    struct core_call *s = take(p);
    grpc_call_error e;

    atomic_fetch_add_explicit(&rpc->core->live, 1, memory_order_relaxed);
    s->s.method = m;
    atomic_store_explicit(&s->arrived.fn, on_arrived, memory_order_release);
    if (m->registered != NULL)
        e = grpc_server_request_registered_call(
            rpc->core->server, m->registered, &s->call, &s->deadline, &s->meta,
            m->info->client_streaming ? NULL : &s->payload, p->cq, p->cq, &s->arrived);
    else
        e = grpc_server_request_call(rpc->core->server, &s->call, &s->details, &s->meta, p->cq,
                                     p->cq, &s->arrived);
    WARD_ASSERT(e == GRPC_CALL_OK);
}

void core_slots(struct poller *p)
{
    for (int k = 0; k < CORE_SLOTS; k++)
        for (int i = 0; i < p->rpc->n_methods; i++)
            post(p, &p->rpc->methods[i]);
    for (int k = 0; k < CORE_SPARE_SLOTS; k++)
        post(p, &p->rpc->unknown);
    /* The count that core_serve added for this poller. */
    atomic_fetch_sub(&p->rpc->core->live, 1);
}

/* Returns the caller's deadline, or the method's if the caller set none. */
static int64_t deadline_of(const struct core_call *s)
{
    if (gpr_time_cmp(s->deadline, gpr_inf_future(s->deadline.clock_type)) == 0)
        return call_own_deadline(&s->s);
    if (s->deadline.tv_sec > FARTHEST_S) /* a timeout of 99999999 hours is allowed */
        return FARTHEST_S * SECOND_NS;
    return s->deadline.tv_sec * SECOND_NS + s->deadline.tv_nsec - s->s.rpc->core->mono_offset;
}

static void on_arrived(struct tag *tag, bool ok)
{
    struct core_call *s = RPC_OF(tag, struct core_call, arrived);
    const struct method *m = s->s.method;

    if (!ok) { /* the server is stopping */
        recycle(s);
        return;
    }
    if (!atomic_load_explicit(&s->s.rpc->stopping, memory_order_relaxed))
        /* Post the next slot first; otherwise, calls queue up in core. */
        post(s->at, s->s.method);
    s->s.began_ns = ward_mono_ns();
    if (m->registered == NULL)
        s->deadline = s->details.deadline;
    s->s.deadline_ns = deadline_of(s);
    if (m->crew != NULL && (m->info->client_streaming || m->info->server_streaming))
        /* a unary call does this only when its handler asks for cancellation */
        core_watch_close(&s->s);
    call_arrived(&s->s, s->payload == NULL ? 0 : grpc_byte_buffer_length(s->payload),
                 &s->at->mem);
}

/* ---- the end ---- */

void core_watch_close(struct served *served)
{
    struct core_call *s = core_of(served);
    grpc_op op = {.op = GRPC_OP_RECV_CLOSE_ON_SERVER};

    op.data.recv_close_on_server.cancelled = &s->was_cancelled;
    s->close_asked = true;
    atomic_store(&s->open_ops, 2); /* this batch and the final batch */
    core_start(s, &op, 1, &s->closed, on_closed);
}

static void on_closed(struct tag *tag, bool ok)
{
    struct core_call *s = RPC_OF(tag, struct core_call, closed);

    (void)ok;
    if (s->was_cancelled != 0)
        atomic_store(&s->s.cancelled, true);
    if (s->s.method->async != NULL)
        s->s.method->async(&s->s, NULL);
    op_ended(s);
}

static void on_ended(struct tag *tag, bool ok)
{
    (void)ok; /* false: the caller disconnected first; nothing is left to do */
    op_ended(RPC_OF(tag, struct core_call, ended));
}

static size_t add_status(struct core_call *s, grpc_op *op, enum ward_code code,
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

void core_finish(struct served *served, const ProtobufCMessage *resp, enum ward_code code,
                 const struct ward_err *err)
{
    struct core_call *s = core_of(served);
    grpc_op ops[4] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}};
    size_t n = s->initial_sent ? 0 : 1;

    if (resp != NULL) {
        s->reply = core_pack(resp);
        ops[n] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE};
        ops[n++].data.send_message.send_message = s->reply;
    }
    ops[n] = (grpc_op){0};
    n += add_status(s, &ops[n], code, err);
    if (!s->close_asked) { /* no RECV_CLOSE was started, so the final batch includes it */
        ops[n] = (grpc_op){.op = GRPC_OP_RECV_CLOSE_ON_SERVER};
        ops[n++].data.recv_close_on_server.cancelled = &s->was_cancelled;
        atomic_store_explicit(&s->open_ops, 1, memory_order_relaxed);
    }
    call_counted(served, code, resp == NULL ? 0 : grpc_byte_buffer_length(s->reply));
    core_start(s, ops, n, &s->ended, on_ended);
}

/* A worker's completions are handled on the worker, which avoids waking a poll thread. */
void core_reply(struct served *s, const ProtobufCMessage *resp, enum ward_code code,
                const struct ward_err *err)
{
    struct poller *at = core_of(s)->at;
    bool worker = s->method->crew != NULL;

    if (worker)
        keep(at);
    core_finish(s, resp, code, err);
    if (worker)
        take_one(at);
}

/* ---- properties of a call ---- */

int core_meta(const struct served *served, const char *key, const char **value, size_t *len)
{
    const struct core_call *s = core_of(served);
    size_t n = strlen(key);
    int seen = 0;

    for (size_t i = 0; i < s->meta.count; i++) {
        const grpc_metadata *m = &s->meta.metadata[i];

        if (GRPC_SLICE_LENGTH(m->key) != n || memcmp(GRPC_SLICE_START_PTR(m->key), key, n) != 0)
            continue;
        seen++;
        *value = (const char *)GRPC_SLICE_START_PTR(m->value);
        *len = GRPC_SLICE_LENGTH(m->value);
    }
    return seen;
}

/* Core sets this property only if the certificate has exactly one URI and the URI is a SPIFFE
 * id. */
void core_peer(struct served *s)
{
    const grpc_auth_property *p;
    grpc_auth_property_iterator it;
    grpc_auth_context *ctx;

    s->peer[0] = '\0';
    if (!s->rpc->secure)
        return;
    ctx = grpc_call_auth_context(core_of(s)->call);
    it = grpc_auth_context_find_properties_by_name(ctx, GRPC_PEER_SPIFFE_ID_PROPERTY_NAME);
    p = grpc_auth_property_iterator_next(&it);
    if (p != NULL)
        admit_uri(p->value, p->value_length, s->peer);
    grpc_auth_context_release(ctx);
}

/* Core reports a call's end only after a RECV_CLOSE operation, which takes a tenth of the time
 * of a short call. A unary call therefore starts this operation at the first query. */
bool core_gone(struct served *served)
{
    struct core_call *s = core_of(served);

    if (!s->close_asked) {
        keep(s->at);
        core_watch_close(served);
        take_one(s->at); /* handles the close at once if the caller has already disconnected */
    }
    return atomic_load_explicit(&served->cancelled, memory_order_relaxed);
}

static bool on_core(const struct ward_call *c)
{
    return c != NULL && c->served != NULL && c->served->rpc->core != NULL;
}

grpc_call *core_parent(const struct ward_call *c)
{
    if (!on_core(c))
        return NULL;
    /* Core cancels child calls only after RECV_CLOSE was started on the parent. */
    (void)core_gone(c->served);
    return core_of(c->served)->call;
}

/* Starts the pump at the first use, because only some services make calls of their own. The
 * pump runs until the server has stopped. */
static grpc_completion_queue *rpc_pump(struct ward_rpc *rpc)
{
    void *pump = atomic_load(&rpc->pump), *none = NULL;

    if (pump != NULL)
        return pump;
    pump = core_pump_hold();
    if (!atomic_compare_exchange_strong(&rpc->pump, &none, pump))
        core_pump_drop(); /* another worker stored the same pump first */
    return pump;
}

grpc_completion_queue *core_poller(const struct ward_call *c)
{
    if (c == NULL || c->served == NULL || c->served->method->crew == NULL)
        return NULL;
    if (on_core(c))
        return core_of(c->served)->at->cq;
    return rpc_pump(c->served->rpc);
}

enum ward_code core_request(struct served *s, struct ward_arena *mem, ProtobufCMessage **out,
                            struct ward_err *err)
{
    return core_unpack(s->method->req, core_of(s)->payload, s->rpc->cfg.max_elements, mem, out,
                       err);
}

void core_cancel(struct served *s)
{
    grpc_call_cancel_with_status(core_of(s)->call, GRPC_STATUS_UNAVAILABLE,
                                 "the server is stopping", NULL);
}

static void on_pushed(struct tag *tag, bool ok)
{
    (void)ok; /* false: the close event follows and has the cause */
    health_moved(&RPC_OF(tag, struct core_call, wrote)->s);
}

void core_push(struct served *served, const ProtobufCMessage *msg)
{
    struct core_call *s = core_of(served);
    grpc_op ops[2] = {{.op = GRPC_OP_SEND_INITIAL_METADATA}, {.op = GRPC_OP_SEND_MESSAGE}};

    grpc_byte_buffer_destroy(s->reply);
    s->reply = core_pack(msg);
    ops[1].data.send_message.send_message = s->reply;
    if (s->initial_sent)
        core_start(s, ops + 1, 1, &s->wrote, on_pushed);
    else
        core_start(s, ops, 2, &s->wrote, on_pushed);
    s->initial_sent = true;
}
