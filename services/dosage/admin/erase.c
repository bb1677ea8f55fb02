#include "services/dosage/admin/erase.h"

#include "services/dosage/store/owner.h"

/* The patient's row stays locked until the transaction ends. Writers for the patient take a
 * shared lock on this row. */
static enum ward_code mark(struct worker *w, struct ward_arena *mem,
                           const uint8_t id[DOSAGE_ID], int64_t now_us, bool *now,
                           struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO patient (patient_id, root_id, created_at_us, erased_at_us)"
        " VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE ward = '',"
        " erased_at_us = COALESCE(erased_at_us, VALUES(erased_at_us))";
    struct ward_val at = ward_int(mem, now_us);
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(id), id_val(id), at, at),
                         &rows, err));
    *now = *now || rows.affected > 0;
    return WARD_OK;
}

static enum ward_code count(struct worker *w, struct ward_arena *mem,
                            const uint8_t id[DOSAGE_ID], struct erased *sum,
                            struct ward_err *err)
{
    static const char SQL[] =
        "SELECT (SELECT COUNT(*) FROM order_version WHERE patient_id = ? AND version = 1),"
        " (SELECT COUNT(*) FROM administration WHERE patient_id = ?),"
        " (SELECT COUNT(*) FROM decision WHERE patient_id = ?)";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL,
                         WARD_PARAMS(id_val(id), id_val(id), id_val(id)), &rows, err));
    sum->orders += row_number(rows.at[0][0]);
    sum->administrations += row_number(rows.at[0][1]);
    sum->decisions += row_number(rows.at[0][2]);
    return WARD_OK;
}

enum ward_code erase_patient(struct worker *w, struct ward_arena *mem,
                             const uint8_t id[DOSAGE_ID], int64_t now_us, struct erased *sum,
                             struct ward_err *err)
{
    static const char *const STATEMENTS[] = {
        "DELETE FROM owner_key WHERE owner_id = ?",
        "DELETE FROM slot_taken WHERE order_id IN"
        " (SELECT order_id FROM drug_order WHERE patient_id = ?)",
        "DELETE FROM drug_order WHERE patient_id = ?",
        "DELETE FROM acknowledged WHERE patient_id = ?",
        "DELETE FROM home_reconciliation WHERE patient_id = ?",
        "DELETE FROM cosignature WHERE administration_id IN"
        " (SELECT administration_id FROM administration WHERE patient_id = ?)",
        "UPDATE administration SET place = '', second_person = '', acknowledge_by_us = NULL"
        " WHERE patient_id = ?",
    };

    WARD_TRY(mark(w, mem, id, now_us, &sum->now, err));
    WARD_TRY(count(w, mem, id, sum, err));
    for (size_t i = 0; i < WARD_COUNT(STATEMENTS); i++)
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, STATEMENTS[i], WARD_PARAMS(id_val(id)), NULL,
                             err));
    return WARD_OK;
}
