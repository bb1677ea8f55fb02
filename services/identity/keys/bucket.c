/* Keys of snapshot buckets. A bucket's key is destroyed whenever the key of one of its subjects
 * is destroyed. */
#include "services/identity/keys/keys_own.h"

#define LOOKS 20 /* maximum number of tries; each waits for another caller's lock */

int keys_bucket_of(const uint8_t subject_id[KEYS_ID])
{
    /* The last byte of a UUIDv7 is random; the first bytes are a time. */
    return subject_id[KEYS_ID - 1];
}

static bool find(struct keys *k, int bucket, int *generation, uint8_t key[WARD_KEY_SIZE])
{
    return ward_keyring_secret(k->ring, "bucket", bucket, 0, generation, key);
}

struct step {
    struct keys *keys;
    struct ward_arena *mem;
    int bucket;
};

static enum ward_code add_first(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct step *s = arg;
    enum ward_code code;
    struct ward_kek kek;

    WARD_TRY(ward_keyring_hold_newest(s->keys->ring, db, s->mem, &kek, err));
    code =
        ward_keyring_secret_add(s->keys->ring, db, s->mem, &kek, "bucket", s->bucket, 1, err);
    ward_wipe(&kek, sizeof(kek));
    return code;
}

static enum ward_code make_first(struct keys *k, struct ward_db *db, int bucket,
                                 struct ward_err *err)
{
    struct step s = {.keys = k, .bucket = bucket};
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, 16384);
    s.mem = &mem;
    code = ward_db_tx(db, add_first, &s, err);
    ward_arena_done(&mem);
    /* another replica has just added the key */
    return code == WARD_ALREADY_EXISTS ? WARD_OK : code;
}

enum ward_code keys_bucket(struct keys *k, struct ward_db *db, int bucket, int *generation,
                           uint8_t key[WARD_KEY_SIZE], struct ward_err *err)
{
    if (bucket < 0 || bucket >= KEYS_BUCKETS)
        return WARD_FAIL(err, INTERNAL, "there is no bucket %d", bucket);
    if (find(k, bucket, generation, key))
        return WARD_OK;
    WARD_TRY(ward_keyring_follow(k->ring, db, err));
    if (find(k, bucket, generation, key))
        return WARD_OK;
    WARD_TRY(make_first(k, db, bucket, err));
    WARD_TRY(ward_keyring_follow(k->ring, db, err));
    if (find(k, bucket, generation, key))
        return WARD_OK;
    return WARD_FAIL(err, UNAVAILABLE, "the bucket's key is being replaced");
}

/* Locks the bucket's row. *generation is 0 if the bucket has no row. A concurrent caller may
 * delete the row and insert the next one: then the query is repeated. */
static enum ward_code lock_bucket(struct ward_db *db, struct ward_arena *mem, int bucket,
                                  int *generation, struct ward_err *err)
{
    struct ward_rows rows;

    for (int i = 0; i < LOOKS; i++) {
        WARD_TRY(ward_db_run(db, mem,
                             "SELECT generation FROM secret WHERE use_name = 'bucket' AND kind "
                             "= ? ORDER BY generation DESC FOR UPDATE",
                             WARD_PARAMS(ward_int(mem, bucket)), &rows, err));
        *generation = rows.n == 0 ? 0 : (int)ward_keyring_number(rows.at[0][0]);
        if (rows.n > 0)
            return WARD_OK;
        WARD_TRY(ward_db_run(
            db, mem, "SELECT COUNT(*) FROM secret WHERE use_name = 'bucket' AND kind = ?",
            WARD_PARAMS(ward_int(mem, bucket)), &rows, err));
        if (ward_keyring_number(rows.at[0][0]) == 0)
            return WARD_OK;
    }
    return WARD_FAIL(err, ABORTED, "the bucket's key is being replaced");
}

enum ward_code keys_bucket_end(struct keys *k, struct ward_db *db, struct ward_arena *mem,
                               const uint8_t subject_id[KEYS_ID], struct ward_err *err)
{
    int bucket = keys_bucket_of(subject_id), generation = 0;
    enum ward_code code;
    struct ward_kek kek;

    WARD_TRY(lock_bucket(db, mem, bucket, &generation, err));
    WARD_TRY(ward_db_run(db, mem, "DELETE FROM secret WHERE use_name = 'bucket' AND kind = ?",
                         WARD_PARAMS(ward_int(mem, bucket)), NULL, err));
    WARD_TRY(ward_keyring_hold_newest(k->ring, db, mem, &kek, err));
    code =
        ward_keyring_secret_add(k->ring, db, mem, &kek, "bucket", bucket, generation + 1, err);
    ward_wipe(&kek, sizeof(kek));
    /* If two callers end the first generation of a bucket at once, the second caller must
     * repeat. */
    return code == WARD_ALREADY_EXISTS
               ? WARD_FAIL(err, ABORTED, "the bucket's key was just replaced")
               : code;
}
