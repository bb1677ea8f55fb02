/* feed.h - the thread that numbers changes, and keeps the keyring up to date.
 *
 * Threads: one of its own. Memory: its own, open/close. Errors: logged; a step that failed is
 * taken again.
 */
#ifndef RECORDS_FEED_FEED_H
#define RECORDS_FEED_FEED_H

#include "services/records/records.h"

WARD_MUST enum ward_code sequencer_open(struct records *rec, struct sequencer **out,
                                        struct ward_err *err);
void sequencer_close(struct sequencer *s); /* NULL is fine */
/* Changes were committed on this replica: number them now. Any thread; never blocks. */
void sequencer_wake(struct sequencer *s);
/* The feed's last number, as this replica knows it; any thread. */
int64_t sequencer_last(struct sequencer *s);

#endif
