/* misses.h - limits how often within an hour one person may compare faces without a match.
 *
 * Each comparison reveals something about the template, and a person who guesses is nearly
 * always wrong. Comparisons without a match are therefore counted: by subject and person for
 * 1:1, by person for a search. Beyond the limit every comparison is refused, also a match. If
 * only misses were refused, a refusal would reveal a miss.
 *
 * Threads: each worker uses its own connection. Memory: the call's arena. Errors: those of
 * db.h. */
#ifndef IDENTITY_VERIFY_MISSES_H
#define IDENTITY_VERIFY_MISSES_H

#include "services/identity/identity.h"

/* Checks the limit and counts a miss. Call inside the transaction of the answer, with the
 * subject's row locked. `subject` NULL: a search.
 *   RESOURCE_EXHAUSTED  TOO_MANY_FACE_MISSES, with the time after which to retry */
WARD_MUST enum ward_code misses_take(struct ward_call *c, struct ward_db *db,
                                     const uint8_t *subject, bool missed, struct ward_err *err);

#endif
