/* power.h - a decimal to the power of a decimal, in whole numbers: the same bytes on every
 * machine.
 *
 * For formulas with fractional exponents (kidney function by CKD-EPI). The power is computed in
 * binary fixed point with 60 digits, one digit at a time, with a relative error below 2^-48.
 * The result is rounded to the nearest multiple of 10^exp, half up.
 *
 * Threads: pure. Memory: the caller's. Errors: OUT_OF_RANGE (DECIMAL_OVERFLOW) if the base is
 * outside 10^-6 to 10^6, the exponent is outside -100 to 100 or has more than 6 decimals, the
 * power is not below 10^6, or exp is outside -9 to 0. Outputs unchanged.
 */
#ifndef WARD_MEASURE_POWER_H
#define WARD_MEASURE_POWER_H

#include "common/measure/decimal.h"

WARD_MUST enum ward_code ward_decimal_power(const struct ward_decimal *base,
                                            const struct ward_decimal *exponent, int exp,
                                            struct ward_decimal *out, struct ward_err *err);

#endif
