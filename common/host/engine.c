#include "common/base/clock.h"
#include "common/host/host_own.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_ALIGN 64u

uint64_t ward_dtype_size(uint32_t dtype)
{
    static const uint8_t size[] = {
        [WARD_U8] = 1,  [WARD_I8] = 1,   [WARD_BOOL] = 1, [WARD_U16] = 2, [WARD_I16] = 2,
        [WARD_F16] = 2, [WARD_BF16] = 2, [WARD_I32] = 4,  [WARD_U32] = 4, [WARD_F32] = 4,
        [WARD_I64] = 8, [WARD_U64] = 8,  [WARD_F64] = 8,
    };

    return dtype < WARD_COUNT(size) ? size[dtype] : 0;
}

/* Checks that each element lies within the block, and that the block ends with the last
 * element. */
static bool bytes_fit(const struct ward_tensor *t, uint64_t elements)
{
    const uint8_t *at = t->data;
    uint64_t left = t->nbytes;

    if (elements > 0 && at == NULL)
        return false;
    for (; elements > 0; elements--) {
        uint64_t n;

        if (left < 4)
            return false;
        n = 4 + ((uint64_t)at[0] | (uint64_t)at[1] << 8 | (uint64_t)at[2] << 16 |
                 (uint64_t)at[3] << 24);
        if (n > left)
            return false;
        at += n;
        left -= n;
    }
    return left == 0;
}

const char *ward_tensor_unfit(const struct ward_tensor *t, uint64_t min_align)
{
    uint64_t n = t->dtype == WARD_BYTES ? 1 : ward_dtype_size(t->dtype);

    if (n == 0)
        return "unknown dtype";
    if (t->rank > WARD_MAX_RANK)
        return "the rank is too large";
    for (uint32_t i = 0; i < t->rank; i++) {
        if (t->shape[i] < 0)
            return "a negative dimension";
        if (__builtin_mul_overflow(n, (uint64_t)t->shape[i], &n) || n > INT64_MAX)
            return "the size overflows";
    }
    if (t->dtype == WARD_BYTES)
        return bytes_fit(t, n) ? NULL : "the bytes do not contain the elements of the shape";
    if (n != t->nbytes)
        return "nbytes is not shape times size";
    if (t->data == NULL && n != 0)
        return "no data";
    if ((uintptr_t)t->data % min_align != 0)
        return "data is not aligned";
    return NULL;
}

void *ward_alloc64(struct ward_arena *mem, uint64_t nbytes)
{
    unsigned char *p;

    if (nbytes > SIZE_MAX - INPUT_ALIGN)
        return NULL;
    p = ward_alloc(mem, (size_t)nbytes + INPUT_ALIGN - 1);
    if (p == NULL)
        return NULL;
    return (void *)(((uintptr_t)p + INPUT_ALIGN - 1) & ~(uintptr_t)(INPUT_ALIGN - 1));
}

enum ward_code ward_engine_new(struct ward_model *m, int device, struct ward_engine **out,
                               struct ward_err *err)
{
    struct ward_plugin_err perr = {0};
    struct ward_engine *e = calloc(1, sizeof(*e));
    int rc;

    if (e == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an engine");
    e->m = m;
    pthread_mutex_lock(&m->b->lock);
    rc = m->b->p->instance_new(m->model, device, &e->instance, &perr);
    pthread_mutex_unlock(&m->b->lock);
    if (rc != 0) {
        free(e);
        return ward_plugin_said(rc, m->b, &perr, err);
    }
    *out = e;
    return WARD_OK;
}

void ward_engine_free(struct ward_engine *e)
{
    if (e == NULL)
        return;
    pthread_mutex_lock(&e->m->b->lock);
    e->m->b->p->instance_free(e->instance);
    pthread_mutex_unlock(&e->m->b->lock);
    free(e);
}

bool ward_engine_interrupt(struct ward_engine *e)
{
    const struct ward_plugin *p = e->m->b->p;

    if (!WARD_PLUGIN_HAS(p, interrupt))
        return false;
    p->interrupt(e->instance);
    return true;
}

double ward_engine_share(const struct ward_engine *e)
{
    const struct ward_plugin *p = e->m->b->p;
    struct ward_placement is = {.size = sizeof(is)};

    if (!WARD_PLUGIN_HAS(p, placement) || p->placement(e->instance, &is) != 0 ||
        is.nodes_all == 0 || is.nodes_device > is.nodes_all)
        return 1;
    return (double)is.nodes_device / is.nodes_all;
}

/* The context of a plugin's callbacks during one run. */
struct running {
    struct ward_arena *mem;
    const struct ward_stop *stop;
};

static void *run_alloc(void *ctx, uint64_t nbytes)
{
    struct running *r = ctx;

    return ward_alloc64(r->mem, nbytes);
}

static bool late(const struct ward_stop *s)
{
    return s != NULL && s->deadline_ns != WARD_NO_DEADLINE && ward_mono_ns() >= s->deadline_ns;
}

static int run_cancelled(void *ctx)
{
    const struct ward_stop *s = ((struct running *)ctx)->stop;

    return s != NULL && (late(s) || (s->gone != NULL && s->gone(s->arg)));
}

static enum ward_code stopped(const struct ward_stop *s, struct ward_err *err)
{
    if (late(s))
        return WARD_FAIL(err, DEADLINE_EXCEEDED, "the deadline passed during inference");
    return WARD_FAIL(err, CANCELLED, "the call was cancelled");
}

static enum ward_code check_inputs(const struct ward_tensor *in, uint32_t n,
                                   struct ward_err *err)
{
    for (uint32_t i = 0; i < n; i++) {
        const char *unfit = ward_tensor_unfit(&in[i], INPUT_ALIGN);

        if (unfit != NULL)
            return WARD_FAIL(err, INVALID_ARGUMENT, "input %u: %s", i, unfit);
    }
    return WARD_OK;
}

static enum ward_code check_outputs(const struct ward_engine *e, const struct ward_run *r,
                                    struct ward_err *err)
{
    if (r->n_out > r->cap_out)
        return WARD_FAIL(err, INTERNAL, "the %s back end returned too many outputs",
                         e->m->b->p->name);
    for (uint32_t i = 0; i < r->n_out; i++) {
        const char *unfit = ward_tensor_unfit(&r->out[i], INPUT_ALIGN);

        if (unfit != NULL)
            return WARD_FAIL(err, INTERNAL, "output %u of %s: %s", i, e->m->name, unfit);
    }
    return WARD_OK;
}

enum ward_code ward_engine_run(struct ward_engine *e, struct ward_arena *mem,
                               const struct ward_stop *stop, const struct ward_tensor *in,
                               uint32_t n_in, struct ward_tensor *out, uint32_t *n_out,
                               struct ward_err *err)
{
    struct running now = {mem, stop};
    struct ward_plugin_err perr = {0};
    struct ward_run r = {.size = sizeof(r),
                         .n_in = n_in,
                         .in = in,
                         .cap_out = *n_out,
                         .out = out,
                         .ctx = &now,
                         .alloc = run_alloc,
                         .cancelled = run_cancelled};
    int64_t began = ward_mono_ns();
    enum ward_code code;
    int rc;

    WARD_TRY(check_inputs(in, n_in, err));
    if (run_cancelled(&now))
        return stopped(stop, err);
    rc = e->m->b->p->run(e->instance, &r, &perr);
    if (rc == WARD_CANCELLED && run_cancelled(&now))
        code = stopped(stop, err);
    else
        code = rc == 0 ? check_outputs(e, &r, err) : ward_plugin_said(rc, e->m->b, &perr, err);
    ward_model_observe(e->m, code != WARD_OK, (double)(ward_mono_ns() - began) / 1e9, &r.times);
    if (code == WARD_OK) {
        *n_out = r.n_out;
        e->times = r.times;
    }
    return code;
}

struct ward_run_times ward_engine_times(const struct ward_engine *e)
{
    return e->times;
}

const struct ward_tensor *ward_tensor_named(const struct ward_tensor *t, uint32_t n,
                                            const char *name)
{
    for (uint32_t i = 0; i < n; i++)
        if (t[i].name != NULL && strcmp(t[i].name, name) == 0)
            return &t[i];
    return NULL;
}

void ward_known_input(float *out, uint64_t n, float lo, float hi)
{
    uint32_t x = 0x9e3779b9u; /* xorshift32 gives the same values on every machine */

    for (uint64_t i = 0; i < n; i++) {
        x ^= x << 13;
        x ^= x >> 17;
        x ^= x << 5;
        out[i] = lo + (hi - lo) * (float)(x >> 8) * (1.0f / 16777216.0f);
    }
}

bool ward_known_tensor(const struct ward_known *k, const struct ward_io *io, int rows,
                       struct ward_arena *mem, struct ward_tensor *t)
{
    bool asked = io == NULL || strcmp(io->name, k->input) == 0;
    uint64_t n = 1;

    *t = (struct ward_tensor){.name = asked ? k->input : io->name,
                              .dtype = asked ? WARD_F32 : io->dtype,
                              .rank = asked ? k->rank : io->rank};
    for (uint32_t d = 0; d < t->rank; d++) {
        t->shape[d] = asked ? k->shape[d] : io->shape[d];
        if (d == 0 && rows > 1)
            t->shape[d] = rows;
        t->shape[d] = t->shape[d] < 1 ? 1 : t->shape[d];
        n *= (uint64_t)t->shape[d];
    }
    /* An empty element of WARD_BYTES is a length of zero. */
    t->nbytes = n * (t->dtype == WARD_BYTES ? sizeof(uint32_t) : ward_dtype_size(t->dtype));
    t->data = ward_alloc64(mem, t->nbytes);
    if (t->data != NULL && asked)
        ward_known_input(t->data, n, k->lo, k->hi);
    return t->data != NULL;
}

static enum ward_code compare(const struct ward_tensor *t, const struct ward_known *k,
                              const char *model, struct ward_err *err)
{
    const float *v;

    if (t == NULL || t->dtype != WARD_F32 ||
        t->nbytes / sizeof(float) < (uint64_t)k->stride * (k->n - 1) + 1)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KNOWN_ANSWER",
                                "%s did not return the expected output", model);
    v = t->data;
    for (uint32_t i = 0; i < k->n; i++) {
        float diff = fabsf(v[(uint64_t)i * k->stride] - k->want[i]);

        if (!(diff <= k->tolerance)) { /* NaN also fails this comparison */
            WARD_FAIL_REASON(err, FAILED_PRECONDITION, "KNOWN_ANSWER",
                             "%s returned a wrong answer in its known-answer check", model);
            ward_err_detail(err, "value %u is %.7g, want %.7g +- %.3g", i,
                            (double)v[(uint64_t)i * k->stride], (double)k->want[i],
                            (double)k->tolerance);
            return WARD_FAILED_PRECONDITION;
        }
    }
    return WARD_OK;
}

enum ward_code ward_engine_known(struct ward_engine *e, struct ward_arena *mem,
                                 const struct ward_known *k, struct ward_err *err)
{
    struct ward_tensor in[WARD_MAX_IO], out[WARD_MAX_IO];
    const struct ward_model_io *io = ward_model_shapes(e->m);
    uint32_t n_in = io == NULL ? 1 : io->n_in, n_out = WARD_COUNT(out);

    for (uint32_t i = 0; i < n_in; i++)
        if (!ward_known_tensor(k, n_in == 1 ? NULL : &io->in[i], 1, mem, &in[i]))
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the known answer");
    WARD_TRY(ward_engine_run(e, mem, NULL, in, n_in, out, &n_out, err));
    return compare(*k->output == '\0' && n_out > 0 ? &out[0]
                                                   : ward_tensor_named(out, n_out, k->output),
                   k, e->m->name, err);
}
