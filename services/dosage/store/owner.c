/* Patients and their keys. */
#include "services/dosage/store/owner.h"

#include "common/base/clock.h"
#include "services/dosage/chart/chart.h"
#include "services/dosage/order/lately.h"

#include <string.h>

#define MOVES_MOST 8 /* concurrent merges of a patient that owner_lock follows */

void owner_wipe(struct owner *o)
{
    ward_wipe(o->key, sizeof(o->key));
}

static enum ward_code unknown(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
}

enum ward_code owner_open(struct worker *w, struct ward_arena *mem,
                          const uint8_t patient[DOSAGE_ID], struct ward_val kek,
                          struct ward_val wrapped, struct owner *out, struct ward_err *err)
{
    struct ward_wrapped_key k = {.kek = (int)row_number(kek)};
    struct owner o;

    (void)mem;
    if (wrapped.p == NULL)
        return unknown(err);
    if (wrapped.n != sizeof(k.wrapped))
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "the patient's key is invalid");
    memcpy(k.owner, patient, DOSAGE_ID);
    memcpy(k.wrapped, wrapped.p, sizeof(k.wrapped));
    WARD_TRY(ward_keyring_unwrap(w->dos->keys, w->event_ctx.db, &k, o.key, err));
    memcpy(o.id, patient, DOSAGE_ID);
    *out = o;
    owner_wipe(&o);
    return WARD_OK;
}

/* Another replica may have erased the patient: this replica then evicts the cached chart. */
enum ward_code owner_erased(struct worker *w, const uint8_t id[DOSAGE_ID], struct ward_err *err)
{
    charts_forget(w->dos->charts, id);
    lately_forget(w->dos, id);
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_ERASED",
                            "the patient was erased");
}

/* ---- one patient ---- */

#define FIND                                                                                   \
    "SELECT p.erased_at_us, k.kek, k.wrapped FROM patient p"                                   \
    " LEFT JOIN owner_key k ON k.owner_id = p.patient_id WHERE p.patient_id = ?"

static enum ward_code find(struct worker *w, struct ward_arena *mem, const char *sql,
                           const uint8_t id[DOSAGE_ID], struct owner *out, bool *found,
                           struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, sql, WARD_PARAMS(id_val(id)), &rows, err));
    *found = rows.n == 1;
    if (!*found)
        return WARD_OK;
    if (rows.at[0][0].p != NULL)
        return owner_erased(w, id, err);
    return owner_open(w, mem, id, rows.at[0][1], rows.at[0][2], out, err);
}

enum ward_code owner_find(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                          struct owner *out, struct ward_err *err)
{
    static const char SQL[] = FIND;
    bool found = false;

    WARD_TRY(find(w, mem, SQL, id, out, &found, err));
    return found ? WARD_OK : unknown(err);
}

/* ---- creation ---- */

/* One of several concurrent callers creates the row. The others wait here. */
static enum ward_code make(struct worker *w, struct ward_arena *mem,
                           const uint8_t id[DOSAGE_ID], struct ward_err *err)
{
    static const char PATIENT[] =
        "INSERT INTO patient (patient_id, root_id, created_at_us) VALUES (?, ?, ?)"
        " ON DUPLICATE KEY UPDATE patient_id = VALUES(patient_id)";
    static const char KEY[] = "INSERT INTO owner_key (owner_id, kek, wrapped) VALUES (?, ?, ?)";
    struct ward_wrapped_key k;
    uint8_t key[WARD_KEY_SIZE];
    struct ward_rows rows;
    enum ward_code code;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, PATIENT,
                         WARD_PARAMS(id_val(id), id_val(id), ward_int(mem, ward_wall_us())),
                         &rows, err));
    if (rows.affected != 1)
        return WARD_OK;
    memcpy(k.owner, id, DOSAGE_ID);
    WARD_TRY(ward_keyring_new_key(w->dos->keys, &k, key, err));
    code = ward_keyring_hold(w->dos->keys, w->event_ctx.db, mem, key, &k, err);
    ward_wipe(key, sizeof(key));
    WARD_TRY(code);
    return ward_db_run(
        w->event_ctx.db, mem, KEY,
        WARD_PARAMS(id_val(id), ward_int(mem, k.kek), ward_blob(k.wrapped, sizeof(k.wrapped))),
        NULL, err);
}

static enum ward_code ensure(struct worker *w, struct ward_arena *mem, const char *sql,
                             const uint8_t id[DOSAGE_ID], struct owner *out,
                             struct ward_err *err)
{
    bool found = false;

    WARD_TRY(find(w, mem, sql, id, out, &found, err));
    if (found)
        return WARD_OK;
    WARD_TRY(make(w, mem, id, err));
    WARD_TRY(find(w, mem, sql, id, out, &found, err));
    return found ? WARD_OK
                 : WARD_FAIL(err, INTERNAL,
                             "the row of a patient that was just created is missing");
}

enum ward_code owner_ensure(struct worker *w, struct ward_arena *mem,
                            const uint8_t id[DOSAGE_ID], struct owner *out,
                            struct ward_err *err)
{
    static const char SQL[] = FIND " LOCK IN SHARE MODE";

    return ensure(w, mem, SQL, id, out, err);
}

static enum ward_code root_of(struct worker *w, struct ward_arena *mem,
                              const uint8_t id[DOSAGE_ID], struct ward_val *root,
                              struct ward_err *err)
{
    static const char SQL[] = "SELECT root_id FROM patient WHERE patient_id = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n != 1 || rows.at[0][0].n != DOSAGE_ID)
        return WARD_FAIL(err, INTERNAL,
                         "the row of a patient that was just created is missing");
    *root = rows.at[0][0];
    return WARD_OK;
}

enum ward_code owner_hold(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                          const uint8_t root[DOSAGE_ID], struct ward_rows *rows, bool *held,
                          struct ward_err *err)
{
    /* The index of root_id is followed by patient_id: all callers lock in one order. */
    static const char ALL[] = "SELECT patient_id, erased_at_us, touched FROM patient"
                              " WHERE root_id = ? ORDER BY patient_id FOR UPDATE";

    *held = false;
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, ALL, WARD_PARAMS(id_val(root)), rows, err));
    for (size_t i = 0; i < rows->n && !*held; i++) {
        *held = memcmp(rows->at[i][HELD_ID].p, id, DOSAGE_ID) == 0;
        if (*held && rows->at[i][HELD_ERASED].p != NULL)
            return owner_erased(w, id, err);
    }
    return WARD_OK;
}

/* A concurrent merge may have moved the patient to another root; the locked rows are then
 * wrong, and the caller tries again. `locked`: the patient is among the locked rows and keeps
 * this root until the transaction ends. */
static enum ward_code lock_all(struct worker *w, struct ward_arena *mem,
                               const uint8_t id[DOSAGE_ID], bool *locked, struct ward_err *err)
{
    struct ward_rows rows;
    struct ward_val root;

    WARD_TRY(root_of(w, mem, id, &root, err));
    return owner_hold(w, mem, id, (const uint8_t *)root.p, &rows, locked, err);
}

enum ward_code owner_lock(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                          struct owner *out, struct ward_err *err)
{
    static const char SQL[] = FIND;
    bool locked = false;

    WARD_TRY(ensure(w, mem, SQL, id, out, err));
    for (int i = 0; i < MOVES_MOST && !locked; i++)
        WARD_TRY(lock_all(w, mem, id, &locked, err));
    if (!locked)
        return WARD_FAIL(err, ABORTED, "the patient is being merged: try again");
    return find(w, mem, SQL, id, out, &(bool){false}, err);
}

/* ---- all merged records ---- */

enum ward_code owners_of(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                         uint8_t (**out)[DOSAGE_ID], size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT p.patient_id FROM patient me JOIN patient p ON p.root_id = me.root_id"
        " WHERE me.patient_id = ? ORDER BY p.patient_id <> p.root_id, p.patient_id";
    struct ward_rows rows;
    uint8_t(*ids)[DOSAGE_ID];

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    ids = ward_alloc(mem, (rows.n + 1) * DOSAGE_ID);
    if (ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the patients of a chart");
    memcpy(ids[0], id, DOSAGE_ID);
    for (size_t i = 0; i < rows.n; i++)
        memcpy(ids[i], rows.at[i][0].p, DOSAGE_ID);
    *out = ids;
    *n = rows.n == 0 ? 1 : rows.n;
    return WARD_OK;
}

/* ---- the patient's ward ---- */

/* Usually the ward is already known. Then nothing is locked. */
enum ward_code owner_lies(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                          const char *ward, int64_t at_us, struct ward_err *err)
{
    static const char OTHER[] =
        "SELECT p.patient_id FROM patient me JOIN patient p ON p.root_id = me.root_id"
        " WHERE me.patient_id = ? AND p.ward <> ? AND p.ward_at_us < ?"
        " AND p.erased_at_us IS NULL ORDER BY p.patient_id";
    static const char MOVE[] =
        "UPDATE patient SET ward = ?, ward_at_us = ?"
        " WHERE patient_id = ? AND ward_at_us < ? AND erased_at_us IS NULL";
    struct ward_val at = ward_int(mem, at_us);
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, OTHER,
                         WARD_PARAMS(id_val(id), ward_text(ward), at), &rows, err));
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, MOVE,
                             WARD_PARAMS(ward_text(ward), at, rows.at[i][0], at), NULL, err));
    return WARD_OK;
}
