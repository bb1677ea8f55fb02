/* access.h - zones, doors, who is at them, and what the handlers of access/ share.
 *
 * store_zone.c, store_door.c and store_attendance.c ask the database, one function a question;
 * recognise.c says who stands there; decide.c decides.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: the .proto's.
 */
#ifndef IDENTITY_ACCESS_ACCESS_H
#define IDENTITY_ACCESS_ACCESS_H

#include "services/identity/access/decide.h"
#include "services/identity/api.h"
#include "services/identity/gallery/identify.h"
#include "services/identity/subject/rows.h"
#include "services/identity/token/token.h"
#include "ward/identity/v1/access.pb-c.h"

#define ROLES_MOST 32 /* of one person */

struct door {
    const char *door;
    const char *from_zone; /* NULL: outside */
    const char *to_zone;
};

/* ---- store_zone.c ---- */

/* Replaces a zone and its rules. Inside a transaction. */
WARD_MUST enum ward_code zone_put(struct ward_db *db, struct ward_arena *mem,
                                  const struct zone *z, struct ward_err *err);
/* NULL is outside: *out stays NULL.   NOT_FOUND  ZONE_NOT_FOUND */
WARD_MUST enum ward_code zone_find(struct ward_db *db, struct ward_arena *mem, const char *zone,
                                   struct zone **out, struct ward_err *err);
/* All, by name. */
WARD_MUST enum ward_code zones_list(struct ward_db *db, struct ward_arena *mem,
                                    struct zone **out, size_t *n, struct ward_err *err);
WARD_MUST enum ward_code staff_roles_put(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                         char *const *roles, size_t n, struct ward_err *err);
WARD_MUST enum ward_code staff_roles_of(struct ward_db *db, struct ward_arena *mem,
                                        const uint8_t id[IDENTITY_ID], const char *const **out,
                                        size_t *n, struct ward_err *err);

/* ---- store_door.c ---- */

/*   NOT_FOUND  ZONE_NOT_FOUND */
WARD_MUST enum ward_code door_put(struct ward_db *db, struct ward_arena *mem,
                                  const struct door *d, struct ward_err *err);
/*   NOT_FOUND  DOOR_NOT_FOUND */
WARD_MUST enum ward_code door_find(struct ward_db *db, struct ward_arena *mem, const char *door,
                                   struct door *out, struct ward_err *err);
WARD_MUST enum ward_code doors_list(struct ward_db *db, struct ward_arena *mem,
                                    struct door **out, size_t *n, struct ward_err *err);
/* zone NULL: outside, never known. */
WARD_MUST enum ward_code seen_of(struct ward_db *db, struct ward_arena *mem,
                                 const uint8_t id[IDENTITY_ID], const char *zone,
                                 struct seen *out, struct ward_err *err);
/* Unless something newer is known. zone NULL: nothing is noted. Nobody's id: nothing either. */
WARD_MUST enum ward_code seen_put(struct ward_db *db, struct ward_arena *mem,
                                  const uint8_t id[IDENTITY_ID], const char *zone, bool inside,
                                  int64_t at_us, struct ward_err *err);
struct door_event {
    uint8_t event_id[IDENTITY_ID];
    const char *door;
    int direction;
    const uint8_t *subject_id; /* NULL: not recognised */
    bool allowed;
    const char *reason;
    int64_t at_us, received_us;
    bool offline;
};
/* *kept false: there is one of this id. */
WARD_MUST enum ward_code door_event_put(struct ward_db *db, struct ward_arena *mem,
                                        const struct door_event *e, bool *kept,
                                        struct ward_err *err);

/* ---- recognise.c ---- */

#define PURPOSE_DOOR       "door"
#define PURPOSE_ATTENDANCE "attendance"
#define ACCESS_FPIR        1e-3 /* a stranger in a thousand is taken for someone of staff */

/* Who stands there: by a photograph among staff, or by a token. */
struct stander {
    struct ward_call *call;
    ProtobufCBinaryData photograph;
    const char *token, *place;
    const char *key; /* what makes a spent token's request the same again; NULL: nothing */
    bool attended;
    struct use_policy policy; /* liveness and rates of faces */
    /* found: */
    struct identified face;
    bool known;
    uint8_t id[IDENTITY_ID];
    char text[37];
    int kind;           /* of the subject; 0: nobody known */
    const char *method; /* the token's; "" for a face */
    bool again;         /* it was spent on this before, at spent_us */
    int64_t spent_us;
};
/* Policy of `purpose`, and the request's photograph or token.
 *   INVALID_ARGUMENT     both or neither of photograph and token
 *   FAILED_PRECONDITION  WAY_NOT_ALLOWED: the policy allows no face */
WARD_MUST enum ward_code stander_begin(struct stander *s, const char *purpose);
/* Looks at the photograph and searches among staff; nothing for a token. */
WARD_MUST enum ward_code stander_look(struct stander *s);
/* Inside the transaction of what it is for: spends the token, holds the subject's row, and
 * looks whether the face may still be used; sets known, id, text, kind and method. */
WARD_MUST enum ward_code stander_hold(struct stander *s, struct ward_db *db,
                                      struct ward_err *err);
/* Of a photograph; USABLE for a token. */
enum gate stander_gate(const struct stander *s);
/* What the person can do, when the photograph was not usable. */
WARD_MUST enum ward_code stander_reasons(const struct stander *s,
                                         Ward__Identity__V1__Reason ***out, size_t *n);

/* IN or OUT; `otherwise` for UNSPECIFIED.   INVALID_ARGUMENT */
#define DIRECTION_IN  WARD__IDENTITY__V1__DIRECTION__DIRECTION_IN
#define DIRECTION_OUT WARD__IDENTITY__V1__DIRECTION__DIRECTION_OUT
WARD_MUST enum ward_code access_direction(struct ward_call *c, const char *field, int given,
                                          int otherwise, int *out);
const char *access_direction_name(int direction);
/* INVALID_ARGUMENT about `field` unless 1 to 64 of a-z, 0-9 and -. */
WARD_MUST enum ward_code access_word(struct ward_call *c, const char *field, const char *given);

#endif
