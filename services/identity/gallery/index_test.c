/* Tests the index while rows of successive generations of transforms are added and removed. */
#include "services/identity/gallery/index.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DIM    128
#define PEOPLE 3

static struct index x;
static struct ward_arena mem;
static struct ward_err err;

static int fresh(void **state)
{
    const struct gallery_config cfg = {.threads = 1, .dim = {DIM, 0}};

    (void)state;
    memset(&x, 0, sizeof(x));
    ward_arena_init(&mem, (size_t)16 << 20);
    assert_int_equal(index_init(&x, &cfg, &err), WARD_OK);
    return 0;
}

static int done(void **state)
{
    (void)state;
    index_done(&x);
    ward_arena_done(&mem);
    return 0;
}

/* Puts person i of a kind into the index. Each person has an axis of its own. */
static enum ward_code put(int i, int kind, int generation)
{
    struct face_row f = {.kind = kind, .generation = generation, .dim = DIM};
    float v[DIM] = {0};
    int8_t codes[DIM];

    f.id[0] = (uint8_t)(1 + i);
    f.id[1] = (uint8_t)kind;
    v[i] = 1;
    assert_int_equal(ward_scan_quantise(v, DIM, codes, &f.code, &err), WARD_OK);
    f.codes = codes;
    f.exact = v;
    return index_put(&x, &f, &err);
}

static int find(int i, int space, int generation, struct gallery_hit hit[2])
{
    float v[DIM] = {0};
    struct probe p = {.space = space, .generation = generation, .v = v, .k = 1};
    int64_t size = 0;
    size_t looked = 0;
    int n = 0;

    v[i] = 1;
    assert_int_equal(index_search(&x, &p, &mem, hit, &n, &size, &looked, &err), WARD_OK);
    return n;
}

static void generations_without_end_find_room(void **state)
{
    (void)state;
    for (int generation = 1; generation <= 2 * GALLERY_SPACES; generation++) {
        for (int i = 0; i < PEOPLE; i++) {
            assert_int_equal(put(i, 1, generation), WARD_OK);
            assert_int_equal(put(i, 2, generation), WARD_OK);
        }
    }
    for (int kind = 1; kind <= 2; kind++) {
        struct space s;
        int number = 0;

        assert_true(index_next_space(&x, 0, kind, -1, &s, &number));
        assert_int_equal(s.generation, 2 * GALLERY_SPACES);
        for (int i = 0; i < PEOPLE; i++) {
            struct gallery_hit hit[2];

            assert_int_equal(find(i, number, s.generation, hit), 1);
            assert_int_equal(hit[0].subject_id[0], 1 + i);
            assert_int_equal(hit[0].kind, kind);
            assert_true(fabs(hit[0].score - 1) < 1e-6);
        }
        assert_false(index_next_space(&x, 0, kind, s.generation, &s, &number));
    }
}

/* The second space is created during the search: a list from before the search would not
 * contain it. */
static void who_moves_to_a_newer_generation_meanwhile_is_found_there(void **state)
{
    struct gallery_hit hit[2];
    struct space s;
    int number = 0;

    (void)state;
    assert_int_equal(put(0, 1, 4), WARD_OK);
    assert_int_equal(put(1, 1, 4), WARD_OK);
    assert_true(index_next_space(&x, 0, 1, -1, &s, &number));
    assert_int_equal(s.generation, 4);
    assert_int_equal(put(0, 1, 5), WARD_OK);
    assert_int_equal(find(0, number, 4, hit), 1); /* finds the other person, with a low score */
    assert_int_equal(hit[0].subject_id[0], 2);
    assert_true(index_next_space(&x, 0, 1, s.generation, &s, &number));
    assert_int_equal(s.generation, 5);
    assert_int_equal(find(0, number, 5, hit), 1);
    assert_int_equal(hit[0].subject_id[0], 1);
    assert_false(index_next_space(&x, 0, 1, s.generation, &s, &number));
    assert_false(index_next_space(&x, 1, 1, -1, &s, &number));
}

/* The probe was transformed for rows that have been removed. It must not match the rows that
 * replaced them. */
static void a_probe_of_another_generation_finds_nobody(void **state)
{
    struct gallery_hit hit[2];

    (void)state;
    assert_int_equal(put(0, 1, 1), WARD_OK);
    assert_int_equal(put(0, 1, 2), WARD_OK);
    assert_int_equal(put(0, 1, 3), WARD_OK);
    assert_int_equal(x.n_spaces, 2);
    assert_int_equal(x.at[0].generation, 3);
    assert_int_equal(find(0, 0, 1, hit), 0);
    assert_int_equal(find(0, 0, 3, hit), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(generations_without_end_find_room, fresh, done),
        cmocka_unit_test_setup_teardown(
            who_moves_to_a_newer_generation_meanwhile_is_found_there, fresh, done),
        cmocka_unit_test_setup_teardown(a_probe_of_another_generation_finds_nobody, fresh,
                                        done),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
