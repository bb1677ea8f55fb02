/* keys.h - identity's keys: the key ring that wraps them (common/keyring), transforms of
 * templates, keys of snapshot buckets, and signing keys.
 *
 * Subjects' keys are in the table face_key, wrapped by the ring's key-encryption keys (KEKs).
 * Transforms are secrets of the ring with the use "turn", one for each kind and generation.
 * Bucket keys are secrets with the use "bucket". Signing keys are in the table token_key, also
 * encrypted under a KEK. A process caches transforms and signing keys. It reads them again when
 * a generation is unknown, and each time the ring is read.
 *
 * Threads: a struct keys is shared; its lock is held for a copy or a transform. Memory: its
 * own, wiped at the end. Errors: those of keyring.h, and DATA_LOSS TEMPLATE_UNREADABLE. */
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
    int hold_s;           /* WARD_KEY_HOLD_S; 0 means one minute */
};
/* Opens the ring. Creates the first transforms and signing key if they are missing; several
 * replicas may start at once. Requires a migrated database. */
WARD_MUST enum ward_code keys_open(const struct keys_config *cfg,
                                   const struct ward_db_config *db, struct keys **out,
                                   struct ward_err *err);
void keys_close(struct keys *k); /* wipes the keys; NULL is allowed */
struct ward_keyring *keys_ring(struct keys *k);

/* ---- templates: transformed, then encrypted under the subject's key ---- */

#define TEMPLATE_DIM_MAX 512
/* maximum size of an encrypted template */
#define TEMPLATE_SEALED (TEMPLATE_DIM_MAX * sizeof(float) + WARD_SEAL_EXTRA)

struct sealed_template {
    uint8_t subject_id[KEYS_ID], template_id[KEYS_ID];
    char model_sha256[65];
    int kind;       /* kind of the subject: selects the transform */
    int generation; /* generation of the transform; 0: not transformed (older rows) */
    int dim;
    size_t n; /* number of bytes used in `bytes`: dim * 4 + WARD_SEAL_EXTRA */
    uint8_t bytes[TEMPLATE_SEALED];
};
/* Transforms v (length 1, as the model returns it) with the newest generation of t->kind, and
 * encrypts the result. The caller sets ids, model, kind and dim of t. */
WARD_MUST enum ward_code template_seal(struct keys *k, const uint8_t key[WARD_KEY_SIZE],
                                       const float *v, struct sealed_template *t,
                                       struct ward_err *err);
/* Decrypts a template. The result is still transformed: compare it with a probe that was
 * transformed with this kind and generation.
 *   DATA_LOSS  TEMPLATE_UNREADABLE */
WARD_MUST enum ward_code template_open(const uint8_t key[WARD_KEY_SIZE],
                                       const struct sealed_template *t, float *turned,
                                       struct ward_err *err);
/* Transforms v in place, or (keys_turn_back) reverses a transform. Generation 0 leaves v
 * unchanged. `db` as in ward_keyring_unwrap.
 *   DATA_LOSS  the generation has no key */
WARD_MUST enum ward_code keys_turn(struct keys *k, struct ward_db *db, int kind, int generation,
                                   int dim, float *v, struct ward_err *err);
WARD_MUST enum ward_code keys_turn_back(struct keys *k, struct ward_db *db, int kind,
                                        int generation, int dim, float *v,
                                        struct ward_err *err);
int keys_generation(struct keys *k, int kind); /* the newest generation of a kind */

/* Call inside the transaction that stores t, before the store. Takes a shared lock on the row
 * of t's generation until the transaction ends, so that a concurrent renewal does not destroy
 * its key meanwhile. If the generation is already deleted, t is transformed and encrypted again
 * with the newest generation.
 *   UNAVAILABLE  t can no longer be transformed back; retry the call */
WARD_MUST enum ward_code template_hold(struct keys *k, struct ward_db *db,
                                       struct ward_arena *mem, const uint8_t key[WARD_KEY_SIZE],
                                       struct sealed_template *t, struct ward_err *err);

/* ---- snapshot buckets ---- */

/* Keys of snapshot buckets, 0..KEYS_BUCKETS - 1. After the generation of a bucket has changed,
 * only a process that has read the former key can still decrypt a file with that bucket. */
#define KEYS_BUCKETS 256
int keys_bucket_of(const uint8_t subject_id[KEYS_ID]);
WARD_MUST enum ward_code keys_bucket(struct keys *k, struct ward_db *db, int bucket,
                                     int *generation, uint8_t key[WARD_KEY_SIZE],
                                     struct ward_err *err);
/* Call inside a transaction that destroys a subject's key. Destroys the key of the subject's
 * bucket, and creates the bucket's next key. The writer of a snapshot takes a bucket's key
 * first, then waits for all committed changes, then writes. A subject who was erased before is
 * therefore not in the file, and a later erasure destroys the key of the bucket. */
WARD_MUST enum ward_code keys_bucket_end(struct keys *k, struct ward_db *db,
                                         struct ward_arena *mem,
                                         const uint8_t subject_id[KEYS_ID],
                                         struct ward_err *err);

/* ---- signing ---- */

/* The present signing key, locked until keys_signer_release. */
const struct ward_sign_key *keys_signer(struct keys *k, char kid[64]);
void keys_signer_release(struct keys *k, const struct ward_sign_key *key);
struct keys_public {
    uint8_t public_key[WARD_ED25519_PUB];
    char kid[64];
    int64_t signs_from_us, checks_until_us; /* checks_until_us is 0 if no end is set */
};
#define KEYS_PUBLIC_MAX 16
/* Lists the published keys, newest first, without waiting for the database. Returns their
 * number. */
int keys_public(struct keys *k, struct keys_public out[KEYS_PUBLIC_MAX]);

#endif
