/* Create, Update, MarkEnteredInError. */
#include "services/records/merge/duplicate.h"
#include "services/records/store/rpc.h"

#include <string.h>

typedef Ward__Records__V1__CreateRequest CreateRequest;
typedef Ward__Records__V1__CreateResponse CreateResponse;
typedef Ward__Records__V1__UpdateRequest UpdateRequest;
typedef Ward__Records__V1__UpdateResponse UpdateResponse;
typedef Ward__Records__V1__MarkEnteredInErrorRequest MarkRequest;
typedef Ward__Records__V1__MarkEnteredInErrorResponse MarkResponse;

/* A call with one job. Its stored answer is a CreateResponse for all three methods. */
struct single {
    struct job job;
    struct ward_idem idem;
    int32_t duplicates;
};

static enum ward_code begin(struct ward_call *c, struct single *s, const char *patient)
{
    struct worker *w = c->wrk;

    s->job.call = c;
    ward_event_begin(&s->job.event, c, &w->event_ctx, patient);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    return view_of(c, USE_WRITE, &s->job.view, c->err);
}

static enum ward_code keep(struct single *s, struct ward_db *db, struct ward_err *err)
{
    CreateResponse kept = WARD__RECORDS__V1__CREATE_RESPONSE__INIT;
    struct ward_call *c = s->job.call;

    WARD_TRY(rpc_keep(c->mem, s->job.record, &kept.record, err));
    kept.created = s->job.created;
    kept.possible_duplicates = s->duplicates;
    return ward_call_store_answer(c, db, &s->idem, &kept.base, err);
}

static enum ward_code look_for_twins(struct single *s, struct ward_err *err)
{
    struct ward_call *c = s->job.call;
    uint8_t id[RECORDS_ID];

    if (!ward_uuid_parse(s->job.record->version->patient_id, id))
        return WARD_FAIL(err, INTERNAL, "a patient's id is invalid");
    return duplicates_count(c->wrk, c->mem, &s->job.view, id, &s->duplicates, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct single *s = arg;
    struct job *j = &s->job;
    ProtobufCMessage *kept = NULL;

    WARD_TRY(ward_call_stored_answer(
        j->call, db, &s->idem, &ward__records__v1__create_response__descriptor, &kept, err));
    if (kept != NULL) {
        const CreateResponse *was = (const CreateResponse *)kept;

        j->created = was->created;
        s->duplicates = was->possible_duplicates;
        return rpc_again(j->call, &j->view, &j->event, was->record, &j->record, err);
    }
    WARD_TRY(job_run(j, err));
    if (j->kind == KIND_PATIENT && j->created)
        WARD_TRY(look_for_twins(s, err));
    return keep(s, db, err);
}

static enum ward_code run(struct single *s)
{
    struct ward_call *c = s->job.call;

    return chart_tx(c->wrk, in_tx, s, c->err);
}

/* Makes the event about the existing resource's patient, even if the request names another
 * patient. */
static enum ward_code blamed(struct ward_call *c, const char *id, enum ward_code code)
{
    if (code != WARD_OK)
        rpc_blame_of(c, id);
    return code;
}

static enum ward_code create(struct ward_call *c, const CreateRequest *q, CreateResponse *r)
{
    struct single s = {0};

    WARD_TRY(begin(c, &s, rpc_patient(c, q->resource)));
    WARD_TRY(ward_call_idem(c, q->idempotency_key, &q->base, &s.idem));
    WARD_TRY(job_create(&s.job, q));
    WARD_TRY(run(&s));
    r->record = s.job.record;
    r->created = s.job.created;
    r->possible_duplicates = s.duplicates;
    return WARD_OK;
}

static enum ward_code update(struct ward_call *c, const UpdateRequest *q, UpdateResponse *r)
{
    struct single s = {0};

    WARD_TRY(begin(c, &s, rpc_patient(c, q->resource)));
    WARD_TRY(ward_call_idem(c, q->idempotency_key, &q->base, &s.idem));
    WARD_TRY(job_update(&s.job, q));
    WARD_TRY(run(&s));
    r->record = s.job.record;
    return WARD_OK;
}

static const char *id_of(const Resource *res)
{
    return res == NULL || resource_kind(res) == KIND_NONE ? "" : resource_id(res);
}

static enum ward_code mark(struct ward_call *c, const MarkRequest *q, MarkResponse *r)
{
    struct single s = {0};

    WARD_TRY(begin(c, &s, NULL));
    WARD_TRY(ward_call_idem(c, q->idempotency_key, &q->base, &s.idem));
    WARD_TRY(job_mark(&s.job, q));
    WARD_TRY(run(&s));
    r->record = s.job.record;
    return WARD_OK;
}

enum ward_code create_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return create(c, (const CreateRequest *)q, (CreateResponse *)r);
}

enum ward_code update_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    const UpdateRequest *req = (const UpdateRequest *)q;

    return blamed(c, id_of(req->resource), update(c, req, (UpdateResponse *)r));
}

enum ward_code mark_entered_in_error_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                         ProtobufCMessage *r)
{
    const MarkRequest *req = (const MarkRequest *)q;

    return blamed(c, req->id, mark(c, req, (MarkResponse *)r));
}
