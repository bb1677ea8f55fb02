/* claims.h - where an issuer's tokens say who a person is. Inside common/auth.
 *
 * Keycloak nests roles (`realm_access.roles`), Entra ID sends group ids and `oid`: the names of
 * the claims, and what the issuer's roles are called here, are configuration (struct
 * ward_claim_names of auth.h).
 *
 * Threads: constant once made. Memory: freed by ward_claims_free; what is read lives in the
 * caller's arena. Errors: below.
 */
#ifndef WARD_AUTH_CLAIMS_H
#define WARD_AUTH_CLAIMS_H

#include "common/auth/jose.h"

struct ward_claims;
/*   FAILED_PRECONDITION  role_names cannot be read;  RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code ward_claims_new(const struct ward_claim_names *names,
                                         struct ward_claims **out, struct ward_err *err);
void ward_claims_free(struct ward_claims *c); /* NULL is fine */

/* Fills subject, ward, purpose and roles: SUBJECT, MALFORMED, NO_MEMORY. On MALFORMED
 * t->claim names the claim at fault and t->fault says what it must be. */
enum ward_token ward_claims_read(const struct ward_claims *c, struct ward_jose *t,
                                 struct ward_arena *mem, struct ward_principal *who);

/* jwks.c: the names that a key set was opened with. */
const struct ward_claims *ward_jwks_claims_of(const struct ward_jwks *j);

#endif
