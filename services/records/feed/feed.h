/* feed.h - the thread that numbers changes, and keeps the keyring current.
 *
 * A writer inserts its change into `change_new` within its own transaction. It cannot assign a
 * number there: two replicas' transactions might commit in another order, and a rollback would
 * leave a gap. One replica at a time therefore moves committed changes, in the order of
 * change_new's ids, into `feed_change`. A change that was committed before another began has
 * the lower id and becomes visible no later, so it comes first.
 *
 * Threads: one of its own; the functions below are any thread's. Memory: its own, open/close.
 * Errors: logged; a failed step is repeated.
 */
#ifndef RECORDS_FEED_FEED_H
#define RECORDS_FEED_FEED_H

#include "services/records/records.h"

WARD_MUST enum ward_code sequencer_open(struct records *rec, struct sequencer **out,
                                        struct ward_err *err);
void sequencer_close(struct sequencer *s); /* NULL is fine */
/* Changes were committed on this replica: number them now. Never blocks; for
 * ward_db_after_commit. */
void sequencer_wake(void *sequencer);
/* A follower occupies one of the process's streams while it follows: this is the maximum.
 *   RESOURCE_EXHAUSTED  FEED_FULL */
WARD_MUST enum ward_code sequencer_join(struct sequencer *s, struct ward_err *err);
void sequencer_leave(struct sequencer *s);
/* The feed's end as last read by this replica; waits up to wait_ms until it is above
 * `after`.
 */
int64_t sequencer_wait(struct sequencer *s, int64_t after, int wait_ms);

#endif
