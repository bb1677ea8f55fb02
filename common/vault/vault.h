/* vault.h - the root key in a file or an HSM. It encrypts the keys that encrypt all other keys.
 *
 * WARD_KEK names a root: the path of a file (64 hex digits, crypto.h's ward_key_load) or a
 * PKCS#11 URI (RFC 7512), "pkcs11:token=ward;object=kek?module-path=...&pin-source=file:...". A
 * PKCS#11 key never leaves the token, which encrypts with CKM_AES_GCM. The key must be AES-256,
 * sensitive and not extractable. The URI needs token=, object= or id=, module-path= (absolute)
 * and pin-source=file:/path (a private file); a pin-value is rejected. Each kind decrypts the
 * other's data if the key is the same. Only this folder includes <p11-kit/>. A root encrypts
 * tens of keys and not millions, namely the services' KEKs. An HSM is therefore used at start,
 * at a rotation and in the health check, and never for each patient.
 *
 * Threads: threads share a root; an HSM has a lock (one session). Memory: open/close. Errors:
 * NOT_FOUND for a missing file, module, token or key; FAILED_PRECONDITION for an unfit key
 * (readable by others, wrong type, a wrong PIN); UNAVAILABLE if the token does not answer (the
 * next call opens a new session); DATA_LOSS if the encrypted data was changed.
 */
#ifndef WARD_VAULT_VAULT_H
#define WARD_VAULT_VAULT_H

#include "common/base/crypto.h"
#include "common/base/status.h"

#define WARD_ROOT_ID 16 /* hex digits and a NUL: 17 bytes */

struct ward_root;

WARD_MUST enum ward_code ward_root_open(const char *where, struct ward_root **out,
                                        struct ward_err *err);
void ward_root_close(struct ward_root *r); /* wipes; accepts NULL */

/* The id depends only on the key and not on its place: the first 8 bytes, in hex, of a GCM tag
 * over a fixed text with a reserved nonce (common/base/keytag.h). A key that moves into an HSM
 * therefore keeps its id. The id is not secret, and nothing is encrypted with that nonce. */
const char *ward_root_id(const struct ward_root *r);
const char *ward_root_kind(const struct ward_root *r); /* "file" or "pkcs11" */

/* As ward_seal and ward_unseal with the root's key: nonce | ciphertext | tag. */
WARD_MUST enum ward_code ward_root_seal(struct ward_root *r, const void *aad, size_t aad_len,
                                        const void *data, size_t n, uint8_t *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code ward_root_unseal(struct ward_root *r, const void *aad, size_t aad_len,
                                          const void *sealed, size_t n, uint8_t *out,
                                          struct ward_err *err);
/* Encrypts and decrypts a known text, to check that the key is usable. */
WARD_MUST enum ward_code ward_root_check(struct ward_root *r, struct ward_err *err);

#endif
