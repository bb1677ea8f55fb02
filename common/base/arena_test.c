#include "common/base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed_aligned_and_apart(void **state)
{
    struct ward_arena a;

    (void)state;
    ward_arena_init(&a, 1 << 20);
    for (int round = 0; round < 3; round++) {
        unsigned char *prev = NULL;

        for (size_t n = 0; n < 300; n++) {
            unsigned char *p = ward_alloc(&a, n);

            assert_non_null(p);
            assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
            for (size_t i = 0; i < n; i++)
                assert_int_equal(p[i], 0);
            memset(p, 0xff, n); /* a later round must read zeros again */
            assert_true(prev == NULL || prev + (n - 1) <= p || p + n <= prev);
            prev = p;
        }
        ward_arena_reset(&a);
        assert_int_equal(a.used, 0);
    }
    ward_arena_done(&a);
}

static void the_cap_holds_and_is_remembered(void **state)
{
    struct ward_arena a;
    size_t got = 0;

    (void)state;
    ward_arena_init(&a, 100000);
    while (ward_alloc(&a, 1000) != NULL)
        got += 1000;
    assert_true(got <= 100000 && got >= 90000);
    assert_true(a.full);
    assert_true(a.used <= a.cap);
    assert_null(ward_alloc(&a, SIZE_MAX)); /* the size must not wrap around */
    assert_null(ward_alloc(&a, SIZE_MAX - 8));
    assert_null(ward_printf(&a, "%10000d", 7));
    ward_arena_reset(&a);
    assert_false(a.full);
    assert_non_null(ward_alloc(&a, 99984)); /* the whole arena again, in one allocation */
    ward_arena_done(&a);
}

static void an_arena_without_room_gives_nothing(void **state)
{
    struct ward_arena a;

    (void)state;
    ward_arena_init(&a, 0);
    assert_null(ward_alloc(&a, 0));
    assert_null(ward_strdup(&a, ""));
    assert_true(a.full);
    ward_arena_done(&a);
    ward_arena_done(&a); /* a second call is harmless */
}

static void text_is_copied_and_formatted(void **state)
{
    struct ward_arena a;
    char buf[] = "patient";

    (void)state;
    ward_arena_init(&a, 4096);
    {
        char *copy = ward_strdup(&a, buf);

        buf[0] = 'X';
        assert_string_equal(copy, "patient");
    }
    assert_string_equal(ward_printf(&a, "%s-%03d", "bed", 7), "bed-007");
    assert_string_equal(ward_printf(&a, "%s", ""), "");
    ward_arena_done(&a);
}

static char order[16];

static void note(void *letter)
{
    size_t n = strlen(order);

    order[n] = *(const char *)letter;
    order[n + 1] = '\0';
}

static void deferred_calls_run_newest_first_and_once(void **state)
{
    struct ward_arena a;
    char letters[] = "abc";

    (void)state;
    order[0] = '\0';
    ward_arena_init(&a, 4096);
    for (int i = 0; i < 3; i++)
        assert_true(ward_defer(&a, note, &letters[i]));
    assert_string_equal(order, "");
    ward_arena_reset(&a);
    assert_string_equal(order, "cba");
    ward_arena_done(&a);
    assert_string_equal(order, "cba");
}

static void a_call_that_cannot_be_deferred_runs_at_once(void **state)
{
    struct ward_arena a;
    char letter = 'z';

    (void)state;
    order[0] = '\0';
    ward_arena_init(&a, 0);
    assert_false(ward_defer(&a, note, &letter));
    assert_string_equal(order, "z");
    ward_arena_done(&a);
    assert_string_equal(order, "z");
}

/* Allocates several times, as a handler does. Any of the allocations may fail. */
static bool work(struct ward_arena *a)
{
    static char letter = 'x';
    char *s = ward_strdup(a, "one"), *t;
    void *big;

    if (s == NULL || !ward_defer(a, note, &letter))
        return false;
    big = ward_alloc(a, 50000); /* needs its own chunk */
    t = ward_printf(a, "%s-%s", s, "two");
    return big != NULL && t != NULL && strcmp(t, "one-two") == 0;
}

static void each_allocation_refused_in_turn_leaves_it_whole(void **state)
{
    struct ward_arena a;
    int n = 0;
    bool passed;

    (void)state;
    ward_arena_init(&a, 1 << 20);
    do {
        order[0] = '\0';
        a.fail_at = ++n;
        passed = work(&a);
        assert_true(passed != a.full);
        ward_arena_reset(&a);
        assert_int_equal(strlen(order), n == 1 ? 0 : 1); /* every deferred call has run */
        assert_true(n < 20);
    } while (!passed);
    assert_int_equal(n, 5); /* a failure of strdup, defer, alloc and printf, then no failure */
    ward_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed_aligned_and_apart),
        cmocka_unit_test(the_cap_holds_and_is_remembered),
        cmocka_unit_test(an_arena_without_room_gives_nothing),
        cmocka_unit_test(text_is_copied_and_formatted),
        cmocka_unit_test(deferred_calls_run_newest_first_and_once),
        cmocka_unit_test(a_call_that_cannot_be_deferred_runs_at_once),
        cmocka_unit_test(each_allocation_refused_in_turn_leaves_it_whole),
    };

    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
