/* secret.h - for a service that keeps more under a key-encryption key than owners' keys: its
 * own secrets (table secret), and rows of a table of its own.
 *
 * Threads, memory, errors: keyring.h's. Keys that are handed out are the caller's to wipe.
 */
#ifndef WARD_KEYRING_SECRET_H
#define WARD_KEYRING_SECRET_H

#include "common/base/arena.h"
#include "common/keyring/keyring.h"

struct ward_kek {
    int number;
    int64_t gone_ns; /* when its row was first missed; 0: it is there */
    uint8_t key[WARD_KEY_SIZE];
};
/* That kek, read again from the tables if it is not held and db is not NULL.
 *   FAILED_PRECONDITION  KEK_UNKNOWN */
WARD_MUST enum ward_code ward_keyring_kek(struct ward_keyring *k, struct ward_db *db,
                                          int number, struct ward_kek *out,
                                          struct ward_err *err);
/* Inside a transaction: the newest kek, its row shared until the end, so that it is not
 * destroyed before what is wrapped by it can be seen. */
WARD_MUST enum ward_code ward_keyring_hold_newest(struct ward_keyring *k, struct ward_db *db,
                                                  struct ward_arena *mem, struct ward_kek *out,
                                                  struct ward_err *err);

/* ---- the service's secrets ---- */

/* One of those named in the configuration, from memory; false: it is not held. generation 0:
 * the newest. *which and key may be NULL. */
bool ward_keyring_secret(struct ward_keyring *k, const char *use, int kind, int generation,
                         int *which, uint8_t key[WARD_KEY_SIZE]);
/* Puts a fresh one under `kek`, which is held (ward_keyring_hold_newest), into the table.
 *   ALREADY_EXISTS  another was first */
WARD_MUST enum ward_code ward_keyring_secret_add(struct ward_keyring *k, struct ward_db *db,
                                                 struct ward_arena *mem,
                                                 const struct ward_kek *kek, const char *use,
                                                 int kind, int generation,
                                                 struct ward_err *err);

/* ---- rows of the service's own table, sealed under a kek ---- */

#define WARD_SECRET_SEALED (WARD_KEY_SIZE + WARD_SEAL_EXTRA)

/* What such a row is bound to: the service, what ("token key"), its name and two numbers. */
struct ward_bound_row {
    char label[32];
    char name[64];
    uint8_t number[8]; /* two of 32 bits, little-endian */
};
struct ward_bound_row ward_bind_row(const struct ward_keyring *k, const char *what,
                                    const char *name, int a, int b);

/* What is looked at every second: one value that changes whenever a row does; `more` adds the
 * service's own table: ", (SELECT CONCAT_WS('+', COUNT(*), SUM(kek)) FROM token_key)". */
#define WARD_KEYRING_MARKER(more)                                                              \
    "SELECT CONCAT_WS('/', (SELECT CONCAT_WS('+', COUNT(*), SUM(kek), SUM(created_at_us)) "    \
    "FROM kek), (SELECT CONCAT_WS('+', COUNT(*), SUM(generation), SUM(created_at_us), "        \
    "SUM(kek)) FROM secret)" more ")"

struct ward_kek_rotation; /* rotation.h */
/* A table of the service's whose rows name a kek: followed with the others, and wrapped anew by
 * a rotation. Texts are literals. */
struct ward_keyring_also {
    const char *marker; /* WARD_KEYRING_MARKER(...) */
    /* After the others were read: reads this one. Must not call ward_keyring_follow, nor give
     * ward_keyring_kek its db. */
    enum ward_code (*read)(void *arg, struct ward_keyring *k, struct ward_db *db,
                           struct ward_arena *mem, struct ward_err *err);
    /* "... COUNT(*) ...": 0 where the first row is to be made; then `first` makes it, inside
     * the transaction that makes the first secrets, under this kek. */
    const char *rows;
    enum ward_code (*first)(void *arg, struct ward_keyring *k, struct ward_db *db,
                            struct ward_arena *mem, const struct ward_kek *kek,
                            struct ward_err *err);
    const char *any_of; /* "SELECT EXISTS (SELECT 1 FROM token_key WHERE kek = ?)" */
    const char *older;  /* "SELECT COUNT(*) FROM token_key WHERE kek < ?" */
    /* Wraps every row of a kek older than r->kek by it (ward_keyring_reseal), inside a
     * transaction. *n: how many. */
    enum ward_code (*wrap)(void *arg, struct ward_kek_rotation *r, struct ward_db *db,
                           int64_t *n, struct ward_err *err);
};
/* For `wrap`: what is sealed under the kek `from` becomes sealed under r->kek.
 *   DATA_LOSS  it does not open */
WARD_MUST enum ward_code ward_keyring_reseal(struct ward_kek_rotation *r, struct ward_db *db,
                                             int from, const struct ward_bound_row *b,
                                             struct ward_val sealed,
                                             uint8_t out[WARD_SECRET_SEALED],
                                             struct ward_err *err);
/* A column as a number; what a table of ours holds is one. */
int64_t ward_keyring_number(struct ward_val v);

#endif
