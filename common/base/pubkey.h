/* pubkey.h - public keys of others, RSA and P-256, for verifying signatures only.
 *
 * crypto.h has Ed25519, and common/auth has key sets (JWKS).
 *
 * Threads: safe; threads may share a key. Memory: keys have a _free function. Errors:
 * FAILED_PRECONDITION if the input is not a key of the expected type.
 */
#ifndef WARD_BASE_PUBKEY_H
#define WARD_BASE_PUBKEY_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define WARD_RSA_MIN 2048 /* minimum bits of the modulus */
/* maximum bits, because the time of a verification grows with the square of the bits */
#define WARD_RSA_MAX  8192
#define WARD_P256     32 /* bytes of a coordinate, of r and of s */
#define WARD_P256_SIG 64

struct ward_pubkey;

/* Numbers are big-endian, as in RFC 7518 (6.3.1). */
WARD_MUST enum ward_code ward_pubkey_rsa(const uint8_t *modulus, size_t n,
                                         const uint8_t *exponent, size_t e,
                                         struct ward_pubkey **out, struct ward_err *err);
/* Rejects a point that is not on the curve. */
WARD_MUST enum ward_code ward_pubkey_p256(const uint8_t x[WARD_P256],
                                          const uint8_t y[WARD_P256], struct ward_pubkey **out,
                                          struct ward_err *err);
void ward_pubkey_free(struct ward_pubkey *key); /* accepts NULL */

/* Returns whether sig is this key's signature over the SHA-256 of the data. RSA keys use PKCS
 * #1 v1.5 padding (RS256). P-256 keys use r and s of WARD_P256 bytes each, concatenated (ES256;
 * RFC 7518, 3.4). */
WARD_MUST bool ward_pubkey_verify(const struct ward_pubkey *key, const void *data, size_t n,
                                  const uint8_t *sig, size_t sig_len);

#endif
