/* keys_own.h - declarations that the files of keys/ share: the state that a process has in
 * memory in addition to the ring.
 *
 * Threads: `lock` protects cached transforms and signers; a reader holds it for one transform.
 * The ring's lock is only taken while `lock` is held, never before it. Memory: one block, wiped
 * at the end. Errors: those of keys.h. */
#ifndef IDENTITY_KEYS_OWN_H
#define IDENTITY_KEYS_OWN_H

#include "common/base/arena.h"
#include "common/keyring/secret.h"
#include "services/identity/keys/keys.h"

#include <pthread.h>

/* maximum generations of a kind; after a renewal, one generation is left */
#define TURNS_MAX     32
#define KINDS         2 /* kinds of subjects: 1 and 2 */
#define ROTATIONS_MAX 8 /* maximum number of cached transforms */
#define SIGNERS_MAX   KEYS_PUBLIC_MAX

struct made_rotation {
    int kind, generation; /* generation 0: the entry is free */
    struct ward_rotation by;
};
struct signer {
    struct keys_public public;
    struct ward_sign_key *key; /* NULL: the entry is free */
    int users;
    bool gone; /* the key is deleted from the table; its last user frees it */
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

/* Creates an object without a ring: the first step of keys_open, also for tests without a
 * database. */
WARD_MUST enum ward_code keys_blank(const char *tenant, struct keys **out,
                                    struct ward_err *err);
/* Options of the key ring for identity. The caller sets `root` and `root_old`. */
struct ward_keyring_config keys_ring_config(struct keys *k);

/* Creates a signing key and stores it in the table token_key, encrypted under `kek`. `kid` is
 * its id. */
WARD_MUST enum ward_code token_key_add(struct ward_keyring *ring, struct ward_db *db,
                                       struct ward_arena *mem, const struct ward_kek *kek,
                                       int64_t signs_from_us, char kid[64],
                                       struct ward_err *err);
/* Encrypts a vector that was already transformed with t->generation. */
WARD_MUST enum ward_code template_seal_turned(const uint8_t key[WARD_KEY_SIZE],
                                              const float *turned, struct sealed_template *t,
                                              struct ward_err *err);

/* In turn.c: drops cached transforms whose keys were deleted. */
void turns_drop(struct keys *k, struct ward_keyring *ring);
/* In signers.c: signers_read reads the table, signers_wrap wraps its rows again. */
WARD_MUST enum ward_code signers_read(struct keys *k, struct ward_keyring *ring,
                                      struct ward_db *db, struct ward_arena *mem,
                                      struct ward_err *err);
WARD_MUST enum ward_code signers_wrap(void *keys, struct ward_kek_rotation *r,
                                      struct ward_db *db, int64_t *n, struct ward_err *err);
void signers_close(struct keys *k);

#endif
