/* vault.h - the root key: what wraps the keys that wrap everything else, in a file or an HSM.
 *
 * A root is named by WARD_KEK: the path of a file (64 hex digits, crypto.h's ward_key_load) or
 * a PKCS#11 URI (RFC 7512), "pkcs11:token=ward;object=kek?module-path=...&pin-source=file:...",
 * whose key never leaves the token: it encrypts (CKM_AES_GCM), and must be AES-256, sensitive
 * and not extractable. Needed are token=, object= or id=, module-path= (absolute) and
 * pin-source=file:/path (a private file); a pin-value is refused. Both kinds open what the
 * other sealed, if the key is the same. The only code that includes <p11-kit/>. What a root
 * seals is tens of keys, not millions: the services' own key-encryption keys, so an HSM is
 * asked at start, at a rotation and by the health check, never for each patient.
 *
 * Threads: a root is shared; an HSM's locks (one session). Memory: open/close. Errors:
 * NOT_FOUND no such file, module, token or key; FAILED_PRECONDITION unfit (readable by others,
 * wrong type, a wrong PIN); UNAVAILABLE the token does not answer (the session is opened anew
 * by the next call); DATA_LOSS what is opened is not what was sealed.
 */
#ifndef WARD_VAULT_VAULT_H
#define WARD_VAULT_VAULT_H

#include "common/base/crypto.h"
#include "common/base/status.h"

#define WARD_ROOT_ID 16 /* hex digits and a NUL: 17 bytes */

struct ward_root;

WARD_MUST enum ward_code ward_root_open(const char *where, struct ward_root **out,
                                        struct ward_err *err);
void ward_root_close(struct ward_root *r); /* wipes; NULL is fine */

/* The same for the same key wherever it lies, another for another: the first 8 bytes, in hex,
 * of a GCM tag over a fixed text under a nonce reserved for this (common/base/keytag.h), so
 * that a key moved into an HSM keeps its id. Not secret; nothing opens under that nonce. */
const char *ward_root_id(const struct ward_root *r);
const char *ward_root_kind(const struct ward_root *r); /* "file" or "pkcs11" */

/* As ward_seal and ward_unseal under the root's key: nonce | ciphertext | tag. */
WARD_MUST enum ward_code ward_root_seal(struct ward_root *r, const void *aad, size_t aad_len,
                                        const void *data, size_t n, uint8_t *out,
                                        struct ward_err *err);
WARD_MUST enum ward_code ward_root_unseal(struct ward_root *r, const void *aad, size_t aad_len,
                                          const void *sealed, size_t n, uint8_t *out,
                                          struct ward_err *err);
/* Seals and opens a known text: is the key there and usable now? */
WARD_MUST enum ward_code ward_root_check(struct ward_root *r, struct ward_err *err);

#endif
