/* pack.h - the rules of some doors as JSON, for an offline controller.
 *
 *   {"iss": "spiffe://ward/identity", "iat": 1774778405, "exp": 1774864805,
 *    "time_zone": "Europe/Berlin",
 *    "doors": [{"door": "icu-1", "from_zone": "", "to_zone": "icu"}],
 *    "zones": [{"zone": "icu", "anti_passback": true, "passback_minutes": 720,
 *               "liveness": "PASSIVE",
 *               "rules": [{"role": "icu-nurse",
 *                          "hours": [{"weekdays": [1, 2], "start_minute": 360,
 *                                     "end_minute": 1320}]}]}],
 *    "staff": [{"subject_id": "...", "roles": ["icu-nurse"]}]}
 *
 * iat and exp are seconds since 1970. A rule without hours applies at all times. "staff" lists
 * the people who have a role in one of the zones, with those roles.
 *
 * Threads: pure functions. Memory: the arena. Errors: RESOURCE_EXHAUSTED. */
#ifndef IDENTITY_ACCESS_PACK_H
#define IDENTITY_ACCESS_PACK_H

#include "services/identity/access/access.h"

#define PACK_TYP "ward-door-pack+jwt"

struct pack_staff {
    char id[37];
    const char *role; /* one row for each role; rows of one subject are adjacent */
};
struct pack {
    int64_t issued_at, expires_at; /* seconds since 1970 */
    const char *time_zone;
    const struct door *doors;
    size_t n_doors;
    const struct zone *const *zones;
    size_t n_zones;
    const struct pack_staff *staff;
    size_t n_staff;
};
WARD_MUST enum ward_code pack_json(const struct pack *p, struct ward_arena *mem,
                                   const char **out, struct ward_err *err);
/* Whether at least one zone of the pack has a rule for this role. */
bool pack_asks(const struct pack *p, const char *role);

#endif
