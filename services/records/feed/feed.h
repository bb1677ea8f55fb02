/* feed.h - the thread that numbers changes, and keeps the keyring up to date.
 *
 * A writer puts its change into `change_new` within its own transaction. Numbers cannot be
 * given there: two replicas' transactions would commit in another order than their numbers, and
 * one that is rolled back would leave a gap. So one replica at a time moves what is committed,
 * in the order of change_new's ids, into `feed_change`. A change that was committed before
 * another began has the lower id and is seen no later, and so comes first.
 *
 * Threads: one of its own; the functions below are any thread's. Memory: its own, open/close.
 * Errors: logged; a step that failed is taken again.
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
/* A follower holds one of the process's streams for as long as it follows: so many at once.
 *   RESOURCE_EXHAUSTED  FEED_FULL */
WARD_MUST enum ward_code sequencer_join(struct sequencer *s, struct ward_err *err);
void sequencer_leave(struct sequencer *s);
/* The feed's end as this replica last saw it; waits up to wait_ms while it is not past `after`.
 */
int64_t sequencer_wait(struct sequencer *s, int64_t after, int wait_ms);

#endif
