#include "common/rpc/h2/wheel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define T      WHEEL_TICK_NS
#define START  (1000 * T)
#define TIMERS 500

static struct wheel w;
static int64_t now;
static int fired;

struct one {
    struct timer timer;
    int times;
    int64_t at;    /* time when the timer fired */
    int64_t again; /* the timer sets itself again after this time */
    struct one *to_unset;
};

static void fire(struct timer *t)
{
    struct one *o = (struct one *)t;

    fired++;
    o->times++;
    o->at = now;
    if (o->to_unset != NULL)
        wheel_unset(&o->to_unset->timer);
    if (o->again > 0)
        wheel_set(&w, t, now + o->again);
}

static void run_at(int64_t at)
{
    now = at;
    wheel_run(&w, at);
}

static int set_up(void **state)
{
    (void)state;
    now = START;
    fired = 0;
    wheel_init(&w, now);
    return 0;
}

static void a_timer_fires_once_at_the_tick_after_its_time(void **state)
{
    struct one o = {.timer.fn = fire};

    (void)state;
    wheel_set(&w, &o.timer, START + 5 * T + 1);
    run_at(START + 5 * T);
    assert_int_equal(fired, 0);
    run_at(START + 6 * T);
    assert_int_equal(fired, 1);
    run_at(START + 2000 * T);
    assert_int_equal(fired, 1);
}

static void a_timer_that_is_unset_never_fires(void **state)
{
    struct one o = {.timer.fn = fire};

    (void)state;
    wheel_set(&w, &o.timer, START + 5 * T);
    wheel_unset(&o.timer);
    wheel_unset(&o.timer); /* a second unset is permitted */
    run_at(START + 10 * T);
    assert_int_equal(fired, 0);
}

static void a_timer_that_is_set_anew_fires_at_its_new_time(void **state)
{
    struct one o = {.timer.fn = fire};

    (void)state;
    wheel_set(&w, &o.timer, START + 5 * T);
    wheel_set(&w, &o.timer, START + 20 * T);
    run_at(START + 15 * T);
    assert_int_equal(fired, 0);
    run_at(START + 21 * T);
    assert_int_equal(fired, 1);
}

static void a_time_many_rounds_away_waits_for_its_round(void **state)
{
    struct one o = {.timer.fn = fire};
    const int64_t at = START + (3 * WHEEL_SLOTS + 7) * T;

    (void)state;
    wheel_set(&w, &o.timer, at);
    for (int64_t t = START; t < at; t += 50 * T)
        run_at(t);
    assert_int_equal(fired, 0);
    run_at(at + T);
    assert_int_equal(fired, 1);
}

static void a_time_in_the_past_fires_soon_and_not_within_the_call(void **state)
{
    struct one o = {.timer.fn = fire};

    (void)state;
    wheel_set(&w, &o.timer, START - 100 * T);
    assert_int_equal(fired, 0);
    run_at(START + T);
    assert_int_equal(fired, 1);
}

static void a_timer_that_fires_may_unset_one_that_is_due_with_it(void **state)
{
    struct one b = {.timer.fn = fire}, a = {.timer.fn = fire, .to_unset = &b};

    (void)state;
    wheel_set(&w, &a.timer, START + 5 * T);
    wheel_set(&w, &b.timer, START + 5 * T);
    run_at(START + 6 * T);
    assert_int_equal(a.times, 1);
    assert_int_equal(b.times, 0);
}

static void a_timer_may_set_itself_anew(void **state)
{
    struct one o = {.timer.fn = fire, .again = 10 * T};

    (void)state;
    wheel_set(&w, &o.timer, START + 10 * T);
    for (int i = 1; i <= 100; i++)
        run_at(START + i * T);
    assert_in_range(fired, 9, 10);
}

/* A loop that slept or was stopped for a long time misses no timer. */
static void a_long_sleep_fires_everything_that_came_due(void **state)
{
    static struct one many[TIMERS];

    (void)state;
    for (int i = 0; i < TIMERS; i++) {
        many[i] = (struct one){.timer.fn = fire};
        wheel_set(&w, &many[i].timer, START + i * 7 * T);
    }
    run_at(START + TIMERS * 7 * T + 10 * WHEEL_SLOTS * T);
    assert_int_equal(fired, TIMERS);
}

/* For any timers, `soonest` is never after the first due time. */
static void soonest_is_never_too_late(void **state)
{
    static struct one many[TIMERS];
    uint32_t x = 1;
    int64_t first;

    (void)state;
    for (int i = 0; i < TIMERS; i++) {
        many[i] = (struct one){.timer.fn = fire};
        x = x * 1664525 + 1013904223;
        wheel_set(&w, &many[i].timer, START + (int64_t)(x % (5 * WHEEL_SLOTS)) * T + x % T);
    }
    for (int64_t t = START; fired < TIMERS; t += T / 3) {
        run_at(t);
        first = WARD_NO_DEADLINE;
        for (int i = 0; i < TIMERS; i++)
            if (many[i].timer.next != NULL && many[i].timer.at < first)
                first = many[i].timer.at;
        assert_true(w.soonest <= (first == WARD_NO_DEADLINE ? first : first + T));
        assert_true(first > t - 2 * T);
    }
    for (int i = 0; i < TIMERS; i++)
        assert_int_equal(many[i].times, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_timer_fires_once_at_the_tick_after_its_time, set_up),
        cmocka_unit_test_setup(a_timer_that_is_unset_never_fires, set_up),
        cmocka_unit_test_setup(a_timer_that_is_set_anew_fires_at_its_new_time, set_up),
        cmocka_unit_test_setup(a_time_many_rounds_away_waits_for_its_round, set_up),
        cmocka_unit_test_setup(a_time_in_the_past_fires_soon_and_not_within_the_call, set_up),
        cmocka_unit_test_setup(a_timer_that_fires_may_unset_one_that_is_due_with_it, set_up),
        cmocka_unit_test_setup(a_timer_may_set_itself_anew, set_up),
        cmocka_unit_test_setup(a_long_sleep_fires_everything_that_came_due, set_up),
        cmocka_unit_test_setup(soonest_is_never_too_late, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
