/* Patients and their keys. */
#include "services/records/store/chart_own.h"

#include <string.h>

/* Number of columns of an inserted row. */
#define PATIENT_ROW 6
#define KEY_ROW     3

enum ward_code patient_key(struct worker *w, const uint8_t id[RECORDS_ID], int kek,
                           struct ward_val wrapped, uint8_t key[WARD_KEY_SIZE],
                           struct ward_err *err)
{
    struct ward_wrapped_key k = {.kek = kek};

    if (wrapped.p == NULL || wrapped.n != sizeof(k.wrapped))
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "the patient's key is missing");
    memcpy(k.owner, id, RECORDS_ID);
    memcpy(k.wrapped, wrapped.p, sizeof(k.wrapped));
    return ward_keyring_unwrap(w->rec->keys, w->event_ctx.db, &k, key, err);
}

#define FIND                                                                                   \
    "SELECT p.root_id, p.erased_at_us, k.kek, k.wrapped FROM patient p"                        \
    " LEFT JOIN owner_key k ON k.owner_id = p.patient_id WHERE p.patient_id = ?"

enum ward_code patient_find(struct worker *w, struct ward_arena *mem,
                            const uint8_t id[RECORDS_ID], bool lock, struct patient *out,
                            struct ward_err *err)
{
    static const char LOOK[] = FIND, HOLD[] = FIND " LOCK IN SHARE MODE";
    struct patient p = {0};
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, lock ? HOLD : LOOK, WARD_PARAMS(id_val(id)),
                         &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
    memcpy(p.id, id, RECORDS_ID);
    memcpy(p.root, rows.at[0][0].p, RECORDS_ID);
    p.erased = rows.at[0][1].p != NULL;
    p.kek = (int)row_number(rows.at[0][2]);
    p.wrapped = rows.at[0][3];
    if (!p.erased)
        WARD_TRY(patient_key(w, id, p.kek, p.wrapped, p.key, err));
    *out = p;
    patient_wipe(&p);
    return WARD_OK;
}

void patient_wipe(struct patient *p)
{
    ward_wipe(p->key, sizeof(p->key));
}

enum ward_code patients_of(struct worker *w, struct ward_arena *mem,
                           const uint8_t root[RECORDS_ID], uint8_t (**out)[RECORDS_ID],
                           size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT patient_id FROM patient WHERE root_id = ? ORDER BY patient_id <> root_id,"
        " patient_id";
    struct ward_rows rows;
    uint8_t(*ids)[RECORDS_ID];

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(root)), &rows, err));
    ids = ward_alloc(mem, rows.n * RECORDS_ID);
    if (ids == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the patients of a chart");
    for (size_t i = 0; i < rows.n; i++)
        memcpy(ids[i], rows.at[i][0].p, RECORDS_ID);
    *out = ids;
    *n = rows.n;
    return WARD_OK;
}

/* ---- new patients ---- */

enum ward_code patient_prepare(struct worker *w, struct ward_arena *mem, struct item *it,
                               struct ward_err *err)
{
    struct ward_keyring *keys = w->rec->keys;

    memcpy(it->p.root, it->p.id, RECORDS_ID);
    memcpy(it->wrapped.owner, it->p.id, RECORDS_ID);
    WARD_TRY(ward_keyring_new_key(keys, &it->wrapped, it->p.key, err));
    WARD_TRY(ward_keyring_hold(keys, w->event_ctx.db, mem, it->p.key, &it->wrapped, err));
    it->p.kek = it->wrapped.kek;
    it->p.wrapped = ward_blob(it->wrapped.wrapped, sizeof(it->wrapped.wrapped));
    return WARD_OK;
}

static void row_of(const struct item *it, struct ward_arena *mem, struct ward_val *to)
{
    uint8_t *sha256 = ward_alloc(mem, WARD_SHA256_SIZE);

    if (sha256 != NULL)
        ward_sha256(it->p.key, sizeof(it->p.key), sha256);
    to[0] = to[1] = id_val(it->p.id);
    to[2] = ward_int(mem, it->f.gender);
    to[3] = it->f.birth_us == NO_DATE ? ward_text(NULL) : ward_int(mem, it->f.birth_us);
    to[4] = ward_int(mem, it->at_us);
    to[5] = ward_blob(sha256, WARD_SHA256_SIZE);
}

enum ward_code records_keys_put(struct worker *w, struct ward_arena *mem,
                                const struct item *items, size_t n, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO owner_key (owner_id, kek, wrapped) VALUES (?, ?, ?)";
    struct ward_val *row = ward_alloc(mem, n * KEY_ROW * sizeof(*row));
    size_t at = 0;

    if (row == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for new keys");
    for (size_t i = 0; i < n; i++) {
        const struct ward_wrapped_key *k = &items[i].wrapped;

        if (!items[i].fresh)
            continue;
        row[at++] = id_val(items[i].p.id);
        row[at++] = ward_int(mem, k->kek);
        row[at++] = ward_blob(k->wrapped, sizeof(k->wrapped));
    }
    return ward_db_bulk(w->event_ctx.db, SQL, row, KEY_ROW, at / KEY_ROW, err);
}

enum ward_code patients_put(struct worker *w, struct ward_arena *mem, const struct item *items,
                            size_t n, struct ward_err *err)
{
    static const char SQL[] = "INSERT INTO patient (patient_id, root_id, gender, birth_us,"
                              " created_at_us, key_sha256) VALUES (?, ?, ?, ?, ?, ?)";
    struct ward_val *row = ward_alloc(mem, n * PATIENT_ROW * sizeof(*row));
    enum ward_code code;
    size_t fresh = 0;

    if (row == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for new patients");
    for (size_t i = 0; i < n; i++)
        if (items[i].fresh)
            row_of(&items[i], mem, row + PATIENT_ROW * fresh++);
    code = ward_db_bulk(w->event_ctx.db, SQL, row, PATIENT_ROW, fresh, err);
    if (code == WARD_ALREADY_EXISTS)
        return WARD_FAIL_REASON(err, ALREADY_EXISTS, "ID_TAKEN", "a patient has this id");
    WARD_TRY(code);
    return records_keys_put(w, mem, items, n, err);
}
