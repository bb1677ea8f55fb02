/* keys.h - identity's keys: the ring that wraps them (common/keyring), and identity's own:
 * transforms of templates, keys of snapshot buckets, and signing keys.
 *
 * Subjects' keys are in the table face_key, wrapped by the ring's key-encryption keys;
 * transforms and bucket keys are secrets of the ring ("turn", one for each kind and generation;
 * "bucket"); the signing keys are in token_key, encrypted under a KEK too. A process caches
 * them in memory, and reads again when it finds an unknown number and each time the ring is
 * read.
 *
 * Threads: a struct keys is shared; it locks for the duration of a copy or a transform. Memory:
 * its own, wiped at the end. Errors: keyring.h's, with DATA_LOSS TEMPLATE_UNREADABLE.
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
    const char *tenant;   /* WARD_TENANT: part of every transform */
    int hold_s;           /* WARD_KEY_HOLD_S; 0: a minute */
};
/* Opens the ring; creates the first transforms and signing key if missing (several replicas may
 * start at once). Requires a migrated database. */
WARD_MUST enum ward_code keys_open(const struct keys_config *cfg,
                                   const struct ward_db_config *db, struct keys **out,
                                   struct ward_err *err);
void keys_close(struct keys *k); /* wipes; NULL is allowed */
struct ward_keyring *keys_ring(struct keys *k);

/* ---- templates: transformed, then encrypted under the subject's key ---- */

#define TEMPLATE_DIM_MAX 512
#define TEMPLATE_SEALED  (TEMPLATE_DIM_MAX * sizeof(float) + WARD_SEAL_EXTRA) /* at most */

struct sealed_template {
    uint8_t subject_id[KEYS_ID], template_id[KEYS_ID];
    char model_sha256[65];
    int kind;       /* of the subject: selects the transform */
    int generation; /* of the transform; 0: not transformed (older rows) */
    int dim;
    size_t n; /* of `bytes`: dim * 4 + WARD_SEAL_EXTRA */
    uint8_t bytes[TEMPLATE_SEALED];
};
/* Transforms v (length 1, as from the model) with the newest generation of t->kind and encrypts
 * it; the caller sets ids, model, kind and dim. */
WARD_MUST enum ward_code template_seal(struct keys *k, const uint8_t key[WARD_KEY_SIZE],
                                       const float *v, struct sealed_template *t,
                                       struct ward_err *err);
/* Returns it in transformed form: compare it with a probe transformed by the same kind and
 * generation.
 *   DATA_LOSS  TEMPLATE_UNREADABLE */
WARD_MUST enum ward_code template_open(const uint8_t key[WARD_KEY_SIZE],
                                       const struct sealed_template *t, float *turned,
                                       struct ward_err *err);
/* Transforms v in place. Generation 0 leaves it unchanged. db as ward_keyring_unwrap's.
 *   DATA_LOSS  a generation without a key */
WARD_MUST enum ward_code keys_turn(struct keys *k, struct ward_db *db, int kind, int generation,
                                   int dim, float *v, struct ward_err *err);
WARD_MUST enum ward_code keys_turn_back(struct keys *k, struct ward_db *db, int kind,
                                        int generation, int dim, float *v,
                                        struct ward_err *err);
int keys_generation(struct keys *k, int kind); /* the newest */

/* Inside the transaction that stores t, before the store: takes a shared lock on the row of t's
 * generation until the end, so that a concurrent renewal does not destroy that key unnoticed.
 * If the generation is gone already, t is transformed and encrypted again with the newest.
 *   UNAVAILABLE  it can no longer be transformed back: start again */
WARD_MUST enum ward_code template_hold(struct keys *k, struct ward_db *db,
                                       struct ward_arena *mem, const uint8_t key[WARD_KEY_SIZE],
                                       struct sealed_template *t, struct ward_err *err);

/* ---- snapshot buckets ---- */

/* Keys of snapshot buckets, 0..KEYS_BUCKETS - 1: only processes that were reading a bucket
 * already can still read it after its generation has changed. */
#define KEYS_BUCKETS 256
int keys_bucket_of(const uint8_t subject_id[KEYS_ID]);
WARD_MUST enum ward_code keys_bucket(struct keys *k, struct ward_db *db, int bucket,
                                     int *generation, uint8_t key[WARD_KEY_SIZE],
                                     struct ward_err *err);
/* Inside a transaction that destroys a subject's key: destroys its bucket's key and creates the
 * next one. A writer of a bucket takes its key first, then follows the changes to their end,
 * then writes: earlier erasures are therefore not in it, and a later one destroys the key. */
WARD_MUST enum ward_code keys_bucket_end(struct keys *k, struct ward_db *db,
                                         struct ward_arena *mem,
                                         const uint8_t subject_id[KEYS_ID],
                                         struct ward_err *err);

/* ---- signing ---- */

/* The present signing key, locked until released. */
const struct ward_sign_key *keys_signer(struct keys *k, char kid[64]);
void keys_signer_release(struct keys *k, const struct ward_sign_key *key);
struct keys_public {
    uint8_t public_key[WARD_ED25519_PUB];
    char kid[64];
    int64_t signs_from_us, checks_until_us; /* 0: no end set */
};
#define KEYS_PUBLIC_MAX 16
/* Newest first; never waits for the database. Returns their number. */
int keys_public(struct keys *k, struct keys_public out[KEYS_PUBLIC_MAX]);

#endif
