/* watch.h - follows the stored log: what other replicas append, what erasures have left to
 * clear, and whether the log still goes on from what it was.
 *
 * Threads: one of its own; start/stop from one. Memory: `keep` is the process's. Errors: a lost
 * database is waited for; a log that does not go on from what it was breaks it (audit_broke).
 */
#ifndef AUDIT_WATCH_H
#define AUDIT_WATCH_H

#include "services/audit/audit.h"

struct audit_watch;
WARD_MUST enum ward_code watch_start(struct audit *a, struct ward_arena *keep,
                                     struct audit_watch **out, struct ward_err *err);
void watch_stop(struct audit_watch *w); /* NULL is fine */

/* Does the log go on from the head in the anchor file? OK where there is no file.
 *   FAILED_PRECONDITION  the file is not a head of this log;  DATA_LOSS  it does not */
WARD_MUST enum ward_code anchor_check(struct audit *a, struct ward_db *db,
                                      struct ward_arena *mem, const struct audit_head *head,
                                      struct ward_err *err);
/* Keeps this head in the anchor file, atomically. */
void anchor_write(const struct audit *a, const struct audit_head *head);

/* Clears the rows whose content key is gone, of all erasures that are not done yet; *rows is
 * how many. After an erasure, and by the watcher for what a crash left. */
WARD_MUST enum ward_code erase_clear(struct ward_db *db, struct ward_arena *mem, uint64_t *rows,
                                     struct ward_err *err);

#endif
