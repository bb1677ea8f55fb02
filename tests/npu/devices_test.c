/* devices_test - the back ends for GPUs and NPUs through the host's chooser, on whatever
 * machine this is: what is there is used, what is not is said, and an NPU that answers wrongly
 * or fails is left for the next in the order, by policy. The NPU is tests/npu's virtual one.
 *
 *   devices_test PLUGINS-FOLDER VIRTUAL_NPU.so TINY.onnx [FACE-MODEL.onnx INPUT SHAPE]...
 */
#include "common/base/crypto.h"
#include "common/base/metrics.h"
#include "common/base/text.h"
#include "common/host/select.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MEM_CAP ((size_t)64 << 20)

/* A model with one F32 input, and what the cpu back end answers. */
struct model {
    const char *path, *input;
    char sha256[65];
    uint32_t rank;
    int64_t shape[WARD_MAX_RANK];
    struct ward_known known;
};

static struct {
    const char *plugins, *npu;
    struct model model[4];
    int n_models;
    char fault[64]; /* the file the virtual NPU reads */
    char providers[1024];
    struct ward_option options[1];
} t;

/* ---- help ---- */

static void fault(const char *word)
{
    FILE *f = fopen(t.fault, "w");

    assert_non_null(f);
    fputs(word, f);
    fclose(f);
}

/* The value of a counter the plugins keep, 0 before its first. */
static const char *wanted;
static double value;

static void read_event(const struct ward_family *f, void *arg)
{
    (void)arg;
    for (int i = 0; strcmp(f->name, "ward_plugin_events_total") == 0 && i < f->n; i++)
        if (strcmp(f->series[i]->label[0], wanted) == 0)
            value = f->series[i]->value;
}

static double event(const char *name)
{
    wanted = name;
    value = 0;
    ward_metric_each(read_event, NULL);
    return value;
}

struct loaded {
    struct ward_model *model;
    struct ward_engine *engine;
};

static enum ward_code load(struct ward_backend *b, int device, const struct model *m,
                           struct loaded *out, struct ward_err *err)
{
    struct ward_model_config cfg = {.name = "test", .path = m->path, .sha256 = m->sha256};
    enum ward_code code;

    WARD_TRY(ward_model_load(b, &cfg, &out->model, err));
    code = ward_engine_new(out->model, device, &out->engine, err);
    if (code != WARD_OK)
        ward_model_unload(out->model);
    return code;
}

static void unload(struct loaded *l)
{
    ward_engine_free(l->engine);
    ward_model_unload(l->model);
}

/* What a service's chooser does: the model on that device, and its known answer. */
static enum ward_code ask(void *arg, struct ward_backend *b, const struct ward_device *d,
                          struct ward_err *err)
{
    const struct model *m = arg;
    struct loaded l = {0};
    struct ward_arena mem;
    enum ward_code code;

    WARD_TRY(load(b, d->ordinal, m, &l, err));
    ward_arena_init(&mem, MEM_CAP);
    code = ward_engine_known(l.engine, &mem, &m->known, err);
    ward_arena_done(&mem);
    unload(&l);
    return code;
}

/* All of the model's first output for the known input. */
static void answer(struct ward_engine *e, const struct model *m, struct ward_arena *mem,
                   const float **out, uint64_t *n)
{
    struct ward_tensor in = {.name = m->input, .dtype = WARD_F32, .rank = m->rank}, result[8];
    struct ward_err err = {0};
    uint32_t n_out = 8;

    memcpy(in.shape, m->shape, sizeof(in.shape));
    in.nbytes = sizeof(float);
    for (uint32_t i = 0; i < m->rank; i++)
        in.nbytes *= (uint64_t)m->shape[i];
    in.data = ward_alloc64(mem, in.nbytes);
    assert_non_null(in.data);
    ward_known_input(in.data, in.nbytes / sizeof(float), -1, 1);
    assert_int_equal(ward_engine_run(e, mem, NULL, &in, 1, result, &n_out, &err), WARD_OK);
    *out = result[0].data;
    *n = result[0].nbytes / sizeof(float);
}

/* Takes the cpu back end's answer for the known one. */
static void learn(struct ward_backend *cpu, struct model *m)
{
    struct ward_known *k = &m->known;
    struct loaded l = {0};
    struct ward_arena mem;
    const float *out;
    uint64_t n;

    ward_arena_init(&mem, MEM_CAP);
    assert_int_equal(load(cpu, -1, m, &l, NULL), WARD_OK);
    answer(l.engine, m, &mem, &out, &n);
    *k = (struct ward_known){.rank = m->rank,
                             .input = m->input,
                             .output = "",
                             .lo = -1,
                             .hi = 1,
                             .tolerance = 1e-4f};
    memcpy(k->shape, m->shape, sizeof(k->shape));
    k->n = WARD_COUNT(k->want);
    k->stride = (uint32_t)(n / k->n);
    for (uint32_t i = 0; i < k->n; i++)
        k->want[i] = out[(uint64_t)i * k->stride];
    unload(&l);
    ward_arena_done(&mem);
}

static struct ward_chooser *chooser(const char *order, const char *fallback, bool with_npu)
{
    struct ward_chooser *c = NULL;
    struct ward_order o;

    assert_int_equal(ward_order_parse(order, fallback, &o, NULL), WARD_OK);
    assert_int_equal(ward_chooser_open_with(t.plugins, &o, t.options, with_npu ? 1 : 0, ask,
                                            &t.model[0], &c, NULL),
                     WARD_OK);
    return c;
}

static int setup(void **state)
{
    struct ward_backend *cpu = NULL;

    (void)state;
    assert_int_equal(ward_backend_open(t.plugins, "cpu", &cpu, NULL), WARD_OK);
    for (int i = 0; i < t.n_models; i++)
        learn(cpu, &t.model[i]);
    ward_backend_close(cpu);
    fault("");
    return 0;
}

static int quiet(void **state)
{
    (void)state;
    fault("");
    return 0;
}

/* ---- the promises ---- */

static void what_is_not_there_is_said_and_the_next_is_used(void **state)
{
    struct ward_candidate found[WARD_ORDER_MAX];
    struct ward_choice choice;
    struct ward_chooser *c = chooser("npu,gpu,cpu", "degraded", false);

    (void)state;
    assert_int_equal(ward_choose(c, &choice, NULL), WARD_OK);
    assert_int_equal(ward_chooser_report(c, found), 3);
    assert_string_equal(found[0].why, "no device is present");
    assert_true(choice.degraded);
    if (choice.rank == 1) { /* a machine with a GPU */
        assert_int_equal(choice.device.kind, WARD_GPU);
        assert_true(event("gpu_nodes_placed") > 0);
    } else {
        assert_int_equal(choice.rank, 2);
        assert_int_equal(choice.device.kind, WARD_CPU);
        assert_true(found[1].why[0] != '\0' && found[1].detail[0] != '\0');
        printf("skipped: no GPU here, %s: %s\n", found[1].why, found[1].detail);
    }
    ward_chooser_close(c);
}

static void denied_to_fall_back_it_is_not_ready(void **state)
{
    struct ward_err err = {0};
    struct ward_choice choice;
    struct ward_chooser *c = chooser("npu,cpu", "deny", false);

    (void)state;
    assert_int_equal(ward_choose(c, &choice, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "DEVICE_NOT_READY");
    assert_string_equal(err.detail, "npu: no device is present (no provider library is named)");
    ward_chooser_close(c);
}

static void an_npu_is_chosen_and_really_computes(void **state)
{
    double before = event("npu_nodes_placed");
    struct ward_choice choice;
    struct ward_chooser *c = chooser("npu,cpu", "deny", true);

    (void)state;
    assert_int_equal(ward_choose(c, &choice, NULL), WARD_OK);
    assert_int_equal(choice.rank, 0);
    assert_false(choice.degraded);
    assert_int_equal(choice.device.kind, WARD_NPU);
    assert_non_null(strstr(choice.device.name, "virtual"));
    assert_true(event("npu_nodes_placed") > before);
    ward_chooser_close(c);
}

static void a_wrong_answer_falls_back_and_a_right_one_returns(void **state)
{
    static const struct {
        const char *word, *why;
    } ways[] = {
        {"wrong", "test returned a wrong answer in its known-answer check"},
        {"fail", "the npu back end failed"},
        {"gone", "the npu back end failed"},
        {"idle", "the npu back end failed"}, /* all of the model would run on the CPU */
    };
    struct ward_candidate found[WARD_ORDER_MAX];
    struct ward_choice choice;
    struct ward_chooser *c = chooser("npu,gpu,cpu", "degraded", true);

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(ways); i++) {
        fault(ways[i].word);
        assert_int_equal(ward_choose(c, &choice, NULL), WARD_OK);
        assert_true(choice.rank > 0);
        assert_true(choice.degraded);
        assert_true(ward_choose_due(c, 0));
        assert_int_equal(ward_chooser_report(c, found), 3);
        assert_string_equal(found[0].why, ways[i].why);
        assert_int_equal(found[0].device.kind, WARD_NPU); /* it is there */
        fault("");
        assert_int_equal(ward_choose(c, &choice, NULL), WARD_OK);
        assert_int_equal(choice.rank, 0);
        assert_false(choice.degraded);
    }
    ward_chooser_close(c);
}

static void denied_a_wrong_npu_is_not_ready_until_it_is_right(void **state)
{
    struct ward_err err = {0};
    struct ward_choice choice;
    struct ward_chooser *c = chooser("npu,cpu", "deny", true);

    (void)state;
    fault("wrong");
    assert_int_equal(ward_choose(c, &choice, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "DEVICE_NOT_READY");
    assert_int_equal(ward_choose_now(c, &choice, NULL), WARD_UNAVAILABLE);
    fault("");
    assert_int_equal(ward_choose(c, &choice, NULL), WARD_OK);
    assert_int_equal(choice.rank, 0);
    ward_chooser_close(c);
}

/* Every model, value by value: the cpu back end's answer and the NPU's. And that the NPU has a
 * part in it: told to be wrong, the answer is another. */
static void its_answers_are_the_cpus(void **state)
{
    struct ward_backend *cpu = NULL, *npu = NULL;

    (void)state;
    assert_int_equal(ward_backend_open(t.plugins, "cpu", &cpu, NULL), WARD_OK);
    assert_int_equal(ward_backend_open_with(t.plugins, "npu", t.options, 1, &npu, NULL),
                     WARD_OK);
    for (int i = 0; i < t.n_models; i++) {
        const float *want, *got, *wrong;
        struct loaded a = {0}, b = {0};
        double before = event("npu_nodes_placed"), most = 0, off = 0;
        struct ward_arena mem;
        uint64_t n, n_got;

        ward_arena_init(&mem, MEM_CAP);
        assert_int_equal(load(cpu, -1, &t.model[i], &a, NULL), WARD_OK);
        assert_int_equal(load(npu, 0, &t.model[i], &b, NULL), WARD_OK);
        answer(a.engine, &t.model[i], &mem, &want, &n);
        answer(b.engine, &t.model[i], &mem, &got, &n_got);
        assert_int_equal(n, n_got);
        fault("wrong");
        answer(b.engine, &t.model[i], &mem, &wrong, &n_got);
        fault("");
        for (uint64_t k = 0; k < n; k++) {
            most = fmax(most, fabs((double)got[k] - (double)want[k]));
            off = fmax(off, fabs((double)wrong[k] - (double)want[k]));
        }
        printf("%s: %g nodes on the NPU, at most %.2g from the cpu's answer; %.2g when wrong\n",
               strrchr(t.model[i].path, '/') + 1, event("npu_nodes_placed") - before, most,
               off);
        assert_true(most < 1e-3);
        assert_true(off > 1e-2);
        unload(&a);
        unload(&b);
        ward_arena_done(&mem);
    }
    ward_backend_close(npu);
    ward_backend_close(cpu);
}

static void a_bad_library_is_left_out_and_the_others_serve(void **state)
{
    struct ward_device d[16];
    char list[2048], writable[80];
    struct ward_option options[] = {{"npu_providers", list}};
    static const char *const bad[] = {
        "x=relative.so", "x=/no/such/file.so", "x=/proc/self/exe", "nonsense", "=/x.so", "x="};

    (void)state;
    snprintf(writable, sizeof(writable), "%s.so", t.fault);
    fclose(fopen(writable, "w"));
    chmod(writable, 0666);
    for (size_t i = 0; i <= WARD_COUNT(bad); i++) {
        struct ward_backend *npu = NULL;
        uint32_t n = 16;
        enum ward_code code;

        if (i == WARD_COUNT(bad))
            snprintf(list, sizeof(list), "x=%s,%s", writable, t.providers);
        else
            snprintf(list, sizeof(list), "%s,%s", bad[i], t.providers);
        code = ward_backend_open_with(t.plugins, "npu", options, 1, &npu, NULL);
        if (code == WARD_INVALID_ARGUMENT) /* no list at all: the operator must mend it */
            continue;
        assert_int_equal(code, WARD_OK);
        assert_int_equal(ward_backend_devices(npu, d, &n, NULL), WARD_OK);
        assert_int_equal(n, 1);
        ward_backend_close(npu);
    }
    unlink(writable);
}

static void two_may_use_one_library_and_close_in_any_order(void **state)
{
    struct ward_backend *a = NULL, *b = NULL;
    struct loaded l = {0}, later = {0};
    struct ward_arena mem;

    (void)state;
    ward_arena_init(&mem, MEM_CAP);
    assert_int_equal(ward_backend_open_with(t.plugins, "npu", t.options, 1, &a, NULL), WARD_OK);
    assert_int_equal(ward_backend_open_with(t.plugins, "npu", t.options, 1, &b, NULL), WARD_OK);
    assert_int_equal(load(b, 0, &t.model[0], &l, NULL), WARD_OK);
    ward_backend_close(a);
    assert_int_equal(ward_engine_known(l.engine, &mem, &t.model[0].known, NULL), WARD_OK);
    assert_int_equal(load(b, 0, &t.model[0], &later, NULL), WARD_OK);
    unload(&later);
    unload(&l);
    ward_backend_close(b);
    ward_arena_done(&mem);
}

/* ---- the command line ---- */

static bool add_model(const char *path, const char *input, const char *shape)
{
    struct model *m = &t.model[t.n_models++];
    static unsigned char bytes[64 << 20];
    uint8_t sum[WARD_SHA256_SIZE];
    FILE *f = fopen(path, "rb");
    size_t n;

    m->path = path;
    m->input = input;
    if (f == NULL)
        return false;
    n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    ward_sha256(bytes, n, sum);
    ward_hex(sum, sizeof(sum), m->sha256);
    for (char *end; m->rank < WARD_MAX_RANK; shape = end + 1) {
        m->shape[m->rank++] = strtoll(shape, &end, 10);
        if (*end == '\0')
            return true;
    }
    return false;
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_there_is_said_and_the_next_is_used),
        cmocka_unit_test(denied_to_fall_back_it_is_not_ready),
        cmocka_unit_test(an_npu_is_chosen_and_really_computes),
        cmocka_unit_test_teardown(a_wrong_answer_falls_back_and_a_right_one_returns, quiet),
        cmocka_unit_test_teardown(denied_a_wrong_npu_is_not_ready_until_it_is_right, quiet),
        cmocka_unit_test_teardown(its_answers_are_the_cpus, quiet),
        cmocka_unit_test(a_bad_library_is_left_out_and_the_others_serve),
        cmocka_unit_test(two_may_use_one_library_and_close_in_any_order),
    };
    int rc, file;

    if (argc < 4 || (argc - 4) % 3 != 0 || argc > 4 + 3 * 3 ||
        !add_model(argv[3], "input", "1x3x8x8")) {
        fprintf(stderr, "usage: devices_test PLUGINS VIRTUAL_NPU.so TINY.onnx "
                        "[MODEL.onnx INPUT SHAPE]...\n");
        return 2;
    }
    for (int i = 4; i < argc; i += 3)
        if (!add_model(argv[i], argv[i + 1], argv[i + 2]))
            return 2;
    t.plugins = argv[1];
    snprintf(t.providers, sizeof(t.providers), "test.virtual=%s", argv[2]);
    t.options[0] = (struct ward_option){"npu_providers", t.providers};
    memcpy(t.fault, "/tmp/ward-npu-XXXXXX", sizeof("/tmp/ward-npu-XXXXXX"));
    file = mkstemp(t.fault);
    setenv("VIRTUAL_NPU_FAULT", t.fault, 1);
    rc = cmocka_run_group_tests(tests, setup, NULL);
    close(file);
    unlink(t.fault);
    return rc;
}
