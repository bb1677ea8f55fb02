/* Every dose is taken once, for any number of pages. */
#include "services/dosage/track/paging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef Ward__Dosage__V1__Administration Dose;

#define MOST (5 * PAGING_PAGE)

static struct {
    Dose dose[MOST];
    char id[MOST][37];
    Dose *page[PAGING_PAGE];
    int taken[MOST];
    size_t n;
    int reads, fails_at;
} table;

/* Fills the table with n doses, at_once of them at each time. */
static void of(size_t n, size_t at_once)
{
    assert_true(n <= MOST);
    for (size_t i = 0; i < n; i++) {
        ward__dosage__v1__administration__init(&table.dose[i]);
        snprintf(table.id[i], sizeof(table.id[i]), "00000000-0000-7000-8000-%012zu", i);
        table.dose[i].administration_id = table.id[i];
        table.dose[i].given_at_us = (int64_t)(i / at_once);
        table.taken[i] = 0;
    }
    table.n = n;
    table.reads = 0;
    table.fails_at = -1;
}

static enum ward_code read(void *arg, int64_t from_us, Dose ***out, size_t *n,
                           struct ward_err *err)
{
    (void)arg;
    *n = 0;
    if (table.reads++ == table.fails_at)
        return WARD_FAIL(err, CANCELLED, "away");
    for (size_t i = 0; i < table.n && *n < PAGING_PAGE; i++)
        if (table.dose[i].given_at_us >= from_us)
            table.page[(*n)++] = &table.dose[i];
    *out = table.page;
    return WARD_OK;
}

static enum ward_code take(void *arg, const Dose *d, struct ward_err *err)
{
    (void)arg, (void)err;
    table.taken[d - table.dose]++;
    return WARD_OK;
}

static enum ward_code run(void)
{
    static struct paging p;

    p = (struct paging){.read = read, .take = take, .at_us = INT64_MIN};
    return paging_run(&p, NULL);
}

static void each_is_taken_once(size_t n, size_t at_once)
{
    of(n, at_once);
    assert_int_equal(run(), WARD_OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(table.taken[i], 1);
}

static void every_dose_counts_once(void **state)
{
    static const size_t many[] = {0, 1, PAGING_PAGE - 1, PAGING_PAGE, PAGING_PAGE + 1, MOST};
    static const size_t at_once[] = {1, 2, 3, 7, 999, PAGING_AT_ONCE};

    (void)state;
    for (size_t i = 0; i < sizeof(many) / sizeof(*many); i++)
        for (size_t k = 0; k < sizeof(at_once) / sizeof(*at_once); k++)
            each_is_taken_once(many[i], at_once[k]);
    assert_true(table.reads > 5);
}

static void more_at_one_moment_than_can_be_told_apart_are_refused(void **state)
{
    (void)state;
    of(PAGING_AT_ONCE + 1, PAGING_AT_ONCE + 1);
    assert_int_equal(run(), WARD_RESOURCE_EXHAUSTED);
}

static void a_page_that_cannot_be_read_ends_it(void **state)
{
    (void)state;
    of(MOST, 1);
    table.fails_at = 2;
    assert_int_equal(run(), WARD_CANCELLED);
    assert_int_equal(table.taken[MOST - 1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_dose_counts_once),
        cmocka_unit_test(more_at_one_moment_than_can_be_told_apart_are_refused),
        cmocka_unit_test(a_page_that_cannot_be_read_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
