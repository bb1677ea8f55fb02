/* duplicate.h - patients who may be one person.
 *
 * Who is compared: those who share an identifier, a telephone or e-mail, the birth date with a
 * name's first letter, or two parts of one name letter for letter; at most DUPLICATE_LOOKED_AT
 * of them, as the caller's view lets them be seen, and of what thousands share the first that
 * are met. Left out are those of the same chart, those merged away, and those whom a person
 * said to be different.
 *
 * Threads: a worker's own. Memory: the arena. Errors: chart.h's.
 */
#ifndef RECORDS_MERGE_DUPLICATE_H
#define RECORDS_MERGE_DUPLICATE_H

#include "services/records/merge/score.h"
#include "services/records/store/chart.h"

#define DUPLICATE_LOOKED_AT 200
#define DUPLICATE_GIVEN     50
#define DUPLICATE_COUNTED   20 /* looked at for CreateResponse: registering waits for it */

/* In a transaction, after its Patient was written: the candidates, best first; at most `most`
 * are looked at. Where that is no more than DUPLICATE_COUNTED, not those who share names alone:
 * in a large register they are many. */
WARD_MUST enum ward_code duplicates_of(struct worker *w, struct ward_arena *mem,
                                       const struct view *view, const uint8_t root[RECORDS_ID],
                                       size_t most, Candidate ***out, size_t *n,
                                       struct ward_err *err);
/* CreateResponse.possible_duplicates: of those looked at, how many are POSSIBLE or more. */
WARD_MUST enum ward_code duplicates_count(struct worker *w, struct ward_arena *mem,
                                          const struct view *view,
                                          const uint8_t patient[RECORDS_ID], int32_t *n,
                                          struct ward_err *err);

#endif
