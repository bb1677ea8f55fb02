/* circumstance.h - a chart's answer to a rule's question: yes, no, or unknown.
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
    char *en, *zh; /* "potassium 6.2 mmol/L"; if unknown: the missing data */
    Ward__Dosage__V1__Compared *compared; /* NULL: no numbers */
    const char *about;                    /* a chart entry; NULL: none */
};
struct answer circumstance_ask(struct run *r, const struct circumstance *c);

/* ---- labs.c ---- */

/* The newest value of these LOINC codes, and the newest before a given time; NULL: none. */
const Ward__Dosage__V1__Measured *lab_newest(const Ward__Dosage__V1__Facts *f,
                                             char *const *loincs, size_t n);
struct answer lab_value(struct run *r, const struct circumstance *c);
struct answer lab_trend(struct run *r, const struct circumstance *c);

#endif
