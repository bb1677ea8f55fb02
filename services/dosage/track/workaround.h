/* workaround.h - rows of workarounds, and the rows they are found in.
 *
 * Threads: a connection's own. Memory: the arena. Errors: db.h's.
 */
#ifndef DOSAGE_TRACK_WORKAROUND_H
#define DOSAGE_TRACK_WORKAROUND_H

#include "services/dosage/track/patterns.h"

/* ---- sources.c: what is looked at ---- */

/* Recorded in (from_us, to_us], rising. */
WARD_MUST enum ward_code charted_in(struct ward_db *db, struct ward_arena *mem, int64_t from_us,
                                    int64_t to_us, struct charted **out, size_t *n,
                                    struct ward_err *err);
WARD_MUST enum ward_code misuse_in(struct ward_db *db, struct ward_arena *mem, int64_t from_us,
                                   int64_t to_us, struct charted **out, size_t *n,
                                   struct ward_err *err);
/* Whole patterns, evidence and all: by shares, and of emergencies that are late at to_us. */
WARD_MUST enum ward_code find_unscanned(struct ward_db *db, struct ward_arena *mem,
                                        int64_t to_us, struct patterns *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code find_habits(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                     struct patterns *out, struct ward_err *err);
WARD_MUST enum ward_code find_late(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                   struct patterns *out, struct ward_err *err);
/* What one person did too often, of every kind that a query counts (habits.c). */
WARD_MUST enum ward_code find_counted(struct ward_db *db, struct ward_arena *mem, int64_t to_us,
                                      struct patterns *out, struct ward_err *err);
/* A pattern's evidence, from rows of id and time, the newest first. Borrowed by nobody. */
struct ward_rows;
WARD_MUST enum ward_code pattern_rows(struct pattern *p, const struct ward_rows *rows,
                                      struct ward_arena *mem, struct ward_err *err);
/* Emergencies that nobody acknowledged in time. */
WARD_MUST enum ward_code count_late(struct ward_db *db, struct ward_arena *mem, int64_t now_us,
                                    int64_t *n, struct ward_err *err);

/* ---- keep.c: what was found ---- */

/* same[0..n): of the same `about`, in order of last_us. A new workaround, or more of one that
 * nobody has reviewed yet. What comes after a review is a new one. In a transaction. */
WARD_MUST enum ward_code workaround_keep(struct ward_db *db, struct ward_arena *mem,
                                         const struct pattern *same, size_t n,
                                         struct ward_err *err);
/* Everything recorded before it was looked at; 0: nothing was yet. */
WARD_MUST enum ward_code watch_looked(struct ward_db *db, struct ward_arena *mem,
                                      int64_t *to_us, struct ward_err *err);
WARD_MUST enum ward_code watch_keep_looked(struct ward_db *db, struct ward_arena *mem,
                                           int64_t to_us, struct ward_err *err);

#endif
