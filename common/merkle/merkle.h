/* merkle.h - the tree of RFC 9162, section 2.1: hashes, heads, proofs and their verification.
 *
 * Pure: the caller stores leaves and nodes and provides them through struct ward_tree.
 * Appending to a log needs only its frontier (the roots of its complete subtrees, at most 64
 * hashes). Proofs need the complete subtrees, which never change.
 *
 * Threads: pure functions. Memory: the caller's. Errors: a verification returns false; a proof
 * fails with OUT_OF_RANGE, or with the code of the caller's reader.
 */
#ifndef WARD_MERKLE_MERKLE_H
#define WARD_MERKLE_MERKLE_H

#include "common/base/crypto.h"
#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define WARD_TREE_LEVELS 63 /* a log has fewer than 2^63 leaves */
#define WARD_PROOF_MAX   64 /* hashes in the longest proof */

struct ward_hash {
    uint8_t b[WARD_SHA256_SIZE];
};

/* SHA-256(0x00 || leaf) and SHA-256(0x01 || left || right). */
void ward_leaf_hash(const void *leaf, size_t n, struct ward_hash *out);
void ward_node_hash(const struct ward_hash *left, const struct ward_hash *right,
                    struct ward_hash *out);

/* The roots of the complete subtrees of a log with `size` leaves. at[k] covers 2^k leaves and
 * is valid if bit k of size is set. All zeros is the empty log. */
struct ward_frontier {
    uint64_t size;
    struct ward_hash at[WARD_TREE_LEVELS];
};

/* Adds a leaf. `made` (may be NULL) receives each complete subtree that results: `level` 0 is
 * the leaf itself; `pos` counts subtrees of that level from the left. */
typedef void ward_node_fn(void *arg, int level, uint64_t pos, const struct ward_hash *hash);
void ward_frontier_add(struct ward_frontier *f, const struct ward_hash *leaf,
                       ward_node_fn *made, void *arg);
/* Computes the head: SHA-256 of nothing for the empty log. */
void ward_frontier_root(const struct ward_frontier *f, struct ward_hash *out);

/* Packs the valid hashes, largest subtree first, at most WARD_FRONTIER_BYTES into out. Returns
 * the number of bytes. Unpacking returns false if n does not fit `size`. */
#define WARD_FRONTIER_BYTES ((size_t)WARD_TREE_LEVELS * WARD_SHA256_SIZE)
size_t ward_frontier_pack(const struct ward_frontier *f, uint8_t *out);
WARD_MUST bool ward_frontier_unpack(uint64_t size, const void *in, size_t n,
                                    struct ward_frontier *f);

/* A stored log, read by complete subtrees. */
struct ward_tree {
    void *arg;
    enum ward_code (*node)(void *arg, int level, uint64_t pos, struct ward_hash *out,
                           struct ward_err *err);
};

/* Computes the head of the first `size` leaves. */
WARD_MUST enum ward_code ward_tree_root(const struct ward_tree *t, uint64_t size,
                                        struct ward_hash *out, struct ward_err *err);
/* RFC 9162, 2.1.3.1.   OUT_OF_RANGE  not index < size */
WARD_MUST enum ward_code ward_prove_inclusion(const struct ward_tree *t, uint64_t index,
                                              uint64_t size, struct ward_hash *proof, size_t *n,
                                              struct ward_err *err);
/* RFC 9162, 2.1.4.1.   OUT_OF_RANGE  not 1 <= from <= to */
WARD_MUST enum ward_code ward_prove_consistency(const struct ward_tree *t, uint64_t from,
                                                uint64_t to, struct ward_hash *proof, size_t *n,
                                                struct ward_err *err);

/* RFC 9162, 2.1.3.2: verifies that the leaf at `index` is in the tree of `size` leaves with
 * `root`. */
WARD_MUST bool ward_check_inclusion(const struct ward_hash *leaf, uint64_t index, uint64_t size,
                                    const struct ward_hash *proof, size_t n,
                                    const struct ward_hash *root);
/* RFC 9162, 2.1.4.2: verifies that the tree of `to` leaves begins with the tree of `from`
 * leaves. The empty tree is the beginning of every tree, with an empty proof; its root is
 * ignored. */
WARD_MUST bool ward_check_consistency(uint64_t from, const struct ward_hash *from_root,
                                      uint64_t to, const struct ward_hash *to_root,
                                      const struct ward_hash *proof, size_t n);

WARD_MUST bool ward_hash_equal(const struct ward_hash *a, const struct ward_hash *b);

#endif
