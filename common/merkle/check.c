/* Verifies proofs, following RFC 9162 step by step. */
#include "common/merkle/merkle.h"

#include <string.h>

bool ward_check_inclusion(const struct ward_hash *leaf, uint64_t index, uint64_t size,
                          const struct ward_hash *proof, size_t n, const struct ward_hash *root)
{
    uint64_t fn = index, sn = size - 1;
    struct ward_hash r = *leaf;

    if (index >= size)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) == 1 || fn == sn) {
            ward_node_hash(&proof[i], &r, &r);
            for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
                sn >>= 1;
        } else {
            ward_node_hash(&r, &proof[i], &r);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && ward_hash_equal(&r, root);
}

bool ward_check_consistency(uint64_t from, const struct ward_hash *from_root, uint64_t to,
                            const struct ward_hash *to_root, const struct ward_hash *proof,
                            size_t n)
{
    uint64_t fn = from - 1, sn = to - 1;
    struct ward_hash fr, sr;
    size_t i = 0;

    if (from > to)
        return false;
    if (from == 0)
        return n == 0;
    if (from == to)
        return n == 0 && ward_hash_equal(from_root, to_root);
    /* If the old tree is one complete subtree, its root is the first node of the proof. */
    if ((from & (from - 1)) == 0)
        fr = *from_root;
    else if (n > 0)
        fr = proof[i++];
    else
        return false;
    sr = fr;
    for (; fn & 1; fn >>= 1)
        sn >>= 1;
    for (; i < n; i++) {
        if (sn == 0)
            return false;
        if ((fn & 1) == 1 || fn == sn) {
            ward_node_hash(&proof[i], &fr, &fr);
            ward_node_hash(&proof[i], &sr, &sr);
            for (; (fn & 1) == 0 && fn != 0; fn >>= 1)
                sn >>= 1;
        } else {
            ward_node_hash(&sr, &proof[i], &sr);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && ward_hash_equal(&fr, from_root) && ward_hash_equal(&sr, to_root);
}
