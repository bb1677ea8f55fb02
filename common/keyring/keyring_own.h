/* keyring_own.h - declarations shared by the files of keyring/: the keys in memory.
 *
 * Threads: `lock` guards the keys (readers hold it for one wrap, unwrap or copy); `loading`
 * lets one thread at a time read the tables. Memory: one block with fixed tables, wiped at the
 * end. Errors: keyring.h's.
 */
#ifndef WARD_KEYRING_OWN_H
#define WARD_KEYRING_OWN_H

#include "common/keyring/rotation.h"
#include "common/vault/vault.h"

#include <pthread.h>

#define KEKS_MAX    64   /* the newest KEKs; one remains after a rotation */
#define SECRETS_MAX 1024 /* for all uses, kinds and generations */
#define USES_MAX    8
#define MARKER_SIZE 256

/* Time that a key missing from its table stays in memory if hold_s is 0, for calls and searches
 * that read a row just before it changed. */
#define HOLD_S 60

struct secret {
    int generation; /* 0: none */
    int64_t gone_ns;
    uint8_t key[WARD_KEY_SIZE];
};
/* The contents of the tables kek and secret. */
struct held {
    int n_keks;
    struct ward_kek kek[KEKS_MAX]; /* newest first */
    struct secret *secret;         /* by use, then by kind, newest first; k->n_secrets */
};

struct ward_keyring {
    struct ward_keyring_config cfg;
    struct ward_keyring_use use[USES_MAX]; /* the first one is the hash */
    int n_uses, n_secrets;
    struct ward_arena mem, load_mem;
    struct ward_root *root, *old; /* old: NULL if there is none */
    pthread_rwlock_t lock;
    struct held now;
    pthread_mutex_t loading;
    struct held next;
    char marker[MARKER_SIZE];
    int64_t again_ns; /* time of the next read, to drop removed keys; 0: none needed */
    pthread_mutex_t checking;
    int64_t checked_ns;
    enum ward_code check_code;
    struct ward_err check_err;
};

/* Creates a ring with open roots and without keys, for ward_keyring_open, and for tests without
 * a database. */
WARD_MUST enum ward_code ward_keyring_blank(const struct ward_keyring_config *cfg,
                                            struct ward_keyring **out, struct ward_err *err);
/* load.c: reads the tables into memory. */
WARD_MUST enum ward_code ward_keyring_make_missing(struct ward_keyring *k, struct ward_db *db,
                                                   struct ward_err *err);
/* Returns the place of this generation among h's secrets, or a free place; NULL if the
 * generation has no place, because the use belongs to a later version, or enough newer
 * generations exist. */
struct secret *ward_keyring_place(const struct ward_keyring *k, const struct held *h,
                                  const char *use, int kind, int generation);
/* Returns the newest KEK. Locks the ring. */
struct ward_kek ward_keyring_newest(struct ward_keyring *k);
/* Decrypts a row of `kek`. KEK_UNKNOWN if neither configured root encrypted it. */
WARD_MUST enum ward_code ward_keyring_kek_open(const struct ward_keyring *k, int number,
                                               const char *root_id, struct ward_val sealed,
                                               uint8_t key[WARD_KEY_SIZE],
                                               struct ward_err *err);
/* Creates the KEK with this number under the current root.
 *   ALREADY_EXISTS  another replica was first */
WARD_MUST enum ward_code ward_keyring_kek_add(struct ward_keyring *k, struct ward_db *db,
                                              struct ward_arena *mem, int number,
                                              struct ward_err *err);
/* Wraps an owner's key; w->owner is set. */
WARD_MUST enum ward_code ward_keyring_wrap_by(const struct ward_keyring *k,
                                              const struct ward_kek *kek,
                                              const uint8_t key[WARD_KEY_SIZE],
                                              struct ward_wrapped_key *w, struct ward_err *err);
/* Returns one number, "SELECT COUNT(*) ..." */
WARD_MUST enum ward_code ward_keyring_count(struct ward_db *db, struct ward_arena *mem,
                                            const char *sql, const struct ward_val *params,
                                            size_t n_params, int64_t *n, struct ward_err *err);

#endif
