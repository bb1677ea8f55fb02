/* keyset.h - the contents of a JWKS file at one time. Inside common/auth.
 *
 * Threads: a set is constant after reading and counts its references. Memory: the last
 * ward_keyset_drop frees the set. Errors: NOT_FOUND for a missing file; FAILED_PRECONDITION if
 * the file is not a JWKS, has a forbidden key or no usable key; RESOURCE_EXHAUSTED.
 */
#ifndef WARD_AUTH_KEYSET_H
#define WARD_AUTH_KEYSET_H

#include "common/auth/jose.h"
#include "common/base/pubkey.h"

#include <stdatomic.h>
#include <sys/stat.h>

#define WARD_KEYSET_MAX 64

struct ward_key {
    char *kid; /* "" if absent */
    enum ward_jose_alg alg;
    struct ward_pubkey *pub;           /* for RS256 and ES256; otherwise NULL */
    uint8_t ed25519[WARD_ED25519_PUB]; /* EdDSA */
};

struct ward_keyset {
    atomic_int refs;
    int n;
    struct ward_key keys[WARD_KEYSET_MAX];
};

/* Distinguishes one state of a file from another. */
struct ward_stamp {
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec mtime;
};

/* Returns false if the file does not exist. */
bool ward_stamp_take(const char *path, struct ward_stamp *out);

WARD_MUST enum ward_code ward_keyset_load(const char *path, struct ward_keyset **out,
                                          struct ward_stamp *stamp, struct ward_err *err);
void ward_keyset_drop(struct ward_keyset *set); /* accepts NULL */

#endif
