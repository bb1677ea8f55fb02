/* Read: returns the current version of a resource. For a merged patient, it returns the
 * surviving record. */
#include "services/records/store/directory.h"
#include "services/records/store/rpc.h"

#include <string.h>

typedef Ward__Records__V1__ReadRequest ReadRequest;
typedef Ward__Records__V1__ReadResponse ReadResponse;

struct reading {
    struct ward_call *call;
    struct view view;
    struct ward_event event;
    enum kind kind;
    uint8_t id[RECORDS_ID], root[RECORDS_ID];
    ReadResponse *resp;
};

static enum ward_code follow_merge(struct reading *r, struct ward_err *err)
{
    static const char SQL[] = "SELECT root_id FROM patient WHERE patient_id = ?";
    struct worker *w = r->call->wrk;
    struct ward_rows rows;

    memcpy(r->root, r->id, RECORDS_ID);
    if (r->kind != KIND_PATIENT)
        return WARD_OK;
    WARD_TRY(ward_db_run(w->event_ctx.db, r->call->mem, SQL,
                         WARD_PARAMS(ward_blob(r->id, RECORDS_ID)), &rows, err));
    if (rows.n == 1)
        memcpy(r->root, rows.at[0][0].p, RECORDS_ID);
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct reading *r = arg;
    struct ward_call *c = r->call;
    struct worker *w = c->wrk;
    struct ward_event event = r->event;
    struct version v;
    enum ward_code code;

    WARD_TRY(follow_merge(r, err));
    code = chart_find(w, c->mem, &r->view, r->kind, r->root, &v, err);
    if (code == WARD_NOT_FOUND)
        code = directory_instead(w, c->mem, &r->view, r->kind, r->id, &v, err);
    if (code != WARD_OK)
        return code;
    if (v.wrapped.p == NULL)
        return WARD_FAIL_REASON(err, NOT_FOUND, "RESOURCE_NOT_FOUND", "no such resource");
    WARD_TRY(chart_record(w, c->mem, &v, &r->resp->record, err));
    ward_event_note(&event, "kind", kind_name(v.kind));
    ward_event_note(&event, "resource", r->resp->record->version->resource_id);
    ward_event_note_int(&event, "version", v.version);
    return v.nobodys ? ward_event_write(&event, db, err)
                     : tell(w, &event, &r->view, v.patient, err);
}

static enum ward_code read_one(struct ward_call *c, const ReadRequest *q, ReadResponse *out)
{
    struct reading r = {.call = c, .resp = out};
    struct worker *w = c->wrk;
    enum ward_code code;

    ward_event_begin(&r.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(rpc_kind(c, (int)q->kind, &r.kind));
    WARD_TRY(ward_call_id(c, "id", q->id, r.id, NULL));
    WARD_TRY(view_of(c, USE_READ, &r.view, c->err));
    code = view_allows(&r.view, c, USE_READ, r.kind, c->err);
    if (code == WARD_OK)
        code = ward_db_tx(w->event_ctx.db, in_tx, &r, c->err);
    if (code == WARD_OK && memcmp(r.id, r.root, RECORDS_ID) != 0)
        return ward_call_uuid(c, r.id, &out->redirected_from);
    if (code != WARD_OK)
        rpc_blame(c, r.id);
    return code;
}

enum ward_code read_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return read_one(c, (const ReadRequest *)q, (ReadResponse *)r);
}
