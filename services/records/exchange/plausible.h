/* plausible.h - plausible ranges of measurements of living people.
 *
 * The bounds are published ones: each row of plausible_ranges.c names its source. They are
 * wide: a value outside is far more often a typing error or a wrong unit than a real value, and
 * a person decides.
 *
 * Threads: any. Memory: static. Errors: none.
 */
#ifndef RECORDS_EXCHANGE_PLAUSIBLE_H
#define RECORDS_EXCHANGE_PLAUSIBLE_H

#include <stdbool.h>

struct plausible_range {
    const char *loinc; /* codes, separated by spaces */
    const char *name;
    const char *low, *high; /* decimals, both bounds are plausible */
    const char *unit;       /* UCUM; "1": no unit is needed */
    const char *slips;      /* units that are often written by mistake, separated by spaces */
    const char *source;     /* who says so */
};
extern const struct plausible_range plausible_ranges[]; /* the last loinc is NULL */
/* NULL: no range for this code. */
const struct plausible_range *plausible_of(const char *loinc);

#endif
