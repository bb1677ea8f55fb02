/* access.h - zones, doors, presence, and declarations that the handlers of access/ share.
 *
 * store_zone.c, store_door.c and store_attendance.c contain the SQL, one function for each
 * query; recognise.c identifies the person; decide.c decides.
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
/* NULL means outside: *out stays NULL.   NOT_FOUND  ZONE_NOT_FOUND */
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
/* zone NULL: outside, which stores no presence. */
WARD_MUST enum ward_code seen_of(struct ward_db *db, struct ward_arena *mem,
                                 const uint8_t id[IDENTITY_ID], const char *zone,
                                 struct seen *out, struct ward_err *err);
/* Stores where the person was seen, unless a newer time is stored. zone NULL, or no person:
 * stores nothing. */
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
/* *kept false: an event with this id exists. */
WARD_MUST enum ward_code door_event_put(struct ward_db *db, struct ward_arena *mem,
                                        const struct door_event *e, bool *kept,
                                        struct ward_err *err);

/* ---- recognise.c ---- */

#define PURPOSE_DOOR       "door"
#define PURPOSE_ATTENDANCE "attendance"
#define ACCESS_FPIR        1e-3 /* one stranger in a thousand matches a member of staff */

/* Identifies the person: by a photograph among staff, or by a token. */
struct stander {
    struct ward_call *call;
    ProtobufCBinaryData photograph;
    const char *token, *place;
    const char *key; /* identifies a repeated request for a redeemed token; NULL: none */
    bool attended;
    struct use_policy policy; /* liveness and error rates of faces */
    /* found: */
    struct identified face;
    bool known;
    uint8_t id[IDENTITY_ID];
    char text[37];
    int kind;           /* of the subject; 0: not identified */
    const char *method; /* the token's; "" for a face */
    bool again;         /* the same request redeemed it before, at spent_us */
    int64_t spent_us;
};
/* Reads the policy of `purpose`, and the request's photograph or token.
 *   INVALID_ARGUMENT     both or neither of photograph and token
 *   FAILED_PRECONDITION  WAY_NOT_ALLOWED: the policy permits no face */
WARD_MUST enum ward_code stander_begin(struct stander *s, const char *purpose);
/* Evaluates the photograph and searches among staff; for a token it does nothing. */
WARD_MUST enum ward_code stander_look(struct stander *s);
/* Inside the caller's transaction: redeems the token, locks the subject's row, and checks that
 * the face may still be used; sets known, id, text, kind and method. */
WARD_MUST enum ward_code stander_hold(struct stander *s, struct ward_db *db,
                                      struct ward_err *err);
/* For a photograph; USABLE for a token. */
enum gate stander_gate(const struct stander *s);
/* Advice to the person for an unusable photograph. */
WARD_MUST enum ward_code stander_reasons(const struct stander *s,
                                         Ward__Identity__V1__Reason ***out, size_t *n);

/* IN or OUT; `otherwise` if UNSPECIFIED.   INVALID_ARGUMENT */
#define DIRECTION_IN  WARD__IDENTITY__V1__DIRECTION__DIRECTION_IN
#define DIRECTION_OUT WARD__IDENTITY__V1__DIRECTION__DIRECTION_OUT
WARD_MUST enum ward_code access_direction(struct ward_call *c, const char *field, int given,
                                          int otherwise, int *out);
const char *access_direction_name(int direction);
/* INVALID_ARGUMENT for `field` unless 1 to 64 of a-z, 0-9 and -. */
WARD_MUST enum ward_code access_word(struct ward_call *c, const char *field, const char *given);

#endif
