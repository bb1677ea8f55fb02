/* keeper.h - keeps the decisions of Checks of several calls in one transaction each: a thread
 * takes all that wait, commits them with their findings and audit events, and wakes their
 * callers. While it commits, the next ones gather; and it begins no two within PACE_NS, so
 * under load a commit serves many, and a lone one waits for nobody. What was decided by a head
 * that was kept in memory is compared with the tables first, all in one statement.
 *
 * Threads: keeper_keep from any worker, which waits until its own is committed or has failed:
 * what it gave is read until then. Memory: its own. Errors: keeper_open's db.h's; keeper_keep's
 * those of its transaction, and DEADLINE_EXCEEDED where nobody had begun it by then.
 */
#ifndef DOSAGE_ORDER_KEEPER_H
#define DOSAGE_ORDER_KEEPER_H

#include "common/db/outbox.h"
#include "services/dosage/order/order_own.h"

WARD_MUST enum ward_code keeper_open(struct dosage *dos, struct keeper **out,
                                     struct ward_err *err);
/* Once no worker is left. NULL is fine. */
void keeper_close(struct keeper *k);
struct keeping {
    const struct decision_rows *rows;
    const struct ward_outbox_item *event;
    const struct head *head; /* it was decided by this, which is kept in memory; NULL: not so */
    bool stale;              /* it does not stand: nothing is kept, though WARD_OK */
};
WARD_MUST enum ward_code keeper_keep(struct keeper *k, struct ward_arena *mem,
                                     struct keeping *what, int64_t deadline_ns,
                                     struct ward_err *err);

#endif
