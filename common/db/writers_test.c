#include "common/db/writers.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define SECOND (INT64_C(1000) * WARD_NS_PER_MS)

static struct ward_writers w;

static int fresh(void **state)
{
    (void)state;
    w = (struct ward_writers){0};
    return 0;
}

/* Runs one round with the numbers of two nodes; -1: the node has no row. */
static int look(int64_t a, int64_t b)
{
    int first, second;

    ward_writers_begin(&w);
    if (a >= 0)
        ward_writers_row(&w, "a", (uint64_t)a);
    if (b >= 0)
        ward_writers_row(&w, "b", (uint64_t)b);
    return ward_writers_count(&w, &first, &second);
}

static void one_node_that_takes_writes_is_one(void **state)
{
    (void)state;
    assert_int_equal(look(10, 500), 0); /* the first round has no earlier numbers */
    assert_int_equal(look(11, 500), 0);
    assert_int_equal(look(12, 500), 1);
    assert_int_equal(look(12, 500), 0);
}

static void two_nodes_that_both_grow_twice_are_two(void **state)
{
    int a = -1, b = -1;

    (void)state;
    assert_int_equal(look(1, 1), 0);
    assert_int_equal(look(2, 2), 0);
    assert_int_equal(look(3, 3), 2);
    assert_int_equal(ward_writers_count(&w, &a, &b), 2);
    assert_string_equal(w.at[a].node, "a");
    assert_string_equal(w.at[b].node, "b");
}

/* The old node's last write may arrive after the switch. */
static void a_switch_from_one_node_to_another_is_never_two(void **state)
{
    (void)state;
    look(1, -1);
    look(2, -1);
    assert_int_equal(look(3, -1), 1);
    assert_int_equal(look(4, 1), 1);
    assert_int_equal(look(4, 2), 0);
    assert_int_equal(look(4, 3), 1);
}

static void a_row_that_went_away_and_came_back_starts_again(void **state)
{
    (void)state;
    look(1, 1);
    look(2, 2);
    look(3, -1);
    assert_int_equal(look(4, 3), 1);
    assert_int_equal(look(5, 4), 2);
}

static void more_nodes_than_are_told_apart_change_nothing(void **state)
{
    char name[8];
    int a, b;

    (void)state;
    for (int round = 0; round < 3; round++) {
        ward_writers_begin(&w);
        for (int i = 0; i < WARD_NODES + 3; i++) {
            snprintf(name, sizeof(name), "n%d", i);
            ward_writers_row(&w, name, (uint64_t)round);
        }
    }
    assert_int_equal(w.n, WARD_NODES);
    assert_int_equal(ward_writers_count(&w, &a, &b), WARD_NODES);
}

static void connections_are_opened_again_before_anything_is_reported(void **state)
{
    int64_t now = 1000 * SECOND;

    (void)state;
    assert_int_equal(ward_writers_decide(&w, 1, now), WARD_WRITERS_FINE);
    assert_int_equal(ward_writers_decide(&w, 2, now), WARD_WRITERS_REOPEN);
    assert_int_equal(ward_writers_decide(&w, 1, now + 2 * SECOND), WARD_WRITERS_FINE);
    /* One node takes writes again. The next switch of the primary is an hour later. */
    assert_int_equal(ward_writers_decide(&w, 2, now + 3600 * SECOND), WARD_WRITERS_REOPEN);
}

static void two_writers_that_remain_are_reported_and_the_report_stands_a_minute(void **state)
{
    int64_t now = 1000 * SECOND;

    (void)state;
    assert_int_equal(ward_writers_decide(&w, 2, now), WARD_WRITERS_REOPEN);
    assert_int_equal(ward_writers_decide(&w, 2, now + 4 * SECOND), WARD_WRITERS_FAIL);
    assert_int_equal(ward_writers_decide(&w, 0, now + 60 * SECOND), WARD_WRITERS_FAIL);
    assert_int_equal(ward_writers_decide(&w, 1, now + 65 * SECOND), WARD_WRITERS_FINE);
    assert_int_equal(ward_writers_decide(&w, 2, now + 100 * SECOND), WARD_WRITERS_REOPEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_node_that_takes_writes_is_one, fresh),
        cmocka_unit_test_setup(two_nodes_that_both_grow_twice_are_two, fresh),
        cmocka_unit_test_setup(a_switch_from_one_node_to_another_is_never_two, fresh),
        cmocka_unit_test_setup(a_row_that_went_away_and_came_back_starts_again, fresh),
        cmocka_unit_test_setup(more_nodes_than_are_told_apart_change_nothing, fresh),
        cmocka_unit_test_setup(connections_are_opened_again_before_anything_is_reported, fresh),
        cmocka_unit_test_setup(
            two_writers_that_remain_are_reported_and_the_report_stands_a_minute, fresh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
