/* ListConflicts, ResolveConflict. */
#include "services/dosage/downtime/conflict.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Dosage__V1__Conflict Conflict;
typedef Ward__Dosage__V1__ListConflictsRequest ListRequest;
typedef Ward__Dosage__V1__ListConflictsResponse ListResponse;
typedef Ward__Dosage__V1__ResolveConflictRequest ResolveRequest;
typedef Ward__Dosage__V1__ResolveConflictResponse ResolveResponse;

#define WHICH(name) WARD__DOSAGE__V1__RESOLVE_CONFLICT_REQUEST__WHICH__WHICH_##name
#define PAGE_USUAL  50
#define PAGE_MOST   200

static enum ward_code of_ward(struct ward_call *c, const char *ward, struct ward_err *err)
{
    if (!rule_ward(c->who->roles, c->who->n_roles, c->who->ward, ward))
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "WARD_NOT_YOURS",
                                "the ward is not the ward of the person's token");
    return WARD_OK;
}

/* ---- ListConflicts ---- */

struct listing {
    struct ward_call *call;
    struct ward_event event;
    const ListRequest *req;
    uint8_t after[DOSAGE_ID];
    int page;
    ListResponse *r;
};

/* Writes one event for each displayed patient, even if a patient has several conflicts. */
static enum ward_code tell(struct listing *l, struct ward_db *db, struct ward_err *err)
{
    size_t n = l->r->n_conflicts, m = 0;
    struct ward_event *events = ward_alloc(l->call->mem, (n + 1) * sizeof(*events));

    if (events == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the events");
    for (size_t i = 0; i < n; i++) {
        const char *who = l->r->conflicts[i]->offline->patient_id;
        bool told = false;

        for (size_t k = 0; k < m && !told; k++)
            told = strcmp(events[k].patient, who) == 0;
        if (!told)
            ward_event_another(&l->event, who, &events[m++]);
    }
    if (m == 0)
        events[m++] = l->event;
    return ward_event_write_many(events, m, db, err);
}

static enum ward_code list_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct listing *l = arg;
    struct worker *w = l->call->wrk;
    struct ward_arena *mem = l->call->mem;
    struct conflict *all;
    size_t n, shown;

    WARD_TRY(conflicts_of(w, mem, l->req->ward, l->after, (size_t)l->page + 1, &all, &n, err));
    shown = n > (size_t)l->page ? (size_t)l->page : n;
    l->r->n_conflicts = 0;
    l->r->conflicts = ward_alloc(mem, (shown + 1) * sizeof(Conflict *));
    if (l->r->conflicts == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    for (size_t i = 0; i < shown; i++)
        WARD_TRY(conflict_say(w, mem, &all[i], &l->r->conflicts[l->r->n_conflicts++], err));
    if (n > shown)
        l->r->next_page_token = l->r->conflicts[shown - 1]->conflict_id;
    return tell(l, db, err);
}

enum ward_code list_conflicts_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    struct listing l = {.call = c, .req = (const ListRequest *)q, .r = (ListResponse *)r};
    struct worker *w = c->wrk;

    WARD_TRY(api_begin(c, &l.event, NULL));
    if (!rule_is_ward(l.req->ward))
        return WARD_FAIL_FIELD(c->err, "ward",
                               "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
    WARD_TRY(of_ward(c, l.req->ward, c->err));
    WARD_TRY(ward_call_page(c, l.req->page_size, PAGE_USUAL, PAGE_MOST, &l.page));
    if (*l.req->page_token != '\0' && !ward_uuid_parse(l.req->page_token, l.after))
        return ward_err_about(c->err,
                              WARD_FAIL_REASON(c->err, INVALID_ARGUMENT, "PAGE_TOKEN_INVALID",
                                               "page_token does not belong to this query"),
                              "page_token");
    return ward_db_tx(w->event_ctx.db, list_in_tx, &l, c->err);
}

/* ---- ResolveConflict ---- */

struct resolving {
    struct visit v;
    const ResolveRequest *req;
    uint8_t id[DOSAGE_ID];
    char text[37];
    const struct ruleset *rules;
    bool has_second;
    struct ward_principal second;
    Conflict *answer;
};

/* Writes the dose's next version: the dose was not given as charted. A dose that was already
 * taken back is unchanged. */
static enum ward_code take_back(struct resolving *s, const Dose *was, bool frees,
                                struct ward_err *err)
{
    struct dose_write what = {.free_slot = frees};
    Dose *now, *next;

    WARD_TRY(visit_lock(&s->v, was, &now, err));
    if (now->entered_in_error)
        return WARD_OK;
    if (!s->has_second && dose_counts(now) && is_high_alert_dose(s->rules, now))
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "SECOND_PERSON_NEEDED",
                                "the withdrawal of a high-alert dose requires a second person");
    WARD_TRY(visit_next(&s->v, now, &next, err));
    next->entered_in_error = true;
    next->correction_code = s->req->reason_code;
    next->confirmed_by = api_text(s->has_second ? s->second.subject : "");
    what.dose = next;
    WARD_TRY(dose_due(next, &what.due_us, err));
    return dose_write(s->v.w, s->v.c->mem, &what, err);
}

/* Assigns the slot to the other dose. */
static enum ward_code take_slot(struct resolving *s, const Dose *was, struct ward_err *err)
{
    struct dose_write what = {.take_slot = true};
    Dose *now, *next;

    WARD_TRY(visit_lock(&s->v, was, &now, err));
    if (now->entered_in_error)
        return WARD_OK;
    WARD_TRY(visit_next(&s->v, now, &next, err));
    next->correction_code = s->req->reason_code;
    what.dose = next;
    WARD_TRY(dose_due(next, &what.due_us, err));
    return dose_write(s->v.w, s->v.c->mem, &what, err);
}

static enum ward_code apply(struct resolving *s, const Conflict *c, struct ward_err *err)
{
    if (s->req->which == WHICH(CHARTED))
        return take_back(s, c->offline, false, err);
    if (s->req->which == WHICH(BOTH))
        return WARD_OK;
    WARD_TRY(take_back(s, c->charted, true, err));
    return take_slot(s, c->offline, err);
}

static enum ward_code decide_it(struct resolving *s, struct ward_err *err)
{
    struct ward_call *c = s->v.c;
    struct conflict k;
    Conflict *now;

    WARD_TRY(conflict_find(s->v.w, c->mem, s->id, true, &k, err));
    WARD_TRY(of_ward(c, k.ward, err));
    if (k.resolved_at_us != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "CONFLICT_RESOLVED",
                                "the conflict is already resolved");
    WARD_TRY(conflict_say(s->v.w, c->mem, &k, &now, err));
    if (s->has_second)
        WARD_TRY(witness_use(c, &s->v.idem, &s->second, err));
    WARD_TRY(apply(s, now, err));
    return conflict_decide(s->v.w, c->mem, s->id, c->who->subject, (int)s->req->which,
                           s->v.now_us, err);
}

static enum ward_code resolve_in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct resolving *s = arg;
    struct ward_call *c = s->v.c;
    ResolveResponse kept = WARD__DOSAGE__V1__RESOLVE_CONFLICT_RESPONSE__INIT;
    struct ward_event event = s->v.event;
    ProtobufCMessage *was = NULL;
    struct conflict k;

    WARD_TRY(ward_call_stored_answer(c, db, &s->v.idem,
                                     &ward__dosage__v1__resolve_conflict_response__descriptor,
                                     &was, err));
    if (was == NULL)
        WARD_TRY(decide_it(s, err));
    WARD_TRY(conflict_find(s->v.w, c->mem, s->id, false, &k, err));
    WARD_TRY(conflict_say(s->v.w, c->mem, &k, &s->answer, err));
    ward_event_note(&event, "conflict", s->text);
    ward_event_note_int(&event, "which", s->req->which);
    if (s->has_second)
        ward_event_note(&event, "second_person", s->second.subject);
    WARD_TRY(ward_event_write(&event, db, err));
    return was != NULL ? WARD_OK : ward_call_store_answer(c, db, &s->v.idem, &kept.base, err);
}

static enum ward_code beside(struct resolving *s, const char *ward)
{
    const char *token = s->req->second_person_token;

    s->has_second = *token != '\0';
    return s->has_second ? witness(s->v.c, &s->v.idem, token, ward, &s->second) : WARD_OK;
}

/* Callers without access to the patient get the answer for a nonexistent conflict. */
static enum ward_code see(struct resolving *s, struct conflict *k)
{
    struct ward_call *c = s->v.c;
    struct ward_err why = {0};
    enum ward_code code;
    Dose *offline;

    WARD_TRY(conflict_find(s->v.w, c->mem, s->id, false, k, c->err));
    WARD_TRY(of_ward(c, k->ward, c->err));
    code = dose_find(s->v.w, c->mem, k->offline, false, &offline, &why);
    if (code == WARD_OK)
        code = chart_may(c, offline->patient_id, &s->v.chart);
    else
        *c->err = why;
    if (code == WARD_NOT_FOUND)
        return WARD_FAIL_REASON(c->err, NOT_FOUND, "CONFLICT_NOT_FOUND", "no such conflict");
    WARD_TRY(code);
    return api_begin(c, &s->v.event, s->v.chart.text);
}

enum ward_code resolve_conflict_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    struct resolving s = {.req = (const ResolveRequest *)q};
    struct conflict k;

    WARD_TRY(visit_begin(&s.v, c, NULL, s.req->idempotency_key, q));
    WARD_TRY(ward_call_id(c, "conflict_id", s.req->conflict_id, s.id, s.text));
    if (s.req->which < WHICH(CHARTED) || s.req->which > WHICH(BOTH))
        return WARD_FAIL_FIELD(c->err, "which", "must be CHARTED, OFFLINE or BOTH");
    WARD_TRY(see(&s, &k));
    WARD_TRY(ruleset_active(s.v.w, c->mem, &s.rules, c->err));
    WARD_TRY(reason_check(&s.v, s.rules, "reason_code", s.req->reason_code, USE(CORRECTION),
                          c->err));
    WARD_TRY(beside(&s, k.ward));
    WARD_TRY(ward_db_tx(s.v.w->event_ctx.db, resolve_in_tx, &s, c->err));
    ((ResolveResponse *)r)->conflict = s.answer;
    return WARD_OK;
}
