/* The dose check of a dose that is about to be given. */
#include "services/dosage/give/judge.h"
#include "services/dosage/give/judge_before.h"

#include <string.h>

typedef Ward__Dosage__V1__Severity Severity;

/* The given amount in the first ingredient's own unit, so that the amount does not depend on
 * the product in hand. A rate is unchanged. */
static enum ward_code partly(struct giving *g, Quantity **out, struct ward_err *err)
{
    const Prescription *p = g->order->prescription;
    const Drug *d = ruleset_drug(g->rules, p->drug_id);
    const Ward__Dosage__V1__Ingredient *in;
    struct ward_decimal amount;

    *out = NULL;
    if (g->q->outcome != OUTCOME(PARTIAL))
        return WARD_OK; /* a full dose equals the order's dose, or is refused */
    *out = g->q->dose;
    if (dose_is_rate(p))
        return WARD_OK;
    in = d == NULL || d->n_ingredients == 0 ? NULL
                                            : ruleset_ingredient(g->rules, d->ingredients[0]);
    if (in == NULL)
        return WARD_OK;
    WARD_TRY(amount_of_ingredient(g->rules, p->drug_id,
                                  g->hand.product == NULL ||
                                          strcmp(g->hand.drug->id, p->drug_id) != 0
                                      ? p->product_id
                                      : g->hand.product->id,
                                  g->q->dose, in->id, &amount, err));
    return amount_print(&amount, in->unit, g->v.c->mem, out, err);
}

static Severity severity_of(const Decision *d, const char *rule)
{
    for (size_t i = 0; i < d->n_findings; i++) /* most severe first */
        if (strcmp(d->findings[i]->rule_id, rule) == 0)
            return d->findings[i]->severity;
    return WARD__DOSAGE__V1__SEVERITY__SEVERITY_UNSPECIFIED;
}

/* Whether a rule was overridden, or lowered by the prescriber's acknowledgement for the
 * patient. */
static bool overrode(const Decision *d, const char *rule)
{
    for (size_t i = 0; i < d->n_overrides; i++)
        if (strcmp(d->overrides[i]->rule_id, rule) == 0)
            return true;
    for (size_t i = 0; i < d->n_findings; i++)
        if (strcmp(d->findings[i]->rule_id, rule) == 0 && check_lowered(d, d->findings[i]))
            return true;
    return false;
}

/* Closes findings on which the prescriber has decided in the order's check. An equal finding
 * that is not more severe needs no new decision for every dose; otherwise no dose could be
 * given at the bedside. A finding further beyond a limit, or about another subject, remains
 * open: one override does not cover a rule forever. A hard stop requires two people. */
static enum ward_code decided_before(struct giving *g, struct ward_err *err)
{
    uint8_t id[DOSAGE_ID];
    Decision *then = NULL;
    size_t n = 0;

    if (g->n_open == 0 || !ward_uuid_parse(g->order->decision_id, id))
        return WARD_OK;
    WARD_TRY(decision_find(g->v.w, g->v.c->mem, id, &then, err));
    for (size_t i = 0; i < g->n_open; i++) {
        Severity now = severity_of(g->decision, g->open[i]);

        if ((now == WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD && !g->has_second) ||
            !overrode(then, g->open[i]) || !judged_before(then, g->decision, g->open[i]))
            g->open[n++] = g->open[i];
    }
    g->n_open = n;
    return WARD_OK;
}

enum ward_code judge_check(struct giving *g, struct ward_err *err)
{
    const AdministerRequest *q = g->q;
    const struct ward_principal *who = g->v.c->who;
    const struct check_who by = {
        .roles = who->roles, .n_roles = who->n_roles, .second = g->has_second};
    struct asked what = {.chart = &g->v.chart,
                         .prescription = g->order->prescription,
                         .order_id = g->order->order_id,
                         .purpose = WARD__DOSAGE__V1__CHECK_PURPOSE__CHECK_PURPOSE_GIVE,
                         .at_us = g->where.at_us,
                         .due_us = g->due_us < 0 ? 0 : g->due_us,
                         .time_zone = g->order->time_zone};
    Quantity *giving = NULL;

    WARD_TRY(partly(g, &giving, err));
    what.giving = giving;
    WARD_TRY(decide_by(g->v.w, g->v.c->mem, &what, &g->looked, &g->decision, err));
    WARD_TRY(check_open(g->rules, g->decision, q->overrides, q->n_overrides, &by, g->v.c->mem,
                        &g->open, &g->n_open, err));
    g->decision->overrides = q->overrides;
    g->decision->n_overrides = q->n_overrides;
    g->decision->decided_by = api_text(who->subject);
    g->decision->second_person = api_text(g->has_second ? g->second.subject : "");
    g->decision->event_id = g->v.event_id;
    WARD_TRY(judge_confirmed(g, err));
    return decided_before(g, err);
}
