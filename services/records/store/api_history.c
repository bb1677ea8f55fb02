/* History and ReadVersion. */
#include "common/base/text.h"
#include "services/records/access/page.h"
#include "services/records/store/directory.h"
#include "services/records/store/rpc.h"

#include <string.h>

typedef Ward__Records__V1__HistoryRequest HistoryRequest;
typedef Ward__Records__V1__HistoryResponse HistoryResponse;
typedef Ward__Records__V1__ReadVersionRequest ReadVersionRequest;
typedef Ward__Records__V1__ReadVersionResponse ReadVersionResponse;

#define USUAL      20
#define MOST       100
#define PAGE_BYTES ((size_t)4 << 20) /* maximum bytes of encrypted resources in one answer */

struct looking {
    struct ward_call *call;
    struct view view;
    struct ward_event event;
    enum kind kind;
    uint8_t id[RECORDS_ID];
    int from; /* History: versions below this number; ReadVersion: this version */
    /* used by History */
    int page;
    bool bare; /* without the resources' content */
    HistoryResponse *resp;
    bool more;
    /* used by ReadVersion */
    Record *record;
};

static enum ward_code begin(struct looking *l, int kind, const char *id)
{
    struct ward_call *c = l->call;
    struct worker *w = c->wrk;
    enum ward_code code;

    ward_event_begin(&l->event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(rpc_kind(c, kind, &l->kind));
    WARD_TRY(ward_call_id(c, "id", id, l->id, NULL));
    WARD_TRY(view_of(c, USE_READ, &l->view, c->err));
    code = view_allows(&l->view, c, USE_READ, l->kind, c->err);
    if (code != WARD_OK)
        rpc_blame(c, l->id);
    return code;
}

static enum ward_code run(struct looking *l, ward_tx_fn *fn)
{
    struct ward_call *c = l->call;
    struct worker *w = c->wrk;
    enum ward_code code = ward_db_tx(w->event_ctx.db, fn, l, c->err);

    if (code == WARD_NOT_FOUND)
        rpc_blame(c, l->id);
    return code;
}

/* Finds the current version of a resource in a chart, or of a resource without a patient. */
static enum ward_code find(struct looking *l, struct version *out, struct ward_err *err)
{
    struct ward_call *c = l->call;
    enum ward_code code = chart_find(c->wrk, c->mem, &l->view, l->kind, l->id, out, err);

    return code == WARD_NOT_FOUND
               ? directory_instead(c->wrk, c->mem, &l->view, l->kind, l->id, out, err)
               : code;
}

static enum ward_code told(struct looking *l, const struct version *v, struct ward_err *err)
{
    struct worker *w = l->call->wrk;
    struct ward_event event = l->event;
    char *id = ward_alloc(l->call->mem, 37);

    if (id == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit event");
    ward_uuid_text(v->id, id);
    ward_event_note(&event, "kind", kind_name(v->kind));
    ward_event_note(&event, "resource", id);
    if (l->resp == NULL)
        ward_event_note_int(&event, "version", l->from);
    else
        ward_event_note_int(&event, "versions", (int64_t)l->resp->n_records);
    return v->nobodys ? ward_event_write(&event, w->event_ctx.db, err)
                      : tell(w, &event, &l->view, v->patient, err);
}

/* ---- History ---- */

/* Counts the next versions that fit into one answer: at least one. */
static enum ward_code fit(struct looking *l, const struct version *v, size_t *n,
                          struct ward_err *err)
{
    static const char CHART[] = "SELECT LENGTH(sealed) FROM version WHERE patient_id = ?"
                                " AND resource_id = ? AND version < ? ORDER BY version DESC"
                                " LIMIT ?";
    static const char NOBODYS[] =
        "SELECT LENGTH(sealed) FROM directory_version WHERE owner_id = ?"
        " AND resource_id = ? AND version < ? ORDER BY version DESC LIMIT ?";
    struct ward_arena *mem = l->call->mem;
    struct worker *w = l->call->wrk;
    struct ward_rows rows;
    size_t bytes = 0;

    WARD_TRY(
        ward_db_run(w->event_ctx.db, mem, v->nobodys ? NOBODYS : CHART,
                    WARD_PARAMS(ward_blob(v->patient, RECORDS_ID), ward_blob(v->id, RECORDS_ID),
                                ward_int(mem, l->from), ward_int(mem, l->page + 1)),
                    &rows, err));
    for (*n = 0; *n < rows.n && *n < (size_t)l->page; (*n)++) {
        int64_t size = 0;

        if (!ward_i64(rows.at[*n][0].p, 0, INT64_MAX, &size))
            return WARD_FAIL(err, INTERNAL, "a stored length is invalid");
        bytes += l->bare ? 0 : (size_t)size;
        if (*n > 0 && bytes > PAGE_BYTES)
            break;
    }
    l->more = *n < rows.n;
    return WARD_OK;
}

#define BELOW                                                                                  \
    " FROM version v" VERSION_KEYS " WHERE v.patient_id = ? AND v.resource_id = ?"             \
    " AND v.version < ? ORDER BY v.version DESC LIMIT ?"

static enum ward_code load(struct looking *l, const struct version *v, size_t n,
                           struct ward_err *err)
{
    static const char WHOLE[] = "SELECT " VERSION_COLUMNS BELOW;
    static const char BARE[] = "SELECT " VERSION_BARE BELOW;
    static const char NOBODYS[] =
        DIRECTORY_VERSION DIRECTORY_KEY " WHERE v.owner_id = ? AND v.resource_id = ?"
                                        " AND v.version < ? ORDER BY v.version DESC LIMIT ?";
    const char *sql = v->nobodys ? NOBODYS : l->bare ? BARE : WHOLE;
    HistoryResponse *r = l->resp;
    struct ward_arena *mem = l->call->mem;
    struct worker *w = l->call->wrk;
    struct ward_rows rows;

    WARD_TRY(
        ward_db_run(w->event_ctx.db, mem, sql,
                    WARD_PARAMS(ward_blob(v->patient, RECORDS_ID), ward_blob(v->id, RECORDS_ID),
                                ward_int(mem, l->from), ward_int(mem, (int64_t)n)),
                    &rows, err));
    r->records = ward_alloc(mem, rows.n * sizeof(Record *));
    if (r->records == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the history");
    r->n_records = 0;
    for (size_t i = 0; i < rows.n; i++) {
        struct version one;

        version_of(rows.at[i], &one);
        one.nobodys = v->nobodys;
        if (l->bare)
            one.wrapped = ward_text(NULL);
        WARD_TRY(chart_record(w, mem, &one, &r->records[i], err));
        r->n_records++;
    }
    return WARD_OK;
}

static enum ward_code history_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct looking *l = arg;
    struct version v;
    size_t n = 0;

    (void)db;
    WARD_TRY(find(l, &v, err));
    WARD_TRY(fit(l, &v, &n, err));
    WARD_TRY(load(l, &v, n, err));
    return told(l, &v, err);
}

static enum ward_code leaves(struct ward_call *c, const HistoryResponse *r)
{
    for (size_t i = 0; i < r->n_records; i++)
        WARD_TRY(leaf_of(c, r->records[i]->version));
    return WARD_OK;
}

static enum ward_code history(struct ward_call *c, const HistoryRequest *q, HistoryResponse *r)
{
    struct looking l = {.call = c, .resp = r, .bare = q->versions_only, .from = INT32_MAX};
    const char *question = ward_printf(c->mem, "%d %.36s %d %d %d", (int)q->kind, q->id,
                                       q->page_size, q->versions_only, q->with_leaves);
    bool given = false;
    int32_t from = 0;

    WARD_TRY(begin(&l, (int)q->kind, q->id));
    WARD_TRY(ward_call_page(c, q->page_size, USUAL, MOST, &l.page));
    if (question == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a page token");
    WARD_TRY(page_place(c, question, q->page_token, &from, sizeof(from), &given));
    if (given)
        l.from = from;
    WARD_TRY(run(&l, history_in_tx));
    if (q->with_leaves)
        WARD_TRY(leaves(c, r));
    if (!l.more)
        return WARD_OK;
    from = r->records[r->n_records - 1]->version->version;
    return page_token(c, question, &from, sizeof(from), &r->next_page_token);
}

/* ---- ReadVersion ---- */

static enum ward_code version_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct looking *l = arg;
    struct ward_call *c = l->call;
    struct version now, v;

    (void)db;
    WARD_TRY(find(l, &now, err));
    if (now.nobodys)
        WARD_TRY(directory_find(c->wrk, c->mem, l->id, l->from, &v, err));
    else
        WARD_TRY(chart_version(c->wrk, c->mem, now.patient, l->id, l->from, &v, err));
    WARD_TRY(chart_record(c->wrk, c->mem, &v, &l->record, err));
    return told(l, &v, err);
}

static enum ward_code read_version(struct ward_call *c, const ReadVersionRequest *q,
                                   ReadVersionResponse *r)
{
    struct looking l = {.call = c, .from = q->version};

    WARD_TRY(begin(&l, (int)q->kind, q->id));
    if (q->version < 1)
        return WARD_FAIL_FIELD(c->err, "version", "must be 1 or more");
    WARD_TRY(run(&l, version_in_tx));
    r->record = l.record;
    return q->with_leaf ? leaf_of(c, r->record->version) : WARD_OK;
}

enum ward_code history_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return history(c, (const HistoryRequest *)q, (HistoryResponse *)r);
}

enum ward_code read_version_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    return read_version(c, (const ReadVersionRequest *)q, (ReadVersionResponse *)r);
}
