#include "plugins/ort/ort.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Processors compute numbers below 1e-38 in microcode. The face embedding model, whose
 * activations become very small, took 59 ms instead of 7 ms on a processor with AVX-512. Such
 * numbers are therefore flushed to zero while a model runs, and only then, because the flag
 * belongs to the thread and the host's arithmetic must not change. ONNX Runtime's own option
 * sets the flag once, on the thread that created the first session. */
#if defined(__x86_64__)
#define FLUSH_AND_ZERO 0x8040u
static uint64_t flush_denormals(void)
{
    unsigned before = __builtin_ia32_stmxcsr();

    __builtin_ia32_ldmxcsr(before | FLUSH_AND_ZERO);
    return before;
}

static void restore_denormals(uint64_t before)
{
    __builtin_ia32_ldmxcsr((unsigned)before);
}
#elif defined(__aarch64__)
#define FPCR_FZ (UINT64_C(1) << 24)
static uint64_t flush_denormals(void)
{
    uint64_t before;

    __asm__ volatile("mrs %0, fpcr" : "=r"(before));
    __asm__ volatile("msr fpcr, %0" : : "r"(before | FPCR_FZ));
    return before;
}

static void restore_denormals(uint64_t before)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(before));
}
#else /* slow for very small numbers, but correct */
static uint64_t flush_denormals(void)
{
    return 0;
}

static void restore_denormals(uint64_t before)
{
    (void)before;
}
#endif

struct instance {
    struct ort_model *m;
    OrtSession *session;
    OrtRunOptions *options;
    uint32_t placed, nodes;
};

int ort_instance_open(struct ort_model *m, uint32_t at, void **instance,
                      struct ward_plugin_err *err)
{
    struct instance *i = calloc(1, sizeof(*i));
    int rc;

    if (i == NULL)
        return ort_fail(err, 8, "no memory");
    i->m = m;
    i->session = m->sessions[at].session;
    i->placed = m->sessions[at].placed;
    i->nodes = m->sessions[at].nodes;
    rc = ort_check(m->p, m->p->api->CreateRunOptions(&i->options), err);
    if (rc != 0) {
        free(i);
        return rc;
    }
    *instance = i;
    return 0;
}

void ort_instance_free(void *instance)
{
    struct instance *i = instance;

    i->m->p->api->ReleaseRunOptions(i->options);
    free(i);
}

/* Checks the inputs against the model. ONNX Runtime would report a fault later and less
 * clearly. */
static int fits(const struct ward_io *io, const struct ward_tensor *t,
                struct ward_plugin_err *err)
{
    if (t->dtype != io->dtype)
        return ort_fail(err, 3, "input %s: dtype %u, want %u", io->name, t->dtype, io->dtype);
    if (t->rank != io->rank)
        return ort_fail(err, 3, "input %s: rank %u, want %u", io->name, t->rank, io->rank);
    for (uint32_t d = 0; d < t->rank; d++)
        if (t->shape[d] < 1 || (io->shape[d] >= 0 && t->shape[d] != io->shape[d]))
            return ort_fail(err, 3, "input %s: dimension %u is %lld, want %lld", io->name, d,
                            (long long)t->shape[d], (long long)io->shape[d]);
    return 0;
}

/* Inputs are matched by name, or by position if they have no name. */
static int find_inputs(const struct ort_model *m, const struct ward_run *r,
                       const struct ward_tensor **of, struct ward_plugin_err *err)
{
    if (r->n_in != m->n_in)
        return ort_fail(err, 3, "%u inputs, want %u", r->n_in, m->n_in);
    if (r->cap_out < m->n_out)
        return ort_fail(err, 3, "room for %u outputs, want %u", r->cap_out, m->n_out);
    for (uint32_t i = 0; i < m->n_in; i++) {
        int rc;

        of[i] = NULL;
        for (uint32_t k = 0; k < r->n_in; k++)
            if (r->in[k].name != NULL && strcmp(r->in[k].name, m->in[i].name) == 0)
                of[i] = &r->in[k];
        if (of[i] == NULL && r->in[i].name == NULL)
            of[i] = &r->in[i];
        if (of[i] == NULL)
            return ort_fail(err, 3, "no input %s", m->in[i].name);
        rc = fits(&m->in[i], of[i], err);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* Copies one output into the host's memory. */
static int give(struct ort_plugin *p, const struct ward_io *io, OrtValue *value,
                const struct ward_run *r, struct ward_tensor *out, struct ward_plugin_err *err)
{
    OrtTensorTypeAndShapeInfo *info = NULL;
    ONNXTensorElementDataType dtype = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    struct ward_tensor t = {.name = io->name};
    size_t rank = 0, count = 0;
    void *data = NULL;
    int rc;

    rc = ort_check(p, p->api->GetTensorTypeAndShape(value, &info), err);
    if (rc != 0)
        return rc;
    rc = ort_check(p, p->api->GetTensorElementType(info, &dtype), err);
    if (rc == 0)
        rc = ort_check(p, p->api->GetDimensionsCount(info, &rank), err);
    if (rc == 0 && rank > WARD_MAX_RANK)
        rc = ort_fail(err, 13, "output %s has rank %zu", io->name, rank);
    if (rc == 0)
        rc = ort_check(p, p->api->GetDimensions(info, t.shape, rank), err);
    if (rc == 0)
        rc = ort_check(p, p->api->GetTensorShapeElementCount(info, &count), err);
    p->api->ReleaseTensorTypeAndShapeInfo(info);
    if (rc != 0)
        return rc;
    t.dtype = ort_dtype_ours(dtype);
    if (t.dtype == 0)
        return ort_fail(err, 12, "output %s has a type that is not carried", io->name);
    t.rank = (uint32_t)rank;
    if (t.dtype == WARD_BYTES) {
        rc = ort_bytes_out(p, value, count, r, &t, err);
        if (rc == 0)
            *out = t;
        return rc;
    }
    rc = ort_check(p, p->api->GetTensorMutableData(value, &data), err);
    if (rc != 0)
        return rc;
    t.nbytes = count * ort_dtype_size(t.dtype);
    t.data = r->alloc(r->ctx, t.nbytes);
    if (t.data == NULL)
        return ort_fail(err, 8, "no memory for output %s", io->name);
    memcpy(t.data, data, t.nbytes);
    *out = t;
    return 0;
}

static int wrap_inputs(struct ort_plugin *p, uint32_t n, const struct ward_tensor *const *of,
                       OrtValue **values, struct ward_plugin_err *err)
{
    int rc = 0;

    for (uint32_t i = 0; rc == 0 && i < n; i++) {
        const struct ward_tensor *t = of[i];

        if (t == NULL)
            return ort_fail(err, 13, "input %u was not found", i);
        if (t->dtype == WARD_BYTES) {
            rc = ort_bytes_in(p, t, &values[i], err);
            continue;
        }
        rc = ort_check(p,
                       p->api->CreateTensorWithDataAsOrtValue(
                           p->cpu, t->data, (size_t)t->nbytes, t->shape, t->rank,
                           ort_dtype_theirs(t->dtype), &values[i]),
                       err);
    }
    return rc;
}

void ort_interrupt(void *instance)
{
    const struct instance *i = instance;
    OrtStatus *status = i->m->p->api->RunOptionsSetTerminate(i->options);

    i->m->p->api->ReleaseStatus(status);
}

int ort_placement(void *instance, struct ward_placement *out)
{
    const struct instance *i = instance;

    if (out->size < sizeof(*out) || i->nodes == 0)
        return 12;
    out->nodes_device = i->placed;
    out->nodes_all = i->nodes;
    return 0;
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int compute(const struct instance *self, OrtValue *const *in, OrtValue **out,
                   struct ward_plugin_err *err)
{
    const struct ort_model *m = self->m;
    const char *in_names[ORT_MAX_IO], *out_names[ORT_MAX_IO];
    uint64_t before;
    int rc;

    for (uint32_t i = 0; i < m->n_in; i++)
        in_names[i] = m->in[i].name;
    for (uint32_t i = 0; i < m->n_out; i++)
        out_names[i] = m->out[i].name;
    before = flush_denormals();
    rc = ort_check(m->p,
                   m->p->api->Run(self->session, self->options, in_names,
                                  (const OrtValue *const *)in, m->n_in, out_names, m->n_out,
                                  out),
                   err);
    restore_denormals(before);
    return rc;
}

static void tell_times(struct ward_run *r, const uint64_t at[4])
{
    if (r->size >= offsetof(struct ward_run, times) + sizeof(r->times))
        r->times = (struct ward_run_times){at[1] - at[0], at[2] - at[1], at[3] - at[2]};
}

static int cancelled(const struct ort_plugin *p, struct ward_plugin_err *err)
{
    p->host->metric(p->host->ctx, p->provider->cancelled, 1);
    return ort_fail(err, 1, "cancelled");
}

/* Clears an interrupt of an earlier run first. If the host's interrupt comes before that, the
 * host repeats it. */
int ort_run(void *instance, struct ward_run *r, struct ward_plugin_err *err)
{
    const struct instance *self = instance;
    struct ort_model *m = self->m;
    struct ort_plugin *p = m->p;
    const struct ward_tensor *of[ORT_MAX_IO] = {0};
    struct ward_tensor result[ORT_MAX_IO];
    OrtValue *in[ORT_MAX_IO] = {0}, *out[ORT_MAX_IO] = {0};
    uint64_t at[4] = {now_ns()};
    int rc = find_inputs(m, r, of, err);

    if (rc == 0)
        rc = ort_check(p, p->api->RunOptionsUnsetTerminate(self->options), err);
    if (rc == 0 && r->cancelled(r->ctx))
        rc = cancelled(p, err);
    if (rc != 0)
        return rc;
    rc = wrap_inputs(p, m->n_in, of, in, err);
    at[1] = now_ns();
    if (rc == 0)
        rc = compute(self, in, out, err);
    at[2] = now_ns();
    if (r->cancelled(r->ctx))
        rc = cancelled(p, err);
    for (uint32_t i = 0; rc == 0 && i < m->n_out; i++)
        rc = give(p, &m->out[i], out[i], r, &result[i], err);
    for (uint32_t i = 0; i < ORT_MAX_IO; i++) {
        p->api->ReleaseValue(in[i]);
        p->api->ReleaseValue(out[i]);
    }
    if (rc != 0)
        return rc;
    memcpy(r->out, result, m->n_out * sizeof(*result));
    r->n_out = m->n_out;
    at[3] = now_ns();
    tell_times(r, at);
    return 0;
}
