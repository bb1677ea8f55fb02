/* decimal.h - exact decimal numbers as FHIR defines them. "1.10" differs from "1.1", and no
 * number is a double.
 *
 * A number is coef * 10^exp with up to 38 digits. Trailing zeros remain, so the precision
 * remains. FHIR requires the original text to be preserved; store the text beside the number if
 * it must be returned unchanged. (ward_decimal_print returns the original text of a number
 * without an exponent.)
 *
 * Arithmetic is exact or fails. It never overflows, rounds or uses binary fractions silently.
 * ward_decimal_round and ward_decimal_div_round round explicitly.
 *
 * Threads: pure functions. Memory: the caller's, fixed size; no heap. Errors: INVALID_ARGUMENT
 * (DECIMAL_MALFORMED), OUT_OF_RANGE (DECIMAL_OVERFLOW: over 38 digits, or an exponent beyond
 * +-WARD_DECIMAL_EXP_MAX), FAILED_PRECONDITION (DECIMAL_INEXACT, DECIMAL_ZERO_DIVISOR); outputs
 * unchanged. Outputs may be inputs.
 */
#ifndef WARD_MEASURE_DECIMAL_H
#define WARD_MEASURE_DECIMAL_H

#include "common/base/status.h"

#include <stddef.h>

#define WARD_DECIMAL_TEXT_MAX 64   /* maximum length of a parsed text */
#define WARD_DECIMAL_SIZE     80   /* size of any printed decimal, including its NUL */
#define WARD_DECIMAL_DIGITS   38   /* digits of coef */
#define WARD_DECIMAL_EXP_MAX  1000 /* limit of the exponent of ten, positive and negative */

struct ward_decimal {
    unsigned __int128 coef; /* at most 10^38 - 1 */
    int32_t exp;
    bool negative; /* "-0" is printed with its sign and compares equal to 0 */
};

/* Rounding: towards zero; away from zero; to nearest, half away from zero; to nearest, half to
 * even. */
enum ward_round { WARD_ROUND_DOWN, WARD_ROUND_UP, WARD_ROUND_HALF_UP, WARD_ROUND_HALF_EVEN };

/* Accepts -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)? and nothing else, n <=
 * WARD_DECIMAL_TEXT_MAX. */
WARD_MUST enum ward_code ward_decimal_parse(const char *s, size_t n, struct ward_decimal *out,
                                            struct ward_err *err);

/* n * 10^exp: ward_decimal_of(25, -1) is 2.5. */
struct ward_decimal ward_decimal_of(int64_t n, int exp);

/* Prints digits in full if exp is -40..0 (so "1.10" and "0.00" stay unchanged), otherwise
 * "1.10e+25". The text is valid input of ward_decimal_parse with equal value and digits.
 * Returns the length. */
size_t ward_decimal_print(const struct ward_decimal *a, char out[WARD_DECIMAL_SIZE]);

/* Compares by value: -1, 0 or 1. 1.10 equals 1.1. */
int ward_decimal_cmp(const struct ward_decimal *a, const struct ward_decimal *b);
bool ward_decimal_is_zero(const struct ward_decimal *a);

/* A sum has the smaller of the two exponents; a product has the sum of the exponents: 1.10 + 2
 * = 3.10. */
WARD_MUST enum ward_code ward_decimal_add(const struct ward_decimal *a,
                                          const struct ward_decimal *b,
                                          struct ward_decimal *out, struct ward_err *err);
WARD_MUST enum ward_code ward_decimal_sub(const struct ward_decimal *a,
                                          const struct ward_decimal *b,
                                          struct ward_decimal *out, struct ward_err *err);
WARD_MUST enum ward_code ward_decimal_mul(const struct ward_decimal *a,
                                          const struct ward_decimal *b,
                                          struct ward_decimal *out, struct ward_err *err);

/* The quotient without trailing zeros, if its digits end; DECIMAL_INEXACT for 1/3. */
WARD_MUST enum ward_code ward_decimal_div(const struct ward_decimal *a,
                                          const struct ward_decimal *b,
                                          struct ward_decimal *out, struct ward_err *err);

/* The quotient, or a itself, as a multiple of 10^exp. *inexact (may be NULL) tells whether a
 * non-zero digit was dropped. */
WARD_MUST enum ward_code ward_decimal_div_round(const struct ward_decimal *a,
                                                const struct ward_decimal *b, int exp,
                                                enum ward_round how, struct ward_decimal *out,
                                                bool *inexact, struct ward_err *err);
WARD_MUST enum ward_code ward_decimal_round(const struct ward_decimal *a, int exp,
                                            enum ward_round how, struct ward_decimal *out,
                                            bool *inexact, struct ward_err *err);

/* The canonical form of a value: no trailing zeros, no "-0". Equal values print equal bytes. */
struct ward_decimal ward_decimal_canonical(const struct ward_decimal *a);

/* Number of significant digits, including trailing zeros: 3 for "1.10" and "0.00110", 1 for
 * "0". */
int ward_decimal_significant(const struct ward_decimal *a);

/* The range of a number in a FHIR search: half a unit of its last digit in both directions. 100
 * is [99.5, 100.5), 1.10 is [1.095, 1.105). With a power of ten above 0, a twentieth, as in
 * FHIR's example: 1e2 is [95, 105). Source: HL7 FHIR R4, 3.1.1.4.6 number. */
WARD_MUST enum ward_code ward_decimal_span(const struct ward_decimal *a,
                                           struct ward_decimal *from, struct ward_decimal *to,
                                           struct ward_err *err);

/* The nearest double, for an index or a plot, never for a dose. +-HUGE_VAL beyond its range. */
double ward_decimal_double(const struct ward_decimal *a);

#endif
