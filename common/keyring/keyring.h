/* keyring.h - a service's keys under the root key, and the data that they encrypt.
 *
 * The root key (common/vault; WARD_KEK) encrypts key-encryption keys, KEKs (table kek). A KEK
 * encrypts a key for each owner (a patient or another subject) and the service's own secrets
 * (table secret). A table of the service has each owner's wrapped key and the number of its
 * KEK. The secret "hash" is the key of every keyed hash. Destroying an owner's row makes all
 * data under the owner's key unreadable. KEK 0 is the root key itself, for identity's rows from
 * before the table. A process holds KEKs and secrets in memory. The tables are read again for
 * an unknown number of a KEK and in each call of ward_keyring_follow (every second). rotation.h
 * replaces the KEK; secret.h is for a service that stores further secrets.
 *
 * Encrypted data is bound (AES-GCM's associated data) to its place, including the service's
 * name, so it cannot be decrypted in another row.
 *
 * ward_schema_keyring (schema/ beside this file) creates the tables kek and secret.
 * ward_app_schema runs this migration before the service's own migrations. The identity service
 * does not use this migration, because its own migration 003_keys created the tables.
 *
 * Threads: threads share a ring, which locks during a copy or a wrap. Memory: its own, wiped at
 * the end. Errors: DATA_LOSS with the service's reason for a key that cannot be decrypted;
 * FAILED_PRECONDITION KEK_UNKNOWN for a missing root key; others as db.h and vault.h.
 */
#ifndef WARD_KEYRING_KEYRING_H
#define WARD_KEYRING_KEYRING_H

#include "common/base/crypto.h"
#include "common/db/db.h"
#include "common/keyring/seal.h"

#define WARD_WRAPPED (WARD_KEY_SIZE + WARD_SEAL_EXTRA)

struct ward_keyring;
struct ward_keyring_also; /* secret.h */

/* The statements on the table of owners' keys, which has the columns id BINARY(16), the primary
 * key; kek INT, indexed; wrapped VARBINARY(60). Use the macro for one static const of each
 * service, because statements are cached by the address of their text. */
struct ward_keyring_owners {
    const char *any, *any_of, *older, *next, *batch, *last, *update;
};
#define WARD_KEYRING_OWNERS(table, id)                                                         \
    {                                                                                          \
        .any = "SELECT EXISTS (SELECT 1 FROM " table " WHERE kek > 0)",                        \
        .any_of = "SELECT EXISTS (SELECT 1 FROM " table " WHERE kek = ?)",                     \
        .older = "SELECT COUNT(*) FROM " table " WHERE kek < ?",                               \
        .next = "SELECT MIN(kek) FROM " table " WHERE kek > ? AND kek < ?",                    \
        .batch = "SELECT " id ", wrapped, kek FROM " table " WHERE kek = ? AND " id            \
                 " > ? ORDER BY " id " LIMIT 500 FOR UPDATE SKIP LOCKED",                      \
        .last = "SELECT " id ", wrapped, kek FROM " table " WHERE kek < ? ORDER BY " id        \
                " LIMIT 500 FOR UPDATE",                                                       \
        .update = "UPDATE " table " SET kek = ?, wrapped = ? WHERE " id " = ?",                \
    }

/* Secrets to hold in memory. The keyring always adds the secret "hash". */
struct ward_keyring_use {
    const char *use; /* secret.use_name */
    int kind, kinds; /* the kinds to hold: kind .. kind + kinds - 1 */
    int held; /* number of newest generations to hold for each kind. With several, a generation
                 deleted from its table stays in memory for hold_s; a single one is dropped at
                 once */
    bool first; /* creates the first generation of each kind if it is missing */
};

struct ward_keyring_config {
    const char *service;    /* "records": part of every binding; never change it */
    const char *root;       /* WARD_KEK */
    const char *root_old;   /* WARD_KEK_OLD; "" for none */
    int hold_s;             /* WARD_KEY_HOLD_S; 0: one minute */
    const char *unreadable; /* the reason of DATA_LOSS, a row of a reasons.txt */
    const struct ward_keyring_owners *owners;
    const struct ward_keyring_use *uses; /* secrets besides the hash; NULL: none */
    int n_uses;
    const struct ward_keyring_also *also; /* NULL: none */
    void *arg;                            /* argument of also's functions */
};
/* Opens the roots and reads the tables. Creates the first KEK and secrets if they are missing
 * (several replicas may start at once). The database must be migrated. The data that cfg points
 * to, except root and root_old, must outlive the ring. */
WARD_MUST enum ward_code ward_keyring_open(const struct ward_keyring_config *cfg,
                                           const struct ward_db_config *db,
                                           struct ward_keyring **out, struct ward_err *err);
void ward_keyring_close(struct ward_keyring *k); /* wipes the keys; accepts NULL */
/* Reads changed tables again. Call every second, and not in a performance-critical path. */
WARD_MUST enum ward_code ward_keyring_follow(struct ward_keyring *k, struct ward_db *db,
                                             struct ward_err *err);
/* For readiness: UNAVAILABLE while the root key is unusable. Tests the root key every 10 s. */
WARD_MUST enum ward_code ward_keyring_check(struct ward_keyring *k, struct ward_err *err);
const char *ward_keyring_root_id(const struct ward_keyring *k);
const char *ward_keyring_root_kind(const struct ward_keyring *k);

/* ---- owners' keys ---- */

struct ward_wrapped_key {
    uint8_t owner[WARD_OWNER_ID];
    int kek;
    uint8_t wrapped[WARD_WRAPPED];
};
/* Creates a key, wrapped by the newest KEK and bound to w->owner, which the caller has set. */
WARD_MUST enum ward_code ward_keyring_new_key(struct ward_keyring *k,
                                              struct ward_wrapped_key *w,
                                              uint8_t key[WARD_KEY_SIZE], struct ward_err *err);
/* Call inside the transaction that stores a new w, before the insert. Takes a shared lock on
 * the row of its KEK until the end, so that a concurrent rotation cannot destroy that KEK. If
 * the KEK is already destroyed, w is wrapped again by the newest one. */
WARD_MUST enum ward_code ward_keyring_hold(struct ward_keyring *k, struct ward_db *db,
                                           struct ward_arena *mem,
                                           const uint8_t key[WARD_KEY_SIZE],
                                           struct ward_wrapped_key *w, struct ward_err *err);
/* db: for reading an unknown KEK; NULL: do not read. */
WARD_MUST enum ward_code ward_keyring_unwrap(struct ward_keyring *k, struct ward_db *db,
                                             const struct ward_wrapped_key *w,
                                             uint8_t key[WARD_KEY_SIZE], struct ward_err *err);

/* ---- the keyed hash ---- */

/* HMAC-SHA-256 of a text under the service's hash key, bound to `what`, so that equal texts of
 * two uses have different hashes. */
WARD_MUST enum ward_code ward_keyring_hash(struct ward_keyring *k, const char *what,
                                           const void *data, size_t n,
                                           uint8_t out[WARD_SHA256_SIZE], struct ward_err *err);
extern const struct ward_schema ward_schema_keyring;
#endif
