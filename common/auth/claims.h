/* claims.h - the claims of an issuer's tokens that describe a person. Inside common/auth.
 *
 * Keycloak nests roles (`realm_access.roles`), and Entra ID sends group ids and `oid`. The
 * names of the claims and the mapping of roles are therefore configuration (struct
 * ward_claim_names of auth.h).
 *
 * Threads: constant once created. Memory: freed by ward_claims_free; results are in the
 * caller's arena. Errors: see each function.
 */
#ifndef WARD_AUTH_CLAIMS_H
#define WARD_AUTH_CLAIMS_H

#include "common/auth/jose.h"

struct ward_claims;
/*   FAILED_PRECONDITION  role_names is invalid; RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code ward_claims_new(const struct ward_claim_names *names,
                                         struct ward_claims **out, struct ward_err *err);
void ward_claims_free(struct ward_claims *c); /* accepts NULL */

/* Fills subject, ward, purpose and roles. Fails with SUBJECT, MALFORMED or NO_MEMORY. On
 * MALFORMED, t->claim names the claim and t->fault describes the claim's fault. */
enum ward_token ward_claims_read(const struct ward_claims *c, struct ward_jose *t,
                                 struct ward_arena *mem, struct ward_principal *who);

/* jwks.c: the claim names of a key set. */
const struct ward_claims *ward_jwks_claims_of(const struct ward_jwks *j);

#endif
