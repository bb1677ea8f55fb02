/* counts.h - numbers of stored subjects and faces, by kind (SUBJECT_PATIENT, SUBJECT_STAFF).
 *
 * Threads: each thread uses its own connection. Memory: the arena. Errors: those of db.h. */
#ifndef IDENTITY_SUBJECT_COUNTS_H
#define IDENTITY_SUBJECT_COUNTS_H

#include "common/db/db.h"

struct counts {
    int64_t subjects[3], faces[3];
};
WARD_MUST enum ward_code counts_read(struct ward_db *db, struct ward_arena *mem,
                                     struct counts *out, struct ward_err *err);
/* Counts subjects that have templates, but none of this model, and no photograph from which a
 * template could be computed. */
WARD_MUST enum ward_code counts_need_capture(struct ward_db *db, struct ward_arena *mem,
                                             const char *model_sha256, int64_t *n,
                                             struct ward_err *err);
/* Sets the gauges. Logs when the count crosses `limit` (0: no limit). `over` is the result of
 * the previous call. */
bool counts_tell(const struct counts *c, int64_t limit, bool over);

#endif
