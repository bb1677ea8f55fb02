#include "services/dosage/check/set.h"

#include <string.h>

const struct limit_shape limit_shapes[LIMITS] = {
    [MAX_SINGLE] = {"single-dose", PER_NOTHING, GROUP_SINGLE, false},
    [MAX_SINGLE_KG] = {"dose-per-kg", PER_KG, GROUP_SINGLE, false},
    [MAX_SINGLE_M2] = {"dose-per-m2", PER_M2, GROUP_SINGLE, false},
    [MIN_SINGLE] = {"least-dose", PER_NOTHING, GROUP_MIN, true},
    [MIN_SINGLE_KG] = {"least-dose-per-kg", PER_KG, GROUP_MIN, true},
    [MAX_DAILY] = {"daily", PER_NOTHING, GROUP_DAILY, false},
    [MAX_DAILY_KG] = {"daily-per-kg", PER_KG, GROUP_DAILY, false},
    [MAX_DAILY_M2] = {"daily-per-m2", PER_M2, GROUP_DAILY, false},
    [MAX_CUMULATIVE] = {"cumulative", PER_NOTHING, GROUP_CUMULATIVE, false},
    [MAX_CUMULATIVE_M2] = {"cumulative-per-m2", PER_M2, GROUP_CUMULATIVE, false},
    [MAX_RATE] = {"rate", PER_NOTHING, GROUP_RATE, false},
    [MAX_RATE_KG] = {"rate-per-kg", PER_KG, GROUP_RATE, false},
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rule set's indexes");
}

static bool read_bound(const char *text, bool *has, struct ward_decimal *out)
{
    *has = *text != '\0';
    return !*has || ward_decimal_parse(text, strlen(text), out, NULL) == WARD_OK;
}

static void prepare_bound(const char *from, const char *to, struct bound *out)
{
    out->good = read_bound(from, &out->has_from, &out->from);
    out->good &= read_bound(to, &out->has_to, &out->to);
}

static const Ward__Dosage__V1__Quantity *written(const Ward__Dosage__V1__DoseRule *r,
                                                 enum limit_kind kind)
{
    const Ward__Dosage__V1__Quantity *const all[LIMITS] = {
        [MAX_SINGLE] = r->max_single,
        [MAX_SINGLE_KG] = r->max_single_per_kg,
        [MAX_SINGLE_M2] = r->max_single_per_m2,
        [MIN_SINGLE] = r->min_single,
        [MIN_SINGLE_KG] = r->min_single_per_kg,
        [MAX_DAILY] = r->max_daily,
        [MAX_DAILY_KG] = r->max_daily_per_kg,
        [MAX_DAILY_M2] = r->max_daily_per_m2,
        [MAX_CUMULATIVE] = r->max_cumulative,
        [MAX_CUMULATIVE_M2] = r->max_cumulative_per_m2,
        [MAX_RATE] = r->max_rate,
        [MAX_RATE_KG] = r->max_rate_per_kg,
    };

    return all[kind];
}

static const struct unit *unit_for(const struct ingredient *i, const struct limit_shape *shape)
{
    if (shape->group == GROUP_RATE)
        return shape->per == PER_KG ? &i->kg_day : &i->day;
    return shape->per == PER_KG ? &i->kg : shape->per == PER_M2 ? &i->m2 : &i->unit;
}

static void prepare_dose_rule(const Ward__Dosage__V1__DoseRule *msg, const struct ingredient *i,
                              struct dose_rule *out)
{
    static const Ward__Dosage__V1__Band none = WARD__DOSAGE__V1__BAND__INIT;
    const Ward__Dosage__V1__Band *band = msg->band == NULL ? &none : msg->band;
    struct amount a;

    out->msg = msg;
    prepare_bound(band->weight_from_kg, band->weight_to_kg, &out->weight);
    prepare_bound(band->renal_from, band->renal_to, &out->renal);
    for (enum limit_kind k = 0; k < LIMITS; k++) {
        struct limit *l = &out->limit[k];

        l->as_written = written(msg, k);
        l->set = l->as_written != NULL;
        if (!l->set)
            continue;
        l->good = amount_of(l->as_written, &a, NULL) == WARD_OK &&
                  amount_to(&a, unit_for(i, &limit_shapes[k]), &l->value);
        out->groups |= limit_shapes[k].group;
    }
    out->groups |= msg->min_interval_minutes > 0 ? GROUP_INTERVAL : 0;
    out->groups |= msg->max_doses_per_day > 0 ? GROUP_COUNT : 0;
    out->groups |= msg->max_duration_days > 0 ? GROUP_DURATION : 0;
}

static enum ward_code prepare_dose_rules(struct prepared *p, struct ward_arena *mem,
                                         struct ward_err *err)
{
    const Ward__Dosage__V1__RuleSet *set = p->set;

    for (size_t i = 0; i < set->n_dose_rules; i++) {
        int at = set_ingredient(p, set->dose_rules[i]->ingredient);

        if (at >= 0)
            p->ingredients[at].n_rules++;
    }
    for (size_t i = 0; i < p->n_ingredients; i++) {
        struct ingredient *g = &p->ingredients[i];

        g->rules = ward_alloc(mem, g->n_rules * sizeof(*g->rules));
        if (g->rules == NULL)
            return no_memory(err);
        g->n_rules = 0;
    }
    for (size_t i = 0; i < set->n_dose_rules; i++) {
        int at = set_ingredient(p, set->dose_rules[i]->ingredient);
        struct ingredient *g = at < 0 ? NULL : &p->ingredients[at];

        if (g != NULL)
            prepare_dose_rule(set->dose_rules[i], g, &g->rules[g->n_rules++]);
    }
    return WARD_OK;
}

static struct selector select_of(const struct prepared *p, const Ward__Dosage__V1__Selector *s)
{
    struct selector out = {-1, -1};

    if (s != NULL && s->of_case == WARD__DOSAGE__V1__SELECTOR__OF_INGREDIENT)
        out.ingredient = set_ingredient(p, s->ingredient);
    if (s != NULL && s->of_case == WARD__DOSAGE__V1__SELECTOR__OF_CLASS)
        out.class_id = set_class(p, s->class_);
    return out;
}

/* Whether the n-th rule of a kind is about an ingredient. */
typedef bool about_fn(const struct prepared *p, size_t n, int ingredient);

static bool interaction_about(const struct prepared *p, size_t n, int ingredient)
{
    return set_selects(p, &p->interactions[n].a, ingredient) ||
           set_selects(p, &p->interactions[n].b, ingredient);
}

static bool duplicate_about(const struct prepared *p, size_t n, int ingredient)
{
    int class_id = set_class(p, p->set->duplicates[n]->class_);

    return class_id >= 0 && set_in_class(p, ingredient, class_id);
}

static bool allergy_about(const struct prepared *p, size_t n, int ingredient)
{
    const Ward__Dosage__V1__AllergyRule *r = p->set->allergies[n];

    for (size_t i = 0; i < r->n_forbids; i++) {
        struct selector s = select_of(p, r->forbids[i]);

        if (set_selects(p, &s, ingredient))
            return true;
    }
    return false;
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
            !list(p, mem, p->set->n_allergies, allergy_about, (int)i, &g->forbidden,
                  &g->n_forbidden))
            return no_memory(err);
    }
    return WARD_OK;
}

enum ward_code prepare_rules(struct prepared *p, struct ward_arena *mem, struct ward_err *err)
{
    const Ward__Dosage__V1__RuleSet *set = p->set;

    WARD_TRY(prepare_dose_rules(p, mem, err));
    p->interactions = ward_alloc(mem, set->n_interactions * sizeof(*p->interactions));
    p->allergies = ward_alloc(mem, set->n_allergies * sizeof(*p->allergies));
    p->slips = ward_alloc(mem, set->n_slips * sizeof(*p->slips));
    if (p->interactions == NULL || p->allergies == NULL || p->slips == NULL)
        return no_memory(err);
    for (size_t i = 0; i < set->n_interactions; i++)
        p->interactions[i] =
            (struct interaction){set->interactions[i], select_of(p, set->interactions[i]->a),
                                 select_of(p, set->interactions[i]->b)};
    for (size_t i = 0; i < set->n_allergies; i++)
        p->allergies[i] =
            (struct allergy_rule){set->allergies[i], select_of(p, set->allergies[i]->allergy)};
    for (size_t i = 0; i < set->n_slips; i++) {
        const char *factor = set->slips[i]->factor;

        p->slips[i].msg = set->slips[i];
        p->slips[i].good =
            ward_decimal_parse(factor, strlen(factor), &p->slips[i].factor, NULL) == WARD_OK;
    }
    return prepare_lists(p, mem, err);
}
