/* next_due.h - the first dose that an order asks for.
 *
 * Threads: any. Memory: none. Errors: none.
 */
#ifndef DOSAGE_ORDER_NEXT_DUE_H
#define DOSAGE_ORDER_NEXT_DUE_H

#include "services/dosage/order/order_own.h"
#include "services/dosage/schedule/slots.h"

/* When the first dose from at_us on is due; of a new order (not `changes`) the one before while
 * its window is open. 0: none. The prescription may be invalid: then 0, too. */
int64_t next_due(const struct clock *clock, const Prescription *p, bool changes, int64_t at_us);
/* Start and timing are the same. */
bool same_times(const Prescription *a, const Prescription *b);

#endif
