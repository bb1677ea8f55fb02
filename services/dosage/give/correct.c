/* Correct: adds a version of a dose; earlier versions remain. */
#include "services/dosage/give/correct.h"
#include "services/dosage/order/order_own.h"

#include <string.h>

typedef CorrectRequest Request;
typedef Ward__Dosage__V1__CorrectResponse Response;

static enum ward_code shape(struct correcting *k)
{
    const Request *q = k->q;
    bool replaces = q->dose != NULL || q->wasted != NULL || q->given_at_us != 0;

    if (q->expected_version < 1)
        return WARD_FAIL_FIELD(k->v.c->err, "expected_version", "must be 1 or more");
    if (q->entered_in_error == replaces)
        return WARD_FAIL_FIELD(
            k->v.c->err, "entered_in_error",
            "or a new dose, wasted or given_at_us must be set, but not both");
    if (q->dose != NULL)
        WARD_TRY(visit_amount(&k->v, "dose", q->dose));
    if (q->wasted != NULL)
        WARD_TRY(visit_amount(&k->v, "wasted", q->wasted));
    WARD_TRY(ruleset_active(k->v.w, k->v.c->mem, &k->rules, k->v.c->err));
    return reason_check(&k->v, k->rules, "reason_code", q->reason_code, USE(CORRECTION),
                        k->v.c->err);
}

/* Verifies the second person, and reads the chart if the new dose is larger. Call outside the
 * transaction. */
static enum ward_code prepare(struct correcting *k)
{
    WARD_TRY(shape(k));
    k->upward = k->q->dose != NULL && correct_is_upward(k->rules, k->dose, k->q->dose);
    if (k->upward)
        WARD_TRY(visit_chart(&k->v, k->dose->patient_id));
    k->has_second = *k->q->second_person_token != '\0';
    return k->has_second ? witness(k->v.c, &k->v.idem, k->q->second_person_token, k->dose->ward,
                                   &k->second)
                         : WARD_OK;
}

/* ---- the new values ---- */

/* Whether the corrected dose is a full dose. The order's version at the time of the dose
 * decides, even if the order has changed. */
static enum ward_code judge_dose(struct correcting *k, Dose *d, struct ward_err *err)
{
    struct rights rights = {.mem = k->v.c->mem};
    struct measured_dose dose = {.rules = k->rules,
                                 .given = d->dose,
                                 .product_id = d->product_id,
                                 .unproved = "corrected"};
    uint8_t id[DOSAGE_ID];
    Order *order;

    if (!ward_uuid_parse(d->order_id, id) || d->n_rights != RIGHTS)
        return WARD_OK;
    WARD_TRY(order_version(k->v.w, k->v.c->mem, id, d->order_version, &order, err));
    WARD_TRY(rights_make(k->v.c->mem, "", &rights, err));
    dose.ordered = order->prescription;
    WARD_TRY(dose_right(&rights, &dose, err));
    d->outcome = OUTCOME(GIVEN);
    if (strcmp(rights.at[RIGHT(DOSE) - 1]->reason_code, "less") == 0) {
        d->outcome = OUTCOME(PARTIAL);
        dose.partial = true;
        WARD_TRY(dose_right(&rights, &dose, err));
    }
    for (int i = 0; i < RIGHTS; i++)
        if (i + 1 != RIGHT(DOSE))
            rights.at[i] = d->rights[i];
    d->rights = rights.at;
    return WARD_OK;
}

/* Checks that the new amount has the unit of the earlier amount, or is an amount of the drug by
 * its strengths. */
static enum ward_code exact(struct correcting *k, const Dose *was, struct ward_err *err)
{
    const Drug *drug = ruleset_drug(k->rules, was->drug_id);
    struct amount now, then;
    struct ward_decimal d;

    WARD_TRY(amount_of(k->q->dose, &now, err));
    if (was->dose != NULL && amount_of(was->dose, &then, NULL) == WARD_OK &&
        strcmp(k->q->dose->unit, was->dose->unit) == 0)
        return WARD_OK;
    if (drug == NULL || drug->n_ingredients == 0)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "DOSE_UNIT",
                                "the active rule set no longer has the dose's drug");
    return amount_of_ingredient(k->rules, drug->id, was->product_id, k->q->dose,
                                drug->ingredients[0], &d, err);
}

static enum ward_code replace_dose(struct correcting *k, const Dose *was, Dose *d,
                                   struct ward_err *err)
{
    if (was->outcome != OUTCOME(GIVEN) && was->outcome != OUTCOME(PARTIAL))
        return WARD_FAIL_FIELD(err, "dose", "cannot be corrected, because no dose was given");
    WARD_TRY(ward_err_about(err, exact(k, was, err), "dose"));
    d->dose = k->q->dose;
    WARD_TRY(judge_dose(k, d, err));
    return correct_check(k, d, err);
}

/* The new time must be within a day of the first charted time, so that several corrections
 * cannot move the dose further than one correction. */
static enum ward_code move(struct correcting *k, const Dose *was, Dose *d, struct ward_err *err)
{
    const int64_t to_us = k->q->given_at_us;
    uint8_t id[DOSAGE_ID];
    int64_t first_us;
    Dose **all;
    size_t n;

    if (!ward_uuid_parse(was->administration_id, id))
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a stored dose has no valid id");
    WARD_TRY(dose_versions(k->v.w, k->v.c->mem, id, &all, &n, err));
    first_us = k->first_us = all[n - 1]->given_at_us;
    if (to_us > was->recorded_at_us || to_us < first_us - DAY_US || to_us > first_us + DAY_US)
        return WARD_FAIL_FIELD(err, "given_at_us",
                               "must be within 24 hours of the first charted time, and not "
                               "after the time of that first charting");
    d->given_at_us = to_us;
    return WARD_OK;
}

static enum ward_code wasted(struct correcting *k, const Dose *d, const Quantity *dose,
                             struct ward_err *err)
{
    Scanned **scanned = ward_alloc(k->v.c->mem, (d->n_more_scanned + 1) * sizeof(Scanned *));
    struct waste w = {.rules = k->rules,
                      .drug_id = d->drug_id,
                      .product_id = d->product_id,
                      .wasted = d->wasted,
                      .of = dose,
                      .given = dose_counts(d) ? dose : NULL,
                      .scanned = scanned};

    if (scanned == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for barcodes");
    if (d->scanned != NULL)
        scanned[w.n_scanned++] = d->scanned;
    for (size_t i = 0; i < d->n_more_scanned; i++)
        scanned[w.n_scanned++] = d->more_scanned[i];
    return wasted_check(&w, err);
}

static enum ward_code replace(struct correcting *k, const Dose *was, Dose *d,
                              struct ward_err *err)
{
    const Request *q = k->q;

    if (q->given_at_us != 0)
        WARD_TRY(move(k, was, d, err));
    if (q->wasted != NULL)
        d->wasted = q->wasted;
    if (q->wasted != NULL || q->dose != NULL)
        WARD_TRY(wasted(k, d, q->dose != NULL ? q->dose : was->dose, err));
    return q->dose == NULL ? WARD_OK : replace_dose(k, was, d, err);
}

/* ---- the transaction ---- */

/* Checks that the required people agreed, and stores the decision. */
static enum ward_code agreed(struct correcting *k, const Dose *was, const Dose *d,
                             struct ward_err *err)
{
    WARD_TRY(correct_people(k, was, d, err));
    if (k->has_second)
        WARD_TRY(witness_use(k->v.c, &k->v.idem, &k->second, err));
    return k->answer.decision == NULL
               ? WARD_OK
               : decision_keep(k->v.w, k->v.c->mem, k->answer.decision, 0, err);
}

static enum ward_code write(struct correcting *k, struct ward_err *err)
{
    struct dose_write what = {.free_slot = k->q->entered_in_error,
                              .to_part = k->q->entered_in_error};
    struct ward_event event = k->v.event;
    Dose *was;

    WARD_TRY(visit_lock(&k->v, k->dose, &was, err));
    if (was->version != k->q->expected_version)
        return WARD_FAIL_REASON(err, ABORTED, "VERSION_CONFLICT",
                                "expected_version is not the current version");
    if (was->entered_in_error)
        return WARD_FAIL_REASON(err, FAILED_PRECONDITION, "ENTERED_IN_ERROR",
                                "the dose is already entered in error");
    WARD_TRY(visit_next(&k->v, was, &what.dose, err));
    WARD_TRY(dose_due(was, &what.due_us, err));
    what.dose->correction_code = k->q->reason_code;
    what.dose->entered_in_error = k->q->entered_in_error;
    what.dose->confirmed_by = api_text(k->has_second ? k->second.subject : "");
    if (!k->q->entered_in_error)
        WARD_TRY(replace(k, was, what.dose, err));
    WARD_TRY(agreed(k, was, what.dose, err));
    WARD_TRY(dose_write(k->v.w, k->v.c->mem, &what, err));
    k->answer.administration = what.dose;
    ward_event_note(&event, "administration", what.dose->administration_id);
    ward_event_note_int(&event, "version", what.dose->version);
    ward_event_note(&event, "reason", k->q->reason_code);
    ward_event_note(&event, "entered_in_error", k->q->entered_in_error ? "yes" : "no");
    if (k->has_second)
        ward_event_note(&event, "second_person", k->second.subject);
    WARD_TRY(ward_event_write(&event, k->v.w->event_ctx.db, err));
    return answer_keep(&k->v, was->patient_id, &k->answer, err);
}

static enum ward_code settle(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct correcting *k = arg;
    AdministerResponse *kept = NULL;

    (void)db;
    ward__dosage__v1__administer_response__init(&k->answer);
    WARD_TRY(answer_again(&k->v, &kept, err));
    if (kept == NULL)
        return write(k, err);
    k->answer = *kept;
    return WARD_OK;
}

static enum ward_code correct(struct ward_call *c, const Request *q, Response *r)
{
    struct correcting k = {.q = q};
    struct answer_late l = {.v = &k.v};
    enum ward_code code;

    WARD_TRY(visit_dose_of(&k.v, c, q->administration_id, &k.dose));
    WARD_TRY(ward_call_idem(c, q->idempotency_key, &q->base, &k.v.idem));
    code = prepare(&k);
    if (code == WARD_OK) {
        WARD_TRY(visit_gone(&k.v, ward_db_tx(k.v.w->event_ctx.db, settle, &k, c->err), true));
    } else {
        WARD_TRY(answer_or(&l, code));
        k.answer = *l.out;
    }
    r->administration = k.answer.administration;
    r->decision = k.answer.decision;
    return WARD_OK;
}

enum ward_code correct_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    return correct(c, (const Request *)q, (Response *)r);
}
