#include "services/dosage/check/set.h"

#include <string.h>

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rule set's indexes");
}

struct selector set_selector(const struct prepared *p, const Ward__Dosage__V1__Selector *s)
{
    struct selector out = {-1, -1};

    if (s != NULL && s->of_case == WARD__DOSAGE__V1__SELECTOR__OF_INGREDIENT)
        out.ingredient = set_ingredient(p, s->ingredient);
    if (s != NULL && s->of_case == WARD__DOSAGE__V1__SELECTOR__OF_CLASS)
        out.class_id = set_class(p, s->class_);
    return out;
}

/* Whether the n-th rule of a kind concerns an ingredient. */
typedef bool about_fn(const struct prepared *p, size_t n, int ingredient);

static bool interaction_about(const struct prepared *p, size_t n, int ingredient)
{
    for (enum role x = ROLE_A; x < ROLES; x++)
        if (set_selects(p, &p->interactions[n].role[x], ingredient))
            return true;
    return false;
}

static bool duplicate_about(const struct prepared *p, size_t n, int ingredient)
{
    int class_id = set_class(p, p->set->duplicates[n]->class_);

    return class_id >= 0 && set_in_class(p, ingredient, class_id);
}

static bool class_sum_about(const struct prepared *p, size_t n, int ingredient)
{
    for (size_t i = 0; i < p->class_sums[n].n_members; i++)
        if (p->class_sums[n].members[i].ingredient == ingredient)
            return true;
    return false;
}

static bool allergy_about(const struct prepared *p, size_t n, int ingredient)
{
    const Ward__Dosage__V1__AllergyRule *r = p->set->allergies[n];

    for (size_t i = 0; i < r->n_forbids; i++) {
        struct selector s = set_selector(p, r->forbids[i]);

        if (set_selects(p, &s, ingredient))
            return true;
    }
    return false;
}

static bool selected(const struct prepared *p, const struct selector *list, size_t n,
                     int ingredient)
{
    for (size_t i = 0; i < n; i++)
        if (set_selects(p, &list[i], ingredient))
            return true;
    return false;
}

static bool context_about(const struct prepared *p, size_t n, int ingredient)
{
    return selected(p, p->contexts[n].drugs, p->contexts[n].msg->n_drugs, ingredient);
}

static bool monitoring_about(const struct prepared *p, size_t n, int ingredient)
{
    return selected(p, p->monitorings[n].drugs, p->monitorings[n].msg->n_drugs, ingredient);
}

static bool list(const struct prepared *p, struct ward_arena *mem, size_t n_rules,
                 about_fn *about, int ingredient, int **out, size_t *n_out)
{
    size_t n = 0;

    for (size_t i = 0; i < n_rules; i++)
        n += about(p, i, ingredient);
    *out = ward_alloc(mem, n * sizeof(**out));
    for (size_t i = 0; *out != NULL && i < n_rules; i++)
        if (about(p, i, ingredient))
            (*out)[(*n_out)++] = (int)i;
    return *out != NULL;
}

static enum ward_code prepare_lists(struct prepared *p, struct ward_arena *mem,
                                    struct ward_err *err)
{
    for (size_t i = 0; i < p->n_ingredients; i++) {
        struct ingredient *g = &p->ingredients[i];

        if (!list(p, mem, p->set->n_interactions, interaction_about, (int)i, &g->interactions,
                  &g->n_interactions) ||
            !list(p, mem, p->set->n_duplicates, duplicate_about, (int)i, &g->duplicates,
                  &g->n_duplicates) ||
            !list(p, mem, p->set->n_class_sums, class_sum_about, (int)i, &g->class_sums,
                  &g->n_class_sums) ||
            !list(p, mem, p->set->n_allergies, allergy_about, (int)i, &g->forbidden,
                  &g->n_forbidden) ||
            !list(p, mem, p->set->n_context, context_about, (int)i, &g->contexts,
                  &g->n_contexts) ||
            !list(p, mem, p->set->n_monitoring, monitoring_about, (int)i, &g->monitorings,
                  &g->n_monitorings))
            return no_memory(err);
    }
    return WARD_OK;
}

/* Range rules have no factor; all other slip rules have a factor. */
static void prepare_slip(const Ward__Dosage__V1__SlipRule *msg, struct slip_rule *out)
{
    bool range = msg->kind >= WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_WEIGHT_RANGE, has;

    out->msg = msg;
    out->good = number_read(msg->factor, &has, &out->factor) && has != range &&
                number_read(msg->low, &out->has_low, &out->low) &&
                number_read(msg->high, &out->has_high, &out->high) &&
                (!range || out->has_low || out->has_high);
}

void set_over(const Ward__Dosage__V1__DoseOver *msg, struct over *out)
{
    out->set = msg != NULL;
    out->has_single = msg != NULL && msg->single != NULL &&
                      amount_of(msg->single, &out->single, NULL) == WARD_OK;
    out->has_daily = msg != NULL && msg->daily != NULL &&
                     amount_of(msg->daily, &out->daily, NULL) == WARD_OK;
}

static void prepare_interaction(const struct prepared *p,
                                const Ward__Dosage__V1__InteractionRule *msg,
                                struct interaction *out)
{
    out->msg = msg;
    out->role[ROLE_A] = set_selector(p, msg->a);
    out->role[ROLE_B] = set_selector(p, msg->b);
    out->role[ROLE_C] = set_selector(p, msg->c);
    set_over(msg->a_over, &out->over[ROLE_A]);
    set_over(msg->b_over, &out->over[ROLE_B]);
}

enum ward_code prepare_rules(struct prepared *p, struct ward_arena *mem, struct ward_err *err)
{
    const Ward__Dosage__V1__RuleSet *set = p->set;

    WARD_TRY(prepare_dose_rules(p, mem, err));
    WARD_TRY(prepare_class_sums(p, mem, err));
    p->interactions = ward_alloc(mem, set->n_interactions * sizeof(*p->interactions));
    p->allergies = ward_alloc(mem, set->n_allergies * sizeof(*p->allergies));
    p->slips = ward_alloc(mem, set->n_slips * sizeof(*p->slips));
    if (p->interactions == NULL || p->allergies == NULL || p->slips == NULL)
        return no_memory(err);
    for (size_t i = 0; i < set->n_interactions; i++)
        prepare_interaction(p, set->interactions[i], &p->interactions[i]);
    for (size_t i = 0; i < set->n_allergies; i++)
        p->allergies[i] = (struct allergy_rule){set->allergies[i],
                                                set_selector(p, set->allergies[i]->allergy)};
    for (size_t i = 0; i < set->n_slips; i++)
        prepare_slip(set->slips[i], &p->slips[i]);
    WARD_TRY(prepare_contexts(p, mem, err));
    return prepare_lists(p, mem, err);
}
