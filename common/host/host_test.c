#include "common/base/clock.h"
#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/host/host_own.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a plugin within this program, controlled by `fake` ---- */

static struct {
    int code;             /* return value of run */
    bool overrun, skewed; /* too many outputs; an nbytes that does not fit the shape */
    bool other_weights;   /* model_info reports another SHA-256 */
    bool cancel_in_run;   /* polls cancelled() and stops */
    float value;          /* value of every output element */
    int open_models, open_instances, runs;
} fake;

static int fake_devices(void *p, struct ward_device *out, uint32_t cap, uint32_t *n,
                        struct ward_plugin_err *err)
{
    (void)p, (void)err;
    out[0] = (struct ward_device){.kind = WARD_CPU, .ordinal = -1, .ready = 1};
    memset(out[0].name, 'x', sizeof(out[0].name)); /* the name has no NUL */
    *n = fake.overrun ? cap + 1 : 1;
    return 0;
}

static int fake_load(void *p, const struct ward_model_spec *spec, void **model,
                     struct ward_plugin_err *err)
{
    static char sha256[65];

    (void)p, (void)err;
    snprintf(sha256, sizeof(sha256), "%s", spec->sha256);
    *model = sha256;
    fake.open_models++;
    return 0;
}

static int fake_info(void *model, struct ward_model_info *info)
{
    snprintf(info->sha256, sizeof(info->sha256), "%s",
             fake.other_weights ? "another" : (const char *)model);
    return 0;
}

static void fake_free(void *model)
{
    (void)model;
    fake.open_models--;
}

static int fake_instance(void *model, int32_t device, void **instance,
                         struct ward_plugin_err *err)
{
    if (device != -1) {
        snprintf(err->msg, sizeof(err->msg), "no such device");
        return 12;
    }
    *instance = model;
    fake.open_instances++;
    return 0;
}

static int fake_run(void *instance, struct ward_run *r, struct ward_plugin_err *err)
{
    float *v = r->alloc(r->ctx, 8 * sizeof(float));

    (void)instance;
    fake.runs++;
    if (v == NULL)
        return 8;
    if (fake.cancel_in_run && r->cancelled(r->ctx))
        return 1;
    if (fake.code != 0) {
        snprintf(err->msg, sizeof(err->msg), "patient Smith's picture is odd");
        return fake.code;
    }
    for (int i = 0; i < 8; i++)
        v[i] = fake.value;
    r->out[0] = (struct ward_tensor){.name = "out",
                                     .dtype = WARD_F32,
                                     .rank = 1,
                                     .shape = {8},
                                     .data = v,
                                     .nbytes = fake.skewed ? 4096 : 8 * sizeof(float)};
    r->n_out = fake.overrun ? r->cap_out + 1 : 1;
    return 0;
}

static void fake_instance_free(void *instance)
{
    (void)instance;
    fake.open_instances--;
}

static struct ward_plugin table(void)
{
    return (struct ward_plugin){.size = sizeof(struct ward_plugin),
                                .major = WARD_PLUGIN_MAJOR,
                                .minor = WARD_PLUGIN_MINOR,
                                .name = "fake",
                                .version = "1",
                                .devices = fake_devices,
                                .model_load = fake_load,
                                .model_info = fake_info,
                                .model_free = fake_free,
                                .instance_new = fake_instance,
                                .run = fake_run,
                                .instance_free = fake_instance_free};
}

struct bench {
    struct ward_plugin p;
    struct ward_backend b;
    struct ward_model *m;
    struct ward_engine *e;
    struct ward_arena mem;
    struct ward_err err;
};

static int up(void **state)
{
    struct bench *t = calloc(1, sizeof(*t));

    memset(&fake, 0, sizeof(fake));
    t->p = table();
    t->b.p = &t->p;
    pthread_mutex_init(&t->b.lock, NULL);
    ward_arena_init(&t->mem, 1 << 20);
    if (ward_model_load(&t->b, &(struct ward_model_config){.name = "fake"}, &t->m, &t->err) !=
            WARD_OK ||
        ward_engine_new(t->m, -1, &t->e, &t->err) != WARD_OK)
        return 1;
    *state = t;
    return 0;
}

static int down(void **state)
{
    struct bench *t = *state;

    ward_engine_free(t->e);
    ward_model_unload(t->m);
    ward_arena_done(&t->mem);
    pthread_mutex_destroy(&t->b.lock);
    free(t);
    return fake.open_instances == 0 && fake.open_models == 0 ? 0 : 1;
}

static _Alignas(64) float image[4] = {1, 2, 3, 4};

static struct ward_tensor input(void)
{
    return (struct ward_tensor){.name = "image",
                                .dtype = WARD_F32,
                                .rank = 4,
                                .shape = {1, 1, 2, 2},
                                .data = image,
                                .nbytes = sizeof(image)};
}

static enum ward_code run_with(struct bench *t, const struct ward_stop *stop,
                               const struct ward_tensor *in)
{
    struct ward_tensor out[2];
    uint32_t n = 2;

    memset(&t->err, 0, sizeof(t->err));
    return ward_engine_run(t->e, &t->mem, stop, in, 1, out, &n, &t->err);
}

static enum ward_code run(struct bench *t)
{
    struct ward_tensor in = input();

    return run_with(t, NULL, &in);
}

static void a_plugin_that_overruns_its_devices_is_caught(void **state)
{
    struct bench *t = *state;
    struct ward_device d[2];
    uint32_t n = 2;

    assert_int_equal(ward_backend_devices(&t->b, d, &n, &t->err), WARD_OK);
    assert_int_equal(strlen(d[0].name), sizeof(d[0].name) - 1); /* the host adds the NUL */
    fake.overrun = true;
    assert_int_equal(ward_backend_devices(&t->b, d, &n, &t->err), WARD_INTERNAL);
}

/* ---- weights ---- */

static void weights_that_are_not_the_ones_meant_are_refused(void **state)
{
    struct bench *t = *state;
    char path[] = "/tmp/ward-weights-XXXXXX", hex[65];
    uint8_t sum[32];
    struct ward_model *m = NULL;
    struct ward_model_config cfg = {.name = "w", .path = path, .sha256 = hex};
    int fd = mkstemp(path);

    assert_int_equal(write(fd, "weights", 7), 7);
    ward_sha256("weights", 7, sum);
    ward_hex(sum, sizeof(sum), hex);
    assert_int_equal(ward_model_load(&t->b, &cfg, &m, &t->err), WARD_OK);
    assert_string_equal(ward_model_sha256(m), hex);
    ward_model_unload(m);

    fake.other_weights = true;
    assert_int_equal(ward_model_load(&t->b, &cfg, &m, &t->err), WARD_FAILED_PRECONDITION);
    assert_string_equal(t->err.reason, "MODEL_HASH");
    fake.other_weights = false;

    assert_int_equal(write(fd, "!", 1), 1); /* the file has changed */
    memset(&t->err, 0, sizeof(t->err));
    assert_int_equal(ward_model_load(&t->b, &cfg, &m, &t->err), WARD_FAILED_PRECONDITION);
    assert_string_equal(t->err.reason, "MODEL_HASH");
    cfg.sha256 = NULL; /* a missing hash does not permit every file */
    assert_int_equal(ward_model_load(&t->b, &cfg, &m, &t->err), WARD_FAILED_PRECONDITION);

    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(ward_model_load(&t->b, &cfg, &m, &t->err), WARD_FAILED_PRECONDITION);
    close(fd);
    unlink(path);
    assert_int_equal(ward_model_load(&t->b, &cfg, &m, &t->err), WARD_NOT_FOUND);
    assert_int_equal(fake.open_models, 1); /* the bench's model; no rejected model is loaded */
}

/* ---- tensors ---- */

static void a_malformed_tensor_never_reaches_a_plugin(void **state)
{
    struct bench *t = *state;
    struct ward_tensor in;
    int before = fake.runs;

    in = input(), in.dtype = 99;
    assert_string_equal(ward_tensor_unfit(&in, 64), "unknown dtype");
    assert_int_equal(run_with(t, NULL, &in), WARD_INVALID_ARGUMENT);
    assert_string_equal(t->err.msg, "input 0: unknown dtype");
    in = input(), in.rank = WARD_MAX_RANK + 1;
    assert_string_equal(ward_tensor_unfit(&in, 64), "the rank is too large");
    in = input(), in.shape[1] = -1;
    assert_string_equal(ward_tensor_unfit(&in, 64), "a negative dimension");
    in = input(), in.shape[0] = in.shape[1] = INT64_C(1) << 40;
    assert_string_equal(ward_tensor_unfit(&in, 64), "the size overflows");
    in = input(), in.nbytes--;
    assert_string_equal(ward_tensor_unfit(&in, 64), "nbytes is not shape times size");
    assert_int_equal(run_with(t, NULL, &in), WARD_INVALID_ARGUMENT);
    in = input(), in.data = NULL;
    assert_string_equal(ward_tensor_unfit(&in, 64), "no data");
    in = input(), in.data = image + 1;
    assert_string_equal(ward_tensor_unfit(&in, 64), "data is not aligned");
    assert_int_equal(run_with(t, NULL, &in), WARD_INVALID_ARGUMENT);
    in = input(), in.shape[0] = 0, in.nbytes = 0; /* an empty tensor is valid */
    assert_null(ward_tensor_unfit(&in, 64));
    assert_int_equal(fake.runs, before);
}

static void what_a_plugin_gives_back_is_checked_too(void **state)
{
    struct bench *t = *state;

    assert_int_equal(run(t), WARD_OK);
    fake.overrun = true;
    assert_int_equal(run(t), WARD_INTERNAL);
    assert_string_equal(t->err.msg, "the fake back end returned too many outputs");
    fake.overrun = false, fake.skewed = true;
    assert_int_equal(run(t), WARD_INTERNAL);
    assert_string_equal(t->err.msg, "output 0 of fake: nbytes is not shape times size");
}

static void a_plugins_words_stay_in_the_log_and_its_odd_codes_are_internal(void **state)
{
    struct bench *t = *state;

    fake.code = 3;
    assert_int_equal(run(t), WARD_INVALID_ARGUMENT);
    assert_string_equal(t->err.msg, "the fake back end failed");
    assert_non_null(strstr(t->err.detail, "Smith"));
    fake.code = 4711;
    assert_int_equal(run(t), WARD_INTERNAL);
    fake.code = -1;
    assert_int_equal(run(t), WARD_INTERNAL);
}

static void each_refused_allocation_is_an_answer(void **state)
{
    struct bench *t = *state;

    t->mem.fail_at = 1;
    assert_int_equal(run(t), WARD_RESOURCE_EXHAUSTED);
    ward_arena_reset(&t->mem);
    t->mem.fail_at = 0;
    assert_int_equal(run(t), WARD_OK);
}

/* ---- stopping ---- */

static bool yes(const void *arg)
{
    (void)arg;
    return true;
}

static int asked;
static bool on_the_second_question(const void *arg)
{
    (void)arg;
    return ++asked > 1;
}

static void a_passed_deadline_and_a_gone_caller_stop_a_run(void **state)
{
    struct bench *t = *state;
    struct ward_tensor in = input();
    int before = fake.runs;

    assert_int_equal(run_with(t, &(struct ward_stop){.deadline_ns = ward_mono_ns() - 1}, &in),
                     WARD_DEADLINE_EXCEEDED);
    assert_int_equal(
        run_with(t, &(struct ward_stop){.deadline_ns = WARD_NO_DEADLINE, .gone = yes}, &in),
        WARD_CANCELLED);
    assert_int_equal(fake.runs, before); /* no run was started */
    asked = 0;
    fake.cancel_in_run = true;
    assert_int_equal(run_with(t,
                              &(struct ward_stop){.deadline_ns = WARD_NO_DEADLINE,
                                                  .gone = on_the_second_question},
                              &in),
                     WARD_CANCELLED);
    assert_int_equal(fake.runs, before + 1);
    fake.code = 1; /* the plugin reports CANCELLED without a cancellation */
    fake.cancel_in_run = false;
    assert_int_equal(run_with(t, NULL, &in), WARD_CANCELLED);
    assert_string_equal(t->err.msg, "the fake back end failed");
}

/* ---- members of version 1.2 ---- */

static int interrupts;
static struct ward_placement placed;
static struct ward_model_io says;

static void fake_interrupt(void *instance)
{
    (void)instance;
    interrupts++;
}

static int fake_placement(void *instance, struct ward_placement *out)
{
    (void)instance;
    *out = placed;
    return 0;
}

static int fake_io(void *model, struct ward_model_io *io)
{
    (void)model;
    *io = says;
    return 0;
}

static void members_past_the_plugins_size_are_not_there(void **state)
{
    struct bench *t = *state;

    t->p.interrupt = fake_interrupt;
    t->p.placement = fake_placement;
    placed = (struct ward_placement){sizeof(placed), 3, 4};
    interrupts = 0;
    assert_true(ward_engine_interrupt(t->e));
    assert_int_equal(interrupts, 1);
    assert_float_equal(ward_engine_share(t->e), 0.75, 0);
    placed.nodes_device = 5; /* more than all 4 nodes */
    assert_float_equal(ward_engine_share(t->e), 1, 0);
    t->p.size = offsetof(struct ward_plugin, model_io);
    placed.nodes_device = 3;
    assert_false(ward_engine_interrupt(t->e));
    assert_int_equal(interrupts, 1);
    assert_float_equal(ward_engine_share(t->e), 1, 0);
}

static void a_models_shapes_are_checked_before_anyone_sees_them(void **state)
{
    struct bench *t = *state;
    struct ward_model_config cfg = {.name = "fake"};
    struct ward_model *m = NULL;

    assert_null(ward_model_shapes(t->m));
    t->p.model_io = fake_io;
    says = (struct ward_model_io){.size = sizeof(says), .n_in = 1, .n_out = 1};
    says.in[0] = (struct ward_io){.name = "x", .dtype = WARD_F32, .rank = 2, .shape = {-1, 3}};
    says.out[0] = (struct ward_io){.name = "y", .dtype = WARD_F32, .batch_axis = -1};
    for (int wrong = 0; wrong < 5; wrong++) {
        if (wrong == 1)
            says.n_in = WARD_MAX_IO + 1;
        if (wrong == 2)
            says.n_in = 1, says.in[0].batch_axis = 2;
        if (wrong == 3)
            says.in[0].batch_axis = 0, says.in[0].shape[1] = -2;
        if (wrong == 4)
            says.in[0].shape[1] = 3, memset(says.in[0].name, 'x', sizeof(says.in[0].name));
        assert_int_equal(ward_model_load(&t->b, &cfg, &m, &t->err), WARD_OK);
        assert_int_equal(ward_model_shapes(m) != NULL, wrong == 0);
        ward_model_unload(m);
    }
}

static void each_type_of_element_has_its_size_and_bytes_their_lengths(void **state)
{
    static const uint64_t size[] = {1, 4, 8, 4, 2, 1, 2, 4, 8, 2, 2, 8, 1};
    _Alignas(64) uint8_t two[] = {1, 0, 0, 0, 'a', 0, 0, 0, 0};
    struct ward_tensor b = {
        .dtype = WARD_BYTES, .rank = 1, .shape = {2}, .data = two, .nbytes = sizeof(two)};

    (void)state;
    for (uint32_t i = 0; i < WARD_COUNT(size); i++)
        assert_int_equal(ward_dtype_size(i + 1), size[i]);
    assert_int_equal(ward_dtype_size(0), 0);
    assert_int_equal(ward_dtype_size(WARD_BYTES), 0);
    assert_int_equal(ward_dtype_size(WARD_BYTES + 1), 0);
    assert_null(ward_tensor_unfit(&b, 64));
    b.shape[0] = 1; /* bytes after the last element */
    assert_non_null(ward_tensor_unfit(&b, 64));
    b.shape[0] = 3; /* the third element is missing */
    assert_non_null(ward_tensor_unfit(&b, 64));
    b.shape[0] = 2, two[0] = 2; /* the first element overlaps the second */
    assert_non_null(ward_tensor_unfit(&b, 64));
    memset(two, 0xff, 4); /* an element of 4 GiB */
    assert_non_null(ward_tensor_unfit(&b, 64));
}

/* ---- known answers ---- */

static void a_known_answer_must_be_the_one_known(void **state)
{
    struct bench *t = *state;
    struct ward_known k = {.rank = 1,
                           .shape = {16},
                           .input = "image",
                           .output = "out",
                           .lo = -1,
                           .hi = 1,
                           .stride = 3,
                           .n = 3,
                           .want = {2, 2, 2},
                           .tolerance = 0.01f};

    fake.value = 2.005f;
    assert_int_equal(ward_engine_known(t->e, &t->mem, &k, &t->err), WARD_OK);
    fake.value = 2.02f;
    assert_int_equal(ward_engine_known(t->e, &t->mem, &k, &t->err), WARD_FAILED_PRECONDITION);
    assert_string_equal(t->err.reason, "KNOWN_ANSWER");
    fake.value = NAN;
    assert_int_equal(ward_engine_known(t->e, &t->mem, &k, &t->err), WARD_FAILED_PRECONDITION);
    fake.value = 2;
    k.output = "other";
    assert_int_equal(ward_engine_known(t->e, &t->mem, &k, &t->err), WARD_FAILED_PRECONDITION);
    k.output = "", k.stride = 4; /* stride 4 needs more than 8 values */
    assert_int_equal(ward_engine_known(t->e, &t->mem, &k, &t->err), WARD_FAILED_PRECONDITION);
}

#define BENCH(f) cmocka_unit_test_setup_teardown(f, up, down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        BENCH(a_plugin_that_overruns_its_devices_is_caught),
        BENCH(weights_that_are_not_the_ones_meant_are_refused),
        BENCH(a_malformed_tensor_never_reaches_a_plugin),
        BENCH(what_a_plugin_gives_back_is_checked_too),
        BENCH(a_plugins_words_stay_in_the_log_and_its_odd_codes_are_internal),
        BENCH(each_refused_allocation_is_an_answer),
        BENCH(a_passed_deadline_and_a_gone_caller_stop_a_run),
        BENCH(members_past_the_plugins_size_are_not_there),
        BENCH(a_models_shapes_are_checked_before_anyone_sees_them),
        BENCH(each_type_of_element_has_its_size_and_bytes_their_lengths),
        BENCH(a_known_answer_must_be_the_one_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
