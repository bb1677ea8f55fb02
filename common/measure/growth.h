/* growth.h - which weights and heights of children are plausible for their age and sex.
 *
 * Bounds are in standard deviations from the median, as the CDC's modified z-score counts them:
 * one standard deviation is half the distance between the median and the value at 2 of them.
 * It needs no broken powers, and does not run away at the ends as the LMS score does.
 *
 * Threads: pure. Memory: static. Errors: none.
 */
#ifndef WARD_MEASURE_GROWTH_H
#define WARD_MEASURE_GROWTH_H

#include "common/measure/decimal.h"

enum ward_growth { WARD_GROWTH_WEIGHT, WARD_GROWTH_HEIGHT };
enum ward_growth_sex { WARD_GROWTH_ANY, WARD_GROWTH_MALE, WARD_GROWTH_FEMALE };

/* Days since birth that the tables go to: 20 years. */
#define WARD_GROWTH_DAYS 7305

/* The weight (kg) or height (cm) that is z standard deviations above the median, or below where
 * z is negative, for any age of [from_days, to_days]: of an unknown sex or day the outermost.
 * Days below 0 count as 0, beyond the tables as their end. Not below 0. */
struct ward_decimal ward_growth_bound(enum ward_growth what, enum ward_growth_sex sex,
                                      int64_t from_days, int64_t to_days,
                                      const struct ward_decimal *z);

#endif
