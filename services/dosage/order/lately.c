#include "services/dosage/order/lately.h"

#include "common/base/clock.h"
#include "common/rpc/wire.h"
#include "services/dosage/give/dose_row.h"
#include "services/dosage/order/home.h"
#include "services/dosage/order/order_own.h"
#include "services/dosage/store/keep.h"

#include <string.h>

typedef Ward__Dosage__V1__Administration Dose;
typedef Ward__Dosage__V1__Acknowledged Acknowledged;

/* A cached entry is valid from BEFORE_US before its read: a dose may be charted minutes after
 * its giving, and is checked as of the time of giving. */
#define BEFORE_US (INT64_C(20) * 60 * 1000000)

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the active orders");
}

/* ---- the cache: a header, then messages ---- */

struct front {
    int64_t touched, from_us;
    uint32_t n_orders, n_doses, n_acknowledged, n_homes;
};

static bool is_kept(struct dosage *dos, const struct owner *o, struct ward_arena *mem,
                    int64_t touched, int64_t at_us, struct kept *kept, struct front *front)
{
    struct keep_key key = {{0}, {0}};

    memcpy(key.id, o->id, DOSAGE_ID);
    if (dos->lately == NULL || !keep_find(dos->lately, &key, mem, kept) ||
        kept->n < sizeof(*front))
        return false;
    memcpy(front, kept->facts, sizeof(*front));
    return front->touched == touched && at_us >= front->from_us;
}

/* Decodes one message, which is preceded by its size. */
static enum ward_code next(struct ward_arena *mem, const uint8_t **at,
                           const ProtobufCMessageDescriptor *type, ProtobufCMessage **out,
                           struct ward_err *err)
{
    uint32_t n;

    memcpy(&n, *at, sizeof(n));
    WARD_TRY(ward_wire_decode(type, *at + sizeof(n), n, mem, out, err));
    *at += sizeof(n) + n;
    return WARD_OK;
}

static enum ward_code make_room(struct ward_arena *mem, const struct front *n,
                                struct lately *out, struct ward_err *err)
{
    out->acknowledged = ward_alloc(mem, (n->n_acknowledged + 1) * sizeof(Acknowledged *));
    out->orders = ward_alloc(mem, (n->n_orders + 1) * sizeof(Order *));
    out->doses = ward_alloc(mem, (n->n_doses + 1) * sizeof(Dose *));
    out->homes = ward_alloc(mem, (n->n_homes + 1) * sizeof(HomeReconciliation *));
    return out->orders == NULL || out->doses == NULL || out->acknowledged == NULL ||
                   out->homes == NULL
               ? no_memory(err)
               : WARD_OK;
}

static enum ward_code unpack(struct ward_arena *mem, const struct kept *kept,
                             const struct front *front, struct lately *out,
                             struct ward_err *err)
{
    const uint8_t *at = (const uint8_t *)kept->facts + sizeof(*front);
    ProtobufCMessage *msg = NULL;

    *out = (struct lately){.touched = front->touched, .from_us = front->from_us, .all = true};
    WARD_TRY(make_room(mem, front, out, err));
    for (; out->n_orders < front->n_orders; out->n_orders++) {
        WARD_TRY(next(mem, &at, &ward__dosage__v1__order__descriptor, &msg, err));
        out->orders[out->n_orders] = (Order *)msg;
    }
    for (; out->n_doses < front->n_doses; out->n_doses++) {
        WARD_TRY(next(mem, &at, &ward__dosage__v1__administration__descriptor, &msg, err));
        out->doses[out->n_doses] = (Dose *)msg;
    }
    for (; out->n_acknowledged < front->n_acknowledged; out->n_acknowledged++) {
        WARD_TRY(next(mem, &at, &ward__dosage__v1__acknowledged__descriptor, &msg, err));
        out->acknowledged[out->n_acknowledged] = (Acknowledged *)msg;
    }
    for (; out->n_homes < front->n_homes; out->n_homes++) {
        WARD_TRY(next(mem, &at, &ward__dosage__v1__home_reconciliation__descriptor, &msg, err));
        out->homes[out->n_homes] = (HomeReconciliation *)msg;
    }
    return WARD_OK;
}

static size_t size_of(const struct lately *l)
{
    size_t n = (l->n_orders + l->n_doses + l->n_acknowledged + l->n_homes) * sizeof(uint32_t);

    for (size_t i = 0; i < l->n_orders; i++)
        n += protobuf_c_message_get_packed_size(&l->orders[i]->base);
    for (size_t i = 0; i < l->n_doses; i++)
        n += protobuf_c_message_get_packed_size(&l->doses[i]->base);
    for (size_t i = 0; i < l->n_acknowledged; i++)
        n += protobuf_c_message_get_packed_size(&l->acknowledged[i]->base);
    for (size_t i = 0; i < l->n_homes; i++)
        n += protobuf_c_message_get_packed_size(&l->homes[i]->base);
    return n;
}

static void add(uint8_t **at, const ProtobufCMessage *msg)
{
    uint32_t n = (uint32_t)protobuf_c_message_pack(msg, *at + sizeof(n));

    memcpy(*at, &n, sizeof(n));
    *at += sizeof(n) + n;
}

/* An entry that is too large is not cached; its rows are read again each time. */
static void put(struct dosage *dos, const struct owner *o, struct ward_arena *mem,
                uint64_t generation, const struct lately *l)
{
    const struct front front = {.touched = l->touched,
                                .from_us = l->from_us,
                                .n_orders = (uint32_t)l->n_orders,
                                .n_doses = (uint32_t)l->n_doses,
                                .n_acknowledged = (uint32_t)l->n_acknowledged,
                                .n_homes = (uint32_t)l->n_homes};
    struct keep_key key = {{0}, {0}};
    size_t n = sizeof(front) + size_of(l);
    uint8_t *bytes, *at;

    if (n > KEEP_MOST || (bytes = ward_alloc(mem, n)) == NULL)
        return;
    memcpy(bytes, &front, sizeof(front));
    at = bytes + sizeof(front);
    for (size_t i = 0; i < l->n_orders; i++)
        add(&at, &l->orders[i]->base);
    for (size_t i = 0; i < l->n_doses; i++)
        add(&at, &l->doses[i]->base);
    for (size_t i = 0; i < l->n_acknowledged; i++)
        add(&at, &l->acknowledged[i]->base);
    for (size_t i = 0; i < l->n_homes; i++)
        add(&at, &l->homes[i]->base);
    memcpy(key.id, o->id, DOSAGE_ID);
    keep_put(dos->lately, &key, generation, &(struct kept){.facts = bytes, .n = n});
    ward_wipe(bytes, n);
}

void lately_forget(struct dosage *dos, const uint8_t id[DOSAGE_ID])
{
    if (dos->lately != NULL)
        keep_forget(dos->lately, id, KEEP_ALL);
}

/* ---- from the tables ---- */

enum kind { TOUCHED, RUNNING, GIVEN, ACKNOWLEDGED, HOME };

/* The columns of a row: its kind, then a dose's columns. Other kinds use a dose's columns of
 * the same type. */
enum at {
    AT_KIND,
    AT_DOSE,
    AT_VERSION = AT_DOSE + DOSE_VERSION,
    AT_DUE = AT_DOSE + DOSE_DUE,         /* an order's end */
    AT_OUTCOME = AT_DOSE + DOSE_OUTCOME, /* an order's state; a statement's version */
    AT_GIVEN = AT_DOSE + DOSE_GIVEN, /* an order's start; patient.touched; a decision's time */
    /* time of an order's writing or a patient's erasure */
    AT_RECORDED = AT_DOSE + DOSE_RECORDED,
    AT_WARD = AT_DOSE + DOSE_WARD,
    AT_SEALED = AT_DOSE + DOSE_COLUMNS,
    AT_PATIENT,
    AT_ID
};

static enum ward_code open_order(const struct owner *o, struct ward_arena *mem,
                                 const struct ward_val *row, Order **out, struct ward_err *err)
{
    const struct ward_val cols[] = {
        [ORDER_AT_PATIENT] = row[AT_PATIENT],  [ORDER_AT_ID] = row[AT_ID],
        [ORDER_AT_VERSION] = row[AT_VERSION],  [ORDER_AT_STATE] = row[AT_OUTCOME],
        [ORDER_AT_WRITTEN] = row[AT_RECORDED], [ORDER_AT_SEALED] = row[AT_SEALED],
        [ORDER_AT_WARD] = row[AT_WARD],        [ORDER_AT_STARTS] = row[AT_GIVEN],
        [ORDER_AT_ENDS] = row[AT_DUE]};

    return order_open(o, mem, cols, out, err);
}

/* Checks do not use a decision's reason and event id. */
static enum ward_code open_home(const struct owner *o, struct ward_arena *mem,
                                const struct ward_val *row, HomeReconciliation **out,
                                struct ward_err *err)
{
    static char none[] = "";
    const struct home_key key = {.id = (const uint8_t *)row[AT_ID].p,
                                 .statement_version = (int)row_number(row[AT_OUTCOME]),
                                 .version = (int)row_number(row[AT_VERSION]),
                                 .at_us = row_number(row[AT_GIVEN])};

    WARD_TRY(home_open(o, mem, &key, row[AT_SEALED], out, err));
    (*out)->reason = (*out)->event_id = none;
    return WARD_OK;
}

static enum ward_code open_row(struct worker *w, const struct owner *o, struct ward_arena *mem,
                               const struct ward_val *row, struct lately *out,
                               struct ward_err *err)
{
    switch ((enum kind)row_number(row[AT_KIND])) {
    case TOUCHED:
        out->touched = row_number(row[AT_GIVEN]);
        return row[AT_RECORDED].p == NULL ? WARD_OK : owner_erased(w, o->id, err);
    case RUNNING:
        return open_order(o, mem, row, &out->orders[out->n_orders++], err);
    case GIVEN:
        if (!out->all)
            return WARD_OK;
        return dose_open(o, mem, row + AT_DOSE, &out->doses[out->n_doses++], err);
    case ACKNOWLEDGED:
        return acknowledged_open(o, mem, (const uint8_t *)row[AT_ID].p,
                                 row_number(row[AT_GIVEN]), row[AT_SEALED],
                                 &out->acknowledged[out->n_acknowledged++], err);
    case HOME:
        return open_home(o, mem, row, &out->homes[out->n_homes++], err);
    }
    return WARD_FAIL(err, INTERNAL, "a row has an unknown kind");
}

static uint32_t count(const struct ward_rows *rows, enum kind kind)
{
    uint32_t n = 0;

    for (size_t i = 0; i < rows->n; i++)
        n += (enum kind)row_number(rows->at[i][AT_KIND]) == kind;
    return n;
}

/* One statement, so that the result is consistent. Active states: 2 ACTIVE, 3 ON_HOLD. The
 * caller sorts, because a sort in the server would use a temporary table. */
static const char SQL[] =
    "SELECT 0, NULL, NULL, NULL, NULL, NULL, p.touched, p.erased_at_us, NULL, NULL, NULL, "
    "NULL, NULL,"
    " NULL, NULL, NULL, NULL, NULL FROM patient p WHERE p.patient_id = ?"
    " UNION ALL SELECT 1, o.version, NULL, o.ends_at_us, o.state, NULL, o.starts_at_us,"
    " o.written_at_us, NULL, NULL, o.ward, NULL, NULL, NULL, NULL, o.sealed, o.patient_id,"
    " o.order_id FROM drug_order o WHERE o.patient_id = ? AND o.state IN (2, 3)"
    " AND o.ends_at_us > ?"
    " UNION ALL (SELECT 2, " DOSE_ROW " FROM administration a WHERE a.patient_id = ?"
    " AND a.given_at_us >= ? LIMIT ?)"
    " UNION ALL (SELECT 3, NULL, NULL, NULL, NULL, NULL, c.at_us, NULL, NULL, NULL, NULL, NULL,"
    " NULL, NULL, NULL, c.sealed, c.patient_id, c.acknowledged_id FROM acknowledged c"
    " WHERE c.patient_id = ? AND c.at_us >= ? ORDER BY c.at_us DESC LIMIT ?)"
    " UNION ALL (SELECT 4, h.version, NULL, NULL, h.statement_version, NULL, h.decided_at_us,"
    " NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, h.sealed, h.patient_id, h.statement_id"
    " FROM home_reconciliation h WHERE h.patient_id = ? ORDER BY h.decided_at_us DESC LIMIT ?)";

static enum ward_code read(struct worker *w, struct ward_arena *mem, const struct owner *o,
                           struct lately *out, struct ward_err *err)
{
    const struct ward_val id = id_val(o->id);
    struct ward_rows rows;
    struct front n;

    WARD_TRY(ward_db_run(
        w->event_ctx.db, mem, SQL,
        WARD_PARAMS(id, id, ward_int(mem, out->from_us), id,
                    ward_int(mem, out->from_us - LATELY_US), ward_int(mem, LATELY_MOST + 1), id,
                    ward_int(mem, out->from_us - ACKNOWLEDGED_US),
                    ward_int(mem, ACKNOWLEDGED_MOST), id, ward_int(mem, HOMES_MOST)),
        &rows, err));
    n = (struct front){.n_orders = count(&rows, RUNNING),
                       .n_doses = count(&rows, GIVEN),
                       .n_acknowledged = count(&rows, ACKNOWLEDGED),
                       .n_homes = count(&rows, HOME)};
    out->all = n.n_doses <= LATELY_MOST;
    WARD_TRY(make_room(mem, &n, out, err));
    for (size_t i = 0; i < rows.n; i++)
        WARD_TRY(open_row(w, o, mem, rows.at[i], out, err));
    return WARD_OK;
}

enum ward_code lately_of(struct worker *w, struct ward_arena *mem, const struct owner *o,
                         int64_t touched, int64_t at_us, struct lately *out,
                         struct ward_err *err)
{
    struct dosage *dos = w->dos;
    struct kept kept;
    struct front front;
    uint64_t generation;

    if (is_kept(dos, o, mem, touched, at_us, &kept, &front))
        return unpack(mem, &kept, &front, out, err);
    generation = dos->lately == NULL ? 0 : keep_generation(dos->lately, o->id);
    *out = (struct lately){.from_us = at_us - BEFORE_US};
    WARD_TRY(read(w, mem, o, out, err));
    if (out->all && dos->lately != NULL)
        put(dos, o, mem, generation, out);
    return WARD_OK;
}
