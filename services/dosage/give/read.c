/* GetAdministration and ListUnacknowledged. */
#include "services/dosage/give/bedside.h"
#include "services/dosage/store/page.h"

#include <string.h>

typedef Ward__Dosage__V1__GetAdministrationRequest GetRequest;
typedef Ward__Dosage__V1__GetAdministrationResponse GetResponse;
typedef Ward__Dosage__V1__ListUnacknowledgedRequest ListRequest;
typedef Ward__Dosage__V1__ListUnacknowledgedResponse ListResponse;

#define PAGE_USUAL 50
#define PAGE_MOST  200

/* ---- one dose, with all versions ---- */

static enum ward_code tell(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct ward_event event = *(struct ward_event *)arg;

    return ward_event_write(&event, db, err);
}

static enum ward_code get(struct ward_call *c, const GetRequest *q, GetResponse *r)
{
    struct visit v = {0};
    uint8_t id[DOSAGE_ID];
    Dose *dose;

    WARD_TRY(visit_dose_of(&v, c, q->administration_id, &dose));
    WARD_TRY(ward_call_id(c, "administration_id", q->administration_id, id, NULL));
    WARD_TRY(dose_versions(v.w, c->mem, id, &r->versions, &r->n_versions, c->err));
    ward_event_note(&v.event, "administration", dose->administration_id);
    ward_event_note_int(&v.event, "versions", (int64_t)r->n_versions);
    return ward_db_tx(v.w->event_ctx.db, tell, &v.event, c->err);
}

/* ---- a ward's emergency doses without an acknowledgement ---- */

struct place {
    int64_t by_us;
    uint8_t id[DOSAGE_ID];
};

struct told {
    struct ward_event *events;
    size_t n;
};

static enum ward_code tell_all(struct ward_db *db, void *arg, struct ward_err *err)
{
    const struct told *t = arg;

    return ward_event_write_many(t->events, t->n, db, err);
}

enum ward_code doses_told(struct ward_call *c, struct ward_event *event, Dose **all, size_t n)
{
    struct worker *w = c->wrk;
    struct told t = {.n = n == 0 ? 1 : n};

    ward_event_note_int(event, "found", (int64_t)n);
    t.events = ward_alloc(c->mem, t.n * sizeof(*t.events));
    if (t.events == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the audit events");
    t.events[0] = *event;
    for (size_t i = 0; i < n; i++) {
        ward_event_another(event, all[i]->patient_id, &t.events[i]);
        ward_event_note(&t.events[i], "administration", all[i]->administration_id);
    }
    return ward_db_tx(w->event_ctx.db, tell_all, &t, c->err);
}

static enum ward_code next_page(struct ward_call *c, const char *question, ListResponse *r,
                                size_t page)
{
    struct place last;
    const Dose *d;

    if (r->n_administrations <= page)
        return WARD_OK;
    r->n_administrations = page;
    d = r->administrations[page - 1];
    last.by_us = d->acknowledge_by_us;
    if (!ward_uuid_parse(d->administration_id, last.id))
        return WARD_FAIL_REASON(c->err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a stored dose has no valid id");
    return page_token(c, question, &last, sizeof(last), &r->next_page_token);
}

static enum ward_code list(struct ward_call *c, const ListRequest *q, ListResponse *r)
{
    struct worker *w = c->wrk;
    struct place after = {.by_us = INT64_MIN};
    bool given = false;
    struct ward_event event;
    const char *question;
    int page;

    WARD_TRY(api_begin(c, &event, NULL));
    if (!rule_is_ward(q->ward))
        return WARD_FAIL_FIELD(c->err, "ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    if (!rule_ward(c->who->roles, c->who->n_roles, c->who->ward, q->ward))
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "WARD_NOT_YOURS",
                                "the ward is not the ward of the person's token");
    WARD_TRY(ward_call_page(c, q->page_size, PAGE_USUAL, PAGE_MOST, &page));
    question = ward_printf(c->mem, "%s %d", q->ward, page);
    if (question == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a list");
    WARD_TRY(page_place(c, question, q->page_token, &after, sizeof(after), &given));
    WARD_TRY(doses_unacknowledged(w, c->mem, q->ward, after.by_us, after.id, (size_t)page + 1,
                                  &r->administrations, &r->n_administrations, c->err));
    WARD_TRY(next_page(c, question, r, (size_t)page));
    return doses_told(c, &event, r->administrations, r->n_administrations);
}

enum ward_code get_administration_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                      ProtobufCMessage *r)
{
    return get(c, (const GetRequest *)q, (GetResponse *)r);
}

enum ward_code list_unacknowledged_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                       ProtobufCMessage *r)
{
    return list(c, (const ListRequest *)q, (ListResponse *)r);
}
