/* The queue's calls: admission, waiting, running, the watcher. */
#include "common/base/clock.h"
#include "common/serve/queue_own.h"

#include <stdlib.h>
#include <string.h>

#define MAX_ROWS 32
#define CAP_ROWS 1024
#define SCRATCH  ((size_t)256 << 20)
#define TICK_NS  (5 * WARD_NS_PER_MS) /* period of the checks of running and waiting calls */
#define DOZE_NS  (INT64_C(200) * TICK_NS)

static const double ROWS[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 0};
static struct ward_family batch_rows = {
    .name = "ward_serve_batch_rows",
    .help = "Number of rows in one run of a model, without padding.",
    .type = WARD_HISTOGRAM,
    .label = {"model"},
    .bounds = ROWS,
};
static struct ward_family batches = {
    .name = "ward_serve_batches_total",
    .help = "Number of runs of a model, by the cause that closed the batch: full (largest "
            "useful size), delay (configured wait is over), deadline (a row could not wait "
            "longer), lane (waiting rows have another lane), idle (no row waits), shape (the "
            "next row has another shape).",
    .type = WARD_COUNTER,
    .label = {"model", "reason"},
};
static struct ward_family wait_seconds = {
    .name = "ward_serve_wait_seconds",
    .help = "Time from the arrival of a call to the start of the run that contains the call's "
            "first row.",
    .type = WARD_HISTOGRAM,
    .label = {"model", "lane"},
    .bounds = WARD_SECONDS,
};
static struct ward_family waiting_rows = {
    .name = "ward_serve_waiting_rows",
    .help = "Number of queued rows.",
    .type = WARD_GAUGE,
    .label = {"model", "lane"},
};
static struct ward_family refused = {
    .name = "ward_serve_refused_total",
    .help = "Number of calls that left the queue without a run of the model: full (rejected at "
            "once), deadline, cancelled.",
    .type = WARD_COUNTER,
    .label = {"model", "reason"},
};
WARD_METRIC_LISTED(batch_rows)
WARD_METRIC_LISTED(batches)
WARD_METRIC_LISTED(wait_seconds)
WARD_METRIC_LISTED(waiting_rows)
WARD_METRIC_LISTED(refused)

/* ---- calls ---- */

bool entry_late(const struct entry *e, int64_t now_ns)
{
    return e->stop != NULL && e->stop->deadline_ns != WARD_NO_DEADLINE &&
           now_ns >= e->stop->deadline_ns;
}

bool entry_gone(const struct entry *e)
{
    return e->stop != NULL && e->stop->gone != NULL && e->stop->gone(e->stop->arg);
}

static void join(struct ward_queue *q, struct entry *e)
{
    struct lane *l = &q->lane[e->lane];

    if (l->last == NULL)
        l->first = e;
    else
        l->last->next = e;
    l->last = e;
    e->queued = true;
    l->rows += e->rows;
    ward_metric_set(l->waiting, (double)l->rows);
}

void entry_leave(struct ward_queue *q, struct entry *e)
{
    struct lane *l = &q->lane[e->lane];
    struct entry **at = &l->first, *before = NULL;

    if (!e->queued)
        return;
    while (*at != e) {
        before = *at;
        at = &before->next;
    }
    *at = e->next;
    if (l->last == e)
        l->last = before;
    e->next = NULL;
    e->queued = false;
    l->rows -= e->rows - e->taken;
    ward_metric_set(l->waiting, (double)l->rows);
}

void entry_settle(struct entry *e)
{
    if (e->in_flight > 0 || e->queued)
        return;
    e->done = true;
    pthread_cond_signal(&e->wake);
}

void entry_fail(struct ward_queue *q, struct entry *e, enum ward_code code,
                const struct ward_err *why)
{
    if (e->taken == 0 && code == WARD_DEADLINE_EXCEEDED)
        ward_metric_add(q->late, 1);
    if (e->taken == 0 && code == WARD_CANCELLED)
        ward_metric_add(q->gone, 1);
    if (e->code == WARD_OK) {
        e->code = code;
        if (e->err != NULL)
            *e->err = *why;
    }
    entry_leave(q, e);
    entry_settle(e);
}

/* ---- instances ---- */

static int free_instance(struct ward_queue *q, enum ward_urgency lane)
{
    const int n = lane == WARD_STAT ? q->n_instances : q->cfg.instances;

    for (int i = 0; i < n; i++)
        if (!q->instance[i].busy) {
            q->instance[i].busy = true;
            return i;
        }
    return -1;
}

/* Gives the instance to a waiting call, whose thread then runs batches, or marks it free. */
void queue_pass_on(struct ward_queue *q, int instance)
{
    const int n = instance < q->cfg.instances ? WARD_URGENCIES : 1;

    for (int i = 0; i < n; i++)
        for (struct entry *e = q->lane[i].first; e != NULL; e = e->next)
            if (e->instance < 0 && !e->done) {
                e->instance = instance;
                pthread_cond_signal(&e->wake);
                return;
            }
    q->instance[instance].busy = false;
}

static void learn(struct ward_queue *q, const struct batch *b, int64_t ns)
{
    double off = (double)ns - q->mean_ns;

    if (q->mean_ns <= 0) {
        q->mean_ns = (double)ns;
        q->spread_ns = (double)ns / 4;
        q->row_ns = (double)ns / (double)b->rows;
        return;
    }
    q->mean_ns += off / 8;
    q->spread_ns += ((off < 0 ? -off : off) - q->spread_ns) / 8;
    q->row_ns += ((double)ns / (double)b->rows - q->row_ns) / 8;
}

/* Runs one batch. Returns false if no rows wait for this instance. */
static bool lead(struct ward_queue *q, int instance)
{
    struct instance *i = &q->instance[instance];
    struct batch b;
    int64_t began;

    if (!batch_form(q, instance >= q->cfg.instances, &b))
        return false;
    i->running = &b;
    if (q->dozing)
        pthread_cond_signal(&q->tick);
    pthread_mutex_unlock(&q->lock);
    ward_metric_observe(&batch_rows, q->batch_rows, (double)b.rows);
    ward_metric_add(q->closed[b.why], 1);
    began = ward_mono_ns();
    batch_exec(q, i, &b);
    began = ward_mono_ns() - began;
    pthread_mutex_lock(&q->lock);
    i->running = NULL;
    learn(q, &b, began);
    for (int k = 0; k < b.n_parts; k++) {
        b.part[k].e->in_flight--;
        b.part[k].e->finished += b.part[k].n;
        entry_settle(b.part[k].e);
    }
    return true;
}

/* ---- waiting ---- */

static void give_up(struct ward_queue *q, struct entry *e)
{
    struct ward_err why = {0};

    if (!e->queued)
        return; /* the watcher interrupts running rows */
    if (entry_late(e, ward_mono_ns()))
        entry_fail(q, e,
                   WARD_FAIL(&why, DEADLINE_EXCEEDED,
                             "the deadline passed while the call was in the queue"),
                   &why);
    else if (entry_gone(e))
        entry_fail(q, e, WARD_FAIL(&why, CANCELLED, "the call was cancelled"), &why);
}

static void wait_turn(struct ward_queue *q, struct entry *e)
{
    while (!e->done && e->instance < 0) {
        int64_t at = e->stop == NULL ? WARD_NO_DEADLINE : e->stop->deadline_ns;
        struct timespec ts = {at / 1000000000, at % 1000000000};

        if (!e->queued || at == WARD_NO_DEADLINE)
            pthread_cond_wait(&e->wake, &q->lock);
        else
            pthread_cond_timedwait(&e->wake, &q->lock, &ts);
        if (!e->done && e->instance < 0)
            give_up(q, e);
    }
}

/* Waits until the call's rows are done. Runs batches if it receives an instance. */
static void serve(struct ward_queue *q, struct entry *e)
{
    for (;;) {
        wait_turn(q, e);
        if (e->instance < 0)
            return;
        while (!e->done && lead(q, e->instance))
            continue;
        queue_pass_on(q, e->instance);
        e->instance = -1;
        if (e->done)
            return;
    }
}

/* Returns whether the rows ahead leave too little time for this call's deadline. */
static bool no_time(const struct ward_queue *q, const struct entry *e, int64_t now)
{
    double ahead = 0;

    if (e->stop == NULL || e->stop->deadline_ns == WARD_NO_DEADLINE)
        return false;
    for (int i = 0; i <= (int)e->lane; i++)
        ahead += (double)q->lane[i].rows;
    return ahead > 0 && ahead * q->row_ns / q->cfg.instances + (double)queue_expect_ns(q) >
                            (double)(e->stop->deadline_ns - now);
}

static enum ward_code admit(struct ward_queue *q, struct entry *e, struct ward_err *err)
{
    int64_t waiting = 0;

    for (int i = 0; i < WARD_URGENCIES; i++)
        waiting += q->lane[i].rows;
    if (waiting > 0 && waiting + e->rows > q->cfg.cap_rows) {
        ward_metric_add(q->full, 1);
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "QUEUE_FULL",
                                "too many rows wait for %s; try again later", q->cfg.name);
    }
    if (no_time(q, e, e->since_ns)) {
        ward_metric_add(q->full, 1);
        return WARD_FAIL_REASON(
            err, RESOURCE_EXHAUSTED, "QUEUE_FULL",
            "%s cannot process the waiting rows within this call's deadline; try again later",
            q->cfg.name);
    }
    join(q, e);
    if (q->waiting_for_more > 0)
        pthread_cond_broadcast(&q->more);
    return WARD_OK;
}

static enum ward_code run_entry(struct ward_queue *q, struct entry *e, struct ward_err *err)
{
    enum ward_code code;

    pthread_mutex_lock(&q->lock);
    code = admit(q, e, err);
    if (code == WARD_OK) {
        e->instance = free_instance(q, e->lane);
        serve(q, e);
        code = e->code;
    }
    pthread_mutex_unlock(&q->lock);
    return code;
}

enum ward_code ward_queue_run(struct ward_queue *q, enum ward_urgency lane,
                              struct ward_arena *mem, const struct ward_stop *stop,
                              const struct ward_tensor *in, uint32_t n_in,
                              struct ward_tensor *out, uint32_t *n_out, struct ward_err *err)
{
    struct entry e = {.lane = lane,
                      .mem = mem,
                      .stop = stop,
                      .out = out,
                      .cap_out = *n_out,
                      .err = err,
                      .since_ns = ward_mono_ns(),
                      .instance = -1};
    pthread_condattr_t attr;
    enum ward_code code;

    WARD_TRY(entry_inputs(q, &e, in, n_in, err));
    WARD_TRY(entry_suspect(q, &e, err));
    if (entry_late(&e, e.since_ns))
        return WARD_FAIL(err, DEADLINE_EXCEEDED,
                         "the deadline passed before the call entered the queue");
    /* Checked here first: other threads may only repeat this check. */
    if (entry_gone(&e))
        return WARD_FAIL(err, CANCELLED, "the call was cancelled");
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&e.wake, &attr);
    pthread_condattr_destroy(&attr);
    code = run_entry(q, &e, err);
    pthread_cond_destroy(&e.wake);
    if (code == WARD_OK)
        *n_out = e.n_out;
    return code;
}

/* ---- the watcher ---- */

/* Interrupts abandoned runs and wakes cancelled calls. Returns whether any run or call exists.
 */
static bool look(struct ward_queue *q)
{
    bool any = false;

    for (int i = 0; i < q->n_instances; i++) {
        struct instance *in = &q->instance[i];

        any |= in->running != NULL;
        if (in->running != NULL && q->cfg.ops.interrupt != NULL && batch_gone(in->running))
            q->cfg.ops.interrupt(in->is);
    }
    for (int i = 0; i < WARD_URGENCIES; i++)
        for (struct entry *e = q->lane[i].first; e != NULL; e = e->next) {
            any = true;
            if (entry_gone(e))
                pthread_cond_signal(&e->wake);
        }
    return any;
}

static void *watch(void *arg)
{
    struct ward_queue *q = arg;
    int64_t busy_ns = 0;

    pthread_mutex_lock(&q->lock);
    while (!q->closing) {
        int64_t now = ward_mono_ns(), at = now + TICK_NS;
        struct timespec ts = {at / 1000000000, at % 1000000000};

        if (look(q))
            busy_ns = now;
        q->dozing = now - busy_ns > DOZE_NS;
        if (q->dozing)
            pthread_cond_wait(&q->tick, &q->lock);
        else
            pthread_cond_timedwait(&q->tick, &q->lock, &ts);
        q->dozing = false;
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

/* ---- open, close ---- */

static void defaults(struct ward_queue *q)
{
    struct ward_queue_config *c = &q->cfg;

    c->instances = c->instances < 1 ? 1 : c->instances;
    if (c->instances > WARD_QUEUE_INSTANCES / 2)
        c->instances = WARD_QUEUE_INSTANCES / 2;
    c->reserve = c->reserve < 0 ? 0 : c->reserve;
    if (c->reserve > WARD_QUEUE_INSTANCES / 2)
        c->reserve = WARD_QUEUE_INSTANCES / 2;
    c->max_rows = c->max_rows < 1 ? MAX_ROWS : c->max_rows;
    c->cap_rows = c->cap_rows < 1 ? CAP_ROWS : c->cap_rows;
    c->scratch = c->scratch == 0 ? SCRATCH : c->scratch;
    q->n_rungs = 1;
    q->rung[0] = (struct ward_rung){1, 0};
}

static void measures(struct ward_queue *q)
{
    static const char *const WHY[WHYS] = {"full", "delay", "deadline", "lane", "idle", "shape"};
    static const char *const LANE[WARD_URGENCIES] = {"stat", "routine", "bulk"};
    const char *name = q->cfg.name;

    q->batch_rows = ward_series_of(&batch_rows, name, NULL, NULL);
    for (int i = 0; i < WHYS; i++)
        q->closed[i] = ward_series_of(&batches, name, WHY[i], NULL);
    for (int i = 0; i < WARD_URGENCIES; i++) {
        q->lane[i].waiting = ward_series_of(&waiting_rows, name, LANE[i], NULL);
        q->lane[i].wait = ward_series_of(&wait_seconds, name, LANE[i], NULL);
        q->lane[i].wait_family = &wait_seconds;
    }
    q->full = ward_series_of(&refused, name, "full", NULL);
    q->late = ward_series_of(&refused, name, "deadline", NULL);
    q->gone = ward_series_of(&refused, name, "cancelled", NULL);
}

static enum ward_code start(struct ward_queue *q, struct ward_err *err)
{
    while (q->n_instances < q->cfg.instances + q->cfg.reserve) {
        struct instance *i = &q->instance[q->n_instances];

        WARD_TRY(q->cfg.ops.open(q->cfg.ops.arg, &i->is, err));
        ward_arena_init(&i->scratch, q->cfg.scratch);
        q->n_instances++;
    }
    WARD_TRY(ward_queue_warm(q, err));
    if (pthread_create(&q->watcher, NULL, watch, q) != 0)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no thread for a queue");
    q->watched = true;
    return WARD_OK;
}

enum ward_code ward_queue_open(const struct ward_queue_config *cfg, struct ward_queue **out,
                               struct ward_err *err)
{
    struct ward_queue *q = calloc(1, sizeof(*q));
    pthread_condattr_t attr;
    enum ward_code code;

    if (q == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a queue");
    q->cfg = *cfg;
    defaults(q);
    measures(q);
    if (cfg->io != NULL)
        q->io = *cfg->io;
    q->rows_apart = cfg->io != NULL && queue_rows_apart(&q->io);
    pthread_mutex_init(&q->warming, NULL);
    ward_poison_init(&q->poison, cfg->poison_ms);
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->more, &attr);
    pthread_cond_init(&q->tick, &attr);
    pthread_condattr_destroy(&attr);
    code = start(q, err);
    if (code != WARD_OK)
        ward_queue_close(q);
    else
        *out = q;
    return code;
}

void ward_queue_close(struct ward_queue *q)
{
    if (q == NULL)
        return;
    pthread_mutex_lock(&q->lock);
    q->closing = true;
    pthread_cond_signal(&q->tick);
    pthread_mutex_unlock(&q->lock);
    if (q->watched)
        pthread_join(q->watcher, NULL);
    for (int i = 0; i < q->n_instances; i++) {
        q->cfg.ops.close(q->instance[i].is);
        ward_arena_done(&q->instance[i].scratch);
    }
    pthread_cond_destroy(&q->more);
    pthread_cond_destroy(&q->tick);
    pthread_mutex_destroy(&q->lock);
    ward_poison_done(&q->poison);
    pthread_mutex_destroy(&q->warming);
    free(q);
}

int ward_queue_ladder(struct ward_queue *q, struct ward_rung out[WARD_QUEUE_RUNGS])
{
    int n;

    pthread_mutex_lock(&q->lock);
    n = q->n_rungs;
    memcpy(out, q->rung, sizeof(q->rung));
    pthread_mutex_unlock(&q->lock);
    return n;
}
