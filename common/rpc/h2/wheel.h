/* wheel.h - timers of one thread, set and unset in constant time: nearly every deadline is
 * unset before it comes. Inside common/rpc/h2.
 *
 * Threads: its loop's. Memory: a timer lies in what it times. Errors: none.
 */
#ifndef WARD_RPC_H2_WHEEL_H
#define WARD_RPC_H2_WHEEL_H

#include "common/base/clock.h"

#include <stdbool.h>

#define WHEEL_SLOTS   512
#define WHEEL_TICK_NS (10 * WARD_NS_PER_MS)

struct timer {
    struct timer *prev, *next; /* NULL while not set */
    int64_t at;
    void (*fn)(struct timer *t);
};
struct wheel {
    struct timer slots[WHEEL_SLOTS];
    int64_t tick, soonest; /* soonest: nothing is due before */
};
void wheel_init(struct wheel *w, int64_t now);
/* Fires at the tick that follows `at`, never within the call; sets anew what is set. */
void wheel_set(struct wheel *w, struct timer *t, int64_t at);
void wheel_unset(struct timer *t);
void wheel_run(struct wheel *w, int64_t now); /* a timer that fires may set or unset any */

#endif
