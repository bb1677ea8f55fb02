/* Unknown kidney function: the doses that depend on it, and the patients for whom it is a
 * warning. */
#include "services/dosage/check/check_world.h"

#define NAMED(id) "id: '" id "' unit: 'mg' "
#define DRUG(id)                                                                               \
    "drugs { id: '" id "' ingredients: '" id "' routes: ROUTE_PO routes: ROUTE_IV }\n"
#define RULE(id) "rule { id: '" id "' severity: SEVERITY_HARD } "
#define SET                                                                                                                                                                                                          \
    "ingredients { " NAMED(                                                                                                                                                                                          \
        "plain") "}\n"                                                                                                                                                                                               \
                 "ingredients { " NAMED(                                                                                                                                                                             \
                     "flag") "renal: true }\n"                                                                                                                                                                       \
                             "ingredients { " NAMED(                                                                                                                                                                 \
                                 "named") "}\n"                                                                                                                                                                      \
                                          "ingredients { " NAMED("never") "}\n" DRUG(                                                                                                                                \
                                              "plain") DRUG("flag") DRUG("named")                                                                                                                                    \
                                              DRUG("never") "dose_rules { " RULE(                                                                                                                                    \
                                                  "plain-any") "ingredient: 'plain' "                                                                                                                                \
                                                               "max_single: '1000 mg' }\n"                                                                                                                           \
                                                               "dose_rules { " RULE(                                                                                                                                 \
                                                                   "plain-low") "ingredient: "                                                                                                                       \
                                                                                "'plain' "                                                                                                                           \
                                                                                "max_single: "                                                                                                                       \
                                                                                "'250 mg' "                                                                                                                          \
                                                                                "band { "                                                                                                                            \
                                                                                "routes: "                                                                                                                           \
                                                                                "ROUTE_PO "                                                                                                                          \
                                                                                "renal_to: "                                                                                                                         \
                                                                                "'30' "                                                                                                                              \
                                                                                "renal_by: "                                                                                                                         \
                                                                                "RENAL_BY_"                                                                                                                          \
                                                                                "EGFR } }\n"                                                                                                                         \
                                                                                "dose_rules "                                                                                                                        \
                                                                                "{ " RULE(                                                                                                                           \
                                                                                    "flag-"                                                                                                                          \
                                                                                    "any") "i"                                                                                                                       \
                                                                                           "n"                                                                                                                       \
                                                                                           "g"                                                                                                                       \
                                                                                           "r"                                                                                                                       \
                                                                                           "e"                                                                                                                       \
                                                                                           "d"                                                                                                                       \
                                                                                           "i"                                                                                                                       \
                                                                                           "e"                                                                                                                       \
                                                                                           "n"                                                                                                                       \
                                                                                           "t"                                                                                                                       \
                                                                                           ":"                                                                                                                       \
                                                                                           " "                                                                                                                       \
                                                                                           "'"                                                                                                                       \
                                                                                           "f"                                                                                                                       \
                                                                                           "l"                                                                                                                       \
                                                                                           "a"                                                                                                                       \
                                                                                           "g"                                                                                                                       \
                                                                                           "'"                                                                                                                       \
                                                                                           " "                                                                                                                       \
                                                                                           "m"                                                                                                                       \
                                                                                           "a"                                                                                                                       \
                                                                                           "x"                                                                                                                       \
                                                                                           "_"                                                                                                                       \
                                                                                           "s"                                                                                                                       \
                                                                                           "i"                                                                                                                       \
                                                                                           "n"                                                                                                                       \
                                                                                           "g"                                                                                                                       \
                                                                                           "l"                                                                                                                       \
                                                                                           "e"                                                                                                                       \
                                                                                           ":"                                                                                                                       \
                                                                                           " "                                                                                                                       \
                                                                                           "'"                                                                                                                       \
                                                                                           "1"                                                                                                                       \
                                                                                           "0"                                                                                                                       \
                                                                                           "0"                                                                                                                       \
                                                                                           "0"                                                                                                                       \
                                                                                           " "                                                                                                                       \
                                                                                           "m"                                                                                                                       \
                                                                                           "g"                                                                                                                       \
                                                                                           "'"                                                                                                                       \
                                                                                           " "                                                                                                                       \
                                                                                           "}"                                                                                                                       \
                                                                                           "\n"                                                                                                                      \
                                                                                           "d"                                                                                                                       \
                                                                                           "o"                                                                                                                       \
                                                                                           "s"                                                                                                                       \
                                                                                           "e"                                                                                                                       \
                                                                                           "_"                                                                                                                       \
                                                                                           "r"                                                                                                                       \
                                                                                           "u"                                                                                                                       \
                                                                                           "l"                                                                                                                       \
                                                                                           "e"                                                                                                                       \
                                                                                           "s"                                                                                                                       \
                                                                                           " "                                                                                                                       \
                                                                                           "{"                                                                                                                       \
                                                                                           " " RULE(                                                                                                                 \
                                                                                               "named-any") "ingredient: 'named' max_single: '1000 mg' }\n"                                                          \
                                                                                                            "dose_rules { " RULE(                                                                                    \
                                                                                                                "named-low") "ingredient: 'named' max_single: '250 mg' "                                             \
                                                                                                                             "band { renal_to: '30' } }\n"                                                           \
                                                                                                                             "dose_rules { " RULE(                                                                   \
                                                                                                                                 "never-any") "ingredient: 'never' max_single: '1000 mg' }\n"                        \
                                                                                                                                              "dose_rules { " RULE(                                                  \
                                                                                                                                                  "never-low") "ingredient: 'never' contraindicated: true "          \
                                                                                                                                                               "band { renal_to: '15' renal_by: RENAL_BY_EGFR } }\n" \
                                                                                                                                                               "fresh { " RULE(                                      \
                                                                                                                                                                   "old") "what: WHAT_CREATININE max_age_hours: 24 }\n"
#define RISKS                                                                                  \
    "kidney_risks { rule { id: 'old-age' severity: SEVERITY_INFO } age_from_days: 23741 }\n"   \
    "kidney_risks { rule { id: 'by-drug' severity: SEVERITY_INFO } drugs { ingredient: "       \
    "'named' } }\n"                                                                            \
    "kidney_risks { rule { id: 'by-chart' severity: SEVERITY_INFO } any { name { en: 'x' } "   \
    "problem { below { system: 'http://hl7.org/fhir/sid/icd-10' code: 'E11' } } } }\n"

#define NOW_2 PLACE "engine: 2 "
#define DAILY "timing { kind: KIND_INTERVAL interval_minutes: 1440 } "
#define OLD   KNOWN "birth_date: '1950-01-01' sex: SEX_MALE allergies { no_known: true } "
#define SUGAR                                                                                  \
    "problems { record_id: 'p' codings { system: 'http://hl7.org/fhir/sid/icd-10-cm' code: "   \
    "'E11.9' } } "

#define MILD                                                                                   \
    SET "ingredients { " NAMED("mild") "}\n" DRUG("mild") "dose_rules { " RULE(                \
        "mild-any") "ingredient: 'mild' max_single: '1000 mg' }\n"                             \
                    "dose_rules { " RULE(                                                      \
                        "mild-low") "ingredient: 'mild' max_single: '250 mg' "                 \
                                    "band { renal_to: '60' renal_by: RENAL_BY_EGFR } }\n"      \
                                    "kidney_risks { rule { id: 'old-age' severity: "           \
                                    "SEVERITY_INFO } age_from_days: 23741 "                    \
                                    "renal_above: '30' }\n"

#define SPARED                                                                                 \
    SET "kidney_risks { rule { id: 'old-age' severity: SEVERITY_INFO } age_from_days: 23741 "  \
        "not_drugs { ingredient: 'plain' } }\n"

static int with(void **state, const char *set)
{
    static struct bench b;

    bench_open(&b, set);
    *state = &b;
    return 0;
}
static int without_risks(void **state)
{
    return with(state, SET);
}
static int with_risks(void **state)
{
    return with(state, SET RISKS);
}

static int with_spared(void **state)
{
    return with(state, SPARED);
}

static int with_mild(void **state)
{
    return with(state, MILD);
}

static void a_dose_that_any_kidneys_bear_needs_none(void **state)
{
    TOLD(NOW_2 FACTS(ADULT) WHAT("plain", "250 mg", DAILY), "");
    TOLD(NOW_2 FACTS(ADULT) WHAT("plain", "251 mg", DAILY), "ward.no-renal:W");
    /* The kidney rule applies to another route. */
    TOLD(NOW_2 FACTS(
             ADULT) "prescription { drug_id: 'plain' dose: '500 mg' route: ROUTE_IV " DAILY
                    "} ",
         "");
    /* Only the flag states the kidney function. */
    TOLD(NOW_2 FACTS(ADULT) WHAT("flag", "1 mg", DAILY), "ward.no-renal:W");
    TOLD(NOW_2 FACTS(ADULT) WHAT("never", "1 mg", DAILY), "ward.no-renal:W");
}

static void one_dose_need_not_wait_unless_the_drug_is_forbidden(void **state)
{
    TOLD(NOW_2 FACTS(ADULT) WHAT("plain", "500 mg", ONCE), "ward.no-renal:I");
    TOLD(NOW_2 FACTS(ADULT) WHAT("flag", "500 mg", ONCE), "ward.no-renal:I");
    TOLD(NOW_2 FACTS(ADULT) WHAT("never", "500 mg", ONCE), "ward.no-renal:W");
}

static void old_values_matter_only_to_a_dose_that_depends_on_them(void **state)
{
#define DAYS_OLD "egfrs { quantity: '80 mL/min' at_us: 1799000000000000 record_id: 'e' } "
    TOLD(NOW_2 FACTS(ADULT DAYS_OLD) WHAT("plain", "250 mg", DAILY), "");
    TOLD(NOW_2 FACTS(ADULT DAYS_OLD) WHAT("plain", "500 mg", DAILY), "old:H");
}

static void the_set_says_for_whom_it_is_a_warning(void **state)
{
    TOLD(NOW_2 FACTS(ADULT) WHAT("plain", "500 mg", DAILY), "ward.no-renal:I");
    TOLD(NOW_2 FACTS(OLD) WHAT("plain", "500 mg", DAILY), "ward.no-renal:W");
    TOLD(NOW_2 FACTS(KNOWN "sex: SEX_MALE allergies { no_known: true } ")
             WHAT("plain", "500 mg", DAILY),
         "ward.no-renal:W");
    TOLD(NOW_2 FACTS(ADULT SUGAR) WHAT("plain", "500 mg", DAILY), "ward.no-renal:W");
    TOLD(NOW_2 FACTS(ADULT "problems_cut: true ") WHAT("plain", "500 mg", DAILY),
         "ward.no-renal:W");
    TOLD(NOW_2 FACTS(ADULT) WHAT("named", "500 mg", DAILY), "ward.no-renal:W");
    TOLD(NOW_2 FACTS(OLD) WHAT("plain", "250 mg", DAILY), "");
}

static void old_age_can_count_for_mild_impairment_alone(void **state)
{
    TOLD(NOW_2 FACTS(OLD) WHAT("plain", "500 mg", DAILY), "ward.no-renal:I");
    TOLD(NOW_2 FACTS(OLD) WHAT("mild", "500 mg", DAILY), "ward.no-renal:W");
    TOLD(NOW_2 FACTS(OLD) WHAT("flag", "500 mg", DAILY), "ward.no-renal:W");
}

static void a_rule_can_spare_drugs_of_little_harm(void **state)
{
    TOLD(NOW_2 FACTS(OLD) WHAT("plain", "500 mg", DAILY), "ward.no-renal:I");
    TOLD(NOW_2 FACTS(OLD) WHAT("flag", "500 mg", DAILY), "ward.no-renal:W");
}

static void a_filtration_in_place_of_a_clearance_too(void **state)
{
    TOLD(NOW_2 FACTS(OLD EGFR("80 mL/min")) WHAT("named", "500 mg", DAILY),
         "ward.renal-estimated:W");
    TOLD(NOW_2 FACTS(OLD EGFR("80 mL/min")) WHAT("named", "250 mg", DAILY), "");
}

static void a_decision_of_the_first_engine_stays(void **state)
{
    TOLD(PLACE FACTS(ADULT) WHAT("plain", "250 mg", DAILY), "ward.no-renal:W");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_dose_that_any_kidneys_bear_needs_none, without_risks,
                                        world_down),
        cmocka_unit_test_setup_teardown(one_dose_need_not_wait_unless_the_drug_is_forbidden,
                                        without_risks, world_down),
        cmocka_unit_test_setup_teardown(old_values_matter_only_to_a_dose_that_depends_on_them,
                                        without_risks, world_down),
        cmocka_unit_test_setup_teardown(the_set_says_for_whom_it_is_a_warning, with_risks,
                                        world_down),
        cmocka_unit_test_setup_teardown(old_age_can_count_for_mild_impairment_alone, with_mild,
                                        world_down),
        cmocka_unit_test_setup_teardown(a_rule_can_spare_drugs_of_little_harm, with_spared,
                                        world_down),
        cmocka_unit_test_setup_teardown(a_filtration_in_place_of_a_clearance_too, with_risks,
                                        world_down),
        cmocka_unit_test_setup_teardown(a_decision_of_the_first_engine_stays, without_risks,
                                        world_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
