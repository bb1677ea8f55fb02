/* queue_own.h - declarations shared by the queue's files. Threads: `lock` guards struct
 * ward_queue, except members set at open. A batch belongs to the thread that runs it, and its
 * parts do not change meanwhile. Memory: an entry is on its caller's stack until it is done.
 * Errors: queue.h's.
 */
#ifndef WARD_SERVE_QUEUE_OWN_H
#define WARD_SERVE_QUEUE_OWN_H

#include "common/base/metrics.h"
#include "common/serve/queue.h"
#include "common/worker/poison.h"

#include <pthread.h>

/* Reasons why a batch was closed. */
enum why { WHY_FULL, WHY_DELAY, WHY_DEADLINE, WHY_LANE, WHY_IDLE, WHY_SHAPE };
#define WHYS 6

/* One call. */
struct entry {
    struct entry *next;
    enum ward_urgency lane;
    bool queued; /* in its lane's list, because rows are left to run */
    bool whole;  /* runs as a whole: never split or combined with other calls */
    /* Suspected of ending a worker process: never combined with other calls. */
    bool alone;
    uint8_t sha256[32];                        /* hash of the inputs, if alone is set */
    int64_t rows;                              /* number of rows; 1 for a whole call */
    int64_t taken;                             /* number of rows that batches have taken */
    int64_t finished;                          /* number of taken rows that are finished */
    int in_flight;                             /* number of running batches with its rows */
    const struct ward_tensor *in[WARD_MAX_IO]; /* in the model's order */
    uint32_t n_in;
    struct ward_arena *mem;
    const struct ward_stop *stop;
    struct ward_tensor *out;
    uint32_t cap_out, n_out;
    bool has_out;
    enum ward_code code; /* the first failure */
    struct ward_err *err;
    int64_t since_ns;
    int instance; /* instance on which this call's thread must run batches; -1: none */
    bool done;
    pthread_cond_t wake;
};

/* Rows [from, from + n) of a call. */
struct part {
    struct entry *e;
    int64_t from, n;
};

struct batch {
    int n_parts;
    struct part part[64];
    int64_t rows; /* number of rows in the parts */
    int rung;     /* number of rows in the run, including padding; 0: one whole call */
    int at;       /* index of this size in the ladder */
    enum why why;
};
#define PARTS_MAX WARD_COUNT(((struct batch *)0)->part)

struct instance {
    void *is;
    struct ward_arena scratch;
    bool busy;
    const struct batch *running; /* NULL: idle */
};

struct lane {
    struct entry *first, *last;
    int64_t rows;
    int64_t owed; /* rows that more urgent lanes ran while rows of this lane waited */
    struct ward_series *waiting, *wait;
    struct ward_family *wait_family;
};

struct ward_queue {
    struct ward_queue_config cfg;
    struct ward_model_io io;
    bool rows_apart; /* the model declares that its rows do not depend on each other */
    int n_instances;
    struct instance instance[WARD_QUEUE_INSTANCES];
    struct ward_series *batch_rows, *closed[WHYS], *full, *late, *gone;
    pthread_t watcher;
    bool watched;
    pthread_mutex_t warming; /* held while the ladder is measured */
    struct ward_poison poison;

    pthread_mutex_t lock; /* guards all members below */
    pthread_cond_t more;  /* new rows have arrived for a batch that waits for more */
    pthread_cond_t tick;  /* wakes the watcher */
    bool closing, dozing; /* dozing: the watcher sleeps until it is woken */
    int waiting_for_more;
    struct lane lane[WARD_URGENCIES];
    int n_rungs;
    struct ward_rung rung[WARD_QUEUE_RUNGS];
    double mean_ns, spread_ns; /* moving mean and deviation of a run's time; 0: no run yet */
    double row_ns;             /* moving mean of the time for each row */
};

/* ---- queue.c ---- */

bool entry_late(const struct entry *e, int64_t now_ns);
bool entry_gone(const struct entry *e);
/* Removes the call from its lane. */
void entry_leave(struct ward_queue *q, struct entry *e);
/* Records a call's failure. Rows that no batch has taken are dropped. */
void entry_fail(struct ward_queue *q, struct entry *e, enum ward_code code,
                const struct ward_err *why);
/* Marks the call as done if none of its rows wait or run. */
void entry_settle(struct entry *e);

/* Gives the instance to a waiting call, or marks it idle. Lock held. */
void queue_pass_on(struct ward_queue *q, int instance);

/* ---- queue_form.c: lock held; it is released while a batch waits for rows ---- */

/* Forms the next batch for an instance. Returns false if no rows wait. */
bool batch_form(struct ward_queue *q, bool stat_alone, struct batch *b);
/* Returns a cautious estimate of a run's time; 0: unknown. */
int64_t queue_expect_ns(const struct ward_queue *q);

/* ---- queue_exec.c: lock not held ---- */

/* Runs the batch and gives each call its outputs or its failure. */
void batch_exec(struct ward_queue *q, struct instance *i, struct batch *b);
/* Returns whether all callers of the batch have gone. */
bool batch_gone(const void *batch);

/* ---- queue_worker.c ---- */

/* Rejects a call whose inputs ended two worker processes, and sets e->alone after one. */
WARD_MUST enum ward_code entry_suspect(struct ward_queue *q, struct entry *e,
                                       struct ward_err *err);
/* Records after a run whether its inputs ended a worker process. */
void batch_blame(struct ward_queue *q, const struct batch *b, bool ended);

/* ---- queue_warm.c ---- */

/* Checks a call's inputs and stores them in the model's order. */
WARD_MUST enum ward_code entry_inputs(const struct ward_queue *q, struct entry *e,
                                      const struct ward_tensor *in, uint32_t n_in,
                                      struct ward_err *err);
bool queue_rows_apart(const struct ward_model_io *io);

#endif
