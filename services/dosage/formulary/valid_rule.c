/* Common fields of rules; interactions, duplicates, allergies and measurement ages; and
 * reasons. */
#include "services/dosage/formulary/valid.h"

#include <string.h>

#define HOURS_MOST   9600 /* hours of 400 days, the time span of given doses in a snapshot */
#define VERSION_MOST 1000000
#define OWN          "ward." /* prefix of the service's built-in findings */
#define ROLE         64

void valid_rule_head(struct valid *v, const struct place *in, const Rule *rule)
{
    const struct place *at = PLACE(in, "rule");

    if (rule == NULL) {
        wrong(v, at, "is missing");
        return;
    }
    if (valid_word(v, PLACE(at, "id"), rule->id, ".") &&
        strncmp(rule->id, OWN, strlen(OWN)) == 0)
        wrong(v, PLACE(at, "id"), "begins with " OWN ", which is the service's own");
    valid_range(v, PLACE(at, "version"), rule->version, 1, VERSION_MOST);
    valid_range(v, PLACE(at, "severity"), rule->severity,
                WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO,
                WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD);
    valid_source(v, at, rule->source);
    valid_day(v, PLACE(at, "reviewed_on"), rule->reviewed_on);
    if (rule->final && rule->severity != WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD)
        wrong(v, PLACE(at, "final"), "is only for severity HARD");
}

void valid_class(struct valid *v, const struct place *at, const char *id)
{
    if (names_find(&v->r->classes, id) == NULL)
        wrong(v, at, "is a class without an ingredient");
}

void valid_selector(struct valid *v, const struct place *at, const Selector *s)
{
    if (s == NULL || s->of_case == WARD__DOSAGE__V1__SELECTOR__OF__NOT_SET)
        wrong(v, at, "selects no ingredient and no class");
    else if (s->of_case == WARD__DOSAGE__V1__SELECTOR__OF_CLASS)
        valid_class(v, PLACE(at, "class"), s->class_);
    else if (ruleset_ingredient(v->r, s->ingredient) == NULL)
        wrong(v, PLACE(at, "ingredient"), "is not an ingredient of this set");
}

static void interaction(struct valid *v, const Ward__Dosage__V1__InteractionRule *x,
                        const struct place *at)
{
    valid_rule_head(v, at, x->rule);
    valid_selector(v, PLACE(at, "a"), x->a);
    valid_selector(v, PLACE(at, "b"), x->b);
    valid_range(v, PLACE(at, "within_hours"), x->within_hours, 0, HOURS_MOST);
    valid_sentence(v, PLACE(at, "effect"), x->effect);
    valid_over(v, PLACE(at, "a_over"), x->a_over, x->a);
    valid_over(v, PLACE(at, "b_over"), x->b_over, x->b);
    valid_routes(v, at, "a_routes", x->a_routes, x->n_a_routes);
    valid_routes(v, at, "b_routes", x->b_routes, x->n_b_routes);
    valid_ages(v, at, x->age_from_days, x->age_to_days);
    valid_range(v, PLACE(at, "a_then_b_hours"), x->a_then_b_hours, 0, HOURS_MOST);
    valid_range(v, PLACE(at, "b_then_a_hours"), x->b_then_a_hours, 0, HOURS_MOST);
    if (x->c != NULL)
        valid_selector(v, PLACE(at, "c"), x->c);
}

static void duplicate(struct valid *v, const Ward__Dosage__V1__DuplicateRule *d,
                      const struct place *at)
{
    valid_rule_head(v, at, d->rule);
    valid_class(v, PLACE(at, "class"), d->class_);
    valid_sentence(v, PLACE(at, "name"), d->name);
    valid_range(v, PLACE(at, "most"), d->most, 1, 100);
}

static void allergy(struct valid *v, const Ward__Dosage__V1__AllergyRule *a,
                    const struct place *at)
{
    valid_rule_head(v, at, a->rule);
    if (a->n_codes == 0 && a->n_names == 0 && a->allergy == NULL)
        wrong(v, at, "names no allergy: codes, names or allergy");
    valid_codes(v, PLACE(at, "codes"), a->codes, a->n_codes);
    valid_names(v, at, "names", a->names, a->n_names);
    if (a->allergy != NULL)
        valid_selector(v, PLACE(at, "allergy"), a->allergy);
    if (a->n_forbids == 0)
        wrong(v, PLACE(at, "forbids"), "is empty");
    for (size_t i = 0; i < a->n_forbids; i++)
        valid_selector(v, PLACE_OF(at, "forbids", i), a->forbids[i]);
    valid_sentence(v, PLACE(at, "effect"), a->effect);
}

static void fresh(struct valid *v, const Ward__Dosage__V1__FreshRule *f, const struct place *at)
{
    valid_rule_head(v, at, f->rule);
    valid_range(v, PLACE(at, "what"), f->what, WARD__DOSAGE__V1__FRESH_RULE__WHAT__WHAT_WEIGHT,
                WARD__DOSAGE__V1__FRESH_RULE__WHAT__WHAT_CREATININE);
    valid_ages(v, at, f->age_from_days, f->age_to_days);
    valid_range(v, PLACE(at, "max_age_hours"), f->max_age_hours, 1, HOURS_MOST * 10);
}

static void reason(struct valid *v, const Reason *r, const struct place *at)
{
    valid_word(v, PLACE(at, "code"), r->code, "");
    valid_sentence(v, PLACE(at, "name"), r->name);
    if (r->n_uses == 0)
        wrong(v, PLACE(at, "uses"), "is empty");
    for (size_t i = 0; i < r->n_uses; i++)
        valid_range(v, PLACE_OF(at, "uses", i), r->uses[i],
                    WARD__DOSAGE__V1__REASON__USE__USE_OVERRIDE_WARN,
                    WARD__DOSAGE__V1__REASON__USE__USE_TIME);
    for (size_t i = 0; i < r->n_roles; i++)
        valid_text(v, PLACE_OF(at, "roles", i), r->roles[i], ROLE);
}

void valid_rules(struct valid *v)
{
    const RuleSet *m = v->r->msg;

    for (size_t i = 0; i < m->n_interactions; i++)
        interaction(v, m->interactions[i], PLACE_OF(NULL, "interactions", i));
    for (size_t i = 0; i < m->n_duplicates; i++)
        duplicate(v, m->duplicates[i], PLACE_OF(NULL, "duplicates", i));
    for (size_t i = 0; i < m->n_allergies; i++)
        allergy(v, m->allergies[i], PLACE_OF(NULL, "allergies", i));
    for (size_t i = 0; i < m->n_fresh; i++)
        fresh(v, m->fresh[i], PLACE_OF(NULL, "fresh", i));
    valid_slips(v);
    for (size_t i = 0; i < m->n_reasons; i++)
        reason(v, m->reasons[i], PLACE_OF(NULL, "reasons", i));
}
