/* queue_own.h - what the files of the queue share. Threads: all of struct ward_queue is under
 * its lock but for what is set at open; a batch is its leader's, and its parts do not change
 * while it runs. Memory: an entry lives on its caller's stack until it is done. Errors:
 * queue.h's.
 */
#ifndef WARD_SERVE_QUEUE_OWN_H
#define WARD_SERVE_QUEUE_OWN_H

#include "common/base/metrics.h"
#include "common/serve/queue.h"
#include "common/worker/poison.h"

#include <pthread.h>

/* Why a batch took no more rows. */
enum why { WHY_FULL, WHY_DELAY, WHY_DEADLINE, WHY_LANE, WHY_IDLE, WHY_SHAPE };
#define WHYS 6

/* One call. */
struct entry {
    struct entry *next;
    enum ward_urgency lane;
    bool queued;        /* in its lane's list: rows are left to be taken */
    bool whole;         /* never cut nor put beside others */
    bool alone;         /* suspected of ending a worker process: not put beside others */
    uint8_t sha256[32]; /* of the inputs, where it is alone */
    int64_t rows;       /* 1 of a call that is never cut */
    int64_t taken;      /* by batches */
    int64_t finished;   /* of those taken */
    int in_flight;      /* batches that hold rows of it */
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
    int instance; /* that this call's thread is to lead; -1: none */
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
    int64_t rows; /* of the parts */
    int rung;     /* rows that run: the rest is padding; 0: one call, whole, as it is */
    int at;       /* which of the ladder */
    enum why why;
};
#define PARTS_MAX WARD_COUNT(((struct batch *)0)->part)

struct instance {
    void *is;
    struct ward_arena scratch;
    bool busy;
    const struct batch *running; /* NULL while it does not */
};

struct lane {
    struct entry *first, *last;
    int64_t rows;
    int64_t owed; /* rows that more urgent lanes took while these waited */
    struct ward_series *waiting, *wait;
    struct ward_family *wait_family;
};

struct ward_queue {
    struct ward_queue_config cfg;
    struct ward_model_io io;
    bool rows_apart; /* the model's rows do not depend on each other, as far as it says */
    int n_instances;
    struct instance instance[WARD_QUEUE_INSTANCES];
    struct ward_series *batch_rows, *closed[WHYS], *full, *late, *gone;
    pthread_t watcher;
    bool watched;
    pthread_mutex_t warming; /* held while the ladder is measured */
    struct ward_poison poison;

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t more;  /* a batch that waits for rows may have some */
    pthread_cond_t tick;  /* the watcher's */
    bool closing, dozing; /* the watcher waits to be woken */
    int waiting_for_more;
    struct lane lane[WARD_URGENCIES];
    int n_rungs;
    struct ward_rung rung[WARD_QUEUE_RUNGS];
    double mean_ns, spread_ns; /* of the runs lately; 0: none yet */
    double row_ns;             /* per row of them */
};

/* ---- queue.c ---- */

bool entry_late(const struct entry *e, int64_t now_ns);
bool entry_gone(const struct entry *e);
/* Takes it out of its lane. */
void entry_leave(struct ward_queue *q, struct entry *e);
/* A failure: rows not taken yet are left alone. */
void entry_fail(struct ward_queue *q, struct entry *e, enum ward_code code,
                const struct ward_err *why);
/* Ends it if nothing of it is left or in flight. */
void entry_settle(struct entry *e);

/* Under the lock. Gives the instance to a call that waits, or makes it idle. */
void queue_pass_on(struct ward_queue *q, int instance);

/* ---- queue_form.c: under the lock, which it may let go of while it waits for rows ---- */

/* The next batch for an instance; false: there is none. */
bool batch_form(struct ward_queue *q, bool stat_alone, struct batch *b);
/* How long a run takes, cautiously; 0: not known. */
int64_t queue_expect_ns(const struct ward_queue *q);

/* ---- queue_exec.c: without the lock ---- */

/* Runs it and gives each call its rows or its failure. */
void batch_exec(struct ward_queue *q, struct instance *i, struct batch *b);
/* All of its callers have gone. */
bool batch_gone(const void *batch);

/* ---- queue_worker.c ---- */

/* Rejects a call whose inputs ended two worker processes, and sets e->alone after one. */
WARD_MUST enum ward_code entry_suspect(struct ward_queue *q, struct entry *e,
                                       struct ward_err *err);
/* After a run: whether its inputs ended a worker process. */
void batch_blame(struct ward_queue *q, const struct batch *b, bool ended);

/* ---- queue_warm.c ---- */

/* The model's inputs in its own order, and what is wrong with them. */
WARD_MUST enum ward_code entry_inputs(const struct ward_queue *q, struct entry *e,
                                      const struct ward_tensor *in, uint32_t n_in,
                                      struct ward_err *err);
bool queue_rows_apart(const struct ward_model_io *io);

#endif
