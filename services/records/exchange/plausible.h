/* plausible.h - plausible ranges of measurements of living people.
 *
 * The bounds were published: each row of plausible_ranges.c names its source. The ranges are
 * wide: a value outside is far more often a typing error or a wrong unit than a real value. A
 * person decides.
 *
 * Threads: any thread. Memory: static. Errors: none.
 */
#ifndef RECORDS_EXCHANGE_PLAUSIBLE_H
#define RECORDS_EXCHANGE_PLAUSIBLE_H

#include <stdbool.h>

struct plausible_range {
    const char *loinc; /* LOINC codes, separated by spaces */
    const char *name;
    const char *low, *high; /* decimals; the bounds themselves are plausible */
    const char *unit;       /* UCUM unit; "1": a unit is not required */
    const char *slips;      /* units that are often written by mistake, separated by spaces */
    const char *source;     /* publication of the bounds */
};
/* ends with a row whose loinc is NULL */
extern const struct plausible_range plausible_ranges[];
/* Finds the range of a code; NULL: there is no range. */
const struct plausible_range *plausible_of(const char *loinc);

#endif
