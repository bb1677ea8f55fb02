/* ListDuplicates and ResolveDuplicate: the queue of pairs of subjects that may be one
 * person. */
#include "services/identity/page.h"
#include "services/identity/subject/about.h"
#include "ward/identity/v1/gallery.pb-c.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Identity__V1__ListDuplicatesRequest ListRequest;
typedef Ward__Identity__V1__ListDuplicatesResponse ListResponse;
typedef Ward__Identity__V1__ResolveDuplicateRequest ResolveRequest;
typedef Ward__Identity__V1__ResolveDuplicateResponse ResolveResponse;
typedef Ward__Identity__V1__Duplicate Duplicate;

#define STATE(x) WARD__IDENTITY__V1__DUPLICATE_STATE__DUPLICATE_STATE_##x

struct pairs {
    struct ward_call *call;
    struct ward_event event;
    int64_t state, page;
    uint8_t after[IDENTITY_ID];
    struct ward_rows rows; /* one row more than a page, if there are more pairs */
};

static struct page_of page_of(const struct pairs *p)
{
    return (struct page_of){"duplicates page", p->state};
}

/* ---- the list ---- */

enum { ID, SUBJECT, OTHER, SCORE, THRESHOLD, FOUND, BY, AT };

static enum ward_code uuid_of(struct ward_call *c, struct ward_val id, char **out)
{
    char *text = ward_alloc(c->mem, 37);

    if (text == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    if (id.n != IDENTITY_ID)
        return WARD_FAIL(c->err, DATA_LOSS, "a pair cannot be read");
    ward_uuid_text((const uint8_t *)id.p, text);
    *out = text;
    return WARD_OK;
}

static enum ward_code fill_one(const struct pairs *p, const struct ward_val *row, Duplicate *d)
{
    struct ward_call *c = p->call;

    ward__identity__v1__duplicate__init(d);
    WARD_TRY(uuid_of(c, row[ID], &d->duplicate_id));
    WARD_TRY(uuid_of(c, row[SUBJECT], &d->subject_id));
    WARD_TRY(uuid_of(c, row[OTHER], &d->other_subject_id));
    if (!ward_f64(row[SCORE].p, &d->score) || !ward_f64(row[THRESHOLD].p, &d->threshold) ||
        !row_number(row[FOUND], &d->found_at_us) || !row_number(row[AT], &d->decided_at_us))
        return WARD_FAIL(c->err, DATA_LOSS, "a pair cannot be read");
    d->score = rule_score_told(&((struct worker *)c->wrk)->id->now.calibration, d->threshold,
                               d->score);
    d->state = (Ward__Identity__V1__DuplicateState)p->state;
    d->decided_by = api_text(row_text(row[BY]));
    return WARD_OK;
}

static enum ward_code fill(const struct pairs *p, ListResponse *resp)
{
    struct ward_call *c = p->call;
    size_t n = p->rows.n > (size_t)p->page ? (size_t)p->page : p->rows.n;
    Duplicate *list = ward_alloc(c->mem, n * sizeof(*list));
    struct page_of of;

    resp->duplicates = ward_alloc(c->mem, n * sizeof(list));
    if (list == NULL || resp->duplicates == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < n; i++) {
        WARD_TRY(fill_one(p, p->rows.at[i], &list[i]));
        resp->duplicates[i] = &list[i];
    }
    resp->n_duplicates = n;
    if (p->rows.n <= n)
        return WARD_OK;
    of = page_of(p);
    return page_next(c, &of, (const uint8_t *)p->rows.at[n - 1][ID].p, &resp->next_page_token);
}

static enum ward_code list_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    static const char SQL[] =
        "SELECT duplicate_id, subject_id, other_subject_id, score, threshold, found_at_us,"
        " decided_by, decided_at_us FROM duplicate WHERE state = ? AND duplicate_id > ?"
        " ORDER BY duplicate_id LIMIT ?";
    struct pairs *p = arg;
    struct ward_arena *mem = p->call->mem;
    struct ward_event event = p->event;

    WARD_TRY(ward_db_run(
        db, mem, SQL,
        WARD_PARAMS(ward_int(mem, p->state), id_val(p->after), ward_int(mem, p->page + 1)),
        &p->rows, err));
    return ward_event_write(&event, db, err);
}

static enum ward_code list_duplicates(struct ward_call *c, const ListRequest *req,
                                      ListResponse *resp)
{
    static const char *const states[] = {"", "open", "same", "different"};
    struct pairs p = {.call = c, .state = req->state};
    struct page_of of;

    ward_event_begin(&p.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(about_db(c), c->deadline_ns);
    if (p.state == STATE(UNSPECIFIED))
        p.state = STATE(OPEN);
    if (p.state < STATE(OPEN) || p.state > STATE(DIFFERENT))
        return WARD_FAIL_FIELD(c->err, "state", "is not a state of a pair");
    of = page_of(&p);
    WARD_TRY(page_size(c, req->page_size, &p.page));
    WARD_TRY(page_after(c, &of, req->page_token, p.after));
    ward_event_note(&p.event, "state", states[p.state]);
    WARD_TRY(ward_db_tx(about_db(c), list_in_tx, &p, c->err));
    return fill(&p, resp);
}

enum ward_code list_duplicates_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    return list_duplicates(c, (const ListRequest *)q, (ListResponse *)r);
}

/* ---- the decision ---- */

struct decision {
    struct ward_call *call;
    struct ward_event event;
    uint8_t id[IDENTITY_ID];
    int64_t state;
};

static enum ward_code state_now(struct decision *d, struct ward_db *db, int64_t *state,
                                char about[37], struct ward_err *err)
{
    struct ward_rows rows;

    WARD_TRY(ward_db_run(db, d->call->mem,
                         "SELECT state, subject_id FROM duplicate WHERE duplicate_id = ?"
                         " FOR UPDATE",
                         WARD_PARAMS(id_val(d->id)), &rows, err));
    if (rows.n == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "DUPLICATE_NOT_FOUND",
                                "the review queue has no pair with this id");
    if (!row_number(rows.at[0][0], state) || rows.at[0][1].n != IDENTITY_ID)
        return WARD_FAIL(err, DATA_LOSS, "a pair cannot be read");
    ward_uuid_text((const uint8_t *)rows.at[0][1].p, about);
    return WARD_OK;
}

static enum ward_code decide(struct decision *d, struct ward_db *db, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE duplicate SET state = ?, decided_by = ?, decided_at_us = ?"
        " WHERE duplicate_id = ?";
    struct ward_arena *mem = d->call->mem;

    return ward_db_run(db, mem, SQL,
                       WARD_PARAMS(ward_int(mem, d->state), ward_text(d->call->who->subject),
                                   ward_int(mem, ward_wall_us()), id_val(d->id)),
                       NULL, err);
}

static enum ward_code resolve_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct decision *d = arg;
    struct ward_event event = d->event;
    char about[37];
    int64_t now = 0;

    WARD_TRY(state_now(d, db, &now, about, err));
    event.patient = about;
    if (now != STATE(OPEN) && now != d->state)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "DUPLICATE_DECIDED",
                                "the pair already has a different decision");
    if (now == STATE(OPEN))
        WARD_TRY(decide(d, db, err));
    else
        ward_event_note(&event, "already", "yes");
    return ward_event_write(&event, db, err);
}

static enum ward_code resolve(struct ward_call *c, const ResolveRequest *req,
                              ResolveResponse *resp)
{
    struct decision d = {.call = c, .state = req->state};
    char text[37];

    ward_event_begin(&d.event, c, api_event_ctx(c), NULL);
    ward_db_deadline(about_db(c), c->deadline_ns);
    WARD_TRY(ward_call_id(c, "duplicate_id", req->duplicate_id, d.id, text));
    if (d.state != STATE(SAME) && d.state != STATE(DIFFERENT))
        return WARD_FAIL_FIELD(c->err, "state", "must be SAME or DIFFERENT");
    ward_event_note(&d.event, "pair", ward_strdup(c->mem, text));
    ward_event_note(&d.event, "decision", d.state == STATE(SAME) ? "same" : "different");
    WARD_TRY(ward_call_copy(c, d.event.event_text, &resp->event_id));
    return ward_db_tx(about_db(c), resolve_in_tx, &d, c->err);
}

enum ward_code resolve_duplicate_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    return resolve(c, (const ResolveRequest *)q, (ResolveResponse *)r);
}
