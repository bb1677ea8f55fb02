/* queue.h - the queue of calls for workers: bounded, fair between peers, bedside first.
 * Inside common/rpc.
 *
 * A job waits in its peer's flow, in one of two lanes. Workers take bedside jobs first. Some
 * workers take only bedside jobs, so that bulk jobs never delay them. Within a lane, the flow
 * that has used the least worker time is next. A job that cannot be done before its deadline is
 * rejected on arrival. A full queue evicts the oldest job of the flow with the most work. The
 * queue then serves the newest jobs first until half of the jobs are left, because the callers
 * of the oldest jobs are the most likely to have given up.
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
    struct flow *flow; /* the flow in which the job waits; NULL: it does not wait */
    enum queue_lane lane;
    int64_t cost_ns;                 /* expected worker time */
    int64_t arrived_ns, deadline_ns; /* monotonic; deadline_ns may be WARD_NO_DEADLINE */
};
/* One peer's jobs in one lane. Initialise with zeros. */
struct flow {
    struct flow *next, *prev; /* links in the lane's list of flows with jobs */
    struct job *first, *last;
    int64_t cost_ns; /* expected worker time of its waiting jobs */
    int64_t used_ns; /* worker time used so far, on the lane's scale */
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
    struct job done; /* lane and cost of the worker's last job */
    bool ran;
};
struct queue {
    pthread_mutex_t lock;
    struct lane lanes[QUEUE_LANES];
    struct waiter *idle; /* newest first, because its caches are the warmest */
    int n_idle, bound, workers, reserved, each;
    int in_a_row;       /* number of bedside jobs taken in a row while bulk jobs waited */
    int64_t running_ns; /* expected cost of the running jobs */
    bool waking, stopped, newest_first;
    atomic_int margin_pct; /* factor for estimates, in percent */
};
/* At most `bound` jobs wait, not counting jobs that an idle worker is about to take. `reserved`
 * of the `workers` take only bedside jobs. At most `each` jobs of a flow run at once; 0: no
 * limit. */
void queue_init(struct queue *q, int bound, int workers, int reserved, int each);
void queue_done(struct queue *q);

enum queue_answer { QUEUE_TAKEN, QUEUE_FULL, QUEUE_LATE };
/* Adds a job with its lane, cost, arrival and deadline set. QUEUE_FULL: the queue is full, and
 * no job can be evicted. QUEUE_LATE: the job cannot be done before its deadline. *evicted: the
 * job evicted for this one, which its owner must finish; otherwise NULL. *wait_ns: expected
 * wait of the new job. */
WARD_MUST enum queue_answer queue_put(struct queue *q, struct job *j, struct flow *f,
                                      struct job **evicted, int64_t *wait_ns);
/* Removes a waiting job. Returns false if a worker has taken the job, or it was evicted. */
WARD_MUST bool queue_remove(struct queue *q, struct job *j);
/* Waits for a job. Returns NULL after queue_stop when the queue is empty. */
struct job *queue_take(struct queue *q, struct waiter *self);
/* Call once for each job that queue_take returned, when it is done and its flow still
 * exists. */
void queue_ended(struct queue *q, struct flow *f);
/* Adjusts estimates: `late` is true if a job was taken or done after its deadline. */
void queue_learn(struct queue *q, bool late);
void queue_stop(struct queue *q);
int queue_waiting(struct queue *q);

#endif
