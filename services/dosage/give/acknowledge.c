/* Acknowledge: a person takes responsibility for a dose that was given in an emergency. */
#include "services/dosage/give/bedside.h"

#include <string.h>

typedef Ward__Dosage__V1__AcknowledgeRequest Request;
typedef Ward__Dosage__V1__AcknowledgeResponse Response;
typedef Ward__Dosage__V1__Slot Slot;

struct acknowledging {
    struct visit v;
    const Request *q;
    Dose *dose;
    uint8_t order_id[DOSAGE_ID];
    struct token token;
    AdministerResponse answer; /* the stored `recorded`: the acknowledgement was in time */
};

static enum ward_code is_open(const Dose *d, struct ward_err *err)
{
    if (!d->emergency)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "NOT_EMERGENCY",
                                "the dose was not given in an emergency");
    if (d->acknowledged_at_us != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ACKNOWLEDGED",
                                "the dose is already acknowledged");
    if (d->entered_in_error)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ENTERED_IN_ERROR",
                                "the dose was entered in error");
    return WARD_OK;
}

/* Finds the order, which must belong to the patient or a merged record, and must be for the
 * given drug. */
static enum ward_code fits(struct acknowledging *a, bool lock, Order **out,
                           struct ward_err *err)
{
    uint8_t(*owners)[DOSAGE_ID], id[DOSAGE_ID];
    enum order_state state;
    bool theirs = false;
    size_t n;

    *out = NULL;
    if (*a->q->order_id == '\0')
        return WARD_OK;
    WARD_TRY(order_find(a->v.w, a->v.c->mem, a->order_id, lock, out, err));
    WARD_TRY(owners_of(a->v.w, a->v.c->mem, a->v.chart.id, &owners, &n, err));
    for (size_t i = 0; i < n; i++)
        theirs = theirs || (ward_uuid_parse((*out)->patient_id, id) &&
                            memcmp(id, owners[i], DOSAGE_ID) == 0);
    if (!theirs || strcmp((*out)->prescription->drug_id, a->dose->drug_id) != 0)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_OTHER",
                                "the order is for another patient or drug");
    state = (enum order_state)(*out)->state;
    if (state == ORDER_DRAFT || state == ORDER_CANCELLED || state == ORDER_WRONG)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ORDER_STATE",
                                "the order is a draft, cancelled or in error");
    return WARD_OK;
}

static enum ward_code spend(struct acknowledging *a)
{
    struct ward_call *c = a->v.c;
    struct token_ask ask = {.token = a->q->ppid_token, .place = ""};

    WARD_TRY(owners_of(a->v.w, c->mem, a->v.chart.id, &ask.owners, &ask.n_owners, c->err));
    WARD_TRY(token_spend(&a->v, &ask, &a->token));
    if (a->token.is == TOKEN_GOOD)
        return WARD_OK;
    return WARD_FAIL_REASON(c->err, FAILED_PRECONDITION, "PPID_FOREIGN",
                            "the token is bound to another patient or purpose");
}

/* A high-alert medicine needs two people: the person who gave the medicine may not acknowledge
 * the dose alone. */
static enum ward_code by_another(struct acknowledging *a, const struct ruleset *rules)
{
    if (is_high_alert_dose(rules, a->dose) &&
        rule_same_person(a->dose->recorded_by, a->v.c->who->subject))
        return WARD_FAIL_REASON(a->v.c->err, FAILED_PRECONDITION, "SECOND_PERSON_NEEDED",
                                "a dose of a high-alert medicine must be acknowledged by "
                                "another person than the giver");
    return WARD_OK;
}

static enum ward_code prepare(struct acknowledging *a)
{
    struct ward_call *c = a->v.c;
    const struct ruleset *rules;
    Order *order;

    if (*a->q->order_id != '\0')
        WARD_TRY(ward_call_id(c, "order_id", a->q->order_id, a->order_id, NULL));
    WARD_TRY(visit_token(&a->v, a->q->ppid_token));
    WARD_TRY(ruleset_active(a->v.w, c->mem, &rules, c->err));
    if (*a->q->reason_code != '\0')
        WARD_TRY(reason_check(&a->v, rules, "reason_code", a->q->reason_code, USE(EMERGENCY),
                              c->err));
    WARD_TRY(is_open(a->dose, c->err));
    WARD_TRY(by_another(a, rules));
    WARD_TRY(fits(a, false, &order, c->err));
    return spend(a);
}

/* ---- the dose's slot in the order ---- */

static bool is_free(const Slot *s)
{
    return s->state != WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_GIVEN &&
           s->state != WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_NOT_GIVEN;
}

static bool has_one_dose(const Order *o)
{
    const Ward__Dosage__V1__Timing *t = o->prescription->timing;

    return t != NULL && (t->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE ||
                         t->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_CONTINUOUS);
}

/* The only slot of an order with one dose, at any due time; NULL: no slot. */
static enum ward_code the_one(struct acknowledging *a, Order *order, Slot **out,
                              struct ward_err *err)
{
    struct ward_arena *mem = a->v.c->mem;
    struct ward_err why = {0};
    struct timing timing;
    struct slot slot;
    enum ward_code code;

    *out = NULL;
    WARD_TRY(order_timing(a->v.w, mem, order, &timing, err));
    if (timing_slots(&timing, 0, TIMING_LATEST_US, &slot, 1) == 0)
        return WARD_OK;
    code = slot_find(a->v.w, mem, order, slot.due_us, a->v.now_us, out, &why);
    if (code == WARD_OK)
        return WARD_OK;
    *out = NULL;
    if (code == WARD_NOT_FOUND)
        return WARD_OK;
    *err = why;
    return code;
}

/* The slot whose window contains given_us; NULL: no slot. */
static enum ward_code one_then(struct acknowledging *a, Order *order, int64_t given_us,
                               Slot **out, struct ward_err *err)
{
    Slot **all;
    size_t n;

    *out = NULL;
    WARD_TRY(slots_of(a->v.w, a->v.c->mem, &order, 1, given_us - DAY_US, given_us + DAY_US + 1,
                      a->v.now_us, &all, &n, err));
    for (size_t i = 0; i < n; i++)
        if (all[i]->window_from_us <= given_us && given_us < all[i]->window_to_us)
            *out = all[i];
    return WARD_OK;
}

/* The acknowledged dose occupies the order's slot, so that the order's dose is not given
 * again. */
static enum ward_code take_slot(struct acknowledging *a, Order *order, struct dose_write *what,
                                struct ward_err *err)
{
    Slot *slot;

    if (has_one_dose(order))
        WARD_TRY(the_one(a, order, &slot, err));
    else
        WARD_TRY(one_then(a, order, what->dose->given_at_us, &slot, err));
    if (slot == NULL || !is_free(slot))
        return WARD_OK;
    what->dose->slot_id = slot->slot_id;
    what->due_us = slot->due_at_us;
    what->take_slot = true;
    return WARD_OK;
}

/* For the detection of workarounds: records that the giver of the dose acknowledged the
 * dose. */
static enum ward_code watched(struct acknowledging *a, const Dose *d, struct ward_err *err)
{
    static const char SQL[] =
        "UPDATE emergency_given SET own = TRUE WHERE administration_id = ?";
    uint8_t id[DOSAGE_ID];

    if (!rule_same_person(d->recorded_by, a->v.c->who->subject))
        return WARD_OK;
    if (!ward_uuid_parse(d->administration_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored dose has no valid id");
    return ward_db_run(a->v.w->event_ctx.db, a->v.c->mem, SQL, WARD_PARAMS(id_val(id)), NULL,
                       err);
}

static enum ward_code write(struct acknowledging *a, struct ward_err *err)
{
    struct dose_write what = {.due_us = -1};
    struct ward_event event = a->v.event;
    Order *order;
    Dose *was;

    WARD_TRY(visit_lock(&a->v, a->dose, &was, err));
    WARD_TRY(is_open(was, err));
    WARD_TRY(fits(a, true, &order, err));
    WARD_TRY(visit_next(&a->v, was, &what.dose, err));
    what.dose->acknowledged_by = api_text(a->v.c->who->subject);
    what.dose->acknowledged_at_us = a->v.now_us;
    what.dose->token_id = api_text(a->token.id);
    what.dose->method = api_text(a->token.method);
    if (order != NULL) {
        what.dose->order_id = order->order_id;
        what.dose->order_version = order->version;
        WARD_TRY(take_slot(a, order, &what, err));
    }
    WARD_TRY(dose_write(a->v.w, a->v.c->mem, &what, err));
    WARD_TRY(watched(a, was, err));
    a->answer.administration = what.dose;
    a->answer.recorded = a->v.now_us <= was->acknowledge_by_us;
    event.place = a->token.place;
    ward_event_note(&event, "administration", what.dose->administration_id);
    ward_event_note(&event, "order", what.dose->order_id);
    ward_event_note(&event, "late", a->answer.recorded ? "no" : "yes");
    ward_event_note(&event, "token", a->token.id);
    WARD_TRY(ward_event_write(&event, a->v.w->event_ctx.db, err));
    return answer_keep(&a->v, was->patient_id, &a->answer, err);
}

static enum ward_code settle(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct acknowledging *a = arg;
    AdministerResponse *kept = NULL;

    (void)db;
    ward__dosage__v1__administer_response__init(&a->answer);
    WARD_TRY(answer_again(&a->v, &kept, err));
    if (kept == NULL)
        return write(a, err);
    a->answer = *kept;
    return WARD_OK;
}

static enum ward_code failed(struct acknowledging *a, enum ward_code code)
{
    struct answer_late l = {
        .v = &a->v, .place = a->token.place, .ward = a->dose->ward, .token = a->q->ppid_token};
    const char *reason = a->v.c->err->reason;

    if (strcmp(reason, "PPID_SPENT") == 0)
        l.misuse = "spent";
    else if (strcmp(reason, "PPID_FOREIGN") == 0)
        l.misuse = token_misuse_of(a->token.is);
    WARD_TRY(answer_or(&l, code));
    a->answer = *l.out;
    return WARD_OK;
}

static enum ward_code acknowledge(struct ward_call *c, const Request *q, Response *r)
{
    struct acknowledging a = {.q = q, .token = {.id = "", .method = "", .place = ""}};
    enum ward_code code;

    WARD_TRY(visit_dose_of(&a.v, c, q->administration_id, &a.dose));
    WARD_TRY(ward_call_idem(c, q->idempotency_key, &q->base, &a.v.idem));
    code = prepare(&a);
    if (code == WARD_OK)
        code = visit_gone(&a.v, ward_db_tx(a.v.w->event_ctx.db, settle, &a, c->err), true);
    else
        code = failed(&a, code);
    if (code == WARD_OK) {
        r->administration = a.answer.administration;
        r->late = !a.answer.recorded;
    }
    return code;
}

enum ward_code acknowledge_rpc(struct ward_call *c, const ProtobufCMessage *q,
                               ProtobufCMessage *r)
{
    return acknowledge(c, (const Request *)q, (Response *)r);
}
