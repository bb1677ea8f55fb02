/* prescription.h - whether a prescription is valid in itself, before the dose check: pure.
 *
 * Threads: any. Memory: none. Errors: INVALID_ARGUMENT with the reason DOSE_UNIT, DOSE_VALUE or
 * TIMING_INVALID, or with the field's name.
 */
#ifndef DOSAGE_ORDER_PRESCRIPTION_H
#define DOSAGE_ORDER_PRESCRIPTION_H

#include "services/dosage/check/check.h"

/* at_us: now. The rules of the drug are not evaluated here, but by the dose check. */
WARD_MUST enum ward_code prescription_valid(const Ward__Dosage__V1__Prescription *p,
                                            int64_t at_us, struct ward_err *err);
/* True if the prescription has ended by at_us. */
bool prescription_over(const Ward__Dosage__V1__Prescription *p, int64_t at_us);
/* True if the last dose was due more than 24 h ago, so that none of its slots can be charted
 * any more. The order is then not active, in any state. For doses at times of the day, the
 * latest possible day of the last dose counts. */
bool prescription_spent(const Ward__Dosage__V1__Prescription *p, int64_t at_us);
/* The time until which an order, written at written_at_us, is searched among the active orders:
 * its end, or two days after its last dose (on the second day the dose is only displayed). At
 * least two days from the writing, for the doses of the previous version. INT64_MAX:
 * forever. */
int64_t prescription_until(const Ward__Dosage__V1__Prescription *p, int64_t written_at_us);

#endif
