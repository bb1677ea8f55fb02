#include "common/rpc/server.h"

#define GUESS_NS    (1 * WARD_NS_PER_MS) /* assumed cost of a method before its first call */
#define PATIENCE_MS 2000                 /* time that a stream waits for a worker */
/* One part in WAY of a call's time is reserved for the transfer of its answer. */
#define WAY         8
#define WAY_MOST_MS 500
#define RETRY_MS    250
#define RETRY_MOST  5000
#define LEARN       8 /* a method's cost is about the mean of its last LEARN calls */

static bool is_stream(const struct served *s)
{
    return s->method->crew->kind != CREW_WORKERS;
}

int64_t call_patience(const struct served *s)
{
    int64_t most = s->job.arrived_ns + PATIENCE_MS * WARD_NS_PER_MS;

    return is_stream(s) && most < s->deadline_ns ? most : s->deadline_ns;
}

/* Returns the time by which a call must be done, so that its answer arrives before the
 * deadline. The caller's clock started earlier, and the transfer of the answer takes time. */
static int64_t done_by(const struct served *s)
{
    int64_t until = call_patience(s), way = (until - s->job.arrived_ns) / WAY;

    if (until == WARD_NO_DEADLINE)
        return until;
    return until - (way < WAY_MOST_MS * WARD_NS_PER_MS ? way : WAY_MOST_MS * WARD_NS_PER_MS);
}

static void refuse(struct served *s, struct ward_err *err)
{
    call_log(err);
    s->rpc->transport->finish(s, NULL, err->code, err);
}

/* Sets a delay with jitter; otherwise, all rejected callers would retry at once. */
static void retry_later(struct ward_err *err, int64_t wait_ns, int64_t now)
{
    int64_t ms = wait_ns / WARD_NS_PER_MS;

    ms = ms < RETRY_MS ? RETRY_MS : ms > RETRY_MOST ? RETRY_MOST : ms;
    err->retry_after_ms = (int)(ms + ms * (now / 1024 % 64) / 128);
}

static void overloaded(struct served *s, int64_t wait_ns)
{
    int64_t now = ward_mono_ns();
    struct ward_err err = {0};

    ward_metric_add(s->method->stats.shed, 1);
    (void)WARD_FAIL_REASON(&err, RESOURCE_EXHAUSTED, "OVERLOADED",
                           "too many calls are waiting");
    retry_later(&err, wait_ns, now);
    s->hold_ms = peer_refused(s->from, now);
    refuse(s, &err);
}

/* Assigns the call to its peer's entry. If the transport does not know the peer's address, the
 * name alone identifies the peer. */
static void hold(struct served *s)
{
    static const uint8_t nowhere[16];

    if (s->from != NULL)
        peer_share(s->from);
    else
        s->from = peers_hold(&s->rpc->peers, s->peer, nowhere);
    s->queued = true;
    ward_metric_add(s->from->calls, 1);
}

void call_let_go(struct served *s)
{
    struct peer *p = s->from;

    if (!s->queued)
        return;
    if (s->runs)
        queue_ended(&s->method->crew->queue, &p->flows[s->method->crew->kind][s->job.lane]);
    s->queued = s->runs = false;
    s->from = NULL;
    peer_drop(p);
}

void call_queue(struct served *s)
{
    struct method *m = s->method;
    struct crew *crew = m->crew;
    int64_t cost = atomic_load_explicit(&m->cost_ns, memory_order_relaxed), wait_ns;
    /* Rejected calls are never urgent. */
    enum queue_lane lane = s->allowed ? m->lane : QUEUE_BULK;
    struct job *evicted;

    hold(s);
    s->job = (struct job){
        .lane = lane, .cost_ns = cost == 0 ? GUESS_NS : cost, .arrived_ns = ward_mono_ns()};
    s->job.deadline_ns = done_by(s);
    if (queue_put(&crew->queue, &s->job, &s->from->flows[crew->kind][lane], &evicted,
                  &wait_ns) != QUEUE_TAKEN)
        overloaded(s, wait_ns);
    if (evicted != NULL)
        overloaded(RPC_OF(evicted, struct served, job), wait_ns);
}

void call_give_up(struct served *s, enum ward_code code)
{
    struct ward_err err = {0};

    /* A rejected call still waits for the worker that writes its audit event. */
    if (!s->allowed || !queue_remove(&s->method->crew->queue, &s->job))
        return;
    if (code == WARD_CANCELLED)
        (void)WARD_FAIL(&err, CANCELLED, "the caller disconnected");
    else if (s->deadline_ns > ward_mono_ns()) {
        overloaded(s, PATIENCE_MS * WARD_NS_PER_MS);
        return;
    } else
        (void)WARD_FAIL(&err, DEADLINE_EXCEEDED,
                        "the deadline passed before the call was served");
    /* A caller that disconnected near its deadline probably did so because the deadline
     * passed. */
    if (code != WARD_CANCELLED || ward_mono_ns() > s->job.deadline_ns)
        queue_learn(&s->method->crew->queue, true);
    refuse(s, &err);
}

/* ---- called by the worker ---- */

void call_taken(struct served *s, int64_t now)
{
    s->runs = true;
    atomic_fetch_add_explicit(&s->method->crew->busy, 1, memory_order_relaxed);
    stats_waited(s, now - s->job.arrived_ns);
}

/* A failed call never lowers the estimate: a call without a token fails at once, at any cost of
 * the others. */
void call_measured(struct served *s, int64_t began, enum ward_code code)
{
    struct crew *crew = s->method->crew;
    int64_t now = ward_mono_ns(), took = now - began;
    int64_t was = atomic_load_explicit(&s->method->cost_ns, memory_order_relaxed);

    atomic_fetch_sub_explicit(&crew->busy, 1, memory_order_relaxed);
    ward_metric_add(s->from->busy, (double)took / 1e9);
    if (code == WARD_OK || took > was)
        atomic_store_explicit(&s->method->cost_ns, was == 0 ? took : was + (took - was) / LEARN,
                              memory_order_relaxed);
    if (!is_stream(s) && s->deadline_ns != WARD_NO_DEADLINE)
        queue_learn(&crew->queue,
                    now > s->job.deadline_ns && began - s->job.arrived_ns > took / 4);
}
