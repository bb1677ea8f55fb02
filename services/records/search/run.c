#include "services/records/search/run.h"

#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__SearchResponse SearchResponse;
typedef Ward__Records__V1__Record Record;

#define USUAL_PAGE 50
#define CHUNK      16 /* maximum versions read by one statement */

struct hit {
    uint8_t patient[RECORDS_ID], id[RECORDS_ID];
    int version;
    int64_t at_us;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
}

/* ---- places ---- */

static int newest_first(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;

    if (x->at_us != y->at_us)
        return x->at_us > y->at_us ? -1 : 1;
    return memcmp(y->id, x->id, RECORDS_ID);
}

static int oldest_first(const void *a, const void *b)
{
    return newest_first(b, a);
}

static enum ward_code add_hits(struct search_run *p, const struct ward_rows *rows,
                               struct ward_err *err)
{
    struct hit *more = ward_alloc(p->call->mem, (p->n_hits + rows->n) * sizeof(*more));

    if (more == NULL)
        return no_memory(err);
    if (p->n_hits > 0)
        memcpy(more, p->hit, p->n_hits * sizeof(*more));
    p->hit = more;
    for (size_t i = 0; i < rows->n; i++) {
        struct hit *h = &p->hit[p->n_hits++];
        int64_t version;

        memcpy(h->patient, rows->at[i][0].p, RECORDS_ID);
        memcpy(h->id, rows->at[i][1].p, RECORDS_ID);
        if (!ward_i64(rows->at[i][2].p, 1, INT32_MAX, &version) ||
            !ward_i64(rows->at[i][3].p, INT64_MIN, INT64_MAX, &h->at_us))
            return WARD_FAIL(err, DATA_LOSS, "a row of the table resource is invalid");
        h->version = (int)version;
    }
    return WARD_OK;
}

/* Sorts the hits in the page's order, removes duplicates, and truncates the list to one hit
 * more than a page. */
static void put_in_order(struct search_run *p)
{
    size_t n = 0, most = (size_t)p->s.page + 1;

    if (p->n_hits == 0)
        return;
    qsort(p->hit, p->n_hits, sizeof(*p->hit),
          p->s.order == WARD__RECORDS__V1__ORDER__ORDER_DATE_ASC ? oldest_first : newest_first);
    for (size_t i = 1; i < p->n_hits; i++)
        if (memcmp(p->hit[n].id, p->hit[i].id, RECORDS_ID) != 0)
            p->hit[++n] = p->hit[i];
    p->n_hits = n + 1 < most ? n + 1 : most;
}

/* ---- contents ---- */

static enum ward_code read_chunk(struct search_run *p, const struct hit *hits, size_t n,
                                 struct ward_rows *out, struct ward_err *err)
{
#define THIS "(v.patient_id = ? AND v.resource_id = ? AND v.version = ?)"
#define FOUR THIS " OR " THIS " OR " THIS " OR " THIS
    static const char sql[] =
        "SELECT " VERSION_COLUMNS " FROM version v FORCE INDEX (PRIMARY)" VERSION_KEYS
        " WHERE " FOUR " OR " FOUR " OR " FOUR " OR " FOUR;
    struct ward_val params[3 * CHUNK];

    for (size_t i = 0; i < CHUNK; i++) {
        const struct hit *h = &hits[i < n ? i : n - 1];

        params[3 * i] = ward_blob(h->patient, RECORDS_ID);
        params[3 * i + 1] = ward_blob(h->id, RECORDS_ID);
        params[3 * i + 2] = ward_int(p->call->mem, h->version);
    }
    return ward_db_run(p->w->event_ctx.db, p->call->mem, sql, params, WARD_COUNT(params), out,
                       err);
}

static const struct ward_val *row_of(const struct ward_rows *rows, const struct hit *h)
{
    for (size_t i = 0; i < rows->n; i++)
        if (memcmp(rows->at[i][0].p, h->id, RECORDS_ID) == 0)
            return rows->at[i];
    return NULL;
}

static void add_patient(struct search_run *p, const uint8_t patient[RECORDS_ID])
{
    for (size_t i = 0; i < p->n_patients; i++)
        if (memcmp(p->patient[i], patient, RECORDS_ID) == 0)
            return;
    memcpy(p->patient[p->n_patients++], patient, RECORDS_ID);
}

/* Decrypts one resource. Resources of patients who were erased between the two queries are
 * omitted. */
static enum ward_code open_one(struct search_run *p, const struct ward_val *row,
                               struct ward_err *err)
{
    struct version v;
    Record *record;

    if (row == NULL)
        return WARD_OK;
    version_of(row, &v);
    if (v.wrapped.p == NULL)
        return WARD_OK;
    WARD_TRY(chart_record(p->w, p->call->mem, &v, &record, err));
    p->record[p->n_records++] = record;
    p->bytes += protobuf_c_message_get_packed_size(&record->base);
    add_patient(p, v.patient);
    return WARD_OK;
}

/* Decrypts resources until the page or the answer is full. */
static enum ward_code open_all(struct search_run *p, struct ward_err *err)
{
    size_t most = p->n_hits < (size_t)p->s.page ? p->n_hits : (size_t)p->s.page;

    p->record = ward_alloc(p->call->mem, (most + 1) * sizeof(Record *));
    p->patient = ward_alloc(p->call->mem, (most + 1) * sizeof(*p->patient));
    if (p->record == NULL || p->patient == NULL)
        return no_memory(err);
    while (p->n_looked_at < most && p->bytes < SEARCH_BYTES) {
        size_t at = p->n_looked_at, n = most - at < CHUNK ? most - at : CHUNK;
        struct ward_rows rows;

        if (ward_call_cancelled(p->call))
            return WARD_FAIL(err, CANCELLED, "the caller disconnected");
        WARD_TRY(read_chunk(p, p->hit + at, n, &rows, err));
        for (size_t i = 0; i < n && p->bytes < SEARCH_BYTES; i++, p->n_looked_at++)
            WARD_TRY(open_one(p, row_of(&rows, &p->hit[at + i]), err));
    }
    return WARD_OK;
}

/* ---- a page ---- */

static enum ward_code look(struct search_run *p, struct ward_err *err)
{
    struct search s = p->s; /* a copy, because the plan changes it */
    struct ward_rows rows;
    struct plan plan;

    WARD_TRY(plan_make(p->w, p->call->mem, &s, &p->view, &plan, err));
    for (size_t i = 0; i < plan_branches(&plan); i++) {
        WARD_TRY(plan_page(&plan, p->w, p->call->mem, i, &p->from, p->s.page + 1, &rows, err));
        WARD_TRY(add_hits(p, &rows, err));
    }
    WARD_TRY(plan_lasting(&plan, p->w, p->call->mem, &p->from, p->s.page + 1, &rows, err));
    WARD_TRY(add_hits(p, &rows, err));
    if (!p->from.first) {
        WARD_TRY(plan_forget(p->w, p->call->mem, p->s.kind, p->view.now_us, err));
        WARD_TRY(
            plan_moved(&plan, p->w, p->call->mem, &p->from.from, p->s.page + 1, &rows, err));
        WARD_TRY(add_hits(p, &rows, err));
    }
    put_in_order(p);
    if (p->req->total == WARD__RECORDS__V1__TOTAL__TOTAL_BOUNDED)
        WARD_TRY(plan_total(&plan, p->w, p->call->mem, &p->total, err));
    return open_all(p, err);
}

/* Adds patients whose resource was requested by id, even if the resource is not readable, so
 * that their access log shows the attempt. */
static enum ward_code add_named(struct search_run *p, struct ward_err *err)
{
    static const char SQL[] = "SELECT patient_id FROM resource WHERE resource_id = ?";
    size_t most = p->n_patients;
    uint8_t(*all)[RECORDS_ID], id[RECORDS_ID];
    struct ward_rows rows;

    for (size_t i = 0; i < p->req->n_parameters; i++)
        most += p->req->parameters[i]->n_values;
    all = ward_alloc(p->call->mem, (most + 1) * sizeof(*all));
    if (all == NULL)
        return no_memory(err);
    if (p->n_patients > 0)
        memcpy(all, p->patient, p->n_patients * sizeof(*all));
    p->patient = all;
    for (size_t i = 0; i < p->req->n_parameters; i++) {
        const Ward__Records__V1__Parameter *q = p->req->parameters[i];

        for (size_t k = 0; strcmp(q->name, "_id") == 0 && k < q->n_values; k++) {
            if (!ward_uuid_parse(q->values[k], id))
                continue;
            WARD_TRY(ward_db_run(p->w->event_ctx.db, p->call->mem, SQL,
                                 WARD_PARAMS(ward_blob(id, sizeof(id))), &rows, err));
            if (rows.n == 1 && rows.at[0][0].n == RECORDS_ID)
                add_patient(p, (const uint8_t *)rows.at[0][0].p);
        }
    }
    return WARD_OK;
}

enum ward_code search_run_find(struct search_run *p, struct ward_err *err)
{
    p->hit = NULL;
    p->n_hits = p->n_records = p->n_looked_at = p->n_patients = p->bytes = 0;
    p->total = 0;
    WARD_TRY(look(p, err));
    return add_named(p, err);
}

/* ---- the request ---- */

const char *search_about(const SearchRequest *q)
{
    uint8_t id[RECORDS_ID];
    const char *found = NULL;

    for (size_t i = 0; i < q->n_parameters; i++) {
        const Ward__Records__V1__Parameter *p = q->parameters[i];
        const char *text;

        if (p->n_values != 1 ||
            (strcmp(p->name, "patient") != 0 && strcmp(p->name, "subject") != 0))
            continue;
        text = strncmp(p->values[0], "Patient/", 8) == 0 ? p->values[0] + 8 : p->values[0];
        if (ward_uuid_parse(text, id))
            found = text;
    }
    return found;
}

static enum ward_code check(struct ward_call *c, const SearchRequest *q)
{
    if (!kind_is((int)q->kind))
        return WARD_FAIL_FIELD(c->err, "kind", "is not a known value");
    if (!protobuf_c_enum_descriptor_get_value(&ward__records__v1__order__descriptor,
                                              (int)q->order))
        return WARD_FAIL_FIELD(c->err, "order", "is not a known value");
    if (!protobuf_c_enum_descriptor_get_value(&ward__records__v1__total__descriptor,
                                              (int)q->total))
        return WARD_FAIL_FIELD(c->err, "total", "is not a known value");
    return WARD_OK;
}

static enum ward_code read_request(struct search_run *p)
{
    struct ward_call *c = p->call;
    struct search_reader r = {.mem = c->mem, .keys = p->w->rec->keys, .err = c->err};
    struct cursor *from = &p->from.from;

    p->s.kind = (enum kind)p->req->kind;
    p->s.order = p->req->order;
    p->s.wrong_too = p->req->include_entered_in_error;
    p->s.asked_us = p->view.now_us;
    p->from.first = *p->req->page_token == '\0';
    WARD_TRY(ward_call_page(c, p->req->page_size, USUAL_PAGE, SEARCH_PAGE_MOST, &p->s.page));
    if (!p->from.first) {
        WARD_TRY(
            cursor_open(r.keys, c->mem, p->req, p->view.actor, p->view.now_us, from, c->err));
        p->s.asked_us = from->asked_us;
    }
    return search_read(&r, p->req, &p->s);
}

enum ward_code search_run_begin(struct search_run *p)
{
    enum kind kind = (enum kind)p->req->kind;

    WARD_TRY(check(p->call, p->req));
    WARD_TRY(api_begin(p->call, &p->event, USE_READ, kind, search_about(p->req), &p->view));
    return kind_is_nobodys(kind) ? WARD_OK : read_request(p);
}

/* ---- the answer ---- */

enum ward_code search_run_answer(struct search_run *p)
{
    SearchResponse *r = p->resp;
    struct cursor next = {.asked_us = p->s.asked_us};

    r->records = p->record;
    r->n_records = p->n_records;
    r->total_is_more = p->total > SEARCH_TOTAL_MOST;
    r->total = (int32_t)(r->total_is_more ? SEARCH_TOTAL_MOST : p->total);
    if (p->n_looked_at == p->n_hits)
        return WARD_OK;
    next.at_us = p->hit[p->n_looked_at - 1].at_us;
    memcpy(next.id, p->hit[p->n_looked_at - 1].id, RECORDS_ID);
    return cursor_seal(p->w->rec->keys, p->call->mem, p->req, p->view.actor, &next,
                       &r->next_page_token, p->call->err);
}
