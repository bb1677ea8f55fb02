/* wide.h - whole numbers of up to 38 digits, the basis of decimals and units.
 *
 * Threads: pure functions. Memory: none. Errors: false, and outputs unchanged.
 */
#ifndef WARD_MEASURE_WIDE_H
#define WARD_MEASURE_WIDE_H

#include <stdbool.h>
#include <stdint.h>

/* 10^38 - 1 */
#define WARD_WIDE_MAX                                                                          \
    ((unsigned __int128)UINT64_C(10000000000000000000) * UINT64_C(10000000000000000000) - 1)

static inline bool ward_wide_mul(unsigned __int128 a, unsigned __int128 b,
                                 unsigned __int128 *out)
{
    if (a != 0 && b > WARD_WIDE_MAX / a)
        return false;
    *out = a * b;
    return true;
}

static inline bool ward_wide_add(unsigned __int128 a, unsigned __int128 b,
                                 unsigned __int128 *out)
{
    if (a > WARD_WIDE_MAX || b > WARD_WIDE_MAX - a)
        return false;
    *out = a + b;
    return true;
}

/* 1 for 0. */
static inline int ward_wide_digits(unsigned __int128 a)
{
    int n = 1;

    for (; a > UINT64_MAX; a /= 10)
        n++;
    /* A 64-bit division is many times faster, and nearly all numbers fit. */
    for (uint64_t low = (uint64_t)a; low >= 10; low /= 10)
        n++;
    return n;
}

/* Returns whether a * 10^places is at most WARD_WIDE_MAX. */
static inline bool ward_wide_fits10(unsigned __int128 a, int64_t places)
{
    return a == 0 || ward_wide_digits(a) + places <= 38;
}

/* Returns a if b is 0, b if a is 0, and 1 for two zeros, so that the result can be a divisor.
 */
static inline unsigned __int128 ward_wide_gcd(unsigned __int128 a, unsigned __int128 b)
{
    while (b != 0) {
        unsigned __int128 rest = a % b;

        a = b;
        b = rest;
    }
    return a == 0 ? 1 : a;
}

#endif
