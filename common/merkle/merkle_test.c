#include "common/merkle/merkle.h"

#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MOST 300

/* Source: the Certificate Transparency project's published test tree (transparency-dev/merkle,
 * testonly/constants.go, and the reference implementation's merkle_tree_test.cc; checked
 * 2026-11-21). Eight leaves, the roots of the first n leaves, nodes and proofs. */
static const char *const CT_LEAVES[8] = {"",
                                         "00",
                                         "10",
                                         "2021",
                                         "3031",
                                         "40414243",
                                         "5051525354555657",
                                         "606162636465666768696a6b6c6d6e6f"};
static const char *const CT_ROOTS[9] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
#define N1  "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
#define N23 "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
#define N47 "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
#define N4  "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
#define N45 "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
#define N67 "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
#define N03 "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"
#define N01 "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"

struct vector {
    uint64_t a, b; /* index and size, or from and to */
    size_t n;
    const char *proof[4];
};
static const struct vector CT_INCLUSION[] = {
    {0, 1, 0, {NULL}},
    {0, 8, 3, {N1, N23, N47}},
    {5, 8, 3, {N4, N67, N03}},
    {2, 3, 1, {N01}},
    {1, 5, 3, {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", N23, N4}},
};
static const struct vector CT_CONSISTENCY[] = {
    {1, 1, 0, {NULL}},
    {1, 8, 3, {N1, N23, N47}},
    {6, 8, 3, {N45, N67, N03}},
    {2, 5, 2, {N23, N4}},
};

/* A log in memory: all complete subtrees that ward_frontier_add creates. */
struct memory {
    struct ward_frontier f;
    struct ward_hash node[10][MOST];
    struct ward_hash root[MOST + 1];
    int asked;
};

static void keep(void *arg, int level, uint64_t pos, const struct ward_hash *hash)
{
    struct memory *m = arg;

    m->node[level][pos] = *hash;
}

static enum ward_code read_node(void *arg, int level, uint64_t pos, struct ward_hash *out,
                                struct ward_err *err)
{
    struct memory *m = arg;

    m->asked++;
    if (level > 9 || (pos + 1) << level > m->f.size)
        return WARD_FAIL(err, INTERNAL, "asked for a subtree that is not complete");
    *out = m->node[level][pos];
    return WARD_OK;
}

static struct memory grown;
static struct ward_hash leaf_of[MOST];
static const struct ward_tree TREE = {&grown, read_node};

static struct ward_hash hash_of(const char *hex)
{
    struct ward_hash h = {0};

    assert_true(ward_unhex(hex, h.b, sizeof(h.b)));
    return h;
}

static void add_leaf(const void *p, size_t n)
{
    uint64_t i = grown.f.size;

    ward_leaf_hash(p, n, &leaf_of[i]);
    ward_frontier_add(&grown.f, &leaf_of[i], keep, &grown);
    ward_frontier_root(&grown.f, &grown.root[i + 1]);
}

static int grow_ct(void **state)
{
    uint8_t bytes[16];

    (void)state;
    memset(&grown, 0, sizeof(grown));
    for (int i = 0; i < 8; i++) {
        size_t n = strlen(CT_LEAVES[i]) / 2;

        assert_true(ward_unhex(CT_LEAVES[i], bytes, n));
        add_leaf(bytes, n);
    }
    return 0;
}

static int grow_many(void **state)
{
    (void)state;
    memset(&grown, 0, sizeof(grown));
    for (uint32_t i = 0; i < MOST; i++)
        add_leaf(&i, sizeof(i));
    return 0;
}

/* RFC 9162's definitions, implemented literally and slowly, without code of tree.c. */
static struct ward_hash mth(uint64_t lo, uint64_t hi)
{
    uint64_t k = 1;
    struct ward_hash l, r, out;

    if (hi - lo == 1)
        return leaf_of[lo];
    while (k * 2 < hi - lo)
        k *= 2;
    l = mth(lo, lo + k);
    r = mth(lo + k, hi);
    ward_node_hash(&l, &r, &out);
    return out;
}

static size_t naive_path(uint64_t m, uint64_t lo, uint64_t hi, struct ward_hash *out)
{
    uint64_t k = 1;
    size_t n;

    if (hi - lo == 1)
        return 0;
    while (k * 2 < hi - lo)
        k *= 2;
    if (m < k) {
        n = naive_path(m, lo, lo + k, out);
        out[n] = mth(lo + k, hi);
    } else {
        n = naive_path(m - k, lo + k, hi, out);
        out[n] = mth(lo, lo + k);
    }
    return n + 1;
}

static size_t naive_subproof(uint64_t m, uint64_t lo, uint64_t hi, bool whole,
                             struct ward_hash *out)
{
    uint64_t k = 1;
    size_t n;

    if (m == hi - lo) {
        if (whole)
            return 0;
        out[0] = mth(lo, hi);
        return 1;
    }
    while (k * 2 < hi - lo)
        k *= 2;
    if (m <= k) {
        n = naive_subproof(m, lo, lo + k, whole, out);
        out[n] = mth(lo + k, hi);
    } else {
        n = naive_subproof(m - k, lo + k, hi, false, out);
        out[n] = mth(lo, lo + k);
    }
    return n + 1;
}

static void the_published_roots_are_ours(void **state)
{
    struct ward_frontier empty = {0};
    struct ward_hash h, want;

    (void)state;
    ward_frontier_root(&empty, &h);
    want = hash_of(CT_ROOTS[0]);
    assert_memory_equal(&h, &want, sizeof(h));
    for (uint64_t n = 0; n <= 8; n++) {
        want = hash_of(CT_ROOTS[n]);
        assert_int_equal(ward_tree_root(&TREE, n, &h, NULL), WARD_OK);
        assert_memory_equal(&h, &want, sizeof(h));
    }
}

static void the_published_inclusion_proofs_are_ours_and_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(CT_INCLUSION); i++) {
        const struct vector *v = &CT_INCLUSION[i];
        struct ward_hash got[WARD_PROOF_MAX], root = hash_of(CT_ROOTS[v->b]);
        size_t n;

        assert_int_equal(ward_prove_inclusion(&TREE, v->a, v->b, got, &n, NULL), WARD_OK);
        assert_int_equal(n, v->n);
        for (size_t k = 0; k < n; k++) {
            struct ward_hash want = hash_of(v->proof[k]);

            assert_memory_equal(&got[k], &want, sizeof(want));
        }
        assert_true(ward_check_inclusion(&leaf_of[v->a], v->a, v->b, got, n, &root));
    }
}

static void the_published_consistency_proofs_are_ours_and_check(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(CT_CONSISTENCY); i++) {
        const struct vector *v = &CT_CONSISTENCY[i];
        struct ward_hash got[WARD_PROOF_MAX], old = hash_of(CT_ROOTS[v->a]),
                                              now = hash_of(CT_ROOTS[v->b]);
        size_t n;

        assert_int_equal(ward_prove_consistency(&TREE, v->a, v->b, got, &n, NULL), WARD_OK);
        assert_int_equal(n, v->n);
        for (size_t k = 0; k < n; k++) {
            struct ward_hash want = hash_of(v->proof[k]);

            assert_memory_equal(&got[k], &want, sizeof(want));
        }
        assert_true(ward_check_consistency(v->a, &old, v->b, &now, got, n));
    }
}

/* The invalid proofs in the reference verifier's tests (transparency-dev/merkle, proof
 * tests). */
static void a_wrong_inclusion_proof_does_not_check(void **state)
{
    struct ward_hash p[WARD_PROOF_MAX], root = grown.root[8], bad;
    size_t n;

    (void)state;
    assert_int_equal(ward_prove_inclusion(&TREE, 5, 8, p, &n, NULL), WARD_OK);
    assert_true(ward_check_inclusion(&leaf_of[5], 5, 8, p, n, &root));
    assert_false(ward_check_inclusion(&leaf_of[5], 4, 8, p, n, &root));  /* index - 1 */
    assert_false(ward_check_inclusion(&leaf_of[5], 6, 8, p, n, &root));  /* index + 1 */
    assert_false(ward_check_inclusion(&leaf_of[5], 1, 8, p, n, &root));  /* index ^ 4 */
    assert_false(ward_check_inclusion(&leaf_of[5], 5, 16, p, n, &root)); /* size * 2 */
    assert_false(ward_check_inclusion(&leaf_of[5], 5, 4, p, n, &root));  /* size / 2 */
    assert_false(ward_check_inclusion(&leaf_of[5], 8, 8, p, n, &root));  /* index = size */
    assert_false(ward_check_inclusion(&leaf_of[5], 5, 0, p, n, &root));  /* an empty log */
    assert_false(ward_check_inclusion(&leaf_of[4], 5, 8, p, n, &root));  /* another leaf */
    assert_false(ward_check_inclusion(&leaf_of[5], 5, 8, p, n - 1, &root));
    p[n] = root;
    assert_false(ward_check_inclusion(&leaf_of[5], 5, 8, p, n + 1, &root));
    bad = root;
    bad.b[31] ^= 1;
    assert_false(ward_check_inclusion(&leaf_of[5], 5, 8, p, n, &bad));
    for (size_t i = 0; i < n; i++) {
        p[i].b[0] ^= 1;
        assert_false(ward_check_inclusion(&leaf_of[5], 5, 8, p, n, &root));
        p[i].b[0] ^= 1;
    }
}

static void a_wrong_consistency_proof_does_not_check(void **state)
{
    struct ward_hash p[WARD_PROOF_MAX], a = grown.root[6], b = grown.root[8];
    size_t n;

    (void)state;
    assert_int_equal(ward_prove_consistency(&TREE, 6, 8, p, &n, NULL), WARD_OK);
    assert_true(ward_check_consistency(6, &a, 8, &b, p, n));
    assert_false(ward_check_consistency(5, &a, 8, &b, p, n));
    assert_false(ward_check_consistency(7, &a, 8, &b, p, n));
    assert_false(ward_check_consistency(6, &a, 16, &b, p, n));
    assert_false(ward_check_consistency(6, &a, 4, &b, p, n));
    assert_false(ward_check_consistency(6, &b, 8, &a, p, n));
    assert_false(ward_check_consistency(6, &a, 8, &a, p, n));
    assert_false(ward_check_consistency(6, &a, 8, &b, p, n - 1));
    assert_false(ward_check_consistency(6, &a, 8, &b, p, 0));
    assert_false(ward_check_consistency(8, &a, 8, &b, p, 0));
    assert_false(ward_check_consistency(8, &b, 8, &b, p, 1));
    assert_false(ward_check_consistency(0, &a, 8, &b, p, 1));
    assert_true(ward_check_consistency(0, &a, 8, &b, p, 0));
    p[n] = b;
    assert_false(ward_check_consistency(6, &a, 8, &b, p, n + 1));
    for (size_t i = 0; i < n; i++) {
        p[i].b[0] ^= 1;
        assert_false(ward_check_consistency(6, &a, 8, &b, p, n));
        p[i].b[0] ^= 1;
    }
}

static void every_size_has_the_head_that_the_definition_gives(void **state)
{
    struct ward_hash h, want;

    (void)state;
    for (uint64_t n = 1; n <= MOST; n++) {
        want = mth(0, n);
        assert_memory_equal(&grown.root[n], &want, sizeof(want));
        assert_int_equal(ward_tree_root(&TREE, n, &h, NULL), WARD_OK);
        assert_memory_equal(&h, &want, sizeof(want));
    }
}

static void every_inclusion_proof_is_the_definitions_and_checks(void **state)
{
    struct ward_hash got[WARD_PROOF_MAX], want[WARD_PROOF_MAX];
    size_t n;

    (void)state;
    for (uint64_t size = 1; size <= MOST; size += size < 70 ? 1 : 23) {
        for (uint64_t i = 0; i < size; i++) {
            assert_int_equal(ward_prove_inclusion(&TREE, i, size, got, &n, NULL), WARD_OK);
            assert_int_equal(n, naive_path(i, 0, size, want));
            assert_memory_equal(got, want, n * sizeof(got[0]));
            assert_true(ward_check_inclusion(&leaf_of[i], i, size, got, n, &grown.root[size]));
        }
    }
}

static void every_consistency_proof_is_the_definitions_and_checks(void **state)
{
    struct ward_hash got[WARD_PROOF_MAX], want[WARD_PROOF_MAX];
    size_t n;

    (void)state;
    for (uint64_t to = 1; to <= MOST; to += to < 70 ? 1 : 23) {
        for (uint64_t from = 1; from <= to; from++) {
            assert_int_equal(ward_prove_consistency(&TREE, from, to, got, &n, NULL), WARD_OK);
            assert_int_equal(n, naive_subproof(from, 0, to, true, want));
            assert_memory_equal(got, want, n * sizeof(got[0]));
            assert_true(
                ward_check_consistency(from, &grown.root[from], to, &grown.root[to], got, n));
        }
    }
}

static void a_frontier_survives_being_stored(void **state)
{
    uint8_t bytes[WARD_FRONTIER_BYTES];
    struct ward_frontier f = {0}, back;
    struct ward_hash h;

    (void)state;
    for (uint64_t i = 0; i <= MOST; i++) {
        size_t n = ward_frontier_pack(&f, bytes);

        assert_true(ward_frontier_unpack(i, bytes, n, &back));
        assert_false(ward_frontier_unpack(i, bytes, n + 1, &f));
        ward_frontier_root(&back, &h);
        assert_true(i == 0 || ward_hash_equal(&h, &grown.root[i]));
        if (i < MOST)
            ward_frontier_add(&back, &leaf_of[i], NULL, NULL);
        f = back;
    }
    assert_false(ward_frontier_unpack(UINT64_MAX, bytes, 64 * WARD_SHA256_SIZE, &back));
}

static void what_is_outside_the_log_is_refused(void **state)
{
    struct ward_hash p[WARD_PROOF_MAX];
    struct ward_err err = {0};
    size_t n = 99;

    (void)state;
    assert_int_equal(ward_prove_inclusion(&TREE, 8, 8, p, &n, &err), WARD_OUT_OF_RANGE);
    assert_int_equal(ward_prove_inclusion(&TREE, 0, 0, p, &n, &err), WARD_OUT_OF_RANGE);
    assert_int_equal(ward_prove_consistency(&TREE, 0, 8, p, &n, &err), WARD_OUT_OF_RANGE);
    assert_int_equal(ward_prove_consistency(&TREE, 8, 7, p, &n, &err), WARD_OUT_OF_RANGE);
    assert_int_equal(n, 99);
}

static void a_long_leaf_hashes_like_a_short_one(void **state)
{
    static uint8_t joined[4097];
    struct ward_hash h, want;

    (void)state;
    for (size_t n = 500; n <= 4096; n += 13) {
        memset(joined + 1, (int)n & 255, n);
        ward_leaf_hash(joined + 1, n, &h);
        ward_sha256(joined, n + 1, want.b);
        assert_memory_equal(&h, &want, sizeof(h));
    }
}

int main(void)
{
    const struct CMUnitTest published[] = {
        cmocka_unit_test(the_published_roots_are_ours),
        cmocka_unit_test(the_published_inclusion_proofs_are_ours_and_check),
        cmocka_unit_test(the_published_consistency_proofs_are_ours_and_check),
        cmocka_unit_test(a_wrong_inclusion_proof_does_not_check),
        cmocka_unit_test(a_wrong_consistency_proof_does_not_check),
        cmocka_unit_test(what_is_outside_the_log_is_refused),
    };
    const struct CMUnitTest naive[] = {
        cmocka_unit_test(every_size_has_the_head_that_the_definition_gives),
        cmocka_unit_test(every_inclusion_proof_is_the_definitions_and_checks),
        cmocka_unit_test(every_consistency_proof_is_the_definitions_and_checks),
        cmocka_unit_test(a_frontier_survives_being_stored),
        cmocka_unit_test(a_long_leaf_hashes_like_a_short_one),
    };

    return cmocka_run_group_tests(published, grow_ct, NULL) +
           cmocka_run_group_tests(naive, grow_many, NULL);
}
