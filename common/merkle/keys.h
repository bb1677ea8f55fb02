/* keys.h - determines which key may sign which head, starting from a pinned key.
 *
 * The keys of a log form a chain. The last head of a key contains the line "next-key <vkey>",
 * so its signature vouches for the next key. The next key also signs that head, which proves
 * that its owner has it. A person who pinned one key can follow the chain from there. Keys
 * before the pinned one cannot be verified.
 *
 * Threads: one at a time. Memory: the caller's, about 20 KiB. Errors: FAILED_PRECONDITION with
 * the cause.
 */
#ifndef WARD_MERKLE_KEYS_H
#define WARD_MERKLE_KEYS_H

#include "common/merkle/note.h"

#define WARD_KEYS_MAX 128 /* maximum number of rotations */

struct ward_log_keys {
    int n;
    struct {
        struct ward_vkey key;
        bool ended;            /* false: the newest key */
        uint64_t last_size;    /* size of the head with the rotation */
        struct ward_hash root; /* root of that head */
    } at[WARD_KEYS_MAX];
};

void ward_log_keys_pin(struct ward_log_keys *keys, const struct ward_vkey *pinned);

/* Processes the next rotation. Rotations before the pinned key and repeated ones are skipped.
 * FAILED_PRECONDITION a signature is missing or invalid, or sizes decrease */
WARD_MUST enum ward_code ward_log_keys_follow(struct ward_log_keys *keys, const char *note,
                                              size_t len, struct ward_err *err);

/* Checks whether the head is signed by the valid key for its size. Fills *out (may be NULL).
 *   INVALID_ARGUMENT     not a checkpoint
 *   FAILED_PRECONDITION  the head has another origin, or its valid key did not sign */
WARD_MUST enum ward_code ward_log_keys_check(const struct ward_log_keys *keys, const char *note,
                                             size_t len, struct ward_checkpoint *out,
                                             struct ward_err *err);

#endif
