#include "services/dosage/downtime/conflict.h"

#include <string.h>

typedef Ward__Dosage__V1__Conflict Conflict;

#define COLUMNS                                                                                \
    "SELECT c.conflict_id, c.charted_id, c.offline_id, c.ward, c.resolved_at_us"               \
    " FROM conflict c"

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a conflict");
}

static void take(const struct ward_val *row, struct conflict *out)
{
    memcpy(out->id, row[0].p, DOSAGE_ID);
    memcpy(out->charted, row[1].p, DOSAGE_ID);
    memcpy(out->offline, row[2].p, DOSAGE_ID);
    out->ward = row[3].p;
    out->resolved_at_us = row_number(row[4]);
}

enum ward_code conflicts_of(struct worker *w, struct ward_arena *mem, const char *ward,
                            const uint8_t after[DOSAGE_ID], size_t most, struct conflict **out,
                            size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        COLUMNS " JOIN administration a ON a.administration_id = c.charted_id"
                " JOIN owner_key k ON k.owner_id = a.patient_id"
                " JOIN administration b ON b.administration_id = c.offline_id"
                " JOIN owner_key l ON l.owner_id = b.patient_id"
                " WHERE c.ward = ? AND c.resolved_at_us = 0 AND c.conflict_id > ?"
                " ORDER BY c.conflict_id LIMIT ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(ward_text(ward), id_val(after), ward_int(mem, (int64_t)most)), &rows, err));
    *out = ward_alloc(mem, (rows.n + 1) * sizeof(**out));
    if (*out == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows.n; i++)
        take(rows.at[i], &(*out)[i]);
    *n = rows.n;
    return WARD_OK;
}

enum ward_code conflict_find(struct worker *w, struct ward_arena *mem,
                             const uint8_t id[DOSAGE_ID], bool lock, struct conflict *out,
                             struct ward_err *err)
{
    static const char LOCK[] = "SELECT conflict_id FROM conflict WHERE conflict_id = ?"
                               " FOR UPDATE";
    static const char SQL[] = COLUMNS " WHERE c.conflict_id = ?";
    struct ward_rows rows;

    if (lock)
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, LOCK, WARD_PARAMS(id_val(id)), &rows, err));
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "CONFLICT_NOT_FOUND", "no such conflict");
    take(rows.at[0], out);
    return WARD_OK;
}

enum ward_code conflict_decide(struct worker *w, struct ward_arena *mem,
                               const uint8_t id[DOSAGE_ID], const char *by, int which,
                               int64_t now_us, struct ward_err *err)
{
    static const char SQL[] = "UPDATE conflict SET resolved_by = ?, resolved_at_us = ?,"
                              " which = ? WHERE conflict_id = ?";

    return ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(ward_text(by), ward_int(mem, now_us), ward_int(mem, which), id_val(id)),
        NULL, err);
}

enum ward_code conflict_say(struct worker *w, struct ward_arena *mem, const struct conflict *k,
                            Conflict **out, struct ward_err *err)
{
    Conflict *c = ward_new(mem, Conflict);
    struct issues issues;
    char id[37];

    if (c == NULL)
        return no_memory(err);
    ward__dosage__v1__conflict__init(c);
    WARD_TRY(dose_find(w, mem, k->charted, false, &c->charted, err));
    WARD_TRY(dose_find(w, mem, k->offline, false, &c->offline, err));
    WARD_TRY(entry_issues(w, mem, k->offline, &issues, err));
    ward_uuid_text(k->id, id);
    c->conflict_id = ward_strdup(mem, id);
    c->issues = ward_alloc(mem, (issues.n + 1) * sizeof(char *));
    if (c->conflict_id == NULL || c->issues == NULL)
        return no_memory(err);
    for (size_t i = 0; i < issues.n; i++)
        c->issues[c->n_issues++] = api_text(issues.at[i]);
    *out = c;
    return WARD_OK;
}
