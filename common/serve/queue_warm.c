/* Checks inputs, and measures how much time a batch saves. */
#include "common/base/clock.h"
#include "common/serve/queue_own.h"

#include <math.h>
#include <string.h>

/* A size is used if its time for each row is at most this part of the previous one. */
#define GAIN     0.95
#define RUNS     20                    /* limit of runs for each size */
#define RUNS_MIN 3                     /* minimum of runs for each size */
#define RUNS_NS  (20 * WARD_NS_PER_MS) /* time after which no further run starts */
#define SAME     1e-3                  /* relative difference that is only rounding */

bool queue_rows_apart(const struct ward_model_io *io)
{
    for (uint32_t i = 0; i < io->n_in; i++)
        if (io->in[i].batch_axis != 0 || io->in[i].dtype == WARD_BYTES)
            return false;
    for (uint32_t i = 0; i < io->n_out; i++)
        if (io->out[i].batch_axis != 0 || io->out[i].dtype == WARD_BYTES)
            return false;
    return io->n_in > 0 && io->n_out > 0;
}

/* ---- a call's inputs ---- */

static const struct ward_tensor *find(const struct ward_tensor *in, uint32_t n,
                                      const struct ward_io *io, uint32_t at)
{
    const struct ward_tensor *t = ward_tensor_named(in, n, io->name);

    return t != NULL || in[at].name != NULL ? t : &in[at];
}

static enum ward_code fits(const struct ward_io *io, const struct ward_tensor *t,
                           struct ward_err *err)
{
    if (t == NULL)
        return WARD_FAIL(err, INVALID_ARGUMENT, "input %s is missing", io->name);
    if (t->dtype != io->dtype || t->rank != io->rank)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "input %s has type %u and rank %u, want %u and %u", io->name, t->dtype,
                         t->rank, io->dtype, io->rank);
    for (uint32_t d = 0; d < t->rank; d++)
        if (t->shape[d] < 1 || (io->shape[d] >= 0 && t->shape[d] != io->shape[d]))
            return WARD_FAIL(err, INVALID_ARGUMENT,
                             "dimension %u of input %s is %lld, want %lld", d, io->name,
                             (long long)t->shape[d], (long long)io->shape[d]);
    return WARD_OK;
}

enum ward_code entry_inputs(const struct ward_queue *q, struct entry *e,
                            const struct ward_tensor *in, uint32_t n_in, struct ward_err *err)
{
    if (n_in < 1 || n_in > WARD_MAX_IO || (q->io.n_in > 0 && n_in != q->io.n_in))
        return WARD_FAIL(err, INVALID_ARGUMENT, "%s takes a different number of inputs",
                         q->cfg.name);
    for (uint32_t i = 0; i < n_in; i++) {
        const char *unfit = ward_tensor_unfit(&in[i], 64);

        if (unfit != NULL)
            return WARD_FAIL(err, INVALID_ARGUMENT, "input %u: %s", i, unfit);
    }
    e->n_in = n_in;
    e->whole = !q->rows_apart;
    e->rows = 1;
    for (uint32_t i = 0; i < n_in; i++) {
        e->in[i] = q->io.n_in == 0 ? &in[i] : find(in, n_in, &q->io.in[i], i);
        if (q->io.n_in > 0)
            WARD_TRY(fits(&q->io.in[i], e->in[i], err));
    }
    if (e->whole)
        return WARD_OK;
    e->rows = e->in[0]->shape[0];
    for (uint32_t i = 1; i < n_in; i++)
        if (e->in[i]->shape[0] != e->rows)
            return WARD_FAIL(err, INVALID_ARGUMENT,
                             "the inputs of %s have different numbers of rows", q->cfg.name);
    if (e->rows > q->cfg.cap_rows)
        return WARD_FAIL(err, INVALID_ARGUMENT, "a call of %s has at most %d rows", q->cfg.name,
                         q->cfg.cap_rows);
    return WARD_OK;
}

/* ---- warm-up ---- */

struct warming {
    struct ward_queue *q;
    void *instance;
    struct ward_arena mem, first; /* mem: for one run; first: the answer to a single row */
    struct ward_tensor one[WARD_MAX_IO];
    uint32_t n_one;
};

/* Creates inputs with `rows` rows: the first is always the same, the others differ. */
static enum ward_code ask(struct warming *w, int rows, struct ward_tensor in[WARD_MAX_IO],
                          uint32_t *n_in, struct ward_err *err)
{
    const struct ward_known *k = w->q->cfg.known;
    const struct ward_model_io *io = &w->q->io;

    *n_in = io->n_in > 0 ? io->n_in : 1;
    for (uint32_t i = 0; i < *n_in; i++)
        if (!ward_known_tensor(k, *n_in == 1 ? NULL : &io->in[i], rows, &w->mem, &in[i]))
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to warm up %s",
                             w->q->cfg.name);
    return WARD_OK;
}

/* Returns whether the answer to the first of several rows equals its answer as a single row. */
static bool alone_and_beside(const struct warming *w, const struct ward_tensor *out, uint32_t n,
                             int rows)
{
    if (n != w->n_one)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        const struct ward_tensor *a = &w->one[i], *b = &out[i];
        const float *x = a->data, *y = b->data;

        if (a->rank < 1 || b->rank != a->rank || a->dtype != b->dtype || b->shape[0] != rows ||
            b->nbytes != a->nbytes * (uint64_t)rows)
            return false;
        for (uint64_t v = 0; a->dtype == WARD_F32 && v < a->nbytes / sizeof(float); v++)
            if (!(fabsf(x[v] - y[v]) <= (float)SAME * fmaxf(1, fabsf(x[v]))) &&
                !(isnan(x[v]) && isnan(y[v])))
                return false;
    }
    return true;
}

static bool keep_one(struct warming *w, const struct ward_tensor *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        w->one[i] = out[i];
        w->one[i].data = ward_alloc64(&w->first, out[i].nbytes);
        if (w->one[i].data == NULL)
            return false;
        memcpy(w->one[i].data, out[i].data, out[i].nbytes);
    }
    w->n_one = n;
    return true;
}

static int64_t now(const struct warming *w)
{
    return w->q->cfg.ops.now == NULL ? ward_mono_ns() : w->q->cfg.ops.now();
}

/* Measures one size. *ns: time of the shortest run; 0: the answers differ from the single
 * row's. */
static enum ward_code measure(struct warming *w, int rows, int64_t *ns, struct ward_err *err)
{
    struct ward_tensor in[WARD_MAX_IO], out[WARD_MAX_IO];
    const int64_t began = now(w);
    int64_t least = INT64_MAX;
    uint32_t n_in = 0;

    for (int i = 0; i < RUNS && (i < RUNS_MIN || now(w) - began < RUNS_NS); i++) {
        uint32_t n = WARD_MAX_IO;
        int64_t at, took;

        ward_arena_reset(&w->mem);
        WARD_TRY(ask(w, rows, in, &n_in, err));
        at = now(w);
        WARD_TRY(w->q->cfg.ops.run(w->instance, &w->mem, NULL, in, n_in, out, &n, err));
        took = now(w) - at;
        least = took < least ? took : least;
        if (rows == 1 && i == 0 && !keep_one(w, out, n))
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to warm up %s",
                             w->q->cfg.name);
        if (rows > 1 && !alone_and_beside(w, out, n, rows)) {
            *ns = 0;
            return WARD_OK;
        }
    }
    *ns = least < 1 ? 1 : least;
    return WARD_OK;
}

/* Measures increasing sizes, until two consecutive sizes save no time. */
static enum ward_code climb(struct warming *w, struct ward_rung *rung, int *n,
                            struct ward_err *err)
{
    const struct ward_known *k = w->q->cfg.known;
    int poor = 0;

    *n = 1;
    rung[0].rows = 1;
    WARD_TRY(measure(w, 1, &rung[0].ns, err));
    if (!w->q->rows_apart || k->rank < 1 || k->shape[0] != 1)
        return WARD_OK;
    for (int rows = 2; rows <= w->q->cfg.max_rows && poor < 2 && *n < WARD_QUEUE_RUNGS;
         rows *= 2) {
        const struct ward_rung *last = &rung[*n - 1];
        struct ward_err why = {0};
        int64_t ns = 0;

        /* The ladder ends at the first size that the model cannot run. */
        if (measure(w, rows, &ns, &why) != WARD_OK || ns == 0)
            return WARD_OK;
        if ((double)ns / rows > GAIN * (double)last->ns / last->rows) {
            poor++;
            continue;
        }
        poor = 0;
        rung[(*n)++] = (struct ward_rung){rows, ns};
    }
    return WARD_OK;
}

/* Runs each size once on another instance, so that no size is new to it when a call arrives. */
static enum ward_code run_each(struct warming *w, const struct ward_rung *rung, int n,
                               struct ward_err *err)
{
    for (int i = 0; i < n; i++) {
        struct ward_tensor in[WARD_MAX_IO], out[WARD_MAX_IO];
        uint32_t n_in = 0, n_out = WARD_MAX_IO;

        ward_arena_reset(&w->mem);
        WARD_TRY(ask(w, rung[i].rows, in, &n_in, err));
        WARD_TRY(w->q->cfg.ops.run(w->instance, &w->mem, NULL, in, n_in, out, &n_out, err));
    }
    return WARD_OK;
}

/* At open, measures on the queue's own instances, which are still unused. Later, measures on a
 * new instance. */
static enum ward_code warm(struct warming *w, struct ward_rung *rung, int *n,
                           struct ward_err *err)
{
    struct ward_queue *q = w->q;
    void *other = NULL;
    enum ward_code code;

    if (!q->watched) {
        w->instance = q->instance[0].is;
        WARD_TRY(climb(w, rung, n, err));
        for (int i = 1; i < q->n_instances; i++) {
            w->instance = q->instance[i].is;
            WARD_TRY(run_each(w, rung, *n, err));
        }
        return WARD_OK;
    }
    WARD_TRY(q->cfg.ops.open(q->cfg.ops.arg, &other, err));
    w->instance = other;
    code = climb(w, rung, n, err);
    q->cfg.ops.close(other);
    return code;
}

enum ward_code ward_queue_warm(struct ward_queue *q, struct ward_err *err)
{
    struct ward_rung rung[WARD_QUEUE_RUNGS] = {{1, 0}};
    struct warming w = {.q = q};
    enum ward_code code;
    int n = 1;

    if (q->cfg.known == NULL)
        return WARD_OK;
    pthread_mutex_lock(&q->warming);
    ward_arena_init(&w.mem, q->cfg.scratch);
    ward_arena_init(&w.first, q->cfg.scratch);
    code = warm(&w, rung, &n, err);
    ward_arena_done(&w.mem);
    ward_arena_done(&w.first);
    if (code == WARD_OK) {
        pthread_mutex_lock(&q->lock);
        q->n_rungs = n;
        memcpy(q->rung, rung, sizeof(rung));
        q->mean_ns = (double)rung[0].ns;
        q->spread_ns = (double)rung[0].ns / 8;
        q->row_ns = (double)rung[n - 1].ns / rung[n - 1].rows;
        pthread_mutex_unlock(&q->lock);
    }
    pthread_mutex_unlock(&q->warming);
    return code;
}
