/* keys_own.h - declarations that the files of keys/ share: a process's state in memory besides
 * the ring.
 *
 * Threads: `lock` protects cached transforms and signers (readers: for one transform). The
 * ring's own lock is taken inside it, never the other way round. Memory: one block, wiped at
 * the end. Errors: keys.h's.
 */
#ifndef IDENTITY_KEYS_OWN_H
#define IDENTITY_KEYS_OWN_H

#include "common/base/arena.h"
#include "common/keyring/secret.h"
#include "services/identity/keys/keys.h"

#include <pthread.h>

#define TURNS_MAX     32 /* generations of each kind; a finished renewal leaves one */
#define KINDS         2  /* of subjects: 1 and 2 */
#define ROTATIONS_MAX 8  /* computed ones in the cache */
#define SIGNERS_MAX   KEYS_PUBLIC_MAX

struct made_rotation {
    int kind, generation; /* generation 0: free */
    struct ward_rotation by;
};
struct signer {
    struct keys_public public;
    struct ward_sign_key *key; /* NULL: free */
    int users;
    bool gone; /* no longer in the table: freed by its last user */
};

struct keys {
    struct ward_arena mem;
    struct ward_keyring *ring;
    char tenant[128];
    pthread_rwlock_t lock;
    struct made_rotation made[ROTATIONS_MAX];
    int next_made;
    struct signer signer[SIGNERS_MAX];
};

/* Without a ring: the first step of keys_open, and for tests without a database. */
WARD_MUST enum ward_code keys_blank(const char *tenant, struct keys **out,
                                    struct ward_err *err);
/* Options of the ring for identity; the caller sets `root` and `root_old`. */
struct ward_keyring_config keys_ring_config(struct keys *k);

/* Stores a new signing key under `kek` in its table; kid identifies it. */
WARD_MUST enum ward_code token_key_add(struct ward_keyring *ring, struct ward_db *db,
                                       struct ward_arena *mem, const struct ward_kek *kek,
                                       int64_t signs_from_us, char kid[64],
                                       struct ward_err *err);
/* Encrypts a vector that was already transformed by t->generation. */
WARD_MUST enum ward_code template_seal_turned(const uint8_t key[WARD_KEY_SIZE],
                                              const float *turned, struct sealed_template *t,
                                              struct ward_err *err);

/* turn.c: also drops transforms whose keys are gone. */
void turns_drop(struct keys *k, struct ward_keyring *ring);
/* signers.c: reads the table, and re-wraps its rows. */
WARD_MUST enum ward_code signers_read(struct keys *k, struct ward_keyring *ring,
                                      struct ward_db *db, struct ward_arena *mem,
                                      struct ward_err *err);
WARD_MUST enum ward_code signers_wrap(void *keys, struct ward_kek_rotation *r,
                                      struct ward_db *db, int64_t *n, struct ward_err *err);
void signers_close(struct keys *k);

#endif
