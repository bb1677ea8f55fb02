/* attendance.h - rows of arrivals and departures; rows are added and never changed.
 *
 * Threads: a worker's own. Memory: the arena. Errors: as db.h, and DATA_LOSS for rows that were
 * changed outside the service.
 */
#ifndef IDENTITY_ACCESS_ATTENDANCE_H
#define IDENTITY_ACCESS_ATTENDANCE_H

#include "services/identity/access/report.h"
#include "services/identity/subject/rows.h"

struct attended {
    uint8_t id[IDENTITY_ID], subject_id[IDENTITY_ID];
    int direction;
    int64_t at_us, recorded_us;
    const char *place;
    const char *corrected_by, *why; /* NULL: recorded at the time of the event */
    const uint8_t *strikes;         /* NULL: it is an event */
};
/*   ALREADY_EXISTS  the event was struck out before */
WARD_MUST enum ward_code attendance_add(struct ward_db *db, struct ward_arena *mem,
                                        const struct attended *a, struct ward_err *err);
/* The person's latest event that is not struck out; *found false if there is none. The
 * subject's row is locked, so that it remains the latest. */
WARD_MUST enum ward_code attendance_last(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t subject[IDENTITY_ID],
                                         struct attended *out, bool *found,
                                         struct ward_err *err);
/* An event, struck out or not.   NOT_FOUND  ATTENDANCE_NOT_FOUND */
WARD_MUST enum ward_code attendance_find(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t id[IDENTITY_ID], struct attended *out,
                                         struct ward_err *err);

/* Subjects with attendance events, after `after`, by id. */
struct attendee {
    uint8_t id[IDENTITY_ID];
    const char *external_ref;
};
WARD_MUST enum ward_code attendees_after(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t after[IDENTITY_ID], int most,
                                         struct attendee **out, size_t *n,
                                         struct ward_err *err);
/* One person's rows within a time span in order, from a position on. */
struct attendance_page {
    int64_t from_us, until_us;  /* until is excluded */
    uint8_t after[IDENTITY_ID]; /* of those at from_us, only rows after this id */
};
WARD_MUST enum ward_code attendance_of(struct ward_db *db, struct ward_arena *mem,
                                       const uint8_t subject[IDENTITY_ID],
                                       struct attendance_page *page, int most,
                                       struct coming **out, size_t *n, struct ward_err *err);

#endif
