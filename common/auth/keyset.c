/* From a JWKS file to keys.
 *
 * A key is copied out of its JSON member by member (kty, n, e, crv, x, y), so x5c, x5u and
 * whatever else a JWK may carry is never looked at, and rhonabwy sees nothing it could fetch.
 */
#include "common/auth/keyset.h"
#include "common/base/text.h"

#include <rhonabwy.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_CAP ((size_t)1 << 20)
#define RSA_MIN  2048
#define RSA_MAX  8192 /* bits; a check's time grows with the square */

void ward_keyset_drop(struct ward_keyset *set)
{
    if (set == NULL || atomic_fetch_sub(&set->refs, 1) != 1)
        return;
    for (int i = 0; i < set->n; i++) {
        free(set->keys[i].kid);
        gnutls_pubkey_deinit(set->keys[i].pub);
    }
    free(set);
}

static const char *text(const json_t *object, const char *name)
{
    const char *s = json_string_value(json_object_get(object, name));

    return s == NULL ? "" : s;
}

/* For verifying signatures, as far as the key says. */
static bool for_signatures(const json_t *jwk, enum ward_jose_alg alg)
{
    const json_t *ops = json_object_get(jwk, "key_ops"), *op;
    const char *use = text(jwk, "use"), *own = text(jwk, "alg");
    bool verify = !json_is_array(ops);
    size_t i;

    json_array_foreach(ops, i, op) verify =
        verify || (json_is_string(op) && strcmp(json_string_value(op), "verify") == 0);
    return verify && (*use == '\0' || strcmp(use, "sig") == 0) &&
           (*own == '\0' || strcmp(own, ward_jose_alg_name(alg)) == 0);
}

/* NONE for kinds of key Ward has no use for; other tokens of the issuer may need them. */
static enum ward_jose_alg alg_of(const json_t *jwk)
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

/* Through rhonabwy, with nothing but the numbers. */
static gnutls_pubkey_t import(const json_t *jwk, enum ward_jose_alg alg)
{
    json_t *bare =
        alg == WARD_JOSE_RS256
            ? json_pack("{ss ss ss}", "kty", "RSA", "n", text(jwk, "n"), "e", text(jwk, "e"))
            : json_pack("{ss ss ss ss}", "kty", "EC", "crv", "P-256", "x", text(jwk, "x"), "y",
                        text(jwk, "y"));
    gnutls_pubkey_t pub = NULL;
    jwk_t *key = NULL;
    unsigned bits = 0;

    if (bare != NULL && r_jwk_init(&key) == RHN_OK &&
        r_jwk_import_from_json_t(key, bare) == RHN_OK)
        pub = r_jwk_export_to_gnutls_pubkey(key, R_FLAG_IGNORE_REMOTE);
    r_jwk_free(key);
    json_decref(bare);
    if (pub == NULL)
        return NULL;
    gnutls_pubkey_get_pk_algorithm(pub, &bits);
    if (alg == WARD_JOSE_RS256 && (bits < RSA_MIN || bits > RSA_MAX)) {
        gnutls_pubkey_deinit(pub);
        return NULL;
    }
    return pub;
}

static enum ward_code add_key(struct ward_keyset *set, const json_t *jwk, struct ward_err *err)
{
    enum ward_jose_alg alg = alg_of(jwk);
    struct ward_key *k = &set->keys[set->n];
    const char *kid = text(jwk, "kid"), *x = text(jwk, "x");
    size_t n = 0;

    if (*text(jwk, "kty") == '\0')
        return WARD_FAIL(err, FAILED_PRECONDITION, "a key of the JWKS has no kty");
    if (strcmp(text(jwk, "kty"), "oct") == 0 || json_object_get(jwk, "k") != NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the JWKS holds an HMAC key");
    if (json_object_get(jwk, "d") != NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the JWKS holds a private key");
    if (alg == WARD_JOSE_NONE || !for_signatures(jwk, alg))
        return WARD_OK;
    for (int i = 0; i < set->n; i++)
        if (*kid != '\0' && set->keys[i].alg == alg && strcmp(set->keys[i].kid, kid) == 0)
            return WARD_FAIL(err, FAILED_PRECONDITION, "the JWKS holds a kid twice");
    if (alg == WARD_JOSE_EDDSA) {
        if (!ward_unbase64url(x, strlen(x), k->ed25519, WARD_ED25519_PUB, &n) ||
            n != WARD_ED25519_PUB)
            return WARD_FAIL(err, FAILED_PRECONDITION, "an Ed25519 key is not 32 bytes");
    } else if ((k->pub = import(jwk, alg)) == NULL) {
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "an RSA key (%d to %d bits) or P-256 key cannot be read", RSA_MIN,
                         RSA_MAX);
    }
    k->alg = alg;
    k->kid = strdup(kid);
    set->n++; /* from here on ward_keyset_drop() owns what k holds */
    return k->kid != NULL ? WARD_OK : WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory");
}

static enum ward_code add_keys(struct ward_keyset *set, const json_t *root,
                               struct ward_err *err)
{
    const json_t *keys = json_object_get(root, "keys"), *jwk;
    size_t i;

    if (!json_is_array(keys))
        return WARD_FAIL(err, FAILED_PRECONDITION, "the file is not a JWKS");
    if (json_array_size(keys) > WARD_KEYSET_MAX)
        return WARD_FAIL(err, FAILED_PRECONDITION, "the JWKS holds more than %d keys",
                         WARD_KEYSET_MAX);
    json_array_foreach(keys, i, jwk)
    {
        WARD_TRY(add_key(set, jwk, err));
    }
    if (set->n == 0)
        return WARD_FAIL(err, FAILED_PRECONDITION,
                         "the JWKS holds no key for RS256, ES256 or EdDSA");
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

/* The stamp is taken before the bytes: a file that changes in between is read again. */
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

enum ward_code ward_keyset_load(const char *path, struct ward_keyset **out,
                                struct ward_stamp *stamp, struct ward_err *err)
{
    struct ward_keyset *set;
    enum ward_code code;
    json_t *root;
    char *json = NULL;
    size_t n = 0;

    WARD_TRY(read_file(path, &json, &n, stamp, err));
    root = json_loadb(json, n, JSON_REJECT_DUPLICATES, NULL);
    free(json);
    set = calloc(1, sizeof(*set));
    if (set == NULL) {
        json_decref(root);
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the JWKS");
    }
    atomic_init(&set->refs, 1);
    code = add_keys(set, root, err);
    json_decref(root);
    if (code != WARD_OK) {
        ward_keyset_drop(set);
        return code;
    }
    *out = set;
    return WARD_OK;
}
