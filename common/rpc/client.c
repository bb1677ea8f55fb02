/* Unary calls, and functions shared with streams: route, deadline, retries. */
#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/rpc/client_impl.h"
#include "common/rpc/core.h"

#include <pthread.h>
#include <time.h>

/* Jitter of the first retry; doubles with each retry. */
#define RETRY_WINDOW_NS (100 * WARD_NS_PER_MS)

struct ward_out ward_out_of(const struct ward_call *c)
{
    return (struct ward_out){
        .deadline_ns = c->deadline_ns,
        .token = c->who == NULL ? NULL : c->who->token,
        .traceparent = c->traceparent,
        .served = c,
    };
}

enum ward_code ward_client_route(const struct ward_client *cl, const char *path,
                                 const struct ward_out *with, bool streams,
                                 const struct ward_method_info **info, int64_t *deadline_ns,
                                 struct ward_err *err)
{
    const struct ward_method_info *m = ward_set_method(cl->set, path);
    int64_t now = ward_mono_ns(), until = with == NULL ? 0 : with->deadline_ns;

    if (m == NULL)
        return WARD_FAIL(err, UNIMPLEMENTED, "no descriptor has the method %s", path);
    if ((m->client_streaming || m->server_streaming) != streams)
        return WARD_FAIL(err, UNIMPLEMENTED, "%s is %s method", path,
                         streams ? "a unary" : "a streaming");
    if (until == 0)
        until = m->deadline_ms > 0 ? now + m->deadline_ms * WARD_NS_PER_MS : WARD_NO_DEADLINE;
    if (until <= now)
        return WARD_FAIL(err, DEADLINE_EXCEEDED, "no time left to call %s", cl->server);
    *info = m;
    *deadline_ns = until;
    return WARD_OK;
}

/* ---- retries ---- */

int64_t ward_retry_delay_ns(int retry, int retry_after_ms, uint64_t random)
{
    int64_t window = RETRY_WINDOW_NS << retry;

    return retry_after_ms * WARD_NS_PER_MS + (int64_t)(random % (uint64_t)window);
}

bool ward_retry_wait(struct ward_client *cl, int retry, int retry_after_ms, int64_t deadline_ns)
{
    uint64_t random;
    int64_t until;
    struct timespec at;

    ward_random(&random, sizeof(random));
    until = ward_mono_ns() + ward_retry_delay_ns(retry, retry_after_ms, random);
    if (until >= deadline_ns)
        return false;
    at = (struct timespec){.tv_sec = until / 1000000000, .tv_nsec = until % 1000000000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) != 0)
        continue;
    /* Otherwise, a channel that lost its server could fail this try without connecting. */
    grpc_channel_reset_connect_backoff(cl->channel);
    return true;
}

/* ---- unary ---- */

/* Each thread has one queue, because creating a queue takes longer than a call. The queue holds
 * a reference to core, because the thread may outlive its last client. */
static pthread_key_t queue_key;
static pthread_once_t queue_once = PTHREAD_ONCE_INIT;

static void drop_queue(void *cq)
{
    grpc_completion_queue_shutdown(cq);
    grpc_completion_queue_destroy(cq);
    grpc_shutdown();
}

static void make_key(void)
{
    WARD_ASSERT(pthread_key_create(&queue_key, drop_queue) == 0);
}

static grpc_completion_queue *own_queue(void)
{
    grpc_completion_queue *cq;

    pthread_once(&queue_once, make_key);
    cq = pthread_getspecific(queue_key);
    if (cq == NULL) {
        grpc_init();
        cq = grpc_completion_queue_create_for_pluck(NULL);
        WARD_ASSERT(pthread_setspecific(queue_key, cq) == 0);
    }
    return cq;
}

/* The waiter for a call that a handler makes. All completion queues of a process share one
 * epoll. A thread that waited at a queue would read arriving calls, only to wake the poll
 * thread for each. This thread therefore sleeps on a semaphore. */
struct sleep {
    struct tag tag;
    sem_t ended;
};

static void on_ended(struct tag *tag, bool ok)
{
    (void)ok; /* always true for a batch that receives the status */
    sem_post(&RPC_OF(tag, struct sleep, tag)->ended);
}

static void start(struct ward_exchange *x, const grpc_op *ops, size_t n, void *tag)
{
    WARD_ASSERT(grpc_call_start_batch(x->call, ops, n, tag, NULL) == GRPC_CALL_OK);
}

/* run_at_own_queue and run_asleep block at most until the call's deadline, which core
 * enforces. */
static void run_at_own_queue(struct ward_exchange *x, const grpc_op *ops, size_t n,
                             grpc_completion_queue *cq)
{
    start(x, ops, n, x);
    grpc_completion_queue_pluck(cq, x, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
}

static void run_asleep(struct ward_exchange *x, const grpc_op *ops, size_t n)
{
    struct sleep s;

    sem_init(&s.ended, 0, 0);
    atomic_store_explicit(&s.tag.fn, on_ended, memory_order_release);
    start(x, ops, n, &s.tag);
    while (sem_wait(&s.ended) != 0)
        ; /* interrupted by a signal */
    sem_destroy(&s.ended);
}

struct unary {
    struct ward_client *cl;
    const char *path;
    const struct ward_out *with;
    int64_t deadline_ns;
    struct ward_headers headers;
    grpc_slice request;
};

static void try_once(struct unary *u, struct ward_exchange *x)
{
    grpc_completion_queue *at = u->with == NULL ? NULL : core_poller(u->with->served);
    grpc_completion_queue *cq = at == NULL ? own_queue() : at;
    /* Sending consumes the buffer's slices, so each try needs its own buffer. */
    grpc_byte_buffer *message = grpc_raw_byte_buffer_create(&u->request, 1);
    grpc_op ops[6];

    ward_exchange_init(x, u->cl, cq, u->path, u->with, u->deadline_ns);
    ops[0] = (grpc_op){
        .op = GRPC_OP_SEND_INITIAL_METADATA,
        .data.send_initial_metadata = {.count = u->headers.n, .metadata = u->headers.at}};
    ops[1] = (grpc_op){.op = GRPC_OP_SEND_MESSAGE, .data.send_message.send_message = message};
    ops[2] = (grpc_op){.op = GRPC_OP_SEND_CLOSE_FROM_CLIENT};
    ops[3] = (grpc_op){.op = GRPC_OP_RECV_INITIAL_METADATA,
                       .data.recv_initial_metadata = {.recv_initial_metadata = &x->initial}};
    ops[4] =
        (grpc_op){.op = GRPC_OP_RECV_MESSAGE, .data.recv_message = {.recv_message = &x->reply}};
    ops[5] = ward_exchange_status_op(x);
    if (at == NULL)
        run_at_own_queue(x, ops, WARD_COUNT(ops), cq);
    else
        run_asleep(x, ops, WARD_COUNT(ops));
    grpc_byte_buffer_destroy(message);
}

static enum ward_code call_once(struct unary *u, const ProtobufCMessageDescriptor *type,
                                ProtobufCMessage **resp, struct ward_arena *mem,
                                struct ward_err *err)
{
    struct ward_exchange x;
    enum ward_code code;

    try_once(u, &x);
    if (x.status != GRPC_STATUS_OK)
        code = ward_exchange_fail(u->cl, &x, err);
    else if (x.reply == NULL)
        code = WARD_FAIL_REASON(err, INTERNAL, "REPLY_MALFORMED",
                                "%s returned OK without a reply", u->cl->server);
    else
        code = ward_exchange_reply(&x, type, mem, resp, err);
    ward_exchange_done(&x);
    return code;
}

enum ward_code ward_client_call(struct ward_client *cl, const char *path,
                                const struct ward_out *with, const ProtobufCMessage *req,
                                const ProtobufCMessageDescriptor *resp_type,
                                ProtobufCMessage **resp, struct ward_arena *mem,
                                struct ward_err *err)
{
    struct unary u = {.cl = cl, .path = path, .with = with};
    const struct ward_method_info *info;
    struct ward_err why = {0};
    enum ward_code code;

    WARD_TRY(ward_client_route(cl, path, with, false, &info, &u.deadline_ns, err));
    WARD_TRY(ward_headers_make(with, &u.headers, err));
    code = ward_client_pack(cl, req, &u.request, &why);
    if (code == WARD_OK) {
        code = call_once(&u, resp_type, resp, mem, &why);
        for (int retry = 0; code == WARD_UNAVAILABLE && info->idempotent; retry++) {
            if (retry == WARD_RETRIES ||
                !ward_retry_wait(cl, retry, why.retry_after_ms, u.deadline_ns))
                break;
            code = call_once(&u, resp_type, resp, mem, &why);
        }
        grpc_slice_unref(u.request);
    }
    ward_headers_done(&u.headers);
    if (code != WARD_OK && err != NULL)
        *err = why;
    return code;
}
