#include "services/dosage/chart/merges.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void id_of(uint32_t n, uint8_t out[DOSAGE_ID])
{
    memset(out, 0, DOSAGE_ID);
    memcpy(out + 8, &n, sizeof(n));
}

static bool root_is(struct merges *m, uint32_t of, uint32_t expected)
{
    uint8_t id[DOSAGE_ID], root[DOSAGE_ID];

    id_of(of, id);
    merges_root(m, id, root);
    id_of(expected, id);
    return memcmp(root, id, DOSAGE_ID) == 0;
}

static void merge(struct merges *m, uint32_t from, uint32_t into)
{
    uint8_t a[DOSAGE_ID], b[DOSAGE_ID];

    id_of(from, a);
    id_of(into, b);
    merges_set(m, a, b);
}

static void unmerge(struct merges *m, uint32_t from)
{
    uint8_t a[DOSAGE_ID];

    id_of(from, a);
    merges_unset(m, a);
}

static void merges_lead_to_the_one_who_stays_and_back(void **state)
{
    struct merges *m = NULL;

    (void)state;
    assert_int_equal(merges_open(&m, NULL), WARD_OK);
    assert_true(root_is(m, 1, 1));
    merge(m, 3, 2);
    merge(m, 2, 1);
    assert_true(root_is(m, 3, 1));
    unmerge(m, 2); /* patients who were merged into 2 are unmerged with 2 */
    assert_true(root_is(m, 3, 2));
    assert_true(root_is(m, 2, 2));
    merges_clear(m);
    assert_true(root_is(m, 3, 3));
    merges_close(m);
}

static void many_merges_are_found_after_many_were_undone(void **state)
{
    struct merges *m = NULL;

    (void)state;
    assert_int_equal(merges_open(&m, NULL), WARD_OK);
    for (uint32_t i = 0; i < 20000; i++)
        merge(m, 2 * i + 1, 2 * i + 2);
    for (uint32_t i = 0; i < 20000; i += 3)
        unmerge(m, 2 * i + 1);
    for (uint32_t i = 0; i < 20000; i++)
        assert_true(root_is(m, 2 * i + 1, i % 3 == 0 ? 2 * i + 1 : 2 * i + 2));
    merges_close(m);
}

static void a_circle_ends(void **state)
{
    struct merges *m = NULL;

    (void)state;
    assert_int_equal(merges_open(&m, NULL), WARD_OK);
    merge(m, 1, 2);
    merge(m, 2, 1);
    assert_true(root_is(m, 1, 1) || root_is(m, 1, 2));
    merges_close(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_lead_to_the_one_who_stays_and_back),
        cmocka_unit_test(many_merges_are_found_after_many_were_undone),
        cmocka_unit_test(a_circle_ends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
