/* attendance.h - rows of arrivals and departures. Rows are added and never changed.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h, and
 * DATA_LOSS for rows that were changed outside the service. */
#ifndef IDENTITY_ACCESS_ATTENDANCE_H
#define IDENTITY_ACCESS_ATTENDANCE_H

#include "services/identity/access/report.h"
#include "services/identity/subject/rows.h"

struct attended {
    uint8_t id[IDENTITY_ID], subject_id[IDENTITY_ID];
    int direction;
    int64_t at_us, recorded_us;
    const char *place;
    const char *corrected_by, *why; /* NULL: the event was recorded when it happened */
    /* id of the event that this row strikes out; NULL: this row is an event */
    const uint8_t *strikes;
};
/*   ALREADY_EXISTS  the event has already been struck out */
WARD_MUST enum ward_code attendance_add(struct ward_db *db, struct ward_arena *mem,
                                        const struct attended *a, struct ward_err *err);
/* Finds the person's latest event that is not struck out. *found is false if no such event
 * exists. The subject's row is locked, so no other call can add a later event. */
WARD_MUST enum ward_code attendance_last(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t subject[IDENTITY_ID],
                                         struct attended *out, bool *found,
                                         struct ward_err *err);
/* Finds an event, also if it is struck out.
 *   NOT_FOUND  ATTENDANCE_NOT_FOUND */
WARD_MUST enum ward_code attendance_find(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t id[IDENTITY_ID], struct attended *out,
                                         struct ward_err *err);

/* Lists subjects with attendance events, sorted by id, beginning after the id `after`. */
struct attendee {
    uint8_t id[IDENTITY_ID];
    const char *external_ref;
};
WARD_MUST enum ward_code attendees_after(struct ward_db *db, struct ward_arena *mem,
                                         const uint8_t after[IDENTITY_ID], int most,
                                         struct attendee **out, size_t *n,
                                         struct ward_err *err);
/* A page of one person's rows within a time span, in order of time. */
struct attendance_page {
    int64_t from_us, until_us;  /* start of the span; end of the span, excluded */
    uint8_t after[IDENTITY_ID]; /* among rows at from_us, only those with a larger id */
};
WARD_MUST enum ward_code attendance_of(struct ward_db *db, struct ward_arena *mem,
                                       const uint8_t subject[IDENTITY_ID],
                                       struct attendance_page *page, int most,
                                       struct coming **out, size_t *n, struct ward_err *err);

#endif
