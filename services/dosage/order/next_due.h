/* next_due.h - the first due dose of an order.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef DOSAGE_ORDER_NEXT_DUE_H
#define DOSAGE_ORDER_NEXT_DUE_H

#include "services/dosage/order/order_own.h"
#include "services/dosage/schedule/slots.h"

/* The first due time at or after at_us. For a new order (`changes` is false), an earlier due
 * time counts if its window is still open. 0: no due time, or an invalid prescription. */
int64_t next_due(const struct clock *clock, const Prescription *p, bool changes, int64_t at_us);
/* Both prescriptions have an equal start and timing. */
bool same_times(const Prescription *a, const Prescription *b);

#endif
