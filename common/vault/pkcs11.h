/* pkcs11.h - a root key in an HSM. Only common/vault uses it; other code uses vault.h.
 *
 * pkcs11_uri.c reads the URI and the PIN's file. pkcs11.c finds the token and its key, holds
 * one session, opens it again after a loss, and encrypts with the key.
 *
 * A wrong PIN is never tried twice, and the token's last try is never used, so that a
 * restarting program cannot lock an HSM. A login belongs to the process (PKCS#11), so nothing
 * logs out here; another root may use the same token.
 *
 * Threads: safe; one lock for each token. Open a root after a fork, not before: a child's first
 * call fails (UNAVAILABLE), and its second has its own session. Memory: open/close. Errors: as
 * vault.h.
 */
#ifndef WARD_VAULT_PKCS11_H
#define WARD_VAULT_PKCS11_H

#include "common/base/crypto.h"
#include "common/base/keytag.h"

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#define WARD_PIN_MAX 255

/* The parts of the URI; the pointers point into `uri`. */
struct ward_p11_uri {
    P11KitUri *uri;
    const char *module;   /* an absolute path */
    const char *pin_path; /* of "pin-source=file:..." */
    const CK_ATTRIBUTE *label, *id;
};

WARD_MUST bool ward_p11_is_uri(const char *text);
WARD_MUST enum ward_code ward_p11_parse(const char *text, struct ward_p11_uri *out,
                                        struct ward_err *err);
void ward_p11_uri_done(struct ward_p11_uri *u);
/* Reads the current PIN from the file, without a newline at its end; the caller wipes it. */
WARD_MUST enum ward_code ward_p11_pin(const char *path, uint8_t pin[WARD_PIN_MAX + 2],
                                      size_t *n, struct ward_err *err);

struct ward_p11;

/* `lent`: functions that replace the URI's module, for tests; otherwise NULL. */
WARD_MUST enum ward_code ward_p11_open(const char *uri, CK_FUNCTION_LIST *lent,
                                       struct ward_p11 **out, struct ward_err *err);
void ward_p11_close(struct ward_p11 *h); /* accepts NULL */
/* ward_keytag of the key, computed by the token. */
const uint8_t *ward_p11_keytag(const struct ward_p11 *h);

/* out: nonce | ciphertext | tag, n + WARD_SEAL_EXTRA bytes. */
WARD_MUST enum ward_code ward_p11_seal(struct ward_p11 *h, const void *aad, size_t aad_len,
                                       const void *data, size_t n, uint8_t *out,
                                       struct ward_err *err);
WARD_MUST enum ward_code ward_p11_unseal(struct ward_p11 *h, const void *aad, size_t aad_len,
                                         const void *sealed, size_t n, uint8_t *out,
                                         struct ward_err *err);

#endif
