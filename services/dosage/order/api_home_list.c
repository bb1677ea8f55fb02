/* ListHomeMedicines: home medicines of a patient or a ward, each with its decision. */
#include "services/dosage/chart/statements.h"
#include "services/dosage/order/home.h"
#include "services/dosage/order/reading.h"

#include <string.h>

typedef Ward__Dosage__V1__ListHomeMedicinesRequest Request;
typedef Ward__Dosage__V1__ListHomeMedicinesResponse Response;
typedef Ward__Dosage__V1__ListedHomeMedicine Listed;

#define PAGE_USUAL   50
#define EARLIER_MOST ((size_t)20)

_Static_assert(STATEMENTS_MOST <= HOME_STATEMENTS, "a page is read in one query");

struct listing {
    struct reading r;
    const Request *q;
    bool of_patient;
    struct statement *statements;
    size_t n;
    struct home_row *rows;
    size_t n_rows;
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the home medicines");
}

/* ---- patient or ward ---- */

/* Refuses other wards to pharmacists, too: records returns only patients of the caller's ward,
 * and an incomplete list of another ward would look complete. */
static enum ward_code begin_ward(struct listing *l, struct ward_call *c)
{
    l->r.call = c;
    WARD_TRY(api_begin(c, &l->r.event, NULL));
    if (*l->q->ward == '\0')
        return WARD_FAIL_FIELD(c->err, "patient_id", "or ward is required");
    if (!rule_is_ward(l->q->ward))
        return WARD_FAIL_FIELD(c->err, "ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    if (l->q->history)
        return WARD_FAIL_FIELD(c->err, "history", "is only for a patient");
    if (strcmp(l->q->ward, c->who->ward) != 0)
        return WARD_FAIL_REASON(c->err, PERMISSION_DENIED, "WARD_NOT_YOURS",
                                "the ward is not the ward of the person's token");
    return WARD_OK;
}

static enum ward_code begin(struct listing *l, struct ward_call *c)
{
    l->of_patient = *l->q->patient_id != '\0';
    return l->of_patient ? reading_of(&l->r, c, l->q->patient_id) : begin_ward(l, c);
}

/* ---- the decisions ---- */

static enum ward_code find_rows(struct listing *l)
{
    struct ward_call *c = l->r.call;
    uint8_t(*ids)[DOSAGE_ID] = ward_alloc(c->mem, (l->n + 1) * sizeof(*ids));

    if (ids == NULL)
        return no_memory(c->err);
    for (size_t i = 0; i < l->n; i++)
        memcpy(ids[i], l->statements[i].id, DOSAGE_ID);
    return home_newest(c->wrk, c->mem, (const uint8_t(*)[DOSAGE_ID])ids, l->n, &l->rows,
                       &l->n_rows, c->err);
}

/* A decision about another patient does not count: it was made while both patients were
 * merged. */
static HomeReconciliation *decision_of(const struct listing *l, const struct statement *s)
{
    for (size_t i = 0; i < l->n_rows; i++)
        if (memcmp(l->rows[i].id, s->id, DOSAGE_ID) == 0 &&
            memcmp(l->rows[i].root, s->patient, DOSAGE_ID) == 0)
            return l->rows[i].msg;
    return NULL;
}

static enum ward_code add_earlier(struct listing *l, const struct statement *s, Listed *to)
{
    struct ward_call *c = l->r.call;
    const struct home_key of = {.id = s->id};
    HomeReconciliation **all;
    size_t n;

    WARD_TRY(home_versions(c->wrk, c->mem, &of, EARLIER_MOST + 1, &all, &n, c->err));
    if (n > 1) { /* all[0] is the newest decision */
        to->earlier = all + 1;
        to->n_earlier = n - 1;
    }
    return WARD_OK;
}

static enum ward_code add(struct listing *l, const struct statement *s, Response *resp)
{
    struct ward_call *c = l->r.call;
    HomeReconciliation *h = decision_of(l, s);
    bool decided = h != NULL && h->statement_version == s->medicine->record_version;
    Listed *to;

    if (l->q->undecided && decided)
        return WARD_OK;
    to = ward_new(c->mem, Listed);
    if (to == NULL)
        return no_memory(c->err);
    ward__dosage__v1__listed_home_medicine__init(to);
    to->patient_id = (char *)(uintptr_t)s->patient_text;
    to->medicine = s->medicine;
    to->decided = decided;
    to->reconciliation = h;
    if (l->q->history && h != NULL)
        WARD_TRY(add_earlier(l, s, to));
    resp->medicines[resp->n_medicines++] = to;
    return WARD_OK;
}

static enum ward_code fill(struct listing *l, Response *resp)
{
    struct ward_call *c = l->r.call;

    resp->medicines = ward_alloc(c->mem, (l->n + 1) * sizeof(Listed *));
    if (resp->medicines == NULL)
        return no_memory(c->err);
    for (size_t i = 0; i < l->n; i++)
        WARD_TRY(add(l, &l->statements[i], resp));
    return WARD_OK;
}

/* ---- audit events: one for each listed patient; for an empty list, one without a patient
 * ---- */

struct telling {
    struct ward_event *events;
    size_t n;
};

static enum ward_code tell_all(struct ward_db *db, void *arg, struct ward_err *err)
{
    const struct telling *t = arg;

    return ward_event_write_many(t->events, t->n, db, err);
}

static bool is_told(const struct telling *t, const char *patient)
{
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->events[i].patient, patient) == 0)
            return true;
    return false;
}

static enum ward_code tell(struct listing *l, const Response *resp)
{
    struct ward_call *c = l->r.call;
    struct worker *w = c->wrk;
    struct telling t = {.events =
                            ward_alloc(c->mem, (resp->n_medicines + 1) * sizeof(*t.events))};

    if (t.events == NULL)
        return no_memory(c->err);
    ward_event_note_int(&l->r.event, "found", (int64_t)resp->n_medicines);
    if (l->of_patient || resp->n_medicines == 0)
        return reading_tell(&l->r);
    for (size_t i = 0; i < resp->n_medicines; i++)
        if (!is_told(&t, resp->medicines[i]->patient_id))
            ward_event_another(&l->r.event, resp->medicines[i]->patient_id, &t.events[t.n++]);
    return ward_db_tx(w->event_ctx.db, tell_all, &t, c->err);
}

/* ---- the call ---- */

static enum ward_code list_home(struct ward_call *c, const Request *q, Response *resp)
{
    struct listing l = {.q = q};
    struct statements_ask ask = {.ward = q->ward, .page_token = q->page_token};

    WARD_TRY(begin(&l, c));
    WARD_TRY(ward_call_page(c, q->page_size, PAGE_USUAL, STATEMENTS_MOST, &ask.page));
    ask.of = l.of_patient ? &l.r.chart : NULL;
    WARD_TRY(statements_page(c, &ask, &l.statements, &l.n, &resp->next_page_token));
    WARD_TRY(find_rows(&l));
    WARD_TRY(fill(&l, resp));
    return tell(&l, resp);
}

enum ward_code list_home_medicines_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                       ProtobufCMessage *r)
{
    return list_home(c, (const Request *)q, (Response *)r);
}
