/* SQL of the consent ledger, and the uses that a consent permits. */
#include "services/identity/subject/rows.h"

#include <string.h>

const char *purpose_of_verify(int kind)
{
    return kind == SUBJECT_STAFF ? PURPOSE_STAFF : PURPOSE_VERIFY;
}

const char *purpose_of_search(int kind)
{
    return kind == SUBJECT_STAFF ? PURPOSE_STAFF : PURPOSE_SEARCH;
}

bool consent_stands(const struct consent_entry *c, size_t n, const char *purpose)
{
    for (size_t i = 0; i < n; i++)
        if (c[i].withdrawn_at_us == 0 && strcmp(c[i].purpose, purpose) == 0)
            return true;
    return false;
}

bool consent_to_face(const struct consent_entry *c, size_t n, int kind)
{
    return consent_stands(c, n, purpose_of_verify(kind)) ||
           consent_stands(c, n, purpose_of_search(kind));
}

enum ward_code consents_of(struct ward_db *db, struct ward_arena *mem,
                           const uint8_t id[IDENTITY_ID], struct consent_entry **out, size_t *n,
                           struct ward_err *err)
{
    static const char SQL[] =
        "SELECT purpose, text_version, given_by, recorded_by, withdrawn_by, given_at_us,"
        "       withdrawn_at_us"
        "  FROM consent_entry WHERE subject_id = ? ORDER BY entry_id";
    struct consent_entry *list;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    list = ward_alloc(mem, rows.n * sizeof(*list));
    if (list == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the consents");
    for (size_t i = 0; i < rows.n; i++) {
        const struct ward_val *r = rows.at[i];

        list[i] = (struct consent_entry){.purpose = row_text(r[0]),
                                         .text_version = row_text(r[1]),
                                         .given_by = row_text(r[2]),
                                         .recorded_by = row_text(r[3]),
                                         .withdrawn_by = row_text(r[4])};
        if (!row_number(r[5], &list[i].given_at_us) ||
            !row_number(r[6], &list[i].withdrawn_at_us))
            return WARD_FAIL(err, DATA_LOSS, "the row of a consent is invalid");
    }
    *out = list;
    *n = rows.n;
    return WARD_OK;
}

enum ward_code consent_need(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], const char *purpose,
                            struct ward_err *err)
{
    struct consent_entry *c = NULL;
    size_t n = 0;

    WARD_TRY(consents_of(db, mem, id, &c, &n, err));
    return consent_stands(c, n, purpose) ? WARD_OK : consent_missing(err);
}

enum ward_code consent_missing(struct ward_err *err)
{
    return WARD_FAIL_REASON(
        err, FAILED_PRECONDITION, "NO_CONSENT",
        "no consent permits this use of the face: identify this person in another way");
}

enum ward_code consent_add(struct ward_db *db, struct ward_arena *mem,
                           const uint8_t id[IDENTITY_ID], const struct consent_entry *c,
                           struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO consent_entry (subject_id, purpose, text_version,"
                              " given_by, recorded_by, given_at_us) VALUES (?, ?, ?, ?, ?, ?)";

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(id_val(id), ward_text(c->purpose),
                                   ward_text(c->text_version), ward_text(c->given_by),
                                   ward_text(c->recorded_by), ward_int(mem, c->given_at_us)),
                       NULL, err);
}

enum ward_code consents_end(struct ward_db *db, struct ward_arena *mem,
                            const uint8_t id[IDENTITY_ID], const char *purpose, const char *by,
                            int64_t at_us, uint64_t *n, struct ward_err *err)
{
    static const char SQL[] = "UPDATE consent_entry SET withdrawn_at_us = ?, withdrawn_by = ?"
                              " WHERE subject_id = ? AND withdrawn_at_us IS NULL"
                              "   AND (? = '' OR purpose = ?)";
    struct ward_rows out;

    WARD_TRY(ward_db_run(db, mem, SQL,
                         WARD_PARAMS(ward_int(mem, at_us), ward_text(by), id_val(id),
                                     ward_text(purpose), ward_text(purpose)),
                         &out, err));
    *n = out.affected;
    return WARD_OK;
}
