/* ListGlass and ReviewGlass: a privacy officer reviews every break-glass grant. */
#include "services/records/access/glass.h"
#include "services/records/access/page.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Records__V1__ListGlassRequest ListRequest;
typedef Ward__Records__V1__ListGlassResponse ListResponse;
typedef Ward__Records__V1__ReviewGlassRequest ReviewRequest;
typedef Ward__Records__V1__ReviewGlassResponse ReviewResponse;

static enum ward_code begin(struct ward_call *c, struct ward_event *a, struct view *out)
{
    static const char *const roles[] = {"privacy-officer"};
    struct worker *w = c->wrk;

    ward_event_begin(a, c, &w->event_ctx, NULL);
    WARD_TRY(view_of(c, USE_READ, out, c->err));
    view_only(out, c, USE_READ, roles, WARD_COUNT(roles));
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    return view_allows(out, c, USE_READ, KIND_PATIENT, c->err);
}

/* ---- the list ---- */

struct place {
    int64_t from_us;
    uint8_t id[RECORDS_ID];
};
struct listing {
    struct ward_call *c;
    const ListRequest *req;
    ListResponse *resp;
    struct ward_event event;
    struct view view;
    struct place after;
    int most;
};

static enum ward_code select_page(struct listing *l, struct ward_rows *out,
                                  struct ward_err *err)
{
    static const char waiting[] =
        "SELECT " GLASS_COLUMNS " FROM glass g WHERE g.reviewed_at_us IS NULL"
        " AND (g.from_us > ? OR (g.from_us = ? AND g.glass_id > ?))"
        " ORDER BY g.from_us, g.glass_id LIMIT ?";
    static const char all[] = "SELECT " GLASS_COLUMNS " FROM glass g"
                              " WHERE g.from_us > ? OR (g.from_us = ? AND g.glass_id > ?)"
                              " ORDER BY g.from_us, g.glass_id LIMIT ?";
    struct ward_arena *mem = l->c->mem;
    struct worker *w = l->c->wrk;
    struct ward_val from = ward_int(mem, l->after.from_us);

    return ward_db_run(
        w->event_ctx.db, mem, l->req->reviewed_too ? all : waiting,
        WARD_PARAMS(from, from, ward_blob(l->after.id, RECORDS_ID), ward_int(mem, l->most + 1)),
        out, err);
}

static enum ward_code fill(struct listing *l, const struct ward_rows *rows, size_t n,
                           struct ward_err *err)
{
    struct ward_arena *mem = l->c->mem;
    Glass *all = ward_alloc(mem, n * sizeof(*all));

    l->resp->glass = ward_alloc(mem, n * sizeof(Glass *));
    if (all == NULL || l->resp->glass == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < n; i++) {
        WARD_TRY(glass_of(l->c->wrk, mem, rows->at[i], &all[i], err));
        l->resp->glass[i] = &all[i];
    }
    l->resp->n_glass = n;
    return WARD_OK;
}

/* Writes an event for each patient whose grant is listed. */
static enum ward_code tell_shown(struct listing *l, const struct ward_rows *rows, size_t n,
                                 struct ward_err *err)
{
    uint8_t(*patients)[RECORDS_ID] = ward_alloc(l->c->mem, (n + 1) * sizeof(*patients));
    size_t kept = 0;

    if (patients == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the audit events");
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;

        while (at < kept && memcmp(patients[at], rows->at[i][1].p, RECORDS_ID) != 0)
            at++;
        if (at == kept)
            memcpy(patients[kept++], rows->at[i][1].p, RECORDS_ID);
    }
    return tell_each(l->c->wrk, &l->event, &l->view, (const uint8_t(*)[RECORDS_ID])patients,
                     kept, err);
}

static enum ward_code list_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct listing *l = arg;
    struct ward_rows rows;
    size_t n;

    (void)db;
    WARD_TRY(select_page(l, &rows, err));
    n = rows.n > (size_t)l->most ? (size_t)l->most : rows.n;
    WARD_TRY(fill(l, &rows, n, err));
    l->resp->next_page_token = api_text("");
    if (n < rows.n) {
        struct place last = {.from_us = l->resp->glass[n - 1]->from_us};

        memcpy(last.id, rows.at[n - 1][0].p, RECORDS_ID);
        WARD_TRY(page_token(l->c, l->req->reviewed_too ? "all" : "waiting", &last, sizeof(last),
                            &l->resp->next_page_token));
    }
    return tell_shown(l, &rows, n, err);
}

enum ward_code list_glass_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    struct listing l = {.c = c,
                        .req = (const ListRequest *)q,
                        .resp = (ListResponse *)r,
                        .after = {.from_us = -1}};
    struct worker *w = c->wrk;
    bool given;

    WARD_TRY(begin(c, &l.event, &l.view));
    WARD_TRY(ward_call_page(c, l.req->page_size, 50, 100, &l.most));
    WARD_TRY(page_place(c, l.req->reviewed_too ? "all" : "waiting", l.req->page_token, &l.after,
                        sizeof(l.after), &given));
    return ward_db_tx(w->event_ctx.db, list_in_tx, &l, c->err);
}

/* ---- the review ---- */

struct review {
    struct ward_call *c;
    const ReviewRequest *req;
    ReviewResponse *resp;
    struct ward_event event;
    struct view view;
    uint8_t id[RECORDS_ID];
};

static enum ward_code find(struct review *v, const struct ward_val **row, struct ward_err *err)
{
    static const char sql[] =
        "SELECT " GLASS_COLUMNS " FROM glass g WHERE g.glass_id = ? FOR UPDATE";
    struct worker *w = v->c->wrk;
    struct ward_rows rows;

    WARD_TRY(ward_db_run(w->event_ctx.db, v->c->mem, sql,
                         WARD_PARAMS(ward_blob(v->id, RECORDS_ID)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "GLASS_NOT_FOUND",
                                "the break-glass grant does not exist");
    *row = rows.at[0];
    return WARD_OK;
}

static enum ward_code seal_note(struct review *v, const uint8_t *patient, struct ward_val *out,
                                struct ward_err *err)
{
    size_t n = strlen(v->req->note) + WARD_SEAL_EXTRA;
    uint8_t *sealed = ward_alloc(v->c->mem, n);
    enum ward_code code;
    struct patient p;

    *out = ward_text(NULL);
    if (sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the note");
    WARD_TRY(patient_find(v->c->wrk, v->c->mem, patient, false, &p, err));
    if (p.erased || *v->req->note == '\0')
        return WARD_OK; /* an erased patient has no key to encrypt the note */
    code = glass_seal(&p, v->id, GLASS_NOTE, v->req->note, sealed, err);
    patient_wipe(&p);
    *out = ward_blob(sealed, n);
    return code;
}

static enum ward_code put_verdict(struct review *v, Glass *g, const uint8_t *patient,
                                  struct ward_err *err)
{
    static const char sql[] = "UPDATE glass SET reviewed_by = ?, reviewed_at_us = ?,"
                              " verdict = ?, note = ? WHERE glass_id = ?";
    struct ward_arena *mem = v->c->mem;
    struct worker *w = v->c->wrk;
    struct ward_val note;

    if (g->verdict == v->req->verdict)
        return WARD_OK;
    if (g->verdict != WARD__RECORDS__V1__VERDICT__VERDICT_UNSPECIFIED)
        return WARD_FAIL_REASON(
            err, FAILED_PRECONDITION, "REVIEWED_OTHERWISE",
            "the break-glass grant was already reviewed with another verdict");
    WARD_TRY(seal_note(v, patient, &note, err));
    g->reviewed_by = api_text(v->view.actor);
    g->reviewed_at_us = v->view.now_us;
    g->verdict = v->req->verdict;
    return ward_db_run(w->event_ctx.db, mem, sql,
                       WARD_PARAMS(ward_text(g->reviewed_by), ward_int(mem, g->reviewed_at_us),
                                   ward_int(mem, g->verdict), note,
                                   ward_blob(v->id, RECORDS_ID)),
                       NULL, err);
}

static enum ward_code review_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct review *v = arg;
    const struct ward_val *row;
    Glass *g = ward_new(v->c->mem, Glass);

    (void)db;
    if (g == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    WARD_TRY(find(v, &row, err));
    WARD_TRY(glass_of(v->c->wrk, v->c->mem, row, g, err));
    tell_if_refused(v->c->wrk, (const uint8_t *)row[1].p);
    if (strcmp(g->actor, v->view.actor) == 0)
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "OWN_GLASS",
                                "a person may not review their own break-glass grant");
    WARD_TRY(put_verdict(v, g, (const uint8_t *)row[1].p, err));
    v->resp->glass = g;
    return tell(v->c->wrk, &v->event, &v->view, (const uint8_t *)row[1].p, err);
}

enum ward_code review_glass_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    struct review v = {.c = c, .req = (const ReviewRequest *)q, .resp = (ReviewResponse *)r};
    struct worker *w = c->wrk;

    WARD_TRY(begin(c, &v.event, &v.view));
    WARD_TRY(ward_call_id(c, "glass_id", v.req->glass_id, v.id, NULL));
    if ((int)v.req->verdict < 1 || (int)v.req->verdict > 2)
        return WARD_FAIL_FIELD(c->err, "verdict", "is not a known value");
    if (strlen(v.req->note) > 500)
        return WARD_FAIL_FIELD(c->err, "note", "must be at most 500 bytes");
    ward_event_note(&v.event, "glass", v.req->glass_id);
    ward_event_note(&v.event, "verdict",
                    v.req->verdict == WARD__RECORDS__V1__VERDICT__VERDICT_JUSTIFIED
                        ? "justified"
                        : "not_justified");
    return ward_db_tx(w->event_ctx.db, review_in_tx, &v, c->err);
}
