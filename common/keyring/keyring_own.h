/* keyring_own.h - what the files of keyring/ share: what a process holds in memory.
 *
 * Threads: `lock` guards what is held (readers: for one wrap, unwrap or copy); `loading` lets
 * one thread at a time read the tables. Memory: one block, fixed tables, wiped at the end.
 * Errors: keyring.h's.
 */
#ifndef WARD_KEYRING_OWN_H
#define WARD_KEYRING_OWN_H

#include "common/keyring/rotation.h"
#include "common/vault/vault.h"

#include <pthread.h>

#define KEKS_MAX    64   /* the newest ones; a finished rotation leaves one */
#define SECRETS_MAX 1024 /* of all uses, kinds and generations held */
#define USES_MAX    8
#define MARKER_SIZE 256

/* How long a key that is no longer in its table stays in memory where hold_s is 0: for calls
 * and searches that read a row just before it changed. */
#define HOLD_S 60

struct secret {
    int generation; /* 0: none */
    int64_t gone_ns;
    uint8_t key[WARD_KEY_SIZE];
};
/* What the tables kek and secret say. */
struct held {
    int n_keks;
    struct ward_kek kek[KEKS_MAX]; /* newest first */
    struct secret *secret;         /* by use, then by kind, newest first; k->n_secrets */
};

struct ward_keyring {
    struct ward_keyring_config cfg;
    struct ward_keyring_use use[USES_MAX]; /* the first is the hash */
    int n_uses, n_secrets;
    struct ward_arena mem, load_mem;
    struct ward_root *root, *old; /* old: NULL without one */
    pthread_rwlock_t lock;
    struct held now;
    pthread_mutex_t loading;
    struct held next;
    char marker[MARKER_SIZE];
    int64_t again_ns; /* read anew then, to forget what is gone; 0: no need */
    pthread_mutex_t checking;
    int64_t checked_ns;
    enum ward_code check_code;
    struct ward_err check_err;
};

/* A ring with its roots open and nothing held: what ward_keyring_open begins with, and tests
 * without a database. */
WARD_MUST enum ward_code ward_keyring_blank(const struct ward_keyring_config *cfg,
                                            struct ward_keyring **out, struct ward_err *err);
/* load.c: the tables into memory. */
WARD_MUST enum ward_code ward_keyring_make_missing(struct ward_keyring *k, struct ward_db *db,
                                                   struct ward_err *err);
/* The place of this generation among h's secrets, or a free one; NULL: it has none (of a later
 * version's use, or the older ones of too many). */
struct secret *ward_keyring_place(const struct ward_keyring *k, const struct held *h,
                                  const char *use, int kind, int generation);
/* The newest kek; takes the lock. */
struct ward_kek ward_keyring_newest(struct ward_keyring *k);
/* A row of `kek` opened: NOT OK (KEK_UNKNOWN) when its root is neither of ours. */
WARD_MUST enum ward_code ward_keyring_kek_open(const struct ward_keyring *k, int number,
                                               const char *root_id, struct ward_val sealed,
                                               uint8_t key[WARD_KEY_SIZE],
                                               struct ward_err *err);
/* Of this number, under the current root.   ALREADY_EXISTS: another was first. */
WARD_MUST enum ward_code ward_keyring_kek_add(struct ward_keyring *k, struct ward_db *db,
                                              struct ward_arena *mem, int number,
                                              struct ward_err *err);
/* Wraps an owner's key; w->owner is set. */
WARD_MUST enum ward_code ward_keyring_wrap_by(const struct ward_keyring *k,
                                              const struct ward_kek *kek,
                                              const uint8_t key[WARD_KEY_SIZE],
                                              struct ward_wrapped_key *w, struct ward_err *err);
/* One number, "SELECT COUNT(*) ..." */
WARD_MUST enum ward_code ward_keyring_count(struct ward_db *db, struct ward_arena *mem,
                                            const char *sql, const struct ward_val *params,
                                            size_t n_params, int64_t *n, struct ward_err *err);

#endif
