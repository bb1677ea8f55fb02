/* ReplayQuarantined: imports a corrected entry again. */
#include "services/records/api.h"
#include "services/records/exchange/quarantine_own.h"

#include "common/base/clock.h"
#include "common/base/reason.h"
#include "services/records/feed/feed.h"

#include <string.h>

typedef Ward__Records__V1__ReplayQuarantinedRequest Request;
typedef Ward__Records__V1__ReplayQuarantinedResponse Response;

#define JSON_MOST ((size_t)2 << 20) /* maximum bytes of a resource's JSON */

struct replay {
    struct ward_call *call;
    struct worker *w;
    struct ward_event event;
    struct ward_idem idem;
    const Request *req;
    uint8_t id[RECORDS_ID];
    Response *resp;
};

/* ---- the entry ---- */

static enum ward_code source_of(struct replay *r, const struct item *it, const char **out,
                                struct ward_err *err)
{
    static const char SQL[] = "SELECT source FROM import_run WHERE import_id = ?";
    struct ward_rows rows;

    WARD_TRY(ward_db_run(r->w->event_ctx.db, r->call->mem, SQL,
                         WARD_PARAMS(ward_text(it->import_id)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, DATA_LOSS, "RECORD_UNREADABLE",
                                "the import of this item is unknown");
    *out = rows.at[0][0].p;
    return WARD_OK;
}

/* Rejects the replay like a Create, with the first problem's reason and field. */
static enum ward_code refuse(const struct problems *p, struct ward_err *err)
{
    const Ward__Records__V1__Problem *first = p->at[0];
    enum ward_code code = WARD_INVALID_ARGUMENT;

    for (const struct ward_reason *r = ward_reasons; r->name != NULL; r++)
        if (strcmp(r->name, first->reason) == 0)
            code = r->code;
    ward_err_reason(err, code, first->reason, __FILE__, __LINE__, "%s", first->text);
    if (err != NULL) {
        size_t n = strlen(first->path);

        if (n >= sizeof(err->field))
            n = sizeof(err->field) - 1;
        memcpy(err->field, first->path, n);
        err->field[n] = '\0';
    }
    return code;
}

static enum ward_code read_entry(struct replay *r, const struct item *it, struct entered *out,
                                 struct ward_err *err)
{
    const struct ward_json_limits limits = {.bytes = JSON_MOST};
    struct entry e = {.plausible = r->req->plausible, .place = ""};
    const char *json;
    size_t n;

    WARD_TRY(source_of(r, it, &e.source, err));
    WARD_TRY(item_content(r->w, r->call->mem, it, &e.full_url, &json, &n, err));
    if (*r->req->json != '\0') {
        json = r->req->json;
        n = strlen(json);
        e.edited = true;
    }
    e.place = ward_printf(r->call->mem, "%s %s", it->import_id, it->position);
    if (e.place == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the resource");
    WARD_TRY(ward_json_parse(json, n, &limits, r->call->mem, &e.json, err));
    WARD_TRY(import_entry(r->w, r->call, &e, out, err));
    return out->problems.n > 0 ? refuse(&out->problems, err) : WARD_OK;
}

/* ---- the decision ---- */

static enum ward_code decide(struct replay *r, const struct entered *e,
                             const uint8_t resource[RECORDS_ID], struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE quarantine SET state = 2, decided_by = ?, decided_at_us = ?, resource_id = ?,"
        " patient_id = COALESCE(patient_id, ?), kind = ? WHERE item_id = ?";
    struct ward_arena *mem = r->call->mem;

    WARD_TRY(closed_drop(r->w, mem, r->id, err));
    return ward_db_run(
        r->w->event_ctx.db, mem, SQL,
        WARD_PARAMS(ward_text(r->call->who->subject), ward_int(mem, ward_wall_us()),
                    ward_blob(resource, RECORDS_ID),
                    e->nobodys ? ward_text(NULL) : ward_blob(e->patient, RECORDS_ID),
                    ward_int(mem, resource_kind(e->res)), ward_blob(r->id, RECORDS_ID)),
        NULL, err);
}

static enum ward_code write_entry(struct replay *r, struct entered *e, struct ward_err *err)
{
    uint8_t resource[RECORDS_ID];
    enum import_did did;
    int version;

    WARD_TRY(
        import_write(r->w, r->call, e, r->event.event_id, ward_wall_us(), &version, &did, err));
    if (!ward_uuid_parse(resource_id(e->res), resource))
        return WARD_FAIL(err, INTERNAL, "the written resource has no id");
    WARD_TRY(decide(r, e, resource, err));
    WARD_TRY(ward_call_uuid(r->call, resource, &r->resp->resource_id));
    r->resp->version = version;
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct replay *r = arg;
    struct ward_event event = r->event;
    ProtobufCMessage *again;
    struct entered e = {0};
    struct item it;

    WARD_TRY(ward_call_stored_answer(
        r->call, db, &r->idem, &ward__records__v1__replay_quarantined_response__descriptor,
        &again, err));
    if (again != NULL) {
        *r->resp = *(Response *)(void *)again;
        return ward_event_write(&event, db, err);
    }
    WARD_TRY(item_find(r->w, r->call->mem, r->id, true, &it, err));
    if (it.state != STATE_OF(WAITING))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "QUARANTINE_DECIDED",
                                "the item was already replayed or discarded");
    WARD_TRY(read_entry(r, &it, &e, err));
    WARD_TRY(write_entry(r, &e, err));
    WARD_TRY(e.nobodys ? ward_event_write(&event, db, err)
                       : tell(r->w, &event, NULL, e.patient, err));
    return ward_call_store_answer(r->call, db, &r->idem, &r->resp->base, err);
}

static enum ward_code replay_quarantined(struct ward_call *c, const Request *req,
                                         Response *resp)
{
    struct worker *w = c->wrk;
    struct replay r = {.call = c, .w = w, .req = req, .resp = resp};
    char text[37];

    ward_event_begin(&r.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_idem(c, req->idempotency_key, &req->base, &r.idem));
    WARD_TRY(ward_call_id(c, "item_id", req->item_id, r.id, text));
    ward_event_note(&r.event, "item", text);
    WARD_TRY(chart_tx(w, in_tx, &r, c->err));
    sequencer_wake(w->rec->feed);
    return WARD_OK;
}

enum ward_code replay_quarantined_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                      ProtobufCMessage *r)
{
    return replay_quarantined(c, (const Request *)q, (Response *)r);
}
