#include "services/dosage/downtime/reconcile.h"

#include <string.h>

typedef Ward__Dosage__V1__Timing Timing;

/* A dose without an order, or with another drug than ordered, is checked as a separate dose. */
static enum ward_code alone(struct entry *e, Prescription **out, struct ward_err *err)
{
    Prescription *p = ward_new(e->call->mem, Prescription);
    Timing *t = ward_new(e->call->mem, Timing);

    if (p == NULL || t == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a dose's check");
    ward__dosage__v1__prescription__init(p);
    ward__dosage__v1__timing__init(t);
    t->kind = WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE;
    p->timing = t;
    p->drug_id = api_text(e->drug_id);
    p->product_id = e->in->product_id;
    p->dose = e->in->dose;
    p->route = e->in->route;
    p->starts_at_us = e->in->given_at_us;
    *out = p;
    return WARD_OK;
}

static void say_findings(struct entry *e)
{
    const Decision *d = e->decision;

    for (size_t i = 0; i < d->n_findings; i++) {
        char *text;

        if (d->findings[i]->severity < WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN)
            continue;
        text = ward_printf(e->call->mem, "finding:%s", d->findings[i]->rule_id);
        if (text != NULL)
            issue_add(&e->issues, text);
    }
}

/* Whether the check failed because of the entry. The dose is then recorded with the issue
 * "not-checked". */
static bool goes_on(enum ward_code code)
{
    return code == WARD_INVALID_ARGUMENT || code == WARD_FAILED_PRECONDITION ||
           code == WARD_OUT_OF_RANGE;
}

enum ward_code entry_check(struct entry *e, struct ward_err *err)
{
    bool of_order =
        e->order != NULL && strcmp(e->drug_id, e->order->prescription->drug_id) == 0;
    struct asked what = {.chart = &e->chart,
                         .order_id = of_order ? e->order->order_id : "",
                         .purpose = WARD__DOSAGE__V1__CHECK_PURPOSE__CHECK_PURPOSE_GIVE,
                         .at_us = e->in->given_at_us,
                         .giving = of_order ? e->in->dose : NULL};
    struct ward_call *c = e->call;
    struct clock clock;
    Prescription *own = NULL;
    enum ward_code code;

    if (e->rules == NULL || ruleset_drug(e->rules, e->drug_id) == NULL) {
        issue_add(&e->issues, "not-checked");
        return WARD_OK;
    }
    WARD_TRY(alone(e, &own, err));
    WARD_TRY(ward_clock(c->wrk, c->mem, e->pack->ward, false, &clock, err));
    what.prescription = of_order ? e->order->prescription : own;
    what.time_zone = of_order ? e->order->time_zone : clock.name;
    code = decide(c->wrk, c->mem, &what, &e->rules, &e->decision, err);
    if (goes_on(code)) {
        e->decision = NULL;
        issue_add(&e->issues, "not-checked");
        return WARD_OK;
    }
    WARD_TRY(code);
    say_findings(e);
    return WARD_OK;
}
