/* access.h - zones, doors, presence, and declarations that the handlers of access/ share.
 *
 * store_zone.c, store_door.c and store_attendance.c contain the SQL, one function for each
 * query; recognise.c identifies the person; decide.c decides.
 *
 * Threads: each worker uses its own connection. Memory: the call's arena. Errors: those in the
 * .proto. */
#ifndef IDENTITY_ACCESS_ACCESS_H
#define IDENTITY_ACCESS_ACCESS_H

#include "services/identity/access/decide.h"
#include "services/identity/api.h"
#include "services/identity/gallery/identify.h"
#include "services/identity/subject/rows.h"
#include "services/identity/token/token.h"
#include "ward/identity/v1/access.pb-c.h"

#define ROLES_MOST 32 /* maximum number of roles of one person */

struct door {
    const char *door;
    const char *from_zone; /* NULL: the door leads in from outside */
    const char *to_zone;
};

/* ---- store_zone.c ---- */

/* Replaces a zone and its rules. Inside a transaction. */
WARD_MUST enum ward_code zone_put(struct ward_db *db, struct ward_arena *mem,
                                  const struct zone *z, struct ward_err *err);
/* A NULL `zone` means outside: *out is then NULL.
 *   NOT_FOUND  ZONE_NOT_FOUND */
WARD_MUST enum ward_code zone_find(struct ward_db *db, struct ward_arena *mem, const char *zone,
                                   struct zone **out, struct ward_err *err);
/* Lists all zones, sorted by name. */
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
/* Reads where the person was last seen, for one zone. A NULL `zone` means outside: no presence
 * is stored for it. */
WARD_MUST enum ward_code seen_of(struct ward_db *db, struct ward_arena *mem,
                                 const uint8_t id[IDENTITY_ID], const char *zone,
                                 struct seen *out, struct ward_err *err);
/* Stores where the person was seen, unless a newer time is stored. Stores nothing if `zone` or
 * `id` is NULL. */
WARD_MUST enum ward_code seen_put(struct ward_db *db, struct ward_arena *mem,
                                  const uint8_t id[IDENTITY_ID], const char *zone, bool inside,
                                  int64_t at_us, struct ward_err *err);
struct door_event {
    uint8_t event_id[IDENTITY_ID];
    const char *door;
    int direction;
    const uint8_t *subject_id; /* NULL: the person was not recognised */
    bool allowed;
    const char *reason;
    int64_t at_us, received_us;
    bool offline;
};
/* Sets *kept to false if an event with this id exists already. */
WARD_MUST enum ward_code door_event_put(struct ward_db *db, struct ward_arena *mem,
                                        const struct door_event *e, bool *kept,
                                        struct ward_err *err);

/* ---- recognise.c ---- */

#define PURPOSE_DOOR       "door"
#define PURPOSE_ATTENDANCE "attendance"
#define ACCESS_FPIR        1e-3 /* one stranger in a thousand matches a member of staff */

/* A person who asks for entry or records attendance: identified by a photograph among staff, or
 * by a token. */
struct stander {
    struct ward_call *call;
    ProtobufCBinaryData photograph;
    const char *token, *place;
    /* the idempotency key, which identifies a repeated request for a redeemed token; NULL: no
     * key */
    const char *key;
    bool attended;
    struct use_policy policy; /* required liveness, and error rates for faces */
    /* Results of the identification: */
    struct identified face;
    bool known;
    uint8_t id[IDENTITY_ID];
    char text[37];
    int kind;           /* kind of the subject; 0: not identified */
    const char *method; /* method of the token; "" for a face */
    bool again;         /* the same request redeemed the token before, at spent_us */
    int64_t spent_us;
};
/* Reads the policy of `purpose`, and the request's photograph or token.
 *   INVALID_ARGUMENT     both or neither of photograph and token
 *   FAILED_PRECONDITION  WAY_NOT_ALLOWED: the policy permits no face */
WARD_MUST enum ward_code stander_begin(struct stander *s, const char *purpose);
/* Evaluates the photograph and searches for it among staff. Does nothing for a token. */
WARD_MUST enum ward_code stander_look(struct stander *s);
/* Inside the caller's transaction: redeems the token, locks the subject's row, and checks that
 * the face may still be used; sets known, id, text, kind and method. */
WARD_MUST enum ward_code stander_hold(struct stander *s, struct ward_db *db,
                                      struct ward_err *err);
/* Result of the capture gates for a photograph; USABLE for a token. */
enum gate stander_gate(const struct stander *s);
/* Advice to the person for an unusable photograph. */
WARD_MUST enum ward_code stander_reasons(const struct stander *s,
                                         Ward__Identity__V1__Reason ***out, size_t *n);

/* Validates a direction and returns IN or OUT; UNSPECIFIED becomes `otherwise`.
 *   INVALID_ARGUMENT  any other value */
#define DIRECTION_IN  WARD__IDENTITY__V1__DIRECTION__DIRECTION_IN
#define DIRECTION_OUT WARD__IDENTITY__V1__DIRECTION__DIRECTION_OUT
WARD_MUST enum ward_code access_direction(struct ward_call *c, const char *field, int given,
                                          int otherwise, int *out);
const char *access_direction_name(int direction);
/* INVALID_ARGUMENT for `field` unless `given` has 1 to 64 characters of a-z, 0-9 and "-". */
WARD_MUST enum ward_code access_word(struct ward_call *c, const char *field, const char *given);

#endif
