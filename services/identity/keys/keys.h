/* keys.h - identity's keys: the ring that wraps them (common/keyring), and what only identity
 * has: transforms of templates, keys of snapshot buckets, and keys that sign.
 *
 * Subjects' keys lie in table face_key, wrapped by the ring's key-encryption keys; transforms
 * and bucket keys are secrets of the ring ("turn", one a kind and generation; "bucket"); the
 * signing keys lie in token_key, sealed under a kek too. A process holds them in memory, and
 * looks again when it meets a number it does not know and each time the ring follows.
 *
 * Threads: a struct keys is shared; it locks for the time of a copy or a turn. Memory: its own,
 * wiped at the end. Errors: keyring.h's, with DATA_LOSS TEMPLATE_UNREADABLE.
 */
#ifndef IDENTITY_KEYS_H
#define IDENTITY_KEYS_H

#include "common/base/crypto.h"
#include "common/db/db.h"
#include "common/keyring/keyring.h"
#include "common/vault/rotate.h"

#define KEYS_ID WARD_OWNER_ID

struct keys;
struct keys_config {
    const char *root;     /* WARD_KEK */
    const char *root_old; /* WARD_KEK_OLD; "" for none */
    const char *tenant;   /* WARD_TENANT: mixed into every transform */
    int hold_s;           /* WARD_KEY_HOLD_S; 0: a minute */
};
/* Opens the ring; makes the first transforms and signing key where there are none (several
 * replicas may start at once). The database is migrated. */
WARD_MUST enum ward_code keys_open(const struct keys_config *cfg,
                                   const struct ward_db_config *db, struct keys **out,
                                   struct ward_err *err);
void keys_close(struct keys *k); /* wipes; NULL is fine */
struct ward_keyring *keys_ring(struct keys *k);

/* ---- templates: turned, then sealed under the subject's key ---- */

#define TEMPLATE_DIM_MAX 512
#define TEMPLATE_SEALED  (TEMPLATE_DIM_MAX * sizeof(float) + WARD_SEAL_EXTRA) /* at most */

struct sealed_template {
    uint8_t subject_id[KEYS_ID], template_id[KEYS_ID];
    char model_sha256[65];
    int kind;       /* of the subject: which transform */
    int generation; /* of the transform; 0: not turned (from before there were any) */
    int dim;
    size_t n; /* of `bytes`: dim * 4 + WARD_SEAL_EXTRA */
    uint8_t bytes[TEMPLATE_SEALED];
};
/* Turns v (length 1, as the model gave it) by the newest generation of t->kind and seals it;
 * ids, model, kind and dim are set by the caller. */
WARD_MUST enum ward_code template_seal(struct keys *k, const uint8_t key[WARD_KEY_SIZE],
                                       const float *v, struct sealed_template *t,
                                       struct ward_err *err);
/* As it lies, turned: compare it with a probe turned by the same kind and generation.
 *   DATA_LOSS  TEMPLATE_UNREADABLE */
WARD_MUST enum ward_code template_open(const uint8_t key[WARD_KEY_SIZE],
                                       const struct sealed_template *t, float *turned,
                                       struct ward_err *err);
/* v in place. Generation 0 leaves it as it is. db as ward_keyring_unwrap's.
 *   DATA_LOSS  a generation there is no key of */
WARD_MUST enum ward_code keys_turn(struct keys *k, struct ward_db *db, int kind, int generation,
                                   int dim, float *v, struct ward_err *err);
WARD_MUST enum ward_code keys_turn_back(struct keys *k, struct ward_db *db, int kind,
                                        int generation, int dim, float *v,
                                        struct ward_err *err);
int keys_generation(struct keys *k, int kind); /* the newest */

/* Inside the transaction that keeps t, before it does: shares the row of t's generation until
 * the end, so that a renewal running beside it does not destroy that key unseen. One that is
 * gone already: t is turned and sealed again by the newest.
 *   UNAVAILABLE  it cannot be turned back any more: call again from the start */
WARD_MUST enum ward_code template_hold(struct keys *k, struct ward_db *db,
                                       struct ward_arena *mem, const uint8_t key[WARD_KEY_SIZE],
                                       struct sealed_template *t, struct ward_err *err);

/* ---- snapshot buckets ---- */

/* Keys of snapshot buckets, 0..KEYS_BUCKETS - 1: a bucket whose generation has moved on cannot
 * be read by anyone who was not reading it already. */
#define KEYS_BUCKETS 256
int keys_bucket_of(const uint8_t subject_id[KEYS_ID]);
WARD_MUST enum ward_code keys_bucket(struct keys *k, struct ward_db *db, int bucket,
                                     int *generation, uint8_t key[WARD_KEY_SIZE],
                                     struct ward_err *err);
/* Inside a transaction that destroys a subject's key: ends its bucket's key and makes the next
 * one. Who writes a bucket takes its key first, then follows the changes to their end, then
 * writes: so what was erased before is not in it, and what is erased after ends the key. */
WARD_MUST enum ward_code keys_bucket_end(struct keys *k, struct ward_db *db,
                                         struct ward_arena *mem,
                                         const uint8_t subject_id[KEYS_ID],
                                         struct ward_err *err);

/* ---- signing ---- */

/* The key that signs now, held until released. */
const struct ward_sign_key *keys_signer(struct keys *k, char kid[64]);
void keys_signer_release(struct keys *k, const struct ward_sign_key *key);
struct keys_public {
    uint8_t public_key[WARD_ED25519_PUB];
    char kid[64];
    int64_t signs_from_us, checks_until_us; /* 0: no end set */
};
#define KEYS_PUBLIC_MAX 16
/* Newest first; never blocks on the database. Returns how many. */
int keys_public(struct keys *k, struct keys_public out[KEYS_PUBLIC_MAX]);

#endif
