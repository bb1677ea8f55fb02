/* queue.h - one bounded queue for each model: rows of several calls in one run.
 *
 * The unit is a row, not a call. A call's rows may share a run with other calls' rows of the
 * same lane and shape, or be spread over several runs. The call gets its outputs in order.
 * Lanes are served in the order STAT, ROUTINE, BULK. ROUTINE and BULK each get at least a tenth
 * of the rows while more urgent rows wait. A row whose deadline has passed, or would pass
 * during the run, leaves the queue without running.
 *
 * Before the queue opens, warm-up runs and measures each batch size (1, 2, 4, ... max_rows). A
 * size is used if it saves at least 5 % of the time for each row, compared to the previous
 * size. The used sizes are called the ladder. If no size saves time, the ladder is 1, and no
 * row waits for another. A size is also dropped if the answer to a row depends on the other
 * rows. Rows are padded to a size of the ladder.
 *
 * The calling threads run the batches. A caller takes a free instance and runs batches,
 * possibly of other callers, until its own rows are done. The caller then passes the instance
 * on. An idle queue therefore needs no change of threads. The watcher, a thread of the queue,
 * interrupts runs whose callers have all gone.
 *
 * If a run ends a worker process, its inputs run alone the next time, so that no other call is
 * blamed. Inputs that ended two processes are rejected for a while.
 *
 * Threads: any thread may call ward_queue_run. The config's functions and a stop's `gone` are
 * called on any thread, but for one instance never concurrently, except interrupt. Memory:
 * open/close pairs; outputs are in the caller's arena. Errors: ward_queue_run's. Metrics:
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

/* Functions that run a batch: on a set's engine (ward_serve_queue), a worker process, or in a
 * test. */
struct ward_queue_ops {
    void *arg;
    enum ward_code (*open)(void *arg, void **instance, struct ward_err *err);
    void (*close)(void *instance);
    /* Like ward_engine_run. */
    enum ward_code (*run)(void *instance, struct ward_arena *mem, const struct ward_stop *stop,
                          const struct ward_tensor *in, uint32_t n_in, struct ward_tensor *out,
                          uint32_t *n_out, struct ward_err *err);
    /* Called on another thread, possibly repeatedly; NULL: not supported. */
    void (*interrupt)(void *instance);
    int64_t (*now)(void); /* clock for warm-up, in ns; NULL: ward_mono_ns */
    /* Both may be NULL. blamed: returns whether the last run failed because its input ended a
     * worker process. refresh: moves an idle instance to the model in use. */
    bool (*blamed)(const void *instance);
    enum ward_code (*refresh)(void *instance, struct ward_err *err);
};

struct ward_queue_config {
    const char *name; /* label of the metrics; stored by reference */
    struct ward_queue_ops ops;
    /* Copied; NULL: rows of different calls are never combined. */
    const struct ward_model_io *io;
    /* Question for warm-up; NULL: no warm-up, and only single rows. */
    const struct ward_known *known;
    int instances; /* instances for all lanes; 0 is 1 */
    int reserve;   /* additional instances that run only STAT */
    int max_rows;  /* limit of rows in a run; 0 is 32 */
    int cap_rows;  /* limit of waiting rows; 0 is 1,024 */
    /* Time that a row may wait for others if a batch saves time. */
    int delay_us;
    /* Limit of memory for a batch's tensors, in bytes; 0 is 256 MiB. */
    size_t scratch;
    int poison_ms; /* poison.h's refuse_ms */
};

struct ward_queue;
/*   errors of ops.open and ops.run, if the model does not answer its known question */
WARD_MUST enum ward_code ward_queue_open(const struct ward_queue_config *cfg,
                                         struct ward_queue **out, struct ward_err *err);
/* Call after the last run has returned; accepts NULL. */
void ward_queue_close(struct ward_queue *q);

/* Runs the rows of `in`. *n_out: capacity on entry, count on return. `stop` may be NULL.
 *   INVALID_ARGUMENT    an input does not fit the model, or inputs differ in rows
 *   RESOURCE_EXHAUSTED  QUEUE_FULL: too many rows wait, in total or for the call's deadline
 *   RESOURCE_EXHAUSTED  POISONED_INPUT: these inputs ended two worker processes (poison.h)
 *   RESOURCE_EXHAUSTED  the arena is full
 *   DEADLINE_EXCEEDED, CANCELLED  while the call waited or ran
 *   others              the errors of ops.run */
WARD_MUST enum ward_code ward_queue_run(struct ward_queue *q, enum ward_urgency lane,
                                        struct ward_arena *mem, const struct ward_stop *stop,
                                        const struct ward_tensor *in, uint32_t n_in,
                                        struct ward_tensor *out, uint32_t *n_out,
                                        struct ward_err *err);

/* Measures the ladder again, after the device has changed. Runs continue meanwhile. */
WARD_MUST enum ward_code ward_queue_warm(struct ward_queue *q, struct ward_err *err);

/* Calls ops.refresh for each idle instance. */
void ward_queue_refresh(struct ward_queue *q);

struct ward_rung {
    int rows;
    int64_t ns; /* shortest time of several runs at warm-up; 0: not measured */
};
/* Lists the sizes in use, ascending. Returns their number. */
int ward_queue_ladder(struct ward_queue *q, struct ward_rung out[WARD_QUEUE_RUNGS]);

#endif
