/* Reads existing resources, limited by the view. */
#include "services/records/store/chart_own.h"

#include <string.h>

void version_of(const struct ward_val *row, struct version *out)
{
    struct version v = {0};

    memcpy(v.id, row[0].p, RECORDS_ID);
    memcpy(v.patient, row[1].p, RECORDS_ID);
    v.kind = (enum kind)row_number(row[2]);
    v.version = (int)row_number(row[3]);
    v.act = (Ward__Records__V1__Act)row_number(row[4]);
    v.written_at_us = row_number(row[5]);
    v.actor = row[6].p;
    v.purpose = row[7].p;
    v.peer = row[8].p;
    v.device = row[9].p;
    v.model = row[10].p;
    v.model_sha256 = row[11].p;
    memcpy(v.event_id, row[12].p, sizeof(v.event_id));
    v.sealed = row[13];
    v.cleaned = row[14];
    v.kek = (int)row_number(row[15]);
    v.wrapped = row[16];
    *out = v;
}

enum ward_code chart_find(struct worker *w, struct ward_arena *mem, const struct view *view,
                          enum kind kind, const uint8_t id[RECORDS_ID], struct version *out,
                          struct ward_err *err)
{
    static const char SQL[] =
        "SELECT " VERSION_COLUMNS
        ", EXISTS (SELECT 1 FROM version vn WHERE vn.patient_id = r.patient_id"
        " AND vn.resource_id = r.resource_id AND vn.version = r.version + 1)"
        " FROM resource r JOIN patient p ON p.patient_id = r.patient_id" VERSION_OF_R
            VERSION_KEYS " WHERE r.resource_id = ? AND r.kind = ? AND " VIEW_SQL;
    struct ward_val params[2 + VIEW_PARAMS] = {id_val(id), ward_int(mem, kind)};
    struct ward_rows rows;

    view_params(view, kind, mem, params + 2);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, params, WARD_COUNT(params), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "RESOURCE_NOT_FOUND", "no such resource");
    version_of(rows.at[0], out);
    if (row_number(rows.at[0][VERSION_N]) != 0)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "the current version is not the newest stored version");
    return WARD_OK;
}

enum ward_code chart_version(struct worker *w, struct ward_arena *mem,
                             const uint8_t patient[RECORDS_ID], const uint8_t id[RECORDS_ID],
                             int version, struct version *out, struct ward_err *err)
{
    static const char SQL[] = "SELECT " VERSION_COLUMNS " FROM version v" VERSION_KEYS
                              " WHERE v.patient_id = ? AND v.resource_id = ? AND v.version = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL,
                         WARD_PARAMS(id_val(patient), id_val(id), ward_int(mem, version)),
                         &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "VERSION_NOT_FOUND",
                                "the resource has no such version");
    version_of(rows.at[0], out);
    return WARD_OK;
}
