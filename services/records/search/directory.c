/* Searches resources without a patient. The resources form one list in the order of their ids.
 * A permitted caller may read the whole list, so a page needs no plan and no view. */
#include "services/records/search/directory.h"

#include "common/base/text.h"
#include "services/records/api.h"
#include "services/records/search/sql.h"
#include "services/records/store/directory.h"

#include <string.h>

typedef Ward__Records__V1__Record Record;
typedef Ward__Records__V1__SearchRequest Request;

#define USUAL_PAGE 50
#define CHUNK      16 /* maximum versions read by one statement */
/* Equals SEARCH_BYTES (run.h). */
#define BYTES_ENOUGH ((size_t)5 << 19)

struct listing {
    struct ward_call *call;
    struct worker *w;
    const struct view *view;
    const struct ward_event *event;
    const Request *req;
    struct search s;
    struct cursor from; /* only the id is used */
    /* set by each run of the transaction */
    struct ward_rows ids;
    Record **record;
    size_t n_records;
    int64_t total;
};

/* ---- conditions ---- */

struct listed {
    struct ward_arena *mem;
    const struct filter *filter;
};

static struct ward_val param_at(const void *arg, size_t i)
{
    const struct listed *l = arg;

    return ward_int(l->mem, l->filter->param->token[i]);
}

static void by_absence(struct sql *q, const struct filter *f)
{
    struct listed list = {.mem = q->mem, .filter = f};
    size_t n = 0;

    while (n < WARD_COUNT(f->param->token) && f->param->token[n] != 0)
        n++;
    sql_put(q, f->modifier == MOD_MISSING ? " AND NOT EXISTS (" : " AND EXISTS (");
    sql_put(q, "SELECT 1 FROM directory_token t WHERE t.resource_id = r.resource_id"
               " AND t.param IN ");
    sql_list(q, param_at, &list, n);
    sql_put(q, ")");
}

static void any_of(struct sql *q, const struct tokens *any)
{
    cond_tokens(q,
                "r.resource_id IN (SELECT t.resource_id FROM directory_token t"
                " WHERE t.param IN ",
                " AND t.hash IN ", any);
    sql_put(q, ")");
}

/* Combines values of one group each in one list, which the query can start from. Lists joined
 * by OR would be evaluated for each row. */
static bool as_one(struct sql *q, const struct filter *f)
{
    struct tokens all = {.at = NULL};

    for (size_t i = 0; i < f->n; i++) {
        if (f->value[i].n_groups != 1)
            return false;
        all.n += f->value[i].group[0].n;
    }
    all.at = ward_alloc(q->mem, all.n * sizeof(*all.at));
    if (all.at == NULL)
        return false;
    all.n = 0;
    for (size_t i = 0; i < f->n; i++)
        for (size_t k = 0; k < f->value[i].group[0].n; k++)
            all.at[all.n++] = f->value[i].group[0].at[k];
    sql_put(q, f->modifier == MOD_NOT ? " AND NOT " : " AND ");
    any_of(q, &all);
    return true;
}

static void by_tokens(struct sql *q, const struct filter *f)
{
    if (as_one(q, f))
        return;
    sql_put(q, f->modifier == MOD_NOT ? " AND NOT (" : " AND (");
    for (size_t i = 0; i < f->n; i++) {
        sql_put(q, i == 0 ? "(" : " OR (");
        for (size_t k = 0; k < f->value[i].n_groups; k++) {
            sql_put(q, k == 0 ? "" : " AND ");
            any_of(q, &f->value[i].group[k]);
        }
        sql_put(q, ")");
    }
    sql_put(q, ")");
}

/* Adds the table and the conditions. The table's alias is r, because cond.c uses r. */
static void which(const struct listing *l, struct sql *q)
{
    sql_put(q, " FROM directory r WHERE r.type = ?");
    sql_bind(q, ward_text(kind_name(l->s.kind)));
    sql_put_int(q, " AND r.kind = ?", l->s.kind);
    sql_put_int(q, " AND r.wrong <= ?", l->s.wrong_too);
    for (size_t i = 0; i < l->s.n; i++) {
        const struct filter *f = &l->s.filter[i];

        if (f->modifier == MOD_MISSING || f->modifier == MOD_PRESENT)
            by_absence(q, f);
        else if (f->param->ask == ASK_ID || f->param->ask == ASK_UPDATED)
            cond_filter(q, f);
        else
            by_tokens(q, f);
    }
}

/* ---- a page ---- */

static enum ward_code look(struct listing *l, struct ward_err *err)
{
    struct ward_rows rows;
    struct sql q;

    WARD_TRY(sql_begin(&q, l->call->mem, err));
    sql_put(&q, "SELECT r.resource_id");
    which(l, &q);
    sql_put_blob(&q, " AND r.resource_id > ?", l->from.id, RECORDS_ID);
    sql_put_int(&q, " ORDER BY r.resource_id LIMIT ?", l->s.page + 1);
    WARD_TRY(sql_run(&q, l->w->event_ctx.db, &l->ids, err));
    if (l->req->total != WARD__RECORDS__V1__TOTAL__TOTAL_BOUNDED)
        return WARD_OK;
    WARD_TRY(sql_begin(&q, l->call->mem, err));
    sql_put(&q, "SELECT COUNT(*) FROM (SELECT 1");
    which(l, &q);
    sql_put_int(&q, " LIMIT ?) n", SEARCH_TOTAL_MOST + 1);
    WARD_TRY(sql_run(&q, l->w->event_ctx.db, &rows, err));
    if (rows.n != 1 || !ward_i64(rows.at[0][0].p, 0, INT64_MAX, &l->total))
        return WARD_FAIL(err, DATA_LOSS, "a stored count is invalid");
    return WARD_OK;
}

static const struct ward_val *row_of(const struct ward_rows *rows, struct ward_val id)
{
    for (size_t i = 0; i < rows->n; i++)
        if (rows->at[i][0].n == id.n && memcmp(rows->at[i][0].p, id.p, id.n) == 0)
            return rows->at[i];
    return NULL;
}

/* Decrypts the resources of the next ids, until the answer is full. All ids exist, because
 * nothing is ever deleted from the directory. */
static enum ward_code open_some(struct listing *l, size_t most, size_t *bytes,
                                struct ward_err *err)
{
    static const char SQL[] = DIRECTORY_CURRENT
        " WHERE d.resource_id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
    struct ward_val id[CHUNK];
    struct ward_rows rows;
    size_t n = most - l->n_records < CHUNK ? most - l->n_records : CHUNK;

    for (size_t i = 0; i < CHUNK; i++)
        id[i] = l->ids.at[l->n_records + (i < n ? i : n - 1)][0];
    WARD_TRY(ward_db_run(l->w->event_ctx.db, l->call->mem, SQL, id, CHUNK, &rows, err));
    for (size_t i = 0; i < n && *bytes < BYTES_ENOUGH; i++) {
        const struct ward_val *row = row_of(&rows, id[i]);
        struct version v;
        Record *r;

        if (row == NULL)
            return WARD_FAIL(err, DATA_LOSS, "a resource of the directory is missing");
        directory_version_of(row, &v);
        WARD_TRY(chart_record(l->w, l->call->mem, &v, &r, err));
        *bytes += protobuf_c_message_get_packed_size(&r->base);
        l->record[l->n_records++] = r;
    }
    return WARD_OK;
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct listing *l = arg;
    struct ward_event event = *l->event;
    size_t most, bytes = 0;

    l->n_records = 0;
    WARD_TRY(look(l, err));
    most = l->ids.n < (size_t)l->s.page ? l->ids.n : (size_t)l->s.page;
    l->record = ward_alloc(l->call->mem, (most + 1) * sizeof(Record *));
    if (l->record == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    while (l->n_records < most && bytes < BYTES_ENOUGH)
        WARD_TRY(open_some(l, most, &bytes, err));
    ward_event_note_int(&event, "records", (int64_t)l->n_records);
    return ward_event_write(&event, db, err);
}

static enum ward_code read_request(struct listing *l)
{
    struct ward_call *c = l->call;
    struct search_reader r = {.mem = c->mem, .keys = l->w->rec->keys, .err = c->err};

    l->s.kind = (enum kind)l->req->kind;
    l->s.wrong_too = l->req->include_entered_in_error;
    l->s.asked_us = l->view->now_us;
    WARD_TRY(ward_call_page(c, l->req->page_size, USUAL_PAGE, SEARCH_PAGE_MOST, &l->s.page));
    if (*l->req->page_token != '\0') {
        WARD_TRY(cursor_open(r.keys, c->mem, l->req, l->view->actor, l->view->now_us, &l->from,
                             c->err));
        l->s.asked_us = l->from.asked_us;
    }
    return search_read(&r, l->req, &l->s);
}

enum ward_code search_directory(struct ward_call *c, const struct view *view,
                                const struct ward_event *event, const Request *req,
                                Ward__Records__V1__SearchResponse *r)
{
    struct listing *l = ward_new(c->mem, struct listing);

    if (l == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the query");
    *l = (struct listing){.call = c, .w = c->wrk, .view = view, .event = event, .req = req};
    if (!directory_opens(view))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "KIND_NOT_ALLOWED",
                                "no role of this person may read this kind of resource");
    WARD_TRY(read_request(l));
    ward_db_deadline(l->w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_db_tx(l->w->event_ctx.db, in_tx, l, c->err));
    r->records = l->record;
    r->n_records = l->n_records;
    r->total_is_more = l->total > SEARCH_TOTAL_MOST;
    r->total = (int32_t)(r->total_is_more ? SEARCH_TOTAL_MOST : l->total);
    if (l->n_records == l->ids.n)
        return WARD_OK;
    l->from.asked_us = l->s.asked_us;
    memcpy(l->from.id, l->ids.at[l->n_records - 1][0].p, RECORDS_ID);
    return cursor_seal(l->w->rec->keys, c->mem, req, view->actor, &l->from, &r->next_page_token,
                       c->err);
}
