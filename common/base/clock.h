/* clock.h - time. Monotonic time is int64_t nanoseconds. Wall time is int64_t microseconds
 * since 1970-01-01T00:00:00Z.
 *
 * Threads: safe. Memory: the caller's. Errors: none.
 */
#ifndef WARD_BASE_CLOCK_H
#define WARD_BASE_CLOCK_H

#include <stdint.h>

#define WARD_NS_PER_MS   INT64_C(1000000)
#define WARD_NO_DEADLINE INT64_MAX

int64_t ward_mono_ns(void);
int64_t ward_wall_us(void);

/* Returns the milliseconds from now to a monotonic deadline, at least 0, or INT64_MAX for
 * WARD_NO_DEADLINE. */
int64_t ward_left_ms(int64_t deadline_ns);

/* Writes "2026-11-21T05:10:22.123456Z" (27 characters) to out[28]. */
void ward_rfc3339(int64_t wall_us, char out[28]);

#endif
