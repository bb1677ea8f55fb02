/* Search and SearchMany: pages of resources, and their audit events. */
#include "services/records/search/directory.h"
#include "services/records/search/run.h"

#include <stdio.h>
#include <string.h>

typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__SearchResponse SearchResponse;
typedef Ward__Records__V1__SearchManyRequest SearchManyRequest;
typedef Ward__Records__V1__SearchManyResponse SearchManyResponse;

#define MANY_MOST 32

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
}

/* ---- one search ---- */

static enum ward_code search_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct search_run *p = arg;
    struct ward_event event = p->event;

    (void)db;
    WARD_TRY(search_run_find(p, err));
    return tell_each(p->w, &event, &p->view, (const uint8_t(*)[RECORDS_ID])p->patient,
                     p->n_patients, err);
}

static enum ward_code search(struct ward_call *c, const SearchRequest *req,
                             SearchResponse *resp)
{
    struct search_run *p = ward_new(c->mem, struct search_run);

    if (p == NULL)
        return no_memory(c->err);
    *p = (struct search_run){.call = c, .w = c->wrk, .req = req, .resp = resp};
    WARD_TRY(search_run_begin(p));
    ward_event_note(&p->event, "kind", kind_name((enum kind)req->kind));
    if (kind_is_nobodys((enum kind)req->kind))
        return search_directory(c, &p->view, &p->event, req, resp);
    ward_db_deadline(p->w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_db_tx(p->w->event_ctx.db, search_in_tx, p, c->err));
    return search_run_answer(p);
}

enum ward_code search_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return search(c, (const SearchRequest *)q, (SearchResponse *)r);
}

/* ---- several searches ---- */

struct many {
    struct ward_call *call;
    struct worker *w;
    struct search_run *run;
    SearchResponse **resp;
    size_t n;
};

/* Lists each patient of the searches' results once. */
static enum ward_code all_patients(const struct many *m, uint8_t (**out)[RECORDS_ID], size_t *n,
                                   struct ward_err *err)
{
    size_t most = 0;

    for (size_t i = 0; i < m->n; i++)
        most += m->run[i].n_patients;
    *n = 0;
    *out = ward_alloc(m->call->mem, (most + 1) * sizeof(**out));
    if (*out == NULL)
        return no_memory(err);
    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 0; k < m->run[i].n_patients; k++) {
            const uint8_t *id = m->run[i].patient[k];
            size_t at = 0;

            while (at < *n && memcmp((*out)[at], id, RECORDS_ID) != 0)
                at++;
            if (at == *n)
                memcpy((*out)[(*n)++], id, RECORDS_ID);
        }
    return WARD_OK;
}

/* Notes each kind once in the event: "Encounter,Observation". */
static enum ward_code note_kinds(const struct many *m, struct ward_event *event,
                                 struct ward_err *err)
{
    char *kinds = ward_strdup(m->call->mem, "");

    for (size_t i = 0; i < m->n && kinds != NULL; i++) {
        bool had = false;

        for (size_t k = 0; k < i && !had; k++)
            had = m->run[k].req->kind == m->run[i].req->kind;
        if (!had)
            kinds = ward_printf(m->call->mem, "%s%s%s", kinds, *kinds == '\0' ? "" : ",",
                                kind_name((enum kind)m->run[i].req->kind));
    }
    if (kinds == NULL)
        return no_memory(err);
    ward_event_note(event, "kinds", kinds);
    return WARD_OK;
}

static enum ward_code many_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct many *m = arg;
    struct ward_event event = m->run[0].event;
    uint8_t(*patient)[RECORDS_ID];
    size_t bytes = 0, n;

    (void)db;
    for (size_t i = 0; i < m->n; i++) {
        WARD_TRY(search_run_find(&m->run[i], err));
        bytes += m->run[i].bytes;
        if (bytes > SEARCH_BYTES)
            return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "RESPONSE_TOO_LARGE",
                                    "the answers have more than 2.5 MiB: use Search");
    }
    WARD_TRY(note_kinds(m, &event, err));
    WARD_TRY(all_patients(m, &patient, &n, err));
    return tell_each(m->w, &event, &m->run[0].view, (const uint8_t(*)[RECORDS_ID])patient, n,
                     err);
}

static enum ward_code many_begin(struct many *m, const SearchManyRequest *req)
{
    const char *about = NULL;

    for (size_t i = 0; i < m->n; i++) {
        const SearchRequest *q = req->searches[i];
        const char *whose = search_about(q);
        char field[32];

        snprintf(field, sizeof(field), "searches[%zu]", i);
        if (whose == NULL || (about != NULL && strcmp(about, whose) != 0))
            return WARD_FAIL_FIELD(
                m->call->err, field,
                "must name one patient, and all searches must name the same patient");
        if (*q->page_token != '\0')
            return WARD_FAIL_FIELD(m->call->err, field,
                                   "has a page_token: use Search for further pages");
        if (kind_is_nobodys((enum kind)q->kind))
            return WARD_FAIL_FIELD(m->call->err, field, "has a kind without a patient");
        about = whose;
        m->resp[i] = ward_new(m->call->mem, SearchResponse);
        if (m->resp[i] == NULL)
            return no_memory(m->call->err);
        ward__records__v1__search_response__init(m->resp[i]);
        m->run[i] =
            (struct search_run){.call = m->call, .w = m->w, .req = q, .resp = m->resp[i]};
        WARD_TRY(search_run_begin(&m->run[i]));
    }
    return WARD_OK;
}

static enum ward_code search_many(struct ward_call *c, const SearchManyRequest *req,
                                  SearchManyResponse *resp)
{
    struct many m = {.call = c, .w = c->wrk, .n = req->n_searches};

    if (m.n == 0 || m.n > MANY_MOST)
        return WARD_FAIL_FIELD(c->err, "searches", "must be 1 to %d", MANY_MOST);
    m.run = ward_alloc(c->mem, m.n * sizeof(*m.run));
    m.resp = ward_alloc(c->mem, m.n * sizeof(*m.resp));
    if (m.run == NULL || m.resp == NULL)
        return no_memory(c->err);
    WARD_TRY(many_begin(&m, req));
    ward_db_deadline(m.w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_db_tx(m.w->event_ctx.db, many_in_tx, &m, c->err));
    for (size_t i = 0; i < m.n; i++)
        WARD_TRY(search_run_answer(&m.run[i]));
    resp->results = m.resp;
    resp->n_results = m.n;
    return WARD_OK;
}

enum ward_code search_many_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    return search_many(c, (const SearchManyRequest *)q, (SearchManyResponse *)r);
}
