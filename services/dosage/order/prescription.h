/* prescription.h - whether a prescription is valid in itself, before the check: pure.
 *
 * Threads: any. Memory: none. Errors: INVALID_ARGUMENT, DOSE_UNIT, DOSE_VALUE, TIMING_INVALID;
 * others name the field.
 */
#ifndef DOSAGE_ORDER_PRESCRIPTION_H
#define DOSAGE_ORDER_PRESCRIPTION_H

#include "services/dosage/check/check.h"

/* at_us: now. The check evaluates the rules of its drug. */
WARD_MUST enum ward_code prescription_valid(const Ward__Dosage__V1__Prescription *p,
                                            int64_t at_us, struct ward_err *err);
/* It has an end before this time. */
bool prescription_over(const Ward__Dosage__V1__Prescription *p, int64_t at_us);
/* Its last dose was due more than 24 h ago, so that no slot of it can be charted any more: it
 * is not active, whatever its state. For doses at times of the day, the latest possible day of
 * the last dose.
 */
bool prescription_spent(const Ward__Dosage__V1__Prescription *p, int64_t at_us);
/* How long an order that was written then is searched among the active ones: until its end, or
 * two days beyond its last dose (on the second day it is only displayed). At least two days
 * from its writing, for the doses of the version before. INT64_MAX: forever. */
int64_t prescription_until(const Ward__Dosage__V1__Prescription *p, int64_t written_at_us);

#endif
