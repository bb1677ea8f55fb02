/* FindDuplicates: lists patients who may be the same person. */
#include "services/records/api.h"
#include "services/records/merge/duplicate.h"

#include <string.h>

typedef Ward__Records__V1__FindDuplicatesRequest Request;
typedef Ward__Records__V1__FindDuplicatesResponse Response;

struct finding {
    struct ward_call *c;
    struct ward_event event;
    struct view view;
    uint8_t patient[RECORDS_ID];
    Response *resp;
};

/* Writes an audit event for each listed patient. */
static enum ward_code tell_all(struct finding *f, const uint8_t root[RECORDS_ID], size_t n,
                               struct ward_err *err)
{
    uint8_t(*seen)[RECORDS_ID] = ward_alloc(f->c->mem, (n + 1) * sizeof(*seen));
    struct ward_event event = f->event;

    if (seen == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit events");
    memcpy(seen[0], root, RECORDS_ID);
    for (size_t i = 0; i < n; i++)
        if (!ward_uuid_parse(f->resp->candidates[i]->patient_id, seen[i + 1]))
            return WARD_FAIL(err, INTERNAL, "a candidate has no id");
    return tell_each(f->c->wrk, &event, &f->view, (const uint8_t(*)[RECORDS_ID])seen, n + 1,
                     err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct finding *f = arg;
    struct worker *w = f->c->wrk;
    struct ward_arena *mem = f->c->mem;
    struct patient p;
    size_t n;

    (void)db;
    WARD_TRY(view_covers(w, mem, &f->view, KIND_PATIENT, 0, f->patient, err));
    WARD_TRY(patient_find(w, mem, f->patient, false, &p, err));
    patient_wipe(&p);
    if (p.erased)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "PATIENT_ERASED",
                                "the patient was erased");
    WARD_TRY(duplicates_of(w, mem, &f->view, p.root, DUPLICATE_LOOKED_AT, &f->resp->candidates,
                           &n, err));
    f->resp->n_candidates = n < DUPLICATE_GIVEN ? n : DUPLICATE_GIVEN;
    return tell_all(f, p.root, f->resp->n_candidates, err);
}

static enum ward_code find_duplicates(struct ward_call *c, const Request *req, Response *resp)
{
    struct worker *w = c->wrk;
    struct finding f = {.c = c, .resp = resp};
    char text[37];

    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_id(c, "patient_id", req->patient_id, f.patient, text));
    WARD_TRY(api_begin(c, &f.event, USE_READ, KIND_PATIENT, text, &f.view));
    return ward_db_tx(w->event_ctx.db, in_tx, &f, c->err);
}

enum ward_code find_duplicates_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    return find_duplicates(c, (const Request *)q, (Response *)r);
}
