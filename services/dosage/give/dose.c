/* Reading of doses. */
#include "services/dosage/give/dose_row.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Dosage__V1__Administration Dose;

/* A reader caches the key of the last patient, because rows of a patient are adjacent. */
struct reader {
    struct worker *w;
    struct ward_arena *mem;
    struct owner owner;
    bool has_owner;
};

static void done(struct reader *r)
{
    owner_wipe(&r->owner);
}

static enum ward_code key_of(struct reader *r, struct ward_val patient, struct ward_val kek,
                             struct ward_val wrapped, struct ward_err *err)
{
    const uint8_t *id = (const uint8_t *)patient.p;

    if (patient.n != DOSAGE_ID)
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a dose has an invalid patient id");
    if (r->has_owner && memcmp(r->owner.id, id, DOSAGE_ID) == 0)
        return WARD_OK;
    r->has_owner = false;
    WARD_TRY(owner_open(r->w, r->mem, id, kek, wrapped, &r->owner, err));
    r->has_owner = true;
    return WARD_OK;
}

/* Decrypts a row: n columns that the encryption is bound to, then the encrypted part, patient,
 * id, kek and wrapped. */
static enum ward_code unseal(const struct owner *o, struct ward_arena *mem,
                             const struct ward_val *row, size_t n, const char *as, Dose **out,
                             struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    char text[DOSE_ROW_HASH];

    dose_row(row, n, text);
    WARD_TRY(owner_unseal(o, mem, as, (const uint8_t *)row[n + 2].p, text, row[n],
                          &ward__dosage__v1__administration__descriptor, &msg, err));
    *out = (Dose *)msg;
    return WARD_OK;
}

enum ward_code dose_open(const struct owner *o, struct ward_arena *mem,
                         const struct ward_val *row, Dose **out, struct ward_err *err)
{
    return unseal(o, mem, row, DOSE_COLUMNS, DOSE_SEALED_AS, out, err);
}

static enum ward_code open_row(struct reader *r, const struct ward_val *row, size_t n,
                               const char *as, Dose **out, struct ward_err *err)
{
    WARD_TRY(key_of(r, row[n + 1], row[n + 3], row[n + 4], err));
    return unseal(&r->owner, r->mem, row, n, as, out, err);
}

static enum ward_code open_rows(struct reader *r, const struct ward_rows *rows, size_t n,
                                const char *as, Dose **out, struct ward_err *err)
{
    for (size_t i = 0; i < rows->n; i++)
        WARD_TRY(open_row(r, rows->at[i], n, as, &out[i], err));
    return WARD_OK;
}

static enum ward_code none(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "ADMINISTRATION_NOT_FOUND", "no such dose");
}

#define CURRENT                                                                                \
    "SELECT " DOSE_ROW ", k.kek, k.wrapped FROM administration a"                              \
    " LEFT JOIN owner_key k ON k.owner_id = a.patient_id"

enum ward_code dose_find(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                         bool lock, Dose **out, struct ward_err *err)
{
    /* Locks only the dose's row, because an erasure locks the patient's key. */
    static const char LOCK[] =
        "SELECT version FROM administration WHERE administration_id = ? FOR UPDATE";
    static const char SQL[] = CURRENT " WHERE a.administration_id = ?";
    struct reader r = {.w = w, .mem = mem};
    struct ward_rows rows;
    enum ward_code code;

    if (lock)
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, LOCK, WARD_PARAMS(id_val(id)), &rows, err));
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n != 1)
        return none(err);
    code = open_row(&r, rows.at[0], DOSE_COLUMNS, DOSE_SEALED_AS, out, err);
    done(&r);
    return code == WARD_NOT_FOUND ? none(err) : code;
}

enum ward_code dose_versions(struct worker *w, struct ward_arena *mem,
                             const uint8_t id[DOSAGE_ID], Dose ***out, size_t *n,
                             struct ward_err *err)
{
    static const char SQL[] =
        "SELECT v.version, v.written_at_us, v.actor, v.event_id, v.sealed, v.patient_id,"
        " v.administration_id, k.kek, k.wrapped FROM administration a"
        " JOIN administration_version v ON v.patient_id = a.patient_id"
        " AND v.administration_id = a.administration_id"
        " LEFT JOIN owner_key k ON k.owner_id = a.patient_id"
        " WHERE a.administration_id = ? ORDER BY v.version DESC";
    struct reader r = {.w = w, .mem = mem};
    struct ward_rows rows;
    enum ward_code code;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0)
        return none(err);
    *out = ward_alloc(mem, rows.n * sizeof(**out));
    *n = rows.n;
    if (*out == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose's versions");
    code = open_rows(&r, &rows, DOSE_V_COLUMNS, DOSE_VERSION_AS, *out, err);
    done(&r);
    return code == WARD_NOT_FOUND ? none(err) : code;
}

/* Decrypts a list of doses, in the order of the rows. */
static enum ward_code open_all(struct worker *w, struct ward_arena *mem,
                               const struct ward_rows *rows, Dose ***out, size_t *n,
                               struct ward_err *err)
{
    struct reader r = {.w = w, .mem = mem};
    enum ward_code code;

    *n = rows->n;
    *out = ward_alloc(mem, (rows->n + 1) * sizeof(**out));
    if (*out == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for doses");
    code = open_rows(&r, rows, DOSE_COLUMNS, DOSE_SEALED_AS, *out, err);
    done(&r);
    return code;
}

enum ward_code doses_unacknowledged(struct worker *w, struct ward_arena *mem, const char *ward,
                                    int64_t after_us, const uint8_t after[DOSAGE_ID],
                                    size_t most, Dose ***out, size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        CURRENT " JOIN patient p ON p.patient_id = a.patient_id"
                " WHERE (p.ward = ? OR (p.ward = '' AND a.ward = ?)) AND a.acknowledge_by_us "
                ">= ? AND (a.acknowledge_by_us > ?"
                " OR a.administration_id > ?) AND p.erased_at_us IS NULL"
                " ORDER BY a.acknowledge_by_us, a.administration_id LIMIT ?";
    struct ward_val from = ward_int(mem, after_us);
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL,
                         WARD_PARAMS(ward_text(ward), ward_text(ward), from, from,
                                     id_val(after), ward_int(mem, (int64_t)most)),
                         &rows, err));
    return open_all(w, mem, &rows, out, n, err);
}

/* The states of Cosignature are 1 AWAITED and 3 DISPUTED. */
#define COSIGN_FROM                                                                            \
    CURRENT " JOIN patient p ON p.patient_id = a.patient_id"                                   \
            " JOIN cosignature s ON s.administration_id = a.administration_id"                 \
            " WHERE p.erased_at_us IS NULL"
#define COSIGN_BEHIND                                                                          \
    " AND s.at_us >= ? AND (s.at_us > ? OR s.administration_id > ?)"                           \
    " ORDER BY s.at_us, s.administration_id LIMIT ?"

enum ward_code doses_to_cosign(struct worker *w, struct ward_arena *mem,
                               const struct cosignatures *what, Dose ***out, size_t *n,
                               struct ward_err *err)
{
    static const char OWN[] = COSIGN_FROM " AND s.prescriber = ? AND s.state = 1" COSIGN_BEHIND;
    static const char WARD[] = COSIGN_FROM
        " AND s.ward = ? AND (s.state = 1 OR (s.state = 3 AND s.at_us >= ?))" COSIGN_BEHIND;
    struct ward_val from = ward_int(mem, what->after_us);
    struct ward_val after = id_val(what->after), most = ward_int(mem, (int64_t)what->most);
    struct ward_rows rows;

    if (*what->ward == '\0')
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, OWN,
                             WARD_PARAMS(ward_text(what->prescriber), from, from, after, most),
                             &rows, err));
    else
        WARD_TRY(
            ward_db_run(w->event_ctx.db, mem, WARD,
                        WARD_PARAMS(ward_text(what->ward), ward_int(mem, what->disputed_us),
                                    from, from, after, most),
                        &rows, err));
    return open_all(w, mem, &rows, out, n, err);
}

int dose_by_time(const void *a, const void *b)
{
    const Dose *x = *(Dose *const *)a, *y = *(Dose *const *)b;

    if (x->given_at_us != y->given_at_us)
        return x->given_at_us < y->given_at_us ? -1 : 1;
    return strcmp(x->administration_id, y->administration_id);
}

enum ward_code doses_of(struct worker *w, struct ward_arena *mem,
                        const uint8_t patient[DOSAGE_ID], int64_t from_us, int64_t to_us,
                        size_t most, Dose ***out, size_t *n, struct ward_err *err)
{
    /* Rows are found and sorted by the index alone. Otherwise the server would write the rows
     * to a temporary table on disk. */
    static const char SQL[] =
        CURRENT " JOIN (SELECT x.patient_id, x.administration_id FROM patient p"
                " JOIN administration x ON x.patient_id = p.patient_id WHERE p.root_id ="
                " COALESCE((SELECT m.root_id FROM patient m WHERE m.patient_id = ?), ?)"
                " AND p.erased_at_us IS NULL AND x.given_at_us >= ? AND x.given_at_us < ?"
                " ORDER BY x.given_at_us, x.administration_id LIMIT ?) t"
                " ON t.patient_id = a.patient_id AND t.administration_id = a.administration_id";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL,
                         WARD_PARAMS(id_val(patient), id_val(patient), ward_int(mem, from_us),
                                     ward_int(mem, to_us), ward_int(mem, (int64_t)most)),
                         &rows, err));
    WARD_TRY(open_all(w, mem, &rows, out, n, err));
    qsort(*out, *n, sizeof(**out), dose_by_time);
    return WARD_OK;
}
