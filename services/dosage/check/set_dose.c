/* Dose rules and usual doses as numbers, in their ingredients' units. */
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
    [MAX_CONCENTRATION] = {"concentration", PER_ML, GROUP_CONCENTRATION, false},
    [MAX_INFUSION_RATE] = {"infusion-rate", PER_NOTHING, GROUP_INFUSION, false},
    [MAX_INFUSION_RATE_KG] = {"infusion-rate-per-kg", PER_KG, GROUP_INFUSION, false},
};

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the rule set's indexes");
}

static bool read_factor(const char *text, struct ward_decimal *out)
{
    return *text != '\0' && ward_decimal_parse(text, strlen(text), out, NULL) == WARD_OK;
}

bool number_read(const char *text, bool *has, struct ward_decimal *out)
{
    *has = *text != '\0';
    return !*has || ward_decimal_parse(text, strlen(text), out, NULL) == WARD_OK;
}

static void prepare_bound(const char *from, const char *to, struct bound *out)
{
    out->good = number_read(from, &out->has_from, &out->from);
    out->good &= number_read(to, &out->has_to, &out->to);
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
        [MAX_CONCENTRATION] = r->max_concentration,
        [MAX_INFUSION_RATE] = r->max_infusion_rate,
        [MAX_INFUSION_RATE_KG] = r->max_infusion_rate_per_kg,
    };

    return all[kind];
}

const struct unit *limit_unit(const struct ingredient *i, const struct limit_shape *shape)
{
    if (shape->group == GROUP_RATE || shape->group == GROUP_INFUSION)
        return shape->per == PER_KG ? &i->kg_day : &i->day;
    return shape->per == PER_KG   ? &i->kg
           : shape->per == PER_M2 ? &i->m2
           : shape->per == PER_ML ? &i->ml
                                  : &i->unit;
}

static void prepare_dose_rule(const struct prepared *p, const Ward__Dosage__V1__DoseRule *msg,
                              const struct ingredient *i, struct dose_rule *out)
{
    static const Ward__Dosage__V1__Band none = WARD__DOSAGE__V1__BAND__INIT;
    const Ward__Dosage__V1__Band *band = msg->band == NULL ? &none : msg->band;
    struct amount a;

    out->msg = msg;
    out->naive_class = *band->naive_class == '\0' ? -1 : set_class(p, band->naive_class);
    out->plain = out->naive_class < 0 && *band->naive_class == '\0' &&
                 band->phase == WARD__DOSAGE__V1__PHASE__PHASE_UNSPECIFIED;
    prepare_bound(band->weight_from_kg, band->weight_to_kg, &out->weight);
    prepare_bound(band->renal_from, band->renal_to, &out->renal);
    for (enum limit_kind k = 0; k < LIMITS; k++) {
        struct limit *l = &out->limit[k];

        l->as_written = written(msg, k);
        l->set = l->as_written != NULL;
        if (!l->set)
            continue;
        out->kinds[out->n_kinds++] = k;
        l->good = amount_of(l->as_written, &a, NULL) == WARD_OK &&
                  amount_to(&a, limit_unit(i, &limit_shapes[k]), &l->value);
        out->groups |= limit_shapes[k].group;
    }
    out->groups |= msg->min_interval_minutes > 0 ? GROUP_INTERVAL : 0;
    out->groups |= msg->max_doses_per_day > 0 ? GROUP_COUNT : 0;
    out->groups |= msg->max_duration_days > 0 ? GROUP_DURATION : 0;
    out->groups |= msg->min_infusion_minutes > 0 ? GROUP_MINUTES : 0;
}

static enum ward_code dose_rules(struct prepared *p, struct ward_arena *mem,
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
            prepare_dose_rule(p, set->dose_rules[i], g, &g->rules[g->n_rules++]);
    }
    return WARD_OK;
}

/* ---- class sums ---- */

static void prepare_sum_limit(const Ward__Dosage__V1__Quantity *q, const struct unit *unit,
                              struct limit *out)
{
    struct amount a;

    out->as_written = q;
    out->set = q != NULL;
    out->good =
        q != NULL && amount_of(q, &a, NULL) == WARD_OK && amount_to(&a, unit, &out->value);
}

static bool prepare_class_sum(const struct prepared *p, const Ward__Dosage__V1__ClassSumRule *c,
                              struct ward_arena *mem, struct class_sum *out)
{
    Ward__Dosage__V1__DoseRule *rule = ward_new(mem, Ward__Dosage__V1__DoseRule);
    char *m2 = ward_printf(mem, "(%s)/m2", c->unit);
    struct unit over_m2;

    out->members = ward_alloc(mem, c->n_members * sizeof(*out->members));
    if (rule == NULL || m2 == NULL || out->members == NULL)
        return false;
    ward__dosage__v1__dose_rule__init(rule);
    rule->rule = c->rule;
    rule->band = c->band;
    prepare_dose_rule(p, rule, NULL, &out->band);
    out->msg = c;
    unit_parse(c->unit, &out->unit);
    unit_parse(m2, &over_m2);
    prepare_sum_limit(c->max_daily, &out->unit, &out->daily);
    prepare_sum_limit(c->max_cumulative, &out->unit, &out->cumulative);
    prepare_sum_limit(c->max_cumulative_per_m2, &over_m2, &out->cumulative_m2);
    for (size_t i = 0; i < c->n_members; i++) {
        struct member *m = &out->members[out->n_members];

        m->msg = c->members[i];
        m->ingredient = set_ingredient(p, m->msg->ingredient);
        m->good = read_factor(m->msg->factor, &m->factor);
        out->n_members += m->ingredient >= 0;
    }
    return true;
}

enum ward_code prepare_class_sums(struct prepared *p, struct ward_arena *mem,
                                  struct ward_err *err)
{
    const Ward__Dosage__V1__RuleSet *set = p->set;

    p->class_sums = ward_alloc(mem, set->n_class_sums * sizeof(*p->class_sums));
    if (p->class_sums == NULL)
        return no_memory(err);
    for (size_t i = 0; i < set->n_class_sums; i++)
        if (!prepare_class_sum(p, set->class_sums[i], mem, &p->class_sums[i]))
            return no_memory(err);
    return WARD_OK;
}

/* ---- usual doses ---- */

/* Converts usual amounts to the limits of two dose rules: in the ingredient's units, with the
 * same band. */
static bool as_rules(const Ward__Dosage__V1__UsualDoseRule *u, struct ward_arena *mem,
                     Ward__Dosage__V1__DoseRule **high, Ward__Dosage__V1__DoseRule **low)
{
    *high = ward_new(mem, Ward__Dosage__V1__DoseRule);
    *low = ward_new(mem, Ward__Dosage__V1__DoseRule);
    if (*high == NULL || *low == NULL)
        return false;
    ward__dosage__v1__dose_rule__init(*high);
    (*high)->rule = u->rule;
    (*high)->ingredient = u->ingredient;
    (*high)->band = u->band;
    (*high)->weight_basis = u->weight_basis;
    **low = **high;
    (*high)->max_single = u->high;
    (*high)->max_single_per_kg = u->high_per_kg;
    (*high)->max_single_per_m2 = u->high_per_m2;
    (*high)->max_daily = u->high_daily;
    (*high)->max_daily_per_kg = u->high_daily_per_kg;
    (*high)->max_rate = u->high_rate;
    (*high)->max_rate_per_kg = u->high_rate_per_kg;
    (*low)->max_single = u->low;
    (*low)->max_single_per_kg = u->low_per_kg;
    (*low)->max_single_per_m2 = u->low_per_m2;
    (*low)->max_rate = u->low_rate;
    (*low)->max_rate_per_kg = u->low_rate_per_kg;
    return true;
}

static bool prepare_usual(const struct prepared *p, const Ward__Dosage__V1__UsualDoseRule *msg,
                          struct ward_arena *mem, struct ingredient *i)
{
    struct usual_rule *out = &i->usual[i->n_usual++];
    Ward__Dosage__V1__DoseRule *high, *low;

    if (!as_rules(msg, mem, &high, &low))
        return false;
    out->msg = msg;
    prepare_dose_rule(p, high, i, &out->high);
    prepare_dose_rule(p, low, i, &out->low);
    out->good = read_factor(msg->factor, &out->factor);
    out->has_warn = read_factor(msg->warn_factor, &out->warn);
    out->has_least = read_factor(msg->low_factor, &out->least);
    return true;
}

static enum ward_code usual_doses(struct prepared *p, struct ward_arena *mem,
                                  struct ward_err *err)
{
    const Ward__Dosage__V1__RuleSet *set = p->set;

    for (size_t i = 0; i < set->n_usual_doses; i++) {
        int at = set_ingredient(p, set->usual_doses[i]->ingredient);

        if (at >= 0)
            p->ingredients[at].n_usual++;
    }
    for (size_t i = 0; i < p->n_ingredients; i++) {
        struct ingredient *g = &p->ingredients[i];

        g->usual = ward_alloc(mem, g->n_usual * sizeof(*g->usual));
        if (g->usual == NULL)
            return no_memory(err);
        g->n_usual = 0;
    }
    for (size_t i = 0; i < set->n_usual_doses; i++) {
        int at = set_ingredient(p, set->usual_doses[i]->ingredient);

        if (at >= 0 && !prepare_usual(p, set->usual_doses[i], mem, &p->ingredients[at]))
            return no_memory(err);
    }
    return WARD_OK;
}

enum ward_code prepare_dose_rules(struct prepared *p, struct ward_arena *mem,
                                  struct ward_err *err)
{
    WARD_TRY(dose_rules(p, mem, err));
    return usual_doses(p, mem, err);
}
