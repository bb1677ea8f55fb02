/* store.h - counts answers of models, and reviews by clinicians.
 *
 * Threads: each worker uses its own connection. Memory: the arena passed in. Errors: those of
 * db.h. */
#ifndef DIAGNOSIS_STORE_H
#define DIAGNOSIS_STORE_H

#include "common/db/db.h"

enum tally { TALLY_ANSWERED, TALLY_ABSTAINED, TALLY_CONFIRMED, TALLY_AMENDED, TALLY_REJECTED };
#define TALLIES 5

/* Adds one to a count, inside the transaction of the counted event. */
WARD_MUST enum ward_code store_count(struct ward_db *db, struct ward_arena *mem,
                                     const char *model, const char *version, enum tally what,
                                     struct ward_err *err);
WARD_MUST enum ward_code store_counts(struct ward_db *db, struct ward_arena *mem,
                                      const char *model, const char *version,
                                      int64_t out[TALLIES], struct ward_err *err);

#endif
