/* stop.h - conditions for stopping a piece of work: its deadline, or a caller that has left.
 *
 * Threads: `gone` is called on the working thread. Memory: the caller's. Errors: none.
 */
#ifndef WARD_BASE_STOP_H
#define WARD_BASE_STOP_H

#include <stdbool.h>
#include <stdint.h>

/* `gone` may be NULL. */
struct ward_stop {
    int64_t deadline_ns;           /* monotonic; WARD_NO_DEADLINE for none */
    bool (*gone)(const void *arg); /* returns whether the caller has left */
    const void *arg;
};

#endif
