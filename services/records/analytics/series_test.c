/* Suppression and time zones: both pure. */
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

/* people[rows][columns], 0: no such cell. Returns the letters: x hidden, . shown. */
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
    assert_string_equal(hidden(1, 4, (const int[]){9, 1, 2, 30}), "xxx."); /* 1 + 2 is few */
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

/* 9, 8, 8 and 3: with true counts the total 28 and the three by a filter would tell the 3. */
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
        double x, below, above, nearest; /* two digits, two, three */
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

/* Without memory to look at the lines nothing is given. */
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

static int64_t offset_at(const struct zone *z, int64_t at_us)
{
    int i = z->n - 1;

    while (i > 0 && z->since_us[i] > at_us)
        i--;
    return z->offset_us[i] / 1000000;
}

#define MARCH_29 INT64_C(1774746000000000) /* 2026-03-29T01:00:00Z: Berlin's summer begins */

static void a_zone_changes_when_its_clocks_do(void **state)
{
    struct zone z;

    (void)state;
    assert_int_equal(zone_read("", 0, 0, &z, NULL), WARD_OK);
    assert_int_equal(z.n, 1);
    assert_int_equal(offset_at(&z, MARCH_29), 0);
    assert_int_equal(zone_read("Europe/Berlin", 0, 0, &z, NULL), WARD_OK);
    assert_int_equal(offset_at(&z, MARCH_29 - 1), 3600);
    assert_int_equal(offset_at(&z, MARCH_29), 7200);
    assert_int_equal(zone_read("Asia/Shanghai", 0, 0, &z, NULL), WARD_OK);
    assert_int_equal(offset_at(&z, MARCH_29), 8 * 3600);
    assert_int_equal(zone_read("Asia/Kathmandu", 0, 0, &z, NULL), WARD_OK);
    assert_int_equal(offset_at(&z, MARCH_29), 20700);
}

static void only_the_changes_of_the_time_asked_for_are_kept(void **state)
{
    const int64_t day = INT64_C(86400000000);
    struct zone z;

    (void)state;
    assert_int_equal(zone_read("Europe/Berlin", MARCH_29 - day, MARCH_29 + day, &z, NULL),
                     WARD_OK);
    assert_int_equal(z.n, 2);
    assert_int_equal(z.since_us[0], INT64_MIN);
    assert_int_equal(z.since_us[1], MARCH_29);
    assert_int_equal(zone_read("Europe/Berlin", MARCH_29, MARCH_29 + day, &z, NULL), WARD_OK);
    assert_int_equal(z.n, 1);
    assert_int_equal(z.offset_us[0], 7200000000);
}

static void what_is_no_zone_is_refused(void **state)
{
    static const char *const names[] = {"Mars/Olympus",
                                        "../zoneinfo/UTC",
                                        "/etc/passwd",
                                        "Europe",
                                        "zone.tab",
                                        "Europe/Berlin ",
                                        "x"};
    struct ward_err err = {0};
    struct zone z;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        assert_int_equal(zone_read(names[i], 0, 0, &z, &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.field, "time_zone");
    }
}

static void bytes_that_are_cut_or_changed_are_no_zone_or_a_whole_one(void **state)
{
    static uint8_t data[4096];
    FILE *f = fopen("/usr/share/zoneinfo/Europe/Berlin", "re");
    struct zone z;
    size_t n;

    (void)state;
    assert_non_null(f);
    n = fread(data, 1, sizeof(data), f);
    fclose(f);
    assert_true(zone_parse(data, n, 0, 0, &z));
    for (size_t k = 0; k < n - 40; k++)
        if (zone_parse(data, k, 0, 0, &z))
            assert_in_range(z.n, 1, ZONE_CHANGES);
    for (size_t k = 0; k < n; k++) {
        data[k] ^= 0xff;
        if (zone_parse(data, n, 0, 0, &z))
            assert_in_range(z.n, 1, ZONE_CHANGES);
        data[k] ^= 0xff;
    }
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
        cmocka_unit_test(a_zone_changes_when_its_clocks_do),
        cmocka_unit_test(only_the_changes_of_the_time_asked_for_are_kept),
        cmocka_unit_test(what_is_no_zone_is_refused),
        cmocka_unit_test(bytes_that_are_cut_or_changed_are_no_zone_or_a_whole_one),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
