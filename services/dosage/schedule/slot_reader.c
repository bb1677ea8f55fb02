#include "services/dosage/schedule/slot_reader.h"

#include <string.h>

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for slots");
}

enum ward_code slot_reader_open(struct slot_reader *r, struct worker *w, struct ward_arena *mem,
                                struct ward_err *err)
{
    enum ward_code code;

    *r = (struct slot_reader){.w = w, .mem = mem};
    code = ruleset_active(w, mem, &r->rules, err);
    if (code != WARD_FAILED_PRECONDITION)
        return code;
    r->rules = NULL; /* without a rule set no dose can be given, but due doses are shown */
    *err = (struct ward_err){0};
    return WARD_OK;
}

/* ---- versions ---- */

static enum ward_code put_version(struct slot_reader *r, Order *order, struct plan_version *out,
                                  struct ward_err *err)
{
    if (order->prescription == NULL || order->prescription->timing == NULL)
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE", "an order has no timing");
    if (r->ward == NULL || strcmp(r->ward, order->ward) != 0) {
        WARD_TRY(ward_clock(r->w, r->mem, order->ward, false, &r->clock, err));
        r->ward = order->ward;
    }
    *out = (struct plan_version){
        .order = order,
        .timing =
            plan_timing(order, r->clock.zone, r->clock.before_minutes, r->clock.after_minutes)};
    return WARD_OK;
}

/* Drafts were never in force: only the other versions are read and decrypted. */
static enum ward_code put_past(struct slot_reader *r, const char *order_id,
                               const struct past *past, size_t n, struct plan *out,
                               struct ward_err *err)
{
    uint8_t id[DOSAGE_ID];

    if (!ward_uuid_parse(order_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored order has no id");
    for (size_t i = 0; i < n; i++) {
        Order *old;

        if (past[i].state == ORDER_DRAFT)
            continue;
        WARD_TRY(order_version(r->w, r->mem, id, past[i].version, &old, err));
        WARD_TRY(put_version(r, old, &out->v[out->n++], err));
    }
    return WARD_OK;
}

enum ward_code slot_plan_of(struct slot_reader *r, Order *order, const struct past *past,
                            size_t n, int64_t from_us, struct plan *out, struct ward_err *err)
{
    size_t first = 0;

    while (first + 1 < n && past[first + 1].written_us <= from_us)
        first++;
    *out = (struct plan){.whole = order->version == 1 || n > 0};
    for (size_t i = 0; i < first; i++)
        out->whole = out->whole && past[i].state == ORDER_DRAFT;
    out->v = ward_alloc(r->mem, (n - first + 1) * sizeof(*out->v));
    if (out->v == NULL)
        return no_memory(err);
    WARD_TRY(put_past(r, order->order_id, past + first, n - first, out, err));
    WARD_TRY(put_version(r, order, &out->v[out->n++], err));
    plan_make(out);
    return WARD_OK;
}

enum ward_code slot_plan(struct slot_reader *r, Order *order, int64_t from_us, struct plan *out,
                         struct ward_err *err)
{
    static const char SQL[] =
        "SELECT v.version, v.state, v.written_at_us FROM drug_order o JOIN order_version v"
        " ON v.patient_id = o.patient_id AND v.order_id = o.order_id"
        " WHERE o.order_id = ? AND v.version < ? ORDER BY v.version";
    struct ward_rows rows = {0};
    uint8_t id[DOSAGE_ID];
    struct past *past;

    if (!ward_uuid_parse(order->order_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored order has no id");
    if (slot_has_past(order, from_us))
        WARD_TRY(ward_db_run(r->w->event_ctx.db, r->mem, SQL,
                             WARD_PARAMS(id_val(id), ward_int(r->mem, order->version)), &rows,
                             err));
    past = ward_alloc(r->mem, rows.n * sizeof(*past));
    if (past == NULL)
        return no_memory(err);
    for (size_t i = 0; i < rows.n; i++)
        past[i] = (struct past){(int)row_number(rows.at[i][0]), (int)row_number(rows.at[i][1]),
                                row_number(rows.at[i][2])};
    return slot_plan_of(r, order, past, rows.n, from_us, out, err);
}

/* ---- messages ---- */

enum ward_code slot_taken_row(const struct ward_val *row, struct taken *out,
                              struct ward_err *err)
{
    if (row[0].p == NULL || row[1].n != DOSAGE_ID || row[2].p == NULL)
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "the dose of a slot is invalid");
    out->due_us = row_number(row[0]);
    ward_uuid_text((const uint8_t *)row[1].p, out->id);
    out->outcome = (int)row_number(row[2]);
    return WARD_OK;
}

static bool is_high_alert(const struct slot_reader *r, const char *drug_id)
{
    const Ward__Dosage__V1__Drug *drug =
        r->rules == NULL ? NULL : ruleset_drug(r->rules, drug_id);

    for (size_t i = 0; drug != NULL && i < drug->n_ingredients; i++) {
        const Ward__Dosage__V1__Ingredient *in =
            ruleset_ingredient(r->rules, drug->ingredients[i]);

        if (in != NULL && in->high_alert)
            return true;
    }
    return false;
}

enum ward_code slot_message(const struct slot_reader *r, const struct planned *p, Slot **out,
                            struct ward_err *err)
{
    const Order *order = p->version->order;
    Slot *s = ward_new(r->mem, Slot);
    char *id = ward_alloc(r->mem, SLOT_ID_SIZE), *stamp = ward_alloc(r->mem, WARD_ZONE_STAMP);

    if (s == NULL || id == NULL || stamp == NULL)
        return no_memory(err);
    ward__dosage__v1__slot__init(s);
    slot_id_print(order->order_id, p->slot.due_us, id);
    ward_zone_stamp(p->version->timing.zone, p->slot.due_us, stamp);
    s->slot_id = id;
    s->due_local = stamp;
    s->order_id = order->order_id;
    s->due_at_us = p->slot.due_us;
    s->window_from_us = p->slot.from_us;
    s->on_time_until_us = p->slot.on_time_us;
    s->window_to_us = p->slot.to_us;
    s->state = p->state;
    s->patient_id = order->patient_id;
    s->prescription = order->prescription;
    s->order_version = order->version;
    s->high_alert = is_high_alert(r, order->prescription->drug_id);
    if (p->taken != NULL && (s->administration_id = ward_strdup(r->mem, p->taken->id)) == NULL)
        return no_memory(err);
    *out = s;
    return WARD_OK;
}
