/* plugin_testing.h - the host's side of plugin_test: what a host lends to a plugin, made of
 * memory and switches that a test can see. Included once, by plugin_test.c. Threads: `t` is
 * written before any starts. Memory: the arena of the test's `struct lent`. Errors: cmocka's.
 */
#ifndef WARD_TESTS_CONTRACT_PLUGIN_TESTING_H
#define WARD_TESTS_CONTRACT_PLUGIN_TESTING_H

#include "common/host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define MEM_CAP ((size_t)64 << 20)
#define ROUNDS  50

static struct {
    const char *so, *input, *weights;
    uint32_t rank;
    int64_t shape[WARD_MAX_RANK];
    const struct ward_plugin *p;
    struct ward_host host;
    struct ward_model_spec spec;
    void *plugin, *model;
    struct ward_device device;
    struct ward_plugin_err err;
    char **option; /* "key=value" */
    int n_options;
} t;

static void quiet_log(void *ctx, int level, const char *msg)
{
    (void)ctx, (void)level, (void)msg;
}

static void no_metric(void *ctx, const char *name, double add)
{
    (void)ctx, (void)name, (void)add;
}

static const char *option(void *ctx, const char *key)
{
    size_t n = strlen(key);

    (void)ctx;
    for (int i = 0; i < t.n_options; i++)
        if (strncmp(t.option[i], key, n) == 0 && t.option[i][n] == '=')
            return t.option[i] + n + 1;
    return NULL;
}

struct lent {
    struct ward_arena mem;
    int cancel;
};

static void *lend(void *ctx, uint64_t n)
{
    return ward_alloc64(&((struct lent *)ctx)->mem, n);
}

static int is_cancelled(void *ctx)
{
    return ((struct lent *)ctx)->cancel;
}

static uint64_t elements(void)
{
    uint64_t n = 1;

    for (uint32_t i = 0; i < t.rank; i++)
        n *= (uint64_t)t.shape[i];
    return n;
}

static struct ward_tensor question(struct ward_arena *mem)
{
    struct ward_tensor in = {.name = t.input, .dtype = WARD_F32, .rank = t.rank};

    memcpy(in.shape, t.shape, sizeof(in.shape));
    in.nbytes = elements() * sizeof(float);
    in.data = ward_alloc64(mem, in.nbytes);
    assert_non_null(in.data);
    ward_known_input(in.data, elements(), -1, 1);
    return in;
}

struct answer {
    struct ward_tensor out[8];
    uint32_t n;
};

static int run(void *instance, struct lent *l, const struct ward_tensor *in, uint32_t n_in,
               uint32_t cap, struct answer *a)
{
    struct ward_plugin_err err;
    struct ward_run r = {.size = sizeof(r),
                         .n_in = n_in,
                         .in = in,
                         .cap_out = cap,
                         .out = a->out,
                         .ctx = l,
                         .alloc = lend,
                         .cancelled = is_cancelled};
    int rc;

    memset(err.msg, 'x', sizeof(err.msg));
    rc = t.p->run(instance, &r, &err);
    if (rc != 0)
        assert_non_null(memchr(err.msg, '\0', sizeof(err.msg))); /* a sentence, ended */
    a->n = r.n_out;
    return rc;
}

static void *instance(void)
{
    void *i = NULL;

    assert_int_equal(t.p->instance_new(t.model, t.device.ordinal, &i, &t.err), 0);
    return i;
}

#endif
