/* A patient's decisions, page by page. A decision may contain thousands of doses, so the number
 * of decisions in a page is determined first. */
#include "services/dosage/order/order_own.h"

#include <string.h>

#define PAGE_BYTES ((size_t)4 << 20) /* maximum bytes of encrypted decisions in one answer */

#define THEIRS                                                                                 \
    " FROM patient me JOIN patient p ON p.root_id = me.root_id"                                \
    " JOIN decision d ON d.patient_id = p.patient_id"
#define BEFORE                                                                                 \
    " WHERE me.patient_id = ? AND p.erased_at_us IS NULL AND d.decision_id < ?"                \
    " ORDER BY d.decision_id DESC LIMIT ?"

static enum ward_code fit(struct worker *w, struct ward_arena *mem, const uint8_t *patient,
                          const uint8_t *before, size_t most, size_t *n, bool *more,
                          struct ward_err *err)
{
    static const char SQL[] = "SELECT LENGTH(d.sealed)" THEIRS BEFORE;
    struct ward_rows rows;
    size_t bytes = 0;

    WARD_TRY(ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(id_val(patient), id_val(before), ward_int(mem, (int64_t)most + 1)), &rows,
        err));
    for (*n = 0; *n < rows.n && *n < most; (*n)++) {
        bytes += (size_t)row_number(rows.at[*n][0]);
        if (*n > 0 && bytes > PAGE_BYTES)
            break;
    }
    *more = *n < rows.n;
    return WARD_OK;
}

enum ward_code decisions_page(struct worker *w, struct ward_arena *mem,
                              const uint8_t patient[DOSAGE_ID], const uint8_t *before,
                              size_t most, Decision ***out, size_t *n, bool *more,
                              struct ward_err *err)
{
    static const char SQL[] = "SELECT " DECISION_COLUMNS THEIRS
                              " LEFT JOIN owner_key k ON k.owner_id = d.patient_id" BEFORE;
    static const uint8_t last[DOSAGE_ID] = {255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255};
    struct ward_rows rows;
    Decision **all;
    size_t fits = 0;

    before = before == NULL ? last : before;
    WARD_TRY(fit(w, mem, patient, before, most, &fits, more, err));
    WARD_TRY(
        ward_db_run(w->event_ctx.db, mem, SQL,
                    WARD_PARAMS(id_val(patient), id_val(before), ward_int(mem, (int64_t)fits)),
                    &rows, err));
    all = ward_alloc(mem, rows.n * sizeof(Decision *));
    if (all == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for decisions");
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(decision_row(w, mem, rows.at[i], &all[i], err));
    *out = all;
    *n = rows.n;
    return WARD_OK;
}
