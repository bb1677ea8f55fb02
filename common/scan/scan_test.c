#include "common/scan/gallery_testing.h"
#include "common/scan/set.h"

#define ROWS 5000 /* more rows than a block has */

/* Adds persons with several templates, near-duplicates down to 1e-7, exact duplicates and
 * vectors with a large error. Then removes each seventh row and reuses a few numbers. */
static void fill(struct gallery *g, uint64_t *seed, uint32_t n)
{
    float x[SCAN_DIM_MAX];

    for (uint32_t i = 0; i < n; i++) {
        const float *before = g->n == 0 ? NULL : gallery_at(g, g->n - 1);

        switch (i % 16) {
        case 0:
        case 8:
            test_vector(seed, NULL, 0, x, g->dim);
            break;
        case 9: /* an exact duplicate */
            break;
        case 10:
        case 11:
        case 12:
        case 13:
            test_vector(seed, before, powf(0.1f, (float)(i % 16 - 6)), x, g->dim);
            break;
        case 14:
            x[i % (uint32_t)g->dim] = 30;
            test_unit(x, g->dim);
            break;
        default:
            test_vector(seed, before, 0.6f, x, g->dim);
        }
        gallery_add(g, x);
    }
    for (uint32_t row = 3; row < g->n; row += 7)
        gallery_remove(g, row);
    for (int i = 0; i < 20; i++) {
        test_vector(seed, NULL, 0, x, g->dim);
        gallery_add(g, x);
    }
}

/* Selects some rows in no order; some are repeated, and some do not exist. */
static size_t some_rows(const struct gallery *g, uint64_t *seed, uint32_t *only, size_t n)
{
    for (size_t i = 0; i < n; i++)
        only[i] = (uint32_t)(test_random(seed) % (g->n + g->n / 8));
    only[0] = SCAN_NO_ROW;
    only[1] = only[n - 1];
    return n;
}

static void check_all_kinds(struct gallery *g, uint64_t *seed, int searches)
{
    static const int KS[] = {1, 2, 5, 64};
    static const double MINS[] = {-1, 0.3, -0.05, 0.95, -3};
    uint32_t only[600];
    float q[SCAN_DIM_MAX];

    for (int i = 0; i < searches; i++) {
        struct ward_scan_search what = {.query = q, .k = KS[i % 4], .min = MINS[i % 5]};

        if (i % 3 == 0) /* a random vector, an exact row, or a vector near a row */
            test_vector(seed, NULL, 0, q, g->dim);
        else if (i % 3 == 1)
            memcpy(q, gallery_at(g, (uint32_t)(test_random(seed) % g->n)),
                   sizeof(*q) * (size_t)g->dim);
        else
            test_vector(seed, gallery_at(g, (uint32_t)(test_random(seed) % g->n)), 0.5f, q,
                        g->dim);
        gallery_check(g, what);
        what.only = only;
        what.n_only = some_rows(g, seed, only, i % 2 == 0 ? 600 : 9);
        gallery_check(g, what);
    }
}

static void the_answer_is_that_of_a_full_scan_by_every_kernel(void **state)
{
    const char *names[8];
    int n = ward_scan_kernels(names, 8);
    uint64_t seed = 1;

    (void)state;
    for (int i = 0; i < n; i++) {
        struct gallery g;

        assert_true(ward_scan_use_kernel(names[i]));
        gallery_open(&g, i % 2 == 0 ? 128 : 64, ROWS + 200, 1);
        fill(&g, &seed, ROWS);
        check_all_kinds(&g, &seed, 40);
        gallery_close(&g);
    }
    ward_scan_use_kernel(NULL);
}

static void the_answer_is_that_of_a_full_scan_by_several_threads(void **state)
{
    struct gallery g;
    uint64_t seed = 2;

    (void)state;
    gallery_open(&g, 64, 4 * ROWS + 200, 4);
    fill(&g, &seed, 4 * ROWS);
    check_all_kinds(&g, &seed, 30);
    gallery_close(&g);
}

static void few_rows_are_looked_at_when_one_is_near(void **state)
{
    struct gallery g;
    uint64_t seed = 3;
    float x[512];

    (void)state;
    gallery_open(&g, 512, ROWS, 1);
    for (int i = 0; i < 3000; i++) {
        test_vector(&seed, NULL, 0, x, 512);
        gallery_add(&g, x);
    }
    test_vector(&seed, gallery_at(&g, 2000), 0.8f, x, 512);
    assert_true(gallery_check(&g, (struct ward_scan_search){.query = x, .k = 1, .min = -1}) <=
                2);
    test_vector(&seed, NULL, 0, x, 512); /* a random vector */
    assert_true(gallery_check(&g, (struct ward_scan_search){.query = x, .k = 2, .min = -1}) <
                60);
    assert_int_equal(
        gallery_check(&g, (struct ward_scan_search){.query = x, .k = 2, .min = 0.5}), 0);
    gallery_close(&g);
}

/* Creates a vector of length 1 with this score that is otherwise random. */
static void at_score(uint64_t *seed, const float *q, double score, float *x, int dim)
{
    double along;

    test_vector(seed, NULL, 0, x, dim);
    along = test_dot(q, x, dim);
    for (int d = 0; d < dim; d++)
        x[d] -= (float)along * q[d];
    test_unit(x, dim);
    for (int d = 0; d < dim; d++)
        x[d] = (float)(sqrt(1 - score * score) * (double)x[d] + score * (double)q[d]);
}

/* Quantization loses all similarity of this row: one component is large, and the part along the
 * query is too small for any code but 0. The row's error equals the bound. The row is the best
 * by a tiny margin, among rows far below. */
static void a_row_as_far_off_as_the_bound_allows_is_found(void **state)
{
    const float best = 0.02f;
    struct gallery g;
    uint64_t seed = 13;
    float q[64] = {0}, x[64];

    (void)state;
    gallery_open(&g, 64, 320, 1);
    for (int d = 1; d < 64; d++)
        q[d] = d % 3 == 0 ? -1 : 1;
    test_unit(q, 64);
    for (int i = 0; i < 320; i++) {
        at_score(&seed, q, i == 10 ? (double)best - 5e-6 : -0.01 * (i % 7), x, 64);
        for (int d = 1; d < 64 && i == 170; d++)
            x[d] = best * q[d];
        if (i == 170)
            x[0] = sqrtf(1 - best * best);
        gallery_add(&g, x);
    }
    for (int k = 1; k <= 3; k++)
        assert_true(
            gallery_check(&g, (struct ward_scan_search){.query = q, .k = k, .min = -1}) >= 2);
    gallery_check(&g,
                  (struct ward_scan_search){.query = q, .k = 2, .min = (double)best - 1e-6});
    gallery_close(&g);
}

/* Found scores make room if a slot cannot hold all candidates. The result is still exact. */
static void equal_rows_come_by_number_however_many(void **state)
{
    struct gallery g;
    uint64_t seed = 4;
    float x[64];

    (void)state;
    for (int threads = 1; threads <= 3; threads += 2) {
        gallery_open(&g, 64, 20000, threads);
        test_vector(&seed, NULL, 0, x, 64);
        for (int i = 0; i < 20000; i++)
            gallery_add(&g, x);
        assert_int_equal(
            gallery_check(&g, (struct ward_scan_search){.query = x, .k = 64, .min = -1}),
            20000);
        gallery_close(&g);
    }
}

static void an_empty_set_and_an_empty_list_have_no_hits(void **state)
{
    struct gallery g;
    uint64_t seed = 5;
    uint32_t none = 0;
    float x[64];

    (void)state;
    gallery_open(&g, 64, 10, 2);
    test_vector(&seed, NULL, 0, x, 64);
    gallery_check(&g, (struct ward_scan_search){.query = x, .k = 3, .min = -1});
    gallery_check(&g,
                  (struct ward_scan_search){.query = x, .only = &none, .n_only = 1, .k = 3});
    gallery_add(&g, x);
    gallery_check(&g,
                  (struct ward_scan_search){.query = x, .only = &none, .n_only = 0, .k = 3});
    gallery_check(&g,
                  (struct ward_scan_search){.query = x, .only = &none, .n_only = 1, .k = 3});
    gallery_remove(&g, 0);
    gallery_remove(&g, 0);
    gallery_remove(&g, 7);
    ward_scan_remove(g.set, SCAN_NO_ROW);
    gallery_check(&g, (struct ward_scan_search){.query = x, .k = 3, .min = -1});
    assert_int_equal(ward_scan_live(g.set), 0);
    gallery_close(&g);
}

static void a_removed_row_is_wiped_and_its_number_free(void **state)
{
    static const int8_t zeros[128];
    struct gallery g;
    struct scan_block *b;
    struct scan_code code;
    uint64_t seed = 6;
    int8_t codes[128];
    float x[128];

    (void)state;
    gallery_open(&g, 128, ROWS + 1, 1);
    for (uint32_t i = 0; i < ROWS; i++) {
        test_vector(&seed, NULL, 0, x, 128);
        assert_int_equal(gallery_add(&g, x), i); /* a live row's number is not reused */
    }
    assert_int_equal(ward_scan_live(g.set), ROWS);
    b = ward_scan_block_at(g.set, 0);
    assert_memory_not_equal(b->codes + 77 * 128, zeros, 128);
    assert_true(ward_scan_get(g.set, 77, codes, &code));
    assert_memory_equal(b->codes + 77 * 128, codes, 128);
    gallery_remove(&g, 77);
    gallery_remove(&g, 4500);
    assert_memory_equal(b->codes + 77 * 128, zeros, 128);
    assert_true(b->scale[77] == 0 && b->residual[77] == 0);
    assert_false(ward_scan_get(g.set, 77, codes, &code));
    assert_false(ward_scan_get(g.set, SCAN_NO_ROW, codes, &code));
    assert_int_equal(ward_scan_live(g.set), ROWS - 2);
    assert_int_equal(gallery_add(&g, x), 77);
    assert_int_equal(gallery_add(&g, x), 4500);
    assert_int_equal(gallery_add(&g, x), ROWS);
    gallery_close(&g);
}

static void memory_is_a_byte_a_dimension_and_little_more(void **state)
{
    struct gallery g;
    uint64_t seed = 7;
    float x[64];

    (void)state;
    gallery_open(&g, 64, SCAN_BLOCK, 1);
    test_vector(&seed, NULL, 0, x, 64);
    for (int i = 0; i < SCAN_BLOCK; i++)
        gallery_add(&g, x);
    assert_true(ward_scan_bytes(g.set) >= (64 + 8) * SCAN_BLOCK);
    assert_true(ward_scan_bytes(g.set) <= (64 + 9) * SCAN_BLOCK + 20000);
    gallery_close(&g);
}

static void rows_brought_back_answer_as_before(void **state)
{
    struct gallery g, back;
    struct scan_code code;
    uint64_t seed = 8;
    int8_t codes[128];
    uint32_t row;

    (void)state;
    gallery_open(&g, 128, 1200, 1);
    gallery_open(&back, 128, 1200, 1);
    fill(&g, &seed, 1000);
    for (uint32_t i = 0; i < g.n; i++) {
        if (!ward_scan_get(g.set, i, codes, &code))
            continue;
        assert_int_equal(ward_scan_add(back.set, codes, &code, &row, NULL), WARD_OK);
        memcpy(gallery_at(&back, row), gallery_at(&g, i), 128 * sizeof(float));
        back.n = row + 1;
    }
    assert_int_equal(ward_scan_live(back.set), ward_scan_live(g.set));
    check_all_kinds(&back, &seed, 20);
    gallery_close(&back);
    gallery_close(&g);
}

/* The floor for the other rows came from a row that `exact` does not find. */
static void the_next_best_is_found_when_the_best_has_gone(void **state)
{
    struct gallery g;
    uint64_t seed = 9;
    float x[64];

    (void)state;
    gallery_open(&g, 64, ROWS + 200, 2);
    fill(&g, &seed, ROWS);
    for (int i = 0; i < 8; i++) {
        struct ward_scan_search what = {
            .query = x, .k = 1 + i % 3, .min = i % 2 == 0 ? -1 : 0.1};
        struct scan_hit hits[K_MOST] = {0};

        test_vector(&seed, gallery_at(&g, (uint32_t)(test_random(&seed) % g.n)), 0.3f, x, 64);
        for (int gone = 0; gone < 3; gone++) {
            if (gallery_truth(&g, &what, hits) > 0)
                g.hidden[hits[0].row] = true;
            gallery_check(&g, what);
        }
    }
    gallery_close(&g);
}

/* Between the scan and the ranking, a row's number may be reused for another vector. */
static void a_number_taken_again_meanwhile_hides_nobody(void **state)
{
    struct gallery g;
    struct ward_scan_search what = {.k = 2, .min = -1};
    struct scan_hit hits[K_MOST] = {0};
    uint64_t seed = 10;
    float x[64];

    (void)state;
    gallery_open(&g, 64, ROWS + 200, 1);
    fill(&g, &seed, ROWS);
    test_vector(&seed, gallery_at(&g, 1234), 0.2f, x, 64);
    what.query = x;
    assert_int_equal(gallery_truth(&g, &what, hits), 2);
    test_vector(&seed, NULL, 0, gallery_at(&g, hits[0].row), 64);
    gallery_check(&g, what);
    gallery_close(&g);
}

static enum ward_code no_store(void *arg, uint32_t row, float *out, struct ward_err *err)
{
    (void)arg;
    (void)row;
    (void)out;
    return WARD_FAIL(err, UNAVAILABLE, "the store has gone");
}

static bool after_some(const void *arg)
{
    return (*(int *)(uintptr_t)arg)-- <= 0;
}

static void a_search_fails_with_what_stopped_it(void **state)
{
    struct gallery g;
    struct ward_arena mem;
    struct ward_err err = {0};
    struct scan_hit hits[2];
    uint64_t seed = 11;
    float x[64];
    int n = -7, left = 3;
    struct ward_scan_search what = {.query = x, .k = 2, .min = -1, .exact = no_store};

    (void)state;
    gallery_open(&g, 64, 20000, 1);
    for (int i = 0; i < 20000; i++) {
        test_vector(&seed, NULL, 0, x, 64);
        gallery_add(&g, x);
    }
    ward_arena_init(&mem, (size_t)1 << 20);
    assert_int_equal(ward_scan_search(g.set, &what, &mem, hits, &n, NULL, &err),
                     WARD_UNAVAILABLE);
    assert_string_equal(err.msg, "the store has gone");
    what.gone = after_some;
    what.gone_arg = &left;
    assert_int_equal(ward_scan_search(g.set, &what, &mem, hits, &n, NULL, &err),
                     WARD_CANCELLED);
    assert_true(left < 0);
    what.gone = NULL;
    what.k = 0;
    assert_int_equal(ward_scan_search(g.set, &what, &mem, hits, &n, NULL, &err),
                     WARD_INVALID_ARGUMENT);
    what.k = 65;
    assert_int_equal(ward_scan_search(g.set, &what, &mem, hits, &n, NULL, &err),
                     WARD_INVALID_ARGUMENT);
    what.k = 1;
    what.min = NAN;
    assert_int_equal(ward_scan_search(g.set, &what, &mem, hits, &n, NULL, &err),
                     WARD_INVALID_ARGUMENT);
    what.min = 0;
    x[3] = NAN;
    assert_int_equal(ward_scan_search(g.set, &what, &mem, hits, &n, NULL, &err),
                     WARD_INVALID_ARGUMENT);
    assert_int_equal(n, -7); /* unchanged */
    ward_arena_done(&mem);
    gallery_close(&g);
}

static void a_search_without_memory_says_so(void **state)
{
    enum ward_code rc = WARD_RESOURCE_EXHAUSTED;
    struct scan_hit hits[2];
    struct gallery g;
    uint64_t seed = 12;
    uint32_t only = 0;
    float x[64];
    int n;
    struct ward_scan_search what = {
        .query = x, .only = &only, .n_only = 1, .k = 2, .exact = gallery_exact, .arg = &g};

    (void)state;
    gallery_open(&g, 64, 10, 1);
    test_vector(&seed, NULL, 0, x, 64);
    gallery_add(&g, x);
    for (int fail_at = 1; rc != WARD_OK; fail_at++) {
        struct ward_arena mem;

        assert_int_equal(rc, WARD_RESOURCE_EXHAUSTED);
        assert_true(fail_at < 20);
        ward_arena_init(&mem, (size_t)1 << 20);
        mem.fail_at = fail_at;
        rc = ward_scan_search(g.set, &what, &mem, hits, &n, NULL, NULL);
        ward_arena_done(&mem);
    }
    assert_int_equal(n, 1);
    gallery_close(&g);
}

static void what_would_break_the_bound_is_not_added(void **state)
{
    struct scan_set *set;
    int8_t codes[64] = {[63] = 127};
    const struct scan_code good = {1.0f / 127, 0},
                           bad[] = {{NAN, 0},         {0, 0},
                                    {-1, 0},          {INFINITY, 0},
                                    {1.0f / 90, 0},   {1.0f / 127, NAN},
                                    {1.0f / 127, -1}, {1.0f / 127, 0.3f}};
    uint32_t row = 5;

    (void)state;
    assert_int_equal(ward_scan_set_open(100, NULL, &set, NULL), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_scan_set_open(64, NULL, &set, NULL), WARD_OK);
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_int_equal(ward_scan_add(set, codes, &bad[i], &row, NULL), WARD_INVALID_ARGUMENT);
    codes[0] = -128;
    assert_int_equal(ward_scan_add(set, codes, &good, &row, NULL), WARD_INVALID_ARGUMENT);
    assert_int_equal(row, 5);
    codes[0] = 0;
    assert_int_equal(ward_scan_add(set, codes, &good, &row, NULL), WARD_OK);
    assert_int_equal(row, 0);
    ward_scan_set_close(set);
}

static void a_pool_has_some_threads_and_not_too_many(void **state)
{
    struct scan_pool *p;

    (void)state;
    assert_int_equal(ward_scan_pool_open(0, &p, NULL), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_scan_pool_open(65, &p, NULL), WARD_INVALID_ARGUMENT);
    assert_int_equal(ward_scan_pool_open(64, &p, NULL), WARD_OK);
    ward_scan_pool_close(p);
    ward_scan_pool_close(NULL);
    ward_scan_set_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_answer_is_that_of_a_full_scan_by_every_kernel),
        cmocka_unit_test(the_answer_is_that_of_a_full_scan_by_several_threads),
        cmocka_unit_test(few_rows_are_looked_at_when_one_is_near),
        cmocka_unit_test(a_row_as_far_off_as_the_bound_allows_is_found),
        cmocka_unit_test(equal_rows_come_by_number_however_many),
        cmocka_unit_test(an_empty_set_and_an_empty_list_have_no_hits),
        cmocka_unit_test(a_removed_row_is_wiped_and_its_number_free),
        cmocka_unit_test(memory_is_a_byte_a_dimension_and_little_more),
        cmocka_unit_test(rows_brought_back_answer_as_before),
        cmocka_unit_test(the_next_best_is_found_when_the_best_has_gone),
        cmocka_unit_test(a_number_taken_again_meanwhile_hides_nobody),
        cmocka_unit_test(a_search_fails_with_what_stopped_it),
        cmocka_unit_test(a_search_without_memory_says_so),
        cmocka_unit_test(what_would_break_the_bound_is_not_added),
        cmocka_unit_test(a_pool_has_some_threads_and_not_too_many),
    };

    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
