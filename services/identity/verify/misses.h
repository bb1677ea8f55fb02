/* misses.h - how often within an hour one person may look for a face and not find it.
 *
 * Each comparison says something of the template; who guesses at it is wrong nearly always. So
 * what did not match is counted, by subject and person for 1:1 and by person for a search, and
 * past the limit nothing is answered, matches too: a refusal that comes with misses alone would
 * be an answer.
 *
 * Threads: a worker's own connection. Memory: the call's arena. Errors: as db.h.
 */
#ifndef IDENTITY_VERIFY_MISSES_H
#define IDENTITY_VERIFY_MISSES_H

#include "services/identity/identity.h"

/* Inside the transaction of the answer, the subject's row locked. `subject` NULL: a search.
 *   RESOURCE_EXHAUSTED  TOO_MANY_FACE_MISSES, with when to come back */
WARD_MUST enum ward_code misses_take(struct ward_call *c, struct ward_db *db,
                                     const uint8_t *subject, bool missed, struct ward_err *err);

#endif
