#include "common/serve/queue_testing.h"

/* ---- rows ---- */

static void rows_of_several_calls_share_a_run_and_each_gets_its_own(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 8});
    struct call held, c[3];

    (void)state;
    use_ladder(q, 8);
    occupy(&held, q, WARD_ROUTINE);
    for (int i = 0; i < 3; i++) {
        c[i] = (struct call){.q = q, .lane = WARD_ROUTINE, .rows = i + 1};
        c[i].value = (float)(100 * (i + 1));
        begin(&c[i]);
        until_waiting(q, (i + 1) * (i + 2) / 2);
    }
    shut(false);
    end(&held, WARD_OK);
    for (int i = 0; i < 3; i++)
        end(&c[i], WARD_OK);
    assert_int_equal(fake.n, 2);
    assert_int_equal(fake.rows[1], 8); /* 6 rows, padded to a size of the ladder */
    ward_queue_close(q);
}

static void a_call_larger_than_a_run_comes_back_in_order(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 4});
    struct call c = {.q = q, .lane = WARD_BULK, .rows = 11, .value = 1};

    (void)state;
    use_ladder(q, 4);
    begin(&c);
    end(&c, WARD_OK);
    assert_int_equal(fake.n, 3);
    assert_int_equal(fake.rows[0] + fake.rows[1] + fake.rows[2], 12);
    ward_queue_close(q);
}

static void rows_that_cannot_be_told_apart_run_as_they_came(void **state)
{
    struct ward_model_io io = two_wide();
    struct ward_queue_config cfg = {
        .name = "fake", .known = &question, .io = &io, .scratch = 1 << 20};
    struct ward_queue *q = NULL;
    struct call c = {.lane = WARD_ROUTINE, .rows = 5, .value = 1};

    (void)state;
    io.out[0].batch_axis = -1;
    cfg.ops = (struct ward_queue_ops){.open = fake_open, .close = fake_close, .run = fake_run};
    assert_int_equal(ward_queue_open(&cfg, &q, NULL), WARD_OK);
    fake.n = 0;
    c.q = q;
    begin(&c);
    end(&c, WARD_OK);
    assert_int_equal(fake.n, 1);
    assert_int_equal(fake.rows[0], 5);
    ward_queue_close(q);
}

static void inputs_are_refused_before_they_wait(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.cap_rows = 4});
    static _Alignas(64) float x[16];
    struct ward_tensor good = {
        .name = "x", .dtype = WARD_F32, .rank = 2, .shape = {1, 2}, .data = x, .nbytes = 8};
    struct ward_tensor in[6] = {good, good, good, good, good, good}, out[2];
    struct ward_arena mem;

    (void)state;
    ward_arena_init(&mem, 1 << 16);
    in[0].name = "z";
    in[1].dtype = WARD_I32;
    in[2].shape[1] = 1, in[2].nbytes = 4;
    in[3].shape[0] = 0, in[3].nbytes = 0;
    in[4].nbytes = 12;
    in[5].shape[0] = 5, in[5].nbytes = 40; /* more rows than may wait */
    for (int i = 0; i < 6; i++) {
        uint32_t n = 2;

        assert_int_equal(ward_queue_run(q, WARD_STAT, &mem, NULL, &in[i], 1, out, &n, NULL),
                         WARD_INVALID_ARGUMENT);
    }
    assert_int_equal(fake.n, 0);
    ward_arena_done(&mem);
    ward_queue_close(q);
}

/* ---- the ladder ---- */

static void where_a_batch_takes_no_longer_than_a_row_the_ladder_is_long(void **state)
{
    struct ward_rung rung[WARD_QUEUE_RUNGS];
    struct ward_queue *q;

    (void)state;
    fake.each_us = 4000;
    q = opened((struct ward_queue_config){.max_rows = 16, .instances = 2, .reserve = 1});
    assert_int_equal(ward_queue_ladder(q, rung), 5);
    assert_int_equal(rung[4].rows, 16);
    ward_queue_close(q);
    assert_int_equal(fake.opened, 3);
}

static void where_batches_gain_nothing_no_row_waits_for_another(void **state)
{
    struct ward_rung rung[WARD_QUEUE_RUNGS];
    struct ward_queue *q;
    struct call held, c[2];

    (void)state;
    fake.row_us = 4000;
    q = opened((struct ward_queue_config){.max_rows = 16, .delay_us = 60000000});
    assert_int_equal(ward_queue_ladder(q, rung), 1);
    fake.row_us = 0;
    occupy(&held, q, WARD_ROUTINE);
    for (int i = 0; i < 2; i++) {
        c[i] = (struct call){.q = q, .lane = WARD_ROUTINE, .rows = 1, .value = 5};
        begin(&c[i]);
    }
    until_waiting(q, 2);
    shut(false);
    end(&held, WARD_OK);
    end(&c[0], WARD_OK);
    end(&c[1], WARD_OK);
    assert_int_equal(fake.n, 3);
    ward_queue_close(q);
}

static void rows_that_change_each_others_answers_are_never_put_together(void **state)
{
    struct ward_rung rung[WARD_QUEUE_RUNGS];
    struct ward_queue *q;

    (void)state;
    fake.mixes = true;
    fake.each_us = 2000;
    q = opened((struct ward_queue_config){.max_rows = 16});
    assert_int_equal(ward_queue_ladder(q, rung), 1);
    ward_queue_close(q);
}

static void a_model_that_cannot_answer_its_question_does_not_open(void **state)
{
    struct ward_model_io io = two_wide();
    struct ward_queue_config cfg = {/* Too little memory for the question. */
                                    .name = "fake",
                                    .known = &question,
                                    .io = &io,
                                    .scratch = 32};
    struct ward_queue *q = NULL;

    (void)state;
    cfg.ops = (struct ward_queue_ops){.open = fake_open, .close = fake_close, .run = fake_run};
    assert_int_equal(ward_queue_open(&cfg, &q, NULL), WARD_RESOURCE_EXHAUSTED);
    assert_null(q);
}

static void rows_wait_for_others_until_the_batch_is_full(void **state)
{
    struct ward_queue *q =
        opened((struct ward_queue_config){.max_rows = 2, .delay_us = 60000000});
    struct call c[2];

    (void)state;
    use_ladder(q, 2);
    for (int i = 0; i < 2; i++) {
        c[i] = (struct call){.q = q, .lane = WARD_BULK, .rows = 1, .value = 5};
        begin(&c[i]);
        if (i == 0)
            until_waiting(q, 1);
    }
    end(&c[0], WARD_OK);
    end(&c[1], WARD_OK);
    assert_int_equal(fake.n, 1);
    assert_int_equal(fake.rows[0], 2);
    ward_queue_close(q);
}

/* ---- failures ---- */

static void a_row_that_fails_fails_its_own_call_only(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 4});
    struct call held, c[3];

    (void)state;
    use_ladder(q, 4);
    occupy(&held, q, WARD_ROUTINE);
    for (int i = 0; i < 3; i++) {
        c[i] = (struct call){.q = q, .lane = WARD_ROUTINE, .rows = 1, .value = 3};
        c[i].value = i == 1 ? POISON : 3;
        begin(&c[i]);
    }
    until_waiting(q, 3);
    shut(false);
    end(&held, WARD_OK);
    end(&c[0], WARD_OK);
    end(&c[1], WARD_INVALID_ARGUMENT);
    end(&c[2], WARD_OK);
    assert_string_equal(c[1].err.msg, "a row that cannot be run");
    ward_queue_close(q);
}

static void an_answer_with_too_few_rows_is_nobodys(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 4});
    struct call c = {.q = q, .lane = WARD_ROUTINE, .rows = 3, .value = 1};

    (void)state;
    use_ladder(q, 4);
    fake.short_answer = true;
    begin(&c);
    end(&c, WARD_INTERNAL);
    ward_queue_close(q);
}

static void each_refused_allocation_is_an_answer(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 4});
    int refused = 0;

    (void)state;
    use_ladder(q, 4);
    for (int rows = 3; rows <= 4; rows++)
        for (int at = 1; at < 20; at++) {
            struct call c = {.q = q, .lane = WARD_ROUTINE, .rows = rows, .fail_at = at};

            c.value = 1;
            begin(&c);
            pthread_join(c.thread, NULL);
            if (c.code == WARD_OK)
                break;
            assert_int_equal(c.code, WARD_RESOURCE_EXHAUSTED);
            refused++;
        }
    assert_true(refused >= 2);
    ward_queue_close(q);
}

/* ---- many threads at once ---- */

struct crowd {
    struct ward_queue *q;
    unsigned seed;
    int wrong;
    pthread_t thread;
};

static void *hurry(void *arg)
{
    struct crowd *w = arg;

    for (int i = 0; i < 150; i++) {
        struct call c = {.q = w->q, .lane = WARD_BULK};
        unsigned x = w->seed = w->seed * 1103515245u + 12345u;

        c.lane = (enum ward_urgency)(x >> 16 & 3) % WARD_URGENCIES;
        c.rows = 1 + (int)(x >> 20) % 9;
        c.value = (float)(x >> 24);
        if ((x >> 28) % 4 == 0)
            c.deadline_ns = ward_mono_ns() + (int64_t)(x >> 18 & 1023) * 1000;
        if ((x >> 28) == 5)
            atomic_store(&c.gone, true);
        make_call(&c);
        w->wrong += c.code == WARD_OK
                        ? !c.right
                        : c.code != WARD_DEADLINE_EXCEEDED && c.code != WARD_CANCELLED &&
                              c.code != WARD_RESOURCE_EXHAUSTED;
    }
    return NULL;
}

static void a_crowd_of_callers_each_gets_its_own(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){
        .max_rows = 8, .instances = 2, .reserve = 1, .cap_rows = 40, .delay_us = 50});
    struct crowd w[12];

    (void)state;
    use_ladder(q, 8);
    for (unsigned i = 0; i < WARD_COUNT(w); i++) {
        w[i] = (struct crowd){.q = q, .seed = i + 1};
        assert_int_equal(pthread_create(&w[i].thread, NULL, hurry, &w[i]), 0);
    }
    for (int i = 0; i < 5; i++)
        assert_int_equal(ward_queue_warm(q, NULL), WARD_OK); /* warm-up during the calls */
    for (unsigned i = 0; i < WARD_COUNT(w); i++) {
        pthread_join(w[i].thread, NULL);
        assert_int_equal(w[i].wrong, 0);
    }
    until_waiting(q, 0);
    ward_queue_close(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE(rows_of_several_calls_share_a_run_and_each_gets_its_own),
        QUEUE(a_call_larger_than_a_run_comes_back_in_order),
        QUEUE(rows_that_cannot_be_told_apart_run_as_they_came),
        QUEUE(inputs_are_refused_before_they_wait),
        QUEUE(where_a_batch_takes_no_longer_than_a_row_the_ladder_is_long),
        QUEUE(where_batches_gain_nothing_no_row_waits_for_another),
        QUEUE(rows_that_change_each_others_answers_are_never_put_together),
        QUEUE(a_model_that_cannot_answer_its_question_does_not_open),
        QUEUE(rows_wait_for_others_until_the_batch_is_full),
        QUEUE(a_row_that_fails_fails_its_own_call_only),
        QUEUE(an_answer_with_too_few_rows_is_nobodys),
        QUEUE(each_refused_allocation_is_an_answer),
        QUEUE(a_crowd_of_callers_each_gets_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
