/* reading.h - steps that all read methods share: access to the patient, and the audit event.
 *
 * Threads: any worker. Memory: the call's arena. Errors: those of order.h.
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
/* Checks the caller's access to a patient named by a row. The caller did not name the patient,
 * so errors reveal nothing about the patient. */
WARD_MUST enum ward_code reading_may(struct reading *r, const char *patient_id);
/* Writes the event in its own transaction. */
WARD_MUST enum ward_code reading_tell(struct reading *r);

#endif
