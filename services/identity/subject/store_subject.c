/* SQL of subjects, one function for each query. */
#include "services/identity/subject/rows.h"

#include <string.h>

static enum ward_code not_found(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "SUBJECT_NOT_FOUND", "no such subject");
}

enum ward_code subject_find(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], bool lock, struct subject *out,
                            struct ward_err *err)
{
    static const char READ[] =
        "SELECT kind, external_ref, enrolled_at_us, erased_at_us, retain_until_us,"
        "       key_destroyed_at_us, key_sha256, birth_year"
        "  FROM subject WHERE subject_id = ?";
    static const char LOCK[] =
        "SELECT kind, external_ref, enrolled_at_us, erased_at_us, retain_until_us,"
        "       key_destroyed_at_us, key_sha256, birth_year"
        "  FROM subject WHERE subject_id = ? FOR UPDATE";
    struct ward_rows rows;
    const struct ward_val *r;
    struct subject s;
    int64_t kind, born;

    WARD_TRY(ward_db_run(db, mem, lock ? LOCK : READ, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0)
        return not_found(err);
    r = rows.at[0];
    s = (struct subject){.external_ref = row_text(r[1]), .has_key_sha256 = r[6].p != NULL};
    if (!row_number(r[0], &kind) || !row_number(r[2], &s.enrolled_at_us) ||
        !row_number(r[3], &s.erased_at_us) || !row_number(r[4], &s.retain_until_us) ||
        !row_number(r[5], &s.key_destroyed_at_us) || !row_number(r[7], &born) ||
        (r[6].p != NULL && r[6].n != sizeof(s.key_sha256)))
        return WARD_FAIL(err, DATA_LOSS, "the row of a subject is invalid");
    if (r[6].p != NULL)
        memcpy(s.key_sha256, r[6].p, sizeof(s.key_sha256));
    s.kind = (int)kind;
    s.birth_year = (int)born;
    memcpy(s.id, id, sizeof(s.id));
    *out = s;
    return WARD_OK;
}

static enum ward_code find_alive(struct ward_db *db, struct ward_arena *mem,
                                 const uint8_t id[IDENTITY_ID], bool lock, struct subject *out,
                                 struct ward_err *err)
{
    struct subject s;

    WARD_TRY(subject_find(db, mem, id, lock, &s, err));
    if (s.erased_at_us != 0)
        return not_found(err);
    *out = s;
    return WARD_OK;
}

enum ward_code subject_alive(struct ward_db *db, struct ward_arena *mem,
                             const uint8_t id[IDENTITY_ID], struct subject *out,
                             struct ward_err *err)
{
    return find_alive(db, mem, id, false, out, err);
}

enum ward_code subject_hold(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], struct subject *out,
                            struct ward_err *err)
{
    return find_alive(db, mem, id, true, out, err);
}

enum ward_code subject_insert(struct ward_db *db, struct ward_arena *mem,
                              const struct subject *s, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO subject (subject_id, kind, external_ref, enrolled_at_us, retain_until_us,"
        " birth_year) VALUES (?, ?, ?, ?, ?, ?)";
    enum ward_code code;

    code = ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(s->id), ward_int(mem, s->kind),
                                   ward_text(*s->external_ref == '\0' ? NULL : s->external_ref),
                                   ward_int(mem, s->enrolled_at_us),
                                   time_val(mem, s->retain_until_us),
                                   time_val(mem, s->birth_year)),
                       NULL, err);
    if (code == WARD_ALREADY_EXISTS) /* the id is random, so the conflict is in external_ref */
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "EXTERNAL_REF_TAKEN",
                                "a subject of this kind has this external_ref");
    return code;
}

enum ward_code subject_retain(struct ward_db *db, struct ward_arena *mem,
                              const uint8_t id[IDENTITY_ID], int64_t until_us,
                              struct ward_err *err)
{
    static const char SQL[] = "UPDATE subject SET retain_until_us = ? WHERE subject_id = ?";

    return ward_db_run(db, mem, SQL, WARD_PARAMS(time_val(mem, until_us), id_val(id)), NULL,
                       err);
}

enum ward_code subject_born(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], int birth_year, struct ward_err *err)
{
    static const char SQL[] = "UPDATE subject SET birth_year = ? WHERE subject_id = ?";

    return ward_db_run(db, mem, SQL, WARD_PARAMS(time_val(mem, birth_year), id_val(id)), NULL,
                       err);
}

enum ward_code duplicates_leave(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                                struct ward_err *err)
{
    static const char *const ROWS[] = {
        "DELETE FROM duplicate WHERE subject_id = ?",
        "DELETE FROM duplicate WHERE other_subject_id = ?",
        "DELETE FROM duplicate_search WHERE subject_id = ?",
    };

    for (size_t i = 0; i < WARD_COUNT(ROWS); i++)
        WARD_TRY(ward_db_run(db, NULL, ROWS[i], WARD_PARAMS(id_val(id)), NULL, err));
    return WARD_OK;
}

enum ward_code subject_clear(struct ward_db *db, struct ward_arena *mem,
                             const uint8_t id[IDENTITY_ID], int64_t at_us, struct ward_err *err)
{
    static const char *const ROWS[] = {
        "DELETE FROM identifier_hash WHERE subject_id = ?",
        "DELETE FROM identifier_miss WHERE subject_id = ?",
        "DELETE FROM face_miss WHERE subject_id = ?",
        "DELETE FROM gallery_member WHERE subject_id = ?",
        "DELETE FROM staff_role WHERE subject_id = ?",
        "DELETE FROM presence WHERE subject_id = ?",
        "UPDATE consent_entry SET given_by = '' WHERE subject_id = ?",
    };
    static const char SUBJECT[] = "UPDATE subject SET external_ref = NULL, erased_at_us = ?,"
                                  " retain_until_us = NULL, birth_year = NULL"
                                  " WHERE subject_id = ?";

    for (size_t i = 0; i < WARD_COUNT(ROWS); i++)
        WARD_TRY(ward_db_run(db, mem, ROWS[i], WARD_PARAMS(id_val(id)), NULL, err));
    WARD_TRY(duplicates_leave(db, id, err));
    return ward_db_run(db, mem, SUBJECT, WARD_PARAMS(ward_int(mem, at_us), id_val(id)), NULL,
                       err);
}

static enum ward_code texts(struct ward_arena *mem, const struct ward_rows *rows, char ***out,
                            struct ward_err *err)
{
    char **list = ward_alloc(mem, rows->n * sizeof(*list));

    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < rows->n; i++)
        list[i] = (char *)(uintptr_t)row_text(rows->at[i][0]);
    *out = list;
    return WARD_OK;
}

enum ward_code galleries_of(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], char ***out, size_t *n,
                            struct ward_err *err)
{
    static const char SQL[] =
        "SELECT gallery FROM gallery_member WHERE subject_id = ? ORDER BY gallery";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    WARD_TRY(texts(mem, &rows, out, err));
    *n = rows.n;
    return WARD_OK;
}

enum ward_code galleries_add(struct ward_db *db, struct ward_arena *mem,
                             const uint8_t id[IDENTITY_ID], char *const *names, size_t n,
                             struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO gallery_member (gallery, subject_id) VALUES (?, ?)"
                              " ON DUPLICATE KEY UPDATE gallery = VALUES(gallery)";

    for (size_t i = 0; i < n; i++)
        WARD_TRY(
            ward_db_run(db, mem, SQL, WARD_PARAMS(ward_text(names[i]), id_val(id)), NULL, err));
    return WARD_OK;
}

enum ward_code galleries_leave(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                               struct ward_err *err)
{
    static const char SQL[] = "DELETE FROM gallery_member WHERE subject_id = ?";

    return ward_db_run(db, NULL, SQL, WARD_PARAMS(id_val(id)), NULL, err);
}

enum ward_code identifiers_of(struct ward_db *db, struct ward_arena *mem,
                              const uint8_t id[IDENTITY_ID], char ***types, size_t *n,
                              bool *wristband, struct ward_err *err)
{
    static const char SQL[] = "SELECT type FROM identifier_hash WHERE subject_id = ?"
                              " ORDER BY type";
    struct ward_rows rows;
    bool first;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    WARD_TRY(texts(mem, &rows, types, err));
    first = rows.n > 0 && *(*types)[0] == '\0'; /* the wristband's type is "" and sorts first */
    *wristband = first;
    *types += first ? 1 : 0;
    *n = rows.n - (first ? 1 : 0);
    return WARD_OK;
}
