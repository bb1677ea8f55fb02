/* Hashes, the frontier, and proofs; see merkle.h. */
#include "common/merkle/merkle.h"

#include <string.h>

#define SHORT_LEAF                                                                             \
    512 /* maximum length of a leaf that is hashed in one piece; Ward's own leaves have about  \
           80 bytes */

void ward_leaf_hash(const void *leaf, size_t n, struct ward_hash *out)
{
    static const uint8_t ZERO = 0;
    uint8_t joined[1 + SHORT_LEAF];

    if (n > SHORT_LEAF) {
        const struct ward_bytes parts[] = {{&ZERO, 1}, {leaf, n}};

        ward_sha256_parts(parts, 2, out->b);
        return;
    }
    joined[0] = 0;
    if (n > 0)
        memcpy(joined + 1, leaf, n);
    ward_sha256(joined, n + 1, out->b);
}

void ward_node_hash(const struct ward_hash *left, const struct ward_hash *right,
                    struct ward_hash *out)
{
    uint8_t joined[1 + 2 * WARD_SHA256_SIZE];

    joined[0] = 1;
    memcpy(joined + 1, left->b, WARD_SHA256_SIZE);
    memcpy(joined + 1 + WARD_SHA256_SIZE, right->b, WARD_SHA256_SIZE);
    ward_sha256(joined, sizeof(joined), out->b);
}

bool ward_hash_equal(const struct ward_hash *a, const struct ward_hash *b)
{
    return memcmp(a->b, b->b, WARD_SHA256_SIZE) == 0;
}

void ward_frontier_add(struct ward_frontier *f, const struct ward_hash *leaf,
                       ward_node_fn *made, void *arg)
{
    struct ward_hash h = *leaf;
    int level = 0;

    WARD_ASSERT(f->size < UINT64_C(1) << 62);
    if (made != NULL)
        made(arg, 0, f->size, &h);
    for (; f->size >> level & 1; level++) {
        ward_node_hash(&f->at[level], &h, &h);
        if (made != NULL)
            made(arg, level + 1, f->size >> (level + 1), &h);
    }
    f->at[level] = h;
    f->size++;
}

void ward_frontier_root(const struct ward_frontier *f, struct ward_hash *out)
{
    struct ward_hash h;
    bool any = false;

    if (f->size == 0) {
        ward_sha256("", 0, out->b);
        return;
    }
    for (int k = 0; k < WARD_TREE_LEVELS; k++) {
        if (!(f->size >> k & 1))
            continue;
        if (any)
            ward_node_hash(&f->at[k], &h, &h);
        else
            h = f->at[k];
        any = true;
    }
    *out = h;
}

size_t ward_frontier_pack(const struct ward_frontier *f, uint8_t *out)
{
    size_t n = 0;

    for (int k = WARD_TREE_LEVELS - 1; k >= 0; k--) {
        if (!(f->size >> k & 1))
            continue;
        memcpy(out + n, f->at[k].b, WARD_SHA256_SIZE);
        n += WARD_SHA256_SIZE;
    }
    return n;
}

bool ward_frontier_unpack(uint64_t size, const void *in, size_t n, struct ward_frontier *f)
{
    const uint8_t *p = in;

    if (size >> (WARD_TREE_LEVELS - 1) != 0 ||
        n != (size_t)__builtin_popcountll(size) * WARD_SHA256_SIZE)
        return false;
    *f = (struct ward_frontier){.size = size};
    for (int k = WARD_TREE_LEVELS - 1; k >= 0; k--) {
        if (!(size >> k & 1))
            continue;
        memcpy(f->at[k].b, p, WARD_SHA256_SIZE);
        p += WARD_SHA256_SIZE;
    }
    return true;
}

/* The largest power of two below n, n >= 2. */
static uint64_t split(uint64_t n)
{
    return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* Computes the hash of leaves lo .. hi-1, which must be one or more complete subtrees from lo
 * on. Each subtree is smaller than the previous, and the subtrees are combined from the
 * right. */
static enum ward_code range(const struct ward_tree *t, uint64_t lo, uint64_t hi,
                            struct ward_hash *out, struct ward_err *err)
{
    struct ward_hash part[WARD_TREE_LEVELS];
    int n = 0;

    do {
        int level = 63 - __builtin_clzll(hi - lo);

        WARD_TRY(t->node(t->arg, level, lo >> level, &part[n++], err));
        lo += UINT64_C(1) << level;
    } while (lo < hi);
    while (--n > 0)
        ward_node_hash(&part[n - 1], &part[n], &part[n - 1]);
    *out = part[0];
    return WARD_OK;
}

enum ward_code ward_tree_root(const struct ward_tree *t, uint64_t size, struct ward_hash *out,
                              struct ward_err *err)
{
    if (size > 0)
        return range(t, 0, size, out, err);
    ward_sha256("", 0, out->b);
    return WARD_OK;
}

/* Proofs are computed from the root down and reported from the leaf up. */
static void reverse(struct ward_hash *proof, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct ward_hash h = proof[i];

        proof[i] = proof[n - 1 - i];
        proof[n - 1 - i] = h;
    }
}

enum ward_code ward_prove_inclusion(const struct ward_tree *t, uint64_t index, uint64_t size,
                                    struct ward_hash *proof, size_t *n, struct ward_err *err)
{
    uint64_t lo = 0, hi = size;
    size_t k = 0;

    if (index >= size)
        return WARD_FAIL(err, OUT_OF_RANGE, "a log of this size does not have the index");
    while (hi - lo > 1) {
        uint64_t mid = lo + split(hi - lo);

        if (index < mid) {
            WARD_TRY(range(t, mid, hi, &proof[k++], err));
            hi = mid;
        } else {
            WARD_TRY(range(t, lo, mid, &proof[k++], err));
            lo = mid;
        }
    }
    reverse(proof, k);
    *n = k;
    return WARD_OK;
}

enum ward_code ward_prove_consistency(const struct ward_tree *t, uint64_t from, uint64_t to,
                                      struct ward_hash *proof, size_t *n, struct ward_err *err)
{
    uint64_t lo = 0, hi = to;
    size_t k = 0;

    if (from < 1 || from > to)
        return WARD_FAIL(err, OUT_OF_RANGE, "`from` must be at least 1 and at most `to`");
    while (hi != from) {
        uint64_t mid = lo + split(hi - lo);

        if (from <= mid) {
            WARD_TRY(range(t, mid, hi, &proof[k++], err));
            hi = mid;
        } else {
            WARD_TRY(range(t, lo, mid, &proof[k++], err));
            lo = mid;
        }
    }
    if (lo > 0) /* otherwise, the verifier has this hash, the old root */
        WARD_TRY(range(t, lo, hi, &proof[k++], err));
    reverse(proof, k);
    *n = k;
    return WARD_OK;
}
