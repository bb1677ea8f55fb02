/* keyset.h - one reading of a JWKS file. Inside common/auth.
 *
 * Threads: a set is constant once read and counts who holds it. Memory: freed by the last
 * ward_keyset_drop. Errors: NOT_FOUND no such file; FAILED_PRECONDITION not a JWKS, a key that
 * must not be there, or no key of use; RESOURCE_EXHAUSTED.
 */
#ifndef WARD_AUTH_KEYSET_H
#define WARD_AUTH_KEYSET_H

#include "common/auth/jose.h"
#include "common/base/pubkey.h"

#include <stdatomic.h>
#include <sys/stat.h>

#define WARD_KEYSET_MAX 64

struct ward_key {
    char *kid; /* "" where absent */
    enum ward_jose_alg alg;
    struct ward_pubkey *pub;           /* RS256, ES256; else NULL */
    uint8_t ed25519[WARD_ED25519_PUB]; /* EdDSA */
};

struct ward_keyset {
    atomic_int refs;
    int n;
    struct ward_key keys[WARD_KEYSET_MAX];
};

/* Tells one state of a file from another. */
struct ward_stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
};

/* False where there is no such file. */
bool ward_stamp_take(const char *path, struct ward_stamp *out);

WARD_MUST enum ward_code ward_keyset_load(const char *path, struct ward_keyset **out,
                                          struct ward_stamp *stamp, struct ward_err *err);
void ward_keyset_drop(struct ward_keyset *set); /* NULL is fine */

#endif
