/* Each problem of a rule set is found with its place, and valid rule sets have no problems. */
#include "services/dosage/formulary/valid_testing.h"

static void the_small_set_is_sound(void **state)
{
    (void)state;
    GOOD((void)0);
}

static void titles_and_notices_are_there_and_short(void **state)
{
    static char long_title[122], long_notice[502];

    (void)state;
    memset(long_title, 'x', sizeof(long_title) - 1);
    memset(long_notice, 'x', sizeof(long_notice) - 1);
    BAD("title", "is empty", w.set.title = W(""));
    BAD("title", "is empty", w.set.title = W(" \t"));
    BAD("title", "longer than 120", w.set.title = long_title);
    BAD("notice", "is empty", w.set.notice = W(""));
    BAD("notice", "longer than 500", w.set.notice = long_notice);
}

static void ids_are_words_and_unique(void **state)
{
    static char long_id[66];

    (void)state;
    memset(long_id, 'a', 65);
    BAD("ingredients[0].id", "is empty", w.alpha.id = W(""));
    BAD("ingredients[0].id", "a-z", w.alpha.id = W("Alpha"));
    BAD("ingredients[0].id", "longer", w.alpha.id = long_id);
    BAD("ingredients[1].id", "another", w.beta.id = W("alpha"));
    BAD("drugs[0].id", "a-z", w.drug.id = W("a.b"));
    BAD("drugs[0].products[0].id", "a-z", w.product.id = W("a b"));
    BAD("reasons[0].code", "a-z", w.reason.code = W("because.of"));
    BAD("slips[1].rule.id", "another rule", w.rules[7].id = W("adult"));
    BAD("dose_rules[0].rule.id", "service's own", w.rules[0].id = W("ward.mine"));
    GOOD(w.rules[0].id = W("adult.po-1"));
}

static void two_of_a_kind_are_told(void **state)
{
    static Drug *two[2];
    static Reason *reasons[2];
    static char *gtins[2];

    (void)state;
    BAD("drugs[1].id", "another drug",
        (two[0] = &w.drug, two[1] = &w.drug, w.set.drugs = two, w.set.n_drugs = 2));
    BAD("drugs[1].products[0].id", "another product",
        (two[0] = &w.drug, two[1] = &w.drug, w.set.drugs = two, w.set.n_drugs = 2));
    BAD("reasons[1].code", "another reason",
        (reasons[0] = reasons[1] = &w.reason, w.set.reasons = reasons, w.set.n_reasons = 2));
    BAD("drugs[0].products[0].gtins", "elsewhere",
        (gtins[0] = gtins[1] = W("00312345678906"), w.product.gtins = gtins,
         w.product.n_gtins = 2));
}

#define OTHER_NAMED(e, z)                                                                      \
    (other = w.product, other.id = W("drug-501"), other.n_gtins = 0, name = w.name,            \
     name.en = W(e), name.zh = W(z), other.name = &name, products[0] = &w.product,             \
     products[1] = &other, w.drug.products = products, w.drug.n_products = 2)

static void no_two_products_have_the_same_name(void **state)
{
    static Product other, *products[2];
    static Sentence name;

    (void)state;
    GOOD(OTHER_NAMED("another", "另一种"));
    BAD("drugs[0].products[1].name", "another product", OTHER_NAMED(w.name.en, "另一种"));
    BAD("drugs[0].products[1].name", "another product", OTHER_NAMED("another", w.name.zh));
}

static void every_rule_has_a_head(void **state)
{
    (void)state;
    BAD("dose_rules[0].rule", "missing", w.adult.rule = NULL);
    BAD("interactions[0].rule", "missing", w.interaction.rule = NULL);
    BAD("dose_rules[0].rule.source", "empty", w.rules[0].source = W(""));
    BAD("interactions[0].rule.source", "empty", w.rules[2].source = W(" "));
    BAD("duplicates[0].rule.reviewed_on", "not a date",
        w.rules[3].reviewed_on = W("2026-02-30"));
    BAD("allergies[0].rule.reviewed_on", "not a date", w.rules[4].reviewed_on = W("2026-11"));
    BAD("fresh[0].rule.reviewed_on", "not a date", w.rules[5].reviewed_on = W(""));
    BAD("slips[0].rule.version", "1 to", w.rules[6].version = 0);
    BAD("slips[1].rule.severity", "1 to 3",
        w.rules[7].severity = WARD__DOSAGE__V1__SEVERITY__SEVERITY_UNSPECIFIED);
    BAD("dose_rules[0].rule.final", "HARD", w.rules[0].final = 1);
    GOOD((w.rules[0].final = 1,
          w.rules[0].severity = WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD));
}

static void sentences_are_in_both_languages(void **state)
{
    (void)state;
    BAD("drugs[0].name", "missing", w.drug.name = NULL);
    BAD("interactions[0].effect.zh", "empty", w.name.zh = W(""));
    BAD("reasons[0].name.en", "empty", w.name.en = W("\n"));
    BAD("duplicates[0].name", "missing", w.duplicate.name = NULL);
    BAD("allergies[0].effect", "missing", w.allergy.effect = NULL);
}

static void ingredients_have_a_unit_that_is_one(void **state)
{
    (void)state;
    BAD("ingredients[0].unit", "UCUM", w.alpha.unit = W(""));
    BAD("ingredients[0].unit", "UCUM", w.alpha.unit = W("furlongs"));
    BAD("ingredients[0].unit", "amount", w.alpha.unit = W("Cel"));
    BAD("ingredients[0].source", "empty", w.alpha.source = W(""));
    BAD("ingredients[0].synonyms[0]", "lower case", w.synonyms[0] = W("Alfa"));
    BAD("ingredients[0].classes[0]", "a-z", w.classes[0] = W("C"));
    BAD("ingredients[0].codes[0].code", "empty", w.code.code = W(""));
}

static void equivalents_say_what_ucum_does_not(void **state)
{
    static Ward__Dosage__V1__Equivalent one, *all[2];
    static Quantity amount, is;

#define EQUIVALENT(v, u, w_, x)                                                                \
    (ward__dosage__v1__equivalent__init(&one), ward__dosage__v1__quantity__init(&amount),      \
     ward__dosage__v1__quantity__init(&is), amount.value = W(v), amount.unit = W(u),           \
     is.value = W(w_), is.unit = W(x), one.amount = &amount, one.is = &is,                     \
     one.source = W("made up"), all[0] = all[1] = &one, w.alpha.equivalents = all,             \
     w.alpha.n_equivalents = 1)
    (void)state;
    GOOD(EQUIVALENT("1", "mmol", "40", "mg"));
    BAD("ingredients[0].equivalents[0].is.unit", "does not convert",
        EQUIVALENT("1", "mmol", "40", "mL"));
    BAD("ingredients[0].equivalents[0].amount.unit", "already converts",
        EQUIVALENT("1", "g", "1000", "mg"));
    BAD("ingredients[0].equivalents[0].amount.value", "above 0",
        EQUIVALENT("0", "mmol", "1", "mg"));
    BAD("ingredients[0].equivalents[0].is", "missing",
        (EQUIVALENT("1", "mmol", "1", "mg"), one.is = NULL));
    BAD("ingredients[0].equivalents[0].source", "empty",
        (EQUIVALENT("1", "mmol", "1", "mg"), one.source = W("")));
    BAD("ingredients[0].equivalents[1].amount.unit", "more than one equivalent",
        (EQUIVALENT("1", "mmol", "1", "mg"), w.alpha.n_equivalents = 2));
}

static void products_hold_what_their_drug_says(void **state)
{
    (void)state;
    BAD("drugs[0].products[0].strengths[0].ingredient", "not one of the drug's",
        w.strength.ingredient = W("nobody"));
    BAD("drugs[0].products[0].strengths", "have no strength for the ingredient beta",
        w.product.n_strengths = 1);
    BAD("drugs[0].products[0].strengths[0].amount", "missing", w.strength.amount = NULL);
    BAD("drugs[0].products[0].strengths[0].per", "missing", w.strength.per = NULL);
    BAD("drugs[0].products[0].strengths[0].amount.unit", "does not convert",
        w.amount.unit = W("mL"));
    BAD("drugs[0].products[0].strengths[1].amount.unit", "does not convert",
        w.amount_beta.unit = W("{puff}"));
    BAD("drugs[0].products[0].strengths[0].per.unit", "UCUM", w.per.unit = W("tablets"));
    BAD("drugs[0].products[0].strengths[0].per.value", "above 0", w.per.value = W("0"));
    BAD("drugs[0].products[0].strengths[1]", "an earlier strength",
        w.other_strength.ingredient = W("alpha"));
    BAD("drugs[0].products[0].form", "empty", w.product.form = W(""));
    BAD("drugs[0].products[0].source", "empty", w.product.source = W(""));
}

static void tablets_alone_have_halves_and_a_label_says_so(void **state)
{
    (void)state;
    GOOD((w.product.may_be_halved = 1, w.product.halved_source = W("a label")));
    BAD("drugs[0].products[0].halved_source", "empty", w.product.may_be_halved = 1);
    BAD("drugs[0].products[0].halved_source", "needs may_be_halved",
        w.product.halved_source = W("a label"));
    BAD("drugs[0].products[0].may_be_halved", "{tablet}",
        (w.product.may_be_halved = 1, w.product.halved_source = W("a label"),
         w.per.unit = W("{capsule}"), w.per_beta.unit = W("{capsule}")));
}

static void routes_are_known_and_once(void **state)
{
    (void)state;
    BAD("drugs[0].routes[1]", "twice", w.routes[1] = WARD__DOSAGE__V1__ROUTE__ROUTE_PO);
    BAD("drugs[0].routes[0]", "not a route", w.routes[0] = (Ward__Dosage__V1__Route)99);
    BAD("drugs[0].routes", "missing", w.drug.n_routes = 0);
    BAD("drugs[0].products[0].routes", "missing", w.product.n_routes = 0);
    BAD("drugs[0].products[0].routes[0]", "not one of the drug's",
        w.product_routes[0] = WARD__DOSAGE__V1__ROUTE__ROUTE_IM);
    BAD("dose_rules[1].band.routes[0]", "not a route",
        w.band_routes[0] = WARD__DOSAGE__V1__ROUTE__ROUTE_UNSPECIFIED);
}

static void a_gtin_has_14_digits_and_the_right_last(void **state)
{
    static const char *const BAD_ONES[] = {"",
                                           "00312345678907",
                                           "0312345678906",
                                           "0031234567890x",
                                           "000312345678906",
                                           "10312345678906"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD_ONES); i++)
        BAD("drugs[0].products[0].gtins[0]", "GTIN", w.gtins[0] = W(BAD_ONES[i]));
    /* Source: GS1 General Specifications, the worked example of a GTIN-13, 6291041500213. */
    GOOD(w.gtins[0] = W("06291041500213"));
}

static void trace_codes_and_local_codes_cannot_be_taken_for_others(void **state)
{
    static const char *const TRACES[] = {"", "830606", "7306067", "830606x",
                                         "83060671234567890123"};
    static const char *const LOCALS[] = {"",
                                         "a b",
                                         "]C0A",
                                         "\x01",
                                         "药",
                                         "6291041500213",
                                         "06291041500213",
                                         "83060671234567890123",
                                         "A\n",
                                         "010629104150021310A1"};
    static char *codes[2], sixty_five[66];

    (void)state;
    memset(sixty_five, 'A', 65);
    for (size_t i = 0; i < WARD_COUNT(TRACES); i++)
        BAD("drugs[0].products[0].trace_codes[0]", "begin with 8",
            (codes[0] = W(TRACES[i]), w.product.trace_codes = codes,
             w.product.n_trace_codes = 1));
    for (size_t i = 0; i < WARD_COUNT(LOCALS); i++)
        BAD("drugs[0].products[0].local_codes[0]", "visible characters",
            (codes[0] = W(LOCALS[i]), w.product.local_codes = codes,
             w.product.n_local_codes = 1));
    BAD("drugs[0].products[0].local_codes[0]", "visible characters",
        (codes[0] = sixty_five, w.product.local_codes = codes, w.product.n_local_codes = 1));
    GOOD((codes[0] = W("8306067"), w.product.trace_codes = codes, w.product.n_trace_codes = 1));
    GOOD((codes[0] = W("UD/42-a"), w.product.local_codes = codes, w.product.n_local_codes = 1));
    BAD("drugs[0].products[0].trace_codes", "elsewhere",
        (codes[0] = codes[1] = W("8306067"), w.product.trace_codes = codes,
         w.product.n_trace_codes = 2));
    BAD("drugs[0].products[0].local_codes", "elsewhere",
        (codes[0] = codes[1] = W("UD/42-a"), w.product.local_codes = codes,
         w.product.n_local_codes = 2));
}

static void drugs_hold_1_to_8_known_ingredients(void **state)
{
    static char *nine[9];

    (void)state;
    BAD("drugs[0].ingredients", "1 to 8", w.drug.n_ingredients = 0);
    for (size_t i = 0; i < WARD_COUNT(nine); i++)
        nine[i] = W("alpha");
    BAD("drugs[0].ingredients", "1 to 8", SET_LIST(w.drug, ingredients, nine));
    BAD("drugs[0].ingredients[1]", "twice", w.drug_ingredients[1] = W("alpha"));
    BAD("drugs[0].ingredients[1]", "not an ingredient", w.drug_ingredients[1] = W("nobody"));
}

static void amounts_are_decimals_above_0(void **state)
{
    static const char *const BAD_ONES[] = {"",
                                           "one",
                                           "1,5",
                                           "-1",
                                           "0",
                                           "0.000",
                                           "1e3",
                                           "+1",
                                           ".5",
                                           "1.",
                                           "123456789012345678901",
                                           "NaN",
                                           " 1"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD_ONES); i++)
        BAD("dose_rules[0].max_single.value", "", w.single.value = W(BAD_ONES[i]));
    GOOD(w.single.value = W("0.00000000000000001"));
}

static void limits_are_in_units_that_say_what_they_are_over(void **state)
{
    (void)state;
    BAD("dose_rules[0].max_single.unit", "does not convert", w.single.unit = W("mL"));
    BAD("dose_rules[0].max_single.unit", "does not convert", w.single.unit = W("mmol"));
    BAD("dose_rules[0].max_single.unit", "\"mg\"", w.single.unit = W("mg/kg"));
    BAD("dose_rules[0].max_daily.unit", "\"mg\"", w.daily.unit = W("mg/d"));
    BAD("dose_rules[1].max_single_per_kg.unit", "mg/kg", w.per_kg.unit = W("mg"));
    BAD("dose_rules[1].max_single_per_kg.unit", "mg/kg", w.per_kg.unit = W("mg/g"));
    BAD("dose_rules[1].max_single_per_kg.unit", "mg/kg", w.per_kg.unit = W("/kg"));
    BAD("dose_rules[1].max_single_per_kg.unit", "mg/kg", w.per_kg.unit = W("mg/h/kg"));
    BAD("dose_rules[0].max_rate_per_kg.unit", "mg/kg/h", w.rate.unit = W("mg/kg"));
    BAD("dose_rules[0].max_rate_per_kg.unit", "mg/kg/h", w.rate.unit = W("mg/h"));
    BAD("dose_rules[1].max_single_per_m2.unit", "mg/m2", w.child.max_single_per_m2 = &w.per_kg);
    GOOD(w.per_kg.unit = W("ug/kg"));
    GOOD(w.rate.unit = W("mg/kg/h"));
    GOOD((w.child.max_single_per_kg = NULL, w.child.max_single_per_m2 = &w.per_kg,
          w.per_kg.unit = W("mg/m2")));
    GOOD((w.child.ingredient = W("beta"), w.per_kg.unit = W("{dose}/kg")));
    BAD("dose_rules[1].max_single_per_kg.unit", "does not convert",
        (w.child.ingredient = W("beta"), w.per_kg.unit = W("{tablet}/kg")));
}

static void limits_fit_each_other(void **state)
{
    (void)state;
    GOOD(w.daily.value = W("1000"));
    BAD("dose_rules[0].max_single", "above max_daily", w.daily.value = W("999.9"));
    BAD("dose_rules[0].min_single", "above max_single", w.adult.min_single = &w.daily);
    BAD("dose_rules[0]", "has no limit",
        (w.adult.max_single = NULL, w.adult.max_daily = NULL, w.adult.max_rate_per_kg = NULL));
    BAD("dose_rules[0].contraindicated", "must be false if the rule has limits",
        w.adult.contraindicated = 1);
    GOOD((w.child.max_single_per_kg = NULL, w.child.contraindicated = 1));
    GOOD((w.child.max_single_per_kg = NULL, w.child.min_interval_minutes = 60));
    BAD("dose_rules[0].cumulative_days", "needs a cumulative", w.adult.cumulative_days = 7);
    BAD("dose_rules[0].cumulative_days", "0 to 400",
        (w.adult.cumulative_days = 401, w.adult.max_cumulative = &w.daily));
    BAD("dose_rules[0].min_interval_minutes", "0 to", w.adult.min_interval_minutes = -1);
    BAD("dose_rules[0].max_doses_per_day", "0 to", w.adult.max_doses_per_day = 289);
    BAD("dose_rules[0].max_duration_days", "0 to", w.adult.max_duration_days = -1);
    BAD("dose_rules[0].ingredient", "not an ingredient", w.adult.ingredient = W("nobody"));
}

static void bands_are_half_open_and_not_empty(void **state)
{
    (void)state;
    BAD("dose_rules[1].band.age_to_days", "above", w.band.age_to_days = 10);
    BAD("dose_rules[1].band.age_to_days", "above", w.band.age_to_days = 9);
    GOOD(w.band.age_to_days = 11);
    GOOD(w.band.age_to_days = 0);
    BAD("dose_rules[1].band.age_from_days", "0 to", w.band.age_from_days = -1);
    BAD("dose_rules[1].band.weight_to_kg", "above", w.band.weight_to_kg = W("3.0"));
    BAD("dose_rules[1].band.weight_from_kg", "above 0", w.band.weight_from_kg = W("0"));
    BAD("dose_rules[1].band.weight_from_kg", "decimal", w.band.weight_from_kg = W("3 kg"));
    BAD("dose_rules[1].band.renal_to", "above", w.band.renal_from = W("30.0"));
    BAD("dose_rules[1].band.renal_by", "renal_from or renal_to",
        w.band.renal_by = WARD__DOSAGE__V1__BAND__RENAL_BY__RENAL_BY_UNSPECIFIED);
    BAD("dose_rules[1].band.renal_by", "renal_from or renal_to", w.band.renal_to = W(""));
    BAD("dose_rules[1].band.indications[0].system", "empty", w.indication.system = W(""));
}

static void selectors_name_what_is_there(void **state)
{
    (void)state;
    BAD("interactions[0].a", "selects no ingredient and no class", w.interaction.a = NULL);
    BAD("interactions[0].a", "selects no ingredient and no class",
        w.of_alpha.of_case = WARD__DOSAGE__V1__SELECTOR__OF__NOT_SET);
    BAD("interactions[0].a.ingredient", "not an ingredient",
        w.of_alpha.ingredient = W("nobody"));
    BAD("interactions[0].b.class", "without an ingredient", w.of_class.class_ = W("none"));
    BAD("interactions[0].within_hours", "0 to", w.interaction.within_hours = -1);
    BAD("duplicates[0].class", "without an ingredient", w.duplicate.class_ = W("none"));
    BAD("duplicates[0].most", "1 to", w.duplicate.most = 0);
    BAD("allergies[0]", "names no allergy", w.allergy.n_names = 0);
    BAD("allergies[0].names[0]", "lower case", w.names[0] = W("Cin"));
    BAD("allergies[0].forbids", "is empty", w.allergy.n_forbids = 0);
    BAD("allergies[0].forbids[0].class", "without an ingredient", w.of_class.class_ = W("x"));
    BAD("allergies[0].allergy.ingredient", "not an ingredient",
        (w.allergy.allergy = &w.of_alpha, w.of_alpha.ingredient = W("nobody")));
}

static void the_rest_is_in_its_ranges(void **state)
{
    (void)state;
    BAD("fresh[0].what", "1 to 3", w.fresh.what = (Ward__Dosage__V1__FreshRule__What)0);
    BAD("fresh[0].max_age_hours", "1 to", w.fresh.max_age_hours = 0);
    BAD("fresh[0].age_to_days", "above", (w.fresh.age_from_days = 2, w.fresh.age_to_days = 1));
    BAD("slips[0].kind", "1 to 9", w.slip.kind = (Ward__Dosage__V1__SlipRule__Kind)10);
    BAD("slips[0].factor", "above 1", w.slip.factor = W("1.0"));
    BAD("slips[0].factor", "above 1", w.slip.factor = W("1001"));
    BAD("slips[0].factor", "a share",
        w.slip.kind = WARD__DOSAGE__V1__SLIP_RULE__KIND__KIND_WEIGHT_DIFFERS);
    BAD("slips[0].within_hours", "0 to 0", w.slip.within_hours = 1);
    BAD("slips[1].within_hours", "1 to", w.jump.within_hours = 0);
    BAD("reasons[0].uses", "is empty", w.reason.n_uses = 0);
    BAD("reasons[0].uses[0]", "1 to 8", w.uses[0] = (Ward__Dosage__V1__Reason__Use)9);
    BAD("reasons[0].roles[0]", "is empty", w.roles[0] = W(""));
}

static void more_than_20_problems_are_20(void **state)
{
    static Reason *many[30];
    struct ruleset_problems p;
    struct ruleset *r = NULL;

    (void)state;
    world_make(&w);
    w.reason.code = W("Not A Word");
    for (size_t i = 0; i < WARD_COUNT(many); i++)
        many[i] = &w.reason;
    SET_LIST(w.set, reasons, many);
    assert_int_equal(ruleset_make(&w.set, HASH, &r, &p, NULL), WARD_INVALID_ARGUMENT);
    assert_int_equal(p.n, RULESET_PROBLEMS);
}

static void too_many_rules_are_refused(void **state)
{
    static DoseRule *many[RULESET_RULES];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(many); i++)
        many[i] = &w.adult;
    BAD("dose_rules", "20000", SET_LIST(w.set, dose_rules, many));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_small_set_is_sound),
        cmocka_unit_test(titles_and_notices_are_there_and_short),
        cmocka_unit_test(ids_are_words_and_unique),
        cmocka_unit_test(two_of_a_kind_are_told),
        cmocka_unit_test(no_two_products_have_the_same_name),
        cmocka_unit_test(every_rule_has_a_head),
        cmocka_unit_test(sentences_are_in_both_languages),
        cmocka_unit_test(ingredients_have_a_unit_that_is_one),
        cmocka_unit_test(equivalents_say_what_ucum_does_not),
        cmocka_unit_test(products_hold_what_their_drug_says),
        cmocka_unit_test(tablets_alone_have_halves_and_a_label_says_so),
        cmocka_unit_test(routes_are_known_and_once),
        cmocka_unit_test(a_gtin_has_14_digits_and_the_right_last),
        cmocka_unit_test(trace_codes_and_local_codes_cannot_be_taken_for_others),
        cmocka_unit_test(drugs_hold_1_to_8_known_ingredients),
        cmocka_unit_test(amounts_are_decimals_above_0),
        cmocka_unit_test(limits_are_in_units_that_say_what_they_are_over),
        cmocka_unit_test(limits_fit_each_other),
        cmocka_unit_test(bands_are_half_open_and_not_empty),
        cmocka_unit_test(selectors_name_what_is_there),
        cmocka_unit_test(the_rest_is_in_its_ranges),
        cmocka_unit_test(more_than_20_problems_are_20),
        cmocka_unit_test(too_many_rules_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
