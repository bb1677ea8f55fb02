/* GetDecision, ListDecisions and ReplayDecision. */
#include "services/dosage/order/reading.h"
#include "services/dosage/store/page.h"

#include <string.h>

typedef Ward__Dosage__V1__GetDecisionRequest GetDecisionRequest;
typedef Ward__Dosage__V1__GetDecisionResponse GetDecisionResponse;
typedef Ward__Dosage__V1__ListDecisionsRequest ListDecisionsRequest;
typedef Ward__Dosage__V1__ListDecisionsResponse ListDecisionsResponse;
typedef Ward__Dosage__V1__ReplayDecisionRequest ReplayDecisionRequest;
typedef Ward__Dosage__V1__ReplayDecisionResponse ReplayDecisionResponse;

/* Callers without access to a patient get the answer for a nonexistent decision. */
static enum ward_code unseen(enum ward_code code, struct ward_err *err)
{
    if (code == WARD_NOT_FOUND && strcmp(err->reason, "PATIENT_NOT_FOUND") == 0)
        return WARD_FAIL_REASON(err, NOT_FOUND, "DECISION_NOT_FOUND", "no such decision");
    return code;
}

static enum ward_code begin(struct reading *r, struct ward_call *c, const char *decision_id,
                            Decision **out)
{
    uint8_t id[DOSAGE_ID];

    r->call = c;
    WARD_TRY(api_begin(c, &r->event, NULL));
    WARD_TRY(ward_call_id(c, "decision_id", decision_id, id, NULL));
    WARD_TRY(decision_find(c->wrk, c->mem, id, out, c->err));
    if ((*out)->snapshot == NULL)
        return WARD_FAIL_REASON(c->err, DATA_LOSS, "DOSE_UNREADABLE",
                                "the row of a decision was changed outside the service");
    WARD_TRY(unseen(reading_may(r, (*out)->snapshot->patient_id), c->err));
    decision_note(&r->event, *out);
    return WARD_OK;
}

static enum ward_code get_decision(struct ward_call *c, const GetDecisionRequest *q,
                                   GetDecisionResponse *resp)
{
    struct reading r = {0};
    Decision *d;

    WARD_TRY(begin(&r, c, q->decision_id, &d));
    WARD_TRY(reading_tell(&r));
    resp->decision = d;
    return WARD_OK;
}

/* ---- replay ---- */

/* The replayed decision has the id, the overrides and the persons of the old decision. The
 * findings are computed again. */
static enum ward_code replay_decision(struct ward_call *c, const ReplayDecisionRequest *q,
                                      ReplayDecisionResponse *resp)
{
    Decision *was, *now = ward_new(c->mem, Decision);
    const struct ruleset *rules;
    struct reading r = {0};

    if (now == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a decision");
    WARD_TRY(begin(&r, c, q->decision_id, &was));
    WARD_TRY(ruleset_of(c->wrk, c->mem, was->snapshot->rule_set_version, &rules, c->err));
    ward__dosage__v1__decision__init(now);
    now->snapshot = was->snapshot;
    WARD_TRY(check_run(rules, was->snapshot, c->mem, now, c->err));
    now->decision_id = was->decision_id;
    now->overrides = was->overrides;
    now->n_overrides = was->n_overrides;
    now->decided_by = was->decided_by;
    now->second_person = was->second_person;
    now->event_id = was->event_id;
    resp->decision = now;
    resp->same = strcmp(was->sha256, now->sha256) == 0;
    ward_event_note(&r.event, "same", resp->same ? "yes" : "no");
    return reading_tell(&r);
}

/* ---- a patient's decisions ---- */

static enum ward_code list_decisions(struct ward_call *c, const ListDecisionsRequest *q,
                                     ListDecisionsResponse *resp)
{
    struct reading r = {0};
    uint8_t last[DOSAGE_ID];
    const char *question;
    bool given = false, more = false;
    int page = 0;

    WARD_TRY(reading_of(&r, c, q->patient_id));
    WARD_TRY(ward_call_page(c, q->page_size, READ_USUAL, READ_MOST, &page));
    question = ward_printf(c->mem, "%s %d", r.chart.text, (int)q->page_size);
    if (question == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for a list of decisions");
    WARD_TRY(page_place(c, question, q->page_token, last, sizeof(last), &given));
    WARD_TRY(decisions_page(c->wrk, c->mem, r.chart.id, given ? last : NULL, (size_t)page,
                            &resp->decisions, &resp->n_decisions, &more, c->err));
    for (size_t i = 0; i < resp->n_decisions; i++) {
        resp->decisions[i]->snapshot = NULL;
        resp->decisions[i]->n_trace = 0;
    }
    if (more) {
        if (!ward_uuid_parse(resp->decisions[resp->n_decisions - 1]->decision_id, last))
            return WARD_FAIL(c->err, INTERNAL, "a stored decision has no id");
        WARD_TRY(page_token(c, question, last, sizeof(last), &resp->next_page_token));
    }
    ward_event_note_int(&r.event, "decisions", (int64_t)resp->n_decisions);
    return reading_tell(&r);
}

enum ward_code get_decision_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    return get_decision(c, (const GetDecisionRequest *)q, (GetDecisionResponse *)r);
}

enum ward_code list_decisions_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    return list_decisions(c, (const ListDecisionsRequest *)q, (ListDecisionsResponse *)r);
}

enum ward_code replay_decision_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    return replay_decision(c, (const ReplayDecisionRequest *)q, (ReplayDecisionResponse *)r);
}
