/* ruleset_testing.h - a small rule set with one item of each kind, for unit tests to modify.
 * Its numbers are invented. */
#ifndef DOSAGE_FORMULARY_RULESET_TESTING_H
#define DOSAGE_FORMULARY_RULESET_TESTING_H

#include "services/dosage/formulary/ruleset_own.h"

#include <string.h>

/* Casts const away for protobuf-c. Nothing here is modified. */
#define W(s) ((char *)(uintptr_t)(s))

struct world {
    RuleSet set;
    Sentence name;
    Coding code, indication;
    Ingredient alpha, beta;
    Drug drug;
    Product product;
    Ward__Dosage__V1__Strength strength, other_strength;
    Quantity amount, per, amount_beta, per_beta;
    DoseRule adult, child;
    Ward__Dosage__V1__Band band;
    Quantity single, daily, per_kg, rate;
    Ward__Dosage__V1__InteractionRule interaction;
    Ward__Dosage__V1__DuplicateRule duplicate;
    Ward__Dosage__V1__AllergyRule allergy;
    Ward__Dosage__V1__FreshRule fresh;
    Ward__Dosage__V1__SlipRule slip, jump;
    Reason reason;
    Rule rules[8];
    Selector of_alpha, of_class;
    /* arrays that the messages point to */
    Ingredient *ingredients[2];
    Drug *drugs[1];
    Product *products[1];
    Ward__Dosage__V1__Strength *strengths[2];
    DoseRule *doses[2];
    Ward__Dosage__V1__InteractionRule *interactions[1];
    Ward__Dosage__V1__DuplicateRule *duplicates[1];
    Ward__Dosage__V1__AllergyRule *allergies[1];
    Ward__Dosage__V1__FreshRule *freshes[1];
    Ward__Dosage__V1__SlipRule *slips[2];
    Reason *reasons[1];
    Coding *codes[1], *indications[1];
    Selector *forbids[1];
    char *drug_ingredients[2], *classes[1], *synonyms[1], *gtins[1], *names[1], *roles[1];
    Ward__Dosage__V1__Route routes[2], product_routes[1], band_routes[1];
    Ward__Dosage__V1__Reason__Use uses[1];
};

#define SET_LIST(msg, field, list)                                                             \
    ((msg).field = (list), (msg).n_##field = sizeof(list) / sizeof((list)[0]))

static inline Quantity quantity(const char *value, const char *unit)
{
    Quantity q = WARD__DOSAGE__V1__QUANTITY__INIT;

    q.value = W(value);
    q.unit = W(unit);
    return q;
}

static inline void world_base(struct world *w)
{
    static const char *const IDS[] = {"adult",   "child", "fight", "one-cin",
                                      "allergy", "fresh", "slip",  "jump"};

    ward__dosage__v1__rule_set__init(&w->set);
    ward__dosage__v1__sentence__init(&w->name);
    w->name.en = W("a name");
    w->name.zh = W("名");
    ward__dosage__v1__coding__init(&w->code);
    w->code.system = W("http://example.org");
    w->code.code = W("c1");
    w->indication = w->code;
    w->codes[0] = &w->code;
    w->indications[0] = &w->indication;
    for (size_t i = 0; i < WARD_COUNT(IDS); i++) {
        ward__dosage__v1__rule__init(&w->rules[i]);
        w->rules[i].id = W(IDS[i]);
        w->rules[i].version = 1;
        w->rules[i].severity = WARD__DOSAGE__V1__SEVERITY__SEVERITY_WARN;
        w->rules[i].source = W("made up");
        w->rules[i].reviewed_on = W("2026-11-01");
    }
    w->set.title = W("small");
    w->set.notice = W("for tests");
    w->classes[0] = W("cin");
    w->synonyms[0] = W("alfa");
    w->roles[0] = W("physician");
    w->names[0] = W("cin");
}

static inline void world_ingredients(struct world *w)
{
    ward__dosage__v1__ingredient__init(&w->alpha);
    w->alpha.id = W("alpha");
    w->alpha.name = &w->name;
    w->alpha.unit = W("mg");
    w->alpha.source = W("made up");
    w->beta = w->alpha;
    w->beta.id = W("beta");
    w->beta.unit = W("{dose}");
    SET_LIST(w->alpha, codes, w->codes);
    SET_LIST(w->alpha, classes, w->classes);
    SET_LIST(w->alpha, synonyms, w->synonyms);
    w->ingredients[0] = &w->alpha;
    w->ingredients[1] = &w->beta;
    SET_LIST(w->set, ingredients, w->ingredients);
}

static inline void world_strengths(struct world *w)
{
    w->amount = quantity("500", "mg");
    w->per = quantity("1", "{tablet}");
    w->amount_beta = quantity("1", "{dose}");
    w->per_beta = quantity("1", "{tablet}");
    ward__dosage__v1__strength__init(&w->strength);
    w->strength.ingredient = W("alpha");
    w->strength.amount = &w->amount;
    w->strength.per = &w->per;
    w->other_strength = w->strength;
    w->other_strength.ingredient = W("beta");
    w->other_strength.amount = &w->amount_beta;
    w->other_strength.per = &w->per_beta;
    w->strengths[0] = &w->strength;
    w->strengths[1] = &w->other_strength;
}

static inline void world_drugs(struct world *w)
{
    w->routes[0] = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    w->routes[1] = WARD__DOSAGE__V1__ROUTE__ROUTE_IV;
    w->product_routes[0] = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    w->gtins[0] = W("00312345678906");
    ward__dosage__v1__product__init(&w->product);
    w->product.id = W("drug-500");
    w->product.name = &w->name;
    w->product.form = W("tablet");
    w->product.source = W("made up");
    SET_LIST(w->product, strengths, w->strengths);
    SET_LIST(w->product, routes, w->product_routes);
    SET_LIST(w->product, gtins, w->gtins);
    w->products[0] = &w->product;
    ward__dosage__v1__drug__init(&w->drug);
    w->drug.id = W("drug");
    w->drug.name = &w->name;
    w->drug_ingredients[0] = W("alpha");
    w->drug_ingredients[1] = W("beta");
    SET_LIST(w->drug, ingredients, w->drug_ingredients);
    SET_LIST(w->drug, products, w->products);
    SET_LIST(w->drug, routes, w->routes);
    w->drugs[0] = &w->drug;
    SET_LIST(w->set, drugs, w->drugs);
}

static inline void world_doses(struct world *w)
{
    w->single = quantity("1", "g");
    w->daily = quantity("4000", "mg");
    w->per_kg = quantity("15", "mg/kg");
    w->rate = quantity("2", "ug/kg/min");
    ward__dosage__v1__band__init(&w->band);
    w->band_routes[0] = WARD__DOSAGE__V1__ROUTE__ROUTE_PO;
    SET_LIST(w->band, routes, w->band_routes);
    SET_LIST(w->band, indications, w->indications);
    w->band.age_from_days = 10;
    w->band.age_to_days = 20;
    w->band.weight_from_kg = W("3");
    w->band.weight_to_kg = W("9.5");
    w->band.renal_to = W("30");
    w->band.renal_by = WARD__DOSAGE__V1__BAND__RENAL_BY__RENAL_BY_CRCL;
    ward__dosage__v1__dose_rule__init(&w->adult);
    w->adult.rule = &w->rules[0];
    w->adult.ingredient = W("alpha");
    w->child = w->adult;
    w->child.rule = &w->rules[1];
    w->child.band = &w->band;
    w->child.max_single_per_kg = &w->per_kg;
    w->adult.max_single = &w->single;
    w->adult.max_daily = &w->daily;
    w->adult.max_rate_per_kg = &w->rate;
    w->doses[0] = &w->adult;
    w->doses[1] = &w->child;
    SET_LIST(w->set, dose_rules, w->doses);
}

static inline void world_pairs(struct world *w)
{
    ward__dosage__v1__selector__init(&w->of_alpha);
    w->of_alpha.of_case = WARD__DOSAGE__V1__SELECTOR__OF_INGREDIENT;
    w->of_alpha.ingredient = W("alpha");
    ward__dosage__v1__selector__init(&w->of_class);
    w->of_class.of_case = WARD__DOSAGE__V1__SELECTOR__OF_CLASS;
    w->of_class.class_ = W("cin");
    ward__dosage__v1__interaction_rule__init(&w->interaction);
    w->interaction.rule = &w->rules[2];
    w->interaction.a = &w->of_alpha;
    w->interaction.b = &w->of_class;
    w->interaction.effect = &w->name;
    ward__dosage__v1__duplicate_rule__init(&w->duplicate);
    w->duplicate.rule = &w->rules[3];
    w->duplicate.class_ = W("cin");
    w->duplicate.name = &w->name;
    w->duplicate.most = 1;
}

static inline void world_rules(struct world *w)
{
    ward__dosage__v1__allergy_rule__init(&w->allergy);
    w->allergy.rule = &w->rules[4];
    w->forbids[0] = &w->of_class;
    SET_LIST(w->allergy, forbids, w->forbids);
    SET_LIST(w->allergy, names, w->names);
    w->allergy.effect = &w->name;
    ward__dosage__v1__fresh_rule__init(&w->fresh);
    w->fresh.rule = &w->rules[5];
    w->fresh.what = WARD__DOSAGE__V1__FRESH_RULE__WHAT__WHAT_WEIGHT;
    w->fresh.max_age_hours = 24;
    ward__dosage__v1__slip_rule__init(&w->slip);
    w->slip.rule = &w->rules[6];
    w->slip.kind = WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_TENFOLD;
    w->slip.factor = W("10");
    w->jump = w->slip;
    w->jump.rule = &w->rules[7];
    w->jump.kind = WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_WEIGHT_JUMP;
    w->jump.within_hours = 720;
    ward__dosage__v1__reason__init(&w->reason);
    w->reason.code = W("because");
    w->reason.name = &w->name;
    w->uses[0] = WARD__DOSAGE__V1__REASON__USE__USE_OVERRIDE_WARN;
    SET_LIST(w->reason, uses, w->uses);
    SET_LIST(w->reason, roles, w->roles);
}

static inline void world_lists(struct world *w)
{
    w->interactions[0] = &w->interaction;
    w->duplicates[0] = &w->duplicate;
    w->allergies[0] = &w->allergy;
    w->freshes[0] = &w->fresh;
    w->slips[0] = &w->slip;
    w->slips[1] = &w->jump;
    w->reasons[0] = &w->reason;
    SET_LIST(w->set, interactions, w->interactions);
    SET_LIST(w->set, duplicates, w->duplicates);
    SET_LIST(w->set, allergies, w->allergies);
    SET_LIST(w->set, fresh, w->freshes);
    SET_LIST(w->set, slips, w->slips);
    SET_LIST(w->set, reasons, w->reasons);
}

static inline void world_make(struct world *w)
{
    world_base(w);
    world_ingredients(w);
    world_strengths(w);
    world_drugs(w);
    world_doses(w);
    world_pairs(w);
    world_rules(w);
    world_lists(w);
}

#endif
