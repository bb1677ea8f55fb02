/* Writing of doses: one version at a time, with the slot in the same transaction. */
#include "services/dosage/give/dose_row.h"

#include "common/base/text.h"
#include "services/dosage/api.h"

#include <string.h>

typedef Ward__Dosage__V1__Administration Dose;

bool dose_counts(const Dose *a)
{
    return !a->entered_in_error &&
           (a->outcome == WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_GIVEN ||
            a->outcome == WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_PARTIAL);
}

void dose_row(const struct ward_val *values, size_t n, char out[DOSE_ROW_HASH])
{
    struct ward_bytes parts[2 * DOSE_COLUMNS];
    uint32_t sizes[DOSE_COLUMNS];
    uint8_t hash[WARD_SHA256_SIZE];

    WARD_ASSERT(n <= DOSE_COLUMNS);
    /* each value is hashed with its size; NULL differs from "" */
    for (size_t i = 0; i < n; i++) {
        sizes[i] = values[i].p == NULL ? UINT32_MAX : (uint32_t)values[i].n;
        parts[2 * i] = (struct ward_bytes){&sizes[i], sizeof(sizes[i])};
        parts[2 * i + 1] = values[i].p == NULL ? (struct ward_bytes){"", 0}
                                               : (struct ward_bytes){values[i].p, values[i].n};
    }
    ward_sha256_parts(parts, 2 * (int)n, hash);
    ward_hex(hash, sizeof(hash), out);
}

struct writing {
    struct worker *w;
    struct ward_arena *mem;
    const struct dose_write *what;
    Dose *dose;
    struct owner owner;
    uint8_t id[DOSAGE_ID], order[DOSAGE_ID], event[DOSAGE_ID];
    bool ordered;
};

static enum ward_code ids(struct writing *s, uint8_t patient[DOSAGE_ID], struct ward_err *err)
{
    const Dose *d = s->dose;

    s->ordered = *d->order_id != '\0';
    if (!ward_uuid_parse(d->patient_id, patient) ||
        !ward_uuid_parse(d->administration_id, s->id) ||
        !ward_uuid_parse(d->event_id, s->event) ||
        (s->ordered && !ward_uuid_parse(d->order_id, s->order)) || d->version < 1)
        return WARD_FAIL(err, INTERNAL, "a dose has an invalid id");
    return WARD_OK;
}

static struct ward_val optional(struct ward_arena *mem, bool there, int64_t v)
{
    return there ? ward_int(mem, v) : ward_text(NULL);
}

static void columns(struct writing *s, struct ward_val out[DOSE_COLUMNS])
{
    struct ward_arena *mem = s->mem;
    const Dose *d = s->dose;

    out[DOSE_VERSION] = ward_int(mem, d->version);
    out[DOSE_ORDER] = s->ordered ? id_val(s->order) : ward_text(NULL);
    out[DOSE_DUE] = optional(mem, s->what->due_us >= 0, s->what->due_us);
    out[DOSE_OUTCOME] = ward_int(mem, d->outcome);
    out[DOSE_COUNTS] = ward_int(mem, dose_counts(d));
    out[DOSE_GIVEN] = ward_int(mem, d->given_at_us);
    out[DOSE_RECORDED] = ward_int(mem, d->recorded_at_us);
    out[DOSE_BY] = ward_text(d->recorded_by);
    out[DOSE_SECOND] = ward_text(d->second_person);
    out[DOSE_WARD] = ward_text(d->ward);
    out[DOSE_PLACE] = ward_text(d->place);
    out[DOSE_SCANNED] = ward_int(mem, d->scanned != NULL);
    out[DOSE_EMERGENCY] = ward_int(mem, d->emergency);
    out[DOSE_ACKNOWLEDGE] =
        optional(mem, d->emergency && d->acknowledged_at_us == 0 && !d->entered_in_error,
                 d->acknowledge_by_us);
}

static enum ward_code put_version(struct writing *s, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO administration_version (version, written_at_us, actor, event_id, sealed,"
        " patient_id, administration_id) VALUES (?, ?, ?, ?, ?, ?, ?)";
    struct ward_val v[DOSE_V_COLUMNS + 3];
    char row[DOSE_ROW_HASH];
    enum ward_code code;

    v[DOSE_V_VERSION] = ward_int(s->mem, s->dose->version);
    v[DOSE_V_WRITTEN] = ward_int(s->mem, s->dose->written_at_us);
    v[DOSE_V_ACTOR] = ward_text(s->dose->written_by);
    v[DOSE_V_EVENT] = id_val(s->event);
    dose_row(v, DOSE_V_COLUMNS, row);
    WARD_TRY(owner_seal(&s->owner, s->mem, DOSE_VERSION_AS, s->id, row, &s->dose->base,
                        &v[DOSE_V_COLUMNS], err));
    v[DOSE_V_COLUMNS + 1] = id_val(s->owner.id);
    v[DOSE_V_COLUMNS + 2] = id_val(s->id);
    code = ward_db_run(s->w->event_ctx.db, NULL, SQL, v, WARD_COUNT(v), NULL, err);
    if (code == WARD_ALREADY_EXISTS)
        return WARD_FAIL_REASON(err, ABORTED, "VERSION_CONFLICT",
                                "another call wrote this version");
    return code;
}

static enum ward_code put_current(struct writing *s, struct ward_err *err)
{
    static const char NEW[] =
        "INSERT INTO administration (version, order_id, due_at_us, outcome, counts,"
        " given_at_us, recorded_at_us, recorded_by, second_person, ward, place, scanned,"
        " emergency, acknowledge_by_us, sealed, patient_id, administration_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    static const char NEXT[] =
        "UPDATE administration SET version = ?, order_id = ?, due_at_us = ?, outcome = ?,"
        " counts = ?, given_at_us = ?, recorded_at_us = ?, recorded_by = ?, second_person = ?,"
        " ward = ?, place = ?, scanned = ?, emergency = ?, acknowledge_by_us = ?, sealed = ?"
        " WHERE patient_id = ? AND administration_id = ?";
    struct ward_val v[DOSE_COLUMNS + 3];
    bool fresh = s->dose->version == 1;
    char row[DOSE_ROW_HASH];
    struct ward_rows out;

    columns(s, v);
    dose_row(v, DOSE_COLUMNS, row);
    WARD_TRY(owner_seal(&s->owner, s->mem, DOSE_SEALED_AS, s->id, row, &s->dose->base,
                        &v[DOSE_COLUMNS], err));
    v[DOSE_COLUMNS + 1] = id_val(s->owner.id);
    v[DOSE_COLUMNS + 2] = id_val(s->id);
    WARD_TRY(
        ward_db_run(s->w->event_ctx.db, NULL, fresh ? NEW : NEXT, v, WARD_COUNT(v), &out, err));
    return out.affected == 1 ? WARD_OK
                             : WARD_FAIL(err, INTERNAL, "the dose to be corrected is missing");
}

static enum ward_code slot_is_taken(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, ALREADY_EXISTS, "SLOT_TAKEN",
                            "a dose of this slot is already charted");
}

static enum ward_code take_slot(struct writing *s, struct ward_err *err)
{
    static const char TAKE[] =
        "INSERT INTO slot_taken (order_id, due_at_us, administration_id) VALUES (?, ?, ?)";
    static const char INSTEAD[] = "UPDATE slot_taken SET administration_id = ? WHERE"
                                  " order_id = ? AND due_at_us = ? AND administration_id = ?";
    const struct ward_val order = id_val(s->order), id = id_val(s->id);
    const struct ward_val due = ward_int(s->mem, s->what->due_us);
    uint8_t was[DOSAGE_ID];
    struct ward_rows out;
    enum ward_code code;

    if (s->what->instead_of == NULL) {
        code =
            ward_db_run(s->w->event_ctx.db, NULL, TAKE, WARD_PARAMS(order, due, id), NULL, err);
        return code == WARD_ALREADY_EXISTS ? slot_is_taken(err) : code;
    }
    if (!ward_uuid_parse(s->what->instead_of, was))
        return WARD_FAIL(err, INTERNAL, "the dose of a slot has an invalid id");
    WARD_TRY(ward_db_run(s->w->event_ctx.db, NULL, INSTEAD,
                         WARD_PARAMS(id, order, due, id_val(was)), &out, err));
    return out.affected == 1 ? WARD_OK : slot_is_taken(err);
}

static enum ward_code free_slot(struct writing *s, struct ward_err *err)
{
    static const char FREE[] = "DELETE FROM slot_taken WHERE order_id = ? AND due_at_us = ?"
                               " AND administration_id = ?";
    static const char PART[] =
        "INSERT INTO slot_taken (order_id, due_at_us, administration_id)"
        " SELECT order_id, due_at_us, administration_id FROM administration WHERE order_id = ?"
        " AND due_at_us = ? AND administration_id <> ? AND counts AND outcome = 2"
        " ORDER BY recorded_at_us DESC, administration_id DESC LIMIT 1";
    struct ward_val v[] = {id_val(s->order), ward_int(s->mem, s->what->due_us), id_val(s->id)};
    struct ward_rows out;

    WARD_TRY(ward_db_run(s->w->event_ctx.db, NULL, FREE, v, WARD_COUNT(v), &out, err));
    if (!s->what->to_part || out.affected == 0)
        return WARD_OK;
    return ward_db_run(s->w->event_ctx.db, NULL, PART, v, WARD_COUNT(v), NULL, err);
}

static enum ward_code slot(struct writing *s, struct ward_err *err)
{
    if (!s->ordered || s->what->due_us < 0)
        return WARD_OK;
    if (s->what->free_slot)
        WARD_TRY(free_slot(s, err));
    return s->what->take_slot ? take_slot(s, err) : WARD_OK;
}

static void complete(Dose *d, const char *ward)
{
    if (ward != NULL)
        d->ward = api_text(ward);
    if (*d->written_by == '\0')
        d->written_by = d->recorded_by;
    if (d->written_at_us == 0)
        d->written_at_us = d->recorded_at_us;
}

static enum ward_code key(struct writing *s, const uint8_t patient[DOSAGE_ID],
                          struct ward_err *err)
{
    const struct owner *o = s->what->owner;

    if (o == NULL)
        return owner_ensure(s->w, s->mem, patient, &s->owner, err);
    if (memcmp(o->id, patient, DOSAGE_ID) != 0)
        return WARD_FAIL(err, INTERNAL, "a dose would be encrypted with another patient's key");
    s->owner = *o;
    return WARD_OK;
}

enum ward_code dose_write(struct worker *w, struct ward_arena *mem,
                          const struct dose_write *what, struct ward_err *err)
{
    struct writing s = {.w = w, .mem = mem, .what = what, .dose = what->dose};
    uint8_t patient[DOSAGE_ID];
    enum ward_code code;

    WARD_TRY(ids(&s, patient, err));
    complete(what->dose, what->ward);
    WARD_TRY(key(&s, patient, err));
    code = slot(&s, err);
    if (code == WARD_OK)
        code = put_version(&s, err);
    if (code == WARD_OK)
        code = put_current(&s, err);
    owner_wipe(&s.owner);
    return code;
}
