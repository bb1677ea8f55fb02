/* store.h - how often a model answered and what clinicians made of it.
 *
 * Threads: a worker's own connection. Memory: the arena given. Errors: db.h's.
 */
#ifndef DIAGNOSIS_STORE_H
#define DIAGNOSIS_STORE_H

#include "common/db/db.h"

enum tally { TALLY_ANSWERED, TALLY_ABSTAINED, TALLY_CONFIRMED, TALLY_AMENDED, TALLY_REJECTED };
#define TALLIES 5

/* One more; inside the transaction of what it counts. */
WARD_MUST enum ward_code store_count(struct ward_db *db, struct ward_arena *mem,
                                     const char *model, const char *version, enum tally what,
                                     struct ward_err *err);
WARD_MUST enum ward_code store_counts(struct ward_db *db, struct ward_arena *mem,
                                      const char *model, const char *version,
                                      int64_t out[TALLIES], struct ward_err *err);

#endif
