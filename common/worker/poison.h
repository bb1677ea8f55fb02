/* poison.h - a table of inputs that ended worker processes. An input that ended two is rejected
 * for a while, so that it cannot end one process after another.
 *
 * The SHA-256 of an input identifies it. While the table is empty, a check is one atomic load
 * and callers need not hash. Threads: any. Memory: fixed; a full table evicts its oldest row.
 * Errors: RESOURCE_EXHAUSTED POISONED_INPUT, with the time to wait.
 */
#ifndef WARD_WORKER_POISON_H
#define WARD_WORKER_POISON_H

#include "common/base/status.h"

#include <pthread.h>
#include <stdatomic.h>

#define WARD_POISON_INPUTS 64

struct ward_poison {
    pthread_mutex_t lock;
    int64_t refuse_ns;
    _Atomic int n; /* in use */
    struct ward_poisoned {
        uint8_t sha256[32];
        int ends; /* 0: unused */
        int64_t until_ns;
    } input[WARD_POISON_INPUTS];
};

/* refuse_ms: how long an input is rejected, and how long a single end is remembered; 0 is
 * 60,000. */
void ward_poison_init(struct ward_poison *p, int refuse_ms);
void ward_poison_done(struct ward_poison *p);
/* Returns whether the table has rows. If not, callers need not hash. */
bool ward_poison_any(const struct ward_poison *p);
/* Records that this input ended a process. */
void ward_poison_ended(struct ward_poison *p, const uint8_t sha256[32], int64_t now_ns);
/* Removes a single end: the input has now run without ending a process. */
void ward_poison_clear(struct ward_poison *p, const uint8_t sha256[32]);
/* Rejects an input that ended two processes. *suspect: the input ended one, so the caller runs
 * it alone. */
WARD_MUST enum ward_code ward_poison_check(struct ward_poison *p, const uint8_t sha256[32],
                                           int64_t now_ns, bool *suspect, struct ward_err *err);

#endif
