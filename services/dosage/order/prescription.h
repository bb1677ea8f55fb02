/* prescription.h - whether a prescription can be one at all, before it is checked: pure.
 *
 * Threads: any. Memory: none. Errors: INVALID_ARGUMENT, DOSE_UNIT, DOSE_VALUE, TIMING_INVALID;
 * others name the field.
 */
#ifndef DOSAGE_ORDER_PRESCRIPTION_H
#define DOSAGE_ORDER_PRESCRIPTION_H

#include "services/dosage/check/check.h"

/* at_us: now. What its rules say of its drug is the check's. */
WARD_MUST enum ward_code prescription_valid(const Ward__Dosage__V1__Prescription *p,
                                            int64_t at_us, struct ward_err *err);
/* It ends, and did before this moment. */
bool prescription_over(const Ward__Dosage__V1__Prescription *p, int64_t at_us);
/* Its last dose was due over 24 h before, when no slot of it can be charted any more: it runs
 * no longer, whatever its state. Of doses at times of the day the latest day that the last can
 * be.
 */
bool prescription_spent(const Ward__Dosage__V1__Prescription *p, int64_t at_us);
/* Until when an order that was written then is looked for among those that run: to its end, or
 * two days beyond its last dose, the second of which it is only shown in. Two days from when it
 * was written at the least, for the doses that the version before had. INT64_MAX: for good. */
int64_t prescription_until(const Ward__Dosage__V1__Prescription *p, int64_t written_at_us);

#endif
