/* presence.h - when the service answered whom: wards by minute, and people who called with
 * their own token. Reconciled doses are compared with it.
 *
 * Threads: any; each call uses its worker's connection. A replica writes a ward once a minute
 * and a person once a day, and caches its last writes. Memory: the arena. Errors: db.h's.
 */
#ifndef DOSAGE_TRACK_PRESENCE_H
#define DOSAGE_TRACK_PRESENCE_H

#include "services/dosage/dosage.h"

/* A ward counts as connected at a time if a replica answered a nurse of the ward in the same
 * minute, or both in the 5 minutes before and in the 5 minutes after. Local policy. */
#define PRESENCE_AROUND INT64_C(5) /* minutes */

WARD_MUST enum ward_code presence_open(struct presence **out, struct ward_err *err);
void presence_close(struct presence *p); /* NULL is fine */

/* Records the presence of the caller of a call, or of a second person, now. Outside of a
 * transaction. A database failure is not a failure of the call. */
void presence_note(struct ward_call *c, const struct ward_principal *who);
/* The people of a dose who called with a token before: the giver and the witness. */
WARD_MUST enum ward_code presence_knows(struct worker *w, struct ward_arena *mem,
                                        const char *subject, bool *gives, bool *witnesses,
                                        struct ward_err *err);
/* Whether the person called as a physician. */
WARD_MUST enum ward_code presence_prescribes(struct worker *w, struct ward_arena *mem,
                                             const char *subject, bool *yes,
                                             struct ward_err *err);
/* Whether the ward was connected at a time. */
WARD_MUST enum ward_code presence_answered(struct worker *w, struct ward_arena *mem,
                                           const char *ward, int64_t at_us, bool *answered,
                                           struct ward_err *err);
/* Deletes rows that are too old to be used, of second_person_used and acknowledged too. */
WARD_MUST enum ward_code presence_forget(struct ward_db *db, struct ward_arena *mem,
                                         int64_t now_us, struct ward_err *err);

#endif
