#include "common/rpc/load/queue.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MS      WARD_NS_PER_MS
#define WORKERS 4
#define JOBS    20000

/* A queue whose workers are all busy, unless a test takes a job. */
static struct queue q;
static struct waiter self;
static struct flow ann, bob, eve;
static struct job jobs[JOBS];
static struct job *evicted;
static int64_t wait_ns;

static void open_queue(int bound, int workers, int reserved)
{
    memset(jobs, 0, sizeof(jobs));
    memset(&ann, 0, sizeof(ann));
    memset(&bob, 0, sizeof(bob));
    memset(&eve, 0, sizeof(eve));
    memset(&self, 0, sizeof(self));
    sem_init(&self.wake, 0, 0);
    queue_init(&q, bound, workers, reserved, 0);
}

static void close_queue(void)
{
    sem_destroy(&self.wake);
    queue_done(&q);
}

/* Adds a job of 1 ms without a deadline. */
static enum queue_answer put_as(int i, struct flow *f, enum queue_lane lane)
{
    jobs[i].lane = lane;
    if (jobs[i].cost_ns == 0)
        jobs[i].cost_ns = 1 * MS;
    if (jobs[i].deadline_ns == 0)
        jobs[i].deadline_ns = WARD_NO_DEADLINE;
    return queue_put(&q, &jobs[i], f, &evicted, &wait_ns);
}

static enum queue_answer put(int i, struct flow *f)
{
    return put_as(i, f, QUEUE_BULK);
}

static int next(void)
{
    struct job *j = queue_take(&q, &self);

    return j == NULL ? -1 : (int)(j - jobs);
}

static void what_comes_first_goes_first(void **state)
{
    (void)state;
    open_queue(3, 1, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(put(i, &ann), QUEUE_TAKEN);
    assert_int_equal(queue_waiting(&q), 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(next(), i);
    assert_int_equal(queue_waiting(&q), 0);
    close_queue();
}

static void a_full_queue_evicts_the_oldest_and_serves_the_newest(void **state)
{
    (void)state;
    open_queue(4, 1, 0);
    for (int i = 0; i < 4; i++)
        assert_int_equal(put(i, &ann), QUEUE_TAKEN);
    assert_null(evicted);
    assert_int_equal(put(4, &ann), QUEUE_TAKEN);
    assert_ptr_equal(evicted, &jobs[0]);
    assert_int_equal(queue_waiting(&q), 4);
    assert_int_equal(next(), 4);
    /* Half of the bound waits now, so the oldest job is first again. */
    assert_int_equal(next(), 3);
    assert_int_equal(next(), 1);
    assert_int_equal(next(), 2);
    close_queue();
}

static void a_queue_without_room_takes_only_what_a_free_worker_will_run(void **state)
{
    (void)state;
    open_queue(0, 1, 0);
    assert_int_equal(put(0, &ann), QUEUE_FULL);
    assert_null(evicted);
    close_queue();
}

/* Eve's hundred calls delay Ann and Bob by one turn each, not by a hundred. */
static void peers_take_turns(void **state)
{
    (void)state;
    open_queue(200, 1, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(put(i, &eve), QUEUE_TAKEN);
    assert_int_equal(put(100, &ann), QUEUE_TAKEN);
    assert_int_equal(put(101, &bob), QUEUE_TAKEN);
    for (int turn = 0, seen = 0; seen < 2; turn++) {
        seen += next() >= 100;
        assert_in_range(turn, 0, 3);
    }
    close_queue();
}

static void a_peer_with_dear_calls_gets_fewer_turns(void **state)
{
    int of_eve = 0;

    (void)state;
    open_queue(200, 1, 0);
    for (int i = 0; i < 60; i++) {
        jobs[i].cost_ns = 40 * MS;
        assert_int_equal(put(i, &eve), QUEUE_TAKEN);
    }
    for (int i = 60; i < 120; i++) {
        jobs[i].cost_ns = 2 * MS;
        assert_int_equal(put(i, &ann), QUEUE_TAKEN);
    }
    for (int i = 0; i < 42; i++)
        of_eve += next() < 60;
    /* About 40 of Ann's jobs of 2 ms and two of Eve's of 40 ms. */
    assert_in_range(of_eve, 2, 3);
    close_queue();
}

static void a_peer_that_was_away_has_saved_nothing(void **state)
{
    int of_ann = 0;

    (void)state;
    open_queue(200, 1, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(put(i, &eve), QUEUE_TAKEN);
    for (int i = 0; i < 50; i++)
        assert_int_not_equal(next(), -1);
    for (int i = 100; i < 120; i++)
        assert_int_equal(put(i, &ann), QUEUE_TAKEN);
    for (int i = 0; i < 20; i++)
        of_ann += next() >= 100;
    assert_in_range(of_ann, 9, 11);
    close_queue();
}

static void a_full_queue_evicts_the_peer_with_the_most_work(void **state)
{
    (void)state;
    open_queue(10, 1, 0);
    assert_int_equal(put(0, &ann), QUEUE_TAKEN);
    for (int i = 1; i < 10; i++)
        assert_int_equal(put(i, &eve), QUEUE_TAKEN);
    assert_int_equal(put(10, &bob), QUEUE_TAKEN);
    assert_ptr_equal(evicted, &jobs[1]);
    assert_int_equal(put(11, &ann), QUEUE_TAKEN);
    assert_ptr_equal(evicted, &jobs[2]);
    assert_ptr_equal(jobs[0].flow, &ann);
    close_queue();
}

static void bedside_goes_before_bulk(void **state)
{
    (void)state;
    open_queue(100, 1, 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(put(i, &eve), QUEUE_TAKEN);
    assert_int_equal(put_as(10, &ann, QUEUE_BEDSIDE), QUEUE_TAKEN);
    assert_int_equal(next(), 10);
    assert_int_equal(next(), 0);
    close_queue();
}

static void a_flood_at_the_bedside_leaves_bulk_a_share(void **state)
{
    int of_bulk = 0;

    (void)state;
    open_queue(400, 1, 0);
    for (int i = 0; i < 100; i++)
        assert_int_equal(put_as(i, &eve, QUEUE_BEDSIDE), QUEUE_TAKEN);
    for (int i = 100; i < 200; i++)
        assert_int_equal(put(i, &ann), QUEUE_TAKEN);
    for (int i = 0; i < 100; i++)
        of_bulk += next() >= 100;
    assert_in_range(of_bulk, 4, 8);
    close_queue();
}

static void bulk_is_evicted_for_the_bedside_and_never_the_other_way_round(void **state)
{
    (void)state;
    open_queue(2, 1, 0);
    assert_int_equal(put(0, &eve), QUEUE_TAKEN);
    assert_int_equal(put_as(1, &ann, QUEUE_BEDSIDE), QUEUE_TAKEN);
    assert_int_equal(put_as(2, &ann, QUEUE_BEDSIDE), QUEUE_TAKEN);
    assert_ptr_equal(evicted, &jobs[0]);
    assert_int_equal(put(3, &eve), QUEUE_FULL);
    assert_null(evicted);
    close_queue();
}

static void what_cannot_be_done_in_time_is_refused_on_arrival(void **state)
{
    (void)state;
    open_queue(100, 1, 0);
    for (int i = 0; i < 20; i++) {
        jobs[i].cost_ns = 10 * MS;
        assert_int_equal(put(i, &ann), QUEUE_TAKEN);
    }
    jobs[20] = (struct job){.cost_ns = 10 * MS, .deadline_ns = 100 * MS};
    assert_int_equal(put(20, &ann), QUEUE_LATE);
    assert_true(wait_ns == 200 * MS);
    jobs[21] = (struct job){.cost_ns = 10 * MS, .deadline_ns = 2000 * MS};
    assert_int_equal(put(21, &ann), QUEUE_TAKEN);
    jobs[22] = (struct job){.cost_ns = 10 * MS, .deadline_ns = 100 * MS};
    assert_int_equal(put(22, &bob), QUEUE_TAKEN); /* bob's only job is served early */
    assert_true(wait_ns == 10 * MS);
    close_queue();
}

static void several_workers_share_the_wait(void **state)
{
    (void)state;
    open_queue(100, 4, 0);
    for (int i = 0; i < 20; i++) {
        jobs[i].cost_ns = 10 * MS;
        assert_int_equal(put(i, &ann), QUEUE_TAKEN);
    }
    jobs[20] = (struct job){.cost_ns = 10 * MS, .deadline_ns = 100 * MS};
    assert_int_equal(put(20, &ann), QUEUE_TAKEN);
    assert_true(wait_ns == 50 * MS);
    close_queue();
}

static void late_calls_make_estimates_careful(void **state)
{
    (void)state;
    open_queue(100, 1, 0);
    jobs[0].cost_ns = 50 * MS;
    assert_int_equal(put(0, &ann), QUEUE_TAKEN);
    for (int i = 1; i < 4; i++)
        jobs[i] = (struct job){.cost_ns = 10 * MS, .deadline_ns = 100 * MS};
    assert_int_equal(put(1, &ann), QUEUE_TAKEN);
    assert_true(queue_remove(&q, &jobs[1]));
    for (int i = 0; i < 10; i++)
        queue_learn(&q, true);
    assert_int_equal(put(2, &ann), QUEUE_LATE);
    for (int i = 0; i < 200; i++)
        queue_learn(&q, false);
    assert_int_equal(put(3, &ann), QUEUE_TAKEN);
    close_queue();
}

/* Eve's jobs never end, but Ann's jobs still get a worker. */
static void a_peer_has_no_more_than_its_share_of_the_workers(void **state)
{
    (void)state;
    open_queue(100, 4, 0);
    q.each = 3;
    for (int i = 0; i < 10; i++)
        assert_int_equal(put(i, &eve), QUEUE_TAKEN);
    assert_int_equal(put(10, &ann), QUEUE_TAKEN);
    for (int i = 0, of_eve = 0; i < 4; i++) {
        of_eve += next() < 10;
        assert_true(of_eve <= 3);
    }
    assert_int_equal(queue_waiting(&q), 7);
    queue_ended(&q, &eve);
    assert_in_range(next(), 3, 9);
    close_queue();
}

static void a_job_that_is_taken_out_is_handed_to_nobody(void **state)
{
    (void)state;
    open_queue(10, 1, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(put(i, &ann), QUEUE_TAKEN);
    assert_true(queue_remove(&q, &jobs[1]));
    assert_false(queue_remove(&q, &jobs[1]));
    assert_int_equal(next(), 0);
    assert_false(queue_remove(&q, &jobs[0]));
    assert_int_equal(next(), 2);
    assert_int_equal(queue_waiting(&q), 0);
    close_queue();
}

/* A stopped queue still hands out waiting jobs and rejects new jobs. */
static void a_stopped_queue_runs_empty(void **state)
{
    (void)state;
    open_queue(2, 1, 1);
    assert_int_equal(put(0, &ann), QUEUE_TAKEN);
    queue_stop(&q);
    assert_int_equal(put(1, &ann), QUEUE_FULL);
    assert_int_equal(next(), 0);
    assert_int_equal(next(), -1);
    close_queue();
}

/* ---- with workers ---- */

struct taker {
    struct waiter waiter;
    pthread_t thread;
    int taken;
    atomic_bool *hold; /* a bulk job runs until this is false */
};
static atomic_int seen[JOBS];

static void *take_all(void *arg)
{
    struct taker *t = arg;
    struct job *j;

    while ((j = queue_take(&q, &t->waiter)) != NULL) {
        atomic_fetch_add(&seen[j - jobs], 1);
        t->taken++;
        while (t->hold != NULL && j->lane == QUEUE_BULK && atomic_load(t->hold))
            sched_yield();
    }
    return NULL;
}

static void start(struct taker *t, int n, atomic_bool *hold)
{
    memset(seen, 0, sizeof(seen));
    for (int i = 0; i < n; i++) {
        t[i] = (struct taker){.hold = hold};
        sem_init(&t[i].waiter.wake, 0, 0);
        assert_int_equal(pthread_create(&t[i].thread, NULL, take_all, &t[i]), 0);
    }
}

static int join(struct taker *t, int n)
{
    int sum = 0;

    queue_stop(&q);
    for (int i = 0; i < n; i++) {
        pthread_join(t[i].thread, NULL);
        sem_destroy(&t[i].waiter.wake);
        sum += t[i].taken;
    }
    return sum;
}

static void every_job_is_taken_once_by_someone(void **state)
{
    struct taker takers[WORKERS];
    struct flow *const flows[] = {&ann, &bob, &eve};

    (void)state;
    open_queue(JOBS, WORKERS, 1);
    start(takers, WORKERS, NULL);
    for (int i = 0; i < JOBS; i++) /* each flow has jobs of one lane */
        assert_int_equal(put_as(i, flows[i % 3], i % 3 == 0 ? QUEUE_BEDSIDE : QUEUE_BULK),
                         QUEUE_TAKEN);
    assert_int_equal(join(takers, WORKERS), JOBS);
    for (int i = 0; i < JOBS; i++)
        assert_int_equal(seen[i], 1);
    close_queue();
}

/* One job at a time, each for a sleeping worker. A lost wake-up would hang this test. */
static void a_sleeper_is_always_woken(void **state)
{
    struct taker takers[WORKERS];

    (void)state;
    open_queue(0, WORKERS, 0); /* bound 0: a job is accepted only if a worker is free */
    start(takers, WORKERS, NULL);
    for (int i = 0; i < 2000; i++) {
        while (put(i, &ann) != QUEUE_TAKEN)
            sched_yield();
        while (atomic_load(&seen[i]) == 0)
            sched_yield();
    }
    assert_int_equal(join(takers, WORKERS), 2000);
    close_queue();
}

/* Bulk jobs hold all workers that they may use; the reserved worker serves bedside jobs. */
static void bulk_never_has_all_workers(void **state)
{
    atomic_bool hold = true;
    struct taker takers[2];

    (void)state;
    open_queue(100, 2, 1);
    start(takers, 2, &hold);
    for (int i = 0; i < 10; i++)
        assert_int_equal(put(i, &eve), QUEUE_TAKEN);
    while (atomic_load(&seen[0]) == 0)
        sched_yield();
    for (int i = 10; i < 20; i++) {
        assert_int_equal(put_as(i, &ann, QUEUE_BEDSIDE), QUEUE_TAKEN);
        while (atomic_load(&seen[i]) == 0)
            sched_yield();
    }
    for (int i = 1; i < 10; i++)
        assert_int_equal(atomic_load(&seen[i]), 0);
    atomic_store(&hold, false);
    assert_int_equal(join(takers, 2), 20);
    close_queue();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_first_goes_first),
        cmocka_unit_test(a_full_queue_evicts_the_oldest_and_serves_the_newest),
        cmocka_unit_test(a_queue_without_room_takes_only_what_a_free_worker_will_run),
        cmocka_unit_test(peers_take_turns),
        cmocka_unit_test(a_peer_with_dear_calls_gets_fewer_turns),
        cmocka_unit_test(a_peer_that_was_away_has_saved_nothing),
        cmocka_unit_test(a_full_queue_evicts_the_peer_with_the_most_work),
        cmocka_unit_test(bedside_goes_before_bulk),
        cmocka_unit_test(a_flood_at_the_bedside_leaves_bulk_a_share),
        cmocka_unit_test(bulk_is_evicted_for_the_bedside_and_never_the_other_way_round),
        cmocka_unit_test(what_cannot_be_done_in_time_is_refused_on_arrival),
        cmocka_unit_test(several_workers_share_the_wait),
        cmocka_unit_test(late_calls_make_estimates_careful),
        cmocka_unit_test(a_peer_has_no_more_than_its_share_of_the_workers),
        cmocka_unit_test(a_job_that_is_taken_out_is_handed_to_nobody),
        cmocka_unit_test(a_stopped_queue_runs_empty),
        cmocka_unit_test(every_job_is_taken_once_by_someone),
        cmocka_unit_test(a_sleeper_is_always_woken),
        cmocka_unit_test(bulk_never_has_all_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
