/* plugin_test - does a plugin keep what plugins/include/ward/plugin.h promises?
 *
 *   plugin_test PLUGIN.so INPUT SHAPE [WEIGHTS]
 *   plugin_test build/plugins/mean.so image 2x1x4x4
 *   plugin_test build/plugins/cpu.so input 1x1x64x64 build/models/faceplugin/fr_landmark.onnx
 *
 * INPUT is the name and SHAPE the shape of the model's one input, F32. Calls the plugin itself,
 * not through common/host, so that what the host would catch is found here.
 */
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/host/host.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
} t;

/* ---- the host's side ---- */

static void quiet_log(void *ctx, int level, const char *msg)
{
    (void)ctx, (void)level, (void)msg;
}

static void no_metric(void *ctx, const char *name, double add)
{
    (void)ctx, (void)name, (void)add;
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

/* ---- loading ---- */

static int load(void **state)
{
    const struct ward_plugin *(*entry)(void);
    void *so = dlopen(t.so, RTLD_NOW | RTLD_LOCAL);

    (void)state;
    if (so == NULL) {
        printf("%s\n", dlerror());
        return 1;
    }
    *(void **)&entry = dlsym(so, WARD_PLUGIN_ENTRY);
    t.p = entry == NULL ? NULL : entry();
    return ward_plugin_unfit(t.p) == NULL && entry() == t.p ? 0 : 1;
}

static int open_model(void **state)
{
    struct ward_device d[16];
    uint32_t n = 0;

    (void)state;
    t.host = (struct ward_host){.size = sizeof(t.host),
                                .major = WARD_PLUGIN_MAJOR,
                                .minor = WARD_PLUGIN_MINOR,
                                .log = quiet_log,
                                .metric = no_metric};
    t.plugin = NULL;
    if (t.p->open != NULL && t.p->open(&t.host, &t.plugin, &t.err) != 0)
        return 1;
    if (t.p->devices(t.plugin, d, 16, &n, &t.err) != 0 || n < 1 || n > 16)
        return 1;
    t.device = d[0];
    return t.p->model_load(t.plugin, &t.spec, &t.model, &t.err);
}

static int close_model(void **state)
{
    (void)state;
    t.p->model_free(t.model);
    if (t.p->close != NULL)
        t.p->close(t.plugin);
    return 0;
}

/* ---- the promises ---- */

static void the_table_is_fit_and_named(void **state)
{
    (void)state;
    assert_null(ward_plugin_unfit(t.p));
    assert_int_equal(strspn(t.p->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
                     strlen(t.p->name));
}

static void it_opens_again_after_it_was_closed(void **state)
{
    for (int i = 0; i < 3; i++) {
        assert_int_equal(open_model(state), 0);
        close_model(state);
    }
}

static void devices_are_named_and_of_a_known_kind(void **state)
{
    struct ward_device d[16];
    uint32_t n = 0;

    (void)state;
    assert_int_equal(t.p->devices(t.plugin, d, 16, &n, &t.err), 0);
    for (uint32_t i = 0; i < n; i++) {
        assert_in_range(d[i].kind, WARD_CPU, WARD_NPU);
        assert_in_range(d[i].ready, 0, 1);
        assert_non_null(memchr(d[i].name, '\0', sizeof(d[i].name)));
        assert_true(d[i].name[0] != '\0');
    }
}

static void the_model_says_which_weights_it_runs(void **state)
{
    struct ward_model_info info = {.size = sizeof(info)};

    (void)state;
    assert_int_equal(t.p->model_info(t.model, &info), 0);
    assert_string_equal(info.sha256, t.spec.sha256);
    assert_true(info.version[0] != '\0');
}

static void weights_that_are_none_are_refused(void **state)
{
    static const char junk[] = "these are not the weights of anything";
    struct ward_model_spec spec = t.spec;
    void *untouched = &spec, *model = untouched;
    int rc;

    (void)state;
    spec.data = junk;
    spec.nbytes = sizeof(junk);
    rc = t.p->model_load(t.plugin, &spec, &model, &t.err);
    assert_in_range(rc, 1, 16);
    assert_ptr_equal(model, untouched);
    if (t.spec.nbytes > 1000) { /* and real ones that were cut short */
        spec.data = t.spec.data;
        spec.nbytes = t.spec.nbytes / 2;
        assert_in_range(t.p->model_load(t.plugin, &spec, &model, &t.err), 1, 16);
        assert_ptr_equal(model, untouched);
    }
}

static void a_device_that_is_not_there_is_refused(void **state)
{
    void *untouched = &t, *i = untouched;

    (void)state;
    assert_in_range(t.p->instance_new(t.model, 4711, &i, &t.err), 1, 16);
    assert_in_range(t.p->instance_new(t.model, -2, &i, &t.err), 1, 16);
    assert_ptr_equal(i, untouched);
}

static void the_same_question_has_the_same_well_formed_answer(void **state)
{
    struct lent l = {0};
    struct answer a, b;
    struct ward_tensor in;
    void *i = instance();

    (void)state;
    ward_arena_init(&l.mem, MEM_CAP);
    in = question(&l.mem);
    assert_int_equal(run(i, &l, &in, 1, 8, &a), 0);
    assert_int_equal(run(i, &l, &in, 1, 8, &b), 0);
    assert_in_range(a.n, 1, 8);
    assert_int_equal(a.n, b.n);
    for (uint32_t k = 0; k < a.n; k++) {
        assert_null(ward_tensor_unfit(&a.out[k], 64));
        assert_non_null(a.out[k].name);
        assert_int_equal(a.out[k].nbytes, b.out[k].nbytes);
        assert_memory_equal(a.out[k].data, b.out[k].data, a.out[k].nbytes);
        assert_ptr_not_equal(a.out[k].data, b.out[k].data);
    }
    t.p->instance_free(i);
    ward_arena_done(&l.mem);
}

/* Runs `in` and expects code 3 with the outputs left as they were. */
static void refuses(void *i, struct lent *l, const struct ward_tensor *in, uint32_t n_in,
                    uint32_t cap)
{
    struct answer a, before;

    memset(&a, 0x5a, sizeof(a));
    before = a;
    assert_int_equal(run(i, l, in, n_in, cap, &a), 3);
    assert_int_equal(a.n, 0);
    assert_memory_equal(a.out, before.out, sizeof(a.out));
}

static void inputs_that_do_not_fit_are_invalid(void **state)
{
    struct lent l = {0};
    struct ward_tensor good, in, two[2];
    struct answer a;
    void *i = instance();

    (void)state;
    ward_arena_init(&l.mem, MEM_CAP);
    good = question(&l.mem);
    in = good, in.dtype = WARD_I32; /* wrong dtype, as many bytes */
    refuses(i, &l, &in, 1, 8);
    in = good, in.rank--, in.shape[in.rank - 1] *= in.shape[in.rank]; /* bad rank */
    refuses(i, &l, &in, 1, 8);
    in = good, in.shape[0] = 0, in.nbytes = 0; /* empty batch */
    refuses(i, &l, &in, 1, 8);
    refuses(i, &l, &good, 0, 8); /* no input */
    two[0] = two[1] = good;
    refuses(i, &l, two, 2, 8);                        /* one too many */
    refuses(i, &l, &good, 1, 0);                      /* nowhere to put the answer */
    assert_int_equal(run(i, &l, &good, 1, 8, &a), 0); /* and it still works */
    t.p->instance_free(i);
    ward_arena_done(&l.mem);
}

static void each_refused_allocation_is_code_8(void **state)
{
    struct lent l = {0};
    struct answer a;
    void *i = instance();
    int refused = 0, rc;

    (void)state;
    ward_arena_init(&l.mem, MEM_CAP);
    do {
        struct ward_tensor in;

        ward_arena_reset(&l.mem);
        l.mem.fail_at = 0;
        in = question(&l.mem);
        l.mem.fail_at = l.mem.calls + refused + 1;
        rc = run(i, &l, &in, 1, 8, &a);
        assert_true(rc == 0 || rc == 8);
    } while (rc == 8 && ++refused < 1000);
    assert_int_equal(rc, 0);
    assert_true(refused >= 1); /* outputs are in the host's memory */
    t.p->instance_free(i);
    ward_arena_done(&l.mem);
}

static void a_cancelled_run_is_code_1(void **state)
{
    struct lent l = {.cancel = 1};
    struct ward_tensor in;
    struct answer a;
    void *i = instance();

    (void)state;
    ward_arena_init(&l.mem, MEM_CAP);
    in = question(&l.mem);
    assert_int_equal(run(i, &l, &in, 1, 8, &a), 1);
    l.cancel = 0;
    assert_int_equal(run(i, &l, &in, 1, 8, &a), 0);
    t.p->instance_free(i);
    ward_arena_done(&l.mem);
}

struct racer {
    void *instance;
    const struct answer *want;
    int wrong;
};

static void *race(void *arg)
{
    struct racer *r = arg;
    struct lent l = {0};

    ward_arena_init(&l.mem, MEM_CAP);
    for (int k = 0; k < ROUNDS; k++) {
        struct ward_tensor in = question(&l.mem);
        struct answer a;

        r->wrong += run(r->instance, &l, &in, 1, 8, &a) != 0 || a.n != r->want->n ||
                    memcmp(a.out[0].data, r->want->out[0].data, a.out[0].nbytes) != 0;
        ward_arena_reset(&l.mem);
    }
    ward_arena_done(&l.mem);
    return NULL;
}

static void two_instances_run_on_two_threads(void **state)
{
    struct lent l = {0};
    struct racer r[2] = {{.instance = instance()}, {.instance = instance()}};
    pthread_t thread[2];
    struct ward_tensor in;
    struct answer want;

    (void)state;
    ward_arena_init(&l.mem, MEM_CAP);
    in = question(&l.mem);
    assert_int_equal(run(r[0].instance, &l, &in, 1, 8, &want), 0);
    for (int k = 0; k < 2; k++) {
        r[k].want = &want;
        assert_int_equal(pthread_create(&thread[k], NULL, race, &r[k]), 0);
    }
    for (int k = 0; k < 2; k++) {
        pthread_join(thread[k], NULL);
        assert_int_equal(r[k].wrong, 0);
        t.p->instance_free(r[k].instance);
    }
    ward_arena_done(&l.mem);
}

static void it_prints_nothing(void **state)
{
    char path[] = "/tmp/ward-plugin-XXXXXX";
    int file = mkstemp(path), out = dup(1), err = dup(2);
    struct stat st;

    (void)state;
    fflush(stdout);
    dup2(file, 1);
    dup2(file, 2);
    weights_that_are_none_are_refused(state);
    inputs_that_do_not_fit_are_invalid(state);
    the_same_question_has_the_same_well_formed_answer(state);
    fflush(stdout);
    dup2(out, 1);
    dup2(err, 2);
    fstat(file, &st);
    unlink(path);
    close(file), close(out), close(err);
    assert_int_equal(st.st_size, 0);
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

#define WITH_MODEL(f) cmocka_unit_test_setup_teardown(f, open_model, close_model)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_fit_and_named),
        cmocka_unit_test(it_opens_again_after_it_was_closed),
        WITH_MODEL(devices_are_named_and_of_a_known_kind),
        WITH_MODEL(the_model_says_which_weights_it_runs),
        WITH_MODEL(weights_that_are_none_are_refused),
        WITH_MODEL(a_device_that_is_not_there_is_refused),
        WITH_MODEL(the_same_question_has_the_same_well_formed_answer),
        WITH_MODEL(inputs_that_do_not_fit_are_invalid),
        WITH_MODEL(each_refused_allocation_is_code_8),
        WITH_MODEL(a_cancelled_run_is_code_1),
        WITH_MODEL(two_instances_run_on_two_threads),
        WITH_MODEL(it_prints_nothing),
    };
    int rc;

    t.spec = (struct ward_model_spec){
        .size = sizeof(t.spec), .threads = 1, .name = "plugin_test", .dir = ""};
    if (argc < 4 || argc > 5 || !parse_shape(argv[3]) ||
        (argc == 5 && !read_weights(argv[4]))) {
        fprintf(stderr, "usage: plugin_test PLUGIN.so INPUT SHAPE [WEIGHTS]\n"
                        "       SHAPE as 1x3x112x112, at least two dimensions\n");
        return 2;
    }
    t.so = argv[1];
    t.input = argv[2];
    rc = cmocka_run_group_tests_name(argv[1], tests, load, NULL);
    free((void *)(uintptr_t)t.spec.data);
    return rc;
}
