/* Bearer tokens, which identify a person. */
#include "common/auth/claims.h"
#include "common/base/clock.h"
#include "common/base/reason.h"
#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SUBJECT_MAX 128 /* audit's limit for an actor, in bytes */

static const char *const REASONS[WARD_N_TOKEN] = {
    [WARD_TOKEN_MALFORMED] = "TOKEN_MALFORMED",
    [WARD_TOKEN_ALGORITHM] = "TOKEN_ALGORITHM",
    [WARD_TOKEN_UNKNOWN_KEY] = "TOKEN_UNKNOWN_KEY",
    [WARD_TOKEN_SIGNATURE] = "TOKEN_SIGNATURE",
    [WARD_TOKEN_EXPIRED] = "TOKEN_EXPIRED",
    [WARD_TOKEN_NOT_YET_VALID] = "TOKEN_NOT_YET_VALID",
    [WARD_TOKEN_LIFETIME] = "TOKEN_LIFETIME",
    [WARD_TOKEN_ISSUER] = "TOKEN_ISSUER",
    [WARD_TOKEN_AUDIENCE] = "TOKEN_AUDIENCE",
    [WARD_TOKEN_SUBJECT] = "TOKEN_SUBJECT",
    [WARD_TOKEN_NO_MEMORY] = "ARENA_FULL",
};

bool ward_principal_has(const struct ward_principal *who, const char *role)
{
    for (int i = 0; i < who->n_roles; i++)
        if (strcmp(who->roles[i], role) == 0)
            return true;
    return false;
}

/* Some issuers omit typ, and RFC 9068 requires at+jwt. A PPID token has ppid+jwt and is not a
 * bearer token. */
static bool is_bearer(const char *typ)
{
    return *typ == '\0' || strcasecmp(typ, "JWT") == 0 || strcasecmp(typ, "at+jwt") == 0 ||
           strcasecmp(typ, "application/at+jwt") == 0;
}

static bool is_text(const struct ward_json *v, const char *s)
{
    return ward_json_is(v, WARD_JSON_STRING) && strcmp(v->text, s) == 0;
}

static bool is_for(const struct ward_json *aud, const char *audience)
{
    if (!ward_json_is(aud, WARD_JSON_ARRAY))
        return is_text(aud, audience);
    for (const struct ward_json *one = aud->first; one != NULL; one = one->next)
        if (is_text(one, audience))
            return true;
    return false;
}

/* A token can only be revoked by its expiry, so a lifetime of years is rejected. Without `iat`,
 * the original lifetime is unknown, and the remaining time counts. */
static bool lasts_too_long(const struct ward_jose *t, const struct ward_jwks_config *cfg,
                           int64_t now, int64_t exp)
{
    int64_t iat;

    if (cfg->max_s == 0)
        return false;
    return exp - now > cfg->max_s + cfg->skew_s ||
           (ward_jose_time(t, "iat", &iat) && exp - iat > cfg->max_s);
}

static enum ward_token check_times(struct ward_jose *t, const struct ward_jwks_config *cfg,
                                   int64_t *expires_at)
{
    int64_t now = ward_wall_us() / 1000000, exp, nbf;
    int skew_s = cfg->skew_s;

    if (!ward_jose_time(t, "exp", &exp)) {
        t->claim = "exp";
        t->fault = "must be a time in seconds since 1970";
        return WARD_TOKEN_MALFORMED;
    }
    if (now - skew_s >= exp)
        return WARD_TOKEN_EXPIRED;
    if (ward_json_get(t->claims, "nbf") != NULL) {
        if (!ward_jose_time(t, "nbf", &nbf))
            return WARD_TOKEN_MALFORMED;
        if (now + skew_s < nbf)
            return WARD_TOKEN_NOT_YET_VALID;
    }
    if (lasts_too_long(t, cfg, now, exp))
        return WARD_TOKEN_LIFETIME;
    *expires_at = exp;
    return WARD_TOKEN_FINE;
}

static enum ward_token check_claims(struct ward_jose *t, const struct ward_jwks_config *cfg,
                                    int64_t *expires_at)
{
    enum ward_token bad = check_times(t, cfg, expires_at);

    if (bad != WARD_TOKEN_FINE)
        return bad;
    if (strcmp(ward_jose_text(t, "iss"), cfg->issuer) != 0)
        return WARD_TOKEN_ISSUER;
    if (!is_for(ward_json_get(t->claims, "aud"), cfg->audience))
        return WARD_TOKEN_AUDIENCE;
    return WARD_TOKEN_FINE;
}

static enum ward_token fill(const struct ward_jose *t, const char *token, size_t len,
                            struct ward_arena *mem, struct ward_principal *who)
{
    char *copy = ward_alloc(mem, len + 1);

    if (copy != NULL)
        memcpy(copy, token, len);
    who->token = copy;
    who->issuer = ward_strdup(mem, ward_jose_text(t, "iss"));
    if (!ward_jose_time(t, "iat", &who->issued_at))
        who->issued_at = 0;
    return mem->full ? WARD_TOKEN_NO_MEMORY : WARD_TOKEN_FINE;
}

static enum ward_token check(struct ward_jwks *j, struct ward_jose *t, struct ward_arena *mem,
                             const char *token, size_t len, struct ward_principal *who)
{
    enum ward_token bad = ward_jose_open(t, mem, token, len);

    if (bad == WARD_TOKEN_FINE && !is_bearer(t->typ))
        bad = WARD_TOKEN_MALFORMED;
    if (bad == WARD_TOKEN_FINE)
        bad = ward_jwks_verify(j, t);
    if (bad == WARD_TOKEN_FINE)
        bad = ward_jose_claims(t, mem);
    if (bad == WARD_TOKEN_FINE)
        bad = check_claims(t, ward_jwks_config_of(j), &who->expires_at);
    if (bad == WARD_TOKEN_FINE)
        bad = ward_claims_read(ward_jwks_claims_of(j), t, mem, who);
    if (bad == WARD_TOKEN_FINE)
        bad = fill(t, token, len, mem, who);
    return bad;
}

enum ward_code ward_jwt_check(struct ward_jwks *j, struct ward_arena *mem, const char *token,
                              size_t len, struct ward_principal *out, struct ward_err *err)
{
    struct ward_principal who = {0};
    struct ward_jose t;
    enum ward_token bad = check(j, &t, mem, token, len, &who);

    if (bad == WARD_TOKEN_MALFORMED && t.claim != NULL)
        return WARD_FAIL_REASON(err, UNAUTHENTICATED, "TOKEN_MALFORMED",
                                "the bearer token's claim %.64s %s", t.claim, t.fault);
    if (bad != WARD_TOKEN_FINE)
        return WARD_FAIL_ROW(err, ward_reason_of(REASONS[bad]));
    *out = who;
    return WARD_OK;
}

enum ward_code ward_jwt_issue(const struct ward_sign_key *key, const struct ward_principal *who,
                              const char *audience, int lifetime_s, struct ward_arena *mem,
                              char **out, struct ward_err *err)
{
    struct ward_json_out w = {.mem = mem};
    int64_t now = ward_wall_us() / 1000000;
    const char *claims;
    char jti[37];
    uint8_t id[16];

    if (*who->subject == '\0' || strlen(who->subject) > SUBJECT_MAX)
        return WARD_FAIL_FIELD(err, "subject", "must have 1 to %d bytes", SUBJECT_MAX);
    if (who->n_roles < 0 || who->n_roles > WARD_MAX_ROLES)
        return WARD_FAIL_FIELD(err, "roles", "must be at most %d", WARD_MAX_ROLES);
    if (lifetime_s < 1)
        return WARD_FAIL_FIELD(err, "lifetime_s", "must be at least 1");
    ward_uuid7(id);
    ward_uuid_text(id, jti);
    ward_json_object_begin(&w);
    ward_json_put_text(&w, "iss", who->issuer);
    ward_json_put_text(&w, "sub", who->subject);
    ward_json_put_text(&w, "aud", audience);
    ward_json_put_text(&w, "jti", jti);
    ward_json_put_int(&w, "iat", now);
    ward_json_put_int(&w, "exp", now + lifetime_s);
    ward_json_put_text(&w, "ward", who->ward);
    ward_json_put_text(&w, "purpose", who->purpose);
    ward_json_key(&w, "roles");
    ward_json_array_begin(&w);
    for (int i = 0; i < who->n_roles; i++)
        ward_json_text(&w, who->roles[i]);
    ward_json_array_end(&w);
    ward_json_object_end(&w);
    WARD_TRY(ward_json_done(&w, &claims, NULL, err));
    return ward_jose_sign(key, "JWT", claims, mem, out, err);
}

enum ward_code ward_jwks_print(const struct ward_sign_key *const *keys, int n,
                               struct ward_arena *mem, char **out, struct ward_err *err)
{
    static const char FORMAT[] = "%s%s{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"use\":\"sig\","
                                 "\"alg\":\"EdDSA\",\"kid\":\"%s\",\"x\":\"%s\"}";
    char *text = ward_strdup(mem, "{\"keys\":["), kid[WARD_THUMBPRINT];
    char x[WARD_BASE64_SIZE(WARD_ED25519_PUB)];

    for (int i = 0; i < n && text != NULL; i++) {
        const uint8_t *pub = ward_sign_key_public(keys[i]);

        ward_jose_thumbprint(pub, kid);
        ward_base64url(pub, WARD_ED25519_PUB, x);
        text = ward_printf(mem, FORMAT, text, i == 0 ? "" : ",", kid, x);
    }
    if (text != NULL)
        text = ward_printf(mem, "%s]}\n", text);
    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the JWKS");
    *out = text;
    return WARD_OK;
}
