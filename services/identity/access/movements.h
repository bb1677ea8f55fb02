/* movements.h - passages of staff: the last passage of a person, reports of offline door
 * controllers, and the deletion of passages on request and by age.
 *
 * Threads: each worker uses its own connection. Memory: the arena passed in. Errors: those of
 * db.h. */
#ifndef IDENTITY_ACCESS_MOVEMENTS_H
#define IDENTITY_ACCESS_MOVEMENTS_H

#include "services/identity/access/access.h"

/* How long after an ALLOW the same request is allowed again. The time suffices for a controller
 * that times out (5 s) and asks twice more. It also suffices for a person whose door did not
 * open and who looks into the camera again. It is too short to let another person in. Ward's
 * own figure. */
#define AGAIN_US (INT64_C(15) * 1000000)

/* Whether the person's last ALLOW was for this door in this direction. */
WARD_MUST enum ward_code passage_was(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID], const char *door,
                                     int direction, bool *out, struct ward_err *err);
/* Deletes the places where the person was last seen. zone NULL: in all zones. */
WARD_MUST enum ward_code presence_forget(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t id[IDENTITY_ID], const char *zone,
                                         uint64_t *n, struct ward_err *err);

/* One time span in which a peer held a valid pack of a door. */
struct pack_span {
    int64_t fetched_us, expires_us;
};
/* Stores a span. If an earlier span has not ended at fetched_us, extends that span instead. */
WARD_MUST enum ward_code door_pack_put(struct ward_db *db, struct ward_arena *mem,
                                       const char *door, const char *peer,
                                       const struct pack_span *span, struct ward_err *err);
WARD_MUST enum ward_code door_packs_of(struct ward_db *db, struct ward_arena *mem,
                                       const char *door, const char *peer,
                                       struct pack_span **out, size_t *n, struct ward_err *err);
/* Whether one of the spans contains at_us, with the tolerance for clocks. */
bool pack_spans(const struct pack_span *spans, size_t n, int64_t at_us);

/* Deletes door events, presence and expired packs that are older than WARD_MOVEMENTS_DAYS. If
 * the option is 0, deletes nothing. */
WARD_MUST enum ward_code movements_sweep(struct ward_db *db, struct ward_arena *mem,
                                         const struct identity_config *cfg,
                                         struct ward_err *err);

#endif
