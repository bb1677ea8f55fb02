#include "services/records/store/rpc.h"

#include <stdio.h>
#include <string.h>

enum ward_code rpc_kind(struct ward_call *c, int given, enum kind *out)
{
    if (!kind_is(given))
        return WARD_FAIL_FIELD(c->err, "kind", "is not a kind of resource");
    *out = (enum kind)given;
    return WARD_OK;
}

const char *rpc_patient(struct ward_call *c, const Resource *res)
{
    char *text = ward_alloc(c->mem, 37);
    uint8_t id[RECORDS_ID];

    if (res == NULL || text == NULL || resource_kind(res) == KIND_NONE ||
        resource_patient(res, id, NULL) != WARD_OK)
        return NULL;
    ward_uuid_text(id, text);
    return text;
}

void rpc_blame(struct ward_call *c, const uint8_t id[RECORDS_ID])
{
    static const char SQL[] = "SELECT patient_id FROM resource WHERE resource_id = ?";
    struct worker *w = c->wrk;
    struct ward_rows rows;

    w->event_ctx.patient[0] = '\0';
    if (ward_db_run(w->event_ctx.db, c->mem, SQL, WARD_PARAMS(ward_blob(id, RECORDS_ID)), &rows,
                    NULL) == WARD_OK &&
        rows.n == 1)
        ward_uuid_text((const uint8_t *)rows.at[0][0].p, w->event_ctx.patient);
}

void rpc_blame_of(struct ward_call *c, const char *id)
{
    uint8_t parsed[RECORDS_ID];
    struct worker *w = c->wrk;

    w->event_ctx.patient[0] = '\0';
    if (ward_uuid_parse(id, parsed))
        rpc_blame(c, parsed);
}

/* ---- stored answers ---- */

enum ward_code rpc_keep(struct ward_arena *mem, const Record *full, Record **out,
                        struct ward_err *err)
{
    Record *r = ward_new(mem, Record);
    Ward__Records__V1__Version *v = ward_new(mem, Ward__Records__V1__Version);

    if (r == NULL || v == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    ward__records__v1__record__init(r);
    ward__records__v1__version__init(v);
    v->resource_id = full->version->resource_id;
    v->patient_id = full->version->patient_id;
    v->kind = full->version->kind;
    v->version = full->version->version;
    r->version = v;
    *out = r;
    return WARD_OK;
}

enum ward_code rpc_unseen(enum ward_code found, struct version *v, struct ward_err *err)
{
    if (found != WARD_NOT_FOUND)
        return found;
    if (err != NULL)
        *err = (struct ward_err){0};
    v->wrapped = ward_text(NULL);
    return WARD_OK;
}

enum ward_code rpc_again(struct ward_call *c, const struct view *view,
                         const struct ward_event *event, const Record *kept, Record **out,
                         struct ward_err *err)
{
    struct worker *w = c->wrk;
    uint8_t id[RECORDS_ID], patient[RECORDS_ID];
    struct ward_event again = *event;
    struct version v, now;
    enum ward_code code;

    if (kept->version == NULL || !ward_uuid_parse(kept->version->resource_id, id) ||
        !ward_uuid_parse(kept->version->patient_id, patient))
        return WARD_FAIL(err, INTERNAL, "a stored answer is invalid");
    WARD_TRY(chart_version(w, c->mem, patient, id, kept->version->version, &v, err));
    if (v.wrapped.p == NULL)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_ERASED",
                                "the patient was erased");
    code = chart_find(w, c->mem, view, v.kind, id, &now, err);
    WARD_TRY(rpc_unseen(code, &v, err));
    WARD_TRY(chart_record(w, c->mem, &v, out, err));
    return tell(w, &again, view, patient, err);
}
