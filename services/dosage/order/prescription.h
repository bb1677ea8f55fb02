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
/* The time when an order leaves the list of active orders: two days after its last dose, or its
 * end if the end is earlier. On the second day, the last dose is only displayed. An order whose
 * last dose is before written_at_us (the time of the order's version) leaves two days after
 * written_at_us, because of the doses of the previous version. INT64_MAX: never. */
int64_t prescription_until(const Ward__Dosage__V1__Prescription *p, int64_t written_at_us);

#endif
