/* presence.h - records when the service answered which ward (by minute), and which people
 * called with their own token. Reconciled doses are compared with these records.
 *
 * Threads: any; each call uses its worker's connection. A replica writes a ward once a minute
 * and a person once a day, and caches its last writes. Memory: the arena. Errors: those of
 * db.h.
 */
#ifndef DOSAGE_TRACK_PRESENCE_H
#define DOSAGE_TRACK_PRESENCE_H

#include "services/dosage/dosage.h"

/* A ward counts as connected at a time if a replica answered a nurse of the ward in the same
 * minute, or both in the 5 minutes before and in the 5 minutes after. Local policy. */
#define PRESENCE_AROUND INT64_C(5) /* minutes before and after */

WARD_MUST enum ward_code presence_open(struct presence **out, struct ward_err *err);
void presence_close(struct presence *p); /* NULL is fine */

/* Records the presence of a call's caller, or of a second person, at the current time. Call
 * outside a transaction. A database failure does not fail the call. */
void presence_note(struct ward_call *c, const struct ward_principal *who);
/* Whether a person has called with a token as a giver of doses, and as a witness. */
WARD_MUST enum ward_code presence_knows(struct worker *w, struct ward_arena *mem,
                                        const char *subject, bool *gives, bool *witnesses,
                                        struct ward_err *err);
/* Whether a person has called as a physician. */
WARD_MUST enum ward_code presence_prescribes(struct worker *w, struct ward_arena *mem,
                                             const char *subject, bool *yes,
                                             struct ward_err *err);
/* Whether a ward was connected at a time. */
WARD_MUST enum ward_code presence_answered(struct worker *w, struct ward_arena *mem,
                                           const char *ward, int64_t at_us, bool *answered,
                                           struct ward_err *err);
/* Deletes outdated rows, also from second_person_used and acknowledged. */
WARD_MUST enum ward_code presence_forget(struct ward_db *db, struct ward_arena *mem,
                                         int64_t now_us, struct ward_err *err);

#endif
