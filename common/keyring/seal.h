/* seal.h - encryption with an owner's key, bound to the kind of data.
 *
 * Threads: any. Memory: the caller's. Errors: crypto.h's; DATA_LOSS if decryption fails.
 */
#ifndef WARD_KEYRING_SEAL_H
#define WARD_KEYRING_SEAL_H

#include "common/base/crypto.h"
#include "common/base/status.h"

#define WARD_OWNER_ID 16

/* The binding of encrypted data: decryption needs the same values. service and what together:
 * at most 23 bytes. The ids identify the data: the owner and the row; zeros if there is none.
 */
struct ward_sealed_as {
    const char *service, *what;
    uint8_t owner[WARD_OWNER_ID], id[WARD_OWNER_ID];
};
/* out has n + WARD_SEAL_EXTRA bytes. */
WARD_MUST enum ward_code ward_seal_for(const uint8_t key[WARD_KEY_SIZE],
                                       const struct ward_sealed_as *as, const void *data,
                                       size_t n, uint8_t *out, struct ward_err *err);
/* out has n - WARD_SEAL_EXTRA bytes. */
WARD_MUST enum ward_code ward_open_for(const uint8_t key[WARD_KEY_SIZE],
                                       const struct ward_sealed_as *as, const void *sealed,
                                       size_t n, uint8_t *out, struct ward_err *err);

#endif
