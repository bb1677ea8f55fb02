#include "common/rpc/load/queue.h"

#include "common/base/clock.h"

#define FAIR_TURNS 16  /* limit of consecutive bedside jobs while bulk jobs wait */
#define MARGIN_MIN 110 /* percent */
#define MARGIN_MAX 400
/* Percent: a late job raises the margin by this, a punctual one lowers it by 1. */
#define LATE_PCT 10

void queue_init(struct queue *q, int bound, int workers, int reserved, int each)
{
    *q = (struct queue){.bound = bound, .workers = workers, .reserved = reserved, .each = each};
    atomic_init(&q->margin_pct, MARGIN_MIN);
    pthread_mutex_init(&q->lock, NULL);
}

void queue_done(struct queue *q)
{
    pthread_mutex_destroy(&q->lock);
}

/* ---- flows: all with the lock held ---- */

static void activate(struct lane *l, struct flow *f)
{
    if (f->used_ns < l->used_ns) /* a flow gains no credit while it has no jobs */
        f->used_ns = l->used_ns;
    f->prev = NULL;
    f->next = l->flows;
    if (l->flows != NULL)
        l->flows->prev = f;
    l->flows = f;
}

static void retire(struct lane *l, struct flow *f)
{
    *(f->prev == NULL ? &l->flows : &f->prev->next) = f->next;
    if (f->next != NULL)
        f->next->prev = f->prev;
}

static void append(struct queue *q, struct job *j, struct flow *f)
{
    struct lane *l = &q->lanes[j->lane];

    if (f->first == NULL)
        activate(l, f);
    j->flow = f;
    j->next = NULL;
    j->prev = f->last;
    *(f->last == NULL ? &f->first : &f->last->next) = j;
    f->last = j;
    f->cost_ns += j->cost_ns;
    f->waiting++;
    l->cost_ns += j->cost_ns;
    l->waiting++;
}

static int waiting(const struct queue *q)
{
    return q->lanes[QUEUE_BEDSIDE].waiting + q->lanes[QUEUE_BULK].waiting;
}

static void take_out(struct queue *q, struct job *j)
{
    struct lane *l = &q->lanes[j->lane];
    struct flow *f = j->flow;

    *(j->prev == NULL ? &f->first : &j->prev->next) = j->next;
    *(j->next == NULL ? &f->last : &j->next->prev) = j->prev;
    f->cost_ns -= j->cost_ns;
    f->waiting--;
    l->cost_ns -= j->cost_ns;
    l->waiting--;
    j->flow = NULL;
    if (f->first == NULL)
        retire(l, f);
    if (waiting(q) <= q->bound / 2)
        q->newest_first = false;
}

/* ---- which job is next ---- */

/* Returns the flow with the least used time that may run one more job; NULL: none. */
static struct flow *next_flow(const struct queue *q, const struct lane *l)
{
    struct flow *least = NULL;

    for (struct flow *f = l->flows; f != NULL; f = f->next)
        if ((q->each == 0 || q->stopped || f->running < q->each) &&
            (least == NULL || f->used_ns < least->used_ns))
            least = f;
    return least;
}

static bool may_run(const struct queue *q, enum queue_lane lane)
{
    const struct lane *l = &q->lanes[lane];

    return l->waiting > 0 && next_flow(q, l) != NULL &&
           (lane == QUEUE_BEDSIDE || q->stopped || l->running < q->workers - q->reserved);
}

static struct job *pick(struct queue *q)
{
    bool bulk = may_run(q, QUEUE_BULK), bedside = may_run(q, QUEUE_BEDSIDE);
    struct flow *least;
    struct lane *l;
    struct job *j;

    if (!bulk && !bedside)
        return NULL;
    if (bulk && bedside && q->in_a_row++ < FAIR_TURNS)
        bulk = false;
    if (bulk)
        q->in_a_row = 0;
    l = &q->lanes[bulk ? QUEUE_BULK : QUEUE_BEDSIDE];
    least = next_flow(q, l);
    j = q->newest_first ? least->last : least->first;
    l->used_ns = least->used_ns;
    least->used_ns += j->cost_ns;
    take_out(q, j);
    least->running++;
    l->running++;
    q->running_ns += j->cost_ns;
    return j;
}

/* Returns the worker to wake after unlocking, or NULL. Waking a thread takes longer than a
 * short handler, so at most one worker is woken at a time. That worker takes a job and wakes
 * the next one if jobs still wait. A worker that has ended a job checks the queue before it
 * sleeps, so under load no worker needs to be woken. */
static struct waiter *rouse(struct queue *q)
{
    struct waiter *w = q->idle;

    if (q->waking || w == NULL || !(may_run(q, QUEUE_BEDSIDE) || may_run(q, QUEUE_BULK)))
        return NULL;
    q->idle = w->next;
    q->n_idle--;
    q->waking = true;
    return w;
}

/* ---- arrival ---- */

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Returns the number of a lane's jobs that the limit for each flow permits to run. */
static int ready(const struct queue *q, const struct lane *l)
{
    int n = 0;

    if (q->each == 0)
        return l->waiting;
    for (const struct flow *f = l->flows; f != NULL; f = f->next)
        n += f->running < q->each ? least(f->waiting, q->each - f->running) : 0;
    return n;
}

/* Returns the number of jobs that idle workers are about to take. */
static int soon(const struct queue *q)
{
    int idle = q->n_idle + (int)q->waking;
    int bedside = least(idle, ready(q, &q->lanes[QUEUE_BEDSIDE]));
    int room = q->workers - q->reserved - q->lanes[QUEUE_BULK].running;
    int bulk = least(least(idle - bedside, room), ready(q, &q->lanes[QUEUE_BULK]));

    return bedside + (bulk > 0 ? bulk : 0);
}

/* Returns whether a worker is free for one more job of this flow. */
static bool is_free(const struct queue *q, enum queue_lane lane, const struct flow *f)
{
    const struct lane *bulk = &q->lanes[QUEUE_BULK];
    int free = q->n_idle + (int)q->waking - q->lanes[QUEUE_BEDSIDE].waiting;
    int room = q->workers - q->reserved - bulk->running;

    if (q->each > 0 && f->running + f->waiting >= q->each)
        return false;
    if (lane == QUEUE_BEDSIDE)
        return free > 0;
    return least(free, room) > bulk->waiting;
}

/* Estimates the wait of a new job of this flow: half of the running jobs, bedside jobs, and the
 * jobs of its lane that are served first. */
static int64_t expected(const struct queue *q, const struct job *j, const struct flow *f)
{
    const struct lane *l = &q->lanes[j->lane];
    int workers = j->lane == QUEUE_BULK ? q->workers - q->reserved : q->workers;
    int64_t mine = q->newest_first ? 0 : f->cost_ns, ahead = mine + q->running_ns / 2;

    if (j->lane == QUEUE_BULK)
        ahead += q->lanes[QUEUE_BEDSIDE].cost_ns;
    for (const struct flow *o = l->flows; o != NULL; o = o->next)
        if (o != f)
            ahead += o->cost_ns < mine + j->cost_ns ? o->cost_ns : mine + j->cost_ns;
    return ahead / (workers < 1 ? 1 : workers);
}

static bool in_time(const struct queue *q, const struct job *j, int64_t wait_ns)
{
    int margin = atomic_load_explicit(&q->margin_pct, memory_order_relaxed);

    return j->deadline_ns == WARD_NO_DEADLINE ||
           (wait_ns + j->cost_ns) / 100 * margin <= j->deadline_ns - j->arrived_ns;
}

/* Selects the job to evict: the oldest job of the flow with the most work. Bulk jobs are
 * evicted first, and a bulk job never evicts a bedside job. */
static struct job *victim(const struct queue *q, const struct job *j, const struct flow *own)
{
    for (int lane = QUEUE_BULK; lane >= (int)j->lane; lane--) {
        const struct flow *most = q->lanes[lane].flows;

        for (const struct flow *f = most; f != NULL; f = f->next)
            if (f->cost_ns + (f == own ? j->cost_ns : 0) >
                most->cost_ns + (most == own ? j->cost_ns : 0))
                most = f;
        if (most != NULL)
            return most->first;
    }
    return NULL;
}

/* Lock held. */
static enum queue_answer admit(struct queue *q, struct job *j, struct flow *f,
                               struct job **evicted, int64_t *wait_ns)
{
    if (q->stopped)
        return QUEUE_FULL;
    if (is_free(q, j->lane, f))
        return QUEUE_TAKEN;
    *wait_ns = expected(q, j, f);
    if (!in_time(q, j, *wait_ns))
        return QUEUE_LATE;
    if (waiting(q) - soon(q) < q->bound)
        return QUEUE_TAKEN;
    *evicted = q->bound == 0 ? NULL : victim(q, j, f);
    if (*evicted == NULL)
        return QUEUE_FULL;
    take_out(q, *evicted);
    q->newest_first = true;
    return QUEUE_TAKEN;
}

enum queue_answer queue_put(struct queue *q, struct job *j, struct flow *f,
                            struct job **evicted, int64_t *wait_ns)
{
    struct waiter *wake = NULL;
    enum queue_answer answer;

    *evicted = NULL;
    *wait_ns = 0;
    j->flow = NULL;
    pthread_mutex_lock(&q->lock);
    answer = admit(q, j, f, evicted, wait_ns);
    if (answer == QUEUE_TAKEN) {
        append(q, j, f);
        wake = rouse(q);
    }
    pthread_mutex_unlock(&q->lock);
    if (wake != NULL)
        sem_post(&wake->wake);
    return answer;
}

bool queue_remove(struct queue *q, struct job *j)
{
    bool waits;

    pthread_mutex_lock(&q->lock);
    waits = j->flow != NULL;
    if (waits)
        take_out(q, j);
    pthread_mutex_unlock(&q->lock);
    return waits;
}

/* ---- workers ---- */

/* Sleeps until the worker is woken. Lock held, but released while asleep. */
static void rest(struct queue *q, struct waiter *self)
{
    self->next = q->idle;
    q->idle = self;
    q->n_idle++;
    pthread_mutex_unlock(&q->lock);
    while (sem_wait(&self->wake) != 0)
        ; /* EINTR */
    pthread_mutex_lock(&q->lock);
    q->waking = false;
}

struct job *queue_take(struct queue *q, struct waiter *self)
{
    struct waiter *wake;
    struct job *j;

    pthread_mutex_lock(&q->lock);
    if (self->ran) {
        q->lanes[self->done.lane].running--;
        q->running_ns -= self->done.cost_ns;
        self->ran = false;
    }
    while ((j = pick(q)) == NULL && !q->stopped)
        rest(q, self);
    if (j != NULL) {
        self->ran = true;
        self->done = *j; /* the owner may free the job before the worker returns */
    }
    wake = rouse(q);
    pthread_mutex_unlock(&q->lock);
    if (wake != NULL)
        sem_post(&wake->wake);
    return j;
}

void queue_ended(struct queue *q, struct flow *f)
{
    struct waiter *wake;

    pthread_mutex_lock(&q->lock);
    f->running--;
    wake = rouse(q);
    pthread_mutex_unlock(&q->lock);
    if (wake != NULL)
        sem_post(&wake->wake);
}

void queue_learn(struct queue *q, bool late)
{
    int was = atomic_load_explicit(&q->margin_pct, memory_order_relaxed);
    int now = was + (late ? LATE_PCT : -1); /* of two concurrent updates, one may be lost */

    now = now > MARGIN_MAX ? MARGIN_MAX : now < MARGIN_MIN ? MARGIN_MIN : now;
    if (now != was)
        atomic_store_explicit(&q->margin_pct, now, memory_order_relaxed);
}

void queue_stop(struct queue *q)
{
    struct waiter *idle;

    pthread_mutex_lock(&q->lock);
    q->stopped = true;
    idle = q->idle;
    q->idle = NULL;
    q->n_idle = 0;
    pthread_mutex_unlock(&q->lock);
    while (idle != NULL) {
        struct waiter *next = idle->next; /* invalid after its thread runs */

        sem_post(&idle->wake);
        idle = next;
    }
}

int queue_waiting(struct queue *q)
{
    int n;

    pthread_mutex_lock(&q->lock);
    n = waiting(q);
    pthread_mutex_unlock(&q->lock);
    return n;
}
