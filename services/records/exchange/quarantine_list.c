/* ListQuarantine and GetQuarantined. */
#include "services/records/api.h"
#include "services/records/exchange/quarantine_own.h"

#include "common/base/text.h"

#include <string.h>

typedef Ward__Records__V1__ListQuarantineRequest ListRequest;
typedef Ward__Records__V1__ListQuarantineResponse ListResponse;
typedef Ward__Records__V1__GetQuarantinedRequest GetRequest;
typedef Ward__Records__V1__GetQuarantinedResponse GetResponse;

#define PAGE      50
#define PAGE_MOST 100
#define TAG       16
#define CURSOR    (8 + RECORDS_ID) /* at_us and item_id of the last listed item */
#define TOKEN     (CURSOR + TAG)

struct listing {
    struct ward_call *call;
    struct worker *w;
    struct ward_event event;
    const ListRequest *req;
    int page;
    int64_t after_us;
    uint8_t after[RECORDS_ID];
    struct ward_rows rows; /* one row more than a page, if there are more items */
};

/* ---- pages ---- */

/* Binds a cursor to its query and its caller. */
static enum ward_code tag(const struct listing *l, const uint8_t cursor[CURSOR],
                          uint8_t out[TAG], struct ward_err *err)
{
    struct ward_arena *mem = l->call->mem;
    char hex[2 * CURSOR + 1], *text;
    uint8_t sum[WARD_SHA256_SIZE];

    ward_hex(cursor, CURSOR, hex);
    text = ward_printf(mem, "%s %d %s %s", hex, l->req->decided_too, l->call->who->subject,
                       l->req->import_id);
    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the page");
    WARD_TRY(
        ward_keyring_hash(l->w->rec->keys, "quarantine page", text, strlen(text), sum, err));
    memcpy(out, sum, TAG);
    return WARD_OK;
}

static enum ward_code from_token(struct listing *l, const char *token)
{
    struct ward_err *err = l->call->err;
    uint8_t t[TOKEN], want[TAG];
    size_t n = 0;

    l->after_us = INT64_MIN;
    if (*token == '\0')
        return WARD_OK;
    if (ward_unbase64url(token, strlen(token), t, sizeof(t), &n) && n == TOKEN) {
        WARD_TRY(tag(l, t, want, err));
        memcpy(&l->after_us, t, sizeof(l->after_us));
        memcpy(l->after, t + sizeof(l->after_us), RECORDS_ID);
        if (ward_equal(want, t + CURSOR, TAG))
            return WARD_OK;
    }
    return ward_err_about(err,
                          WARD_FAIL_REASON(err, INVALID_ARGUMENT, "PAGE_TOKEN_INVALID",
                                           "page_token does not belong to this query"),
                          "page_token");
}

static enum ward_code next_token(const struct listing *l, const struct item *last, char **out)
{
    char *text = ward_alloc(l->call->mem, WARD_BASE64_SIZE(TOKEN));
    uint8_t raw[TOKEN];

    if (text == NULL)
        return WARD_FAIL(l->call->err, RESOURCE_EXHAUSTED, "no memory for the page");
    memcpy(raw, &last->at_us, sizeof(last->at_us));
    memcpy(raw + sizeof(last->at_us), last->id, RECORDS_ID);
    WARD_TRY(tag(l, raw, raw + CURSOR, l->call->err));
    ward_base64url(raw, sizeof(raw), text);
    *out = text;
    return WARD_OK;
}

/* ---- the list ---- */

#define OLDEST_FIRST                                                                           \
    " (q.at_us > ? OR (q.at_us = ? AND q.item_id > ?)) ORDER BY q.at_us, q.item_id LIMIT ?"
#define SELECT_ITEMS "SELECT " ITEM_COLUMNS ITEM_FROM " WHERE"

static enum ward_code list_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char WAITING[] = SELECT_ITEMS " q.state = 1 AND" OLDEST_FIRST;
    static const char ALL[] = SELECT_ITEMS OLDEST_FIRST;
    static const char WAITING_OF[] =
        SELECT_ITEMS " q.import_id = ? AND q.state = 1 AND" OLDEST_FIRST;
    static const char ALL_OF[] = SELECT_ITEMS " q.import_id = ? AND" OLDEST_FIRST;
    struct listing *l = arg;
    struct ward_arena *mem = l->call->mem;
    bool of_import = *l->req->import_id != '\0', all = l->req->decided_too != 0;
    struct ward_event event = l->event;
    struct ward_val params[5], *p = params;

    if (of_import)
        *p++ = ward_text(l->req->import_id);
    *p++ = ward_int(mem, l->after_us);
    *p++ = ward_int(mem, l->after_us);
    *p++ = ward_blob(l->after, RECORDS_ID);
    *p++ = ward_int(mem, l->page + 1);
    WARD_TRY(ward_db_run(db, mem,
                         of_import ? (all ? ALL_OF : WAITING_OF) : (all ? ALL : WAITING),
                         params, (size_t)(p - params), &l->rows, err));
    return ward_event_write(&event, db, err);
}

static enum ward_code fill(const struct listing *l, ListResponse *resp)
{
    struct ward_call *c = l->call;
    size_t n = l->rows.n > (size_t)l->page ? (size_t)l->page : l->rows.n;
    QuarantineItem *items = ward_alloc(c->mem, n * sizeof(*items));
    struct item it = {0};

    resp->items = ward_alloc(c->mem, n * sizeof(*resp->items));
    if (items == NULL || resp->items == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < n; i++) {
        WARD_TRY(item_of_row(l->rows.at[i], &it, c->err));
        WARD_TRY(item_wire(l->w, c->mem, &it, &items[i], c->err));
        resp->items[i] = &items[i];
    }
    resp->n_items = n;
    return l->rows.n > n ? next_token(l, &it, &resp->next_page_token) : WARD_OK;
}

static enum ward_code list_quarantine(struct ward_call *c, const ListRequest *req,
                                      ListResponse *resp)
{
    struct worker *w = c->wrk;
    struct listing l = {.call = c, .w = w, .req = req};

    ward_event_begin(&l.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    if (strlen(req->import_id) > 128)
        return WARD_FAIL_FIELD(c->err, "import_id", "must be at most 128 bytes");
    WARD_TRY(ward_call_page(c, req->page_size, PAGE, PAGE_MOST, &l.page));
    WARD_TRY(from_token(&l, req->page_token));
    WARD_TRY(ward_db_tx(w->event_ctx.db, list_in_tx, &l, c->err));
    return fill(&l, resp);
}

enum ward_code list_quarantine_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    return list_quarantine(c, (const ListRequest *)q, (ListResponse *)r);
}

/* ---- one item ---- */

struct getting {
    struct ward_call *call;
    struct worker *w;
    struct ward_event event;
    uint8_t id[RECORDS_ID];
    QuarantineItem *out;
};

static enum ward_code get_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct getting *g = arg;
    struct ward_arena *mem = g->call->mem;
    struct ward_event event = g->event;
    struct item it;
    const char *url, *json;
    size_t n;

    WARD_TRY(item_find(g->w, mem, g->id, false, &it, err));
    WARD_TRY(item_wire(g->w, mem, &it, g->out, err));
    WARD_TRY(item_content(g->w, mem, &it, &url, &json, &n, err));
    g->out->json = api_text(json);
    if (it.patient.n == RECORDS_ID)
        return tell(g->w, &event, NULL, (const uint8_t *)it.patient.p, err);
    return ward_event_write(&event, db, err);
}

static enum ward_code get_quarantined(struct ward_call *c, const GetRequest *req,
                                      GetResponse *resp)
{
    struct worker *w = c->wrk;
    struct getting g = {.call = c, .w = w};
    char text[37];

    ward_event_begin(&g.event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_id(c, "item_id", req->item_id, g.id, text));
    ward_event_note(&g.event, "item", text);
    g.out = ward_new(c->mem, QuarantineItem);
    if (g.out == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    WARD_TRY(ward_db_tx(w->event_ctx.db, get_in_tx, &g, c->err));
    resp->item = g.out;
    return WARD_OK;
}

enum ward_code get_quarantined_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    return get_quarantined(c, (const GetRequest *)q, (GetResponse *)r);
}
