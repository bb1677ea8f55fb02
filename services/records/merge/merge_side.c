#include "services/records/merge/merge.h"

#include "common/base/clock.h"
#include "services/records/store/rpc.h"

#include <string.h>

enum ward_code both_begin(struct both *b, struct ward_err *err)
{
    static const char *const roles[] = {"registrar"};
    struct worker *w = b->c->wrk;

    ward_db_deadline(w->event_ctx.db, b->c->deadline_ns);
    WARD_TRY(view_of(b->c, USE_WRITE, &b->view, err));
    view_only(&b->view, b->c, USE_WRITE, roles, WARD_COUNT(roles));
    return view_allows(&b->view, b->c, USE_WRITE, KIND_PATIENT, err);
}

void both_acts(struct both *b)
{
    struct worker *w = b->c->wrk;

    ward_uuid_text(b->into.id, b->into.text);
    ward_uuid_text(b->from.id, b->from.text);
    ward_event_begin(&b->into.event, b->c, &w->event_ctx, b->into.text);
    ward_event_note(&b->into.event, "into", b->into.text);
    ward_event_note(&b->into.event, "from", b->from.text);
    ward_event_another(&b->into.event, b->from.text, &b->from.event);
}

static enum ward_code lock(struct both *b, struct ward_rows *out, struct ward_err *err)
{
    static const char sql[] = "SELECT patient_id, root_id, erased_at_us FROM patient"
                              " WHERE patient_id IN (?, ?) ORDER BY patient_id FOR UPDATE";
    struct worker *w = b->c->wrk;

    return ward_db_run(
        w->event_ctx.db, b->c->mem, sql,
        WARD_PARAMS(ward_blob(b->into.id, RECORDS_ID), ward_blob(b->from.id, RECORDS_ID)), out,
        err);
}

enum ward_code both_lock(struct both *b, struct ward_err *err)
{
    struct ward_arena *mem = b->c->mem;
    struct worker *w = b->c->wrk;
    struct ward_rows rows;

    WARD_TRY(view_covers(w, mem, &b->view, KIND_PATIENT, 0, b->into.id, err));
    WARD_TRY(view_covers(w, mem, &b->view, KIND_PATIENT, 0, b->from.id, err));
    WARD_TRY(lock(b, &rows, err));
    if (rows.n != 2)
        return WARD_FAIL_REASON(err, NOT_FOUND, "PATIENT_NOT_FOUND", "no such patient");
    for (size_t i = 0; i < rows.n; i++) {
        bool is_into = memcmp(rows.at[i][0].p, b->into.id, RECORDS_ID) == 0;

        memcpy(is_into ? b->into.root : b->from.root, rows.at[i][1].p, RECORDS_ID);
        if (rows.at[i][2].p != NULL)
            return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_ERASED",
                                    "one of the two patients was erased");
    }
    return WARD_OK;
}

static enum ward_code open_side(struct both *b, struct side *s, struct ward_err *err)
{
    struct worker *w = b->c->wrk;

    WARD_TRY(chart_find(w, b->c->mem, &b->view, KIND_PATIENT, s->id, &s->version, err));
    if (s->expected != 0 && s->expected != s->version.version)
        return WARD_FAIL_REASON(err, ABORTED, "VERSION_CONFLICT",
                                "the current version is not the expected version");
    return chart_open(w, b->c->mem, &s->version, &s->res, err);
}

enum ward_code both_open(struct both *b, struct ward_err *err)
{
    WARD_TRY(open_side(b, &b->into, err));
    return open_side(b, &b->from, err);
}

static enum ward_code write_side(struct both *b, struct side *s, const struct side *other,
                                 Ward__Records__V1__Act act, int64_t at_us,
                                 struct ward_err *err)
{
    struct write what = {.res = s->res,
                         .act = act,
                         .expected_version = s->version.version,
                         .event_id = s->event.event_id,
                         .at_us = at_us,
                         .other_patient = other->id};

    return chart_write(b->c->wrk, b->c, &b->view, &what, &s->version, err);
}

enum ward_code both_write(struct both *b, Ward__Records__V1__Act act, int64_t at_us,
                          struct ward_err *err)
{
    WARD_TRY(write_side(b, &b->into, &b->from, act, at_us, err));
    return write_side(b, &b->from, &b->into, act, at_us, err);
}

enum ward_code both_tell(struct both *b, struct ward_err *err)
{
    WARD_TRY(tell(b->c->wrk, &b->into.event, &b->view, b->into.id, err));
    return tell(b->c->wrk, &b->from.event, &b->view, b->from.id, err);
}

enum ward_code both_records(struct both *b, Record **into, Record **from, struct ward_err *err)
{
    WARD_TRY(chart_record(b->c->wrk, b->c->mem, &b->into.version, into, err));
    return chart_record(b->c->wrk, b->c->mem, &b->from.version, from, err);
}

enum ward_code side_keep(struct ward_call *c, const Record *full, Record **out,
                         struct ward_err *err)
{
    Record *r = ward_new(c->mem, Record);

    if (r == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__records__v1__record__init(r);
    r->version = full->version;
    *out = r;
    return WARD_OK;
}

enum ward_code side_again(const struct both *b, const Record *kept, Record **out,
                          struct ward_err *err)
{
    struct ward_call *c = b->c;
    uint8_t patient[RECORDS_ID];
    struct version v, now;

    if (kept == NULL || kept->version == NULL ||
        !ward_uuid_parse(kept->version->patient_id, patient))
        return WARD_FAIL(err, DATA_LOSS, "a stored answer is invalid");
    WARD_TRY(chart_version(c->wrk, c->mem, patient, patient, kept->version->version, &v, err));
    WARD_TRY(rpc_unseen(chart_find(c->wrk, c->mem, &b->view, KIND_PATIENT, patient, &now, err),
                        &v, err));
    return chart_record(c->wrk, c->mem, &v, out, err);
}

enum ward_code merge_seal(struct both *b, const uint8_t merge[RECORDS_ID], const char *reason,
                          struct ward_val *out, struct ward_err *err)
{
    struct ward_sealed_as as = {.service = RECORDS_NAME, .what = "merge"};
    size_t n = strlen(reason);
    uint8_t *sealed = ward_alloc(b->c->mem, n + WARD_SEAL_EXTRA);
    enum ward_code code;
    struct patient p;

    if (sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the reason");
    WARD_TRY(patient_find(b->c->wrk, b->c->mem, b->from.id, false, &p, err));
    memcpy(as.owner, b->from.id, RECORDS_ID);
    memcpy(as.id, merge, RECORDS_ID);
    code = ward_seal_for(p.key, &as, reason, n, sealed, err);
    patient_wipe(&p);
    *out = ward_blob(sealed, n + WARD_SEAL_EXTRA);
    return code;
}
