/* Conditional Create: creates a resource only if no resource has this identifier. Concurrent
 * calls wait for a row of identifier_gate. The row is deleted at the end of the transaction, so
 * that no trace of the identifier remains there. */
#include "services/records/store/rpc.h"

#include <string.h>

/* Reads at most two matches, which are sufficient to report SEVERAL_MATCH. Merged patients
 * count once, as the surviving record. */
static const char FIND[] =
    "SELECT DISTINCT CASE WHEN r.kind = 1 THEN p.root_id ELSE r.resource_id END FROM token t"
    " JOIN resource r ON r.patient_id = t.patient_id AND r.resource_id = t.resource_id"
    " JOIN patient p ON p.patient_id = r.patient_id"
    " WHERE t.param = ? AND t.hash = ? AND r.kind = ? AND NOT r.wrong AND " VIEW_SQL " LIMIT 2";

enum ward_code conditional_find(struct job *j, struct version *out, bool *found,
                                struct ward_err *err)
{
    static const char WAIT[] = "INSERT INTO identifier_gate (hash) VALUES (?)"
                               " ON DUPLICATE KEY UPDATE hash = VALUES(hash)";
    struct ward_call *c = j->call;
    struct worker *w = c->wrk;
    struct ward_val hash = ward_blob(j->identifier, sizeof(j->identifier));
    struct ward_val params[3 + VIEW_PARAMS] = {ward_int(c->mem, PARAM_IDENTIFIER), hash,
                                               ward_int(c->mem, j->kind)};
    struct ward_rows rows;
    uint8_t id[RECORDS_ID];

    *found = false;
    WARD_TRY(ward_db_run(w->event_ctx.db, c->mem, WAIT, WARD_PARAMS(hash), NULL, err));
    view_params(&j->view, j->kind, c->mem, params + 3);
    WARD_TRY(
        ward_db_run(w->event_ctx.db, c->mem, FIND, params, WARD_COUNT(params), &rows, err));
    if (rows.n > 1)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SEVERAL_MATCH",
                                "several resources have this identifier");
    if (rows.n == 0)
        return WARD_OK;
    *found = true;
    memcpy(id, rows.at[0][0].p, sizeof(id));
    return chart_find(w, c->mem, &j->view, j->kind, id, out, err);
}

enum ward_code conditional_end(struct job *j, struct ward_err *err)
{
    static const char SQL[] = "DELETE FROM identifier_gate WHERE hash = ?";
    struct ward_call *c = j->call;
    struct worker *w = c->wrk;

    return ward_db_run(w->event_ctx.db, c->mem, SQL,
                       WARD_PARAMS(ward_blob(j->identifier, sizeof(j->identifier))), NULL, err);
}
