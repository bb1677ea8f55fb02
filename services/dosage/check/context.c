/* Contraindications from the chart. */
#include "services/dosage/check/circumstance.h"

#include <stdlib.h>
#include <string.h>

#define BROKEN     WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_BROKEN
#define HELD       WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_HELD
#define UNDECIDED  WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED
#define NOT_THIS   WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS
#define WHEN(name) WARD__DOSAGE__V1__CONTEXT_RULE__WHEN_UNKNOWN__WHEN_UNKNOWN_##name

/* The answers to the conditions of one rule. */
struct asked {
    struct run *r;
    const struct context_rule *rule;
    struct answer *answers;
    size_t n;
};

/* *any: the most certain answer; *all: the least certain answer. */
static void ask(struct asked *a, const struct circumstance *list, size_t n, enum truth *any,
                enum truth *all)
{
    *any = TRUTH_NO;
    *all = TRUTH_YES;
    for (size_t i = 0; i < n; i++) {
        struct answer *to = &a->answers[a->n++];

        *to = circumstance_ask(a->r, &list[i]);
        *any = to->is > *any ? to->is : *any;
        *all = to->is < *all ? to->is : *all;
    }
}

/* Exceptions count only if the chart answers yes. */
static enum truth decide(struct asked *a)
{
    const Ward__Dosage__V1__ContextRule *m = a->rule->msg;
    enum truth any, all, none, ignored;

    ask(a, a->rule->any, m->n_any, &any, &ignored);
    if (m->n_any == 0)
        any = TRUTH_YES;
    ask(a, a->rule->all, m->n_all, &ignored, &all);
    if (any == TRUTH_NO || all == TRUTH_NO)
        return TRUTH_NO;
    for (size_t i = 0; i < m->n_unless; i++) {
        none = circumstance_ask(a->r, &a->rule->unless[i]).is;
        if (none == TRUTH_YES)
            return TRUTH_NO;
    }
    return any < all ? any : all;
}

/* Joins answers of one kind: "potassium 6.2 mmol/L, kidney failure". */
static char *list(const struct asked *a, enum truth is, bool zh)
{
    const char *args[2] = {say(a->r, "", NULL), ""};

    for (size_t i = 0; i < a->n; i++) {
        if (a->answers[i].is != is)
            continue;
        args[1] = zh ? a->answers[i].zh : a->answers[i].en;
        args[0] = say(a->r, *args[0] == '\0' ? "{1}" : zh ? "{0}、{1}" : "{0}, {1}", args);
    }
    return (char *)(uintptr_t)args[0];
}

static void collect(const struct asked *a, struct told *told)
{
    size_t room = 0;

    told->compared = ward_alloc(a->r->mem, a->n * sizeof(*told->compared));
    for (size_t i = 0; told->compared != NULL && i < a->n; i++) {
        if (a->answers[i].is != TRUTH_YES)
            continue;
        if (a->answers[i].compared != NULL)
            told->compared[told->n_compared++] = a->answers[i].compared;
        if (a->answers[i].about != NULL)
            about_add(a->r, &told->about, &told->n_about, &room, a->answers[i].about);
    }
}

static void tell_broken(const struct asked *a, const struct told *told)
{
    const Ward__Dosage__V1__ContextRule *m = a->rule->msg;
    const Ward__Dosage__V1__Drug *d = a->r->drug->msg;
    const char *args[3] = {name_en(d->name, d->id), list(a, TRUTH_YES, false),
                           name_en(m->effect, "")};
    char *en = say(a->r, "{0}: {1}. {2}", args);

    args[0] = name_zh(d->name, d->id);
    args[1] = list(a, TRUTH_YES, true);
    args[2] = name_zh(m->effect, "");
    find_rule(a->r, m->rule, en, say(a->r, "{0}：{1}。{2}", args), told);
}

static void tell_unknown(const struct asked *a)
{
    const Ward__Dosage__V1__ContextRule *m = a->rule->msg;
    const Ward__Dosage__V1__Drug *d = a->r->drug->msg;
    Ward__Dosage__V1__Severity severity = m->when_unknown == WHEN(WARN)
                                              ? WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN
                                              : WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO;
    const char *args[3] = {name_en(d->name, d->id), list(a, TRUTH_UNKNOWN, false),
                           name_en(m->effect, "")};
    char *en = say(a->r, "{0}: the chart does not tell: {1}. {2}", args);

    args[0] = name_zh(d->name, d->id);
    args[1] = list(a, TRUTH_UNKNOWN, true);
    args[2] = name_zh(m->effect, "");
    find_rule_as(a->r, m->rule, severity < m->rule->severity ? severity : m->rule->severity, en,
                 say(a->r, "{0}：病历中没有：{1}。{2}", args), NULL);
}

static void check_context(struct run *r, const struct context_rule *rule)
{
    const Ward__Dosage__V1__ContextRule *m = rule->msg;
    struct asked a = {.r = r, .rule = rule};
    struct told told = {0};
    enum truth is;

    a.answers = ward_alloc(r->mem, (m->n_any + m->n_all) * sizeof(*a.answers));
    if (a.answers == NULL)
        return;
    is = decide(&a);
    if (is == TRUTH_YES)
        collect(&a, &told);
    trace_add(r, m->rule,
              is == TRUTH_YES  ? BROKEN
              : is == TRUTH_NO ? HELD
                               : UNDECIDED,
              is == TRUTH_YES  ? "chart"
              : is == TRUTH_NO ? ""
                               : "not-in-chart",
              told.compared, told.n_compared);
    if (is == TRUTH_YES)
        tell_broken(&a, &told);
    else if (is == TRUTH_UNKNOWN && m->when_unknown > WHEN(SILENT))
        tell_unknown(&a);
}

/* Whether the order has a dose above the rule's dose, of an ingredient that the rule
 * concerns. */
static bool has_dose(const struct run *r, const struct context_rule *rule)
{
    for (size_t k = 0; k < r->n_shares; k++)
        for (size_t i = 0; i < rule->msg->n_drugs; i++)
            if (set_selects(r->set, &rule->drugs[i], r->shares[k].ingredient) &&
                order_is_over(r, &rule->over, k))
                return true;
    return false;
}

static bool seen(const struct run *r, size_t k, int rule)
{
    for (size_t before = 0; before < k; before++) {
        const struct ingredient *i = &r->set->ingredients[r->shares[before].ingredient];

        for (size_t n = 0; n < i->n_contexts; n++)
            if (i->contexts[n] == rule)
                return true;
    }
    return false;
}

void check_contexts(struct run *r)
{
    const Ward__Dosage__V1__Facts *f = r->snap->facts;

    if (f == NULL || f->state == WARD__DOSAGE__V1__CHART_STATE__CHART_STATE_UNAVAILABLE)
        return; /* an unavailable chart is a separate finding */
    for (size_t k = 0; k < r->n_shares; k++) {
        const struct ingredient *in = &r->set->ingredients[r->shares[k].ingredient];

        for (size_t i = 0; i < in->n_contexts; i++) {
            const struct context_rule *rule = &r->set->contexts[in->contexts[i]];
            const char *why;

            if (seen(r, k, in->contexts[i]))
                continue;
            if (!band_fits(r, rule->msg->band, &why))
                trace_add(r, rule->msg->rule, NOT_THIS, why, NULL, 0);
            else if (!has_dose(r, rule))
                trace_add(r, rule->msg->rule, NOT_THIS, "dose", NULL, 0);
            else
                check_context(r, rule);
        }
    }
}
