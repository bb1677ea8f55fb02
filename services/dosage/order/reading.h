/* reading.h - what the reading methods do the same way: who asks about whom, and the event.
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
/* Begins, and asks whether the caller may see this patient. */
WARD_MUST enum ward_code reading_of(struct reading *r, struct ward_call *c,
                                    const char *patient_id);
/* The same of a patient that a row named: not the caller, so what fails says nothing of them.
 */
WARD_MUST enum ward_code reading_may(struct reading *r, const char *patient_id);
/* The event, in a transaction of its own. */
WARD_MUST enum ward_code reading_tell(struct reading *r);

#endif
