/* Destruction of a face: its key, and everything encrypted under it. */
#include "services/identity/subject/rows.h"

/* Records the digest of a key before the key is destroyed. New keys have a stored digest; for
 * older keys, the digest is computed here. A key that cannot be unwrapped is destroyed without
 * a digest. */
static enum ward_code note_digest(struct keys *keys, struct ward_db *db, struct ward_arena *mem,
                                  const struct ward_wrapped_key *w, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE subject SET key_sha256 = ? WHERE subject_id = ? AND key_sha256 IS NULL";
    uint8_t key[WARD_KEY_SIZE], sha256[WARD_SHA256_SIZE];

    if (ward_keyring_unwrap(keys_ring(keys), db, w, key, NULL) != WARD_OK)
        return WARD_OK;
    ward_sha256(key, WARD_KEY_SIZE, sha256);
    ward_wipe(key, sizeof(key));
    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_blob(sha256, sizeof(sha256)), id_val(w->owner)), NULL,
                       err);
}

enum ward_code face_forget(struct keys *keys, struct ward_db *db, struct ward_arena *mem,
                           const uint8_t id[IDENTITY_ID], int64_t at_us, bool *had,
                           struct ward_err *err)
{
    static const char *const ROWS[] = {
        "DELETE FROM sealed_photo WHERE subject_id = ?",
        "DELETE FROM template WHERE subject_id = ?",
        "DELETE FROM face_key WHERE subject_id = ?",
        "DELETE FROM duplicate_search WHERE subject_id = ?",
    };
    static const char WHEN[] = "UPDATE subject SET key_destroyed_at_us = ?,"
                               " retain_until_us = NULL WHERE subject_id = ?";
    struct ward_wrapped_key w;

    WARD_TRY(face_key_of(db, mem, id, false, &w, had, err));
    if (!*had)
        return WARD_OK;
    WARD_TRY(note_digest(keys, db, mem, &w, err));
    for (size_t i = 0; i < WARD_COUNT(ROWS); i++)
        WARD_TRY(ward_db_run(db, mem, ROWS[i], WARD_PARAMS(id_val(id)), NULL, err));
    WARD_TRY(
        ward_db_run(db, mem, WHEN, WARD_PARAMS(ward_int(mem, at_us), id_val(id)), NULL, err));
    return keys_bucket_end(keys, db, mem, id, err);
}
