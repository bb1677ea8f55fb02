/* power.h - a decimal to a decimal power, in whole numbers: the same bytes on every machine.
 *
 * For formulas with broken exponents (kidney function by CKD-EPI). The power is worked out in
 * binary fixed point of 60 digits, one digit at a time; its relative error is below 2^-48, and
 * it is then rounded to the multiple of 10^exp that is nearest, a half up.
 *
 * Threads: pure. Memory: the caller's. Errors: OUT_OF_RANGE (DECIMAL_OVERFLOW): the base is not
 * from 10^-6 to 10^6, the exponent not from -100 to 100 with 6 decimals at most, the power not
 * below 10^6, or exp not from -9 to 0. Outputs untouched.
 */
#ifndef WARD_MEASURE_POWER_H
#define WARD_MEASURE_POWER_H

#include "common/measure/decimal.h"

WARD_MUST enum ward_code ward_decimal_power(const struct ward_decimal *base,
                                            const struct ward_decimal *exponent, int exp,
                                            struct ward_decimal *out, struct ward_err *err);

#endif
