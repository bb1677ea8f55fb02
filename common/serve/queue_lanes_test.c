#include "common/serve/queue_testing.h"

#define WAITING 40

static void begin_at(struct call *c, struct ward_queue *q, enum ward_urgency lane, float value,
                     int64_t *waiting)
{
    *c = (struct call){.q = q, .lane = lane, .rows = 1, .value = value};
    begin(c);
    until_waiting(q, ++*waiting);
}

/* ---- lanes ---- */

static void stat_runs_before_routine_before_bulk(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 1});
    struct call held, c[3];
    int64_t waiting = 0;

    (void)state;
    occupy(&held, q, WARD_BULK);
    begin_at(&c[0], q, WARD_BULK, 3, &waiting);
    begin_at(&c[1], q, WARD_ROUTINE, 2, &waiting);
    begin_at(&c[2], q, WARD_STAT, 1, &waiting);
    shut(false);
    end(&held, WARD_OK);
    for (int i = 0; i < 3; i++)
        end(&c[i], WARD_OK);
    for (int i = 1; i <= 3; i++)
        assert_float_equal(fake.first[i], i, 0);
    ward_queue_close(q);
}

/* Thirty STAT rows wait before five rows of each other lane. Of the first twenty runs, each
 * other lane gets about a tenth. */
static void each_lane_gets_a_tenth_of_the_runs_while_stat_rows_wait(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 1});
    struct call held, c[WAITING];
    int64_t waiting = 0;
    int got[4] = {0};

    (void)state;
    occupy(&held, q, WARD_STAT);
    for (int i = 0; i < WAITING; i++) {
        enum ward_urgency lane = i < 30 ? WARD_STAT : i < 35 ? WARD_ROUTINE : WARD_BULK;

        begin_at(&c[i], q, lane, (float)lane, &waiting);
    }
    shut(false);
    end(&held, WARD_OK);
    for (int i = 0; i < WAITING; i++)
        end(&c[i], WARD_OK);
    for (int i = 1; i <= 20; i++)
        got[(int)fake.first[i]]++;
    assert_in_range(got[WARD_BULK], 2, 3);
    assert_in_range(got[WARD_ROUTINE], 1, 3);
    assert_true(got[WARD_STAT] >= 14);
    ward_queue_close(q);
}

static void lanes_never_share_a_run(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 8});
    struct call held, c[2];
    int64_t waiting = 0;

    (void)state;
    use_ladder(q, 8);
    occupy(&held, q, WARD_ROUTINE);
    begin_at(&c[0], q, WARD_BULK, 9, &waiting);
    begin_at(&c[1], q, WARD_STAT, 8, &waiting);
    shut(false);
    end(&held, WARD_OK);
    end(&c[0], WARD_OK);
    end(&c[1], WARD_OK);
    assert_int_equal(fake.n, 3);
    assert_float_equal(fake.first[1], 8, 0);
    ward_queue_close(q);
}

static void an_instance_is_kept_for_stat(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.instances = 1, .reserve = 1});
    struct call held, bulk, stat;
    int64_t waiting = 0;

    (void)state;
    occupy(&held, q, WARD_BULK);
    begin_at(&bulk, q, WARD_BULK, 1, &waiting);
    stat = (struct call){.q = q, .lane = WARD_STAT, .rows = 1, .value = 2};
    begin(&stat);
    until_inside(2); /* the STAT row runs while the bulk row waits */
    assert_float_equal(fake.first[1], 2, 0);
    shut(false);
    end(&stat, WARD_OK);
    end(&held, WARD_OK);
    end(&bulk, WARD_OK);
    ward_queue_close(q);
}

static void a_stat_row_ends_the_wait_for_other_rows(void **state)
{
    struct ward_queue *q =
        opened((struct ward_queue_config){.max_rows = 4, .delay_us = 500000});
    struct call bulk, stat;
    int64_t waiting = 0;

    (void)state;
    use_ladder(q, 4);
    /* The bulk call's thread has the instance and waits for more rows. */
    begin_at(&bulk, q, WARD_BULK, 1, &waiting);
    stat = (struct call){.q = q, .lane = WARD_STAT, .rows = 1, .value = 2};
    begin(&stat);
    end(&stat, WARD_OK);
    end(&bulk, WARD_OK);
    assert_float_equal(fake.first[0], 2, 0);
    ward_queue_close(q);
}

/* ---- leaving the queue ---- */

static void a_row_whose_deadline_passed_never_runs(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 1});
    struct call held, c = {.q = q, .lane = WARD_STAT, .rows = 1, .value = 5};

    (void)state;
    use_ladder(q, 1);
    occupy(&held, q, WARD_ROUTINE);
    c.deadline_ns = ward_mono_ns() + 20 * WARD_NS_PER_MS;
    begin(&c);
    end(&c, WARD_DEADLINE_EXCEEDED); /* while the other call still runs */
    c.deadline_ns = ward_mono_ns() - 1;
    begin(&c);
    end(&c, WARD_DEADLINE_EXCEEDED);
    shut(false);
    end(&held, WARD_OK);
    assert_int_equal(fake.n, 1);
    ward_queue_close(q);
}

static void a_row_that_cannot_be_done_in_time_is_refused_at_once(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 1});
    struct call held, c = {.q = q, .lane = WARD_ROUTINE, .rows = 1, .value = 5}, behind;
    int64_t waiting = 0;

    (void)state;
    pthread_mutex_lock(&q->lock);
    q->mean_ns = q->row_ns = 3600e9; /* a run is expected to take an hour */
    q->spread_ns = 0;
    pthread_mutex_unlock(&q->lock);
    c.deadline_ns = ward_mono_ns() + 600 * 1000 * WARD_NS_PER_MS;
    begin(&c);
    /* No other row waits, but the call's own run would be too long. */
    end(&c, WARD_DEADLINE_EXCEEDED);
    occupy(&held, q, WARD_ROUTINE);
    begin_at(&behind, q, WARD_ROUTINE, 1, &waiting);
    begin(&c);
    end(&c, WARD_RESOURCE_EXHAUSTED); /* the waiting rows would take too long */
    assert_string_equal(c.err.reason, "QUEUE_FULL");
    shut(false);
    end(&held, WARD_OK);
    end(&behind, WARD_OK);
    ward_queue_close(q);
}

static void a_full_queue_refuses_at_once(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 1, .cap_rows = 3});
    struct call held, waits[3], c = {.q = q, .lane = WARD_STAT, .rows = 1, .value = 5};
    int64_t waiting = 0;

    (void)state;
    occupy(&held, q, WARD_ROUTINE);
    for (int i = 0; i < 3; i++)
        begin_at(&waits[i], q, WARD_BULK, 1, &waiting);
    begin(&c);
    end(&c, WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(c.err.reason, "QUEUE_FULL");
    shut(false);
    end(&held, WARD_OK);
    for (int i = 0; i < 3; i++)
        end(&waits[i], WARD_OK);
    ward_queue_close(q);
}

static void a_caller_that_went_away_leaves_the_queue(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 1});
    struct call held, c;
    int64_t waiting = 0;

    (void)state;
    occupy(&held, q, WARD_ROUTINE);
    begin_at(&c, q, WARD_ROUTINE, 5, &waiting);
    atomic_store(&c.gone, true);
    end(&c, WARD_CANCELLED);
    shut(false);
    end(&held, WARD_OK);
    assert_int_equal(fake.n, 1);
    ward_queue_close(q);
}

static void a_run_ends_when_all_of_its_callers_have_gone(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 1});
    struct call c;

    (void)state;
    occupy(&c, q, WARD_ROUTINE);
    atomic_store(&c.gone, true);
    end(&c, WARD_CANCELLED); /* although the door is still shut */
    assert_true(fake.interrupts >= 1);
    fake.interrupted = false;
    shut(false);
    c = (struct call){.q = q, .lane = WARD_ROUTINE, .rows = 1, .value = 1};
    begin(&c);
    end(&c, WARD_OK);
    ward_queue_close(q);
}

static void a_run_goes_on_for_those_who_are_still_there(void **state)
{
    struct ward_queue *q = opened((struct ward_queue_config){.max_rows = 2});
    struct call held, c[2];
    int64_t waiting = 0;

    (void)state;
    use_ladder(q, 2);
    occupy(&held, q, WARD_ROUTINE);
    begin_at(&c[0], q, WARD_ROUTINE, 5, &waiting);
    begin_at(&c[1], q, WARD_ROUTINE, 6, &waiting);
    fake_interrupt(NULL); /* opens the door for one run, whose callers are still there */
    end(&held, WARD_OK);
    end(&c[0], WARD_OK);
    end(&c[1], WARD_OK);
    assert_int_equal(fake.rows[1], 2);
    ward_queue_close(q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        QUEUE(stat_runs_before_routine_before_bulk),
        QUEUE(each_lane_gets_a_tenth_of_the_runs_while_stat_rows_wait),
        QUEUE(lanes_never_share_a_run),
        QUEUE(an_instance_is_kept_for_stat),
        QUEUE(a_stat_row_ends_the_wait_for_other_rows),
        QUEUE(a_row_whose_deadline_passed_never_runs),
        QUEUE(a_row_that_cannot_be_done_in_time_is_refused_at_once),
        QUEUE(a_full_queue_refuses_at_once),
        QUEUE(a_caller_that_went_away_leaves_the_queue),
        QUEUE(a_run_ends_when_all_of_its_callers_have_gone),
        QUEUE(a_run_goes_on_for_those_who_are_still_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
