/* Context and monitoring rules, kidney risks, loading doses and conditions of interactions:
 * each invalid part is found. */
#include "services/dosage/check/check_text.h"
#include "services/dosage/formulary/ruleset_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const char HASH[65] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

#define HEAD(id)                                                                               \
    "rule { id: '" id "' version: 1 severity: SEVERITY_WARN source: 's' "                      \
    "reviewed_on: '2026-11-01' } "
#define NAME "name { en: 'a' zh: '甲' } "
#define SET                                                                                    \
    "title: 't' notice: 'n' "                                                                  \
    "ingredients { id: 'alpha' " NAME "unit: 'mg' source: 's' classes: 'cin' } "
#define EFFECT "effect { en: 'a' zh: '甲' } "
#define ALPHA  "{ ingredient: 'alpha' } "
#define VALUE                                                                                  \
    "value { loincs: '2823-3' relation: RELATION_ABOVE limits: '5.5 mmol/L' max_age_hours: "   \
    "24 } "
#define PREGNANT   "pregnancy { age_from_days: 4383 age_to_days: 18628 } "
#define CONTEXT(f) SET "context { " HEAD("c") "when_unknown: WHEN_UNKNOWN_INFO " EFFECT f "} "
#define ASK(t)     CONTEXT("drugs " ALPHA "any { " NAME t "} ")
#define MONITOR(f) SET "monitoring { " HEAD("m") NAME "drugs " ALPHA "loincs: '20578-1' " f "} "
#define MEETS(f)   SET "interactions { " HEAD("i") "a " ALPHA "b { class: 'cin' } " EFFECT f "} "

/* The first problem as "path text"; "": no problem. */
static const char *told(struct ward_arena *mem, const char *set)
{
    struct ruleset_problems p;
    struct ruleset *r = NULL;
    struct ward_err err = {0};

    if (ruleset_make(pb(mem, &ward__dosage__v1__rule_set__descriptor, set), HASH, &r, &p,
                     &err) == WARD_OK) {
        ruleset_free(r);
        return "";
    }
    return ward_printf(mem, "%s %s", p.at[0].path, p.at[0].what);
}

#define TOLD(set, want) assert_string_equal(told(*state, set), want)

static void a_context_rule_asks_something_of_some_drug(void **state)
{
    TOLD(ASK(VALUE), "");
    TOLD(CONTEXT("any { " NAME VALUE "} "), "context[0].drugs is empty");
    TOLD(CONTEXT("drugs " ALPHA), "context[0] has no condition on the chart; set any or all");
    TOLD(CONTEXT("drugs { class: 'none' } any { " NAME VALUE "} "),
         "context[0].drugs[0].class is a class without an ingredient");
    TOLD(ASK(""), "context[0].any[0] has no condition; set one of its fields");
    TOLD(CONTEXT("drugs " ALPHA "all { " VALUE "} "), "context[0].all[0].name is missing");
    TOLD(CONTEXT("drugs " ALPHA "all { " NAME PREGNANT "} unless { " NAME
                 "sex: SEX_UNSPECIFIED } "),
         "context[0].unless[0].sex must be 1 to 3");
    TOLD(ASK(VALUE) "context { " HEAD("c") EFFECT "drugs " ALPHA "any { " NAME VALUE "} } ",
         "context[1].rule.id is also used by another rule");
    TOLD(SET "context { " HEAD("d") EFFECT "drugs " ALPHA "any { " NAME VALUE "} } ",
         "context[0].when_unknown must be 1 to 3");
    TOLD(CONTEXT("drugs " ALPHA "any { " NAME VALUE "} band { weight_to_kg: '3' } "),
         "context[0].band has bounds of weight or kidney function, which this rule does not "
         "permit");
    TOLD(CONTEXT("drugs " ALPHA "any { " NAME VALUE "} band { routes: ROUTE_IV } "), "");
}

static void codes_are_codes(void **state)
{
    TOLD(ASK("problem { }"), "context[0].any[0].problem names no problem; set codes or below");
    TOLD(ASK("problem { below { system: 's' code: 'I50' } }"), "");
    TOLD(ASK("problem { below { system: 's' code: 'I5.' } }"),
         "context[0].any[0].problem.below[0].code has fewer than 3 characters");
    TOLD(ASK("problem { codes { code: '1' } }"),
         "context[0].any[0].problem.codes[0].system is empty");
    TOLD(ASK("answer { loincs: '82810-3' }"), "context[0].any[0].answer.values is empty");
    TOLD(ASK("answer { loincs: '82810-2' values { system: 's' code: '1' } }"),
         "context[0].any[0].answer.loincs[0] is not a LOINC code");
    TOLD(ASK("answer { values { system: 's' code: '1' } }"),
         "context[0].any[0].answer.loincs must be 1 to 40 codes");
    TOLD(ASK("answer { loincs: '-3' values { system: 's' code: '1' } }"),
         "context[0].any[0].answer.loincs[0] is not a LOINC code");
}

static void values_and_trends_can_be_compared(void **state)
{
#define VALUE_OF(f) ASK("value { loincs: '6301-6' max_age_hours: 24 " f "}")
    TOLD(VALUE_OF("relation: RELATION_ABOVE limits: '4 1'"), "");
    TOLD(VALUE_OF("limits: '4 1'"), "context[0].any[0].value.relation must be 1 to 4");
    TOLD(VALUE_OF("relation: RELATION_ABOVE"),
         "context[0].any[0].value.limits must be 1 to 10");
    TOLD(VALUE_OF("relation: RELATION_ABOVE limits: '4 foo'"),
         "context[0].any[0].value.limits[0].unit is not a UCUM unit");
    TOLD(VALUE_OF("relation: RELATION_ABOVE limits: '-4 1'"),
         "context[0].any[0].value.limits[0].value must be above 0");
#define TREND_OF(f) ASK("trend { loincs: '777-3' within_hours: 240 max_age_hours: 48 " f "}")
    TOLD(TREND_OF("direction: DIRECTION_FALL share: '0.5'"), "");
    TOLD(TREND_OF("direction: DIRECTION_FALL share: '1'"),
         "context[0].any[0].trend.share must be below 1");
    TOLD(TREND_OF("direction: DIRECTION_RISE share: '1'"), "");
    TOLD(TREND_OF("share: '0.5'"), "context[0].any[0].trend.direction must be 1 to 2");
}

static void a_pregnancy_names_whom_silence_leaves_open(void **state)
{
    TOLD(ASK(PREGNANT), "");
    TOLD(ASK("pregnancy { }"), "context[0].any[0].pregnancy.age_to_days is missing");
    TOLD(ASK("pregnancy { age_to_days: 9 from_week: 20 to_week: 20 }"),
         "context[0].any[0].pregnancy.to_week must be above from_week");
}

static void monitoring_asks_for_a_value_at_some_time(void **state)
{
    TOLD(MONITOR("before_hours: 24 "), "");
    TOLD(MONITOR("first_hours: 48 every_hours: 72 "), "");
    TOLD(MONITOR(""), "monitoring[0] requires no value; set before_hours or first_hours");
    TOLD(MONITOR("before_hours: 24 every_hours: 72 "),
         "monitoring[0].every_hours needs first_hours");
}

static void an_interaction_is_narrowed_by_what_can_be_compared(void **state)
{
    TOLD(MEETS("a_over { daily: '20 mg' } b_over { single: '1 g' } a_routes: ROUTE_IV "
               "age_to_days: 28 a_then_b_hours: 840 c " ALPHA),
         "");
    TOLD(MEETS("a_over { } "), "interactions[0].a_over has no dose; set single or daily");
    TOLD(MEETS("a_over { daily: '20 mL' } "),
         "interactions[0].a_over.daily.unit does not convert to the ingredient's unit, mg");
    TOLD(MEETS("b_over { daily: '20 foo' } "),
         "interactions[0].b_over.daily.unit is not a UCUM unit");
    TOLD(MEETS("b_routes: ROUTE_IV b_routes: ROUTE_IV "),
         "interactions[0].b_routes[1] is listed twice");
    TOLD(MEETS("age_from_days: 9 age_to_days: 9 "),
         "interactions[0].age_to_days must be above age_from_days");
    TOLD(MEETS("b_then_a_hours: 9601 "), "interactions[0].b_then_a_hours must be 0 to 9600");
    TOLD(MEETS("c { class: 'none' } "),
         "interactions[0].c.class is a class without an ingredient");
}

static int up(void **state)
{
    static struct ward_arena mem;

    ward_arena_init(&mem, (size_t)16 << 20);
    *state = &mem;
    return 0;
}

static void a_kidney_risk_names_whom_or_what(void **state)
{
#define RISK(f) SET "kidney_risks { " HEAD("k") f "} "
    TOLD(RISK("age_from_days: 23741 not_drugs " ALPHA), "");
    TOLD(RISK("not_drugs " ALPHA),
         "kidney_risks[0] selects neither patients nor drugs; set age_from_days, any or drugs");
    TOLD(RISK("drugs " ALPHA "not_drugs { class: 'none' }"),
         "kidney_risks[0].not_drugs[0].class is a class without an ingredient");
    TOLD(RISK("age_from_days: 23741 not_drugs { }"),
         "kidney_risks[0].not_drugs[0] selects no ingredient and no class");
}

static void a_loading_dose_is_an_amount_of_its_ingredient(void **state)
{
#define LOADED(f)                                                                              \
    "title: 't' notice: 'n' ingredients { id: 'alpha' " NAME                                   \
    "unit: 'mg' source: 's' loading { " f "} } "
    TOLD(LOADED("least { value: '300' unit: 'mg' } then_minutes: 1440 source: 's' "), "");
    TOLD(LOADED("then_minutes: 1440 source: 's' "), "ingredients[0].loading.least is missing");
    TOLD(LOADED("least { value: '3' unit: 'mL' } source: 's' "),
         "ingredients[0].loading.least.unit does not convert to the ingredient's unit, mg");
    TOLD(LOADED("least { value: '0' unit: 'mg' } source: 's' "),
         "ingredients[0].loading.least.value must be above 0");
    TOLD(LOADED("least { value: '3' unit: 'mg' } then_minutes: 10081 source: 's' "),
         "ingredients[0].loading.then_minutes is not 0 to 10080");
    TOLD(LOADED("least { value: '3' unit: 'mg' } then_minutes: -1 source: 's' "),
         "ingredients[0].loading.then_minutes is not 0 to 10080");
    TOLD(LOADED("least { value: '3' unit: 'mg' } "), "ingredients[0].loading.source is empty");
}

static int down(void **state)
{
    ward_arena_done(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_rule_asks_something_of_some_drug),
        cmocka_unit_test(codes_are_codes),
        cmocka_unit_test(values_and_trends_can_be_compared),
        cmocka_unit_test(a_pregnancy_names_whom_silence_leaves_open),
        cmocka_unit_test(monitoring_asks_for_a_value_at_some_time),
        cmocka_unit_test(an_interaction_is_narrowed_by_what_can_be_compared),
        cmocka_unit_test(a_kidney_risk_names_whom_or_what),
        cmocka_unit_test(a_loading_dose_is_an_amount_of_its_ingredient),
    };

    return cmocka_run_group_tests(tests, up, down);
}
