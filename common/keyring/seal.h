/* seal.h - what is sealed with an owner's key, and opens only as what it is.
 *
 * Threads: any. Memory: the caller's. Errors: crypto.h's; DATA_LOSS it does not open.
 */
#ifndef WARD_KEYRING_SEAL_H
#define WARD_KEYRING_SEAL_H

#include "common/base/crypto.h"
#include "common/base/status.h"

#define WARD_OWNER_ID 16

/* What sealed bytes are: they open only as the same. service and what together: at most 23
 * bytes. The ids are of whatever tells it apart: the owner, the row; zeros where there is none.
 */
struct ward_sealed_as {
    const char *service, *what;
    uint8_t owner[WARD_OWNER_ID], id[WARD_OWNER_ID];
};
/* out takes n + WARD_SEAL_EXTRA. */
WARD_MUST enum ward_code ward_seal_for(const uint8_t key[WARD_KEY_SIZE],
                                       const struct ward_sealed_as *as, const void *data,
                                       size_t n, uint8_t *out, struct ward_err *err);
/* out takes n - WARD_SEAL_EXTRA. */
WARD_MUST enum ward_code ward_open_for(const uint8_t key[WARD_KEY_SIZE],
                                       const struct ward_sealed_as *as, const void *sealed,
                                       size_t n, uint8_t *out, struct ward_err *err);

#endif
