#include "common/base/pubkey.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

/* bytes of an uncompressed point: the byte 4, then x and y */
#define POINT    (1 + 2 * WARD_P256)
#define DER_MOST (2 * (WARD_P256 + 3) + 3)
/* maximum bytes of a public exponent; larger exponents have no use and cost time */
#define EXP_BYTES 8

struct ward_pubkey {
    EVP_PKEY *pkey;
    bool is_rsa;
};

/* Takes ownership of the parameters. Returns NULL if the parameters are not a key. */
static EVP_PKEY *from_data(const char *type, OSSL_PARAM_BLD *build)
{
    OSSL_PARAM *params = build == NULL ? NULL : OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    EVP_PKEY *pkey = NULL;

    if (params == NULL || c == NULL || EVP_PKEY_fromdata_init(c) != 1 ||
        EVP_PKEY_fromdata(c, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
        pkey = NULL;
    EVP_PKEY_CTX_free(c);
    OSSL_PARAM_free(params);
    return pkey;
}

static enum ward_code adopt(EVP_PKEY *pkey, bool is_rsa, struct ward_pubkey **out,
                            struct ward_err *err)
{
    struct ward_pubkey *key = pkey == NULL ? NULL : calloc(1, sizeof(*key));

    if (key == NULL) {
        EVP_PKEY_free(pkey);
        return WARD_FAIL(err, FAILED_PRECONDITION, "not a public key for signatures");
    }
    *key = (struct ward_pubkey){.pkey = pkey, .is_rsa = is_rsa};
    *out = key;
    return WARD_OK;
}

enum ward_code ward_pubkey_rsa(const uint8_t *modulus, size_t n, const uint8_t *exponent,
                               size_t e, struct ward_pubkey **out, struct ward_err *err)
{
    bool sized = n <= WARD_RSA_MAX / 8 + 1 && e <= EXP_BYTES;
    BIGNUM *bn_n = sized ? BN_bin2bn(modulus, (int)n, NULL) : NULL;
    BIGNUM *bn_e = sized ? BN_bin2bn(exponent, (int)e, NULL) : NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY *pkey = NULL;

    /* A signing key has an odd modulus, and an odd exponent other than 1. */
    if (bn_n != NULL && bn_e != NULL && build != NULL && BN_num_bits(bn_n) >= WARD_RSA_MIN &&
        BN_num_bits(bn_n) <= WARD_RSA_MAX && BN_is_odd(bn_n) && BN_is_odd(bn_e) &&
        !BN_is_one(bn_e) && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, bn_n) == 1 &&
        OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, bn_e) == 1)
        pkey = from_data("RSA", build);
    OSSL_PARAM_BLD_free(build);
    BN_free(bn_n);
    BN_free(bn_e);
    return adopt(pkey, true, out, err);
}

enum ward_code ward_pubkey_p256(const uint8_t x[WARD_P256], const uint8_t y[WARD_P256],
                                struct ward_pubkey **out, struct ward_err *err)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    uint8_t point[POINT] = {POINT_CONVERSION_UNCOMPRESSED};
    EVP_PKEY *pkey = NULL;

    memcpy(point + 1, x, WARD_P256);
    memcpy(point + 1 + WARD_P256, y, WARD_P256);
    if (build != NULL &&
        OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) == 1 &&
        OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, POINT) == 1)
        pkey = from_data("EC", build);
    OSSL_PARAM_BLD_free(build);
    return adopt(pkey, false, out, err);
}

void ward_pubkey_free(struct ward_pubkey *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

/* Encodes r and s as DER, which libcrypto needs. Returns 0 if there is no memory. */
static size_t der_of(const uint8_t sig[WARD_P256_SIG], uint8_t out[DER_MOST])
{
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(sig, WARD_P256, NULL);
    BIGNUM *s = BN_bin2bn(sig + WARD_P256, WARD_P256, NULL);
    uint8_t *p = out;
    int n;

    if (pair == NULL || r == NULL || s == NULL || ECDSA_SIG_set0(pair, r, s) != 1) {
        BN_free(r);
        BN_free(s);
        ECDSA_SIG_free(pair);
        return 0;
    }
    n = i2d_ECDSA_SIG(pair, &p);
    ECDSA_SIG_free(pair); /* also frees r and s */
    return n > 0 ? (size_t)n : 0;
}

bool ward_pubkey_verify(const struct ward_pubkey *key, const void *data, size_t n,
                        const uint8_t *sig, size_t sig_len)
{
    uint8_t der[DER_MOST];
    EVP_MD_CTX *c;
    bool ok;

    if (!key->is_rsa) {
        sig_len = sig_len == WARD_P256_SIG ? der_of(sig, der) : 0;
        sig = der;
        if (sig_len == 0)
            return false;
    }
    c = EVP_MD_CTX_new();
    ok = c != NULL && EVP_DigestVerifyInit(c, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
         EVP_DigestVerify(c, sig, sig_len, data, n) == 1;
    EVP_MD_CTX_free(c);
    return ok;
}
