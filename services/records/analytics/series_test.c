/* Tests suppress, give and series_figures, which are pure functions. */
#include "services/records/analytics/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;

static int set_up(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)4 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

/* Suppresses a table people[rows][columns]; 0: no such cell. Returns one letter for each cell:
 * x suppressed, . published. */
static const char *hidden(int rows, int columns, const int *people)
{
    static char out[65];
    struct cell cell[64];
    struct table t = {.cell = cell, .rows = rows, .columns = columns};
    size_t at = 0;

    for (int i = 0; i < rows * columns; i++)
        if (people[i] != 0)
            cell[t.n++] =
                (struct cell){.people = people[i], .row = i / columns, .column = i % columns};
    suppress(&t, &mem);
    for (int i = 0; i < rows * columns; i++)
        out[i] = people[i] == 0 ? ' ' : cell[at++].hidden ? 'x' : '.';
    out[rows * columns] = '\0';
    return out;
}

static void a_cell_of_few_takes_the_next_smallest_of_its_line_along(void **state)
{
    (void)state;
    assert_string_equal(hidden(1, 4, (const int[]){9, 20, 8, 30}), "....");
    assert_string_equal(hidden(1, 4, (const int[]){9, 20, 4, 30}), "x.x.");
    assert_string_equal(hidden(1, 4, (const int[]){9, 3, 4, 30}), ".xx.");
    assert_string_equal(hidden(1, 4, (const int[]){9, 1, 2, 30}),
                        "xxx."); /* 1 + 2 patients are fewer than SERIES_FEW */
    assert_string_equal(hidden(1, 1, (const int[]){4}), "x");
    assert_string_equal(hidden(1, 2, (const int[]){4, 100}), "xx");
    assert_string_equal(hidden(1, 3, (const int[]){0, 4, 100}), " xx");
}

static void no_row_and_no_column_tells_what_it_hides(void **state)
{
    (void)state;
    assert_string_equal(hidden(3, 3,
                               (const int[]){10, 20, 30, /* */
                                             40, 3, 50,  /* */
                                             60, 70, 80}),
                        "xx.xx....");
    assert_string_equal(hidden(2, 2, (const int[]){10, 20, 30, 40}), "....");
    assert_string_equal(hidden(2, 2, (const int[]){10, 20, 30, 4}), "xxxx");
}

/* The counts are 9, 8, 8 and 3. The exact total 28 and the first three exact counts would
 * reveal the 3. */
static void counts_are_given_in_fives_and_hidden_ones_not_at_all(void **state)
{
    static const int64_t people[] = {5, 7, 8, 12, 13, 4}, counts[] = {9, 22, 23, 12, 100, 900};
    static const int64_t of_people[] = {5, 5, 10, 10, 15, 0};
    static const int64_t of_counts[] = {10, 20, 25, 10, 100, 0};
    struct cell cell[6];
    struct table t = {.cell = cell, .n = 6};

    (void)state;
    for (int i = 0; i < 6; i++)
        cell[i] = (struct cell){.people = people[i], .count = counts[i], .hidden = i == 5};
    give(&t, true);
    for (int i = 0; i < 6; i++)
        assert_int_equal(cell[i].given, of_people[i]);
    give(&t, false);
    for (int i = 0; i < 6; i++)
        assert_int_equal(cell[i].given, of_counts[i]);
}

static void near(double got, double want, double room)
{
    if (!(got >= want - room && got <= want + room))
        fail_msg("%.17g is not %.17g", got, want);
}

static void ends_are_rounded_outward_and_the_others_to_the_nearest(void **state)
{
    static const struct {
        /* below and above have two digits, nearest has three */
        double x, below, above, nearest;
    } rows[] = {{123.4, 120, 130, 123},
                {-123.6, -130, -120, -124},
                {0.07, 0.07, 0.07, 0.07},
                {0.0012345, 0.0012, 0.0013, 0.00123},
                {99.96, 99, 100, 100},
                {1000, 1000, 1000, 1000},
                {6.022e23, 6.0e23, 6.1e23, 6.02e23},
                {0, 0, 0, 0}};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        double room = 1e-12 * (rows[i].x < 0 ? -rows[i].x : rows[i].x);

        near(series_figures(rows[i].x, 2, TO_BELOW), rows[i].below, room);
        near(series_figures(rows[i].x, 2, TO_ABOVE), rows[i].above, room);
        near(series_figures(rows[i].x, 3, TO_NEAREST), rows[i].nearest, room);
    }
}

static void a_table_without_cells_is_fine(void **state)
{
    struct table t = {0};

    (void)state;
    assert_int_equal(suppress(&t, &mem), 0);
}

/* Without memory for the lines, nothing is published. */
static void without_memory_all_is_hidden(void **state)
{
    struct cell cell[2] = {{.people = 100}, {.people = 100, .column = 1}};
    struct table t = {.cell = cell, .n = 2, .rows = 1, .columns = 2};
    struct ward_arena none;

    (void)state;
    ward_arena_init(&none, 1);
    none.fail_at = 1;
    assert_int_equal(suppress(&t, &none), 2);
    ward_arena_done(&none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cell_of_few_takes_the_next_smallest_of_its_line_along),
        cmocka_unit_test(no_row_and_no_column_tells_what_it_hides),
        cmocka_unit_test(counts_are_given_in_fives_and_hidden_ones_not_at_all),
        cmocka_unit_test(ends_are_rounded_outward_and_the_others_to_the_nearest),
        cmocka_unit_test(a_table_without_cells_is_fine),
        cmocka_unit_test(without_memory_all_is_hidden),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
