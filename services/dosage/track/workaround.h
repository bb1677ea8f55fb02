/* workaround.h - rows of workarounds, and the rows that are searched for workarounds.
 *
 * Threads: the connection's thread. Memory: the arena. Errors: those of db.h.
 */
#ifndef DOSAGE_TRACK_WORKAROUND_H
#define DOSAGE_TRACK_WORKAROUND_H

#include "services/dosage/track/patterns.h"

/* ---- sources.c: the inputs ---- */

/* Rows recorded in (from_us, to_us], ascending. */
WARD_MUST enum ward_code charted_in(struct ward_db *db, struct ward_arena *mem, int64_t from_us,
                                    int64_t to_us, struct charted **out, size_t *n,
                                    struct ward_err *err);
WARD_MUST enum ward_code misuse_in(struct ward_db *db, struct ward_arena *mem, int64_t from_us,
                                   int64_t to_us, struct charted **out, size_t *n,
                                   struct ward_err *err);
/* Find complete patterns with evidence: shares, and emergency doses whose acknowledgement is
 * late at to_us. */
WARD_MUST enum ward_code find_unscanned(struct ward_db *db, struct ward_arena *mem,
                                        int64_t to_us, struct patterns *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code find_habits(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                     struct patterns *out, struct ward_err *err);
WARD_MUST enum ward_code find_late(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                   struct patterns *out, struct ward_err *err);
/* Finds actions of one person above a threshold, for every kind that a query counts
 * (habits.c). */
WARD_MUST enum ward_code find_counted(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                      struct patterns *out, struct ward_err *err);
/* Copies a pattern's evidence from rows of id and time, newest first. */
struct ward_rows;
WARD_MUST enum ward_code pattern_rows(struct pattern *p, const struct ward_rows *rows,
                                      struct ward_arena *mem, struct ward_err *err);
/* Counts emergency doses without a timely acknowledgement. */
WARD_MUST enum ward_code count_late(struct ward_db *db, struct ward_arena *mem, int64_t now_us,
                                    int64_t *n, struct ward_err *err);

/* ---- keep.c: the findings ---- */

/* same[0..n): findings of the same `about`, sorted by last_us. Creates a workaround, or extends
 * a workaround that was not reviewed yet. After a review, a new workaround begins. Call in a
 * transaction. */
WARD_MUST enum ward_code workaround_keep(struct ward_db *db, struct ward_arena *mem,
                                         const struct pattern *same, size_t n,
                                         struct ward_err *err);
/* *to_us: all rows recorded before this time were scanned; 0: no scan yet. */
WARD_MUST enum ward_code watch_looked(struct ward_db *db, struct ward_arena *mem,
                                      int64_t *to_us, struct ward_err *err);
WARD_MUST enum ward_code watch_keep_looked(struct ward_db *db, struct ward_arena *mem,
                                           int64_t to_us, struct ward_err *err);

#endif
