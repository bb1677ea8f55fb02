/* reading.h - steps that all read methods share: access to the patient, and the audit event.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: order.h's.
 */
#ifndef DOSAGE_ORDER_READING_H
#define DOSAGE_ORDER_READING_H

#include "services/dosage/order/order_own.h"

#define READ_USUAL 50
#define READ_MOST  200

struct reading {
    struct ward_call *call;
    struct ward_event event;
    struct chart chart;
};
/* Begins, and checks the caller's access to this patient. */
WARD_MUST enum ward_code reading_of(struct reading *r, struct ward_call *c,
                                    const char *patient_id);
/* The same for a patient from a row, not from the caller; errors therefore reveal nothing about
 * the patient.
 */
WARD_MUST enum ward_code reading_may(struct reading *r, const char *patient_id);
/* The event, in its own transaction. */
WARD_MUST enum ward_code reading_tell(struct reading *r);

#endif
