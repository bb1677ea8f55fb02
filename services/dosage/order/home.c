#include "services/dosage/order/home.h"

#include <stdio.h>
#include <string.h>

#define SEALED_AS "home-decision"

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for home medicines");
}

/* ---- the associated data of a row ---- */

#define BOUND 64
static void bound(const struct home_key *key, char out[BOUND])
{
    snprintf(out, BOUND, "%d %d %lld", key->statement_version, key->version,
             (long long)key->at_us);
}

enum ward_code home_open(const struct owner *o, struct ward_arena *mem,
                         const struct home_key *key, struct ward_val sealed,
                         HomeReconciliation **out, struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    char as[BOUND];

    bound(key, as);
    WARD_TRY(owner_unseal(o, mem, SEALED_AS, key->id, as, sealed,
                          &ward__dosage__v1__home_reconciliation__descriptor, &msg, err));
    *out = (HomeReconciliation *)msg;
    return WARD_OK;
}

int home_by_statement(const void *a, const void *b)
{
    return strcmp((*(HomeReconciliation *const *)a)->statement_id,
                  (*(HomeReconciliation *const *)b)->statement_id);
}

/* ---- rows ---- */

#define COLUMNS                                                                                \
    "SELECT h.statement_id, h.statement_version, h.version, h.decided_at_us, h.sealed,"        \
    " h.patient_id, p.root_id, k.kek, k.wrapped"
#define KEYS                                                                                   \
    " JOIN patient p ON p.patient_id = h.patient_id"                                           \
    " JOIN owner_key k ON k.owner_id = h.patient_id"
enum at {
    AT_STATEMENT,
    AT_STATEMENT_VERSION,
    AT_VERSION,
    AT_TIME,
    AT_SEALED,
    AT_PATIENT,
    AT_ROOT,
    AT_KEK,
    AT_WRAPPED
};

static enum ward_code open_row(struct worker *w, struct ward_arena *mem,
                               const struct ward_val *row, HomeReconciliation **out,
                               struct ward_err *err)
{
    const struct home_key key = {.id = (const uint8_t *)row[AT_STATEMENT].p,
                                 .statement_version =
                                     (int)row_number(row[AT_STATEMENT_VERSION]),
                                 .version = (int)row_number(row[AT_VERSION]),
                                 .at_us = row_number(row[AT_TIME])};
    struct owner o = {0};
    enum ward_code code;

    WARD_TRY(owner_open(w, mem, (const uint8_t *)row[AT_PATIENT].p, row[AT_KEK],
                        row[AT_WRAPPED], &o, err));
    code = home_open(&o, mem, &key, row[AT_SEALED], out, err);
    owner_wipe(&o);
    return code;
}

/* ---- the newest decision ---- */

#define AT_ONCE 20
#define IN_20   "IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

/* Reads up to AT_ONCE statements. A shorter list is padded with its last element. */
static enum ward_code newest_of(struct worker *w, struct ward_arena *mem,
                                const uint8_t (*statements)[DOSAGE_ID], size_t n,
                                struct home_row *out, size_t *n_out, struct ward_err *err)
{
    static const char SQL[] = COLUMNS " FROM home_reconciliation h" KEYS
                                      " WHERE p.erased_at_us IS NULL AND h.statement_id " IN_20;
    struct ward_val params[AT_ONCE];
    struct ward_rows rows;

    for (size_t i = 0; i < AT_ONCE; i++)
        params[i] = id_val(statements[i < n ? i : n - 1]);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, params, AT_ONCE, &rows, err));
    for (size_t i = 0; i < rows.n; i++) {
        struct home_row *to = &out[*n_out];

        memcpy(to->id, rows.at[i][AT_STATEMENT].p, DOSAGE_ID);
        memcpy(to->root, rows.at[i][AT_ROOT].p, DOSAGE_ID);
        WARD_TRY(open_row(w, mem, rows.at[i], &to->msg, err));
        (*n_out)++;
    }
    return WARD_OK;
}

enum ward_code home_newest(struct worker *w, struct ward_arena *mem,
                           const uint8_t (*statements)[DOSAGE_ID], size_t n,
                           struct home_row **out, size_t *n_out, struct ward_err *err)
{
    *n_out = 0;
    *out = ward_alloc(mem, (n + 1) * sizeof(**out));
    if (*out == NULL)
        return no_memory(err);
    for (size_t i = 0; i < n; i += AT_ONCE)
        WARD_TRY(newest_of(w, mem, statements + i, n - i < AT_ONCE ? n - i : AT_ONCE, *out,
                           n_out, err));
    return WARD_OK;
}

/* ---- all decisions ---- */

enum ward_code home_versions(struct worker *w, struct ward_arena *mem,
                             const struct home_key *of, size_t most, HomeReconciliation ***out,
                             size_t *n, struct ward_err *err)
{
    static const char ALL[] =
        COLUMNS " FROM home_reconciliation_version h" KEYS
                " WHERE p.erased_at_us IS NULL AND h.statement_id = ?"
                " ORDER BY h.statement_version DESC, h.version DESC LIMIT ?";
    static const char ONE[] = COLUMNS
        " FROM home_reconciliation_version h" KEYS
        " WHERE p.erased_at_us IS NULL AND h.statement_id = ? AND h.statement_version = ?"
        " AND h.version = ?";
    struct ward_rows rows;

    *n = 0;
    if (of->version == 0)
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, ALL,
                             WARD_PARAMS(id_val(of->id), ward_int(mem, (int64_t)most)), &rows,
                             err));
    else
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, ONE,
                             WARD_PARAMS(id_val(of->id), ward_int(mem, of->statement_version),
                                         ward_int(mem, of->version)),
                             &rows, err));
    *out = ward_alloc(mem, (rows.n + 1) * sizeof(**out));
    if (*out == NULL)
        return no_memory(err);
    for (; *n < rows.n; (*n)++)
        WARD_TRY(open_row(w, mem, rows.at[*n], &(*out)[*n], err));
    return WARD_OK;
}

/* ---- writing ---- */

enum ward_code home_write(struct worker *w, struct ward_arena *mem, const struct owner *patient,
                          const HomeReconciliation *h, struct ward_err *err)
{
    static const char VERSION[] =
        "INSERT INTO home_reconciliation_version (statement_id, statement_version, version,"
        " patient_id, decided_at_us, actor, event_id, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    static const char NEWEST[] =
        "INSERT INTO home_reconciliation (statement_id, statement_version, version, patient_id,"
        " decided_at_us, sealed) VALUES (?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE"
        " statement_version = VALUES(statement_version), version = VALUES(version),"
        " patient_id = VALUES(patient_id), decided_at_us = VALUES(decided_at_us),"
        " sealed = VALUES(sealed)";
    uint8_t id[DOSAGE_ID], event[DOSAGE_ID];
    const struct home_key key = {id, h->statement_version, h->version, h->decided_at_us};
    struct ward_val sealed, of, number, at;
    char as[BOUND];

    if (!ward_uuid_parse(h->statement_id, id) || !ward_uuid_parse(h->event_id, event))
        return WARD_FAIL(err, INTERNAL, "a stored decision about a home medicine has no id");
    bound(&key, as);
    WARD_TRY(owner_seal(patient, mem, SEALED_AS, id, as, &h->base, &sealed, err));
    of = ward_int(mem, h->statement_version);
    number = ward_int(mem, h->version);
    at = ward_int(mem, h->decided_at_us);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, VERSION,
                         WARD_PARAMS(id_val(id), of, number, id_val(patient->id), at,
                                     ward_text(h->decided_by), id_val(event), sealed),
                         NULL, err));
    return ward_db_run(w->event_ctx.db, mem, NEWEST,
                       WARD_PARAMS(id_val(id), of, number, id_val(patient->id), at, sealed),
                       NULL, err);
}
