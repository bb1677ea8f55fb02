/* Collects batches of many threads into groups and commits one group after another on its own
 * thread. While a group commits, the next one collects batches. The size of a group therefore
 * follows the load, and a single event does not wait. */
#include "services/audit/append.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <pthread.h>
#include <time.h>

#define ARENA_CAP ((size_t)64 << 20)

struct audit_appender {
    struct audit *a;
    struct ward_db *db;
    struct ward_arena mem;
    pthread_t thread;
    pthread_mutex_t lock; /* guards the following members */
    pthread_cond_t more, done;
    struct audit_batch *first, **last;
    size_t waiting; /* number of events in the queue */
    bool stop;
};

static struct ward_family queued = {
    .name = "ward_audit_queue_events",
    .help = "Number of events that wait for a commit.",
    .type = WARD_GAUGE,
};
WARD_METRIC_LISTED(queued)

/* Whole batches, oldest first. A batch with its own operation forms a group alone. */
static struct audit_batch *take(struct audit_appender *p)
{
    struct audit_batch *group = p->first, *b = group;
    size_t n = b->n;

    b->taken = true;
    while (b->op == NULL && b->next != NULL && b->next->op == NULL &&
           n + b->next->n <= AUDIT_GROUP) {
        b = b->next;
        b->taken = true;
        n += b->n;
    }
    p->first = b->next;
    if (p->first == NULL)
        p->last = &p->first;
    b->next = NULL;
    p->waiting -= n;
    ward_gauge(&queued, (double)p->waiting);
    return group;
}

static void *run(void *arg)
{
    struct audit_appender *p = arg;

    pthread_mutex_lock(&p->lock);
    for (;;) {
        struct audit_batch *group;

        while (p->first == NULL && !p->stop)
            pthread_cond_wait(&p->more, &p->lock);
        if (p->first == NULL)
            break;
        group = take(p);
        pthread_mutex_unlock(&p->lock);
        append_group(p->a, p->db, &p->mem, group);
        ward_arena_reset(&p->mem);
        pthread_mutex_lock(&p->lock);
        while (group != NULL) { /* when `done` is set, the batch belongs to its caller again */
            struct audit_batch *next = group->next;

            group->done = true;
            group = next;
        }
        pthread_cond_broadcast(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

enum ward_code appender_start(struct audit *a, struct audit_appender **out,
                              struct ward_arena *keep, struct ward_err *err)
{
    struct audit_appender *p = ward_new(keep, struct audit_appender);
    pthread_condattr_t attr;

    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
    WARD_TRY(ward_db_open(audit_cfg(a)->db, &p->db, err));
    p->a = a;
    p->last = &p->first;
    ward_arena_init(&p->mem, ARENA_CAP);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->done, &attr);
    pthread_condattr_destroy(&attr);
    if (pthread_create(&p->thread, NULL, run, p) != 0) {
        ward_db_close(p->db);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot start a thread");
    }
    *out = p;
    return WARD_OK;
}

/* Commits the queued batches, then ends. */
void appender_stop(struct audit_appender *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_signal(&p->more);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
    ward_db_close(p->db);
    ward_arena_done(&p->mem);
    pthread_cond_destroy(&p->more);
    pthread_cond_destroy(&p->done);
    pthread_mutex_destroy(&p->lock);
}

static void unlink_batch(struct audit_appender *p, struct audit_batch *b)
{
    struct audit_batch **at = &p->first;

    while (*at != b)
        at = &(*at)->next;
    *at = b->next;
    if (p->last == &b->next)
        p->last = at;
    p->waiting -= b->n;
}

static enum ward_code enqueue(struct audit_appender *p, struct audit_batch *b,
                              struct ward_err *err)
{
    if (p->stop)
        return WARD_FAIL(err, UNAVAILABLE, "stopping");
    if (p->waiting + b->n > AUDIT_QUEUE && p->waiting > 0) {
        (void)WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "QUEUE_FULL",
                               "too many events wait for a commit");
        if (err != NULL)
            err->retry_after_ms = 200;
        return WARD_RESOURCE_EXHAUSTED;
    }
    b->next = NULL;
    *p->last = b;
    p->last = &b->next;
    p->waiting += b->n;
    ward_gauge(&queued, (double)p->waiting);
    pthread_cond_signal(&p->more);
    return WARD_OK;
}

/* Waits for a batch. If the batch is already being committed, waits in spite of the deadline,
 * because its memory is in use. The limits of the database bound this wait. */
static enum ward_code await(struct audit_appender *p, struct audit_batch *b,
                            struct ward_err *err)
{
    struct timespec until = {.tv_sec = b->deadline_ns / 1000000000,
                             .tv_nsec = b->deadline_ns % 1000000000};

    while (!b->done) {
        if (b->taken || b->deadline_ns == WARD_NO_DEADLINE) {
            pthread_cond_wait(&p->done, &p->lock);
        } else if (pthread_cond_timedwait(&p->done, &p->lock, &until) != 0 && !b->taken) {
            unlink_batch(p, b);
            return WARD_FAIL(err, DEADLINE_EXCEEDED, "the events waited until the deadline");
        }
    }
    if (b->code != WARD_OK && err != NULL)
        *err = b->err;
    return b->code;
}

enum ward_code appender_put(struct audit_appender *p, struct audit_batch *b,
                            struct ward_err *err)
{
    enum ward_code code;

    pthread_mutex_lock(&p->lock);
    code = enqueue(p, b, err);
    if (code == WARD_OK)
        code = await(p, b, err);
    pthread_mutex_unlock(&p->lock);
    return code;
}
