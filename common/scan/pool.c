#include "common/scan/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

/* A search that wants help. The job is on its own thread's stack, and in the pool's list while
 * it runs. */
struct job {
    struct job *next, *before;
    scan_step_fn *step;
    void *arg;
    uint64_t done; /* one bit for each slot: no work is left for it */
    int busy;      /* number of helpers in a step */
};

struct helper {
    struct scan_pool *pool;
    pthread_t thread;
    int slot;
};

struct scan_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct job jobs; /* the fixed link of the ring */
    bool closing;
    int n;
    struct helper helpers[SCAN_THREADS_MAX];
};

static void put_last(struct scan_pool *p, struct job *j)
{
    j->next = &p->jobs;
    j->before = p->jobs.before;
    j->before->next = j;
    p->jobs.before = j;
}

static void take_out(struct job *j)
{
    j->before->next = j->next;
    j->next->before = j->before;
}

static struct job *find(struct scan_pool *p, uint64_t slot)
{
    for (struct job *j = p->jobs.next; j != &p->jobs; j = j->next) {
        if ((j->done & slot) == 0)
            return j;
    }
    return NULL;
}

static void *help(void *arg)
{
    const struct helper *h = arg;
    struct scan_pool *p = h->pool;
    uint64_t slot = (uint64_t)1 << h->slot;

    pthread_mutex_lock(&p->lock);
    while (!p->closing) {
        struct job *j = find(p, slot);
        bool more;

        if (j == NULL) {
            pthread_cond_wait(&p->work, &p->lock);
            continue;
        }
        take_out(j); /* moves to the end, so that the next step belongs to another search */
        put_last(p, j);
        j->busy++;
        pthread_mutex_unlock(&p->lock);
        more = j->step(j->arg, h->slot);
        pthread_mutex_lock(&p->lock);
        if (!more)
            j->done |= slot;
        if (--j->busy == 0)
            pthread_cond_broadcast(&p->idle);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

void ward_scan_pool_run(struct scan_pool *p, bool want_help, scan_step_fn *step, void *arg)
{
    struct job j = {.step = step, .arg = arg};

    if (p == NULL || p->n == 0 || !want_help) {
        while (step(arg, 0)) {
        }
        return;
    }
    pthread_mutex_lock(&p->lock);
    put_last(p, &j);
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    while (step(arg, 0)) {
    }
    pthread_mutex_lock(&p->lock);
    take_out(&j);
    while (j.busy > 0)
        pthread_cond_wait(&p->idle, &p->lock);
    pthread_mutex_unlock(&p->lock);
}

int ward_scan_pool_slots(const struct scan_pool *p)
{
    return p == NULL ? 1 : p->n + 1;
}

enum ward_code ward_scan_pool_open(int threads, struct scan_pool **out, struct ward_err *err)
{
    struct scan_pool *p;
    sigset_t all, was;

    if (threads < 1 || threads > SCAN_THREADS_MAX)
        return WARD_FAIL(err, INVALID_ARGUMENT, "a scan has 1 to %d threads", SCAN_THREADS_MAX);
    p = calloc(1, sizeof(*p));
    if (p == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a pool of threads");
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->idle, NULL);
    p->jobs.next = p->jobs.before = &p->jobs;
    sigfillset(&all); /* only the main thread handles signals */
    pthread_sigmask(SIG_SETMASK, &all, &was);
    for (int i = 0; i < threads - 1; i++) {
        struct helper *h = &p->helpers[i];

        *h = (struct helper){.pool = p, .slot = i + 1};
        if (pthread_create(&h->thread, NULL, help, h) != 0)
            break;
        p->n++;
    }
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (p->n < threads - 1) {
        ward_scan_pool_close(p);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "cannot create the threads of a pool");
    }
    *out = p;
    return WARD_OK;
}

void ward_scan_pool_close(struct scan_pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->closing = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n; i++)
        pthread_join(p->helpers[i].thread, NULL);
    pthread_cond_destroy(&p->idle);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}
