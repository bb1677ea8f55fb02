/* kidney_need.h - whether a dose depends on kidneys that nobody measured.
 *
 * Threads: one run's. Memory: none. Errors: none.
 */
#ifndef DOSAGE_CHECK_KIDNEY_NEED_H
#define DOSAGE_CHECK_KIDNEY_NEED_H

#include "services/dosage/check/run.h"

/* Whether unknown kidneys are a warning for this patient, or are only told of. */
bool kidneys_at_risk(struct run *r);
/* What was lacking and used before this ingredient's rules were looked at. */
struct lacked {
    unsigned used, lacking;
};
/* Forgets that kidneys are unknown or old where no rule of any kidney function is broken.
 * `instead` as in held.skip. */
void kidneys_needed(struct run *r, const struct share *share, struct sums **sums,
                    unsigned instead, const struct lacked *before);

#endif
