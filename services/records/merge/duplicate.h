/* duplicate.h - finds patients who may be one person.
 *
 * Candidates share an identifier, a telephone or e-mail, the birth date and a name's first
 * letter, or two identical parts of a name. At most DUPLICATE_LOOKED_AT candidates in the
 * caller's view are compared; if thousands share a value, the first candidates found. Patients
 * of the same chart, merged patients, and pairs that a person marked as different are omitted.
 *
 * Threads: call from a worker's thread. Memory: the arena. Errors: those of chart.h.
 */
#ifndef RECORDS_MERGE_DUPLICATE_H
#define RECORDS_MERGE_DUPLICATE_H

#include "services/records/merge/score.h"
#include "services/records/store/chart.h"

#define DUPLICATE_LOOKED_AT 200
#define DUPLICATE_GIVEN     50
#define DUPLICATE_COUNTED   20 /* maximum comparisons for CreateResponse */

/* Finds the candidates, best first, in a transaction, after the Patient was written. Compares
 * at most `most` candidates. If `most` is at most DUPLICATE_COUNTED, candidates that share only
 * names are omitted, because a large register has many. */
WARD_MUST enum ward_code duplicates_of(struct worker *w, struct ward_arena *mem,
                                       const struct view *view, const uint8_t root[RECORDS_ID],
                                       size_t most, Candidate ***out, size_t *n,
                                       struct ward_err *err);
/* CreateResponse.possible_duplicates: the number of compared candidates that are POSSIBLE or
 * better. */
WARD_MUST enum ward_code duplicates_count(struct worker *w, struct ward_arena *mem,
                                          const struct view *view,
                                          const uint8_t patient[RECORDS_ID], int32_t *n,
                                          struct ward_err *err);

#endif
