/* keys_own.h - what the files of keys/ share: what a process holds in memory beside the ring.
 *
 * Threads: `lock` guards transforms at hand and signers (readers: for one turn). The ring's own
 * lock is taken inside it, never the other way round. Memory: one block, wiped at the end.
 * Errors: keys.h's.
 */
#ifndef IDENTITY_KEYS_OWN_H
#define IDENTITY_KEYS_OWN_H

#include "common/base/arena.h"
#include "common/keyring/secret.h"
#include "services/identity/keys/keys.h"

#include <pthread.h>

#define TURNS_MAX     32 /* generations of each kind; a finished renewal leaves one */
#define KINDS         2  /* of subjects: 1 and 2 */
#define ROTATIONS_MAX 8  /* made ones kept at hand */
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

/* Without a ring: what keys_open begins with, and tests without a database. */
WARD_MUST enum ward_code keys_blank(const char *tenant, struct keys **out,
                                    struct ward_err *err);
/* How the ring is opened for identity; `root` and `root_old` are to be set. */
struct ward_keyring_config keys_ring_config(struct keys *k);

/* Puts a fresh signing key under `kek` into its table; kid tells which. */
WARD_MUST enum ward_code token_key_add(struct ward_keyring *ring, struct ward_db *db,
                                       struct ward_arena *mem, const struct ward_kek *kek,
                                       int64_t signs_from_us, char kid[64],
                                       struct ward_err *err);
/* Seals what is turned already by t->generation. */
WARD_MUST enum ward_code template_seal_turned(const uint8_t key[WARD_KEY_SIZE],
                                              const float *turned, struct sealed_template *t,
                                              struct ward_err *err);

/* turn.c: transforms made from keys that are gone go too. */
void turns_drop(struct keys *k, struct ward_keyring *ring);
/* signers.c: reads the table, and wraps its rows anew. */
WARD_MUST enum ward_code signers_read(struct keys *k, struct ward_keyring *ring,
                                      struct ward_db *db, struct ward_arena *mem,
                                      struct ward_err *err);
WARD_MUST enum ward_code signers_wrap(void *keys, struct ward_kek_rotation *r,
                                      struct ward_db *db, int64_t *n, struct ward_err *err);
void signers_close(struct keys *k);

#endif
