/* ListDirectory: resources of one kind without a patient, in the order of their ids. */
#include "services/records/access/page.h"
#include "services/records/fhir/fhir.h"
#include "services/records/store/directory.h"
#include "services/records/store/rpc.h"

#include <string.h>

typedef Ward__Records__V1__ListDirectoryRequest ListDirectoryRequest;
typedef Ward__Records__V1__ListDirectoryResponse ListDirectoryResponse;

#define USUAL 50
#define MOST  200
#define CHUNK 16 /* maximum resources read by one statement */
/* Bytes of records after which an answer is complete. Even if its last record has RECORDS_MAX
 * bytes, the answer is below gRPC clients' default limit of 4 MiB. */
#define BYTES_ENOUGH ((size_t)5 << 19)

struct listing {
    struct ward_call *call;
    struct ward_event event;
    const ListDirectoryRequest *req;
    ListDirectoryResponse *resp;
    int page;
    /* The page starts after `from`; `last` is the last listed id. */
    uint8_t from[RECORDS_ID], last[RECORDS_ID];
    bool more;
};

static enum ward_code add(struct listing *l, const struct ward_val *row, size_t *bytes,
                          struct ward_err *err)
{
    struct ward_call *c = l->call;
    struct version v;
    Record *record;

    directory_version_of(row, &v);
    WARD_TRY(chart_record(c->wrk, c->mem, &v, &record, err));
    l->resp->records[l->resp->n_records++] = record;
    memcpy(l->last, v.id, RECORDS_ID);
    *bytes += protobuf_c_message_get_packed_size(&record->base);
    return WARD_OK;
}

/* Adds records until the page or the answer is full. */
static enum ward_code fill(struct listing *l, struct ward_err *err)
{
    static const char SQL[] =
        DIRECTORY_CURRENT " WHERE d.type = ? AND d.resource_id > ? AND d.wrong <= ?"
                          " ORDER BY d.resource_id LIMIT 16";
    struct ward_call *c = l->call;
    struct worker *w = c->wrk;
    struct ward_rows rows;
    size_t bytes = 0;

    do {
        size_t i = 0;

        WARD_TRY(
            ward_db_run(w->event_ctx.db, c->mem, SQL,
                        WARD_PARAMS(ward_text(l->req->type), ward_blob(l->last, RECORDS_ID),
                                    ward_int(c->mem, l->req->include_entered_in_error)),
                        &rows, err));
        for (; i < rows.n && l->resp->n_records < (size_t)l->page && bytes < BYTES_ENOUGH; i++)
            WARD_TRY(add(l, rows.at[i], &bytes, err));
        l->more = i < rows.n || rows.n == CHUNK;
    } while (l->more && l->resp->n_records < (size_t)l->page && bytes < BYTES_ENOUGH);
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct listing *l = arg;
    struct ward_event event = l->event;

    l->resp->n_records = 0;
    memcpy(l->last, l->from, RECORDS_ID);
    WARD_TRY(fill(l, err));
    ward_event_note_int(&event, "records", (int64_t)l->resp->n_records);
    return ward_event_write(&event, db, err);
}

static enum ward_code list(struct ward_call *c, const ListDirectoryRequest *q,
                           ListDirectoryResponse *r)
{
    struct listing l = {.call = c, .req = q, .resp = r};
    struct worker *w = c->wrk;
    const char *question;
    bool given = false;
    struct view view;

    WARD_TRY(api_begin(c, &l.event, USE_READ, KIND_OTHER, NULL, &view));
    if (!directory_opens(&view))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "KIND_NOT_ALLOWED",
                                "no role of this person may read resources without a patient");
    if (!fhir_is_type(q->type))
        return WARD_FAIL_FIELD(
            c->err, "type", "must be 1 to 63 characters of A-Z a-z, the first one a capital");
    ward_event_note(&l.event, "type", q->type);
    WARD_TRY(ward_call_page(c, q->page_size, USUAL, MOST, &l.page));
    question =
        ward_printf(c->mem, "%s %d %d", q->type, q->page_size, q->include_entered_in_error);
    r->records = ward_alloc(c->mem, (size_t)l.page * sizeof(Record *));
    if (question == NULL || r->records == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    WARD_TRY(page_place(c, question, q->page_token, l.from, RECORDS_ID, &given));
    WARD_TRY(ward_db_tx(w->event_ctx.db, in_tx, &l, c->err));
    return l.more ? page_token(c, question, l.last, RECORDS_ID, &r->next_page_token) : WARD_OK;
}

enum ward_code list_directory_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    return list(c, (const ListDirectoryRequest *)q, (ListDirectoryResponse *)r);
}
