/* Reads a JWKS file into keys. Only the numbers of each key are read (n, e, x, y). x5c, x5u and
 * other members are ignored. */
#include "common/auth/keyset.h"
#include "common/base/text.h"
#include "common/json/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_CAP  ((size_t)1 << 20)
#define ARENA_CAP ((size_t)96 << 20) /* enough for a file with very many small values */

void ward_keyset_drop(struct ward_keyset *set)
{
    if (set == NULL || atomic_fetch_sub(&set->refs, 1) != 1)
        return;
    for (int i = 0; i < set->n; i++) {
        free(set->keys[i].kid);
        ward_pubkey_free(set->keys[i].pub);
    }
    free(set);
}

static const char *text(const struct ward_json *object, const char *name)
{
    const char *s = ward_json_string(ward_json_get(object, name));

    return s == NULL ? "" : s;
}

/* Returns whether the key may verify signatures, according to its members. */
static bool for_signatures(const struct ward_json *jwk, enum ward_jose_alg alg)
{
    const struct ward_json *ops = ward_json_get(jwk, "key_ops");
    const char *use = text(jwk, "use"), *own = text(jwk, "alg");
    bool verify = !ward_json_is(ops, WARD_JSON_ARRAY);

    for (const struct ward_json *op = verify ? NULL : ops->first; op != NULL; op = op->next)
        verify = verify || (op->kind == WARD_JSON_STRING && strcmp(op->text, "verify") == 0);
    return verify && (*use == '\0' || strcmp(use, "sig") == 0) &&
           (*own == '\0' || strcmp(own, ward_jose_alg_name(alg)) == 0);
}

/* Returns NONE for key types that Ward does not use. A key set may contain keys of other types
 * for other purposes. */
static enum ward_jose_alg alg_of(const struct ward_json *jwk)
{
    const char *kty = text(jwk, "kty"), *crv = text(jwk, "crv");

    if (strcmp(kty, "RSA") == 0)
        return WARD_JOSE_RS256;
    if (strcmp(kty, "EC") == 0 && strcmp(crv, "P-256") == 0)
        return WARD_JOSE_ES256;
    if (strcmp(kty, "OKP") == 0 && strcmp(crv, "Ed25519") == 0)
        return WARD_JOSE_EDDSA;
    return WARD_JOSE_NONE;
}

/* Reads a coordinate, and adds the leading zeros that some issuers omit. */
static bool coordinate(const char *s, uint8_t out[WARD_P256])
{
    uint8_t bytes[WARD_P256];
    size_t n = 0;

    if (!ward_unbase64url(s, strlen(s), bytes, sizeof(bytes), &n) || n == 0)
        return false;
    memset(out, 0, WARD_P256);
    memcpy(out + WARD_P256 - n, bytes, n);
    return true;
}

static bool read_p256(const struct ward_json *jwk, struct ward_pubkey **out)
{
    uint8_t x[WARD_P256], y[WARD_P256];
    struct ward_err err;

    return coordinate(text(jwk, "x"), x) && coordinate(text(jwk, "y"), y) &&
           ward_pubkey_p256(x, y, out, &err) == WARD_OK;
}

static bool read_rsa(const struct ward_json *jwk, struct ward_pubkey **out)
{
    const char *modulus = text(jwk, "n"), *exponent = text(jwk, "e");
    uint8_t n[WARD_RSA_MAX / 8 + 1], e[8];
    size_t n_len = 0, e_len = 0;
    struct ward_err err;

    return ward_unbase64url(modulus, strlen(modulus), n, sizeof(n), &n_len) &&
           ward_unbase64url(exponent, strlen(exponent), e, sizeof(e), &e_len) &&
           ward_pubkey_rsa(n, n_len, e, e_len, out, &err) == WARD_OK;
}

static enum ward_code add_key(struct ward_keyset *set, const struct ward_json *jwk,
                              struct ward_err *err)
{
    enum ward_jose_alg alg = alg_of(jwk);
    struct ward_key *k = &set->keys[set->n];
    const char *kid = text(jwk, "kid"), *x = text(jwk, "x");
    size_t n = 0;

    if (*text(jwk, "kty") == '\0')
        return WARD_FAIL(err, FAILED_PRECONDITION, "a key of the JWKS has no kty");
    if (strcmp(text(jwk, "kty"), "oct") == 0 || ward_json_get(jwk, "k") != NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the JWKS contains an HMAC key");
    if (ward_json_get(jwk, "d") != NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the JWKS contains a private key");
    if (alg == WARD_JOSE_NONE || !for_signatures(jwk, alg))
        return WARD_OK;
    for (int i = 0; i < set->n; i++)
        if (*kid != '\0' && set->keys[i].alg == alg && strcmp(set->keys[i].kid, kid) == 0)
            return WARD_FAIL(err, FAILED_PRECONDITION, "the JWKS contains the same kid twice");
    if (alg == WARD_JOSE_EDDSA) {
        if (!ward_unbase64url(x, strlen(x), k->ed25519, WARD_ED25519_PUB, &n) ||
            n != WARD_ED25519_PUB)
            return WARD_FAIL(err, FAILED_PRECONDITION, "an Ed25519 key is not 32 bytes");
    } else if (!(alg == WARD_JOSE_RS256 ? read_rsa : read_p256)(jwk, &k->pub)) {
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "an RSA key (%d to %d bits) or P-256 key is invalid", WARD_RSA_MIN,
                         WARD_RSA_MAX);
    }
    k->alg = alg;
    k->kid = strdup(kid);
    set->n++; /* from here on, ward_keyset_drop() frees the contents of k */
    return k->kid != NULL ? WARD_OK : WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
}

static enum ward_code add_keys(struct ward_keyset *set, const struct ward_json *root,
                               struct ward_err *err)
{
    const struct ward_json *keys = ward_json_get(root, "keys");

    if (!ward_json_is(keys, WARD_JSON_ARRAY))
        return WARD_FAIL(err, FAILED_PRECONDITION, "the file is not a JWKS");
    if (keys->count > WARD_KEYSET_MAX)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the JWKS contains more than %d keys",
                         WARD_KEYSET_MAX);
    for (const struct ward_json *jwk = keys->first; jwk != NULL; jwk = jwk->next)
        WARD_TRY(add_key(set, jwk, err));
    if (set->n == 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the JWKS contains no key for RS256, ES256 or EdDSA");
    return WARD_OK;
}

static void stamp_of(const struct stat *st, struct ward_stamp *out)
{
    memset(out, 0, sizeof(*out)); /* stamps are compared as bytes */
    out->dev = st->st_dev;
    out->ino = st->st_ino;
    out->size = st->st_size;
    out->mtime = st->st_mtim;
}

bool ward_stamp_take(const char *path, struct ward_stamp *out)
{
    struct stat st;

    if (stat(path, &st) != 0)
        return false;
    stamp_of(&st, out);
    return true;
}

/* The stamp is taken before the file is read, so a change between both steps causes another
 * read. */
static enum ward_code read_file(const char *path, char **out, size_t *n,
                                struct ward_stamp *stamp, struct ward_err *err)
{
    FILE *f = fopen(path, "re");
    struct stat st;
    char *bytes;
    bool ok;

    if (f == NULL)
        return WARD_FAIL(err, NOT_FOUND, "cannot open the JWKS file %s", path);
    bytes = malloc(FILE_CAP);
    ok = bytes != NULL && fstat(fileno(f), &st) == 0;
    *n = ok ? fread(bytes, 1, FILE_CAP, f) : 0;
    ok = ok && ferror(f) == 0 && *n < FILE_CAP;
    fclose(f);
    if (!ok) {
        free(bytes);
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot read the JWKS file %s", path);
    }
    stamp_of(&st, stamp);
    *out = bytes;
    return WARD_OK;
}

static enum ward_code read_keys(struct ward_keyset *set, const char *json, size_t n,
                                struct ward_err *err)
{
    const struct ward_json *root = NULL;
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, ARENA_CAP);
    if (ward_json_parse(json, n, NULL, &mem, &root, err) != WARD_OK)
        code = WARD_FAIL(err, FAILED_PRECONDITION, "the file is not a JWKS");
    else
        code = add_keys(set, root, err);
    ward_arena_done(&mem);
    return code;
}

enum ward_code ward_keyset_load(const char *path, struct ward_keyset **out,
                                struct ward_stamp *stamp, struct ward_err *err)
{
    struct ward_keyset *set;
    enum ward_code code;
    char *json = NULL;
    size_t n = 0;

    WARD_TRY(read_file(path, &json, &n, stamp, err));
    set = calloc(1, sizeof(*set));
    if (set == NULL) {
        free(json);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the JWKS");
    }
    atomic_init(&set->refs, 1);
    code = read_keys(set, json, n, err);
    free(json);
    if (code != WARD_OK) {
        ward_keyset_drop(set);
        return code;
    }
    *out = set;
    return WARD_OK;
}
