/* Runs one batch: combines the rows of calls, runs them, and returns the outputs. */
#include "common/base/clock.h"
#include "common/serve/queue_own.h"

#include <string.h>

/* ---- stopping a run ---- */

bool batch_gone(const void *batch)
{
    const struct batch *b = batch;
    int64_t now = ward_mono_ns();

    for (int i = 0; i < b->n_parts; i++)
        if (!entry_late(b->part[i].e, now) && !entry_gone(b->part[i].e))
            return false;
    return true;
}

static struct ward_stop stop_of(const struct batch *b)
{
    return (struct ward_stop){WARD_NO_DEADLINE, batch_gone, b};
}

/* Returns a call's own reason after a run was stopped because all its callers had gone. */
static enum ward_code gone_why(const struct entry *e, struct ward_err *why)
{
    if (entry_late(e, ward_mono_ns()))
        return WARD_FAIL(why, DEADLINE_EXCEEDED, "the deadline passed during inference");
    return WARD_FAIL(why, CANCELLED, "the call was cancelled");
}

static void fail_parts(struct ward_queue *q, const struct batch *b, enum ward_code code,
                       const struct ward_err *why)
{
    bool stopped = code == WARD_CANCELLED && batch_gone(b);

    pthread_mutex_lock(&q->lock);
    for (int i = 0; i < b->n_parts; i++) {
        struct ward_err own = *why;
        enum ward_code c = stopped ? gone_why(b->part[i].e, &own) : code;

        entry_fail(q, b->part[i].e, c, &own);
    }
    pthread_mutex_unlock(&q->lock);
}

/* ---- one whole call ---- */

/* Copies the outputs' names, because the model may be replaced before the caller reads them. */
static bool keep_names(const struct ward_queue *q, struct ward_arena *mem,
                       struct ward_tensor *out, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *name = out[i].name, *kept = NULL;

        for (uint32_t k = 0; name != NULL && k < q->io.n_out; k++)
            if (strcmp(q->io.out[k].name, name) == 0)
                kept = q->io.out[k].name;
        if (name != NULL && kept == NULL)
            kept = ward_strdup(mem, name);
        if (name != NULL && kept == NULL)
            return false;
        out[i].name = kept;
    }
    return true;
}

static enum ward_code run_whole(struct ward_queue *q, struct instance *i, const struct batch *b,
                                struct ward_err *err)
{
    const struct ward_stop stop = stop_of(b);
    struct entry *e = b->part[0].e;
    struct ward_tensor in[WARD_MAX_IO], out[WARD_MAX_IO];
    uint32_t n = e->cap_out < WARD_MAX_IO ? e->cap_out : WARD_MAX_IO;

    for (uint32_t k = 0; k < e->n_in; k++)
        in[k] = *e->in[k];
    WARD_TRY(q->cfg.ops.run(i->is, e->mem, &stop, in, e->n_in, out, &n, err));
    if (!keep_names(q, e->mem, out, n))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the outputs");
    memcpy(e->out, out, n * sizeof(*out));
    e->n_out = n;
    e->has_out = true;
    return WARD_OK;
}

/* ---- rows of several calls ---- */

static bool gather(const struct batch *b, uint32_t k, struct ward_arena *mem,
                   struct ward_tensor *t)
{
    const struct ward_tensor *like = b->part[0].e->in[k];
    const uint64_t row = like->nbytes / (uint64_t)like->shape[0];
    unsigned char *to;

    *t = *like;
    t->shape[0] = b->rung;
    t->nbytes = row * (uint64_t)b->rung;
    t->data = to = ward_alloc64(mem, t->nbytes);
    if (to == NULL)
        return false;
    for (int i = 0; i < b->n_parts; i++) {
        const struct part *p = &b->part[i];
        const unsigned char *from = p->e->in[k]->data;

        memcpy(to, from + row * (uint64_t)p->from, row * (uint64_t)p->n);
        to += row * (uint64_t)p->n;
    }
    for (int64_t pad = b->rows; pad < b->rung; pad++, to += row)
        memcpy(to, to - row, row);
    return true;
}

static bool by_rows(const struct ward_tensor *out, uint32_t n, int64_t rows)
{
    for (uint32_t i = 0; i < n; i++)
        if (out[i].rank < 1 || out[i].shape[0] != rows || out[i].dtype == WARD_BYTES)
            return false;
    return true;
}

/* Allocates the outputs for all rows of a call when its first rows are done. */
static enum ward_code make_room(const struct ward_queue *q, struct entry *e,
                                const struct ward_tensor *out, uint32_t n, struct ward_err *err)
{
    struct ward_tensor t[WARD_MAX_IO];

    if (n > e->cap_out)
        return WARD_FAIL(err, INTERNAL,
                         "the model has %u outputs, but the caller has room for %u", n,
                         e->cap_out);
    for (uint32_t k = 0; k < n; k++) {
        t[k] = out[k];
        t[k].shape[0] = e->rows;
        t[k].nbytes = out[k].nbytes / (uint64_t)out[k].shape[0] * (uint64_t)e->rows;
        t[k].data = ward_alloc64(e->mem, t[k].nbytes);
        if (t[k].data == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the outputs");
    }
    if (!keep_names(q, e->mem, t, n))
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the outputs");
    memcpy(e->out, t, n * sizeof(*t));
    e->n_out = n;
    e->has_out = true;
    return WARD_OK;
}

/* Returns whether the outputs have the same types and shapes as those of the call's earlier
 * rows. */
static bool alike(const struct entry *e, const struct ward_tensor *out, uint32_t n)
{
    if (e->n_out != n)
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (e->out[k].dtype != out[k].dtype || e->out[k].rank != out[k].rank ||
            memcmp(e->out[k].shape + 1, out[k].shape + 1,
                   (out[k].rank - 1) * sizeof(*out[k].shape)) != 0)
            return false;
    return true;
}

static void deliver(struct ward_queue *q, const struct part *p, int64_t at,
                    const struct ward_tensor *out, uint32_t n)
{
    struct ward_err why = {0};
    enum ward_code code = WARD_OK;

    pthread_mutex_lock(&q->lock);
    if (!p->e->has_out)
        code = make_room(q, p->e, out, n, &why);
    if (code == WARD_OK && !alike(p->e, out, n))
        code =
            WARD_FAIL(&why, INTERNAL,
                      "%s returned inconsistent outputs for the rows of one call", q->cfg.name);
    if (code != WARD_OK)
        entry_fail(q, p->e, code, &why);
    pthread_mutex_unlock(&q->lock);
    for (uint32_t k = 0; code == WARD_OK && k < n; k++) {
        const uint64_t row = out[k].nbytes / (uint64_t)out[k].shape[0];
        unsigned char *to = p->e->out[k].data;
        const unsigned char *from = out[k].data;

        memcpy(to + row * (uint64_t)p->from, from + row * (uint64_t)at, row * (uint64_t)p->n);
    }
}

static enum ward_code run_rows(struct ward_queue *q, struct instance *i, const struct batch *b,
                               struct ward_err *err)
{
    const struct ward_stop stop = stop_of(b);
    const uint32_t n_in = b->part[0].e->n_in;
    struct ward_tensor in[WARD_MAX_IO], out[WARD_MAX_IO];
    uint32_t n = WARD_MAX_IO;
    int64_t at = 0;

    ward_arena_reset(&i->scratch);
    for (uint32_t k = 0; k < n_in; k++)
        if (!gather(b, k, &i->scratch, &in[k]))
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a batch of %s",
                             q->cfg.name);
    WARD_TRY(q->cfg.ops.run(i->is, &i->scratch, &stop, in, n_in, out, &n, err));
    if (!by_rows(out, n, b->rung))
        return WARD_FAIL(err, INTERNAL, "%s answered %d rows with another number of rows",
                         q->cfg.name, b->rung);
    for (int p = 0; p < b->n_parts; p++) {
        deliver(q, &b->part[p], at, out, n);
        at += b->part[p].n;
    }
    return WARD_OK;
}

/* ---- the batch ---- */

static enum ward_code run_batch(struct ward_queue *q, struct instance *i, const struct batch *b,
                                struct ward_err *err)
{
    const struct part *p = &b->part[0];
    bool as_it_is = b->rung == 0 || (b->n_parts == 1 && p->n == p->e->rows && p->n == b->rung);

    enum ward_code code = as_it_is ? run_whole(q, i, b, err) : run_rows(q, i, b, err);

    if (q->cfg.ops.blamed != NULL && (code == WARD_OK || q->cfg.ops.blamed(i->is)))
        batch_blame(q, b, code != WARD_OK);
    return code;
}

/* Returns whether the failure may come from the rows of one call. The calls then run
 * separately, so that one call's rows do not fail the others. */
static bool may_be_one_calls(enum ward_code code)
{
    return code == WARD_INVALID_ARGUMENT || code == WARD_INTERNAL ||
           code == WARD_FAILED_PRECONDITION || code == WARD_RESOURCE_EXHAUSTED;
}

void batch_exec(struct ward_queue *q, struct instance *i, struct batch *b)
{
    struct ward_err err = {0};
    enum ward_code code = run_batch(q, i, b, &err);

    if (code == WARD_OK)
        return;
    if (b->n_parts == 1 || !may_be_one_calls(code)) {
        fail_parts(q, b, code, &err);
        return;
    }
    for (int k = 0; k < b->n_parts; k++) {
        struct batch one = {
            .n_parts = 1, .part = {b->part[k]}, .rows = b->part[k].n, .rung = b->rung};
        struct ward_err own = {0};

        code = run_batch(q, i, &one, &own);
        if (code != WARD_OK)
            fail_parts(q, &one, code, &own);
    }
}
