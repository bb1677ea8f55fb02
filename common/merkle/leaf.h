/* leaf.h - the bytes that Ward's audit tree hashes: ward.audit.v1.Leaf, written one way only.
 *
 * A leaf commits to an event without showing it: commitment = HMAC-SHA-256(salt, event bytes).
 * Whoever holds salt and event can check; whoever does not learns nothing. So content can be
 * erased and the tree stays as it was.
 *
 * Threads: pure functions. Memory: the caller's. Errors: a parser answers false.
 */
#ifndef WARD_MERKLE_LEAF_H
#define WARD_MERKLE_LEAF_H

#include "common/merkle/merkle.h"

#define WARD_LEAF_VERSION 1
#define WARD_LEAF_SERVICE 64  /* bytes of a service's name, at most */
#define WARD_LEAF_MAX     144 /* bytes of a leaf, at most */
#define WARD_SALT_SIZE    32

struct ward_leaf {
    uint8_t event_id[16];
    char service[WARD_LEAF_SERVICE + 1]; /* not empty */
    int64_t appended_at_us;              /* > 0 */
    uint8_t commitment[WARD_SHA256_SIZE];
};

/* Serializes; returns the length. */
size_t ward_leaf_pack(const struct ward_leaf *leaf, uint8_t out[WARD_LEAF_MAX]);
/* False for anything that ward_leaf_pack would not have written. */
WARD_MUST bool ward_leaf_parse(const void *in, size_t n, struct ward_leaf *out);

void ward_leaf_commit(const uint8_t salt[WARD_SALT_SIZE], const void *event, size_t n,
                      uint8_t out[WARD_SHA256_SIZE]);
/* Is this what the leaf commits to? */
WARD_MUST bool ward_leaf_holds(const struct ward_leaf *leaf, const uint8_t salt[WARD_SALT_SIZE],
                               const void *event, size_t n);

#endif
