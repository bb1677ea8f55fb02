/* auth.h - bearer tokens (OIDC), which identify a person, and PPID tokens, which confirm a
 * patient's verification.
 *
 * A bearer token is a JWT signed with RS256, ES256 or EdDSA by a key of the mounted JWKS file.
 * The algorithm must belong to the key; `none` and every HMAC are rejected before the key
 * lookup. A PPID token is Ward's own JWT, EdDSA only.
 *
 * Threads: threads share a ward_jwks; verification holds a read lock only to copy a pointer.
 * Memory: results are in the caller's arena. Errors: UNAUTHENTICATED with a reason of
 * docs/errors.md.
 */
#ifndef WARD_AUTH_AUTH_H
#define WARD_AUTH_AUTH_H

#include "common/base/arena.h"
#include "common/base/crypto.h"
#include "common/base/status.h"

#define WARD_MAX_ROLES   16
#define WARD_TOKEN_BYTES 8192 /* longer tokens are rejected without parsing */

/* The claims of an issuer's tokens that Ward needs. A claim is given by its name
 * ("https://hospital.example/ward"), or by a path with dots through objects
 * ("realm_access.roles"). If a token has a claim of the whole name and a claim at the path, the
 * whole name takes precedence. NULL or "" selects the default claim.
 */
struct ward_claim_names {
    const char *subject, *roles, *ward, *purpose; /* defaults: sub, roles, ward, purpose */
    /* "THEIR-NAME=ROLE,ROLE": other roles are ignored; "": every role is accepted under the
     * issuer's name */
    const char *role_names;
    const char *purpose_absent; /* the purpose of a token without a purpose */
};

/* A person, as described by the issuer. Strings are never NULL; "" if a claim is absent. */
struct ward_principal {
    const char *subject; /* claim `sub`, or the configured claim; never empty */
    const char *issuer;  /* `iss` */
    const char *ward;    /* `ward`: the hospital unit where the person works now */
    const char *purpose; /* `purpose`: HL7 v3 PurposeOfUse code: TREAT, HOPERAT, ETREAT ... */
    int n_roles;
    const char *roles[WARD_MAX_ROLES]; /* `roles` */
    int64_t expires_at;                /* `exp`, seconds since 1970 */
    int64_t issued_at;                 /* `iat`, seconds since 1970; 0 if absent */
    const char *token; /* the compact JWT itself, to forward to other services */
};

bool ward_principal_has(const struct ward_principal *who, const char *role);

/* A key set that follows its file. The file is read again when it changes (checked at most once
 * a second). If the file is invalid, the last valid set remains in use, and
 * ward_auth_jwks_reload_failures_total counts the failure. */
struct ward_jwks;
struct ward_jwks_config {
    const char *path;     /* JWKS file, RFC 7517 */
    const char *issuer;   /* must equal `iss`; never "" */
    const char *audience; /* must be in `aud`; never "" */
    int skew_s;           /* tolerated clock difference for exp and nbf, 0..300 */
    int max_s;            /* longest time from `iat`, or from now, to `exp`; 0: no limit */
    struct ward_claim_names claims;
};
/*   NOT_FOUND            the file does not exist
 *   FAILED_PRECONDITION  the file is not a JWKS, has a private or an HMAC key, or has no usable
 *                        key; or cfg is incomplete or has invalid role_names */
WARD_MUST enum ward_code ward_jwks_open(const struct ward_jwks_config *cfg,
                                        struct ward_jwks **out, struct ward_err *err);
void ward_jwks_close(struct ward_jwks *j); /* accepts NULL */

/* Returns a number that increases whenever the keys change. Checks the file first, as a
 * verification does. A verified token stays valid up to expires_at while the number is
 * unchanged. */
uint64_t ward_jwks_generation(struct ward_jwks *j);

/* Verifies a compact JWT of `len` characters.
 *   UNAUTHENTICATED  TOKEN_MALFORMED, TOKEN_ALGORITHM, TOKEN_UNKNOWN_KEY, TOKEN_SIGNATURE,
 *                    TOKEN_EXPIRED, TOKEN_NOT_YET_VALID, TOKEN_LIFETIME, TOKEN_ISSUER,
 *                    TOKEN_AUDIENCE, TOKEN_SUBJECT (reason)
 *   RESOURCE_EXHAUSTED  the arena is full */
WARD_MUST enum ward_code ward_jwt_check(struct ward_jwks *j, struct ward_arena *mem,
                                        const char *token, size_t len,
                                        struct ward_principal *out, struct ward_err *err);

/* For the embedded default's issuer and for tests: signs a bearer token (EdDSA; `kid` is the
 * key's RFC 7638 thumbprint) and prints the JWKS that verifies it. Results are in mem. */
WARD_MUST enum ward_code ward_jwt_issue(const struct ward_sign_key *key,
                                        const struct ward_principal *who, const char *audience,
                                        int lifetime_s, struct ward_arena *mem, char **out,
                                        struct ward_err *err);
WARD_MUST enum ward_code ward_jwks_print(const struct ward_sign_key *const *keys, int n,
                                         struct ward_arena *mem, char **out,
                                         struct ward_err *err);

/* A positive-patient-ID token: confirms the verification of a patient, with the place, method
 * and score. */
struct ward_ppid {
    const char *token_id; /* `jti`, a UUID: services accept each value once */
    const char *patient;  /* `sub`: identity's opaque subject id */
    const char *place;    /* `place`: bed, door or room; never empty */
    const char *device;   /* `device`: the service or device that requested the token */
    const char *purpose;  /* `purpose` */
    const char *method;   /* `method`: "face" or "wristband+second-id" */
    const char *actor;    /* `actor`: the person who used the device; "" for none */
    const char *witness;  /* `witness`: the second person; "" (NULL when issued) for none */
    double score;         /* `score`: cosine similarity for faces */
    const char *model;    /* `model`: sha256 of the embedding model; "" for none */
    int64_t issued_at;    /* `iat`, seconds since 1970 */
    int64_t expires_at;   /* `exp`; at most WARD_PPID_MAX_S after issued_at */
};

#define WARD_PPID_MAX_S    120
#define WARD_PPID_ISSUER   "spiffe://ward/identity"
#define WARD_PPID_AUDIENCE "ward-ppid"

/* The key's id in a token's header: its RFC 7638 thumbprint. */
#define WARD_PPID_KID 44 /* characters, with the NUL */
void ward_ppid_kid(const uint8_t pub[WARD_ED25519_PUB], char out[WARD_PPID_KID]);

/* Fills token_id, issued_at and expires_at, then signs. */
WARD_MUST enum ward_code ward_ppid_issue(const struct ward_sign_key *key,
                                         struct ward_ppid *ppid, int lifetime_s,
                                         struct ward_arena *mem, char **out,
                                         struct ward_err *err);

/* Verifies the signature (with any of n public keys), the type, the age and the format. The
 * caller compares patient, place and purpose with its intended action, and redeems token_id.
 * UNAUTHENTICATED PPID_MALFORMED, PPID_ALGORITHM, PPID_UNKNOWN_KEY, PPID_SIGNATURE,
 * PPID_EXPIRED, PPID_NOT_YET_VALID, PPID_ISSUER, PPID_CLAIMS (reason) */
WARD_MUST enum ward_code ward_ppid_check(const uint8_t (*keys)[WARD_ED25519_PUB], int n,
                                         struct ward_arena *mem, const char *token,
                                         struct ward_ppid *out, struct ward_err *err);

/* Signs a document that is not a token: `json` (an object) as a compact JWS with EdDSA. The
 * header contains `typ`, and the key's thumbprint as kid. A reader of one `typ` rejects every
 * other `typ`.
 *   INTERNAL  json is not an object: a bug; RESOURCE_EXHAUSTED */
WARD_MUST enum ward_code ward_jws_issue(const struct ward_sign_key *key, const char *typ,
                                        const char *json, struct ward_arena *mem, char **out,
                                        struct ward_err *err);

#endif
