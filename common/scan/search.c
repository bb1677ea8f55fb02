/* search.c - a search in two steps, and the proof that its result equals that of a
 * full-precision scan.
 *
 * The bound. With row x, its codes c, scale s and R >= |x - s c|; query q, its codes k, scale t
 * and E >= |q - t k|: <q,x> - s t <k,c> = <q, x - s c> + <q - t k, s c>, so by Cauchy-Schwarz
 * |<q,x> - s t <k,c>| <= |q| R + E |s c|. |s c| <= SCAN_LONGEST. <k,c> is an exact integer.
 * float32 arithmetic adds errors, with u = 2^-24: s t <k,c> has three roundings, at most 4 u of
 * its size; |q| R has one; their sum and the other side of the comparison have one each. No
 * operand exceeds (|q| + E)(SCAN_LONGEST + SCAN_FURTHEST) < 1.6, so 32 u covers all of them
 * more than twice, and also the error of 1e-13 of a sum of 1024 doubles.
 *
 * The steps. During the scan, if the lower bounds of k rows reach some floor, the k-th best
 * score reaches it too, so rows with an upper bound below the floor are dropped. The remaining
 * rows are sorted by upper bound. Their vectors are requested in full precision until the next
 * upper bound is below the k-th best score. Both comparisons are "below", never "at", so rows
 * with equal scores are all ranked.
 *
 * Rows may be removed during a search, and a floor may depend on a removed row. The k-th score
 * is then below the floor, and the search runs again with floors from found scores only.
 */
#include "common/base/crypto.h"
#include "common/scan/pool.h"
#include "common/scan/set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CANDIDATES (2 * SCAN_STRIP) /* capacity of a slot; a strip must always fit */
#define K_MAX      64
/* Strips in a step, and the number below which waking other threads is no gain. */
#define STEP 4
#define FEW  16

struct candidate {
    float upper;
    uint32_t row;
};

/* Candidates of one thread. */
struct slot {
    struct candidate *kept;
    int n;
    int n_lower;
    float lower[K_MAX]; /* its k best lower bounds, best first */
};

struct search {
    struct scan_set *set;
    const struct ward_scan_search *what;
    struct scan_query query;
    float length, slack; /* parts of the bound: |q|, and everything except |q| R */
    uint32_t n_strips;
    const uint64_t *only; /* one bit for each row; NULL: all */
    bool careful;         /* floors come from found scores only */
    int n_slots;
    struct slot *slots;
    float start;         /* the floor from `min` */
    _Atomic float floor; /* rows below it cannot be results */
    atomic_uint next;
    atomic_bool gone;
    /* used only by the searching thread */
    float *vector;
    struct scan_hit *hits;
    int n_hits;
    size_t looked;
};

static float below(double v)
{
    float f = (float)v;

    return (double)f > v ? nextafterf(f, -INFINITY) : f;
}

static float above(double v)
{
    float f = (float)v;

    return (double)f < v ? nextafterf(f, INFINITY) : f;
}

static void raise(struct search *s, float to)
{
    float now = atomic_load_explicit(&s->floor, memory_order_relaxed);

    while (to > now && !atomic_compare_exchange_weak(&s->floor, &now, to)) {
    }
}

/* ---- the scan ---- */

static void keep(struct search *s, struct slot *slot, uint32_t row, float score, float off)
{
    int k = s->what->k, i;
    float lower = score - off - s->slack;

    slot->kept[slot->n++] = (struct candidate){score + off + s->slack, row};
    if (s->careful || (slot->n_lower == k && lower <= slot->lower[k - 1]))
        return;
    i = slot->n_lower < k ? slot->n_lower++ : k - 1;
    for (; i > 0 && slot->lower[i - 1] < lower; i--)
        slot->lower[i] = slot->lower[i - 1];
    slot->lower[i] = lower;
    if (slot->n_lower == k)
        raise(s, slot->lower[k - 1]);
}

/* Computes a row's approximate score, and whether it may be a result. */
static inline bool near(const struct search *s, const struct scan_block *b, uint32_t r,
                        int32_t dot, float *score, float *off)
{
    *score = (float)dot * (b->scale[r] * s->query.scale);
    *off = b->residual[r] * s->length;
    return *score + *off >= atomic_load_explicit(&s->floor, memory_order_relaxed) - s->slack;
}

/* Returns whether any of 64 rows may be a result. Compilers vectorize this loop. */
static bool any_near(const struct search *s, const float *scale, const float *residual,
                     const int32_t *dots)
{
    float t = s->query.scale, length = s->length;
    float bar = atomic_load_explicit(&s->floor, memory_order_relaxed) - s->slack;
    int any = 0;

    for (int i = 0; i < 64; i++)
        any |= (float)dots[i] * (scale[i] * t) + residual[i] * length >= bar;
    return any != 0;
}

/* Handles rows r..r+63 of a block whose bit is set. Reads no other row's memory. `first` is row
 * 0 of the block. */
static void look(struct search *s, struct slot *slot, const struct scan_block *b,
                 uint32_t first, uint32_t r, uint64_t rows)
{
    size_t dim = (size_t)s->query.dim;
    const int8_t *codes = b->codes + r * dim;
    int32_t dots[64];

    if (rows == UINT64_MAX) {
        s->set->kernel.dots(&s->query, codes, 64, dots);
        if (!any_near(s, b->scale + r, b->residual + r, dots))
            return;
    } else {
        for (uint64_t left = rows; left != 0;) { /* in runs */
            unsigned at = (unsigned)__builtin_ctzll(left);
            unsigned n = (unsigned)__builtin_ctzll(~(left >> at));

            s->set->kernel.dots(&s->query, codes + at * dim, n, dots + at);
            left &= ~((((uint64_t)1 << n) - 1) << at);
        }
    }
    for (; rows != 0; rows &= rows - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(rows);
        float score, off;

        if (near(s, b, r + i, dots[i], &score, &off))
            keep(s, slot, first + r + i, score, off);
    }
}

/* Returns whether a list has no row of a strip. Short lists then skip most strips without a
 * lock. */
static bool none_wanted(const struct search *s, uint32_t number)
{
    uint64_t any = 0;

    if (s->only == NULL)
        return false;
    for (int i = 0; i < SCAN_STRIP / 64; i++)
        any |= s->only[(size_t)number * (SCAN_STRIP / 64) + (size_t)i];
    return any == 0;
}

static void strip(struct search *s, struct slot *slot, uint32_t number)
{
    uint32_t at = number / SCAN_STRIPS, first = at * SCAN_BLOCK;
    uint32_t r = number % SCAN_STRIPS * SCAN_STRIP, end = r + SCAN_STRIP;
    struct scan_block *b = ward_scan_block_at(s->set, at);
    struct scan_gate *gate = ward_scan_gate_at(b, r);
    unsigned turn = ward_scan_gate_enter(gate);

    for (; r < end; r += 64) {
        uint64_t rows = atomic_load(&b->live[r / 64]);

        if (s->only != NULL)
            rows &= s->only[(first + r) / 64];
        if (rows != 0)
            look(s, slot, b, first, r, rows);
    }
    ward_scan_gate_leave(gate, turn);
}

/* Returns whether a strip's candidates fit, after candidates below the floor are dropped. */
static bool fits(const struct search *s, struct slot *slot)
{
    float floor = atomic_load_explicit(&s->floor, memory_order_relaxed);
    int n = 0;

    if (slot->n + SCAN_STRIP <= CANDIDATES)
        return true;
    for (int i = 0; i < slot->n; i++) {
        if (slot->kept[i].upper >= floor)
            slot->kept[n++] = slot->kept[i];
    }
    slot->n = n;
    return n + SCAN_STRIP <= CANDIDATES;
}

static bool step(void *arg, int number)
{
    struct search *s = arg;
    struct slot *slot = &s->slots[number];

    if (number == 0 && s->what->gone != NULL && s->what->gone(s->what->gone_arg))
        atomic_store(&s->gone, true);
    for (int i = 0; i < STEP; i++) {
        uint32_t next;

        if (atomic_load(&s->gone) || !fits(s, slot))
            return false;
        next = atomic_fetch_add(&s->next, 1);
        if (next >= s->n_strips)
            return false;
        if (!none_wanted(s, next))
            strip(s, slot, next);
    }
    return true;
}

/* ---- the ranking ---- */

static int by_upper(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->upper != y->upper)
        return x->upper > y->upper ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static void found(struct search *s, uint32_t row, double score)
{
    int k = s->what->k, i;

    if (!(score >= s->what->min) && s->what->min > -1)
        return;
    i = s->n_hits < k ? s->n_hits++ : k;
    for (; i > 0; i--) {
        const struct scan_hit *h = &s->hits[i - 1];

        if (h->score > score || (h->score == score && h->row < row))
            break;
        if (i < k)
            s->hits[i] = *h;
    }
    if (i < k)
        s->hits[i] = (struct scan_hit){row, score};
}

static enum ward_code ask(struct search *s, uint32_t row, struct ward_err *err)
{
    struct ward_err why = {0};
    enum ward_code rc = s->what->exact(s->what->arg, row, s->vector, &why);
    double score = 0;

    s->looked++;
    if (rc == WARD_NOT_FOUND)
        return WARD_OK;
    if (rc != WARD_OK) {
        if (err != NULL)
            *err = why;
        return rc;
    }
    for (int d = 0; d < s->query.dim; d++)
        score += (double)s->what->query[d] * (double)s->vector[d];
    found(s, row, score);
    return WARD_OK;
}

/* Requests the candidates of all slots, best first, and empties the slots. */
static enum ward_code rank(struct search *s, struct ward_err *err)
{
    struct candidate *all = s->slots[0].kept; /* the slots are contiguous */
    int n = 0, k = s->what->k;

    for (int i = 0; i < s->n_slots; i++) {
        memmove(all + n, s->slots[i].kept, (size_t)s->slots[i].n * sizeof(*all));
        n += s->slots[i].n;
        s->slots[i].n = 0;
    }
    qsort(all, (size_t)n, sizeof(*all), by_upper);
    for (int i = 0; i < n; i++) {
        if (s->n_hits == k && (double)all[i].upper < s->hits[k - 1].score)
            break;
        if (i % 64 == 63 && s->what->gone != NULL && s->what->gone(s->what->gone_arg))
            return WARD_FAIL(err, CANCELLED, "the caller no longer waits for this search");
        WARD_TRY(ask(s, all[i].row, err));
    }
    if (s->n_hits == k)
        raise(s, below(s->hits[k - 1].score));
    return WARD_OK;
}

/* ---- the search ---- */

/* A full slot ends a round. The scores found so far then raise the floor and make room. */
static enum ward_code pass(struct search *s, bool careful, struct ward_err *err)
{
    s->careful = careful;
    s->n_hits = 0;
    atomic_store(&s->next, 0);
    atomic_store(&s->floor, s->start);
    for (int i = 0; i < s->n_slots; i++)
        s->slots[i].n = s->slots[i].n_lower = 0;
    do {
        ward_scan_pool_run(s->set->pool, s->n_strips >= FEW, step, s);
        if (atomic_load(&s->gone))
            return WARD_FAIL(err, CANCELLED, "the caller no longer waits for this search");
        WARD_TRY(rank(s, err));
    } while (atomic_load(&s->next) < s->n_strips);
    return WARD_OK;
}

/* Rows that are repeated, unordered or invalid do not matter in a set of bits. */
static enum ward_code narrow(struct search *s, struct ward_arena *mem, struct ward_err *err)
{
    const struct ward_scan_search *what = s->what;
    size_t rows = (size_t)s->n_strips * SCAN_STRIP;
    uint64_t *bits;

    if (what->only == NULL)
        return WARD_OK;
    bits = ward_alloc(mem, rows / 8);
    if (bits == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a search");
    for (size_t i = 0; i < what->n_only; i++) {
        if (what->only[i] < rows)
            bits[what->only[i] / 64] |= (uint64_t)1 << what->only[i] % 64;
    }
    s->only = bits;
    return WARD_OK;
}

static enum ward_code begin(struct search *s, struct ward_arena *mem, struct ward_err *err)
{
    const struct ward_scan_search *what = s->what;
    struct candidate *kept;

    if (what->k < 1 || what->k > K_MAX || isnan(what->min))
        return WARD_FAIL(err, INVALID_ARGUMENT, "a search is for 1 to %d rows", K_MAX);
    WARD_TRY(ward_scan_query_make(what->query, s->set->dim, &s->query, err));
    s->length = above(s->query.length);
    s->slack = above(s->query.residual * SCAN_LONGEST + ldexp(32, -24));
    s->n_strips = atomic_load(&s->set->n_blocks) * SCAN_STRIPS;
    s->n_slots = s->n_strips >= FEW ? ward_scan_pool_slots(s->set->pool) : 1;
    s->start = what->min > -1 ? below(what->min) : -INFINITY;
    s->slots = ward_alloc(mem, (size_t)s->n_slots * sizeof(*s->slots));
    kept = ward_alloc(mem, (size_t)s->n_slots * CANDIDATES * sizeof(*kept));
    s->vector = ward_alloc(mem, (size_t)s->set->dim * sizeof(*s->vector));
    s->hits = ward_alloc(mem, (size_t)what->k * sizeof(*s->hits));
    if (s->slots == NULL || kept == NULL || s->vector == NULL || s->hits == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a search");
    for (int i = 0; i < s->n_slots; i++)
        s->slots[i].kept = kept + (size_t)i * CANDIDATES;
    return narrow(s, mem, err);
}

static enum ward_code both(struct search *s, struct ward_err *err)
{
    int k = s->what->k;
    float floor;

    WARD_TRY(pass(s, false, err));
    floor = atomic_load(&s->floor);
    if (s->n_hits < k ? floor > s->start : s->hits[k - 1].score < (double)floor)
        WARD_TRY(pass(s, true, err));
    return WARD_OK;
}

enum ward_code ward_scan_search(struct scan_set *set, const struct ward_scan_search *what,
                                struct ward_arena *mem, struct scan_hit *hits, int *n,
                                size_t *looked, struct ward_err *err)
{
    struct search s = {.set = set, .what = what};
    enum ward_code rc = begin(&s, mem, err);

    if (rc == WARD_OK)
        rc = both(&s, err);
    if (rc == WARD_OK) {
        memcpy(hits, s.hits, (size_t)s.n_hits * sizeof(*hits));
        *n = s.n_hits;
        if (looked != NULL)
            *looked = s.looked;
    }
    if (s.vector != NULL)
        ward_wipe(s.vector, (size_t)set->dim * sizeof(*s.vector));
    ward_wipe(&s.query, sizeof(s.query));
    return rc;
}
