/* AccessLog: lists all reads and changes of a patient's record. */
#include "services/records/access/log.h"
#include "services/records/access/page.h"

#include "common/base/text.h"

#include <stdlib.h>
#include <string.h>

typedef Ward__Records__V1__AccessLogRequest LogRequest;
typedef Ward__Records__V1__AccessLogResponse LogResponse;
typedef Ward__Records__V1__AccessEntry Entry;

int log_order(const struct log_place *a, const struct log_place *b)
{
    if (a->at_us != b->at_us)
        return a->at_us > b->at_us ? -1 : 1;
    if (a->index != b->index)
        return a->index > b->index ? -1 : 1;
    return memcmp(b->event_id, a->event_id, sizeof(a->event_id));
}

static int by_place(const void *a, const void *b)
{
    const struct log_entry *x = a, *y = b;

    return log_order(&x->place, &y->place);
}

const struct log_entry *log_with(const struct log_page *p, const uint8_t event_id[16])
{
    for (size_t i = 0; i < p->n_entries; i++)
        if (memcmp(p->entry[i].place.event_id, event_id, 16) == 0)
            return &p->entry[i];
    return NULL;
}

static bool wanted(const struct log_page *p, const struct log_place *at)
{
    if (at->at_us < p->from_us || (p->to_us != 0 && at->at_us >= p->to_us))
        return false;
    return !p->has_after || log_order(&p->after, at) < 0;
}

enum ward_code log_add(struct log_page *p, const Event *e, int64_t index, struct ward_err *err)
{
    struct log_entry add = {.place = {.at_us = e->occurred_at_us, .index = index}, .event = e};
    struct log_entry *known;

    if (!ward_uuid_parse(e->event_id, add.place.event_id))
        return WARD_FAIL_REASON(err, DATA_LOSS, "AUDIT_DIFFERS", "an event has no id");
    if (!wanted(p, &add.place))
        return WARD_OK;
    known = (struct log_entry *)(uintptr_t)log_with(p, add.place.event_id);
    if (known != NULL) {
        *known = add;
        return WARD_OK;
    }
    if (p->n_entries == p->cap)
        return WARD_FAIL_REASON(err, DATA_LOSS, "AUDIT_DIFFERS",
                                "audit returned more than requested");
    p->entry[p->n_entries++] = add;
    return WARD_OK;
}

/* ---- the answer ---- */

struct logging {
    struct ward_call *c;
    const LogRequest *req;
    LogResponse *resp;
    struct ward_event event;
    struct view view;
    uint8_t patient[RECORDS_ID];
    struct log_page page;
};

/* Permits patients for their own log, and privacy officers for any log. Other roles of the
 * caller have no effect. */
static enum ward_code begin(struct logging *l)
{
    static const char *const roles[] = {"patient", "privacy-officer"};
    struct worker *w = l->c->wrk;
    char *text = ward_alloc(l->c->mem, 37);

    if (text == NULL)
        return WARD_FAIL(l->c->err, RESOURCE_EXHAUSTED, "no memory for the call");
    WARD_TRY(ward_call_id(l->c, "patient_id", l->req->patient_id, l->patient, text));
    ward_event_begin(&l->event, l->c, &w->event_ctx, text);
    WARD_TRY(view_of(l->c, USE_READ, &l->view, l->c->err));
    view_only(&l->view, l->c, USE_READ, roles, WARD_COUNT(roles));
    WARD_TRY(view_allows(&l->view, l->c, USE_READ, KIND_PATIENT, l->c->err));
    ward_db_deadline(w->event_ctx.db, l->c->deadline_ns);
    return view_covers(w, l->c->mem, &l->view, KIND_PATIENT, 0, l->patient, l->c->err);
}

static enum ward_code chart(struct logging *l)
{
    static const char sql[] = "SELECT q.patient_id FROM patient p"
                              " JOIN patient q ON q.root_id = p.root_id WHERE p.patient_id = ?";
    struct worker *w = l->c->wrk;
    struct log_page *p = &l->page;
    uint8_t(*ids)[RECORDS_ID];
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, l->c->mem, sql,
                         WARD_PARAMS(ward_blob(l->patient, RECORDS_ID)), &rows, l->c->err));
    p->n_chart = rows.n;
    p->cap = rows.n * (2 * p->most + 128);
    ids = ward_alloc(l->c->mem, rows.n * sizeof(*ids));
    p->entry = ward_alloc(l->c->mem, p->cap * sizeof(*p->entry));
    if (ids == NULL || p->entry == NULL)
        return WARD_FAIL(l->c->err, RESOURCE_EXHAUSTED, "no memory for the page");
    for (size_t i = 0; i < rows.n; i++)
        memcpy(ids[i], rows.at[i][0].p, RECORDS_ID);
    p->chart = (const uint8_t(*)[RECORDS_ID])ids;
    return WARD_OK;
}

static const char *question(struct logging *l)
{
    return ward_printf(l->c->mem, "%s %lld %lld", l->event.patient, (long long)l->req->from_us,
                       (long long)l->req->to_us);
}

static enum ward_code ask_for(struct logging *l, const char *what)
{
    const LogRequest *q = l->req;
    int most;

    if (q->from_us < 0 || q->to_us < 0 || (q->to_us != 0 && q->to_us <= q->from_us))
        return WARD_FAIL_FIELD(l->c->err, "to_us",
                               "must be after from_us, and neither may be negative");
    WARD_TRY(ward_call_page(l->c, q->page_size, 50, 200, &most));
    l->page = (struct log_page){
        .c = l->c, .from_us = q->from_us, .to_us = q->to_us, .most = (size_t)most};
    return page_place(l->c, what, q->page_token, &l->page.after, sizeof(l->page.after),
                      &l->page.has_after);
}

static const char *glass_in(const Event *e)
{
    for (size_t i = 0; i < e->n_detail; i++)
        if (strcmp(e->detail[i]->key, "glass") == 0)
            return e->detail[i]->value;
    return "";
}

static const char *outcome_of(const Event *e)
{
    return e->outcome == WARD__AUDIT__V1__OUTCOME__OUTCOME_SUCCESS   ? "SUCCESS"
           : e->outcome == WARD__AUDIT__V1__OUTCOME__OUTCOME_REFUSED ? "REFUSED"
                                                                     : "FAILURE";
}

static void entry_of(const struct log_entry *from, Entry *out)
{
    const Event *e = from->event;

    ward__records__v1__access_entry__init(out);
    out->at_us = e->occurred_at_us;
    out->actor = e->actor;
    out->peer = e->peer;
    out->service = e->service;
    out->action = e->action;
    out->purpose = e->purpose;
    out->outcome = api_text(outcome_of(e));
    out->glass_id = api_text(glass_in(e));
    out->event_id = e->event_id;
    out->in_audit = from->place.index != LOG_NO_INDEX;
    out->leaf_index = out->in_audit ? (uint64_t)from->place.index : 0;
}

static enum ward_code answer(struct logging *l, const char *what)
{
    struct log_page *p = &l->page;
    Entry *all = ward_alloc(l->c->mem, p->n_entries * sizeof(*all));

    l->resp->entries = ward_alloc(l->c->mem, p->n_entries * sizeof(Entry *));
    if (all == NULL || l->resp->entries == NULL)
        return WARD_FAIL(l->c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < p->n_entries; i++) {
        entry_of(&p->entry[i], &all[i]);
        l->resp->entries[i] = &all[i];
        l->resp->pending += all[i].in_audit ? 0 : 1;
    }
    l->resp->n_entries = p->n_entries;
    if (!p->more)
        return WARD_OK;
    return page_token(l->c, what, &p->entry[p->n_entries - 1].place, sizeof(struct log_place),
                      &l->resp->next_page_token);
}

static enum ward_code read_page(struct logging *l)
{
    struct log_page *p = &l->page;

    WARD_TRY(log_read_local(p, l->c->err));
    WARD_TRY(log_ask_audit(p, l->c->err));
    qsort(p->entry, p->n_entries, sizeof(*p->entry), by_place);
    p->more = p->n_entries > p->most;
    if (p->more)
        p->n_entries = p->most;
    WARD_TRY(log_check(p, l->c->err));
    return p->has_after ? WARD_OK : log_checkpoint(p, &l->resp->checkpoint, l->c->err);
}

static enum ward_code tell_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct logging *l = arg;

    (void)db;
    return tell(l->c->wrk, &l->event, &l->view, l->patient, err);
}

enum ward_code access_log_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    struct logging l = {.c = c, .req = (const LogRequest *)q, .resp = (LogResponse *)r};
    struct worker *w = c->wrk;
    const char *what;

    WARD_TRY(begin(&l));
    what = question(&l);
    if (what == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the call");
    WARD_TRY(ask_for(&l, what));
    WARD_TRY(chart(&l));
    WARD_TRY(read_page(&l));
    WARD_TRY(answer(&l, what));
    return ward_db_tx(w->event_ctx.db, tell_in_tx, &l, c->err);
}
