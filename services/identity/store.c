/* The SQL of identity: one function a question. */
#include "common/base/text.h"
#include "services/identity/identity.h"

#include <stdio.h>
#include <string.h>

static struct ward_val id_val(const uint8_t id[IDENTITY_ID])
{
    return ward_blob(id, IDENTITY_ID);
}

/* A number that we stored. NULL is 0. */
static bool number(struct ward_val v, int64_t *out)
{
    *out = 0;
    return v.p == NULL || ward_i64(v.p, 0, INT64_MAX, out);
}

static const char *text_or_empty(struct ward_val v)
{
    return v.p == NULL ? "" : v.p;
}

enum ward_code subject_find(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], bool lock, struct subject *out,
                            struct ward_err *err)
{
    static const char READ[] =
        "SELECT s.kind, s.external_ref, s.enrolled_at_us, s.erased_at_us, c.purpose,"
        "       c.text_version, c.given_by, c.withdrawn_at_us"
        "  FROM subject s JOIN consent c ON c.subject_id = s.subject_id"
        " WHERE s.subject_id = ?";
    static const char LOCK[] =
        "SELECT s.kind, s.external_ref, s.enrolled_at_us, s.erased_at_us, c.purpose,"
        "       c.text_version, c.given_by, c.withdrawn_at_us"
        "  FROM subject s JOIN consent c ON c.subject_id = s.subject_id"
        " WHERE s.subject_id = ? FOR UPDATE";
    struct ward_rows rows;
    const struct ward_val *r;
    struct subject s;
    int64_t kind;

    WARD_TRY(ward_db_run(db, mem, lock ? LOCK : READ, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "SUBJECT_NOT_FOUND", "no such subject");
    r = rows.at[0];
    s = (struct subject){.external_ref = text_or_empty(r[1]),
                         .purpose = text_or_empty(r[4]),
                         .text_version = text_or_empty(r[5]),
                         .given_by = text_or_empty(r[6])};
    if (!number(r[0], &kind) || !number(r[2], &s.enrolled_at_us) ||
        !number(r[3], &s.erased_at_us) || !number(r[7], &s.withdrawn_at_us))
        return WARD_FAIL(err, DATA_LOSS, "a subject's row is not usable");
    s.kind = (int)kind;
    memcpy(s.id, id, sizeof(s.id));
    *out = s;
    return WARD_OK;
}

static enum ward_code add_row(struct ward_db *db, struct ward_arena *mem,
                              const struct subject *s, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO subject (subject_id, kind, external_ref, enrolled_at_us)"
        " VALUES (?, ?, ?, ?)";
    struct ward_rows out;
    enum ward_code code;

    code = ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(s->id), ward_int(mem, s->kind),
                                   ward_text(*s->external_ref == '\0' ? NULL : s->external_ref),
                                   ward_int(mem, s->enrolled_at_us)),
                       &out, err);
    if (code == WARD_ALREADY_EXISTS) /* the id is random: it is the other unique key */
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "EXTERNAL_REF_TAKEN",
                                "a subject of this kind has this external_ref");
    return code;
}

static enum ward_code add_consent(struct ward_db *db, struct ward_arena *mem,
                                  const struct subject *s, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO consent (subject_id, purpose, text_version, given_by, given_at_us)"
        " VALUES (?, ?, ?, ?, ?)";
    struct ward_rows out;

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(s->id), ward_text(s->purpose),
                                   ward_text(s->text_version), ward_text(s->given_by),
                                   ward_int(mem, s->enrolled_at_us)),
                       &out, err);
}

static enum ward_code add_template(struct ward_db *db, struct ward_arena *mem,
                                   const struct kept_template *t, struct ward_err *err)
{
    static const char KEY[] = "INSERT INTO face_key (subject_id, wrapped) VALUES (?, ?)";
    static const char SQL[] =
        "INSERT INTO template (template_id, subject_id, model_sha256, sealed, eye_distance_px,"
        " detection_score, created_at_us) VALUES (?, ?, ?, ?, ?, ?, ?)";
    const struct sealed *s = &t->sealed;
    struct ward_rows out;

    WARD_TRY(ward_db_run(
        db, mem, KEY,
        WARD_PARAMS(id_val(s->subject_id), ward_blob(s->wrapped, sizeof(s->wrapped))), &out,
        err));
    return ward_db_run(
        db, mem, SQL,
        WARD_PARAMS(id_val(s->template_id), id_val(s->subject_id), ward_text(s->model_sha256),
                    ward_blob(s->embedding, sizeof(s->embedding)),
                    ward_num(mem, t->eye_distance_px), ward_num(mem, t->detection_score),
                    ward_int(mem, t->created_at_us)),
        &out, err);
}

enum ward_code subject_add(struct ward_db *db, struct ward_arena *mem, const struct subject *s,
                           const struct kept_template *t, struct ward_err *err)
{
    WARD_TRY(add_row(db, mem, s, err));
    WARD_TRY(add_consent(db, mem, s, err));
    return add_template(db, mem, t, err);
}

static bool read_sealed(const struct ward_val *r, const uint8_t id[IDENTITY_ID],
                        struct sealed *s)
{
    if (r[0].n != IDENTITY_ID || r[1].n != 64 || r[2].n != sizeof(s->embedding) ||
        r[6].n != sizeof(s->wrapped))
        return false;
    memcpy(s->subject_id, id, IDENTITY_ID);
    memcpy(s->template_id, r[0].p, IDENTITY_ID);
    memcpy(s->model_sha256, r[1].p, 64);
    memcpy(s->embedding, r[2].p, sizeof(s->embedding));
    memcpy(s->wrapped, r[6].p, sizeof(s->wrapped));
    return true;
}

static bool read_measures(const struct ward_val *r, struct kept_template *t)
{
    return ward_f64(r[0].p, &t->eye_distance_px) && ward_f64(r[1].p, &t->detection_score) &&
           number(r[2], &t->created_at_us);
}

enum ward_code template_of(struct ward_db *db, struct ward_arena *mem,
                           const uint8_t id[IDENTITY_ID], const char *model_sha256,
                           struct kept_template *out, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT t.template_id, t.model_sha256, t.sealed, t.eye_distance_px, t.detection_score,"
        "       t.created_at_us, k.wrapped"
        "  FROM template t JOIN face_key k ON k.subject_id = t.subject_id"
        " WHERE t.subject_id = ? AND t.model_sha256 = ?";
    struct kept_template t = {0};
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id), ward_text(model_sha256)), &rows,
                         err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "MODEL_CHANGED",
            "the face template was made by another model: enrol this person again");
    if (!read_sealed(rows.at[0], id, &t.sealed) || !read_measures(&rows.at[0][3], &t))
        return WARD_FAIL(err, DATA_LOSS, "a template's row is not usable");
    ward_uuid_text(t.sealed.template_id, t.id);
    *out = t;
    return WARD_OK;
}

enum ward_code face_is_kept(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], bool *kept, struct ward_err *err)
{
    static const char SQL[] = "SELECT 1 FROM face_key WHERE subject_id = ? LOCK IN SHARE MODE";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    *kept = rows.n == 1;
    return WARD_OK;
}

enum ward_code templates_list(struct ward_db *db, struct ward_arena *mem,
                              const uint8_t id[IDENTITY_ID], struct kept_template **out,
                              size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT template_id, model_sha256, eye_distance_px, detection_score, created_at_us"
        "  FROM template WHERE subject_id = ? ORDER BY created_at_us, template_id LIMIT 16";
    struct kept_template *list;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the templates");
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *r = rows.at[i];

        if (r[0].n != IDENTITY_ID || r[1].n != 64 || !read_measures(&r[2], &list[i]))
            return WARD_FAIL(err, DATA_LOSS, "a template's row is not usable");
        ward_uuid_text((const uint8_t *)r[0].p, list[i].id);
        memcpy(list[i].sealed.model_sha256, r[1].p, 65);
    }
    *out = list;
    *n = rows.n;
    return WARD_OK;
}

enum ward_code face_forget(struct ward_db *db, struct ward_arena *mem,
                           const uint8_t id[IDENTITY_ID], int64_t at_us, struct ward_err *err)
{
    static const char TEMPLATES[] = "DELETE FROM template WHERE subject_id = ?";
    static const char KEY[] = "DELETE FROM face_key WHERE subject_id = ?";
    static const char CONSENT[] = "UPDATE consent SET withdrawn_at_us = ?"
                                  " WHERE subject_id = ? AND withdrawn_at_us IS NULL";
    struct ward_rows out;

    WARD_TRY(ward_db_run(db, mem, TEMPLATES, WARD_PARAMS(id_val(id)), &out, err));
    WARD_TRY(ward_db_run(db, mem, KEY, WARD_PARAMS(id_val(id)), &out, err));
    return ward_db_run(db, mem, CONSENT, WARD_PARAMS(ward_int(mem, at_us), id_val(id)), &out,
                       err);
}

enum ward_code subject_erase(struct ward_db *db, struct ward_arena *mem,
                             const uint8_t id[IDENTITY_ID], int64_t at_us, struct ward_err *err)
{
    static const char SUBJECT[] =
        "UPDATE subject SET external_ref = NULL, erased_at_us = ? WHERE subject_id = ?";
    static const char CONSENT[] = "UPDATE consent SET given_by = '' WHERE subject_id = ?";
    struct ward_rows out;

    WARD_TRY(ward_db_run(db, mem, SUBJECT, WARD_PARAMS(ward_int(mem, at_us), id_val(id)), &out,
                         err));
    return ward_db_run(db, mem, CONSENT, WARD_PARAMS(id_val(id)), &out, err);
}
