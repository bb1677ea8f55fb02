/* jose.h - a strict parser of compact JWTs. Inside common/auth.
 *
 * The parser supports only the parts of RFC 7515 and 7519 that Ward needs: three parts,
 * base64url without padding, and a header with few members. The parser rejects a header that
 * provides a key, names a URL or requires an extension, before any key lookup. Claims are
 * parsed only after the signature has been verified.
 *
 * Threads: pure functions. Memory: results are in the arena. Errors: a value of enum
 * ward_token.
 */
#ifndef WARD_AUTH_JOSE_H
#define WARD_AUTH_JOSE_H

#include "common/auth/auth.h"
#include "common/json/write.h"

/* The faults of a token. These values are the indexes of two tables of reasons: for bearer
 * tokens, and for PPID tokens. */
enum ward_token {
    WARD_TOKEN_FINE,
    WARD_TOKEN_MALFORMED,
    WARD_TOKEN_ALGORITHM,
    WARD_TOKEN_UNKNOWN_KEY,
    WARD_TOKEN_SIGNATURE,
    WARD_TOKEN_EXPIRED,
    WARD_TOKEN_NOT_YET_VALID,
    WARD_TOKEN_LIFETIME,
    WARD_TOKEN_ISSUER,
    WARD_TOKEN_AUDIENCE,
    WARD_TOKEN_SUBJECT,
    WARD_TOKEN_NO_MEMORY,
    WARD_N_TOKEN
};

enum ward_jose_alg { WARD_JOSE_NONE, WARD_JOSE_RS256, WARD_JOSE_ES256, WARD_JOSE_EDDSA };
const char *ward_jose_alg_name(enum ward_jose_alg alg); /* such as "RS256" */
enum ward_jose_alg
ward_jose_alg_of(const char *name); /* NONE for any other text, and for NULL */

struct ward_jose {
    const struct ward_json *claims; /* NULL until the claims are parsed */
    enum ward_jose_alg alg;
    const char *typ, *kid; /* "" if absent */
    const char *text;      /* the signed bytes: header.payload */
    size_t text_len;
    uint8_t *payload, *sig;
    size_t payload_len, sig_len;
    /* the claim that made a bearer token MALFORMED, and its fault; otherwise NULL */
    const char *claim, *fault;
};

/* Splits the token and reads the header. Fails with MALFORMED, ALGORITHM or NO_MEMORY. */
enum ward_token ward_jose_open(struct ward_jose *t, struct ward_arena *mem, const char *token,
                               size_t len);
/* Parses the payload, which must be a JSON object, into t->claims. Fails with MALFORMED or
 * NO_MEMORY. */
enum ward_token ward_jose_claims(struct ward_jose *t, struct ward_arena *mem);

/* Returns the claim's text, or "" if the claim is absent or not a text. */
const char *ward_jose_text(const struct ward_jose *t, const char *claim);
/* Reads a NumericDate as whole seconds, rounded down. Returns false if the claim is absent, not
 * a number, or out of range. */
bool ward_jose_time(const struct ward_jose *t, const char *claim, int64_t *out);

/* RFC 7638 thumbprint of an Ed25519 key, base64url: 43 characters and a NUL. */
#define WARD_THUMBPRINT 44
void ward_jose_thumbprint(const uint8_t pub[WARD_ED25519_PUB], char out[WARD_THUMBPRINT]);

/* Signs with EdDSA. The header has alg, kid (the thumbprint) and typ. `claims` is JSON.
 *   RESOURCE_EXHAUSTED, INTERNAL */
WARD_MUST enum ward_code ward_jose_sign(const struct ward_sign_key *key, const char *typ,
                                        const char *claims, struct ward_arena *mem, char **out,
                                        struct ward_err *err);

/* In jwks.c, for jwt.c: verifies the signature of t with a key of the set. Fails with
 * UNKNOWN_KEY, ALGORITHM or SIGNATURE. */
enum ward_token ward_jwks_verify(struct ward_jwks *j, const struct ward_jose *t);
const struct ward_jwks_config *ward_jwks_config_of(const struct ward_jwks *j);

/* For tests. The first function makes the next verification check the file. The second function
 * returns the number of checks of the file. */
void ward_jwks_look_now(struct ward_jwks *j);
int ward_jwks_looks(const struct ward_jwks *j);

#endif
