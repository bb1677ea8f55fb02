/* Context, monitoring and kidney risk rules of a rule set, prepared once. */
#include "services/dosage/check/set.h"

#include <string.h>

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rule set's indexes");
}

static void prepare_limit(const Ward__Dosage__V1__Quantity *q, struct lab_limit *out)
{
    unit_parse(q->unit, &out->unit);
    out->good = out->unit.good &&
                ward_decimal_parse(q->value, strlen(q->value), &out->value, NULL) == WARD_OK;
}

static bool prepare_circumstance(const Ward__Dosage__V1__Circumstance *msg,
                                 struct ward_arena *mem, struct circumstance *out)
{
    out->msg = msg;
    if (msg->of_case == WARD__DOSAGE__V1__CIRCUMSTANCE__OF_TREND) {
        const char *share = msg->trend->share;

        out->good = ward_decimal_parse(share, strlen(share), &out->share, NULL) == WARD_OK;
    }
    if (msg->of_case != WARD__DOSAGE__V1__CIRCUMSTANCE__OF_VALUE)
        return true;
    out->limits = ward_alloc(mem, msg->value->n_limits * sizeof(*out->limits));
    for (size_t i = 0; out->limits != NULL && i < msg->value->n_limits; i++)
        prepare_limit(msg->value->limits[i], &out->limits[i]);
    return out->limits != NULL;
}

static bool prepare_list(Ward__Dosage__V1__Circumstance *const *list, size_t n,
                         struct ward_arena *mem, struct circumstance **out)
{
    *out = ward_alloc(mem, n * sizeof(**out));
    for (size_t i = 0; *out != NULL && i < n; i++)
        if (!prepare_circumstance(list[i], mem, &(*out)[i]))
            return false;
    return *out != NULL;
}

static bool prepare_drugs(const struct prepared *p, Ward__Dosage__V1__Selector *const *list,
                          size_t n, struct ward_arena *mem, struct selector **out)
{
    *out = ward_alloc(mem, n * sizeof(**out));
    for (size_t i = 0; *out != NULL && i < n; i++)
        (*out)[i] = set_selector(p, list[i]);
    return *out != NULL;
}

static bool prepare_context(const struct prepared *p, const Ward__Dosage__V1__ContextRule *msg,
                            struct ward_arena *mem, struct context_rule *out)
{
    out->msg = msg;
    set_over(msg->over, &out->over);
    return prepare_drugs(p, msg->drugs, msg->n_drugs, mem, &out->drugs) &&
           prepare_list(msg->any, msg->n_any, mem, &out->any) &&
           prepare_list(msg->all, msg->n_all, mem, &out->all) &&
           prepare_list(msg->unless, msg->n_unless, mem, &out->unless);
}

enum ward_code prepare_contexts(struct prepared *p, struct ward_arena *mem,
                                struct ward_err *err)
{
    const Ward__Dosage__V1__RuleSet *set = p->set;

    p->contexts = ward_alloc(mem, set->n_context * sizeof(*p->contexts));
    p->monitorings = ward_alloc(mem, set->n_monitoring * sizeof(*p->monitorings));
    p->kidney_risks = ward_alloc(mem, set->n_kidney_risks * sizeof(*p->kidney_risks));
    if (p->contexts == NULL || p->monitorings == NULL || p->kidney_risks == NULL)
        return no_memory(err);
    for (size_t i = 0; i < set->n_context; i++)
        if (!prepare_context(p, set->context[i], mem, &p->contexts[i]))
            return no_memory(err);
    for (size_t i = 0; i < set->n_monitoring; i++) {
        const Ward__Dosage__V1__MonitoringRule *m = set->monitoring[i];

        p->monitorings[i].msg = m;
        if (!prepare_drugs(p, m->drugs, m->n_drugs, mem, &p->monitorings[i].drugs))
            return no_memory(err);
    }
    for (size_t i = 0; i < set->n_kidney_risks; i++) {
        const Ward__Dosage__V1__KidneyRiskRule *m = set->kidney_risks[i];

        p->kidney_risks[i].msg = m;
        p->kidney_risks[i].good = number_read(m->renal_above, &p->kidney_risks[i].has_above,
                                              &p->kidney_risks[i].above);
        if (!prepare_list(m->any, m->n_any, mem, &p->kidney_risks[i].any) ||
            !prepare_drugs(p, m->drugs, m->n_drugs, mem, &p->kidney_risks[i].drugs) ||
            !prepare_drugs(p, m->not_drugs, m->n_not_drugs, mem, &p->kidney_risks[i].not_drugs))
            return no_memory(err);
    }
    return WARD_OK;
}
