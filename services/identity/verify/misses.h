/* misses.h - limits how often within an hour one person may compare faces without a match.
 *
 * Each comparison reveals something about the template, and a guessing person is nearly always
 * wrong. Comparisons without a match are therefore counted, by subject and person for 1:1 and
 * by person for a search. Beyond the limit nothing is answered, matches included: if only
 * misses were refused, a refusal would be an answer.
 *
 * Threads: a worker's own connection. Memory: the call's arena. Errors: as db.h.
 */
#ifndef IDENTITY_VERIFY_MISSES_H
#define IDENTITY_VERIFY_MISSES_H

#include "services/identity/identity.h"

/* Inside the transaction of the answer, with the subject's row locked. `subject` NULL: a
 * search.
 *   RESOURCE_EXHAUSTED  TOO_MANY_FACE_MISSES, with the time to wait */
WARD_MUST enum ward_code misses_take(struct ward_call *c, struct ward_db *db,
                                     const uint8_t *subject, bool missed, struct ward_err *err);

#endif
