/* next_due.h - the first due dose of an order.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef DOSAGE_ORDER_NEXT_DUE_H
#define DOSAGE_ORDER_NEXT_DUE_H

#include "services/dosage/order/order_own.h"
#include "services/dosage/schedule/slots.h"

/* The first due time from at_us on; for a new order (not `changes`) the previous dose while its
 * window is open. 0: none. For an invalid prescription also 0. */
int64_t next_due(const struct clock *clock, const Prescription *p, bool changes, int64_t at_us);
/* Start and timing are equal. */
bool same_times(const Prescription *a, const Prescription *b);

#endif
