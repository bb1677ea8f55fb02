/* plausible.h - between which values a measurement of a living person lies.
 *
 * The bounds are published ones: each row of plausible_ranges.c names its source. They are
 * wide: what is outside is a slip of the pen or of the unit far more often than a patient, and
 * a person decides which.
 *
 * Threads: any. Memory: static. Errors: none.
 */
#ifndef RECORDS_EXCHANGE_PLAUSIBLE_H
#define RECORDS_EXCHANGE_PLAUSIBLE_H

#include <stdbool.h>

struct plausible_range {
    const char *loinc; /* codes, a space between */
    const char *name;
    const char *low, *high; /* decimals, both plausible themselves */
    const char *unit;       /* UCUM; "1": none is needed */
    const char *slips;      /* units that are written as `unit` by mistake, a space between */
    const char *source;     /* who says so */
};
extern const struct plausible_range plausible_ranges[]; /* ends with a NULL loinc */
/* NULL: nothing is known of this code. */
const struct plausible_range *plausible_of(const char *loinc);

#endif
