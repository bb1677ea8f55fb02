/* keys_own.h - what the files of keys/ share: what a process holds in memory, and how it is
 * bound.
 *
 * Threads: `lock` guards what is held (readers: for one wrap, unwrap or turn); `loading` lets
 * one thread at a time read the tables. Memory: one block, fixed tables, wiped at the end.
 * Errors: keys.h's.
 */
#ifndef IDENTITY_KEYS_OWN_H
#define IDENTITY_KEYS_OWN_H

#include "common/base/arena.h"
#include "services/identity/keys/keys.h"

#include <pthread.h>

#define KEKS_MAX      64 /* the newest ones; a finished rotation leaves one */
#define TURNS_MAX     32 /* generations of each kind; a finished renewal leaves one */
#define KINDS         2  /* of subjects: 1 and 2 */
#define ROTATIONS_MAX 8  /* made ones kept at hand */
#define SIGNERS_MAX   KEYS_PUBLIC_MAX
#define MARKER_SIZE   256

/* How long a key that is no longer in its table stays in memory, for calls and searches that
 * read a row just before it changed. */
#define GONE_NS INT64_C(60000000000)

struct kek {
    int number;
    int64_t gone_ns; /* when its row was first missed; 0: it is there */
    uint8_t key[WARD_KEY_SIZE];
};
struct turn {
    int generation;
    int64_t gone_ns;
    uint8_t key[WARD_KEY_SIZE];
};
/* What the tables kek and secret say. */
struct held {
    int n_keks, n_turns[KINDS];
    struct kek kek[KEKS_MAX];           /* newest first */
    struct turn turn[KINDS][TURNS_MAX]; /* newest first */
    struct turn hash;                   /* generation 0: none */
    struct turn bucket[KEYS_BUCKETS];   /* generation 0: none */
};
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
    struct ward_arena mem, load_mem;
    struct ward_root *root, *old; /* old: NULL without one */
    char tenant[128];
    pthread_rwlock_t lock;
    struct held now;
    struct made_rotation made[ROTATIONS_MAX];
    int next_made;
    struct signer signer[SIGNERS_MAX];
    pthread_mutex_t loading;
    struct held next;
    char marker[MARKER_SIZE];
    int64_t again_ns; /* read anew then, to forget what is gone; 0: no need */
    pthread_mutex_t checking;
    int64_t checked_ns;
    enum ward_code check_code;
    struct ward_err check_err;
};

/* ---- what sealed bytes are bound to ---- */

enum bound_to { BOUND_KEK, BOUND_SECRET, BOUND_TOKEN_KEY };
struct bound {
    char label[32];
    char name[64];
    uint8_t number[8]; /* two of 32 bits, little-endian */
};
struct bound bind_row(enum bound_to what, const char *name, int a, int b);

/* A row of `kek` opened: NOT OK (KEK_UNKNOWN) when its root is neither of ours. */
WARD_MUST enum ward_code kek_open(const struct keys *k, int number, const char *root_id,
                                  struct ward_val sealed, uint8_t key[WARD_KEY_SIZE],
                                  struct ward_err *err);
/* The newest kek; takes the lock. */
struct kek keys_newest(struct keys *k);
/* That kek, read again from the tables if it is not held.   FAILED_PRECONDITION KEK_UNKNOWN */
WARD_MUST enum ward_code keys_kek(struct keys *k, struct ward_db *db, int number,
                                  struct kek *out, struct ward_err *err);

#define SECRET_SEALED (WARD_KEY_SIZE + WARD_SEAL_EXTRA)
/* Puts a fresh secret under `kek` into the table. ALREADY_EXISTS: another was first. */
WARD_MUST enum ward_code secret_add(struct ward_db *db, struct ward_arena *mem,
                                    const struct kek *kek, const char *use, int kind,
                                    int generation, struct ward_err *err);
/* The same for a signing key; kid tells which. */
WARD_MUST enum ward_code token_key_add(struct ward_db *db, struct ward_arena *mem,
                                       const struct kek *kek, int64_t signs_from_us,
                                       char kid[64], struct ward_err *err);
/* Inside a transaction: the newest kek, its row shared until the end, so that it is not
 * destroyed before what is wrapped by it can be seen. */
WARD_MUST enum ward_code keys_hold_newest(struct keys *k, struct ward_db *db,
                                          struct ward_arena *mem, struct kek *out,
                                          struct ward_err *err);

/* Of this number, under the current root.   ALREADY_EXISTS: another was first. */
WARD_MUST enum ward_code kek_add(struct keys *k, struct ward_db *db, struct ward_arena *mem,
                                 int number, struct ward_err *err);
/* Wraps a subject's key; w->subject_id is set. */
WARD_MUST enum ward_code wrap_by(const struct kek *kek, const uint8_t key[WARD_KEY_SIZE],
                                 struct wrapped_key *w, struct ward_err *err);
/* Seals what is turned already by t->generation. */
WARD_MUST enum ward_code template_seal_turned(const uint8_t key[WARD_KEY_SIZE],
                                              const float *turned, struct sealed_template *t,
                                              struct ward_err *err);

/* load.c: what is missing from empty tables, and reading them. */
WARD_MUST enum ward_code keys_make_missing(struct keys *k, struct ward_db *db,
                                           struct ward_err *err);
WARD_MUST enum ward_code load_signers(struct keys *k, struct ward_db *db,
                                      const struct held *held, struct ward_err *err);
/* signers.c */
void signers_close(struct keys *k);

/* A column as a number; what a table of ours holds is one. */
int64_t keys_number(struct ward_val v);

#endif
