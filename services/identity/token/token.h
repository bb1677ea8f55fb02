/* token.h - use policies, and how PPID tokens are issued and redeemed.
 *
 * Threads: each worker uses its own call. Memory: the call's arena. Errors: those in the
 * .proto. */
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
    const char *set_by; /* "": the default policy */
    int64_t set_at_us;
};
/* The policy of a purpose, or the default policy of admin.proto. */
WARD_MUST enum ward_code policy_of(struct ward_db *db, struct ward_arena *mem,
                                   const char *purpose, struct use_policy *out,
                                   struct ward_err *err);
extern const struct use_policy policy_default;

/* The provided liveness evidence. passive < 0: the passive model was not run. liveness_gate
 * decides whether the evidence is sufficient; liveness_method is the method that the token
 * states. Pure. */
struct liveness_shown {
    double passive;
    bool challenge, attended;
};
enum gate liveness_gate(enum liveness_policy policy, const struct liveness_shown *s);
const char *liveness_method(enum liveness_policy policy); /* such as "face+passive" */

/* How long callers may cache the answer of GetTokenKeys: a new key waits for this time before
 * it signs.
 */
#define TOKEN_KEYS_AGE_S 300
/* All tokens of a former key have expired this long after the next key begins to sign: a
 * token's maximum lifetime, plus the permitted clock difference between replicas. */
#define TOKEN_CLOCKS_APART_S 10
#define TOKEN_KEYS_LAST_US   ((WARD_PPID_MAX_S + TOKEN_CLOCKS_APART_S) * INT64_C(1000000))

/* Signs with the present key. */
WARD_MUST enum ward_code token_issue(struct ward_call *c, struct ward_ppid *p, char **out,
                                     struct ward_err *err);
/* Verifies and redeems a token inside the caller's transaction (ward_db_tx), so that the
 * token's use and its redemption are atomic. Fills *out. Errors: UNAUTHENTICATED PPID_*,
 * FAILED_PRECONDITION PPID_FOREIGN, ALREADY_EXISTS PPID_SPENT. An empty place or a NULL patient
 * matches any. *again: this caller redeemed the token before with an equal idempotency_key. */
struct token_want {
    const char *token, *patient, *purpose, *place, *idempotency_key;
};
WARD_MUST enum ward_code token_spend(struct ward_call *c, struct ward_db *db,
                                     const struct token_want *want, struct ward_ppid *out,
                                     int64_t *spent_at_us, bool *again, struct ward_err *err);

#endif
