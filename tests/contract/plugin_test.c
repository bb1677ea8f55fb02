/* plugin_test - does a plugin keep what plugins/include/ward/plugin.h promises?
 *
 *   plugin_test PLUGIN.so INPUT SHAPE [WEIGHTS|- [KEY=VALUE...]]
 *   plugin_test build/plugins/mean.so image 2x1x4x4
 *   plugin_test build/plugins/cpu.so input 1x1x64x64 build/models/faceplugin/fr_landmark.onnx
 *
 * INPUT is the name and SHAPE the shape of the model's one input, F32; KEY=VALUE an option the
 * plugin may ask for. A plugin without a device here is held to what it can keep. Calls the
 * plugin itself, not through common/host, so that what the host would catch is found here.
 */
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "tests/contract/plugin_testing.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- loading ---- */

static bool load(void)
{
    const struct ward_plugin *(*entry)(void);
    void *so = dlopen(t.so, RTLD_NOW | RTLD_LOCAL);

    if (so == NULL) {
        printf("%s\n", dlerror());
        return false;
    }
    *(void **)&entry = dlsym(so, WARD_PLUGIN_ENTRY);
    t.p = entry == NULL ? NULL : entry();
    return ward_plugin_unfit(t.p) == NULL && entry() == t.p;
}

static int open_plugin(uint32_t *n_devices)
{
    struct ward_device d[16];

    t.host = (struct ward_host){.size = sizeof(t.host),
                                .major = WARD_PLUGIN_MAJOR,
                                .minor = WARD_PLUGIN_MINOR,
                                .log = quiet_log,
                                .metric = no_metric,
                                .option = option};
    t.plugin = NULL;
    if (t.p->open != NULL && t.p->open(&t.host, &t.plugin, &t.err) != 0)
        return 1;
    if (t.p->devices(t.plugin, d, 16, n_devices, &t.err) != 0 || *n_devices > 16)
        return 1;
    t.device = d[0];
    return 0;
}

static void close_plugin(void)
{
    if (t.p->close != NULL)
        t.p->close(t.plugin);
}

static int open_model(void **state)
{
    uint32_t n = 0;

    (void)state;
    if (open_plugin(&n) != 0 || n < 1)
        return 1;
    return t.p->model_load(t.plugin, &t.spec, &t.model, &t.err);
}

static int close_model(void **state)
{
    (void)state;
    t.p->model_free(t.model);
    close_plugin();
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

/* Fields past the host's size are not there, whatever lies in their place. */
static void a_host_of_1_0_is_enough(void **state)
{
    struct ward_host old = {.size = offsetof(struct ward_host, option),
                            .major = WARD_PLUGIN_MAJOR,
                            .log = quiet_log,
                            .metric = no_metric};
    const uintptr_t nowhere = 8;
    struct ward_device d[16];
    void *plugin = NULL;
    uint32_t n = 0;

    (void)state;
    memcpy((char *)&old + old.size, &nowhere, sizeof(nowhere));
    if (t.p->open != NULL)
        assert_int_equal(t.p->open(&old, &plugin, &t.err), 0);
    assert_int_equal(t.p->devices(plugin, d, 16, &n, &t.err), 0);
    if (t.p->close != NULL)
        t.p->close(plugin);
}

static void no_device_is_an_answer_and_no_model_loads(void **state)
{
    void *untouched = &t, *model = untouched;
    uint32_t n = 4711;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(open_plugin(&n), 0);
        assert_int_equal(n, 0);
        assert_in_range(t.p->model_load(t.plugin, &t.spec, &model, &t.err), 1, 16);
        assert_non_null(memchr(t.err.msg, '\0', sizeof(t.err.msg)));
        assert_ptr_equal(model, untouched);
        close_plugin();
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

/* ---- 1.2, all optional ---- */

static void it_takes_the_inputs_that_it_names(void **state)
{
    struct ward_model_io io = {.size = sizeof(io)};
    bool named = false;

    (void)state;
    if (t.p->model_io == NULL || t.p->model_io(t.model, &io) == 12)
        return;
    assert_in_range(io.n_in, 1, WARD_MAX_IO);
    assert_in_range(io.n_out, 1, WARD_MAX_IO);
    for (uint32_t i = 0; i < io.n_in; i++) {
        assert_non_null(memchr(io.in[i].name, '\0', sizeof(io.in[i].name)));
        if (strcmp(io.in[i].name, t.input) != 0)
            continue;
        named = true;
        assert_int_equal(io.in[i].dtype, WARD_F32);
        assert_int_equal(io.in[i].rank, t.rank);
        assert_true(io.in[i].batch_axis < (int32_t)t.rank);
        for (uint32_t d = 0; d < t.rank; d++)
            assert_true(io.in[i].shape[d] == -1 || io.in[i].shape[d] == t.shape[d]);
    }
    assert_true(named);
    io.size = 8; /* an older host's: nothing past it may be written */
    memset(io.in, 0x5a, sizeof(io.in));
    if (t.p->model_io(t.model, &io) == 0)
        assert_int_equal(io.in[0].dtype, 0x5a5a5a5a);
}

static void an_interrupt_without_a_run_stops_none(void **state)
{
    struct lent l = {0};
    struct ward_tensor in;
    struct answer a;
    void *i;

    (void)state;
    if (t.p->interrupt == NULL)
        return;
    i = instance();
    ward_arena_init(&l.mem, MEM_CAP);
    in = question(&l.mem);
    t.p->interrupt(i);
    assert_int_equal(run(i, &l, &in, 1, 8, &a), 0);
    t.p->instance_free(i);
    ward_arena_done(&l.mem);
}

static void it_counts_no_more_nodes_on_the_device_than_there_are(void **state)
{
    struct ward_placement is = {.size = sizeof(is)};
    void *i = instance();

    (void)state;
    if (t.p->placement != NULL && t.p->placement(i, &is) == 0)
        assert_in_range(is.nodes_device, 1, is.nodes_all);
    t.p->instance_free(i);
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

#define WITH_MODEL(f) cmocka_unit_test_setup_teardown(f, open_model, close_model)

static bool has_device(void)
{
    uint32_t n = 0;
    int rc = open_plugin(&n);

    if (rc == 0)
        close_plugin();
    return rc != 0 || n > 0; /* one that fails is found out by the tests */
}

static int run_group(void)
{
    const struct CMUnitTest bare[] = {
        cmocka_unit_test(the_table_is_fit_and_named),
        cmocka_unit_test(a_host_of_1_0_is_enough),
        cmocka_unit_test(no_device_is_an_answer_and_no_model_loads),
    };
    const struct CMUnitTest all[] = {
        cmocka_unit_test(the_table_is_fit_and_named),
        cmocka_unit_test(a_host_of_1_0_is_enough),
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
        WITH_MODEL(it_takes_the_inputs_that_it_names),
        WITH_MODEL(an_interrupt_without_a_run_stops_none),
        WITH_MODEL(it_counts_no_more_nodes_on_the_device_than_there_are),
        WITH_MODEL(it_prints_nothing),
    };

    if (!load())
        return 1;
    if (has_device())
        return cmocka_run_group_tests_name(t.so, all, NULL, NULL);
    printf("skipped: %s has no device on this machine; what needs one was not tested\n",
           t.p->name);
    return cmocka_run_group_tests_name(t.so, bare, NULL, NULL);
}

int main(int argc, char **argv)
{
    int rc;

    t.spec = (struct ward_model_spec){
        .size = sizeof(t.spec), .threads = 1, .name = "plugin_test", .dir = ""};
    if (argc < 4 || !parse_shape(argv[3]) ||
        (argc >= 5 && strcmp(argv[4], "-") != 0 && !read_weights(argv[4]))) {
        fprintf(stderr, "usage: plugin_test PLUGIN.so INPUT SHAPE [WEIGHTS|- [KEY=VALUE...]]\n"
                        "       SHAPE as 1x3x112x112, at least two dimensions\n");
        return 2;
    }
    t.so = argv[1];
    t.input = argv[2];
    t.option = argv + 5;
    t.n_options = argc > 5 ? argc - 5 : 0;
    rc = run_group();
    free((void *)(uintptr_t)t.spec.data);
    return rc;
}
