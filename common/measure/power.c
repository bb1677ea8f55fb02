#include "common/measure/power.h"

#define ONE_BITS 62 /* the value 1 in fixed point, for numbers from 1 to 2 */
#define LOG_BITS 60 /* the value 1 in fixed point, for logarithms */
#define ONE      ((uint64_t)1 << ONE_BITS)

typedef unsigned __int128 wide;

static enum ward_code out_of_range(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, OUT_OF_RANGE, "DECIMAL_OVERFLOW",
                            "the power of these numbers is out of range");
}

static uint64_t times(uint64_t a, uint64_t b)
{
    return (uint64_t)(((wide)a * b + (ONE >> 1)) >> ONE_BITS);
}

static uint64_t root(wide x)
{
    uint64_t lo = 0, hi = UINT64_C(1) << 63;

    while (lo < hi) { /* the largest number whose square is at most x */
        uint64_t mid = lo + (hi - lo + 1) / 2;

        if ((wide)mid * mid <= x)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

/* a * 10^places as a whole number; false if it has more decimals or exceeds 2^60. */
static bool scaled(const struct ward_decimal *a, int places, uint64_t *out)
{
    struct ward_decimal x;
    bool inexact;

    if (ward_decimal_round(a, -places, WARD_ROUND_DOWN, &x, &inexact, NULL) != WARD_OK ||
        inexact)
        return false;
    for (; x.exp > -places && x.coef < ONE; x.exp--)
        x.coef *= 10;
    if (x.coef >= ONE >> 2)
        return false;
    *out = (uint64_t)x.coef;
    return true;
}

/* log2(x / 10^12), rounded down, digit by digit: a digit is 1 if x squared is at least 2. */
static __int128 log_of(uint64_t x)
{
    wide m = ((wide)x << ONE_BITS) / UINT64_C(1000000000000);
    __int128 log = 0;
    uint64_t one;

    for (; m >= (wide)ONE * 2; m = (m + 1) / 2)
        log += (__int128)1 << LOG_BITS;
    for (; m < ONE; m *= 2)
        log -= (__int128)1 << LOG_BITS;
    one = (uint64_t)m;
    for (int bit = LOG_BITS - 1; bit >= 0; bit--) {
        wide square = ((wide)one * one) >> ONE_BITS;

        if (square >= (wide)ONE * 2) {
            log += (__int128)1 << bit;
            square /= 2;
        }
        one = (uint64_t)square;
    }
    return log;
}

/* 2^f for f in [0, 1): for each digit, the root of the previous factor. */
static uint64_t power_of_two(uint64_t f)
{
    uint64_t out = ONE, step = root((wide)ONE * ONE * 2);

    for (int bit = LOG_BITS - 1; bit >= 0; bit--) {
        if ((f >> bit & 1) != 0)
            out = times(out, step);
        step = root((wide)step << ONE_BITS);
    }
    return out;
}

enum ward_code ward_decimal_power(const struct ward_decimal *base,
                                  const struct ward_decimal *exponent, int exp,
                                  struct ward_decimal *out, struct ward_err *err)
{
    const __int128 whole = (__int128)1 << LOG_BITS;
    uint64_t x = 0, e = 0, ten = 1;
    struct ward_decimal rounded;
    __int128 log, two;
    wide power;

    if (base->negative || exp < -9 || exp > 0 ||
        ward_decimal_round(base, -12, WARD_ROUND_HALF_UP, &rounded, NULL, NULL) != WARD_OK ||
        !scaled(&rounded, 12, &x) || x < 1000000 || x > UINT64_C(1000000000000000000) ||
        !scaled(exponent, 6, &e) || e > 100000000)
        return out_of_range(err);
    log = log_of(x) * (__int128)e / 1000000 * (exponent->negative ? -1 : 1);
    two = log >> LOG_BITS; /* down */
    if (two >= 20)
        return out_of_range(err);
    power = power_of_two((uint64_t)(log - two * whole));
    for (int i = exp; i < 0; i++)
        ten *= 10;
    power = two < -60 ? 0 : (power * ten) >> (ONE_BITS - 1 - (int)two);
    *out = ward_decimal_of((int64_t)((power + 1) / 2), exp);
    return WARD_OK;
}
