/* keeper.h - group commit of decisions: a thread takes all waiting decisions of Check calls,
 * commits them in one transaction with their findings and audit events, and wakes their
 * callers. During a commit the next ones gather, and it begins at most one transaction every
 * PACE_NS. Under load a commit serves many calls; a single call does not wait. Decisions based
 * on a cached head are first compared with the tables, all in one statement.
 *
 * Threads: keeper_keep from any worker; it waits until its decision is committed or has failed,
 * and its arguments are read until then. Memory: its own. Errors: keeper_open's db.h's;
 * keeper_keep's those of its transaction, and DEADLINE_EXCEEDED if storing had not begun by the
 * deadline.
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
    const struct head *head; /* the cached head that the decision is based on; NULL: not
                              * cached */
    bool stale;              /* inputs changed: the decision was not stored. The call still
                              * returns WARD_OK; the caller must
                              *  recompute */
};
WARD_MUST enum ward_code keeper_keep(struct keeper *k, struct ward_arena *mem,
                                     struct keeping *what, int64_t deadline_ns,
                                     struct ward_err *err);

#endif
