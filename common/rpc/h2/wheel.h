/* wheel.h - timers of one thread, set and unset in constant time, because nearly every deadline
 * is unset before it passes. Inside common/rpc/h2.
 *
 * Threads: the loop's thread. Memory: a timer is a member of its object. Errors: none.
 */
#ifndef WARD_RPC_H2_WHEEL_H
#define WARD_RPC_H2_WHEEL_H

#include "common/base/clock.h"

#include <stdbool.h>

#define WHEEL_SLOTS   512
#define WHEEL_TICK_NS (10 * WARD_NS_PER_MS)

struct timer {
    struct timer *prev, *next; /* NULL if the timer is not set */
    int64_t at;
    void (*fn)(struct timer *t);
};
struct wheel {
    struct timer slots[WHEEL_SLOTS];
    int64_t tick, soonest; /* soonest: no timer is due before this time */
};
void wheel_init(struct wheel *w, int64_t now);
/* Sets or moves a timer. The timer fires at the tick after `at`, never within this call. */
void wheel_set(struct wheel *w, struct timer *t, int64_t at);
void wheel_unset(struct timer *t);
void wheel_run(struct wheel *w, int64_t now); /* a firing timer may set or unset any timer */

#endif
