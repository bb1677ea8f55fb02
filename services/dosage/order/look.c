/* What every check reads of the tables but for the doses, in one statement: at 1,000 checks a
 * second each round trip counts. */
#include "services/dosage/order/order_own.h"

#include <stdlib.h>

enum kind { RULES, CLOCK, OWNER, RUNNING };

/* A row: its kind, then an order's columns, of which the other kinds use one or two. Spelled
 * out here are the states that run: 2 ACTIVE, 3 ON_HOLD. */
static const char SQL[] =
    "SELECT 0, NULL, NULL, NULL, NULL, version, NULL, NULL, NULL, NULL, NULL, NULL"
    " FROM rule_set_active"
    " UNION ALL SELECT 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, time_zone, NULL, NULL"
    " FROM ward WHERE ward = ?"
    " UNION ALL SELECT 2, NULL, NULL, k.kek, k.wrapped, NULL, NULL, p.erased_at_us, NULL, NULL,"
    " NULL, NULL FROM patient p LEFT JOIN owner_key k ON k.owner_id = p.patient_id"
    " WHERE p.patient_id = ?"
    " UNION ALL SELECT 3, " ORDER_COLUMNS
    " FROM patient me JOIN patient p ON p.root_id = me.root_id"
    " JOIN drug_order o ON o.patient_id = p.patient_id" ORDER_KEYS
    " WHERE me.patient_id = ? AND p.erased_at_us IS NULL AND o.state IN (2, 3)"
    " AND o.ends_at_us > ?";

static enum ward_code open_owner(struct worker *w, struct ward_arena *mem,
                                 const uint8_t id[DOSAGE_ID], const struct ward_val *row,
                                 struct looked *out, struct ward_err *err)
{
    if (row[ORDER_AT_WRITTEN].p != NULL)
        return owner_erased(w, id, err);
    WARD_TRY(
        owner_open(w, mem, id, row[ORDER_AT_KEK], row[ORDER_AT_WRAPPED], &out->owner, err));
    out->known = true;
    return WARD_OK;
}

static enum ward_code take(struct worker *w, struct ward_arena *mem, const struct asked *what,
                           const struct ward_val *row, struct owner *o, struct looked *out,
                           struct ward_err *err)
{
    const struct ward_val *cols = row + 1;

    switch ((enum kind)row_number(row[0])) {
    case RULES:
        return ruleset_of(w, mem, row_number(cols[ORDER_AT_VERSION]), &out->rules, err);
    case CLOCK:
        out->time_zone = cols[ORDER_AT_WARD].p;
        return WARD_OK;
    case OWNER:
        return open_owner(w, mem, what->chart->id, cols, out, err);
    case RUNNING:
        WARD_TRY(order_row(w, mem, cols, o, &out->running[out->n_running], err));
        out->n_running++;
        return WARD_OK;
    }
    return WARD_FAIL(err, INTERNAL, "a row of no kind");
}

enum ward_code look(struct worker *w, struct ward_arena *mem, const struct asked *what,
                    struct looked *out, struct ward_err *err)
{
    const struct ward_val id = id_val(what->chart->id);
    const char *ward = what->ward == NULL ? "" : what->ward;
    enum ward_code code = WARD_OK;
    struct owner o = {0};
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->seat.db, mem, SQL,
                         WARD_PARAMS(ward_text(ward), id, id, ward_int(mem, what->at_us)),
                         &rows, err));
    *out = (struct looked){.time_zone = w->dos->cfg.time_zone,
                           .running = ward_alloc(mem, rows.n * sizeof(Order *))};
    if (out->running == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for running orders");
    for (size_t i = 0; i < rows.n && code == WARD_OK; i++)
        code = take(w, mem, what, rows.at[i], &o, out, err);
    owner_wipe(&o);
    WARD_TRY(code);
    qsort(out->running, out->n_running, sizeof(Order *), order_by_id);
    return out->rules != NULL
               ? WARD_OK
               : WARD_FAIL_REASON(err, FAILED_PRECONDITION, "NO_RULE_SET",
                                  "no rule set is active: nothing can be checked");
}
