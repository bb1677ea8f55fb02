/* conflict.h - slots that were charted twice: at the bedside, and offline with a pack.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h.
 */
#ifndef DOSAGE_DOWNTIME_CONFLICT_H
#define DOSAGE_DOWNTIME_CONFLICT_H

#include "services/dosage/downtime/reconcile.h"

struct conflict {
    uint8_t id[DOSAGE_ID], charted[DOSAGE_ID], offline[DOSAGE_ID];
    const char *ward;
    int64_t resolved_at_us; /* 0: undecided */
};
/* Undecided conflicts of a ward with ids after `after`, the oldest first, at most `most`.
 * Erased patients are omitted. */
WARD_MUST enum ward_code conflicts_of(struct worker *w, struct ward_arena *mem,
                                      const char *ward, const uint8_t after[DOSAGE_ID],
                                      size_t most, struct conflict **out, size_t *n,
                                      struct ward_err *err);
/* `lock`: reads FOR UPDATE.   NOT_FOUND  CONFLICT_NOT_FOUND */
WARD_MUST enum ward_code conflict_find(struct worker *w, struct ward_arena *mem,
                                       const uint8_t id[DOSAGE_ID], bool lock,
                                       struct conflict *out, struct ward_err *err);
WARD_MUST enum ward_code conflict_decide(struct worker *w, struct ward_arena *mem,
                                         const uint8_t id[DOSAGE_ID], const char *by, int which,
                                         int64_t now_us, struct ward_err *err);
/* Converts a conflict for the answer, with the current versions of both doses. */
WARD_MUST enum ward_code conflict_say(struct worker *w, struct ward_arena *mem,
                                      const struct conflict *k,
                                      Ward__Dosage__V1__Conflict **out, struct ward_err *err);

#endif
