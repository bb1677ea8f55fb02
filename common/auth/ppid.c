/* Positive-patient-ID tokens. */
#include "common/auth/jose.h"
#include "common/base/clock.h"
#include "common/base/reason.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TYP      "ppid+jwt"
#define TEXT_MAX 128 /* maximum bytes of any claim */
#define AHEAD_S  5   /* seconds that identity's clock may be ahead of this clock */

static const char *const REASONS[WARD_N_TOKEN] = {
    [WARD_TOKEN_MALFORMED] = "PPID_MALFORMED",
    [WARD_TOKEN_ALGORITHM] = "PPID_ALGORITHM",
    [WARD_TOKEN_UNKNOWN_KEY] = "PPID_UNKNOWN_KEY",
    [WARD_TOKEN_SIGNATURE] = "PPID_SIGNATURE",
    [WARD_TOKEN_EXPIRED] = "PPID_EXPIRED",
    [WARD_TOKEN_NOT_YET_VALID] = "PPID_NOT_YET_VALID",
    [WARD_TOKEN_ISSUER] = "PPID_ISSUER",
    [WARD_TOKEN_SUBJECT] = "PPID_CLAIMS",
    [WARD_TOKEN_NO_MEMORY] = "ARENA_FULL",
};

static bool fits(const char *s, size_t least)
{
    size_t n = strlen(s);

    return n >= least && n <= TEXT_MAX;
}

/* Checks common to issuing and verifying. Issuing and verifying check `token_id` and the times
 * separately.
 */
static bool is_whole(const struct ward_ppid *p)
{
    return fits(p->patient, 1) && fits(p->place, 1) && fits(p->method, 1) &&
           fits(p->device, 0) && fits(p->purpose, 0) && fits(p->actor, 0) &&
           fits(p->model, 0) && fits(p->witness, 0) && isfinite(p->score);
}

void ward_ppid_kid(const uint8_t pub[WARD_ED25519_PUB], char out[WARD_PPID_KID])
{
    _Static_assert(WARD_PPID_KID == WARD_THUMBPRINT, "a kid must be a thumbprint");
    ward_jose_thumbprint(pub, out);
}

static enum ward_code claims_of(const struct ward_ppid *p, struct ward_arena *mem,
                                const char **out, struct ward_err *err)
{
    struct ward_json_out w = {.mem = mem};
    char score[32];
    int n = snprintf(score, sizeof(score), "%.17g", p->score);

    ward_json_object_begin(&w);
    ward_json_put_text(&w, "iss", WARD_PPID_ISSUER);
    ward_json_put_text(&w, "aud", WARD_PPID_AUDIENCE);
    ward_json_put_text(&w, "jti", p->token_id);
    ward_json_put_text(&w, "sub", p->patient);
    ward_json_put_text(&w, "place", p->place);
    ward_json_put_text(&w, "device", p->device);
    ward_json_put_text(&w, "purpose", p->purpose);
    ward_json_put_text(&w, "method", p->method);
    ward_json_put_text(&w, "actor", p->actor);
    ward_json_key(&w, "score");
    ward_json_decimal(&w, score, (size_t)n);
    ward_json_put_text(&w, "model", p->model);
    ward_json_put_int(&w, "iat", p->issued_at);
    ward_json_put_int(&w, "exp", p->expires_at);
    if (*p->witness != '\0')
        ward_json_put_text(&w, "witness", p->witness);
    ward_json_object_end(&w);
    return ward_json_done(&w, out, NULL, err);
}

enum ward_code ward_ppid_issue(const struct ward_sign_key *key, struct ward_ppid *ppid,
                               int lifetime_s, struct ward_arena *mem, char **out,
                               struct ward_err *err)
{
    struct ward_ppid p = *ppid;
    char *jti = ward_alloc(mem, 37);
    uint8_t id[16];
    const char *claims;

    if (p.witness == NULL)
        p.witness = "";
    if (!is_whole(&p))
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "a PPID token needs a patient, a place and a method, a finite score, "
                         "and texts of at most %d bytes",
                         TEXT_MAX);
    if (lifetime_s < 1 || lifetime_s > WARD_PPID_MAX_S)
        return WARD_FAIL(err, INVALID_ARGUMENT,
                         "the lifetime of a PPID token must be 1 to %d s", WARD_PPID_MAX_S);
    if (jti == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the token");
    ward_uuid7(id);
    ward_uuid_text(id, jti);
    p.token_id = jti;
    p.issued_at = ward_wall_us() / 1000000;
    p.expires_at = p.issued_at + lifetime_s;
    WARD_TRY(claims_of(&p, mem, &claims, err));
    WARD_TRY(ward_jose_sign(key, TYP, claims, mem, out, err));
    *ppid = p;
    return WARD_OK;
}

static enum ward_token verify(const struct ward_jose *t,
                              const uint8_t (*keys)[WARD_ED25519_PUB], int n)
{
    char kid[WARD_THUMBPRINT];

    if (strcmp(t->typ, TYP) != 0)
        return WARD_TOKEN_MALFORMED;
    if (t->alg != WARD_JOSE_EDDSA)
        return WARD_TOKEN_ALGORITHM;
    for (int i = 0; i < n; i++) {
        ward_jose_thumbprint(keys[i], kid);
        if (strcmp(kid, t->kid) != 0)
            continue;
        return t->sig_len == WARD_ED25519_SIG &&
                       ward_verify(keys[i], t->text, t->text_len, t->sig)
                   ? WARD_TOKEN_FINE
                   : WARD_TOKEN_SIGNATURE;
    }
    return WARD_TOKEN_UNKNOWN_KEY;
}

/* Copies the text of a claim. Returns NULL if the claim is absent or not a text, or if there is
 * no memory. */
static const char *keep(const struct ward_jose *t, const char *claim, struct ward_arena *mem)
{
    const char *s = ward_json_string(ward_json_get(t->claims, claim));

    return s == NULL ? NULL : ward_strdup(mem, s);
}

static enum ward_token read_claims(const struct ward_jose *t, struct ward_arena *mem,
                                   struct ward_ppid *p)
{
    const char **const texts[] = {&p->token_id, &p->patient, &p->place, &p->device,
                                  &p->purpose,  &p->method,  &p->actor, &p->model};
    static const char *const names[] = {"jti",     "sub",    "place", "device",
                                        "purpose", "method", "actor", "model"};
    uint8_t id[16];

    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        *texts[i] = keep(t, names[i], mem);
        if (*texts[i] == NULL)
            return mem->full ? WARD_TOKEN_NO_MEMORY : WARD_TOKEN_SUBJECT;
    }
    p->witness = "";
    if (ward_json_get(t->claims, "witness") != NULL) {
        p->witness = keep(t, "witness", mem);
        if (p->witness == NULL)
            return mem->full ? WARD_TOKEN_NO_MEMORY : WARD_TOKEN_SUBJECT;
    }
    if (!ward_json_f64(ward_json_get(t->claims, "score"), &p->score) ||
        !ward_uuid_parse(p->token_id, id) || !is_whole(p))
        return WARD_TOKEN_SUBJECT;
    return WARD_TOKEN_FINE;
}

/* An expired token is rejected without tolerance, because the patient can be verified again. */
static enum ward_token check_times(const struct ward_jose *t, struct ward_ppid *p)
{
    int64_t now = ward_wall_us() / 1000000;

    if (!ward_jose_time(t, "iat", &p->issued_at) || !ward_jose_time(t, "exp", &p->expires_at) ||
        p->expires_at <= p->issued_at || p->expires_at - p->issued_at > WARD_PPID_MAX_S)
        return WARD_TOKEN_SUBJECT;
    if (now >= p->expires_at)
        return WARD_TOKEN_EXPIRED;
    return now + AHEAD_S < p->issued_at ? WARD_TOKEN_NOT_YET_VALID : WARD_TOKEN_FINE;
}

static enum ward_token check(struct ward_jose *t, const uint8_t (*keys)[WARD_ED25519_PUB],
                             int n, struct ward_arena *mem, const char *token,
                             struct ward_ppid *p)
{
    enum ward_token bad = ward_jose_open(t, mem, token, strnlen(token, WARD_TOKEN_BYTES + 1));

    if (bad == WARD_TOKEN_FINE)
        bad = verify(t, keys, n);
    if (bad == WARD_TOKEN_FINE)
        bad = ward_jose_claims(t, mem);
    if (bad == WARD_TOKEN_FINE && (strcmp(ward_jose_text(t, "iss"), WARD_PPID_ISSUER) != 0 ||
                                   strcmp(ward_jose_text(t, "aud"), WARD_PPID_AUDIENCE) != 0))
        bad = WARD_TOKEN_ISSUER;
    if (bad == WARD_TOKEN_FINE)
        bad = read_claims(t, mem, p);
    if (bad == WARD_TOKEN_FINE)
        bad = check_times(t, p);
    return bad;
}

enum ward_code ward_ppid_check(const uint8_t (*keys)[WARD_ED25519_PUB], int n,
                               struct ward_arena *mem, const char *token, struct ward_ppid *out,
                               struct ward_err *err)
{
    struct ward_ppid p = {0};
    struct ward_jose t;
    enum ward_token bad = check(&t, keys, n, mem, token, &p);

    if (bad != WARD_TOKEN_FINE)
        return WARD_FAIL_ROW(err, ward_reason_of(REASONS[bad]));
    *out = p;
    return WARD_OK;
}
