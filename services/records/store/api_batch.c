/* Batch: up to a hundred writes in one transaction, each with its own event. */
#include "services/records/store/rpc.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__BatchRequest BatchRequest;
typedef Ward__Records__V1__BatchResponse BatchResponse;
typedef Ward__Records__V1__BatchResult BatchResult;
typedef Ward__Records__V1__BatchEntry BatchEntry;

#define ENTRIES_MAX 100
/* Maximum bytes of an answer, below gRPC clients' default limit of 4 MiB. A client that rejects
 * the answer would not know the result of the write. */
#define ANSWER_MAX (((size_t)4 << 20) - 4096)

struct batch {
    struct ward_call *call;
    struct ward_idem idem;
    const BatchRequest *req;
    struct job *jobs;
    BatchResult *results;
    BatchResponse *resp;
    const BatchEntry *failed; /* the entry that made the batch fail */
};

/* Puts the entry's index before the failing field: "entries[3].resource" for "resource",
 * "entries[3]" for an error without a field. */
static enum ward_code at(struct batch *b, size_t i, enum ward_code code, struct ward_err *err)
{
    char field[sizeof(err->field)];

    if (code == WARD_OK || err == NULL)
        return code;
    b->failed = b->req->entries[i];
    snprintf(field, sizeof(field), "entries[%zu]%s%.48s", i, *err->field == '\0' ? "" : ".",
             err->field);
    memcpy(err->field, field, sizeof(field));
    return code;
}

static const Resource *resource_of(const BatchEntry *e)
{
    switch (e->act_case) {
    case WARD__RECORDS__V1__BATCH_ENTRY__ACT_CREATE:
        return e->create->resource;
    case WARD__RECORDS__V1__BATCH_ENTRY__ACT_UPDATE:
        return e->update->resource;
    default:
        return NULL;
    }
}

static const char *key_of(const BatchEntry *e)
{
    switch (e->act_case) {
    case WARD__RECORDS__V1__BATCH_ENTRY__ACT_CREATE:
        return e->create->idempotency_key;
    case WARD__RECORDS__V1__BATCH_ENTRY__ACT_UPDATE:
        return e->update->idempotency_key;
    case WARD__RECORDS__V1__BATCH_ENTRY__ACT_MARK_ENTERED_IN_ERROR:
        return e->mark_entered_in_error->idempotency_key;
    default:
        return "";
    }
}

static enum ward_code take(struct job *j, const BatchEntry *e)
{
    struct ward_call *c = j->call;

    if (*key_of(e) != '\0')
        return WARD_FAIL_FIELD(c->err, "idempotency_key",
                               "must be empty, because the batch has its own key");
    switch (e->act_case) {
    case WARD__RECORDS__V1__BATCH_ENTRY__ACT_CREATE:
        return job_create(j, e->create);
    case WARD__RECORDS__V1__BATCH_ENTRY__ACT_UPDATE:
        return job_update(j, e->update);
    case WARD__RECORDS__V1__BATCH_ENTRY__ACT_MARK_ENTERED_IN_ERROR:
        return job_mark(j, e->mark_entered_in_error);
    default:
        return WARD_FAIL_FIELD(c->err, "act", "is required");
    }
}

static enum ward_code take_all(struct batch *b, const struct ward_event *first,
                               const struct view *view)
{
    struct ward_call *c = b->call;

    for (size_t i = 0; i < b->req->n_entries; i++) {
        const BatchEntry *e = b->req->entries[i];
        struct job *j = &b->jobs[i];

        j->call = c;
        j->view = *view;
        ward_event_another(first, rpc_patient(c, resource_of(e)), &j->event);
        WARD_TRY(at(b, i, take(j, e), c->err));
    }
    return WARD_OK;
}

/* Entries may refer to each other in any order: patients are created first, then their
 * encounters, then the rest in the request's order. */
static int rank_of(const struct job *j)
{
    if (j->reason != NULL || j->write.expected_version > 0)
        return 2;
    return j->kind == KIND_PATIENT ? 0 : j->kind == KIND_ENCOUNTER ? 1 : 2;
}

static enum ward_code run_all(struct batch *b, struct ward_err *err)
{
    for (int rank = 0; rank < 3; rank++)
        for (size_t i = 0; i < b->req->n_entries; i++)
            if (rank_of(&b->jobs[i]) == rank)
                WARD_TRY(at(b, i, job_run(&b->jobs[i], err), err));
    for (size_t i = 0; i < b->req->n_entries; i++) {
        b->resp->results[i]->record = b->jobs[i].record;
        b->resp->results[i]->created = b->jobs[i].created;
    }
    if (protobuf_c_message_get_packed_size(&b->resp->base) > ANSWER_MAX)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "RESPONSE_TOO_LARGE",
                                "the answer would have more than 4 MiB: send fewer entries");
    return WARD_OK;
}

/* Sets the patient of the event after a failure. For an existing resource, the patient comes
 * from the chart, not from the request.
 */
static void blame(struct batch *b)
{
    struct ward_call *c = b->call;
    struct worker *w = c->wrk;
    const BatchEntry *e = b->failed;
    const Resource *res = e == NULL ? NULL : resource_of(e);
    const char *patient = rpc_patient(c, res);

    if (e == NULL)
        return;
    if (e->act_case == WARD__RECORDS__V1__BATCH_ENTRY__ACT_CREATE)
        snprintf(w->event_ctx.patient, sizeof(w->event_ctx.patient), "%s",
                 patient == NULL ? "" : patient);
    else if (e->act_case == WARD__RECORDS__V1__BATCH_ENTRY__ACT_MARK_ENTERED_IN_ERROR)
        rpc_blame_of(c, e->mark_entered_in_error->id);
    else if (res != NULL && resource_kind(res) != KIND_NONE)
        rpc_blame_of(c, resource_id(res));
}

static enum ward_code keep(struct batch *b, struct ward_db *db, struct ward_err *err)
{
    BatchResponse kept = WARD__RECORDS__V1__BATCH_RESPONSE__INIT;
    struct ward_arena *mem = b->call->mem;
    size_t n = b->req->n_entries;

    kept.results = ward_alloc(mem, n * sizeof(BatchResult *));
    if (kept.results == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    kept.n_results = n;
    for (size_t i = 0; i < n; i++) {
        kept.results[i] = ward_new(mem, BatchResult);
        if (kept.results[i] == NULL)
            return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
        ward__records__v1__batch_result__init(kept.results[i]);
        kept.results[i]->created = b->jobs[i].created;
        WARD_TRY(rpc_keep(mem, b->jobs[i].record, &kept.results[i]->record, err));
    }
    return ward_call_store_answer(b->call, db, &b->idem, &kept.base, err);
}

static enum ward_code again(struct batch *b, const BatchResponse *kept, struct ward_err *err)
{
    if (kept->n_results != b->resp->n_results)
        return WARD_FAIL(err, INTERNAL, "a stored answer is invalid");
    for (size_t i = 0; i < kept->n_results; i++) {
        BatchResult *to = b->resp->results[i];

        to->created = kept->results[i]->created;
        WARD_TRY(rpc_again(b->call, &b->jobs[i].view, &b->jobs[i].event,
                           kept->results[i]->record, &to->record, err));
    }
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct batch *b = arg;
    ProtobufCMessage *kept = NULL;

    WARD_TRY(ward_call_stored_answer(
        b->call, db, &b->idem, &ward__records__v1__batch_response__descriptor, &kept, err));
    if (kept != NULL)
        return again(b, (const BatchResponse *)kept, err);
    WARD_TRY(run_all(b, err));
    return keep(b, db, err);
}

static enum ward_code make_room(struct batch *b, size_t n)
{
    struct ward_call *c = b->call;

    b->jobs = ward_alloc(c->mem, n * sizeof(*b->jobs));
    b->results = ward_alloc(c->mem, n * sizeof(*b->results));
    b->resp->results = ward_alloc(c->mem, n * sizeof(BatchResult *));
    if (b->jobs == NULL || b->results == NULL || b->resp->results == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a batch");
    b->resp->n_results = n;
    for (size_t i = 0; i < n; i++) {
        ward__records__v1__batch_result__init(&b->results[i]);
        b->resp->results[i] = &b->results[i];
    }
    return WARD_OK;
}

enum ward_code batch_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    struct batch b = {.call = c, .req = (const BatchRequest *)q, .resp = (BatchResponse *)r};
    size_t n = b.req->n_entries;
    struct worker *w = c->wrk;
    struct ward_event first;
    enum ward_code code;
    struct view view;

    ward_event_begin(&first, c, &w->event_ctx,
                     n == 0 || b.req->entries[0]->act_case !=
                                   WARD__RECORDS__V1__BATCH_ENTRY__ACT_CREATE
                         ? NULL
                         : rpc_patient(c, b.req->entries[0]->create->resource));
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(view_of(c, USE_WRITE, &view, c->err));
    WARD_TRY(ward_call_idem(c, b.req->idempotency_key, q, &b.idem));
    if (n < 1 || n > ENTRIES_MAX)
        return WARD_FAIL_FIELD(c->err, "entries", "must be 1 to %d", ENTRIES_MAX);
    WARD_TRY(make_room(&b, n));
    code = take_all(&b, &first, &view);
    if (code == WARD_OK)
        code = chart_tx(w, in_tx, &b, c->err);
    if (code != WARD_OK)
        blame(&b);
    return code;
}
