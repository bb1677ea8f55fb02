/* keyring.h - a service's keys under the root key, and what is sealed with them.
 *
 * Root key (common/vault; WARD_KEK) -> key-encryption keys (table kek) -> a key for each owner,
 * a patient or another subject (a table of the service's: the wrapped key and the number of its
 * kek), and the service's own secrets (table secret; one of them, "hash", is the key of every
 * keyed hash). Destroying an owner's row destroys all that is sealed with its key. kek 0 is the
 * root key itself: identity's rows from before there was a table. A process holds the keks and
 * the secrets in memory, and looks again when it meets a number it does not know and each time
 * ward_keyring_follow is called (every second). rotation.h replaces the kek; secret.h is for a
 * service that keeps more than these.
 *
 * What is sealed is bound (AES-GCM's associated data) to what it is of, by the service's name
 * too: moved to another row it does not open.
 *
 * The tables kek and secret: ward_schema_keyring (schema/ beside this file) makes them, run by
 * ward_app_schema before the service's own. Not by identity, which made them in its 003_keys.
 *
 * Threads: a ring is shared; it locks for a copy or a wrap. Memory: its own, wiped at the end.
 * Errors: DATA_LOSS with the service's reason: a key that does not open; FAILED_PRECONDITION
 * KEK_UNKNOWN: a root key is missing; others db.h's and vault.h's.
 */
#ifndef WARD_KEYRING_KEYRING_H
#define WARD_KEYRING_KEYRING_H

#include "common/base/crypto.h"
#include "common/db/db.h"
#include "common/keyring/seal.h"

#define WARD_WRAPPED (WARD_KEY_SIZE + WARD_SEAL_EXTRA)

struct ward_keyring;
struct ward_keyring_also; /* secret.h */

/* The statements on the table of owners' keys, with the columns: id BINARY(16), the primary
 * key; kek INT, indexed; wrapped VARBINARY(60). Made by the macro, one static const a service:
 * statements are cached by the address of their text. */
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

/* Secrets that are read into memory. `hash` is one of them without being named. */
struct ward_keyring_use {
    const char *use; /* secret.use_name */
    int kind, kinds; /* the kinds held: kind .. kind + kinds - 1 */
    int held;   /* so many generations of each, the newest. Of several, one that is deleted from
                 * its table stays in memory for hold_s; a single one goes at once */
    bool first; /* the first generation of each kind is made where there is none */
};

struct ward_keyring_config {
    const char *service;    /* "records": part of what things are bound to; never change it */
    const char *root;       /* WARD_KEK */
    const char *root_old;   /* WARD_KEK_OLD; "" for none */
    int hold_s;             /* WARD_KEY_HOLD_S; 0: a minute */
    const char *unreadable; /* the reason of DATA_LOSS, a row of a reasons.txt */
    const struct ward_keyring_owners *owners;
    const struct ward_keyring_use *uses; /* beside the hash; NULL: none */
    int n_uses;
    const struct ward_keyring_also *also; /* NULL: none */
    void *arg;                            /* of also's functions */
};
/* Opens the roots and reads what there is; makes the first kek and secrets where there are none
 * (several replicas may start at once). The database is migrated. What cfg points to, but for
 * root and root_old, must outlive the ring. */
WARD_MUST enum ward_code ward_keyring_open(const struct ward_keyring_config *cfg,
                                           const struct ward_db_config *db,
                                           struct ward_keyring **out, struct ward_err *err);
void ward_keyring_close(struct ward_keyring *k); /* wipes; NULL is fine */
/* Reads the tables again where they changed. Call every second, and from nowhere hot. */
WARD_MUST enum ward_code ward_keyring_follow(struct ward_keyring *k, struct ward_db *db,
                                             struct ward_err *err);
/* Readiness: UNAVAILABLE while the root key cannot be used. Asks it every 10 s. */
WARD_MUST enum ward_code ward_keyring_check(struct ward_keyring *k, struct ward_err *err);
const char *ward_keyring_root_id(const struct ward_keyring *k);
const char *ward_keyring_root_kind(const struct ward_keyring *k);

/* ---- owners' keys ---- */

struct ward_wrapped_key {
    uint8_t owner[WARD_OWNER_ID];
    int kek;
    uint8_t wrapped[WARD_WRAPPED];
};
/* A fresh one, wrapped by the newest kek and bound to w->owner, which the caller has set. */
WARD_MUST enum ward_code ward_keyring_new_key(struct ward_keyring *k,
                                              struct ward_wrapped_key *w,
                                              uint8_t key[WARD_KEY_SIZE], struct ward_err *err);
/* Inside the transaction that keeps a new w, before it does: shares the row of its kek until
 * the end, so that a rotation running beside it does not destroy that kek unseen. One that is
 * gone already: w is wrapped again by the newest. */
WARD_MUST enum ward_code ward_keyring_hold(struct ward_keyring *k, struct ward_db *db,
                                           struct ward_arena *mem,
                                           const uint8_t key[WARD_KEY_SIZE],
                                           struct ward_wrapped_key *w, struct ward_err *err);
/* db: to look for a kek that is not known yet; NULL: do not look. */
WARD_MUST enum ward_code ward_keyring_unwrap(struct ward_keyring *k, struct ward_db *db,
                                             const struct ward_wrapped_key *w,
                                             uint8_t key[WARD_KEY_SIZE], struct ward_err *err);

/* ---- the keyed hash ---- */

/* HMAC-SHA-256 of a text under the service's hash key, bound to `what`: equal texts of two uses
 * have nothing in common. */
WARD_MUST enum ward_code ward_keyring_hash(struct ward_keyring *k, const char *what,
                                           const void *data, size_t n,
                                           uint8_t out[WARD_SHA256_SIZE], struct ward_err *err);
extern const struct ward_schema ward_schema_keyring;
#endif
