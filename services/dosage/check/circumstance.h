/* circumstance.h - the chart's answer to a rule's condition: yes, no, or unknown.
 *
 * Threads: any. Memory: the run's arena. Errors: none; a refused allocation shows in mem->full.
 */
#ifndef DOSAGE_CHECK_CIRCUMSTANCE_H
#define DOSAGE_CHECK_CIRCUMSTANCE_H

#include "services/dosage/check/run.h"

enum truth { TRUTH_NO, TRUTH_UNKNOWN, TRUTH_YES };

/* An answer, and its text in a finding. */
struct answer {
    enum truth is;
    char *en, *zh; /* such as "potassium 6.2 mmol/L"; for an unknown answer, the missing data */
    Ward__Dosage__V1__Compared *compared; /* NULL: the answer has no numbers */
    const char *about;                    /* id of a chart entry; NULL: no entry */
};
struct answer circumstance_ask(struct run *r, const struct circumstance *c);

/* ---- labs.c ---- */

/* The newest value of these LOINC codes; NULL: no value. */
const Ward__Dosage__V1__Measured *lab_newest(const Ward__Dosage__V1__Facts *f,
                                             char *const *loincs, size_t n);
struct answer lab_value(struct run *r, const struct circumstance *c);
struct answer lab_trend(struct run *r, const struct circumstance *c);

#endif
