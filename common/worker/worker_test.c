#include "common/worker/backoff.h"
#include "common/worker/worker_testing.h"

/* ---- requests and answers ---- */

static void an_answer_comes_back_from_another_process(void **state)
{
    struct heard h;
    struct ward_worker *w = started(&h);
    struct ward_worker_slot *s = slot_of(w);
    struct ward_answer a;

    (void)state;
    assert_true(ward_worker_pid(w) > 0 && ward_worker_pid(w) != getpid());
    for (int i = 0; i < 100; i++) {
        assert_int_equal(call(s, TRIAL_ECHO, &i, sizeof(i), NULL, &a, NULL), WARD_OK);
        assert_int_equal(a.n, sizeof(i));
        assert_memory_equal(a.data, &i, sizeof(i));
    }
    assert_int_equal(ward_worker_state(w, NULL), WARD_OK);
    ward_worker_slot_close(s);
    ward_worker_close(w);
    assert_int_equal(h.ended, 0); /* closing sends no WARD_WORKER_ENDED */
}

static void inputs_and_answers_of_any_size_find_room(void **state)
{
    static const size_t sizes[] = {0, 1, 63, 64, 300000, 5 * MIB, 17, 12 * MIB, 3};
    struct heard h;
    struct ward_worker *w = started(&h);
    struct ward_worker_slot *s = slot_of(w);
    unsigned char *in = malloc(12 * MIB);
    struct ward_answer a;

    (void)state;
    assert_non_null(in);
    memset(in, 7, 12 * MIB);
    for (size_t i = 0; i < WARD_COUNT(sizes); i++) {
        assert_int_equal(call(s, TRIAL_ECHO, in, sizes[i], NULL, &a, NULL), WARD_OK);
        assert_int_equal(a.n, sizes[i]);
        assert_memory_equal(a.data, in, sizes[i]);
        assert_int_equal(call(s, TRIAL_GROW, &sizes[i], sizeof(size_t), NULL, &a, NULL),
                         WARD_OK);
        assert_int_equal(a.n, sizes[i]);
        for (size_t k = 0; k < a.n; k += 997)
            assert_int_equal(a.data[k], k % 251);
        ward_worker_trim(s, 4096);
    }
    free(in);
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

static void what_is_larger_than_a_slot_is_refused(void **state)
{
    struct heard h;
    struct ward_worker *w = started_with((struct ward_worker_config){.slot_bytes = MIB}, &h);
    struct ward_worker_slot *s = slot_of(w);
    const size_t n = 2 * MIB;
    struct ward_err err = {0};

    (void)state;
    assert_null(ward_worker_room(s, n, &err));
    assert_int_equal(err.code, WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(call(s, TRIAL_GROW, &n, sizeof(n), NULL, NULL, &err),
                     WARD_RESOURCE_EXHAUSTED);
    assert_int_equal(call(s, TRIAL_ECHO, &n, sizeof(n), NULL, NULL, &err), WARD_OK);
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

static void requests_over_the_socket_carry_words_and_files(void **state)
{
    struct heard h;
    struct ward_worker *w = started(&h);
    char out[64];
    struct ward_worker_ask ask = {
        .op = TRIAL_ECHO, .in = "hello", .n_in = 5, .fd = -1, .out = out, .n_out = sizeof(out)};
    struct ward_err err = {0};
    int fd = -1;

    (void)state;
    assert_int_equal(ward_worker_ask(w, &ask, &err), WARD_OK);
    assert_int_equal(ask.n_out, 5);
    assert_memory_equal(out, "hello", 5);
    ask.op = TRIAL_FAIL;
    assert_int_equal(ward_worker_ask(w, &ask, &err), WARD_NOT_FOUND);
    assert_string_equal(err.reason, "TRIAL");
    assert_string_equal(err.msg, "the words of a worker");
    assert_int_equal(ward_worker_file("weights and more", 16, &fd, NULL), WARD_OK);
    assert_int_equal(write(fd, "x", 1), -1); /* the file is sealed */
    ask.op = TRIAL_FILE;
    ask.fd = fd;
    ask.n_out = sizeof(out);
    assert_int_equal(ward_worker_ask(w, &ask, &err), WARD_OK);
    assert_memory_equal(out, "weigh", 5);
    close(fd);
    until(&h.counted);
    assert_string_equal(h.counted_name, "trial_opened");
    ward_worker_close(w);
}

/* ---- ends of a process ---- */

static void a_crash_answers_its_call_with_the_signal(void **state)
{
    (void)state;
    ends(TRIAL_CRASH, "signal 11 (SIGSEGV)");
    ends(TRIAL_ABORT, "signal 6 (SIGABRT)");
    ends(TRIAL_EXIT, "exit status 3");
}

/* A concurrent call in another slot. */
struct beside {
    struct ward_worker_slot *slot;
    enum ward_code code;
    struct ward_err err;
    _Atomic int begun;
};

static void *slow_beside(void *arg)
{
    struct beside *b = arg;

    b->begun = 1;
    b->code = call(b->slot, TRIAL_SLOW, "x", 1, NULL, NULL, &b->err);
    return NULL;
}

static void calls_beside_a_crash_are_answered_too(void **state)
{
    struct heard h;
    struct ward_worker *w = started(&h);
    struct ward_worker_slot *s = slot_of(w);
    struct beside b = {.slot = slot_of(w)};
    pthread_t t;

    (void)state;
    assert_int_equal(pthread_create(&t, NULL, slow_beside, &b), 0);
    until(&b.begun);
    nap(20);
    assert_int_equal(call(s, TRIAL_CRASH, "x", 1, NULL, NULL, NULL), WARD_UNAVAILABLE);
    pthread_join(t, NULL);
    assert_int_equal(b.code, WARD_UNAVAILABLE);
    assert_string_equal(b.err.reason, "WORKER_LOST");
    assert_true(ward_worker_blamed(s));
    assert_false(ward_worker_blamed(b.slot));
    assert_int_equal(call(s, TRIAL_CRASH, "x", 1, NULL, NULL, NULL), WARD_UNAVAILABLE);
    assert_false(ward_worker_blamed(s)); /* the process had already ended */
    ward_worker_slot_close(s);
    ward_worker_slot_close(b.slot);
    ward_worker_close(w);
}

static void a_hang_is_killed_after_the_deadline_and_a_grace(void **state)
{
    struct heard h;
    struct ward_worker *w = started(&h);
    struct ward_worker_slot *s = slot_of(w);
    const struct ward_stop stop = {.deadline_ns = ward_mono_ns() + 50 * WARD_NS_PER_MS};
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(call(s, TRIAL_HANG, "x", 1, &stop, NULL, &err), WARD_DEADLINE_EXCEEDED);
    until(&h.ended);
    assert_string_equal(h.how, "the process did not answer in time");
    assert_true(ward_worker_blamed(s));
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

static void a_hang_without_a_deadline_is_killed_after_the_longest_call(void **state)
{
    struct heard h;
    struct ward_worker *w = started_with((struct ward_worker_config){.run_ms = 100}, &h);
    struct ward_worker_slot *s = slot_of(w);
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(call(s, TRIAL_HANG, "x", 1, NULL, NULL, &err), WARD_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "did not answer in time"));
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

static void a_call_that_stops_when_told_leaves_the_process_alive(void **state)
{
    struct heard h;
    struct ward_worker *w = started(&h);
    struct ward_worker_slot *s = slot_of(w);
    const struct ward_stop stop = {.deadline_ns = ward_mono_ns() + 30 * WARD_NS_PER_MS};

    (void)state;
    assert_int_equal(call(s, TRIAL_SLOW, "x", 1, &stop, NULL, NULL), WARD_CANCELLED);
    assert_int_equal(call(s, TRIAL_ECHO, "x", 1, NULL, NULL, NULL), WARD_OK);
    assert_int_equal(h.ended, 0);
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

static void another_thread_stops_a_call(void **state)
{
    struct heard h;
    struct ward_worker *w = started(&h);
    struct beside b = {.slot = slot_of(w)};
    pthread_t t;

    (void)state;
    for (int i = 0; i < 3; i++) {
        b.begun = 0;
        assert_int_equal(pthread_create(&t, NULL, slow_beside, &b), 0);
        until(&b.begun);
        while (pthread_tryjoin_np(t, NULL) != 0) {
            ward_worker_stop(b.slot);
            nap(1);
        }
        assert_int_equal(b.code, WARD_CANCELLED);
    }
    ward_worker_slot_close(b.slot);
    ward_worker_close(w);
}

static void memory_past_the_budget_is_told_and_past_the_limit_ends_it(void **state)
{
    struct heard h;
    struct ward_worker *w = started_with(
        (struct ward_worker_config){.budget_bytes = 100 * MIB, .beat_ms = 100}, &h);
    struct ward_worker_slot *s = slot_of(w);
    size_t n = 120 * MIB;

    (void)state;
    assert_int_equal(call(s, TRIAL_LEAK, &n, sizeof(n), NULL, NULL, NULL), WARD_OK);
    until(&h.grown);
    assert_int_equal(ward_worker_state(w, NULL),
                     WARD_OK); /* the process continues until it is replaced */
    ward_worker_slot_close(s);
    ward_worker_close(w);

    w = started_with((struct ward_worker_config){.most_bytes = 100 * MIB, .beat_ms = 100}, &h);
    s = slot_of(w);
    assert_int_equal(call(s, TRIAL_LEAK, &n, sizeof(n), NULL, NULL, NULL), WARD_UNAVAILABLE);
    until(&h.ended);
    ward_worker_slot_close(s);
    ward_worker_close(w);
}

static void a_request_that_never_returns_ends_the_process(void **state)
{
    struct heard h;
    struct ward_worker *w = started_with((struct ward_worker_config){.ask_ms = 100}, &h);
    struct ward_worker_ask ask = {.op = TRIAL_FREEZE, .in = "", .fd = -1, .out = &h};
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(ward_worker_ask(w, &ask, &err), WARD_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "did not answer in time"));
    ward_worker_close(w);
}

static void a_stopped_process_misses_its_heartbeats_and_ends(void **state)
{
    struct heard h;
    struct ward_worker *w = started_with((struct ward_worker_config){.beat_ms = 50}, &h);

    (void)state;
    nap(200); /* long enough to answer several heartbeats */
    assert_int_equal(h.ended, 0);
    kill(ward_worker_pid(w), SIGSTOP);
    until(&h.ended);
    assert_string_equal(h.how, "the heartbeat stopped");
    ward_worker_close(w);
}

static void a_job_that_does_not_open_says_why(void **state)
{
    struct ward_worker_config cfg = {
        .job = "trial", .name = "trial", .args = "refuses", .n_args = 7, .start_ms = 5000};
    struct ward_worker *w = NULL;
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(ward_worker_start(&cfg, &w, &err), WARD_NOT_FOUND);
    assert_string_equal(err.msg, "it does not open");
    cfg.args = "crashes";
    assert_int_equal(ward_worker_start(&cfg, &w, &err), WARD_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "SIGSEGV"));
    cfg.args = "hangs";
    cfg.n_args = 5;
    cfg.start_ms = 100;
    assert_int_equal(ward_worker_start(&cfg, &w, &err), WARD_UNAVAILABLE);
    cfg.job = "nothing";
    cfg.start_ms = 5000;
    assert_int_equal(ward_worker_start(&cfg, &w, &err), WARD_UNAVAILABLE);
    cfg.program = "/nonexistent";
    assert_int_equal(ward_worker_start(&cfg, &w, &err), WARD_UNAVAILABLE);
    assert_null(w);
}

/* ---- delays before a new start ---- */

static void starts_wait_longer_each_time_until_one_lives_long(void **state)
{
    const int64_t ms = WARD_NS_PER_MS;
    struct ward_backoff b = {0};
    int64_t now = 1000 * ms;
    static const int want[] = {0, 101, 201, 401, 801, 1601, 3201, 6401, 10001, 10001};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(want); i++) {
        ward_backoff_started(&b, now);
        now += 10 * ms;
        ward_backoff_ended(&b, now);
        assert_int_equal(ward_backoff_ms(&b, now), want[i]);
        now += want[i] * ms;
        assert_int_equal(ward_backoff_ms(&b, now), 0);
    }
    ward_backoff_started(&b, now);
    now += 30000 * ms;
    ward_backoff_ended(&b, now);
    assert_int_equal(ward_backoff_ms(&b, now), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_comes_back_from_another_process),
        cmocka_unit_test(inputs_and_answers_of_any_size_find_room),
        cmocka_unit_test(what_is_larger_than_a_slot_is_refused),
        cmocka_unit_test(requests_over_the_socket_carry_words_and_files),
        cmocka_unit_test(a_crash_answers_its_call_with_the_signal),
        cmocka_unit_test(calls_beside_a_crash_are_answered_too),
        cmocka_unit_test(a_hang_is_killed_after_the_deadline_and_a_grace),
        cmocka_unit_test(a_hang_without_a_deadline_is_killed_after_the_longest_call),
        cmocka_unit_test(a_call_that_stops_when_told_leaves_the_process_alive),
        cmocka_unit_test(another_thread_stops_a_call),
        cmocka_unit_test(memory_past_the_budget_is_told_and_past_the_limit_ends_it),
        cmocka_unit_test(a_request_that_never_returns_ends_the_process),
        cmocka_unit_test(a_stopped_process_misses_its_heartbeats_and_ends),
        cmocka_unit_test(a_job_that_does_not_open_says_why),
        cmocka_unit_test(starts_wait_longer_each_time_until_one_lives_long),
    };

    ward_worker_enter(argc, argv, trial_jobs);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
