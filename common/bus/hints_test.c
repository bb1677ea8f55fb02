#include "common/bus/bus.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[32], url[64];
static struct ward_err err;
static atomic_ullong seen, calls;

static int set_up(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/ward-hint-XXXXXX");
    if (mkdtemp(dir) == NULL)
        return -1;
    snprintf(url, sizeof(url), "ipc://%s/hints", dir);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(url + 6);
    return rmdir(dir);
}

static void heard(void *arg, uint64_t seq)
{
    (void)arg;
    assert_true(seq > atomic_load(&seen)); /* seq must only grow */
    atomic_store(&seen, seq);
    atomic_fetch_add(&calls, 1);
}

/* Waits until the follower has received `seq`. If `seq` never arrives, alarm() ends the
 * program. */
static void await(uint64_t seq)
{
    while (atomic_load(&seen) < seq)
        usleep(1000);
}

static void a_late_follower_learns_the_newest_and_hears_nothing_twice(void **state)
{
    struct ward_hint_pub *p = NULL;
    struct ward_hint_sub *s = NULL;

    (void)state;
    atomic_store(&seen, 0);
    atomic_store(&calls, 0);
    assert_int_equal(ward_hint_open(url, NULL, &p, &err), WARD_OK);
    ward_hint_send(p, "gallery", 41);
    ward_hint_send(p, "gallery2", 99); /* another topic whose name begins with "gallery" */
    assert_int_equal(ward_hint_follow(url, NULL, "gallery", heard, NULL, &s, &err), WARD_OK);
    await(41);
    ward_hint_send(p, "gallery", 40); /* an older seq is not reported */
    ward_hint_send(p, "gallery", 42);
    await(42);
    assert_true(atomic_load(&calls) == 2);
    ward_hint_unfollow(s);
    ward_hint_close(p);
}

static void a_follower_finds_a_publisher_that_starts_after_it(void **state)
{
    struct ward_hint_pub *p = NULL;
    struct ward_hint_sub *s = NULL;

    (void)state;
    atomic_store(&seen, 0);
    assert_int_equal(ward_hint_follow(url, NULL, "gallery", heard, NULL, &s, &err), WARD_OK);
    for (uint64_t restart = 1; restart <= 2; restart++) {
        assert_int_equal(ward_hint_open(url, NULL, &p, &err), WARD_OK);
        ward_hint_send(p, "gallery", 7 * restart);
        await(7 * restart);
        ward_hint_close(p);
    }
    ward_hint_unfollow(s);
}

static void sending_without_followers_never_waits(void **state)
{
    struct ward_hint_pub *p = NULL;

    (void)state;
    assert_int_equal(ward_hint_open(url, NULL, &p, &err), WARD_OK);
    for (uint64_t i = 0; i < 100000; i++)
        ward_hint_send(p, "gallery", i);
    ward_hint_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_late_follower_learns_the_newest_and_hears_nothing_twice),
        cmocka_unit_test(a_follower_finds_a_publisher_that_starts_after_it),
        cmocka_unit_test(sending_without_followers_never_waits),
    };

    alarm(60); /* ends the program if a hint never arrives */
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
