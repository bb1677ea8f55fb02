/* Compares idmap and slab with simple reference implementations. */
#include "common/base/crypto.h"
#include "common/scan/idmap.h"
#include "common/scan/slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define IDS 5000

static struct {
    uint8_t id[SCAN_ID];
    uint64_t value;
    bool in;
} known[IDS];

static void agrees(const struct scan_idmap *m)
{
    size_t n = 0, seen = 0, at = 0;
    uint8_t id[SCAN_ID];
    uint64_t v;

    for (int i = 0; i < IDS; i++) {
        v = 0;
        assert_int_equal(ward_scan_idmap_get(m, known[i].id, &v), known[i].in);
        if (known[i].in)
            assert_int_equal(v, known[i].value);
        n += known[i].in;
    }
    while (ward_scan_idmap_next(m, &at, id, &v))
        seen++;
    assert_int_equal(seen, n);
    assert_int_equal(ward_scan_idmap_count(m), n);
}

static void ids_that_come_and_go_are_found_with_their_number(void **state)
{
    struct scan_idmap *m = NULL;
    uint64_t dice = 1;

    (void)state;
    assert_int_equal(ward_scan_idmap_open(&m, NULL), WARD_OK);
    for (int i = 0; i < IDS; i++) {
        ward_random(known[i].id, SCAN_ID);
        /* Equal prefixes, like ids created at one moment. */
        memset(known[i].id, i % 7 == 0 ? 0 : i, 8);
        known[i].in = false;
    }
    for (int turn = 0; turn < 40000; turn++) {
        dice = dice * 6364136223846793005u + 1442695040888963407u;
        int i = (int)((dice >> 33) % IDS);

        if ((dice >> 20 & 3) == 0) {
            assert_int_equal(ward_scan_idmap_remove(m, known[i].id), known[i].in);
            known[i].in = false;
        } else {
            assert_int_equal(ward_scan_idmap_put(m, known[i].id, dice >> 1, NULL), WARD_OK);
            known[i].value = dice >> 1;
            known[i].in = true;
        }
        if (turn % 8000 == 7999)
            agrees(m);
    }
    for (int i = 0; i < IDS; i++) {
        ward_scan_idmap_remove(m, known[i].id);
        known[i].in = false;
    }
    agrees(m);
    ward_scan_idmap_close(m);
}

static void a_place_costs_under_60_bytes(void **state)
{
    struct scan_idmap *m = NULL;
    uint8_t id[SCAN_ID] = {0};

    (void)state;
    assert_int_equal(ward_scan_idmap_open(&m, NULL), WARD_OK);
    for (uint32_t i = 0; i < 100000; i++) {
        ward_random(id, sizeof(id));
        assert_int_equal(ward_scan_idmap_put(m, id, i, NULL), WARD_OK);
    }
    assert_true(ward_scan_idmap_bytes(m) < 60 * (size_t)100000);
    ward_scan_idmap_close(m);
}

static void a_thing_keeps_its_place_and_its_number_until_dropped(void **state)
{
    struct scan_slab *s = NULL;
    void *first[300], *p = NULL;
    uint32_t i = 0;

    (void)state;
    assert_int_equal(ward_scan_slab_open(12, &s, NULL), WARD_OK);
    assert_null(ward_scan_slab_at(s, 0));
    for (uint32_t n = 0; n < 300; n++) {
        assert_int_equal(ward_scan_slab_take(s, &i, &first[n], NULL), WARD_OK);
        assert_int_equal(i, n);
        memset(first[n], (int)n, 12);
    }
    for (uint32_t n = 0; n < 300; n++) {
        assert_ptr_equal(ward_scan_slab_at(s, n), first[n]);
        assert_int_equal(((uint8_t *)first[n])[11], (uint8_t)n);
    }
    ward_scan_slab_drop(s, 17);
    ward_scan_slab_drop(s, 17);
    assert_null(ward_scan_slab_at(s, 17));
    assert_int_equal(ward_scan_slab_count(s), 299);
    assert_int_equal(ward_scan_slab_take(s, &i, &p, NULL), WARD_OK);
    assert_int_equal(i, 17);
    assert_int_equal(((uint8_t *)p)[0], 0); /* wiped */
    assert_int_equal(ward_scan_slab_use(s, 100000, &p, NULL), WARD_OK);
    assert_int_equal(((uint8_t *)p)[0], 0);
    assert_true(ward_scan_slab_end(s) > 100000);
    ward_scan_slab_drop(s, 100000);
    assert_true(ward_scan_slab_end(s) <= 384);
    ward_scan_slab_close(s);
}

static void memory_goes_back_when_things_are_dropped(void **state)
{
    struct scan_slab *s = NULL;
    size_t before;
    uint32_t i = 0;
    void *p = NULL;

    (void)state;
    assert_int_equal(ward_scan_slab_open(2048, &s, NULL), WARD_OK);
    for (uint32_t n = 0; n < 10 * SCAN_PAGE; n++)
        assert_int_equal(ward_scan_slab_take(s, &i, &p, NULL), WARD_OK);
    before = ward_scan_slab_bytes(s);
    for (uint32_t n = 0; n < 9 * SCAN_PAGE; n++)
        ward_scan_slab_drop(s, n);
    assert_true(ward_scan_slab_bytes(s) < before / 5);
    assert_non_null(ward_scan_slab_at(s, 10 * SCAN_PAGE - 1));
    ward_scan_slab_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_that_come_and_go_are_found_with_their_number),
        cmocka_unit_test(a_place_costs_under_60_bytes),
        cmocka_unit_test(a_thing_keeps_its_place_and_its_number_until_dropped),
        cmocka_unit_test(memory_goes_back_when_things_are_dropped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
