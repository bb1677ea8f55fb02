/* ApproveRuleSet, ActivateRuleSet. */
#include "services/dosage/api.h"
#include "services/dosage/formulary/kept.h"

#include "common/base/clock.h"

#include <string.h>

typedef Ward__Dosage__V1__ApproveRuleSetRequest ApproveRequest;
typedef Ward__Dosage__V1__ApproveRuleSetResponse ApproveResponse;
typedef Ward__Dosage__V1__ActivateRuleSetRequest ActivateRequest;
typedef Ward__Dosage__V1__ActivateRuleSetResponse ActivateResponse;

/* A state transition of a rule set. The stored answer of both methods is an
 * ApproveRuleSetResponse. */
struct step {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    int64_t version;
    const ApproveRequest *approve; /* NULL: the rule set is activated */
    RuleSetInfo *info;
};

static enum ward_code wrong_state(struct ward_err *err, const char *what)
{
    return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "RULE_SET_STATE", "the rule set is %s",
                            what);
}

static enum ward_code may_decide(const struct step *s, struct ward_err *err)
{
    const RuleSetInfo *info = s->info;
    const ApproveRequest *req = s->approve;

    if (strcmp(info->drafted_by, s->call->who->subject) == 0)
        return WARD_FAIL_REASON(err, PERMISSION_DENIED, "SECOND_PHARMACIST_NEEDED",
                                "the author of a rule set may not approve it");
    if (info->state != STATE_OF(DRAFT))
        return wrong_state(err, "no draft");
    if (strcmp(info->sha256, req->sha256) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "RULE_SET_CHANGED",
                                "the sha256 does not belong to this rule set");
    if (req->approve && info->replayed_at_us == 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "REPLAY_NEEDED",
                                "the rule set was not replayed against past decisions");
    return WARD_OK;
}

static enum ward_code decide(struct step *s, struct ward_db *db, struct ward_err *err)
{
    RuleSetState to = s->approve->approve ? STATE_OF(APPROVED) : STATE_OF(REJECTED);

    WARD_TRY(may_decide(s, err));
    return kept_decide(db, s->call->mem, s->version, to, s->call->who->subject, ward_wall_us(),
                       err);
}

static enum ward_code activate(struct step *s, struct ward_db *db, struct ward_err *err)
{
    switch ((int)s->info->state) {
    case STATE_OF(ACTIVE):
        return WARD_OK; /* already active */
    case STATE_OF(APPROVED):
    case STATE_OF(RETIRED):
        return kept_activate(db, s->call->mem, s->version, s->call->who->subject,
                             ward_wall_us(), err);
    default:
        return wrong_state(err, "not approved");
    }
}

static enum ward_code take(struct step *s, struct ward_db *db, struct ward_err *err)
{
    ApproveResponse kept = WARD__DOSAGE__V1__APPROVE_RULE_SET_RESPONSE__INIT;
    struct ward_call *c = s->call;

    WARD_TRY(kept_info(db, c->mem, s->version, true, &s->info, err));
    WARD_TRY(s->approve != NULL ? decide(s, db, err) : activate(s, db, err));
    WARD_TRY(kept_info(db, c->mem, s->version, false, &s->info, err));
    kept.info = s->info;
    return ward_call_store_answer(c, db, &s->idem, &kept.base, err);
}

static enum ward_code in_tx(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct step *s = arg;
    struct ward_event event = s->event;
    ProtobufCMessage *again;

    WARD_TRY(ward_call_stored_answer(s->call, db, &s->idem,
                                     &ward__dosage__v1__approve_rule_set_response__descriptor,
                                     &again, err));
    if (again != NULL)
        s->info = ((ApproveResponse *)again)->info;
    else
        WARD_TRY(take(s, db, err));
    ward_event_note_int(&event, "rule_set", s->version);
    ward_event_note(&event, "sha256", s->info->sha256);
    if (s->approve != NULL)
        ward_event_note(&event, "approve", s->approve->approve ? "true" : "false");
    return ward_event_write(&event, db, err);
}

static enum ward_code run(struct step *s, const char *key, const ProtobufCMessage *req)
{
    struct ward_call *c = s->call;
    struct worker *w = c->wrk;

    ward_event_begin(&s->event, c, &w->event_ctx, NULL);
    ward_db_deadline(w->event_ctx.db, c->deadline_ns);
    WARD_TRY(ward_call_idem(c, key, req, &s->idem));
    if (s->version < 1)
        return WARD_FAIL_FIELD(c->err, "version", "must be above 0");
    return ward_db_tx(w->event_ctx.db, in_tx, s, c->err);
}

enum ward_code approve_rule_set_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    const ApproveRequest *req = (const ApproveRequest *)q;
    struct step s = {.call = c, .version = req->version, .approve = req};

    WARD_TRY(run(&s, req->idempotency_key, q));
    ((ApproveResponse *)r)->info = s.info;
    return WARD_OK;
}

enum ward_code activate_rule_set_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    const ActivateRequest *req = (const ActivateRequest *)q;
    struct step s = {.call = c, .version = req->version};

    WARD_TRY(run(&s, req->idempotency_key, q));
    ((ActivateResponse *)r)->info = s.info;
    return WARD_OK;
}
