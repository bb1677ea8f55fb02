/* plugin_testing.h - the host's side of plugin_test: what a host lends to a plugin, made of
 * memory and switches that a test can see. Included once, by plugin_test.c. Threads: `t` is
 * written before any starts. Memory: the arena of the test's `struct lent`. Errors: cmocka's.
 */
#ifndef WARD_TESTS_CONTRACT_PLUGIN_TESTING_H
#define WARD_TESTS_CONTRACT_PLUGIN_TESTING_H

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/host/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

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

/* ---- the command line ---- */

static bool parse_shape(const char *s)
{
    while (t.rank < WARD_MAX_RANK) {
        char *end;
        long long n = strtoll(s, &end, 10);

        if (n < 1 || n > 65536 || end == s)
            return false;
        t.shape[t.rank++] = n;
        if (*end == '\0')
            return t.rank >= 2;
        if (*end != 'x')
            return false;
        s = end + 1;
    }
    return false;
}

static bool read_weights(const char *path)
{
    static char dir[4096];
    struct stat st;
    FILE *f = fopen(path, "rb");
    uint8_t sum[WARD_SHA256_SIZE];
    void *data;

    if (f == NULL || fstat(fileno(f), &st) != 0 ||
        (data = malloc((size_t)st.st_size)) == NULL ||
        fread(data, 1, (size_t)st.st_size, f) != (size_t)st.st_size)
        return false;
    fclose(f);
    t.spec.data = data;
    t.spec.nbytes = (uint64_t)st.st_size;
    ward_sha256(data, (size_t)st.st_size, sum);
    ward_hex(sum, sizeof(sum), t.spec.sha256);
    snprintf(dir, sizeof(dir), "%s", path);
    if (strrchr(dir, '/') != NULL)
        *strrchr(dir, '/') = '\0';
    t.spec.dir = dir;
    return true;
}

#endif
