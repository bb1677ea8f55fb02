/* queue.h - one bounded queue a model: rows of several calls in one run.
 *
 * The unit is a row, not a call. A call's rows may share a run with other calls' rows of the
 * same lane and shape, or be spread over several runs; the call gets its outputs in order.
 * Lanes are served STAT first, then ROUTINE, then BULK; ROUTINE and BULK each get at least a
 * tenth of the rows while more urgent rows wait. A row whose deadline has passed, or would pass
 * during the run, leaves the queue without running.
 *
 * Warm-up runs each size of the batch ladder (1, 2, 4, ... max_rows) on each instance before
 * the queue opens, measures it, and keeps the sizes that gain at least 5 % a row. Where no size
 * gains, the ladder is 1 and no row waits for another. A size is also dropped where the first
 * row's answer depends on the rows beside it. Rows are padded to a size of the ladder.
 *
 * The calling threads do the work: a caller takes a free instance and runs the next batch,
 * which may be another caller's, until its own rows are done, and then passes the instance on.
 * An idle queue therefore costs no change of threads. A thread of the queue's own interrupts
 * runs whose callers have all gone.
 *
 * A call whose rows ended a worker process runs alone the next time, so that no other call is
 * blamed with it; a call that ended two is rejected for a while.
 *
 * Threads: ward_queue_run from any; the config's functions and a stop's `gone` are called from
 * any thread, those of one instance never concurrently but for interrupt. Memory: open/close
 * pairs; outputs live in the caller's arena. Errors: ward_queue_run's. Metrics:
 * ward_serve_batch_rows, ward_serve_batches_total, ward_serve_wait_seconds,
 * ward_serve_waiting_rows, ward_serve_refused_total.
 */
#ifndef WARD_SERVE_QUEUE_H
#define WARD_SERVE_QUEUE_H

#include "common/host/host.h"

#define WARD_QUEUE_RUNGS     16
#define WARD_QUEUE_INSTANCES 32

enum ward_urgency { WARD_STAT, WARD_ROUTINE, WARD_BULK };
#define WARD_URGENCIES 3

/* What runs a batch: a set's engine (ward_serve_queue), a worker process, a test's. */
struct ward_queue_ops {
    void *arg;
    enum ward_code (*open)(void *arg, void **instance, struct ward_err *err);
    void (*close)(void *instance);
    /* ward_engine_run's contract. */
    enum ward_code (*run)(void *instance, struct ward_arena *mem, const struct ward_stop *stop,
                          const struct ward_tensor *in, uint32_t n_in, struct ward_tensor *out,
                          uint32_t *n_out, struct ward_err *err);
    void (*interrupt)(void *instance); /* from another thread, repeatedly; NULL: cannot */
    int64_t (*now)(void); /* ns: the clock that warm-up measures by; NULL: ward_mono_ns */
    /* Both may be NULL. Whether the last run failed because its input ended a worker process;
     * moves an instance that does not run to the model in use. */
    bool (*blamed)(const void *instance);
    enum ward_code (*refresh)(void *instance, struct ward_err *err);
};

struct ward_queue_config {
    const char *name; /* the metrics' label; kept by reference */
    struct ward_queue_ops ops;
    const struct ward_model_io *io; /* copied; NULL: rows of calls are never put together */
    const struct ward_known *known; /* what warm-up asks; NULL: no warm-up, no ladder */
    int instances;                  /* runs at once of any lane; 0 is 1 */
    int reserve;                    /* instances beside them that run STAT alone */
    int max_rows;                   /* of one run; 0 is 32 */
    int cap_rows;                   /* that wait; 0 is 1,024 */
    int delay_us;                   /* how long a row may wait for others where a batch gains */
    size_t scratch;                 /* bytes of one batch's tensors; 0 is 256 MiB */
    int poison_ms;                  /* poison.h's refuse_ms */
};

struct ward_queue;
/*   as ops.open and ops.run: the model does not answer its own question */
WARD_MUST enum ward_code ward_queue_open(const struct ward_queue_config *cfg,
                                         struct ward_queue **out, struct ward_err *err);
void ward_queue_close(struct ward_queue *q); /* NULL is fine; after the last run returned */

/* Runs the rows of `in`. *n_out is capacity going in, count coming out. `stop` may be NULL.
 *   INVALID_ARGUMENT    an input is not the model's, or inputs differ in rows
 *   RESOURCE_EXHAUSTED  QUEUE_FULL: too many rows wait, or more than the call's deadline leaves
 *                       time for; the arena is full
 *                       POISONED_INPUT: these inputs ended two worker processes (poison.h)
 *   DEADLINE_EXCEEDED, CANCELLED  while it waited or ran
 *   others              the run's */
WARD_MUST enum ward_code ward_queue_run(struct ward_queue *q, enum ward_urgency lane,
                                        struct ward_arena *mem, const struct ward_stop *stop,
                                        const struct ward_tensor *in, uint32_t n_in,
                                        struct ward_tensor *out, uint32_t *n_out,
                                        struct ward_err *err);

/* Measures the ladder again: after a device was exchanged. Runs go on meanwhile. */
WARD_MUST enum ward_code ward_queue_warm(struct ward_queue *q, struct ward_err *err);

/* Calls ops.refresh of each instance that is idle now. */
void ward_queue_refresh(struct ward_queue *q);

struct ward_rung {
    int rows;
    int64_t ns; /* the shortest of several runs at warm-up; 0: not measured */
};
/* The sizes that are used, ascending. Returns how many. */
int ward_queue_ladder(struct ward_queue *q, struct ward_rung out[WARD_QUEUE_RUNGS]);

#endif
