/* SQL of subjects' keys, templates and encrypted photographs. */
#include "services/identity/subject/rows.h"

#include <string.h>

enum ward_code face_key_of(struct ward_db *db, struct ward_arena *mem,
                           const uint8_t id[IDENTITY_ID], bool share,
                           struct ward_wrapped_key *out, bool *found, struct ward_err *err)
{
    static const char READ[] = "SELECT kek, wrapped FROM face_key WHERE subject_id = ?";
    static const char SHARE[] =
        "SELECT kek, wrapped FROM face_key WHERE subject_id = ? LOCK IN SHARE MODE";
    struct ward_rows rows;
    struct ward_wrapped_key w;
    int64_t kek;

    WARD_TRY(ward_db_run(db, mem, share ? SHARE : READ, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0) {
        *found = false;
        return WARD_OK;
    }
    if (!row_number(rows.at[0][0], &kek) || kek > INT32_MAX ||
        rows.at[0][1].n != sizeof(w.wrapped))
        return WARD_FAIL(err, DATA_LOSS, "the key of a subject is invalid");
    memcpy(w.owner, id, sizeof(w.owner));
    w.kek = (int)kek;
    memcpy(w.wrapped, rows.at[0][1].p, sizeof(w.wrapped));
    *out = w;
    *found = true;
    return WARD_OK;
}

enum ward_code face_key_add(struct ward_db *db, struct ward_arena *mem,
                            const struct ward_wrapped_key *w,
                            const uint8_t sha256[WARD_SHA256_SIZE], struct ward_err *err)
{
    static const char KEY[] = "INSERT INTO face_key (subject_id, kek, wrapped)"
                              " VALUES (?, ?, ?)";
    static const char SUBJECT[] = "UPDATE subject SET key_sha256 = ?,"
                                  " key_destroyed_at_us = NULL WHERE subject_id = ?";

    WARD_TRY(ward_db_run(db, mem, KEY,
                         WARD_PARAMS(id_val(w->owner), ward_int(mem, w->kek),
                                     ward_blob(w->wrapped, sizeof(w->wrapped))),
                         NULL, err));
    return ward_db_run(db, mem, SUBJECT,
                       WARD_PARAMS(ward_blob(sha256, WARD_SHA256_SIZE), id_val(w->owner)), NULL,
                       err);
}

/* ---- templates ---- */

enum ward_code template_add(struct ward_db *db, struct ward_arena *mem,
                            const struct kept_template *t, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO template (template_id, subject_id, model_sha256, sealed, generation, dim,"
        " eye_distance_px, detection_score, created_at_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
    const struct sealed_template *s = &t->sealed;

    return ward_db_run(
        db, mem, SQL,
        WARD_PARAMS(id_val(s->template_id), id_val(s->subject_id), ward_text(s->model_sha256),
                    ward_blob(s->bytes, s->n), ward_int(mem, s->generation),
                    ward_int(mem, s->dim), ward_num(mem, t->eye_distance_px),
                    ward_num(mem, t->detection_score), ward_int(mem, t->created_at_us)),
        NULL, err);
}

/* Reads the columns with which both lists begin: id, model, generation, dim, eye distance,
 * score, time. */
static bool read_row(const struct ward_val *r, const uint8_t id[IDENTITY_ID],
                     struct kept_template *t)
{
    int64_t generation, dim;

    if (r[0].n != IDENTITY_ID || r[1].n != 64 || !row_number(r[2], &generation) ||
        !row_number(r[3], &dim) || generation > INT32_MAX || dim < 1 ||
        dim > TEMPLATE_DIM_MAX || !ward_f64(r[4].p, &t->eye_distance_px) ||
        !ward_f64(r[5].p, &t->detection_score) || !row_number(r[6], &t->created_at_us))
        return false;
    memcpy(t->sealed.subject_id, id, IDENTITY_ID);
    memcpy(t->sealed.template_id, r[0].p, IDENTITY_ID);
    memcpy(t->sealed.model_sha256, r[1].p, 65);
    ward_uuid_text(t->sealed.template_id, t->id);
    t->sealed.generation = (int)generation;
    t->sealed.dim = (int)dim;
    return true;
}

static bool read_bytes(struct ward_val v, struct sealed_template *s)
{
    s->n = (size_t)s->dim * sizeof(float) + WARD_SEAL_EXTRA;
    if (v.n != s->n)
        return false;
    memcpy(s->bytes, v.p, v.n);
    return true;
}

static enum ward_code read_list(struct ward_arena *mem, const struct ward_rows *rows,
                                const uint8_t id[IDENTITY_ID], int kind,
                                struct kept_template **out, size_t *n, struct ward_err *err)
{
    struct kept_template *list = ward_alloc(mem, rows->n * sizeof(*list));

    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the templates");
    for (size_t i = 0; i < rows->n; i++) {
        list[i].sealed.kind = kind;
        if (!read_row(rows->at[i], id, &list[i]) ||
            (rows->cols > 7 && !read_bytes(rows->at[i][7], &list[i].sealed)))
            return WARD_FAIL(err, DATA_LOSS, "the row of a template is invalid");
    }
    *out = list;
    *n = rows->n;
    return WARD_OK;
}

enum ward_code templates_of(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], int kind, const char *model_sha256,
                            struct kept_template **out, size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT template_id, model_sha256, generation, dim, eye_distance_px, detection_score,"
        "       created_at_us, sealed"
        "  FROM template WHERE subject_id = ? AND model_sha256 = ?"
        " ORDER BY created_at_us, template_id";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id), ward_text(model_sha256)), &rows,
                         err));
    return read_list(mem, &rows, id, kind, out, n, err);
}

enum ward_code templates_list(struct ward_db *db, struct ward_arena *mem,
                              const uint8_t id[IDENTITY_ID], struct kept_template **out,
                              size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT template_id, model_sha256, generation, dim, eye_distance_px, detection_score,"
        "       created_at_us"
        "  FROM template WHERE subject_id = ? ORDER BY created_at_us, template_id";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    return read_list(mem, &rows, id, 0, out, n, err);
}

static enum ward_code count(struct ward_rows *rows, int64_t *n, struct ward_err *err)
{
    int64_t found;

    if (rows->n != 1 || !row_number(rows->at[0][0], &found))
        return WARD_FAIL(err, DATA_LOSS, "a stored count is invalid");
    *n = found;
    return WARD_OK;
}

enum ward_code templates_count(struct ward_db *db, struct ward_arena *mem,
                               const uint8_t id[IDENTITY_ID], const char *model_sha256,
                               int64_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT COUNT(*) FROM template WHERE subject_id = ? AND model_sha256 = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id), ward_text(model_sha256)), &rows,
                         err));
    return count(&rows, n, err);
}

enum ward_code template_remove(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                               const uint8_t template_id[IDENTITY_ID], bool *removed,
                               struct ward_err *err)
{
    static const char PHOTO[] =
        "DELETE FROM sealed_photo WHERE template_id = ? AND subject_id = ?";
    static const char SQL[] = "DELETE FROM template WHERE template_id = ? AND subject_id = ?";
    struct ward_rows out;

    WARD_TRY(
        ward_db_run(db, NULL, PHOTO, WARD_PARAMS(id_val(template_id), id_val(id)), NULL, err));
    WARD_TRY(
        ward_db_run(db, NULL, SQL, WARD_PARAMS(id_val(template_id), id_val(id)), &out, err));
    *removed = out.affected == 1;
    return WARD_OK;
}

/* ---- photographs ---- */

enum ward_code photo_add(struct ward_db *db, struct ward_arena *mem,
                         const uint8_t id[IDENTITY_ID], const struct kept_photo *p,
                         int64_t at_us, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO sealed_photo (template_id, subject_id, sealed, kept_at_us)"
        " VALUES (?, ?, ?, ?)";

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(p->template_id), id_val(id),
                                   ward_blob(p->sealed, p->n), ward_int(mem, at_us)),
                       NULL, err);
}

enum ward_code photos_remove(struct ward_db *db, const uint8_t id[IDENTITY_ID],
                             struct ward_err *err)
{
    static const char SQL[] = "DELETE FROM sealed_photo WHERE subject_id = ?";

    return ward_db_run(db, NULL, SQL, WARD_PARAMS(id_val(id)), NULL, err);
}

enum ward_code photos_count(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], int64_t *n, struct ward_err *err)
{
    static const char SQL[] = "SELECT COUNT(*) FROM sealed_photo WHERE subject_id = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    return count(&rows, n, err);
}
