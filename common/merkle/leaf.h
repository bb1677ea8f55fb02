/* leaf.h - the bytes that audit's tree hashes: ward.audit.v1.Leaf in its canonical form.
 *
 * A leaf commits to an event without revealing it: commitment = HMAC-SHA-256(salt, event
 * bytes). A reader with salt and event can verify the commitment; other readers learn nothing.
 * The content can therefore be erased while the tree stays unchanged.
 *
 * Threads: pure functions. Memory: the caller's. Errors: a parser returns false.
 */
#ifndef WARD_MERKLE_LEAF_H
#define WARD_MERKLE_LEAF_H

#include "common/merkle/merkle.h"

#define WARD_LEAF_VERSION 1
#define WARD_LEAF_SERVICE 64  /* maximum length of a service's name */
#define WARD_LEAF_MAX     144 /* maximum length of a leaf */
#define WARD_SALT_SIZE    32

struct ward_leaf {
    uint8_t event_id[16];
    char service[WARD_LEAF_SERVICE + 1]; /* not empty */
    int64_t appended_at_us;              /* > 0 */
    uint8_t commitment[WARD_SHA256_SIZE];
};

/* Serializes a leaf; returns the length. */
size_t ward_leaf_pack(const struct ward_leaf *leaf, uint8_t out[WARD_LEAF_MAX]);
/* Returns false for bytes that ward_leaf_pack would not have written. */
WARD_MUST bool ward_leaf_parse(const void *in, size_t n, struct ward_leaf *out);

void ward_leaf_commit(const uint8_t salt[WARD_SALT_SIZE], const void *event, size_t n,
                      uint8_t out[WARD_SHA256_SIZE]);
/* Returns whether the leaf commits to this event. */
WARD_MUST bool ward_leaf_holds(const struct ward_leaf *leaf, const uint8_t salt[WARD_SALT_SIZE],
                               const void *event, size_t n);

#endif
