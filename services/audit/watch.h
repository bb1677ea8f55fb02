/* watch.h - watches the stored log: entries of other replicas, unfinished erasures, and whether
 * the log extends its earlier state.
 *
 * Threads: a thread of its own; one thread starts and stops it. Memory: `keep` belongs to the
 * process. Errors: waits while the database is unavailable. If the log does not extend its
 * earlier state, calls audit_broke, which stops all appends. */
#ifndef AUDIT_WATCH_H
#define AUDIT_WATCH_H

#include "services/audit/audit.h"

struct audit_watch;
WARD_MUST enum ward_code watch_start(struct audit *a, struct ward_arena *keep,
                                     struct audit_watch **out, struct ward_err *err);
void watch_stop(struct audit_watch *w); /* NULL is allowed */

/* Checks whether the log extends the head in the anchor file. OK if the file does not exist.
 *   FAILED_PRECONDITION  the file is not a head of this log
 *   DATA_LOSS            the log does not extend the file's head */
WARD_MUST enum ward_code anchor_check(struct audit *a, struct ward_db *db,
                                      struct ward_arena *mem, const struct audit_head *head,
                                      struct ward_err *err);
/* Writes this head to the anchor file, atomically. */
void anchor_write(const struct audit *a, const struct audit_head *head);

/* Clears the rows of unfinished erasures, whose content key is already destroyed; *rows is
 * their number. Runs after an erasure, and in the watcher for erasures that a crash
 * interrupted. */
WARD_MUST enum ward_code erase_clear(struct ward_db *db, struct ward_arena *mem, uint64_t *rows,
                                     struct ward_err *err);

#endif
