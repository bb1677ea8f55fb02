/* pubkey.h - other people's public keys: RSA and P-256, for checking signatures and no more.
 *
 * Ed25519 is in crypto.h, certificates are in pki.h, key sets (JWKS) in common/auth.
 *
 * Threads: safe; a key may be shared. Memory: keys are _free'd. Errors: FAILED_PRECONDITION
 * what was given is no such key.
 */
#ifndef WARD_BASE_PUBKEY_H
#define WARD_BASE_PUBKEY_H

#include "common/base/status.h"

#include <stddef.h>
#include <stdint.h>

#define WARD_RSA_MIN  2048 /* bits of the modulus */
#define WARD_RSA_MAX  8192 /* the time of a check grows with the square */
#define WARD_P256     32   /* bytes of a coordinate, and of r and s */
#define WARD_P256_SIG 64

struct ward_pubkey;

/* Numbers are big-endian, as RFC 7518 (6.3.1) has them. */
WARD_MUST enum ward_code ward_pubkey_rsa(const uint8_t *modulus, size_t n,
                                         const uint8_t *exponent, size_t e,
                                         struct ward_pubkey **out, struct ward_err *err);
/* A point that is not on the curve is refused. */
WARD_MUST enum ward_code ward_pubkey_p256(const uint8_t x[WARD_P256],
                                          const uint8_t y[WARD_P256], struct ward_pubkey **out,
                                          struct ward_err *err);
void ward_pubkey_free(struct ward_pubkey *key); /* NULL is fine */

/* Is this the key's signature over SHA-256 of the data? By an RSA key with PKCS #1 v1.5
 * padding (RS256), by a P-256 key as r and s of WARD_P256 bytes each, side by side (ES256;
 * RFC 7518, 3.4). */
WARD_MUST bool ward_pubkey_verify(const struct ward_pubkey *key, const void *data, size_t n,
                                  const uint8_t *sig, size_t sig_len);

#endif
