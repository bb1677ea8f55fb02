/* token.h - use policies, and issue and redemption of PPID tokens.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: the .proto's.
 */
#ifndef IDENTITY_TOKEN_H
#define IDENTITY_TOKEN_H

#include "common/rpc/rpc.h"
#include "services/identity/identity.h"

enum liveness_policy {
    LIVENESS_NONE = 1,
    LIVENESS_PASSIVE,
    LIVENESS_ACTIVE,
    LIVENESS_ATTENDED
};

struct use_policy {
    const char *purpose;
    enum liveness_policy liveness;
    double max_fmr;
    bool allow_face, allow_wristband, allow_search, witness;
    const char *set_by; /* "" for the default */
    int64_t set_at_us;
};
/* The policy of a purpose, or the default one of admin.proto. */
WARD_MUST enum ward_code policy_of(struct ward_db *db, struct ward_arena *mem,
                                   const char *purpose, struct use_policy *out,
                                   struct ward_err *err);
extern const struct use_policy policy_default;

/* The provided liveness evidence, and whether it is sufficient; `method` is the token's. Pure.
 * passive < 0: not run. */
struct liveness_shown {
    double passive;
    bool challenge, attended;
};
enum gate liveness_gate(enum liveness_policy policy, const struct liveness_shown *s);
const char *liveness_method(enum liveness_policy policy); /* "face+passive" ... */

/* How long callers may cache the answer of GetTokenKeys: a new key waits for this time before
 * it signs.
 */
#define TOKEN_KEYS_AGE_S 300
/* Tokens of a former key have expired this long after the next key begins to sign: their
 * maximum lifetime, and the difference of replicas' clocks. */
#define TOKEN_CLOCKS_APART_S 10
#define TOKEN_KEYS_LAST_US   ((WARD_PPID_MAX_S + TOKEN_CLOCKS_APART_S) * INT64_C(1000000))

/* Signs with the present key. */
WARD_MUST enum ward_code token_issue(struct ward_call *c, struct ward_ppid *p, char **out,
                                     struct ward_err *err);
/* Verifies and redeems inside a transaction of the caller's (ward_db_tx), so that the token's
 * use and its redemption are atomic. Fills *out. UNAUTHENTICATED PPID_*, FAILED_PRECONDITION
 * PPID_FOREIGN, ALREADY_EXISTS PPID_SPENT. Empty place: any. NULL patient: any. `again`: the
 * same caller redeemed it before with the same idempotency_key. */
struct token_want {
    const char *token, *patient, *purpose, *place, *idempotency_key;
};
WARD_MUST enum ward_code token_spend(struct ward_call *c, struct ward_db *db,
                                     const struct token_want *want, struct ward_ppid *out,
                                     int64_t *spent_at_us, bool *again, struct ward_err *err);

#endif
