/* kidney_need.h - whether a dose depends on an unknown kidney function.
 *
 * Threads: one run's. Memory: none. Errors: none.
 */
#ifndef DOSAGE_CHECK_KIDNEY_NEED_H
#define DOSAGE_CHECK_KIDNEY_NEED_H

#include "services/dosage/check/run.h"

/* Whether unknown kidney function is a warning for this patient, or only INFO. */
bool kidneys_at_risk(struct run *r);
/* The inputs that were missing or used before this ingredient's rules were evaluated. */
struct lacked {
    unsigned used, lacking;
};
/* Clears "kidney function unknown or outdated" if no rule for any kidney function is violated.
 * `instead` as in held.skip. */
void kidneys_needed(struct run *r, const struct share *share, struct sums **sums,
                    unsigned instead, const struct lacked *before);

#endif
