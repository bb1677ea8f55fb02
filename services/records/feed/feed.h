/* feed.h - the sequencer: a thread that numbers changes and updates the keyring.
 *
 * A writer inserts its change into `change_new` within its own transaction. The writer cannot
 * assign a sequence number: two replicas' transactions might commit in a different order, and a
 * rollback would leave a gap. One replica at a time therefore moves committed changes, in the
 * order of change_new's ids, into `feed_change`. If a change was committed before another
 * transaction began, it has the lower id and is numbered first.
 *
 * Threads: the sequencer has its own thread; any thread may call the functions below. Memory:
 * allocated by sequencer_open, freed by sequencer_close. Errors: logged; a failed step is
 * repeated.
 */
#ifndef RECORDS_FEED_FEED_H
#define RECORDS_FEED_FEED_H

#include "services/records/records.h"

WARD_MUST enum ward_code sequencer_open(struct records *rec, struct sequencer **out,
                                        struct ward_err *err);
void sequencer_close(struct sequencer *s); /* accepts NULL */
/* Wakes the sequencer after a commit on this replica, so that it numbers the changes now. Never
 * blocks; for ward_db_after_commit. */
void sequencer_wake(void *sequencer);
/* Registers a follower, which occupies one of the process's streams. Fails if the configured
 * maximum of followers is reached.
 *   RESOURCE_EXHAUSTED  FEED_FULL */
WARD_MUST enum ward_code sequencer_join(struct sequencer *s, struct ward_err *err);
void sequencer_leave(struct sequencer *s);
/* Returns the feed's end as last read by this replica. Waits up to wait_ms for an end greater
 * than `after`.
 */
int64_t sequencer_wait(struct sequencer *s, int64_t after, int wait_ms);

#endif
