/* gallery_testing.h - a set, its original vectors, and the result of a scan of those vectors in
 * double precision. Threads: a gallery belongs to one thread. Memory: malloc; freed by
 * gallery_close. Errors: assertions. */
#ifndef WARD_SCAN_GALLERY_TESTING_H
#define WARD_SCAN_GALLERY_TESTING_H

#include "common/scan/scan.h"
#include "common/scan/scan_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define K_MOST 64

struct gallery {
    struct scan_set *set;
    struct scan_pool *pool;
    int dim;
    uint32_t n, cap;
    float *x;      /* cap rows, indexed by row number */
    bool *removed; /* removed from the set */
    bool *hidden;  /* `exact` does not find it */
    size_t asked;
};

static inline void gallery_open(struct gallery *g, int dim, uint32_t cap, int threads)
{
    *g = (struct gallery){.dim = dim, .cap = cap};
    g->x = calloc(cap, sizeof(float) * (size_t)dim);
    g->removed = calloc(cap, sizeof(bool));
    g->hidden = calloc(cap, sizeof(bool));
    assert_int_equal(ward_scan_pool_open(threads, &g->pool, NULL), WARD_OK);
    assert_int_equal(ward_scan_set_open(dim, g->pool, &g->set, NULL), WARD_OK);
}

static inline void gallery_close(struct gallery *g)
{
    ward_scan_set_close(g->set);
    ward_scan_pool_close(g->pool);
    free(g->x);
    free(g->removed);
    free(g->hidden);
}

static inline float *gallery_at(const struct gallery *g, uint32_t row)
{
    return g->x + (size_t)row * (size_t)g->dim;
}

/* Returns the row's number, which identifies its vector. */
static inline uint32_t gallery_add(struct gallery *g, const float *x)
{
    int8_t codes[SCAN_DIM_MAX];
    struct scan_code code;
    uint32_t row = SCAN_NO_ROW;

    assert_int_equal(ward_scan_quantise(x, g->dim, codes, &code, NULL), WARD_OK);
    assert_int_equal(ward_scan_add(g->set, codes, &code, &row, NULL), WARD_OK);
    assert_true(row < g->cap);
    memcpy(gallery_at(g, row), x, (size_t)g->dim * sizeof(float));
    g->removed[row] = false;
    g->n = row >= g->n ? row + 1 : g->n;
    return row;
}

static inline void gallery_remove(struct gallery *g, uint32_t row)
{
    ward_scan_remove(g->set, row);
    g->removed[row] = true;
}

static inline enum ward_code gallery_exact(void *arg, uint32_t row, float *out,
                                           struct ward_err *err)
{
    struct gallery *g = arg;

    g->asked++;
    assert_true(row < g->n);
    if (g->removed[row] || g->hidden[row])
        return WARD_FAIL(err, NOT_FOUND, "no such row");
    memcpy(out, gallery_at(g, row), (size_t)g->dim * sizeof(float));
    return WARD_OK;
}

static inline bool gallery_may(const struct gallery *g, const struct ward_scan_search *what,
                               uint32_t row)
{
    if (g->removed[row] || g->hidden[row])
        return false;
    for (size_t i = 0; what->only != NULL && i < what->n_only; i++) {
        if (what->only[i] == row)
            return true;
    }
    return what->only == NULL;
}

/* The result of a scan in double precision: best first, equal scores by row. */
static inline int gallery_truth(const struct gallery *g, const struct ward_scan_search *what,
                                struct scan_hit *hits)
{
    int n = 0;

    for (uint32_t row = 0; row < g->n; row++) {
        double score = test_dot(what->query, gallery_at(g, row), g->dim);
        int i;

        if ((n == what->k && score <= hits[n - 1].score) ||
            (what->min > -1 && score < what->min) || !gallery_may(g, what, row))
            continue;
        i = n < what->k ? n++ : n - 1;
        for (; i > 0 && hits[i - 1].score < score; i--)
            hits[i] = hits[i - 1];
        hits[i] = (struct scan_hit){row, score};
    }
    return n;
}

/* Searches, and compares every row and every bit of every score. Returns the number of rows
 * that were ranked again. */
static inline size_t gallery_check(struct gallery *g, struct ward_scan_search what)
{
    struct scan_hit hits[K_MOST] = {0}, truth[K_MOST] = {0};
    struct ward_arena mem;
    size_t looked = 0;
    int n = -1, n_true = gallery_truth(g, &what, truth);

    what.exact = gallery_exact;
    what.arg = g;
    g->asked = 0;
    ward_arena_init(&mem, (size_t)4 << 20);
    assert_int_equal(ward_scan_search(g->set, &what, &mem, hits, &n, &looked, NULL), WARD_OK);
    ward_arena_done(&mem);
    assert_int_equal(n, n_true);
    for (int i = 0; i < n; i++) {
        assert_int_equal(hits[i].row, truth[i].row);
        assert_true(hits[i].score == truth[i].score);
    }
    assert_int_equal(looked, g->asked);
    return looked;
}

#endif
