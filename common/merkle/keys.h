/* keys.h - which key may sign which head, from one pinned key on.
 *
 * A log's keys follow one another. The head at which a key ends carries the line "next-key
 * <vkey>", so its signature vouches for the next key, and it is signed by that key too, which
 * shows that its owner has it. Whoever pinned one key can follow from there on; keys from
 * before it are not theirs to judge.
 *
 * Threads: one at a time. Memory: the caller's, about 20 KiB. Errors: FAILED_PRECONDITION with
 * the reason in words.
 */
#ifndef WARD_MERKLE_KEYS_H
#define WARD_MERKLE_KEYS_H

#include "common/merkle/note.h"

#define WARD_KEYS_MAX 128 /* rotations followed */

struct ward_log_keys {
    int n;
    struct {
        struct ward_vkey key;
        bool ended;            /* false: the newest */
        uint64_t last_size;    /* of the head that handed over */
        struct ward_hash root; /* of that head */
    } at[WARD_KEYS_MAX];
};

void ward_log_keys_pin(struct ward_log_keys *keys, const struct ward_vkey *pinned);

/* Takes the next handover. One from before the pinned key, and one taken before, is passed
 * over. FAILED_PRECONDITION  a signature is missing or does not hold, or sizes go back */
WARD_MUST enum ward_code ward_log_keys_follow(struct ward_log_keys *keys, const char *note,
                                              size_t len, struct ward_err *err);

/* Is this head signed by the key that was to sign at its size? Fills *out (may be NULL).
 *   INVALID_ARGUMENT     not a checkpoint
 *   FAILED_PRECONDITION  another origin, not signed by that key, or signed by a key whose time
 *                        was over */
WARD_MUST enum ward_code ward_log_keys_check(const struct ward_log_keys *keys, const char *note,
                                             size_t len, struct ward_checkpoint *out,
                                             struct ward_err *err);

#endif
