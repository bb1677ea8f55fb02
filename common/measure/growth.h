/* growth.h - plausible weights and heights of children by age and sex.
 *
 * Bounds are in standard deviations from the median, as in the CDC's modified z-score: one
 * standard deviation is half the distance between the median and the value at 2 standard
 * deviations. The modified score needs no fractional powers and, unlike the LMS score, does not
 * diverge at the ends.
 *
 * Threads: pure. Memory: static. Errors: none.
 */
#ifndef WARD_MEASURE_GROWTH_H
#define WARD_MEASURE_GROWTH_H

#include "common/measure/decimal.h"

enum ward_growth { WARD_GROWTH_WEIGHT, WARD_GROWTH_HEIGHT };
enum ward_growth_sex { WARD_GROWTH_ANY, WARD_GROWTH_MALE, WARD_GROWTH_FEMALE };

/* End of the tables in days since birth: 20 years. */
#define WARD_GROWTH_DAYS 7305

/* The weight (kg) or height (cm) at z standard deviations above the median (below it for a
 * negative z), for any age in [from_days, to_days]. For an unknown sex or day, the outermost
 * value. Days below 0 count as 0, days beyond the tables as their end. Never below 0. */
struct ward_decimal ward_growth_bound(enum ward_growth what, enum ward_growth_sex sex,
                                      int64_t from_days, int64_t to_days,
                                      const struct ward_decimal *z);

#endif
