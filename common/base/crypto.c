#include "common/base/crypto.h"

#include "common/base/clock.h"
#include "common/base/text.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NONCE 12
#define TAG   16

/* The algorithms are fetched once. With EVP_sha256() and HMAC(), libcrypto looks up the
 * algorithm under locks in every call. A look-up costs more than hashing a short text. */
static struct {
    EVP_MD *sha256;
    EVP_CIPHER *aes_gcm;
    EVP_MAC_CTX *hmac; /* HMAC context with SHA-256 and without a key; only used as a source for
                          copies */
} found;

static void find_all(void)
{
    char digest[] = "SHA256";
    const OSSL_PARAM with[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);

    found.sha256 = EVP_MD_fetch(NULL, digest, NULL);
    found.aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    found.hmac = EVP_MAC_CTX_new(hmac); /* EVP_MAC_CTX_new accepts NULL. */
    WARD_ASSERT(found.sha256 != NULL && found.aes_gcm != NULL && found.hmac != NULL);
    WARD_ASSERT(EVP_MAC_CTX_set_params(found.hmac, with) == 1);
    EVP_MAC_free(hmac);
}

static void find(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, find_all);
}

void ward_sha256(const void *data, size_t n, uint8_t out[WARD_SHA256_SIZE])
{
    find();
    WARD_ASSERT(EVP_Digest(data, n, out, NULL, found.sha256, NULL) == 1);
}

void ward_sha256_parts(const struct ward_bytes *parts, int n, uint8_t out[WARD_SHA256_SIZE])
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();

    find();
    WARD_ASSERT(c != NULL && EVP_DigestInit_ex(c, found.sha256, NULL) == 1);
    for (int i = 0; i < n; i++)
        WARD_ASSERT(EVP_DigestUpdate(c, parts[i].p, parts[i].n) == 1);
    WARD_ASSERT(EVP_DigestFinal_ex(c, out, NULL) == 1);
    EVP_MD_CTX_free(c);
}

void ward_hmac_sha256(const uint8_t *key, size_t key_len, const void *data, size_t n,
                      uint8_t out[WARD_SHA256_SIZE])
{
    EVP_MAC_CTX *c;
    size_t len = 0;

    find();
    c = EVP_MAC_CTX_dup(found.hmac);
    WARD_ASSERT(c != NULL && EVP_MAC_init(c, key, key_len, NULL) == 1);
    WARD_ASSERT(EVP_MAC_update(c, data, n) == 1);
    WARD_ASSERT(EVP_MAC_final(c, out, &len, WARD_SHA256_SIZE) == 1 && len == WARD_SHA256_SIZE);
    EVP_MAC_CTX_free(c);
}

void ward_random(void *out, size_t n)
{
    WARD_ASSERT(RAND_bytes(out, (int)n) == 1);
}

void ward_uuid7(uint8_t out[16])
{
    uint64_t ms = (uint64_t)(ward_wall_us() / 1000);

    ward_random(out + 6, 10);
    for (int i = 0; i < 6; i++)
        out[i] = (uint8_t)(ms >> (40 - 8 * i));
    out[6] = (uint8_t)((out[6] & 0x0f) | 0x70);
    out[8] = (uint8_t)((out[8] & 0x3f) | 0x80);
}

void ward_uuid_text(const uint8_t id[16], char out[37])
{
    static const size_t group[] = {4, 2, 2, 2, 6};

    for (size_t i = 0; i < WARD_COUNT(group); i++) {
        ward_hex(id, group[i], out);
        id += group[i];
        out += 2 * group[i];
        *out++ = i + 1 < WARD_COUNT(group) ? '-' : '\0';
    }
}

bool ward_uuid_parse(const char *text, uint8_t out[16])
{
    char hex[33];
    size_t k = 0;

    if (text == NULL || strlen(text) != 36)
        return false;
    for (size_t i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (dash != (text[i] == '-'))
            return false;
        if (!dash)
            hex[k++] = text[i];
    }
    hex[k] = '\0';
    return ward_unhex(hex, out, 16);
}

bool ward_equal(const void *a, const void *b, size_t n)
{
    return CRYPTO_memcmp(a, b, n) == 0;
}

void ward_wipe(void *p, size_t n)
{
    OPENSSL_cleanse(p, n);
}

enum ward_code ward_seal(const uint8_t key[WARD_KEY_SIZE], const void *aad, size_t aad_len,
                         const void *data, size_t n, uint8_t *out, struct ward_err *err)
{
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    int k = 0;
    bool ok;

    find();
    ward_random(out, NONCE);
    ok = c != NULL && EVP_EncryptInit_ex(c, found.aes_gcm, NULL, key, out) == 1 &&
         (aad_len == 0 || EVP_EncryptUpdate(c, NULL, &k, aad, (int)aad_len) == 1) &&
         EVP_EncryptUpdate(c, out + NONCE, &k, data, (int)n) == 1 &&
         EVP_EncryptFinal_ex(c, out + NONCE + k, &k) == 1 &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + n) == 1;
    EVP_CIPHER_CTX_free(c);
    return ok ? WARD_OK : WARD_FAIL(err, INTERNAL, "cannot encrypt");
}

enum ward_code ward_unseal(const uint8_t key[WARD_KEY_SIZE], const void *aad, size_t aad_len,
                           const void *sealed, size_t n, uint8_t *out, struct ward_err *err)
{
    const uint8_t *in = sealed;
    EVP_CIPHER_CTX *c;
    uint8_t tag[TAG];
    int k = 0;
    bool ok;

    if (n < WARD_SEAL_EXTRA)
        return WARD_FAIL(err, DATA_LOSS, "the encrypted data is too short");
    memcpy(tag, in + n - TAG, TAG);
    find();
    c = EVP_CIPHER_CTX_new();
    ok = c != NULL && EVP_DecryptInit_ex(c, found.aes_gcm, NULL, key, in) == 1 &&
         (aad_len == 0 || EVP_DecryptUpdate(c, NULL, &k, aad, (int)aad_len) == 1) &&
         EVP_DecryptUpdate(c, out, &k, in + NONCE, (int)(n - WARD_SEAL_EXTRA)) == 1 &&
         EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_SET_TAG, TAG, tag) == 1 &&
         EVP_DecryptFinal_ex(c, out + (n - WARD_SEAL_EXTRA), &k) == 1;
    EVP_CIPHER_CTX_free(c);
    if (!ok)
        ward_wipe(out, n - WARD_SEAL_EXTRA);
    return ok ? WARD_OK : WARD_FAIL(err, DATA_LOSS, "the encrypted data cannot be decrypted");
}

bool ward_is_private(unsigned mode, unsigned owner, unsigned self)
{
    unsigned open_to = mode & 077;

    return open_to == 0 || (owner == 0 && self != 0 && (open_to & ~(unsigned)S_IRGRP) == 0);
}

enum ward_code ward_key_load(const char *path, uint8_t out[WARD_KEY_SIZE], struct ward_err *err)
{
    char text[2 * WARD_KEY_SIZE + 2] = {0};
    struct stat st;
    ssize_t n;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0)
        return WARD_FAIL(err, NOT_FOUND, "cannot open the key file %s", path);
    ok = fstat(fd, &st) == 0 && ward_is_private(st.st_mode, st.st_uid, geteuid());
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (!ok)
        return WARD_FAIL(err, FAILED_PRECONDITION, "%s must not be readable by others", path);
    if (n > 0 && text[n - 1] == '\n')
        text[n - 1] = '\0';
    ok = n > 0 && ward_unhex(text, out, WARD_KEY_SIZE);
    ward_wipe(text, sizeof(text));
    return ok ? WARD_OK
              : WARD_FAIL(err, FAILED_PRECONDITION, "%s does not contain 64 hex digits", path);
}
