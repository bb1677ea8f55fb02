/* kidney_need.h - whether a dose depends on an unknown kidney function.
 *
 * Threads: each run belongs to one thread. Memory: none. Errors: none.
 */
#ifndef DOSAGE_CHECK_KIDNEY_NEED_H
#define DOSAGE_CHECK_KIDNEY_NEED_H

#include "services/dosage/check/run.h"

/* Whether an unknown kidney function is a warning for this patient; otherwise INFO. */
bool kidneys_at_risk(struct run *r);
/* Inputs that were missing or used before this ingredient's rules were evaluated. */
struct lacked {
    unsigned used, lacking;
};
/* Removes the finding about an unknown or outdated kidney function, if no kidney function would
 * violate a rule. `instead`: as held.skip. */
void kidneys_needed(struct run *r, const struct share *share, struct sums **sums,
                    unsigned instead, const struct lacked *before);

#endif
