/* Ed25519 keys; crypto.h documents the functions. */
#include "common/base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct ward_sign_key {
    EVP_PKEY *pkey;
    uint8_t pub[WARD_ED25519_PUB];
};

static enum ward_code adopt(EVP_PKEY *pkey, struct ward_sign_key **out, struct ward_err *err)
{
    struct ward_sign_key *key = calloc(1, sizeof(*key));
    size_t n = WARD_ED25519_PUB;

    if (key == NULL || pkey == NULL || EVP_PKEY_get_base_id(pkey) != EVP_PKEY_ED25519 ||
        EVP_PKEY_get_raw_public_key(pkey, key->pub, &n) != 1) {
        free(key);
        EVP_PKEY_free(pkey);
        return WARD_FAIL(err, FAILED_PRECONDITION, "not an Ed25519 private key");
    }
    key->pkey = pkey;
    *out = key;
    return WARD_OK;
}

enum ward_code ward_sign_key_new(const uint8_t seed[WARD_ED25519_SEED],
                                 struct ward_sign_key **out, struct ward_err *err)
{
    return adopt(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, WARD_ED25519_SEED),
                 out, err);
}

enum ward_code ward_sign_key_load(const char *pem_path, struct ward_sign_key **out,
                                  struct ward_err *err)
{
    FILE *f = fopen(pem_path, "re");
    EVP_PKEY *pkey;

    if (f == NULL)
        return WARD_FAIL(err, NOT_FOUND, "cannot open the key file %s", pem_path);
    pkey = PEM_read_PrivateKey(f, NULL, NULL, NULL);
    fclose(f);
    return adopt(pkey, out, err);
}

enum ward_code ward_sign_key_save(const struct ward_sign_key *key, const char *pem_path,
                                  struct ward_err *err)
{
    char tmp[4096];
    int fd;
    FILE *f;
    bool ok;

    if (snprintf(tmp, sizeof(tmp), "%s.%d", pem_path, (int)getpid()) >= (int)sizeof(tmp))
        return WARD_FAIL(err, INVALID_ARGUMENT, "the key file's path is too long");
    fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL)
        return WARD_FAIL(err, FAILED_PRECONDITION, "cannot write the key file %s", pem_path);
    ok = PEM_write_PKCS8PrivateKey(f, key->pkey, NULL, NULL, 0, NULL, NULL) == 1;
    ok = fflush(f) == 0 && fsync(fd) == 0 && ok;
    ok = fclose(f) == 0 && ok;
    /* link() and not rename(), because rename() would replace an existing key */
    if (ok && link(tmp, pem_path) != 0) {
        ok = false;
        if (errno == EEXIST) {
            unlink(tmp);
            return WARD_FAIL(err, ALREADY_EXISTS, "%s exists", pem_path);
        }
    }
    unlink(tmp);
    return ok ? WARD_OK : WARD_FAIL(err, FAILED_PRECONDITION, "cannot write %s", pem_path);
}

void ward_sign_key_free(struct ward_sign_key *key)
{
    if (key == NULL)
        return;
    EVP_PKEY_free(key->pkey);
    free(key);
}

const uint8_t *ward_sign_key_public(const struct ward_sign_key *key)
{
    return key->pub;
}

enum ward_code ward_sign(const struct ward_sign_key *key, const void *data, size_t n,
                         uint8_t sig[WARD_ED25519_SIG], struct ward_err *err)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    size_t len = WARD_ED25519_SIG;
    bool ok = c != NULL && EVP_DigestSignInit(c, NULL, NULL, NULL, key->pkey) == 1 &&
              EVP_DigestSign(c, sig, &len, data, n) == 1;

    EVP_MD_CTX_free(c);
    return ok ? WARD_OK : WARD_FAIL(err, INTERNAL, "cannot sign");
}

bool ward_verify(const uint8_t pub[WARD_ED25519_PUB], const void *data, size_t n,
                 const uint8_t sig[WARD_ED25519_SIG])
{
    EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, pub, WARD_ED25519_PUB);
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool ok = pkey != NULL && c != NULL &&
              EVP_DigestVerifyInit(c, NULL, NULL, NULL, pkey) == 1 &&
              EVP_DigestVerify(c, sig, WARD_ED25519_SIG, data, n) == 1;

    EVP_MD_CTX_free(c);
    EVP_PKEY_free(pkey);
    return ok;
}
