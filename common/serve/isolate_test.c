/* Sets of models in worker processes, with the back ends of tests/faults. */
#include "common/serve/isolate_testing.h"

/* ---- results equal to those in the service's process ---- */

/* Runs the means of three rows, and a run with a wrong rank. */
static void means_of(struct ward_backend *b, struct ward_arena *mem, float got[3])
{
    struct ward_model_config cfg = {.name = "mean"};
    struct ward_tensor out[2], in = {.name = "image",
                                     .dtype = WARD_F32,
                                     .rank = 4,
                                     .shape = {3, 1, 700, 700},
                                     .nbytes = (uint64_t)3 * 700 * 700 * sizeof(float)};
    struct ward_model *m = NULL;
    struct ward_engine *e = NULL;
    struct ward_device d[4];
    uint32_t n = 4;

    assert_int_equal(ward_backend_devices(b, d, &n, NULL), WARD_OK);
    assert_int_equal(n, 1);
    assert_int_equal(d[0].kind, WARD_CPU);
    assert_string_equal(ward_backend_name(b), "mean");
    assert_int_equal(ward_model_load(b, &cfg, &m, NULL), WARD_OK);
    assert_int_equal(ward_engine_new(m, d[0].ordinal, &e, NULL), WARD_OK);
    in.data = ward_alloc64(mem, in.nbytes);
    ward_known_input(in.data, in.nbytes / sizeof(float), -1, 1);
    n = 2;
    assert_int_equal(ward_engine_run(e, mem, NULL, &in, 1, out, &n, NULL), WARD_OK);
    assert_int_equal(n, 1);
    assert_int_equal(out[0].nbytes, 3 * sizeof(float));
    memcpy(got, out[0].data, 3 * sizeof(float));
    in.rank = 3;
    in.nbytes /= 700;
    assert_int_equal(ward_engine_run(e, mem, NULL, &in, 1, out, &n, NULL),
                     WARD_INVALID_ARGUMENT);
    assert_true(ward_engine_share(e) > 0.999);
    ward_engine_free(e);
    ward_model_unload(m);
}

static void a_back_end_in_a_worker_answers_as_one_in_this_process(void **state)
{
    struct ward_isolation none = {0};
    struct ward_isolated_plugin plugin = {.label = "mean", .dir = plugins, .name = "mean"};
    struct ward_backend *b[2] = {NULL};
    struct ward_arena mem;
    float got[2][3];

    (void)state;
    ward_arena_init(&mem, 64 * MIB);
    assert_int_equal(ward_backend_open(plugins, "mean", &b[0], NULL), WARD_OK);
    assert_int_equal(ward_isolated_open(&none, &plugin, &b[1], NULL), WARD_OK);
    for (int i = 0; i < 2; i++) {
        means_of(b[i], &mem, got[i]);
        ward_arena_reset(&mem);
    }
    assert_memory_equal(got[0], got[1], sizeof(got[0]));
    assert_null(ward_isolated_worker(b[0]));
    assert_non_null(ward_isolated_worker(b[1]));
    ward_backend_close(b[0]);
    ward_backend_close(b[1]);
    ward_arena_done(&mem);
}

static void a_plugin_that_is_missing_is_missing_in_a_worker_too(void **state)
{
    struct ward_isolation none = {0};
    struct ward_isolated_plugin plugin = {.label = "x", .dir = plugins, .name = "nothing"};
    struct ward_backend *b = NULL;
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(ward_isolated_open(&none, &plugin, &b, &err), WARD_NOT_FOUND);
    assert_string_equal(err.msg, "no plugin nothing");
}

/* ---- counters ---- */

static void read_event(const struct ward_family *f, void *arg)
{
    double *value = arg;

    for (int i = 0; strcmp(f->name, "ward_plugin_events_total") == 0 && i < f->n; i++)
        if (strcmp(f->series[i]->label[0], "faulty_runs_failed") == 0)
            *value = f->series[i]->value;
}

/* Waits, because a worker sends its counters beside its answers. */
static void counted(double want)
{
    double value;

    do {
        value = -1;
        nap();
        ward_metric_each(read_event, &value);
    } while (value < want);
    assert_true(value == want);
}

static void a_counter_of_a_plugin_starts_at_zero_and_counts_failed_runs(void **state)
{
    struct site *s = opened("refuse", "faulty", (struct ward_isolation){0});
    float logit;

    (void)state;
    counted(0);
    answers(s, 0.5f);
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(run(s, 0.9f, WARD_NO_DEADLINE, &logit, NULL), WARD_INTERNAL);
        counted(i);
    }
    answers(s, 0.5f);
    closed(s);
}

/* ---- faults ---- */

static void a_crash_is_told_with_its_signal_and_the_set_comes_back(void **state)
{
    struct site *s = opened("crash", "faulty", (struct ward_isolation){0});
    struct ward_err err = {0};
    float logit;

    (void)state;
    answers(s, 0.5f);
    assert_int_equal(run(s, 0.9f, WARD_NO_DEADLINE, &logit, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "WORKER_LOST");
    assert_int_equal(ward_serve_state(s->serve, &err), WARD_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "signal 11 (SIGSEGV)"));
    assert_int_equal(run(s, 0.5f, WARD_NO_DEADLINE, &logit, &err), WARD_UNAVAILABLE);
    assert_int_equal(looked(s, &err), WARD_OK);
    assert_int_equal(ward_serve_state(s->serve, NULL), WARD_OK);
    answers(s, 0.5f);
    closed(s);
}

static void another_model_of_the_plugin_has_its_own_process(void **state)
{
    struct site *s = opened("crash", "faulty", (struct ward_isolation){0});
    struct site *other = opened("crash", "steady", (struct ward_isolation){0});
    struct ward_err err = {0};
    float logit;

    (void)state;
    assert_int_equal(run(s, 0.9f, WARD_NO_DEADLINE, &logit, &err), WARD_UNAVAILABLE);
    answers(other, 0.95f);
    assert_int_equal(ward_serve_state(other->serve, NULL), WARD_OK);
    assert_int_equal(other->looks, 0);
    closed(s);
    closed(other);
}

static void ends_in_a_row_wait_longer_before_the_next_start(void **state)
{
    struct site *s = opened("crash", "faulty", (struct ward_isolation){0});
    struct ward_err err = {0};
    float logit;

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(run(s, 0.9f + 0.01f * (float)i, WARD_NO_DEADLINE, &logit, &err),
                         WARD_UNAVAILABLE);
        if (i < 2)
            assert_int_equal(looked(s, &err), WARD_OK);
    }
    while (atomic_load(&s->looks) == 0)
        nap();
    assert_int_equal(ward_serve_known(s->canary, &s->mem, &err), WARD_UNAVAILABLE);
    assert_string_equal(err.reason, "WORKER_LOST");
    assert_non_null(strstr(err.msg, "SIGSEGV"));
    assert_true(s->delay_ms > 100 && s->delay_ms <= 201 && err.retry_after_ms == s->delay_ms);
    assert_int_equal(looked(s, &err), WARD_OK);
    answers(s, 0.5f);
    closed(s);
}

static void an_input_that_ended_two_processes_is_refused(void **state)
{
    struct site *s = opened("poison", "faulty", (struct ward_isolation){0});
    struct ward_err err = {0};
    float logit;

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(s, 0.95f, WARD_NO_DEADLINE, &logit, &err), WARD_UNAVAILABLE);
        assert_non_null(strstr(err.msg, "SIGABRT"));
        assert_int_equal(looked(s, &err), WARD_OK);
    }
    assert_int_equal(run(s, 0.95f, WARD_NO_DEADLINE, &logit, &err), WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "POISONED_INPUT");
    assert_true(err.retry_after_ms > 0);
    answers(s, 0.5f);
    assert_int_equal(ward_serve_state(s->serve, NULL), WARD_OK);
    closed(s);
}

/* ---- one poisoned input among many calls: other calls are not blamed ---- */

struct caller {
    struct site *site;
    struct ward_arena mem;
    float v;
    enum ward_code code;
    struct ward_err err;
    pthread_t t;
};

static void *one_call(void *arg)
{
    struct caller *c = arg;
    struct ward_tensor out[2], in = {.name = "image",
                                     .dtype = WARD_F32,
                                     .rank = 4,
                                     .shape = {1, 1, 2, 2},
                                     .nbytes = 4 * sizeof(float)};
    uint32_t n = 2;

    in.data = ward_alloc64(&c->mem, in.nbytes);
    for (int i = 0; i < 4; i++)
        ((float *)in.data)[i] = c->v;
    c->code =
        ward_queue_run(c->site->queue, WARD_ROUTINE, &c->mem, NULL, &in, 1, out, &n, &c->err);
    return NULL;
}

static void calls_beside_a_poisoned_input_are_never_refused(void **state)
{
    struct site *s = opened("poison", "faulty", (struct ward_isolation){0});
    struct caller c[12];
    struct ward_err err = {0};
    int refused = 0;

    (void)state;
    memset(c, 0, sizeof(c));
    for (int round = 0; round < 8; round++) {
        for (size_t i = 0; i < WARD_COUNT(c); i++) {
            c[i].site = s;
            c[i].v = i == 5 ? 0.95f : 0.01f * (float)i;
            c[i].err = (struct ward_err){0};
            ward_arena_init(&c[i].mem, MIB);
            assert_int_equal(pthread_create(&c[i].t, NULL, one_call, &c[i]), 0);
        }
        for (size_t i = 0; i < WARD_COUNT(c); i++) {
            pthread_join(c[i].t, NULL);
            ward_arena_done(&c[i].mem);
            if (strcmp(c[i].err.reason, "POISONED_INPUT") == 0) {
                assert_int_equal(i, 5);
                refused++;
            }
        }
        if (ward_serve_state(s->serve, NULL) != WARD_OK)
            assert_int_equal(looked(s, &err), WARD_OK);
    }
    assert_true(refused >= 4);
    closed(s);
}

static void a_hang_ends_at_the_deadline_and_a_grace(void **state)
{
    struct site *s = opened("hang", "faulty", (struct ward_isolation){.grace_ms = 100});
    struct ward_err err = {0};
    float logit;

    (void)state;
    assert_int_equal(run(s, 0.9f, ward_mono_ns() + 200 * WARD_NS_PER_MS, &logit, &err),
                     WARD_DEADLINE_EXCEEDED);
    assert_int_equal(ward_serve_state(s->serve, &err), WARD_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "did not answer in time"));
    assert_int_equal(looked(s, &err), WARD_OK);
    answers(s, 0.5f);
    closed(s);
}

static bool lives(int pid)
{
    return kill(pid, 0) == 0;
}

static void a_leak_is_exchanged_without_a_failed_call(void **state)
{
    struct site *s =
        opened("leak", "faulty", (struct ward_isolation){.budget_bytes = 120 * MIB});
    int first = ward_serve_pid(s->serve);
    struct ward_err err = {0};

    (void)state;
    while (atomic_load(&s->looks) == 0) {
        answers(s, 0.9f);
        for (int i = 0; i < 20; i++)
            nap();
    }
    answers(s, 0.9f);
    assert_int_equal(looked(s, &err), WARD_OK);
    assert_int_not_equal(ward_serve_pid(s->serve), first);
    answers(s, 0.5f);
    answers(s, 0.5f);
    while (lives(first)) /* until the last engine has moved to the new process */
        nap();
    /* No new measurement is needed. */
    assert_int_equal(ward_serve_generation(s->serve), s->moves);
    closed(s);
}

static void a_device_that_begins_to_lie_is_seen_and_left(void **state)
{
    struct site *s = opened("lie", "faulty", (struct ward_isolation){0});
    int first = ward_serve_pid(s->serve);
    struct ward_err err = {0};
    float logit = 0;

    (void)state;
    answers(s, 0.5f);
    assert_int_equal(run(s, 0.9f, WARD_NO_DEADLINE, &logit, &err), WARD_OK);
    assert_int_equal(run(s, 0.5f, WARD_NO_DEADLINE, &logit, &err), WARD_OK);
    assert_true(logit > 1.4f); /* the wrong answer is not detected yet */
    s->looks = 1;              /* the canary's next check is due */
    assert_int_equal(looked(s, &err), WARD_OK);
    assert_int_not_equal(ward_serve_pid(s->serve), first);
    answers(s, 0.5f);
    closed(s);
}

/* build/test/common/serve/isolate_test -> build */
static bool find_plugins(void)
{
    char dir[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);

    if (n <= 0)
        return false;
    dir[n] = '\0';
    for (int i = 0; i < 4; i++)
        *strrchr(dir, '/') = '\0';
    snprintf(faults, sizeof(faults), "%.4000s/tests/faults", dir);
    snprintf(plugins, sizeof(plugins), "%.4000s/plugins", dir);
    return true;
}

static int set_up(void **state)
{
    const char weights[] = "weights";
    uint8_t sum[WARD_SHA256_SIZE];
    char path[128];
    FILE *f;

    (void)state;
    snprintf(models, sizeof(models), "/tmp/ward-isolate-XXXXXX");
    if (mkdtemp(models) == NULL || !find_plugins())
        return 1;
    snprintf(path, sizeof(path), "%s/weights", models);
    f = fopen(path, "we");
    if (f == NULL || fwrite(weights, 1, sizeof(weights), f) != sizeof(weights))
        return 1;
    fclose(f);
    ward_sha256(weights, sizeof(weights), sum);
    ward_hex(sum, sizeof(sum), sha256);
    return 0;
}

static int tear_down(void **state)
{
    char path[128];

    (void)state;
    snprintf(path, sizeof(path), "%s/weights", models);
    unlink(path);
    rmdir(models);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct ward_job *const jobs[] = {&ward_plugin_job, NULL};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_back_end_in_a_worker_answers_as_one_in_this_process),
        cmocka_unit_test(a_plugin_that_is_missing_is_missing_in_a_worker_too),
        cmocka_unit_test(a_counter_of_a_plugin_starts_at_zero_and_counts_failed_runs),
        cmocka_unit_test(a_crash_is_told_with_its_signal_and_the_set_comes_back),
        cmocka_unit_test(another_model_of_the_plugin_has_its_own_process),
        cmocka_unit_test(ends_in_a_row_wait_longer_before_the_next_start),
        cmocka_unit_test(an_input_that_ended_two_processes_is_refused),
        cmocka_unit_test(calls_beside_a_poisoned_input_are_never_refused),
        cmocka_unit_test(a_hang_ends_at_the_deadline_and_a_grace),
        cmocka_unit_test(a_leak_is_exchanged_without_a_failed_call),
        cmocka_unit_test(a_device_that_begins_to_lie_is_seen_and_left),
    };

    ward_worker_enter(argc, argv, jobs);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
