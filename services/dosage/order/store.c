/* Rows of orders. A version is encrypted once and stored in both tables. The encryption binds
 * the version to its order, number, state and time. The other unencrypted columns are compared
 * with the decrypted content. */
#include "services/dosage/order/order_own.h"
#include "services/dosage/order/prescription.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum ward_code unreadable(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                            "the row of an order was changed outside the service");
}

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an order");
}

static enum ward_code unknown(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "ORDER_NOT_FOUND", "no such order");
}

static int64_t end_of(const Order *o)
{
    return prescription_until(o->prescription, o->written_at_us);
}

/* ---- the associated data of a version ---- */

#define BOUND 64
static void bound(char out[BOUND], int64_t version, int64_t state, int64_t written_at_us)
{
    snprintf(out, BOUND, "%lld %lld %lld", (long long)version, (long long)state,
             (long long)written_at_us);
}

static enum ward_code open_with(const struct owner *o, struct ward_arena *mem,
                                const uint8_t id[DOSAGE_ID], const struct ward_val *row,
                                struct ward_val sealed, Order **out, struct ward_err *err)
{
    ProtobufCMessage *msg = NULL;
    char as[BOUND];

    bound(as, row_number(row[0]), row_number(row[1]), row_number(row[2]));
    WARD_TRY(owner_unseal(o, mem, "order", id, as, sealed, &ward__dosage__v1__order__descriptor,
                          &msg, err));
    *out = (Order *)msg;
    return (*out)->prescription == NULL || (*out)->prescription->timing == NULL
               ? unreadable(err)
               : WARD_OK;
}

/* ---- current versions ---- */

#define COLUMNS "SELECT " ORDER_COLUMNS
#define KEYS    ORDER_KEYS

enum ward_code order_row(struct worker *w, struct ward_arena *mem, const struct ward_val *row,
                         struct owner *o, Order **out, struct ward_err *err)
{
    const uint8_t *patient = (const uint8_t *)row[ORDER_AT_PATIENT].p;

    if (row[ORDER_AT_WRAPPED].p == NULL)
        return unreadable(err); /* queries exclude erased patients, so the key must exist */
    if (memcmp(o->id, patient, DOSAGE_ID) != 0)
        WARD_TRY(owner_open(w, mem, patient, row[ORDER_AT_KEK], row[ORDER_AT_WRAPPED], o, err));
    return order_open(o, mem, row, out, err);
}

enum ward_code order_open(const struct owner *o, struct ward_arena *mem,
                          const struct ward_val *row, Order **out, struct ward_err *err)
{
    Order *got = NULL;

    WARD_TRY(open_with(o, mem, (const uint8_t *)row[ORDER_AT_ID].p, row + ORDER_AT_VERSION,
                       row[ORDER_AT_SEALED], &got, err));
    if (strcmp(got->ward, row[ORDER_AT_WARD].p) != 0 ||
        got->prescription->starts_at_us != row_number(row[ORDER_AT_STARTS]) ||
        end_of(got) != row_number(row[ORDER_AT_ENDS]))
        return unreadable(err);
    *out = got;
    return WARD_OK;
}

static enum ward_code open_rows(struct worker *w, struct ward_arena *mem,
                                const struct ward_rows *rows, Order ***out, size_t *n,
                                struct ward_err *err)
{
    Order **all = ward_alloc(mem, rows->n * sizeof(Order *));
    enum ward_code code = WARD_OK;
    struct owner o = {0};

    if (all == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows->n && code == WARD_OK; i++)
        code = order_row(w, mem, rows->at[i], &o, &all[i], err);
    owner_wipe(&o);
    *out = all;
    *n = rows->n;
    return code;
}

enum ward_code order_find(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                          bool lock, Order **out, struct ward_err *err)
{
    static const char LOCK[] = "SELECT version FROM drug_order WHERE order_id = ? FOR UPDATE";
    static const char SQL[] =
        COLUMNS " FROM drug_order o JOIN patient p ON p.patient_id = o.patient_id" KEYS
                " WHERE o.order_id = ? AND p.erased_at_us IS NULL";
    struct ward_rows rows;
    Order **one;
    size_t n;

    if (lock) /* locks the order's row, not its patient's key */
        WARD_TRY(ward_db_run(w->event_ctx.db, mem, LOCK, WARD_PARAMS(id_val(id)), &rows, err));
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, WARD_PARAMS(id_val(id)), &rows, err));
    if (rows.n == 0)
        return unknown(err);
    WARD_TRY(open_rows(w, mem, &rows, &one, &n, err));
    *out = one[0];
    return WARD_OK;
}

/* ---- lists of orders ---- */

/* The states of these bits, as parameters of "IN (?, ?, ?, ?, ?, ?, ?)". An unwanted state is
 * replaced by an unused number. */
#define IN_STATES   "IN (?, ?, ?, ?, ?, ?, ?)"
#define STATE_SLOTS (ORDER_STATES - 1)

static void bind_states(struct ward_arena *mem, uint32_t states,
                        struct ward_val to[STATE_SLOTS])
{
    for (int s = ORDER_DRAFT; s < ORDER_STATES; s++)
        to[s - 1] = ward_int(mem, (states >> s & 1) != 0 ? s : ORDER_NONE);
}

int order_by_id(const void *a, const void *b)
{
    return strcmp((*(Order *const *)a)->order_id, (*(Order *const *)b)->order_id);
}

/* Sorted here, because a sort in the server would use a temporary table. */
enum ward_code orders_of(struct worker *w, struct ward_arena *mem,
                         const uint8_t patient[DOSAGE_ID], uint32_t states, int64_t from_us,
                         int64_t to_us, Order ***out, size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        COLUMNS " FROM patient me JOIN patient p ON p.root_id = me.root_id"
                " JOIN drug_order o ON o.patient_id = p.patient_id" KEYS
                " WHERE me.patient_id = ? AND p.erased_at_us IS NULL AND o.state " IN_STATES
                " AND o.ends_at_us > ? AND o.starts_at_us < ?";
    struct ward_val params[1 + STATE_SLOTS + 2];
    struct ward_rows rows;

    params[0] = id_val(patient);
    bind_states(mem, states, params + 1);
    params[1 + STATE_SLOTS] = ward_int(mem, from_us);
    params[2 + STATE_SLOTS] = ward_int(mem, to_us);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, params, WARD_COUNT(params), &rows, err));
    WARD_TRY(open_rows(w, mem, &rows, out, n, err));
    qsort(*out, *n, sizeof(Order *), order_by_id);
    return WARD_OK;
}

enum ward_code orders_of_ward(struct worker *w, struct ward_arena *mem, const char *ward,
                              uint32_t states, int64_t from_us, int64_t to_us,
                              const uint8_t *after, size_t most, Order ***out, size_t *n,
                              struct ward_err *err)
{
    static const char SQL[] =
        COLUMNS " FROM patient p JOIN drug_order o ON o.patient_id = p.patient_id" KEYS
                " WHERE p.ward = ? AND p.erased_at_us IS NULL AND o.state " IN_STATES
                " AND o.ends_at_us > ? AND o.starts_at_us < ? AND o.order_id > ?"
                " ORDER BY o.order_id LIMIT ?";
    static const uint8_t first[DOSAGE_ID] = {0};
    struct ward_val params[1 + STATE_SLOTS + 4];
    struct ward_val *rest = params + 1 + STATE_SLOTS;
    struct ward_rows rows;

    params[0] = ward_text(ward);
    bind_states(mem, states, params + 1);
    rest[0] = ward_int(mem, from_us);
    rest[1] = ward_int(mem, to_us);
    rest[2] = id_val(after == NULL ? first : after);
    rest[3] = ward_int(mem, (int64_t)most);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, params, WARD_COUNT(params), &rows, err));
    return open_rows(w, mem, &rows, out, n, err);
}

enum ward_code orders_page(struct worker *w, struct ward_arena *mem,
                           const uint8_t patient[DOSAGE_ID], uint32_t states,
                           const uint8_t *before, size_t most, Order ***out, size_t *n,
                           struct ward_err *err)
{
    static const char SQL[] =
        COLUMNS " FROM patient me JOIN patient p ON p.root_id = me.root_id"
                " JOIN drug_order o ON o.patient_id = p.patient_id" KEYS
                " WHERE me.patient_id = ? AND p.erased_at_us IS NULL AND o.state " IN_STATES
                " AND o.order_id < ? ORDER BY o.order_id DESC LIMIT ?";
    static const uint8_t last[DOSAGE_ID] = {255, 255, 255, 255, 255, 255, 255, 255,
                                            255, 255, 255, 255, 255, 255, 255, 255};
    struct ward_val params[1 + STATE_SLOTS + 2];
    struct ward_rows rows;

    params[0] = id_val(patient);
    bind_states(mem, states, params + 1);
    params[1 + STATE_SLOTS] = id_val(before == NULL ? last : before);
    params[2 + STATE_SLOTS] = ward_int(mem, (int64_t)most);
    WARD_TRY(ward_db_run(w->event_ctx.db, mem, SQL, params, WARD_COUNT(params), &rows, err));
    return open_rows(w, mem, &rows, out, n, err);
}

/* ---- versions ---- */

static enum ward_code open_version(struct worker *w, struct ward_arena *mem,
                                   const struct ward_val *row, Order **out,
                                   struct ward_err *err)
{
    struct owner o = {0};
    enum ward_code code;

    if (row[ORDER_AT_WRAPPED].p == NULL)
        return unreadable(err);
    WARD_TRY(owner_open(w, mem, (const uint8_t *)row[ORDER_AT_PATIENT].p, row[ORDER_AT_KEK],
                        row[ORDER_AT_WRAPPED], &o, err));
    code = open_with(&o, mem, (const uint8_t *)row[ORDER_AT_ID].p, row + ORDER_AT_VERSION,
                     row[ORDER_AT_SEALED], out, err);
    owner_wipe(&o);
    return code;
}

enum ward_code order_versions(struct worker *w, struct ward_arena *mem,
                              const uint8_t id[DOSAGE_ID], int below, size_t most, Order ***out,
                              size_t *n, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT o.patient_id, o.order_id, k.kek, k.wrapped, v.version, v.state,"
        " v.written_at_us, v.sealed FROM drug_order o"
        " JOIN patient p ON p.patient_id = o.patient_id"
        " JOIN order_version v ON v.patient_id = o.patient_id AND v.order_id = o.order_id" KEYS
        " WHERE o.order_id = ? AND v.version < ? AND p.erased_at_us IS NULL"
        " ORDER BY v.version DESC LIMIT ?";
    struct ward_rows rows;
    Order **all;

    WARD_TRY(
        ward_db_run(w->event_ctx.db, mem, SQL,
                    WARD_PARAMS(id_val(id), ward_int(mem, below), ward_int(mem, (int64_t)most)),
                    &rows, err));
    all = ward_alloc(mem, rows.n * sizeof(Order *));
    if (all == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(open_version(w, mem, rows.at[i], &all[i], err));
    *out = all;
    *n = rows.n;
    return WARD_OK;
}

enum ward_code order_version(struct worker *w, struct ward_arena *mem,
                             const uint8_t id[DOSAGE_ID], int version, Order **out,
                             struct ward_err *err)
{
    Order **one;
    size_t n;

    if (version < 1 || version == INT32_MAX)
        return unknown(err);
    WARD_TRY(order_versions(w, mem, id, version + 1, 1, &one, &n, err));
    if (n == 0 || one[0]->version != version)
        return unknown(err);
    *out = one[0];
    return WARD_OK;
}

/* ---- writing ---- */

struct order_row {
    uint8_t id[DOSAGE_ID], patient[DOSAGE_ID], event[16];
    struct ward_val sealed;
};

static enum ward_code row_of(struct worker *w, struct ward_arena *mem, const Order *o,
                             struct order_row *out, struct ward_err *err)
{
    struct owner owner;
    enum ward_code code;
    char as[BOUND];

    if (!ward_uuid_parse(o->order_id, out->id) ||
        !ward_uuid_parse(o->patient_id, out->patient) ||
        !ward_uuid_parse(o->event_id, out->event))
        return WARD_FAIL(err, INTERNAL, "a stored order has no id");
    if (o->version == 1)
        WARD_TRY(owner_ensure(w, mem, out->patient, &owner, err));
    else
        WARD_TRY(owner_find(w, mem, out->patient, &owner, err));
    bound(as, o->version, o->state, o->written_at_us);
    code = owner_seal(&owner, mem, "order", out->id, as, &o->base, &out->sealed, err);
    owner_wipe(&owner);
    return code;
}

static enum ward_code put_first(struct worker *w, struct ward_arena *mem, const Order *o,
                                const struct order_row *row, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO drug_order (patient_id, order_id, version, state, ward, starts_at_us,"
        " ends_at_us, written_at_us, sealed) VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?)";

    return ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(id_val(row->patient), id_val(row->id), ward_int(mem, o->state),
                    ward_text(o->ward), ward_int(mem, o->prescription->starts_at_us),
                    ward_int(mem, end_of(o)), ward_int(mem, o->written_at_us), row->sealed),
        NULL, err);
}

static enum ward_code put_next(struct worker *w, struct ward_arena *mem, const Order *o,
                               const struct order_row *row, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE drug_order SET version = ?, state = ?, ward = ?, starts_at_us = ?,"
        " ends_at_us = ?, written_at_us = ?, sealed = ?"
        " WHERE patient_id = ? AND order_id = ? AND version = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(ward_int(mem, o->version), ward_int(mem, o->state), ward_text(o->ward),
                    ward_int(mem, o->prescription->starts_at_us), ward_int(mem, end_of(o)),
                    ward_int(mem, o->written_at_us), row->sealed, id_val(row->patient),
                    id_val(row->id), ward_int(mem, o->version - 1)),
        &rows, err));
    if (rows.affected != 1)
        return WARD_FAIL(err, INTERNAL, "an order was written that was not locked");
    return WARD_OK;
}

enum ward_code order_write(struct worker *w, struct ward_arena *mem, const Order *o,
                           struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO order_version (patient_id, order_id, version, state, written_at_us,"
        " actor, event_id, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    struct order_row row;

    WARD_TRY(row_of(w, mem, o, &row, err));
    if (o->version == 1)
        WARD_TRY(put_first(w, mem, o, &row, err));
    else
        WARD_TRY(put_next(w, mem, o, &row, err));
    if (*o->ward != '\0')
        WARD_TRY(owner_lies(w, mem, row.patient, o->ward, o->written_at_us, err));
    return ward_db_run(w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(id_val(row.patient), id_val(row.id),
                                   ward_int(mem, o->version), ward_int(mem, o->state),
                                   ward_int(mem, o->written_at_us), ward_text(o->written_by),
                                   ward_blob(row.event, sizeof(row.event)), row.sealed),
                       NULL, err);
}
