#include "common/rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORKERS 4
#define CALLS   20000

struct taker {
    struct queue *q;
    struct waiter waiter;
    pthread_t thread;
    int taken;
};

static struct served calls[CALLS];
static atomic_int seen[CALLS];

static void *take_all(void *arg)
{
    struct taker *t = arg;
    struct served *s;

    while ((s = queue_take(t->q, &t->waiter)) != NULL) {
        atomic_fetch_add(&seen[s - calls], 1);
        t->taken++;
    }
    return NULL;
}

static void start(struct taker *t, struct queue *q)
{
    *t = (struct taker){.q = q};
    sem_init(&t->waiter.wake, 0, 0);
    assert_int_equal(pthread_create(&t->thread, NULL, take_all, t), 0);
}

static int join(struct taker *t)
{
    pthread_join(t->thread, NULL);
    sem_destroy(&t->waiter.wake);
    return t->taken;
}

static void what_comes_first_goes_first(void **state)
{
    struct waiter self;
    struct queue q;

    (void)state;
    sem_init(&self.wake, 0, 0);
    queue_init(&q, 3);
    for (int i = 0; i < 3; i++)
        assert_true(queue_put(&q, &calls[i]));
    assert_int_equal(queue_waiting(&q), 3);
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(queue_take(&q, &self), &calls[i]);
    assert_int_equal(queue_waiting(&q), 0);
    sem_destroy(&self.wake);
    queue_done(&q);
}

static void a_full_queue_takes_no_more(void **state)
{
    struct waiter self;
    struct queue q;

    (void)state;
    sem_init(&self.wake, 0, 0);
    queue_init(&q, 2);
    assert_true(queue_put(&q, &calls[0]));
    assert_true(queue_put(&q, &calls[1]));
    assert_false(queue_put(&q, &calls[2]));
    assert_non_null(queue_take(&q, &self));
    assert_true(queue_put(&q, &calls[2]));
    sem_destroy(&self.wake);
    queue_done(&q);
}

/* What waits when the queue is stopped is still handed out; nothing is taken in. */
static void a_stopped_queue_runs_empty(void **state)
{
    struct waiter self;
    struct queue q;

    (void)state;
    sem_init(&self.wake, 0, 0);
    queue_init(&q, 2);
    assert_true(queue_put(&q, &calls[0]));
    queue_stop(&q);
    assert_false(queue_put(&q, &calls[1]));
    assert_ptr_equal(queue_take(&q, &self), &calls[0]);
    assert_null(queue_take(&q, &self));
    sem_destroy(&self.wake);
    queue_done(&q);
}

static void every_call_is_taken_once_by_someone(void **state)
{
    struct taker takers[WORKERS];
    struct queue q;
    int sum = 0;

    (void)state;
    memset(seen, 0, sizeof(seen));
    queue_init(&q, 64);
    for (int i = 0; i < WORKERS; i++)
        start(&takers[i], &q);
    for (int i = 0; i < CALLS; i++)
        while (!queue_put(&q, &calls[i]))
            sched_yield();
    queue_stop(&q);
    for (int i = 0; i < WORKERS; i++)
        sum += join(&takers[i]);
    assert_int_equal(sum, CALLS);
    for (int i = 0; i < CALLS; i++)
        assert_int_equal(seen[i], 1);
    queue_done(&q);
}

/* One call at a time, each to a sleeping worker: a lost wake-up would stop this for ever. */
static void a_sleeper_is_always_woken(void **state)
{
    struct taker takers[WORKERS];
    struct queue q;

    (void)state;
    memset(seen, 0, sizeof(seen));
    queue_init(&q, 0); /* nobody may wait: only a free worker's call is let in */
    for (int i = 0; i < WORKERS; i++)
        start(&takers[i], &q);
    for (int i = 0; i < 2000; i++) {
        while (!queue_put(&q, &calls[i]))
            sched_yield();
        while (atomic_load(&seen[i]) == 0)
            sched_yield();
    }
    queue_stop(&q);
    for (int i = 0; i < WORKERS; i++)
        join(&takers[i]);
    queue_done(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_first_goes_first),
        cmocka_unit_test(a_full_queue_takes_no_more),
        cmocka_unit_test(a_stopped_queue_runs_empty),
        cmocka_unit_test(every_call_is_taken_once_by_someone),
        cmocka_unit_test(a_sleeper_is_always_woken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
