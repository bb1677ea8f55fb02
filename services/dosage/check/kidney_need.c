#include "services/dosage/check/kidney_need.h"

#include "services/dosage/check/circumstance.h"
#include "services/dosage/check/held.h"

#define KIDNEYS_LACK ((unsigned)LACK_RENAL | LACK_CLEARANCE | LACK_RENAL_SINGLE)
#define KIDNEYS_USED ((unsigned)USED_CREATININE | USED_EGFR)

/* ---- patients at risk ---- */

static bool selects(const struct run *r, const struct selector *list, size_t n, int ingredient)
{
    for (size_t i = 0; i < n; i++)
        if (set_selects(r->set, &list[i], ingredient))
            return true;
    return false;
}

static bool has_drug(const struct run *r, const struct kidney_risk *risk)
{
    for (size_t k = 0; k < r->n_shares; k++)
        if (selects(r, risk->drugs, risk->msg->n_drugs, r->shares[k].ingredient))
            return true;
    return false;
}

/* Whether the rule excludes all ingredients of the order. */
static bool is_left_out(const struct run *r, const struct kidney_risk *risk)
{
    for (size_t k = 0; k < r->n_shares; k++)
        if (!selects(r, risk->not_drugs, risk->msg->n_not_drugs, r->shares[k].ingredient))
            return false;
    return true;
}

static bool is_at_risk(struct run *r, const struct kidney_risk *risk)
{
    const Ward__Dosage__V1__KidneyRiskRule *m = risk->msg;
    bool reaches = !risk->good || !risk->has_above || !r->renal_top_set ||
                   !r->renal_top.has_to || ward_decimal_cmp(&r->renal_top.to, &risk->above) > 0;
    bool yes = has_drug(r, risk) ||
               (m->age_from_days > 0 && band_age(r, m->age_from_days, 0) != FIT_NO);

    for (size_t i = 0; !yes && i < m->n_any; i++)
        yes = circumstance_ask(r, &risk->any[i]).is != TRUTH_NO;
    yes &= reaches && !is_left_out(r, risk);
    trace_add(r, m->rule,
              yes ? WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
                  : WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS,
              yes ? "no-renal" : "", NULL, 0);
    return yes;
}

bool kidneys_at_risk(struct run *r)
{
    const Ward__Dosage__V1__RuleSet *set = r->set->set;
    bool yes = set->n_kidney_risks == 0 || r->snap->facts == NULL;

    for (size_t i = 0; !yes && i < set->n_kidney_risks; i++)
        yes = is_at_risk(r, &r->set->kidney_risks[i]);
    return yes;
}

/* ---- the checked dose ---- */

static bool has_kidneys(const struct dose_rule *rule)
{
    return rule->renal.has_from || rule->renal.has_to || !rule->renal.good;
}

/* Whether the rule would apply to this order if the kidney function were in the rule's
 * range. */
static bool fits_otherwise(struct run *r, const struct dose_rule *rule)
{
    struct dose_rule any = *rule;
    const char *why;

    any.renal = (struct bound){.good = true};
    return band_fit(r, &any, &why) != FIT_NO;
}

static void reaches_to(struct run *r, const struct bound *renal)
{
    if (!r->renal_top_set || !renal->has_to ||
        (r->renal_top.has_to && ward_decimal_cmp(&renal->to, &r->renal_top.to) > 0))
        r->renal_top = *renal;
    r->renal_top_set = true;
}

enum need { NEED_NOTHING, NEED_LATER, NEED_NOW };

/* One dose may be given before the kidney function is known, unless a rule forbids the drug.
 * Source: Matzke GR et al. Drug dosing consideration in patients with acute and chronic kidney
 * disease: a clinical update from KDIGO, Kidney Int 2011;80:1122-37, doi 10.1038/ki.2011.322:
 * the first (loading) dose equals the dose for normal kidneys. Checked 2026-11-22. */
static enum need need_of(struct run *r, const struct share *share, struct sums **sums,
                         unsigned instead)
{
    const struct ingredient *of = &r->set->ingredients[share->ingredient];
    bool once = r->p->timing->kind == WARD__DOSAGE__V1__TIMING__KIND__KIND_ONCE;
    enum need need = NEED_NOTHING;
    bool any = false;

    for (size_t i = 0; i < of->n_rules; i++) {
        const struct dose_rule *rule = &of->rules[i];

        any |= has_kidneys(rule);
        if (!has_kidneys(rule) || !fits_otherwise(r, rule) ||
            dose_would_hold(r, share, sums, rule, instead))
            continue;
        if (!once || rule->msg->contraindicated)
            need = NEED_NOW;
        else if (need == NEED_NOTHING)
            need = NEED_LATER;
        reaches_to(r, &rule->renal);
    }
    return any || !of->msg->renal ? need : once ? NEED_LATER : NEED_NOW;
}

void kidneys_needed(struct run *r, const struct share *share, struct sums **sums,
                    unsigned instead, const struct lacked *before)
{
    const unsigned used = r->used, lacking = r->lacking;
    const struct measure *c = &r->body.creatinine, *e = &r->body.egfr;
    enum need need = need_of(r, share, sums, instead);

    r->used = used;
    r->lacking = lacking;
    if (need == NEED_NOTHING) {
        r->lacking = (lacking & ~KIDNEYS_LACK) | (before->lacking & KIDNEYS_LACK);
        r->used = (used & ~KIDNEYS_USED) | (before->used & KIDNEYS_USED);
    } else if ((lacking & LACK_RENAL) != 0 || (!c->there && !e->there)) {
        r->lacking = (lacking & ~(unsigned)LACK_RENAL) | (before->lacking & LACK_RENAL) |
                     (unsigned)(need == NEED_NOW ? LACK_RENAL : LACK_RENAL_SINGLE);
    } else if ((used & KIDNEYS_USED) == 0) {
        r->used |=
            c->there && (!e->there || c->age_us <= e->age_us) ? USED_CREATININE : USED_EGFR;
    }
}
