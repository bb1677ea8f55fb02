/* crypto.h - the cryptographic primitives of Ward, based on libcrypto.
 *
 * SHA-256, HMAC-SHA-256, AES-256-GCM with a random nonce, Ed25519, constant-time comparison,
 * random bytes and event ids. tlsio.h has TLS, common/auth has tokens.
 *
 * Threads: safe; threads may share a key object. Memory: the caller owns outputs; keys have a
 * _free function. Errors: INTERNAL if libcrypto fails, DATA_LOSS if sealed data was changed.
 */
#ifndef WARD_BASE_CRYPTO_H
#define WARD_BASE_CRYPTO_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define WARD_SHA256_SIZE 32
#define WARD_KEY_SIZE    32 /* size of AES-256 and HMAC keys */
#define WARD_SEAL_EXTRA                                                                        \
    28 /* 12 bytes of nonce before and 16 bytes of tag after the ciphertext */
#define WARD_ED25519_SIG  64
#define WARD_ED25519_PUB  32
#define WARD_ED25519_SEED 32

void ward_sha256(const void *data, size_t n, uint8_t out[WARD_SHA256_SIZE]);

/* Computes SHA-256 over several pieces without joining them. */
struct ward_bytes {
    const void *p;
    size_t n;
};
void ward_sha256_parts(const struct ward_bytes *parts, int n, uint8_t out[WARD_SHA256_SIZE]);
void ward_hmac_sha256(const uint8_t *key, size_t key_len, const void *data, size_t n,
                      uint8_t out[WARD_SHA256_SIZE]);

/* Fills a buffer with random bytes. Aborts the process if the system provides no random
 * bytes. */
void ward_random(void *out, size_t n);
/* Creates a UUIDv7 (RFC 9562), which sorts by time: 16 bytes, or 36 characters and a NUL. */
void ward_uuid7(uint8_t out[16]);
void ward_uuid_text(const uint8_t id[16], char out[37]);
WARD_MUST bool ward_uuid_parse(const char *text, uint8_t out[16]);

/* compares in constant time */
WARD_MUST bool ward_equal(const void *a, const void *b, size_t n);
void ward_wipe(void *p, size_t n); /* the compiler cannot remove this call */

/* Encrypts with AES-256-GCM: out = nonce | ciphertext | tag, n + WARD_SEAL_EXTRA bytes. `aad`
 * binds the sealed bytes to a context, such as a row's id, so that the bytes are invalid in
 * another context. */
WARD_MUST enum ward_code ward_seal(const uint8_t key[WARD_KEY_SIZE], const void *aad,
                                   size_t aad_len, const void *data, size_t n, uint8_t *out,
                                   struct ward_err *err);
/* Decrypts n - WARD_SEAL_EXTRA bytes to out.   DATA_LOSS wrong key, wrong aad or changed bytes
 */
WARD_MUST enum ward_code ward_unseal(const uint8_t key[WARD_KEY_SIZE], const void *aad,
                                     size_t aad_len, const void *sealed, size_t n, uint8_t *out,
                                     struct ward_err *err);

/* Ed25519 (RFC 8032). A signing key contains its public key. */
struct ward_sign_key;
WARD_MUST enum ward_code ward_sign_key_new(const uint8_t seed[WARD_ED25519_SEED],
                                           struct ward_sign_key **out, struct ward_err *err);
/* Reads a PKCS#8 PEM file. NOT_FOUND the file does not exist; FAILED_PRECONDITION the file is
 * not an Ed25519 key */
WARD_MUST enum ward_code ward_sign_key_load(const char *pem_path, struct ward_sign_key **out,
                                            struct ward_err *err);
/* Writes a PKCS#8 PEM file atomically, with mode 0600. ALREADY_EXISTS the file exists */
WARD_MUST enum ward_code ward_sign_key_save(const struct ward_sign_key *key,
                                            const char *pem_path, struct ward_err *err);
void ward_sign_key_free(struct ward_sign_key *key); /* accepts NULL */
const uint8_t *
ward_sign_key_public(const struct ward_sign_key *key); /* WARD_ED25519_PUB bytes */
WARD_MUST enum ward_code ward_sign(const struct ward_sign_key *key, const void *data, size_t n,
                                   uint8_t sig[WARD_ED25519_SIG], struct ward_err *err);
WARD_MUST bool ward_verify(const uint8_t pub[WARD_ED25519_PUB], const void *data, size_t n,
                           const uint8_t sig[WARD_ED25519_SIG]);

/* Returns whether only this process's user can read a file (mode 0600 or less). A file owned by
 * root may also be readable by its group (mode 0640 or less), because Kubernetes mounts Secrets
 * in this way. */
WARD_MUST bool ward_is_private(unsigned mode, unsigned owner, unsigned self);

/* Reads a 32-byte key from a file of 64 hex digits and an optional newline. ward_is_private
 * checks the mode. NOT_FOUND the file does not exist; FAILED_PRECONDITION other users can read
 * the file, or the file is not a 32-byte key */
WARD_MUST enum ward_code ward_key_load(const char *path, uint8_t out[WARD_KEY_SIZE],
                                       struct ward_err *err);

#endif
