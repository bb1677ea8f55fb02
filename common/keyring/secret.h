/* secret.h - for a service that encrypts more than owners' keys under a KEK: its own secrets
 * (table secret), and rows of its own table.
 *
 * Threads, memory, errors: keyring.h's. The caller wipes the keys that it receives.
 */
#ifndef WARD_KEYRING_SECRET_H
#define WARD_KEYRING_SECRET_H

#include "common/base/arena.h"
#include "common/keyring/keyring.h"

struct ward_kek {
    int number;
    int64_t gone_ns; /* time when its row was first missed; 0: the row exists */
    uint8_t key[WARD_KEY_SIZE];
};
/* Returns the KEK with this number. If the KEK is not in memory and db is not NULL, reads the
 * tables.
 *   FAILED_PRECONDITION  KEK_UNKNOWN */
WARD_MUST enum ward_code ward_keyring_kek(struct ward_keyring *k, struct ward_db *db,
                                          int number, struct ward_kek *out,
                                          struct ward_err *err);
/* Call inside a transaction: returns the newest KEK and takes a shared lock on its row until
 * the end, so that it is not destroyed before the rows that it wraps are visible. */
WARD_MUST enum ward_code ward_keyring_hold_newest(struct ward_keyring *k, struct ward_db *db,
                                                  struct ward_arena *mem, struct ward_kek *out,
                                                  struct ward_err *err);

/* ---- the service's secrets ---- */

/* Returns one of the configured secrets from memory; false if the secret is not in memory.
 * generation 0: the newest. *which and key may be NULL. */
bool ward_keyring_secret(struct ward_keyring *k, const char *use, int kind, int generation,
                         int *which, uint8_t key[WARD_KEY_SIZE]);
/* Inserts a new secret under `kek`, which is locked (ward_keyring_hold_newest), into the table.
 *   ALREADY_EXISTS  another replica was first */
WARD_MUST enum ward_code ward_keyring_secret_add(struct ward_keyring *k, struct ward_db *db,
                                                 struct ward_arena *mem,
                                                 const struct ward_kek *kek, const char *use,
                                                 int kind, int generation,
                                                 struct ward_err *err);

/* ---- rows of the service's own table, encrypted under a KEK ---- */

#define WARD_SECRET_SEALED (WARD_KEY_SIZE + WARD_SEAL_EXTRA)

/* The binding of a row that is encrypted under a KEK: the service, what ("token key"), the
 * row's name and two numbers. */
struct ward_bound_row {
    char label[32];
    char name[64];
    uint8_t number[8]; /* two 32-bit numbers, little-endian */
};
struct ward_bound_row ward_bind_row(const struct ward_keyring *k, const char *what,
                                    const char *name, int a, int b);

/* Extends the value that is read every second and that changes whenever a row does. `more` adds
 * the service's own table: ", (SELECT CONCAT_WS('+', COUNT(*), SUM(kek)) FROM token_key)". */
#define WARD_KEYRING_MARKER(more)                                                              \
    "SELECT CONCAT_WS('/', (SELECT CONCAT_WS('+', COUNT(*), SUM(kek), SUM(created_at_us)) "    \
    "FROM kek), (SELECT CONCAT_WS('+', COUNT(*), SUM(generation), SUM(created_at_us), "        \
    "SUM(kek)) FROM secret)" more ")"

struct ward_kek_rotation; /* rotation.h */
/* A table of the service whose rows name a KEK. The keyring reads this table with the others,
 * and a rotation wraps its rows again. Texts are literals. */
struct ward_keyring_also {
    const char *marker; /* WARD_KEYRING_MARKER(...) */
    /* Reads this table after the others. Must not call ward_keyring_follow, and must pass no db
     * to ward_keyring_kek. */
    enum ward_code (*read)(void *arg, struct ward_keyring *k, struct ward_db *db,
                           struct ward_arena *mem, struct ward_err *err);
    /* "... COUNT(*) ...": 0 if the first row must be created. Then `first` creates it under
     * this KEK, inside the transaction that creates the first secrets. */
    const char *rows;
    enum ward_code (*first)(void *arg, struct ward_keyring *k, struct ward_db *db,
                            struct ward_arena *mem, const struct ward_kek *kek,
                            struct ward_err *err);
    const char *any_of; /* "SELECT EXISTS (SELECT 1 FROM token_key WHERE kek = ?)" */
    const char *older;  /* "SELECT COUNT(*) FROM token_key WHERE kek < ?" */
    /* Wraps every row of a KEK older than r->kek again (ward_keyring_reseal), inside a
     * transaction. *n: the number of rows. */
    enum ward_code (*wrap)(void *arg, struct ward_kek_rotation *r, struct ward_db *db,
                           int64_t *n, struct ward_err *err);
};
/* For `wrap`: replaces the encryption under the KEK `from` by encryption under r->kek.
 *   DATA_LOSS  the row cannot be decrypted */
WARD_MUST enum ward_code ward_keyring_reseal(struct ward_kek_rotation *r, struct ward_db *db,
                                             int from, const struct ward_bound_row *b,
                                             struct ward_val sealed,
                                             uint8_t out[WARD_SECRET_SEALED],
                                             struct ward_err *err);
/* Returns a column of the keyring's tables as a number. */
int64_t ward_keyring_number(struct ward_val v);

#endif
