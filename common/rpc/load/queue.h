/* queue.h - the calls that wait for a worker: bounded, fair between peers, bedside first.
 * Inside common/rpc.
 *
 * A job waits in its peer's flow, in one of two lanes. Workers take bedside jobs first, and
 * some workers take nothing else, so that bulk never starves the bedside. Within a lane the
 * flow that used the least worker time goes next. A job that could not be done before its
 * deadline is refused when it arrives. A full queue evicts the oldest job of the flow with the
 * most work and hands out the newest job first until half of the jobs are gone: the oldest have
 * waited longest and are the likeliest to be given up.
 *
 * A queue may limit how many jobs of one flow run at once, so that a peer whose jobs never end
 * does not hold all workers.
 *
 * Threads: all functions are safe; a worker sleeps in queue_take. Memory: jobs and flows are
 * the caller's; a flow stays while one of its jobs waits or runs. Errors: see queue_put.
 */
#ifndef WARD_RPC_LOAD_QUEUE_H
#define WARD_RPC_LOAD_QUEUE_H

#include "common/base/status.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum queue_lane { QUEUE_BEDSIDE, QUEUE_BULK, QUEUE_LANES };

struct flow;
struct job {
    struct job *next, *prev;
    struct flow *flow; /* where it waits; NULL: it does not wait */
    enum queue_lane lane;
    int64_t cost_ns;                 /* what it is expected to take */
    int64_t arrived_ns, deadline_ns; /* monotonic; WARD_NO_DEADLINE */
};
/* One peer's jobs in one lane; zeroed at first. */
struct flow {
    struct flow *next, *prev; /* of the lane's flows that have jobs */
    struct job *first, *last;
    int64_t cost_ns; /* of its jobs */
    int64_t used_ns; /* worker time it was given, as the lane counts it */
    int waiting, running;
};
struct lane {
    struct flow *flows;
    int waiting, running;
    int64_t cost_ns, used_ns;
};
struct waiter {
    struct waiter *next;
    sem_t wake;
    struct job done; /* what its worker ran last: lane and cost */
    bool ran;
};
struct queue {
    pthread_mutex_t lock;
    struct lane lanes[QUEUE_LANES];
    struct waiter *idle; /* newest first: the warmest worker is woken */
    int n_idle, bound, workers, reserved, each;
    int in_a_row;       /* bedside jobs taken while bulk waited */
    int64_t running_ns; /* expected cost of the jobs that run */
    bool waking, stopped, newest_first;
    atomic_int margin_pct; /* what an estimate is multiplied with */
};
/* At most `bound` jobs wait beside those that an idle worker will take. `reserved` of the
 * `workers` take bedside jobs only. At most `each` jobs of a flow run at once; 0: no limit. */
void queue_init(struct queue *q, int bound, int workers, int reserved, int each);
void queue_done(struct queue *q);

enum queue_answer { QUEUE_TAKEN, QUEUE_FULL, QUEUE_LATE };
/* The job's lane, cost, arrival and deadline are set. QUEUE_FULL: no job can be evicted for it.
 * QUEUE_LATE: it cannot be done before its deadline. *evicted: a job that was taken out for it,
 * which its owner finishes; else NULL. *wait_ns: how long it is expected to wait. */
WARD_MUST enum queue_answer queue_put(struct queue *q, struct job *j, struct flow *f,
                                      struct job **evicted, int64_t *wait_ns);
/* Takes a job out that waits still; false: a worker has it, or it was evicted. */
WARD_MUST bool queue_remove(struct queue *q, struct job *j);
/* Blocks; NULL once stopped and empty. */
struct job *queue_take(struct queue *q, struct waiter *self);
/* Once for a job that was handed out, when it is done and its flow still there. */
void queue_ended(struct queue *q, struct flow *f);
/* A job was handed out or done after its deadline, or in time: estimates learn from it. */
void queue_learn(struct queue *q, bool late);
void queue_stop(struct queue *q);
int queue_waiting(struct queue *q);

#endif
