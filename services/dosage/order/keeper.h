/* keeper.h - group commit of decisions: a thread takes all waiting decisions of Check calls,
 * commits them in one transaction with their findings and audit events, and wakes their
 * callers. During a commit, new decisions gather. The thread begins at most one transaction
 * every PACE_NS. Under load, a commit serves many calls; a single call does not wait. Decisions
 * based on a cached head are first compared with the tables, all in one statement.
 *
 * Threads: any worker may call keeper_keep. The call waits until its decision is committed or
 * has failed; its arguments must be valid until then. Memory: its own. Errors of keeper_open:
 * db.h's. Errors of keeper_keep: those of its transaction, and DEADLINE_EXCEEDED if storing had
 * not begun by the deadline.
 */
#ifndef DOSAGE_ORDER_KEEPER_H
#define DOSAGE_ORDER_KEEPER_H

#include "common/db/outbox.h"
#include "services/dosage/order/order_own.h"

WARD_MUST enum ward_code keeper_open(struct dosage *dos, struct keeper **out,
                                     struct ward_err *err);
/* Call after the last worker has ended. NULL is allowed. */
void keeper_close(struct keeper *k);
struct keeping {
    const struct decision_rows *rows;
    const struct ward_outbox_item *event;
    const struct head *head; /* cached head that the decision is based on; NULL: not cached */
    /* Inputs changed: the decision was not stored. The call still returns WARD_OK; the caller
     * must recompute. */
    bool stale;
};
WARD_MUST enum ward_code keeper_keep(struct keeper *k, struct ward_arena *mem,
                                     struct keeping *what, int64_t deadline_ns,
                                     struct ward_err *err);

#endif
