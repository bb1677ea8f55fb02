/* Context, monitoring and kidney risk rules, and their conditions on a chart. */
#include "services/dosage/formulary/valid.h"

#include <string.h>

#define HOURS_MOST   87600 /* hours of 10 years */
#define DAYS_MOST    3660
#define WEEKS_MOST   45
#define LOINC_MOST   8 /* bytes of 7 digits and a hyphen */
#define ICD_LEAST    3 /* characters of an ICD category; a shorter code is a chapter */
#define TESTS_MOST   50
#define LOINCS_MOST  40
#define SHARE_MOST   100
#define ALTERNATIVES 10

typedef Ward__Dosage__V1__Circumstance Circumstance;
typedef Ward__Dosage__V1__ContextRule ContextRule;
typedef Ward__Dosage__V1__MonitoringRule MonitoringRule;

/* ---- codes ---- */

/* The check digit of LOINC codes uses the Luhn algorithm. Source: LOINC Users' Guide, "LOINC
 * check digits". Checked 2026-11-22. */
static bool is_loinc(const char *s)
{
    const char *hyphen = strchr(s, '-');
    size_t n = strlen(s);
    int sum = 0;

    if (hyphen == NULL || n > LOINC_MOST || hyphen == s || hyphen + 2 != s + n)
        return false;
    for (const char *p = s; *p != '\0'; p++)
        if (p != hyphen && (*p < '0' || *p > '9'))
            return false;
    for (const char *p = hyphen - 1; p >= s; p--) {
        int d = (*p - '0') * ((hyphen - p) % 2 == 1 ? 2 : 1);

        sum += d > 9 ? d - 9 : d;
    }
    return (10 - sum % 10) % 10 == hyphen[1] - '0';
}

static void loincs(struct valid *v, const struct place *in, char *const *list, size_t n)
{
    if (n == 0 || n > LOINCS_MOST)
        wrong(v, PLACE(in, "loincs"), "must be 1 to %d codes", LOINCS_MOST);
    for (size_t i = 0; i < n; i++)
        if (!is_loinc(list[i]))
            wrong(v, PLACE_OF(in, "loincs", i), "is not a LOINC code");
}

static size_t letters(const char *code)
{
    size_t n = 0;

    for (; *code != '\0'; code++)
        n += *code != '.';
    return n;
}

static void problem(struct valid *v, const struct place *at,
                    const Ward__Dosage__V1__ProblemIs *p)
{
    if (p->n_codes == 0 && p->n_below == 0)
        wrong(v, at, "names no problem; set codes or below");
    valid_codes(v, PLACE(at, "codes"), p->codes, p->n_codes);
    valid_codes(v, PLACE(at, "below"), p->below, p->n_below);
    for (size_t i = 0; i < p->n_below; i++)
        if (letters(p->below[i]->code) < ICD_LEAST)
            wrong(v, PLACE(PLACE_OF(at, "below", i), "code"), "has fewer than %d characters",
                  ICD_LEAST);
    valid_range(v, PLACE(at, "began_within_days"), p->began_within_days, 0, DAYS_MOST);
}

/* ---- states ---- */

static void pregnancy(struct valid *v, const struct place *at,
                      const Ward__Dosage__V1__PregnancyIs *p)
{
    valid_range(v, PLACE(at, "from_week"), p->from_week, 0, WEEKS_MOST);
    if (valid_range(v, PLACE(at, "to_week"), p->to_week, 0, WEEKS_MOST) && p->to_week != 0 &&
        p->to_week <= p->from_week)
        wrong(v, PLACE(at, "to_week"), "must be above from_week");
    valid_ages(v, at, p->age_from_days, p->age_to_days);
    if (p->age_to_days == 0)
        wrong(v, PLACE(at, "age_to_days"), "is missing");
    valid_range(v, PLACE(at, "no_expires_days"), p->no_expires_days, 0, DAYS_MOST);
}

/* ---- values ---- */

static void limits(struct valid *v, const struct place *in, Quantity *const *list, size_t n)
{
    struct ward_decimal d;

    if (n == 0 || n > ALTERNATIVES)
        wrong(v, PLACE(in, "limits"), "must be 1 to %d", ALTERNATIVES);
    for (size_t i = 0; i < n; i++) {
        const struct place *at = PLACE_OF(in, "limits", i);

        valid_decimal(v, PLACE(at, "value"), list[i]->value, &d);
        valid_unit(v, PLACE(at, "unit"), list[i]->unit);
    }
}

static void value(struct valid *v, const struct place *at, const Ward__Dosage__V1__ValueIs *x)
{
    loincs(v, at, x->loincs, x->n_loincs);
    valid_range(v, PLACE(at, "relation"), x->relation,
                WARD__DOSAGE__V1__VALUE_IS__RELATION__RELATION_BELOW,
                WARD__DOSAGE__V1__VALUE_IS__RELATION__RELATION_ABOVE);
    limits(v, at, x->limits, x->n_limits);
    valid_range(v, PLACE(at, "max_age_hours"), x->max_age_hours, 1, HOURS_MOST);
}

static void trend(struct valid *v, const struct place *at, const Ward__Dosage__V1__TrendIs *x)
{
    const struct ward_decimal one = ward_decimal_of(1, 0),
                              most = ward_decimal_of(SHARE_MOST, 0);
    bool fall = x->direction == WARD__DOSAGE__V1__TREND_IS__DIRECTION__DIRECTION_FALL;
    struct ward_decimal share;

    loincs(v, at, x->loincs, x->n_loincs);
    valid_range(v, PLACE(at, "direction"), x->direction,
                WARD__DOSAGE__V1__TREND_IS__DIRECTION__DIRECTION_RISE,
                WARD__DOSAGE__V1__TREND_IS__DIRECTION__DIRECTION_FALL);
    if (valid_decimal(v, PLACE(at, "share"), x->share, &share) &&
        (fall ? ward_decimal_cmp(&share, &one) >= 0 : ward_decimal_cmp(&share, &most) > 0))
        wrong(v, PLACE(at, "share"), "must be %s", fall ? "below 1" : "at most 100");
    valid_range(v, PLACE(at, "within_hours"), x->within_hours, 1, HOURS_MOST);
    valid_range(v, PLACE(at, "max_age_hours"), x->max_age_hours, 1, HOURS_MOST);
}

static void answer(struct valid *v, const struct place *at, const Ward__Dosage__V1__AnswerIs *x)
{
    loincs(v, at, x->loincs, x->n_loincs);
    if (x->n_values == 0)
        wrong(v, PLACE(at, "values"), "is empty");
    valid_codes(v, PLACE(at, "values"), x->values, x->n_values);
    valid_range(v, PLACE(at, "max_age_hours"), x->max_age_hours, 0, HOURS_MOST);
}

static void circumstance(struct valid *v, const struct place *at, const Circumstance *c)
{
    valid_sentence(v, PLACE(at, "name"), c->name);
    switch (c->of_case) {
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_PROBLEM:
        problem(v, PLACE(at, "problem"), c->problem);
        break;
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_PREGNANCY:
        pregnancy(v, PLACE(at, "pregnancy"), c->pregnancy);
        break;
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_BREASTFEEDING:
        valid_range(v, PLACE(PLACE(at, "breastfeeding"), "yes_expires_days"),
                    c->breastfeeding->yes_expires_days, 0, DAYS_MOST);
        break;
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_SEX:
        valid_range(v, PLACE(at, "sex"), c->sex, WARD__DOSAGE__V1__SEX__SEX_FEMALE,
                    WARD__DOSAGE__V1__SEX__SEX_OTHER);
        break;
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_VALUE:
        value(v, PLACE(at, "value"), c->value);
        break;
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_TREND:
        trend(v, PLACE(at, "trend"), c->trend);
        break;
    case WARD__DOSAGE__V1__CIRCUMSTANCE__OF_ANSWER:
        answer(v, PLACE(at, "answer"), c->answer);
        break;
    default:
        wrong(v, at, "has no condition; set one of its fields");
    }
}

/* ---- rules ---- */

static void drugs(struct valid *v, const struct place *at, Selector *const *list, size_t n)
{
    if (n == 0)
        wrong(v, PLACE(at, "drugs"), "is empty");
    for (size_t i = 0; i < n; i++)
        valid_selector(v, PLACE_OF(at, "drugs", i), list[i]);
}

static void band(struct valid *v, const struct place *at, const Ward__Dosage__V1__Band *b)
{
    if (b == NULL)
        return;
    valid_routes(v, at, "routes", b->routes, b->n_routes);
    valid_codes(v, PLACE(at, "indications"), b->indications, b->n_indications);
    valid_ages(v, at, b->age_from_days, b->age_to_days);
    if (*b->weight_from_kg != '\0' || *b->weight_to_kg != '\0' || *b->renal_from != '\0' ||
        *b->renal_to != '\0' || b->renal_by != 0)
        wrong(v, at,
              "has bounds of weight or kidney function, which this rule does not permit");
}

/* A limit for a class is not compared with a unit, because the class's ingredients have
 * different units. */
void valid_over(struct valid *v, const struct place *at, const Ward__Dosage__V1__DoseOver *o,
                const Selector *of)
{
    const bool one = of != NULL && of->of_case == WARD__DOSAGE__V1__SELECTOR__OF_INGREDIENT;
    const Ingredient *in = one ? ruleset_ingredient(v->r, of->ingredient) : NULL;
    const struct {
        const char *name;
        const Quantity *q;
    } amounts[] = {{"single", o == NULL ? NULL : o->single},
                   {"daily", o == NULL ? NULL : o->daily}};
    struct ward_decimal d;

    if (o == NULL)
        return;
    if (o->single == NULL && o->daily == NULL)
        wrong(v, at, "has no dose; set single or daily");
    for (size_t i = 0; i < WARD_COUNT(amounts); i++) {
        const struct place *to = PLACE(at, amounts[i].name);

        if (amounts[i].q == NULL)
            continue;
        if (in != NULL)
            valid_amount(v, to, amounts[i].q, in, OVER_NOTHING, NULL);
        else if (valid_decimal(v, PLACE(to, "value"), amounts[i].q->value, &d))
            valid_unit(v, PLACE(to, "unit"), amounts[i].q->unit);
    }
}

static void tests(struct valid *v, const struct place *in, const char *name,
                  Circumstance *const *list, size_t n)
{
    if (n > TESTS_MOST)
        wrong(v, PLACE(in, name), "has more than %d", TESTS_MOST);
    for (size_t i = 0; i < n; i++)
        circumstance(v, PLACE_OF(in, name, i), list[i]);
}

static void context(struct valid *v, const ContextRule *c, const struct place *at)
{
    valid_rule_head(v, at, c->rule);
    drugs(v, at, c->drugs, c->n_drugs);
    band(v, PLACE(at, "band"), c->band);
    valid_over(v, PLACE(at, "over"), c->over, c->n_drugs == 1 ? c->drugs[0] : NULL);
    if (c->n_any == 0 && c->n_all == 0)
        wrong(v, at, "has no condition on the chart; set any or all");
    tests(v, at, "any", c->any, c->n_any);
    tests(v, at, "all", c->all, c->n_all);
    tests(v, at, "unless", c->unless, c->n_unless);
    valid_range(v, PLACE(at, "when_unknown"), c->when_unknown,
                WARD__DOSAGE__V1__CONTEXT_RULE__WHEN_UNKNOWN__WHEN_UNKNOWN_SILENT,
                WARD__DOSAGE__V1__CONTEXT_RULE__WHEN_UNKNOWN__WHEN_UNKNOWN_WARN);
    valid_sentence(v, PLACE(at, "effect"), c->effect);
}

static void monitoring(struct valid *v, const MonitoringRule *m, const struct place *at)
{
    valid_rule_head(v, at, m->rule);
    drugs(v, at, m->drugs, m->n_drugs);
    band(v, PLACE(at, "band"), m->band);
    valid_sentence(v, PLACE(at, "name"), m->name);
    loincs(v, at, m->loincs, m->n_loincs);
    valid_range(v, PLACE(at, "before_hours"), m->before_hours, 0, HOURS_MOST);
    valid_range(v, PLACE(at, "first_hours"), m->first_hours, 0, HOURS_MOST);
    valid_range(v, PLACE(at, "every_hours"), m->every_hours, 0, HOURS_MOST);
    if (m->before_hours == 0 && m->first_hours == 0)
        wrong(v, at, "requires no value; set before_hours or first_hours");
    if (m->every_hours != 0 && m->first_hours == 0)
        wrong(v, PLACE(at, "every_hours"), "needs first_hours");
}

static void kidney_risk(struct valid *v, const Ward__Dosage__V1__KidneyRiskRule *k,
                        const struct place *at)
{
    struct ward_decimal above;

    valid_rule_head(v, at, k->rule);
    valid_ages(v, at, k->age_from_days, 0);
    tests(v, at, "any", k->any, k->n_any);
    for (size_t i = 0; i < k->n_drugs; i++)
        valid_selector(v, PLACE_OF(at, "drugs", i), k->drugs[i]);
    for (size_t i = 0; i < k->n_not_drugs; i++)
        valid_selector(v, PLACE_OF(at, "not_drugs", i), k->not_drugs[i]);
    if (*k->renal_above != '\0')
        valid_decimal(v, PLACE(at, "renal_above"), k->renal_above, &above);
    if (k->age_from_days == 0 && k->n_any == 0 && k->n_drugs == 0)
        wrong(v, at, "selects neither patients nor drugs; set age_from_days, any or drugs");
}

void valid_contexts(struct valid *v)
{
    const RuleSet *m = v->r->msg;

    for (size_t i = 0; i < m->n_context; i++)
        context(v, m->context[i], PLACE_OF(NULL, "context", i));
    for (size_t i = 0; i < m->n_monitoring; i++)
        monitoring(v, m->monitoring[i], PLACE_OF(NULL, "monitoring", i));
    for (size_t i = 0; i < m->n_kidney_risks; i++)
        kidney_risk(v, m->kidney_risks[i], PLACE_OF(NULL, "kidney_risks", i));
}
