/* Rows of supply. A dispensed supply is encrypted as a prescription with product and amount,
 * bound to its row, order and time. */
#include "services/dosage/track/supply.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Dosage__V1__Prescription Prescription;

#define BOUND 80

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a supply");
}

static void bound(char out[BOUND], const uint8_t order[DOSAGE_ID], int64_t at_us)
{
    char id[37];

    ward_uuid_text(order, id);
    snprintf(out, BOUND, "%s %lld", id, (long long)at_us);
}

static enum ward_code seal(struct worker *w, struct ward_arena *mem,
                           const uint8_t patient[DOSAGE_ID], const uint8_t id[DOSAGE_ID],
                           const char *as, const struct supplied *what, struct ward_val *out,
                           struct ward_err *err)
{
    Prescription p = WARD__DOSAGE__V1__PRESCRIPTION__INIT;
    struct owner o;
    enum ward_code code;

    p.product_id = what->product_id;
    p.dose = what->quantity;
    WARD_TRY(owner_ensure(w, mem, patient, &o, err));
    code = owner_seal(&o, mem, "supply", id, as, &p.base, out, err);
    owner_wipe(&o);
    return code;
}

enum ward_code supply_add(struct worker *w, struct ward_arena *mem,
                          const uint8_t patient[DOSAGE_ID], const uint8_t order[DOSAGE_ID],
                          const char *by, const struct supplied *what, int64_t now_us,
                          struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO supply (patient_id, supply_id, order_id, recorded_at_us, recorded_by,"
        " sealed) VALUES (?, ?, ?, ?, ?, ?)";
    uint8_t id[DOSAGE_ID];
    struct ward_val sealed;
    char as[BOUND];

    ward_uuid7(id);
    bound(as, order, now_us);
    WARD_TRY(seal(w, mem, patient, id, as, what, &sealed, err));
    return ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(id_val(patient), id_val(id), id_val(order),
                                   ward_int(mem, now_us), ward_text(by), sealed),
                       NULL, err);
}

enum column { PATIENT, ID, AT, SEALED, KEK, WRAPPED };

static enum ward_code open_row(struct worker *w, struct ward_arena *mem,
                               const uint8_t order[DOSAGE_ID], const struct ward_val *row,
                               struct supplied *out, struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    struct owner o;
    enum ward_code code;
    char as[BOUND];

    bound(as, order, row_number(row[AT]));
    WARD_TRY(
        owner_open(w, mem, (const uint8_t *)row[PATIENT].p, row[KEK], row[WRAPPED], &o, err));
    code = owner_unseal(&o, mem, "supply", (const uint8_t *)row[ID].p, as, row[SEALED],
                        &ward__dosage__v1__prescription__descriptor, &msg, err);
    owner_wipe(&o);
    WARD_TRY(code);
    out->quantity = ((Prescription *)msg)->dose;
    out->product_id = ((Prescription *)msg)->product_id;
    return WARD_OK;
}

enum ward_code supply_of(struct worker *w, struct ward_arena *mem,
                         const uint8_t order[DOSAGE_ID], struct supplied **out, size_t *n,
                         struct ward_err *err)
{
    static const char SQL[] =
        "SELECT s.patient_id, s.supply_id, s.recorded_at_us, s.sealed, k.kek, k.wrapped"
        " FROM supply s JOIN owner_key k ON k.owner_id = s.patient_id WHERE s.order_id = ?"
        " ORDER BY s.supply_id";
    struct supplied *all;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(order)), &rows, err));
    all = ward_alloc(mem, rows.n * sizeof(*all));
    if (all == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(open_row(w, mem, order, rows.at[i], &all[i], err));
    *out = all;
    *n = rows.n;
    return WARD_OK;
}

static enum ward_code ids_of(const struct ward_rows *rows, struct ward_arena *mem,
                             uint8_t (**out)[DOSAGE_ID], size_t *n, struct ward_err *err)
{
    uint8_t(*ids)[DOSAGE_ID] = ward_alloc(mem, rows->n * DOSAGE_ID);

    if (ids == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows->n; i++)
        memcpy(ids[i], rows->at[i][0].p, DOSAGE_ID);
    *out = ids;
    *n = rows->n;
    return WARD_OK;
}

enum ward_code supply_orders(struct worker *w, struct ward_arena *mem,
                             const uint8_t patient[DOSAGE_ID], uint8_t (**out)[DOSAGE_ID],
                             size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT DISTINCT s.order_id FROM patient me JOIN patient p ON p.root_id = me.root_id"
        " JOIN supply s ON s.patient_id = p.patient_id WHERE me.patient_id = ?"
        " AND p.erased_at_us IS NULL ORDER BY s.order_id LIMIT 1000";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(patient)), &rows, err));
    return ids_of(&rows, mem, out, n, err);
}

enum ward_code supply_doses(struct worker *w, struct ward_arena *mem,
                            const uint8_t order[DOSAGE_ID], uint8_t (**out)[DOSAGE_ID],
                            size_t *n, struct ward_err *err)
{
    static const char SQL[] = "SELECT administration_id FROM administration WHERE order_id = ?"
                              " ORDER BY administration_id LIMIT 10001";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(order)), &rows, err));
    if (rows.n > SUPPLY_DOSES)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "more than %d doses of one order",
                         SUPPLY_DOSES);
    return ids_of(&rows, mem, out, n, err);
}
