#include "common/auth/jose.h"
#include "common/base/text.h"

#include <math.h>
#include <string.h>

static const char *const ALGS[] = {"", "RS256", "ES256", "EdDSA"};

const char *ward_jose_alg_name(enum ward_jose_alg alg)
{
    return ALGS[alg];
}

enum ward_jose_alg ward_jose_alg_of(const char *name)
{
    for (size_t i = 1; name != NULL && i < WARD_COUNT(ALGS); i++)
        if (strcmp(name, ALGS[i]) == 0)
            return (enum ward_jose_alg)i;
    return WARD_JOSE_NONE;
}

static enum ward_token decode(struct ward_arena *mem, const char *s, size_t len, uint8_t **out,
                              size_t *n)
{
    uint8_t *bytes = ward_alloc(mem, len);

    if (bytes == NULL)
        return WARD_TOKEN_NO_MEMORY;
    if (len == 0 || !ward_unbase64url(s, len, bytes, len, n))
        return WARD_TOKEN_MALFORMED;
    *out = bytes;
    return WARD_TOKEN_FINE;
}

/* Returns whether the header has a member that provides a key, names the URL of a key, or
 * changes the meaning of the token. */
static bool forbidden(const struct ward_json *header)
{
    static const char *const names[] = {"jwk", "jku", "x5u", "x5c", "crit",
                                        "b64", "zip", "enc", "cty"};

    for (size_t i = 0; i < WARD_COUNT(names); i++)
        if (ward_json_get(header, names[i]) != NULL)
            return true;
    return false;
}

/* Reads a text member; an absent member is read as "". Returns false for a member of another
 * type. */
static bool member(const struct ward_json *object, const char *name, const char **out)
{
    const struct ward_json *v = ward_json_get(object, name);

    *out = ward_json_is(v, WARD_JSON_STRING) ? v->text : "";
    return v == NULL || v->kind == WARD_JSON_STRING;
}

static enum ward_token parse(const uint8_t *p, size_t n, struct ward_arena *mem,
                             const struct ward_json **out)
{
    const struct ward_json *v = NULL;
    struct ward_err err;

    if (ward_json_parse((const char *)p, n, NULL, mem, &v, &err) != WARD_OK ||
        v->kind != WARD_JSON_OBJECT)
        return mem->full ? WARD_TOKEN_NO_MEMORY : WARD_TOKEN_MALFORMED;
    *out = v;
    return WARD_TOKEN_FINE;
}

static enum ward_token read_header(struct ward_jose *t, struct ward_arena *mem,
                                   const uint8_t *p, size_t n)
{
    const struct ward_json *header = NULL;
    enum ward_token bad = parse(p, n, mem, &header);
    const char *alg;

    if (bad != WARD_TOKEN_FINE)
        return bad;
    if (forbidden(header) || !member(header, "alg", &alg) || !member(header, "typ", &t->typ) ||
        !member(header, "kid", &t->kid))
        return WARD_TOKEN_MALFORMED;
    t->alg = ward_jose_alg_of(alg);
    return t->alg == WARD_JOSE_NONE ? WARD_TOKEN_ALGORITHM : WARD_TOKEN_FINE;
}

enum ward_token ward_jose_open(struct ward_jose *t, struct ward_arena *mem, const char *token,
                               size_t len)
{
    const char *end = token + len, *dot, *dot2;
    enum ward_token bad;
    uint8_t *header = NULL;
    size_t n = 0;

    *t = (struct ward_jose){.text = token, .typ = "", .kid = ""};
    if (len > WARD_TOKEN_BYTES)
        return WARD_TOKEN_MALFORMED;
    dot = memchr(token, '.', len);
    dot2 = dot == NULL ? NULL : memchr(dot + 1, '.', (size_t)(end - dot - 1));
    if (dot2 == NULL) /* the base64url decoder rejects a third dot */
        return WARD_TOKEN_MALFORMED;
    t->text_len = (size_t)(dot2 - token);
    bad = decode(mem, token, (size_t)(dot - token), &header, &n);
    if (bad == WARD_TOKEN_FINE)
        bad = read_header(t, mem, header, n);
    if (bad == WARD_TOKEN_FINE)
        bad = decode(mem, dot + 1, (size_t)(dot2 - dot - 1), &t->payload, &t->payload_len);
    if (bad == WARD_TOKEN_FINE)
        bad = decode(mem, dot2 + 1, (size_t)(end - dot2 - 1), &t->sig, &t->sig_len);
    return bad;
}

enum ward_token ward_jose_claims(struct ward_jose *t, struct ward_arena *mem)
{
    return parse(t->payload, t->payload_len, mem, &t->claims);
}

const char *ward_jose_text(const struct ward_jose *t, const char *claim)
{
    const char *s;

    (void)member(t->claims, claim, &s);
    return s;
}

bool ward_jose_time(const struct ward_jose *t, const char *claim, int64_t *out)
{
    double s;

    if (!ward_json_f64(ward_json_get(t->claims, claim), &s) ||
        !(s >= 0 && s < 1e12)) /* accepts times until the year 33658 */
        return false;
    *out = (int64_t)floor(s);
    return true;
}

void ward_jose_thumbprint(const uint8_t pub[WARD_ED25519_PUB], char out[WARD_THUMBPRINT])
{
    static const char head[] = "{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"", tail[] = "\"}";
    char x[WARD_BASE64_SIZE(WARD_ED25519_PUB)];
    struct ward_bytes parts[] = {
        {head, sizeof(head) - 1},
        {x, ward_base64url(pub, WARD_ED25519_PUB, x)},
        {tail, sizeof(tail) - 1},
    };
    uint8_t hash[WARD_SHA256_SIZE];

    ward_sha256_parts(parts, WARD_COUNT(parts), hash);
    ward_base64url(hash, sizeof(hash), out); /* 43 characters, without padding */
}

/* Returns header.payload in base64url; NULL beyond the arena's limit. */
static char *join(const char *header, const char *claims, size_t sig_room,
                  struct ward_arena *mem)
{
    size_t h = strlen(header), c = strlen(claims), n;
    char *text = ward_alloc(mem, WARD_BASE64_SIZE(h) + WARD_BASE64_SIZE(c) + sig_room + 2);

    if (text == NULL)
        return NULL;
    n = ward_base64url(header, h, text);
    text[n++] = '.';
    ward_base64url(claims, c, text + n);
    return text;
}

enum ward_code ward_jose_sign(const struct ward_sign_key *key, const char *typ,
                              const char *claims, struct ward_arena *mem, char **out,
                              struct ward_err *err)
{
    char kid[WARD_THUMBPRINT], *header, *text = NULL;
    uint8_t sig[WARD_ED25519_SIG];
    size_t n;

    ward_jose_thumbprint(ward_sign_key_public(key), kid);
    header = ward_printf(mem, "{\"alg\":\"EdDSA\",\"kid\":\"%s\",\"typ\":\"%s\"}", kid, typ);
    if (header != NULL)
        text = join(header, claims, WARD_BASE64_SIZE(sizeof(sig)), mem);
    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the token");
    n = strlen(text);
    WARD_TRY(ward_sign(key, text, n, sig, err));
    text[n++] = '.';
    ward_base64url(sig, sizeof(sig), text + n);
    *out = text;
    return WARD_OK;
}
