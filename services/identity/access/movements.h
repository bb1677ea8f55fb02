/* movements.h - passages of staff: the last passage of a person, reports of offline door
 * controllers, and the deletion of passages on request and by age.
 *
 * Threads: a worker's own. Memory: the arena passed in. Errors: as db.h.
 */
#ifndef IDENTITY_ACCESS_MOVEMENTS_H
#define IDENTITY_ACCESS_MOVEMENTS_H

#include "services/identity/access/access.h"

/* How long an ALLOW may be requested again. Long enough for a controller to time out (5 s) and
 * ask twice more, or for a person to let go of a door that did not open and look into the
 * camera again; too short to pass the entry to another person. Ward's own figure. */
#define AGAIN_US (INT64_C(15) * 1000000)

/* Whether their last ALLOW was through this door in this direction. */
WARD_MUST enum ward_code passage_was(struct ward_db *db, struct ward_arena *mem,
                                     const uint8_t id[IDENTITY_ID], const char *door,
                                     int direction, bool *out, struct ward_err *err);
/* Deletes where they were last seen; zone NULL: in all zones. */
WARD_MUST enum ward_code presence_forget(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t id[IDENTITY_ID], const char *zone,
                                         uint64_t *n, struct ward_err *err);

/* One time span in which a peer held a valid pack of a door. */
struct pack_span {
    int64_t fetched_us, expires_us;
};
/* Extends the span that has not ended at fetched_us, or begins one. */
WARD_MUST enum ward_code door_pack_put(struct ward_db *db, struct ward_arena *mem,
                                       const char *door, const char *peer,
                                       const struct pack_span *span, struct ward_err *err);
WARD_MUST enum ward_code door_packs_of(struct ward_db *db, struct ward_arena *mem,
                                       const char *door, const char *peer,
                                       struct pack_span **out, size_t *n, struct ward_err *err);
/* Whether a span, with the tolerance for clocks, contains at_us. */
bool pack_spans(const struct pack_span *spans, size_t n, int64_t at_us);

/* Deletes door events, presence and expired packs after WARD_MOVEMENTS_DAYS; 0 deletes none. */
WARD_MUST enum ward_code movements_sweep(struct ward_db *db, struct ward_arena *mem,
                                         const struct identity_config *cfg,
                                         struct ward_err *err);

#endif
