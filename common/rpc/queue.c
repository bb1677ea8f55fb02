#include "common/rpc/server.h"

/* Waking a sleeping thread costs more than a short handler. So at most one worker is being
 * woken at a time; once awake it takes a call, and wakes the next only if calls still wait. A
 * worker that ends a call looks into the queue before it sleeps: under load nobody is woken at
 * all. */

void queue_init(struct queue *q, int bound)
{
    *q = (struct queue){.bound = bound};
    q->tail = &q->head;
    pthread_mutex_init(&q->lock, NULL);
}

void queue_done(struct queue *q)
{
    pthread_mutex_destroy(&q->lock);
}

/* Lock held. The worker to wake after unlocking, or NULL. */
static struct waiter *rouse(struct queue *q)
{
    struct waiter *w = q->idle;

    if (q->waking || w == NULL || q->head == NULL)
        return NULL;
    q->idle = w->next;
    q->n_idle--;
    q->waking = true;
    return w;
}

bool queue_put(struct queue *q, struct served *s)
{
    struct waiter *wake;

    s->next = NULL;
    pthread_mutex_lock(&q->lock);
    if (q->stopped || q->waiting - q->n_idle - (int)q->waking >= q->bound) {
        pthread_mutex_unlock(&q->lock);
        return false;
    }
    *q->tail = s;
    q->tail = &s->next;
    q->waiting++;
    wake = rouse(q);
    pthread_mutex_unlock(&q->lock);
    if (wake != NULL)
        sem_post(&wake->wake);
    return true;
}

/* Lock held; lets go of it while asleep. */
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

struct served *queue_take(struct queue *q, struct waiter *self)
{
    struct waiter *wake;
    struct served *s;

    pthread_mutex_lock(&q->lock);
    while (q->head == NULL && !q->stopped)
        rest(q, self);
    s = q->head;
    if (s != NULL) {
        q->head = s->next;
        if (q->head == NULL)
            q->tail = &q->head;
        q->waiting--;
    }
    wake = rouse(q);
    pthread_mutex_unlock(&q->lock);
    if (wake != NULL)
        sem_post(&wake->wake);
    return s;
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
        struct waiter *next = idle->next; /* gone once its thread runs */

        sem_post(&idle->wake);
        idle = next;
    }
}

int queue_waiting(struct queue *q)
{
    int n;

    pthread_mutex_lock(&q->lock);
    n = q->waiting;
    pthread_mutex_unlock(&q->lock);
    return n;
}
