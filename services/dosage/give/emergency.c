/* GiveInEmergency: reports a dose that was already given. Findings of the check are recorded
 * and do not stop the dose. */
#include "services/dosage/give/bedside.h"

#include <string.h>

typedef Ward__Dosage__V1__GiveInEmergencyRequest Request;
typedef Ward__Dosage__V1__GiveInEmergencyResponse Response;

struct emergency {
    struct visit v;
    const Request *q;
    const struct ruleset *rules;
    const char *ward;
    struct clock clock;
    struct hand hand;
    struct rights rights;
    AdministerResponse answer;
};

static enum ward_code shape(struct emergency *e)
{
    const Request *q = e->q;

    if (*q->drug_id == '\0')
        return WARD_FAIL_FIELD(e->v.c->err, "drug_id", "is missing");
    WARD_TRY(visit_amount(&e->v, "dose", q->dose));
    WARD_TRY(visit_route(&e->v, (int)q->route));
    WARD_TRY(visit_given(&e->v, q->given_at_us, e->v.now_us));
    WARD_TRY(visit_label(&e->v, "place", q->place, 64));
    return visit_label(&e->v, "device", q->device, 128);
}

static enum ward_code no_drug(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, NOT_FOUND, "DRUG_NOT_FOUND",
                            "the active rule set has no such drug or product");
}

/* Checks that the request is readable: the drug is known, and the dose is an amount of the
 * drug. */
static enum ward_code readable(struct emergency *e)
{
    struct ward_err *err = e->v.c->err;
    const Request *q = e->q;
    const Drug *d, *of = NULL;
    struct ward_decimal amount;

    WARD_TRY(ruleset_active(e->v.w, e->v.c->mem, &e->rules, err));
    WARD_TRY(reason_check(&e->v, e->rules, "reason_code", q->reason_code, USE(EMERGENCY), err));
    d = ruleset_drug(e->rules, q->drug_id);
    if (d == NULL || d->n_ingredients == 0)
        return no_drug(err);
    if (*q->product_id != '\0' &&
        (ruleset_product(e->rules, q->product_id, &of) == NULL || of != d))
        return no_drug(err);
    WARD_TRY(hand_read(e->v.c->mem, e->rules, q->scan, q->product_id, "", &e->hand, err));
    if (e->hand.product == NULL || e->hand.drug == d)
        return amount_of_ingredient(e->rules, d->id,
                                    e->hand.product == NULL ? "" : e->hand.product->id, q->dose,
                                    d->ingredients[0], &amount, err);
    return WARD_OK; /* another drug is in hand, which is reported but does not stop the dose */
}

static enum ward_code place(struct emergency *e)
{
    const Ward__Dosage__V1__Facts *f = e->v.chart.facts;

    e->ward = f != NULL && *f->ward != '\0' ? f->ward : e->v.c->who->ward;
    return ward_clock(e->v.w, e->v.c->mem, e->ward, false, &e->clock, e->v.c->err);
}

static enum ward_code rights(struct emergency *e, struct ward_err *err)
{
    char today[11];

    WARD_TRY(rights_make(e->v.c->mem, "emergency", &e->rights, err));
    day_of(e->clock.zone, e->v.now_us, today);
    if (e->hand.scanned != NULL)
        hand_right(&e->rights, &e->hand, e->q->drug_id, e->q->product_id, today);
    if (e->hand.by_scan && !hand_for_route(&e->hand, (int)e->q->route))
        rights_say(&e->rights, RIGHT(ROUTE), RESULT(FAIL), "product-route",
                   route_name((int)e->q->route));
    return WARD_OK;
}

/* Runs the check as if the dose were ordered once, now. */
static enum ward_code check(struct emergency *e, Decision **out, struct ward_err *err)
{
    struct ward_arena *mem = e->v.c->mem;
    Prescription *p = ward_new(mem, Prescription);
    Ward__Dosage__V1__Timing *t = ward_new(mem, Ward__Dosage__V1__Timing);
    const Request *q = e->q;
    int64_t at = q->given_at_us != 0 ? q->given_at_us : e->v.now_us;

    if (p == NULL || t == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a check");
    ward__dosage__v1__timing__init(t);
    t->kind = WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE;
    ward__dosage__v1__prescription__init(p);
    p->drug_id = q->drug_id;
    p->product_id = e->hand.product != NULL && strcmp(e->hand.drug->id, q->drug_id) == 0
                        ? e->hand.product->id
                        : q->product_id;
    p->dose = q->dose;
    p->route = q->route;
    p->timing = t;
    p->starts_at_us = at;
    WARD_TRY(
        decide(e->v.w, mem,
               &(struct asked){.chart = &e->v.chart,
                               .prescription = p,
                               .order_id = "",
                               .purpose = WARD__DOSAGE__V1__CHECK_PURPOSE__CHECK_PURPOSE_GIVE,
                               .at_us = at,
                               .time_zone = e->clock.name},
               &e->rules, out, err));
    (*out)->decided_by = api_text(e->v.c->who->subject);
    (*out)->event_id = e->v.event_id;
    return decision_keep(e->v.w, mem, *out, 0, err);
}

static void fill(struct emergency *e, Dose *d, const Decision *decision)
{
    const Request *q = e->q;

    d->outcome = OUTCOME(GIVEN);
    d->drug_id = q->drug_id;
    d->product_id = q->product_id;
    if (e->hand.product != NULL && strcmp(e->hand.drug->id, q->drug_id) == 0)
        d->product_id = e->hand.product->id;
    d->dose = q->dose;
    d->route = q->route;
    d->given_at_us = q->given_at_us != 0 ? q->given_at_us : e->v.now_us;
    d->n_rights = RIGHTS;
    d->rights = e->rights.at;
    d->scanned = e->hand.scanned;
    d->decision_id = decision->decision_id;
    d->reason_code = q->reason_code;
    d->place = q->place;
    d->device = q->device;
    d->emergency = true;
    d->acknowledge_by_us = d->given_at_us + e->v.w->dos->cfg.emergency_s * SECOND_IN_US;
}

/* A hash of person, ward and drug. Workarounds are counted by the hash, which does not reveal
 * the drug. */
static enum ward_code drug_of(struct emergency *e, uint8_t out[WARD_SHA256_SIZE],
                              struct ward_err *err)
{
    const char *text =
        ward_printf(e->v.c->mem, "%s\n%s\n%s", e->v.c->who->subject, e->ward, e->q->drug_id);

    if (text == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for an emergency");
    return ward_keyring_hash(e->v.w->dos->keys, "emergency", text, strlen(text), out, err);
}

static bool is_hard(const Decision *d)
{
    for (size_t i = 0; i < d->n_findings; i++)
        if (d->findings[i]->severity == WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD)
            return true;
    return false;
}

static enum ward_code watched(struct emergency *e, const Dose *d, struct ward_err *err)
{
    static const char SQL[] =
        "INSERT INTO emergency_given (administration_id, at_us, order_by_us, actor, ward, drug,"
        " hard) VALUES (?, ?, ?, ?, ?, ?, ?)";
    struct ward_arena *mem = e->v.c->mem;
    uint8_t id[DOSAGE_ID], drug[WARD_SHA256_SIZE];

    if (!ward_uuid_parse(d->administration_id, id))
        return WARD_FAIL(err, INTERNAL, "a stored dose has no valid id");
    WARD_TRY(drug_of(e, drug, err));
    return ward_db_run(e->v.w->event_ctx.db, mem, SQL,
                       WARD_PARAMS(id_val(id), ward_int(mem, d->recorded_at_us),
                                   ward_int(mem, d->acknowledge_by_us),
                                   ward_text(e->v.c->who->subject), ward_text(e->ward),
                                   ward_blob(drug, DOSAGE_ID),
                                   ward_int(mem, is_hard(e->answer.decision))),
                       NULL, err);
}

static enum ward_code write(struct emergency *e, struct ward_err *err)
{
    struct ward_event event = e->v.event;
    struct dose_write what = {.ward = e->ward, .due_us = -1};
    struct owner owner;

    WARD_TRY(owner_lock(e->v.w, e->v.c->mem, e->v.chart.id, &owner, err));
    owner_wipe(&owner);
    WARD_TRY(rights(e, err));
    WARD_TRY(check(e, &e->answer.decision, err));
    WARD_TRY(visit_dose(&e->v, e->v.chart.text, &what.dose, err));
    fill(e, what.dose, e->answer.decision);
    WARD_TRY(dose_write(e->v.w, e->v.c->mem, &what, err));
    WARD_TRY(watched(e, what.dose, err));
    e->answer.recorded = true;
    e->answer.administration = what.dose;
    count_dose(&e->v, what.dose);
    event.place = e->q->place;
    ward_event_note(&event, "administration", what.dose->administration_id);
    ward_event_note(&event, "decision", e->answer.decision->decision_id);
    ward_event_note_int(&event, "findings", (int64_t)e->answer.decision->n_findings);
    WARD_TRY(ward_event_write(&event, e->v.w->event_ctx.db, err));
    return answer_keep(&e->v, e->v.chart.text, &e->answer, err);
}

static enum ward_code settle(struct ward_db *db, void *arg, struct ward_err *err)
{
    struct emergency *e = arg;
    AdministerResponse *kept = NULL;

    (void)db;
    ward__dosage__v1__administer_response__init(&e->answer);
    WARD_TRY(answer_again(&e->v, &kept, err));
    if (kept == NULL)
        return write(e, err);
    e->answer = *kept;
    return WARD_OK;
}

static enum ward_code prepare(struct emergency *e)
{
    WARD_TRY(shape(e));
    WARD_TRY(visit_chart(&e->v, e->q->patient_id));
    WARD_TRY(place(e));
    return readable(e);
}

static enum ward_code give(struct ward_call *c, const Request *q, Response *r)
{
    struct emergency e = {.q = q};
    struct answer_late l = {.v = &e.v};
    enum ward_code code;

    WARD_TRY(visit_begin(&e.v, c, q->patient_id, q->idempotency_key, &q->base));
    code = visit_gone(&e.v, prepare(&e), false);
    if (code == WARD_OK) {
        WARD_TRY(visit_gone(&e.v, ward_db_tx(e.v.w->event_ctx.db, settle, &e, c->err), false));
    } else {
        WARD_TRY(answer_or(&l, code));
        e.answer = *l.out;
    }
    r->administration = e.answer.administration;
    r->decision = e.answer.decision;
    return WARD_OK;
}

enum ward_code give_in_emergency_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    return give(c, (const Request *)q, (Response *)r);
}
