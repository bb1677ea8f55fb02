/* workaround.h - rows of workarounds, and the rows in which they are found.
 *
 * Threads: a connection's own. Memory: the arena. Errors: db.h's.
 */
#ifndef DOSAGE_TRACK_WORKAROUND_H
#define DOSAGE_TRACK_WORKAROUND_H

#include "services/dosage/track/patterns.h"

/* ---- sources.c: the inputs ---- */

/* Recorded in (from_us, to_us], ascending. */
WARD_MUST enum ward_code charted_in(struct ward_db *db, struct ward_arena *mem, int64_t from_us,
                                    int64_t to_us, struct charted **out, size_t *n,
                                    struct ward_err *err);
WARD_MUST enum ward_code misuse_in(struct ward_db *db, struct ward_arena *mem, int64_t from_us,
                                   int64_t to_us, struct charted **out, size_t *n,
                                   struct ward_err *err);
/* Complete patterns with evidence: by shares, and of emergency doses that are late at to_us. */
WARD_MUST enum ward_code find_unscanned(struct ward_db *db, struct ward_arena *mem,
                                        int64_t to_us, struct patterns *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code find_habits(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                     struct patterns *out, struct ward_err *err);
WARD_MUST enum ward_code find_late(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                   struct patterns *out, struct ward_err *err);
/* Actions of one person above a threshold, of every kind that a query counts (habits.c). */
WARD_MUST enum ward_code find_counted(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                      struct patterns *out, struct ward_err *err);
/* A pattern's evidence, from rows of id and time, the newest first. Not borrowed. */
struct ward_rows;
WARD_MUST enum ward_code pattern_rows(struct pattern *p, const struct ward_rows *rows,
                                      struct ward_arena *mem, struct ward_err *err);
/* Emergency doses without a timely acknowledgement. */
WARD_MUST enum ward_code count_late(struct ward_db *db, struct ward_arena *mem, int64_t now_us,
                                    int64_t *n, struct ward_err *err);

/* ---- keep.c: the findings ---- */

/* same[0..n): of the same `about`, sorted by last_us. Creates a workaround, or extends one that
 * was not reviewed yet. After a review a new one begins. In a transaction. */
WARD_MUST enum ward_code workaround_keep(struct ward_db *db, struct ward_arena *mem,
                                         const struct pattern *same, size_t n,
                                         struct ward_err *err);
/* Everything recorded before this time was scanned; 0: nothing yet. */
WARD_MUST enum ward_code watch_looked(struct ward_db *db, struct ward_arena *mem,
                                      int64_t *to_us, struct ward_err *err);
WARD_MUST enum ward_code watch_keep_looked(struct ward_db *db, struct ward_arena *mem,
                                           int64_t to_us, struct ward_err *err);

#endif
