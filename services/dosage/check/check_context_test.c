/* Contraindications from the chart, required measurements, and conditional interactions. */
#include "services/dosage/check/check_world.h"

#define DRUG(id, more)                                                                         \
    "ingredients { id: '" id "' unit: 'mg' " more "} "                                         \
    "drugs { id: '" id "' ingredients: '" id "' routes: ROUTE_PO routes: ROUTE_IV } "          \
    "dose_rules { rule { id: '" id "-any' severity: SEVERITY_INFO } ingredient: '" id "' "     \
    "max_single: '1000 g' } "
#define NAMED(en_, zh_) "name { en: '" en_ "' zh: '" zh_ "' } "
#define RULE(id, sev)   "rule { id: '" id "' severity: SEVERITY_" sev " } "
#define WHEN(what)      "when_unknown: WHEN_UNKNOWN_" what " "
#define OF(drug)        "drugs { ingredient: '" drug "' } "
#define EFFECT          "effect { en: 'Why.' zh: '原因。' } "
#define K_ABOVE                                                                                \
    NAMED("potassium", "血钾")                                                                 \
    "value { loincs: '2823-3' loincs: '6298-4' relation: RELATION_ABOVE "                      \
    "limits: '5.5 mmol/L' limits: '5.5 meq/L' max_age_hours: 24 } "
#define PLATELETS                                                                              \
    NAMED("platelets", "血小板")                                                               \
    "value { loincs: '777-3' relation: RELATION_BELOW limits: '50 10*9/L' max_age_hours: 72 "  \
    "} "

static const char CONTEXT[] =
    DRUG("kcl", "") DRUG("heparin", "") DRUG("warf", "") DRUG("nsaid", "") DRUG("simva", "")
        DRUG("amlo", "") DRUG("fluox", "") DRUG("maoi", "") DRUG("ace", "") DRUG("water", "")
            DRUG("vanco", "") DRUG("mtx", "") "context { " RULE("k-high", "HARD")
                OF("kcl") "any { " K_ABOVE "} " WHEN("INFO") EFFECT
    "} "
    "context { " RULE("plt-low", "HARD") OF("heparin") "any { " PLATELETS "} any { " NAMED(
        "platelets falling", "血小板下降") "trend { loincs: '777-3' direction: DIRECTION_FALL "
                                           "share: '0.5' within_hours: 240 "
                                           "max_age_hours: 72 } } " WHEN("SILENT") EFFECT
    "} "
    "context { " RULE("warf-pregnant", "HARD") OF("warf") "all { " NAMED(
        "pregnancy",
        "妊娠") "pregnancy { age_from_days: 4383 age_to_days: 18628 no_expires_days: 30 } } "
                "unless { " NAMED(
                    "no uterus",
                    "子宫切除") "problem { below { system: 'http://hl7.org/fhir/sid/icd-10' "
                                "code: 'Z90.7' } } } " WHEN("WARN") EFFECT
    "} "
    "context { " RULE("nsaid-late", "HARD") OF("nsaid") "all { " NAMED(
        "pregnancy from week 20", "妊娠20周后") "pregnancy { from_week: 20 age_from_days: 4383 "
                                                "age_to_days: 18628 } } " WHEN("SILENT") EFFECT
    "} "
    "context { " RULE("nsaid-hf", "WARN") OF("nsaid") "any { " NAMED(
        "heart failure",
        "心力衰竭") "problem { codes { system: 'http://snomed.info/sct' code: '84114007' } "
                    "below { system: 'http://hl7.org/fhir/sid/icd-10' code: 'I50' } } } " WHEN(
                        "SILENT") EFFECT
    "} "
    "context { " RULE("mtx-milk", "WARN") OF("mtx") "any { " NAMED(
        "breastfeeding", "哺乳") "breastfeeding { yes_expires_days: 90 } } " WHEN("SILENT")
        EFFECT "} "
               "context { " RULE("mtx-men", "INFO")
                   OF("mtx") "over { daily: '15 mg' } any { " NAMED(
                       "male", "男性") "sex: SEX_MALE } " WHEN("WARN") EFFECT
    "} "
    "context { " RULE("mtx-class", "WARN") OF("mtx") "any { " NAMED(
        "child class C", "C级") "answer { loincs: '1-8' values { system: 's' code: 'C' } "
                                "max_age_hours: 24 } } " WHEN("SILENT") EFFECT
    "} "
    "monitoring { " RULE("vanco-level", "INFO") OF("vanco") NAMED(
        "level",
        "血药浓度") "loincs: '20578-1' before_hours: 0 first_hours: 48 every_hours: 72 } "
                    "monitoring { " RULE("warf-inr", "INFO") OF("warf") NAMED(
                        "INR",
                        "INR") "loincs: '6301-6' before_hours: 24 } "
                               "interactions { " RULE(
                                   "simva-amlo",
                                   "WARN") "a { ingredient: 'simva' } b { ingredient: 'amlo' } "
                                           "a_over { daily: '20 mg' } " EFFECT "} "
                                           "interactions { " RULE(
                                               "fluox-maoi",
                                               "HARD") "a { ingredient: 'fluox' } b { "
                                                       "ingredient: 'maoi' } "
                                                       "a_then_b_hours: 840 b_then_a_hours: "
                                                       "336 " EFFECT "} "
                                                       "interactions { " RULE(
                                                           "iv-young",
                                                           "HARD") "a { ingredient: 'kcl' } b "
                                                                   "{ ingredient: 'vanco' } "
                                                                   "a_routes: ROUTE_IV "
                                                                   "age_to_days: 28 " EFFECT
                                                                   "} "
                                                                   "interactions { " RULE(
                                                                       "whammy",
                                                                       "WARN") "a { "
                                                                               "ingredient: "
                                                                               "'ace' } b { "
                                                                               "ingredient: "
                                                                               "'water' } "
                                                                               "c { "
                                                                               "ingredient: "
                                                                               "'nsaid' "
                                                                               "} " EFFECT "} ";

#define MAN                KNOWN "birth_date: '1970-01-01' sex: SEX_MALE allergies { no_known: true } "
#define WOMAN              KNOWN "birth_date: '1997-01-01' sex: SEX_FEMALE allergies { no_known: true } "
#define NEWBORN            KNOWN "birth_date: '2027-01-10' sex: SEX_MALE allergies { no_known: true } "
#define LAB(code, values)  "labs { loinc: '" code "' " values "} "
#define V(q, us)           "values { quantity: '" q "' at_us: " us " record_id: 'l' } "
#define BELOW_V(q)         "values { quantity: '" q "' comparator: '<' at_us: " NOW " } "
#define ABOVE_V(q)         "values { quantity: '" q "' comparator: '>' at_us: " NOW " } "
#define ASKED(drug, facts) PLACE FACTS(facts) WHAT(drug, "10 mg", ONCE)
#define H_AGO_24           "1799913600000000"
#define H_AGO_25           "1799910000000000"
#define D_AGO_3            "1799740800000000"
#define D_AGO_11           "1799049600000000"

static void a_value_is_held_against_its_limit(void **state)
{
    TOLD(ASKED("kcl", MAN LAB("2823-3", V("5.5 mmol/L", NOW))), "");
    TOLD(ASKED("kcl", MAN LAB("2823-3", V("5.51 mmol/L", NOW))), "k-high:H");
    assert_string_equal(told_finding(*state, "k-high")->text->en,
                        "kcl: potassium 5.51 mmol/L. Why.");
    assert_string_equal(told_finding(*state, "k-high")->text->zh,
                        "kcl：血钾 5.51 mmol/L。原因。");
    assert_string_equal(told_finding(*state, "k-high")->compared[0]->what, "loinc-2823-3");
    assert_string_equal(told_finding(*state, "k-high")->compared[0]->relation, "<=");
    TOLD(ASKED("kcl", MAN LAB("6298-4", V("6 meq/L", NOW))), "k-high:H");
    TOLD(ASKED("kcl", MAN LAB("2823-3", V("6200 umol/L", NOW))), "k-high:H");
    /* The newest value counts, whichever of the codes it has. */
    TOLD(ASKED("kcl",
               MAN LAB("2823-3", V("6 mmol/L", H_AGO_24)) LAB("6298-4", V("4 mmol/L", NOW))),
         "");
    TOLD(ASKED("kcl", MAN LAB("2823-3", BELOW_V("5 mmol/L"))), "");
    TOLD(ASKED("kcl", MAN LAB("2823-3", ABOVE_V("10 mmol/L"))), "k-high:H");
    TOLD(ASKED("kcl", MAN LAB("2823-3", ABOVE_V("5 mmol/L"))), "k-high:I");
    TOLD(ASKED("kcl", MAN LAB("2823-3", BELOW_V("6 mmol/L"))), "k-high:I");
}

static void what_is_missing_old_or_not_understood_is_told(void **state)
{
    TOLD(ASKED("kcl", MAN), "k-high:I");
    assert_string_equal(told_finding(*state, "k-high")->text->en,
                        "kcl: the chart does not tell: potassium (of the last 24 hours). Why.");
    assert_int_equal(told_step(*state, "k-high")->result,
                     WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED);
    TOLD(ASKED("kcl", MAN LAB("2823-3", V("6 mmol/L", H_AGO_24))), "k-high:H");
    TOLD(ASKED("kcl", MAN LAB("2823-3", V("6 mmol/L", H_AGO_25))), "k-high:I");
    TOLD(ASKED("kcl", MAN LAB("2823-3", V("24 mg/dL", NOW))), "k-high:I");
    TOLD(ASKED("kcl", MAN LAB("2823-3", V("high mmol/L", NOW))), "k-high:I");
    TOLD(ASKED("heparin", MAN), "");
    TOLD(PLACE FACTS("state: CHART_STATE_UNAVAILABLE ") WHAT("kcl", "10 mg", ONCE),
         "ward.chart-unavailable:H");
}

static void a_fall_is_seen_though_no_limit_is_passed(void **state)
{
#define PLT(newest, before, at) ASKED("heparin", MAN LAB("777-3", V(newest, NOW) V(before, at)))
    TOLD(PLT("100 10*9/L", "200 10*9/L", D_AGO_3), "plt-low:H");
    assert_string_equal(told_finding(*state, "plt-low")->text->en,
                        "heparin: platelets falling from 200 to 100 10*9/L. Why.");
    TOLD(PLT("101 10*9/L", "200 10*9/L", D_AGO_3), "");
    TOLD(PLT("100 10*9/L", "200 10*9/L", D_AGO_11), "");
    TOLD(PLT("100 10*3/uL", "200 10*9/L", D_AGO_3), "plt-low:H");
    TOLD(PLT("0 10*9/L", "1 10*9/L", D_AGO_3), "plt-low:H");
    TOLD(ASKED("heparin", MAN LAB("777-3", V("49 10*9/L", NOW))), "plt-low:H");
}

static void a_problem_is_known_by_its_code_and_what_is_above_it(void **state)
{
#define HAS(system, code)                                                                      \
    ASKED("nsaid", MAN "problems { record_id: 'p' codings { system: '" system "' code: '" code \
                       "' } } ")
    TOLD(HAS("http://snomed.info/sct", "84114007"), "nsaid-hf:W");
    assert_string_equal(told_finding(*state, "nsaid-hf")->about[0], "p");
    TOLD(HAS("http://hl7.org/fhir/sid/icd-10", "I50"), "nsaid-hf:W");
    TOLD(HAS("http://hl7.org/fhir/sid/icd-10-cm", "I50.23"), "nsaid-hf:W");
    TOLD(HAS("http://hl7.org/fhir/sid/icd-10-cn", "i50900"), "nsaid-hf:W");
    TOLD(HAS("http://hl7.org/fhir/sid/icd-10", "I5"), "");
    TOLD(HAS("http://hl7.org/fhir/sid/icd-9-cm", "I50"), "");
    TOLD(HAS("http://snomed.info/sct", "841140071"), "");
    TOLD(ASKED("nsaid", MAN), "");
}

static void silence_about_a_pregnancy_is_open_only_for_women_of_an_age(void **state)
{
#define STATE(what, us) "pregnancy { is: IS_" what " at_us: " us " record_id: 'p' } "
    TOLD(ASKED("warf", WOMAN STATE("YES", NOW)), "warf-pregnant:H warf-inr:I");
    TOLD(ASKED("warf", WOMAN), "warf-pregnant:W warf-inr:I");
    TOLD(ASKED("warf", WOMAN STATE("NO", D_AGO_11)), "warf-inr:I");
    TOLD(ASKED("warf", WOMAN STATE("NO", "1797000000000000")), "warf-pregnant:W warf-inr:I");
    TOLD(ASKED("warf", WOMAN STATE("YES", "1770000000000000")), "warf-pregnant:W warf-inr:I");
    TOLD(ASKED("warf", MAN), "warf-inr:I");
    TOLD(
        ASKED("warf", KNOWN "birth_date: '1950' sex: SEX_FEMALE allergies { no_known: true } "),
        "warf-inr:I");
    TOLD(ASKED("warf", WOMAN "problems { codings { system: "
                             "'http://hl7.org/fhir/sid/icd-10-cm' code: 'Z90.710' } } "),
         "warf-inr:I");
}

static void weeks_are_counted_from_the_due_date(void **state)
{
#define DUE(us) ASKED("nsaid", WOMAN STATE("YES", NOW) "due_us: " us " ")
    /* the due date is in 140 days, so this is week 20 */
    TOLD(DUE("1812096000000000"), "nsaid-late:H");
    TOLD(DUE("1812096000000001"), "");
    TOLD(ASKED("nsaid", WOMAN STATE("YES", NOW)), "nsaid-late:H");
    TOLD(DUE("1790000000000000"), ""); /* the pregnancy ended long ago */
}

static void states_sexes_and_answers(void **state)
{
#define MILK(us) "breastfeeding { is: IS_YES at_us: " us " record_id: 'b' } "
#define CLASS(code, us)                                                                        \
    "answers { loinc: '1-8' at_us: " us " values { system: 's' code: '" code "' } } "
    TOLD(ASKED("mtx", WOMAN MILK(NOW)), "mtx-milk:W");
    TOLD(ASKED("mtx", WOMAN MILK("1790000000000000")), "");
    TOLD(ASKED("mtx", WOMAN CLASS("C", NOW)), "mtx-class:W");
    TOLD(ASKED("mtx", WOMAN CLASS("B", NOW)), "");
    TOLD(ASKED("mtx", WOMAN CLASS("C", H_AGO_25)), "");
    TOLD(PLACE FACTS(MAN) WHAT("mtx", "15 mg", ONCE), "");
    TOLD(PLACE FACTS(MAN) WHAT("mtx", "16 mg", ONCE), "mtx-men:I");
    TOLD(PLACE FACTS(MAN) WHAT("mtx", "10 mg", EVERY("720")), "mtx-men:I");
    /* An unknown value is never more severe than a known value. */
    TOLD(PLACE FACTS(KNOWN "birth_date: '1970' allergies { no_known: true } ")
             WHAT("mtx", "16 mg", ONCE),
         "mtx-men:I");
}

static void what_has_to_be_measured_is_asked_for_in_time(void **state)
{
#define VANCO(facts, us)                                                                       \
    GIVE FACTS(MAN facts) WHAT("vanco", "1 g", EVERY("720")) GIVEN("g1", "vanco", "1 g", us)
    TOLD(PLACE FACTS(MAN) WHAT("vanco", "1 g", EVERY("720")), "");
    TOLD(VANCO("", H_AGO_25), "");
    TOLD(VANCO("", D_AGO_3), "vanco-level:I");
    assert_string_equal(told_finding(*state, "vanco-level")->text->en,
                        "vanco: order level; the chart has none of the last 72 hours.");
    TOLD(VANCO(LAB("20578-1", V("12 mg/L", H_AGO_24)), D_AGO_3), "");
    TOLD(VANCO(LAB("20578-1", V("12 mg/L", D_AGO_11)), D_AGO_3), "vanco-level:I");
    TOLD(ASKED("warf", MAN LAB("6301-6", V("1.1 1", NOW))), "");
    TOLD(ASKED("warf", MAN LAB("6301-6", V("1.1 1", H_AGO_25))), "warf-inr:I");
}

static void an_interaction_begins_at_a_dose(void **state)
{
#define SIMVA(dose)                                                                            \
    PLACE FACTS(MAN) WHAT("simva", dose, EVERY("1440"))                                        \
        RUNNING("o", "amlo", "5 mg", EVERY("1440"))
    TOLD(SIMVA("20 mg"), "");
    TOLD(SIMVA("40 mg"), "simva-amlo:W");
    TOLD(PLACE FACTS(MAN) WHAT("simva", "20 mg", EVERY("720"))
             RUNNING("o", "amlo", "5 mg", EVERY("1440")),
         "simva-amlo:W");
    TOLD(PLACE FACTS(MAN) WHAT("amlo", "5 mg", ONCE)
             RUNNING("o", "simva", "20 mg", EVERY("1440")),
         "");
    TOLD(PLACE FACTS(MAN) WHAT("amlo", "5 mg", ONCE)
             RUNNING("o", "simva", "40 mg", EVERY("1440")),
         "simva-amlo:W");
    TOLD(PLACE FACTS(MAN) WHAT("amlo", "5 mg", ONCE) GIVEN("g", "simva", "40 mg", H_AGO_24),
         "");
    TOLD(PLACE FACTS(MAN) WHAT("amlo", "5 mg", ONCE)
             GIVEN("g", "simva", "40 mg", "1799990000000000"),
         "simva-amlo:W");
}

static void a_washout_has_a_direction(void **state)
{
#define AFTER(first, then, us)                                                                 \
    PLACE FACTS(MAN) WHAT(then, "10 mg", ONCE) GIVEN("g", first, "20 mg", us)
    /* 35 days after fluoxetine */
    TOLD(AFTER("fluox", "maoi", "1796976000000001"), "fluox-maoi:H");
    TOLD(AFTER("fluox", "maoi", "1796976000000000"), "");
    /* 14 days after the other drug */
    TOLD(AFTER("maoi", "fluox", "1798790400000001"), "fluox-maoi:H");
    TOLD(AFTER("maoi", "fluox", "1798790400000000"), "");
    /* Planned: fluoxetine ends in a day, the other drug begins 30 days later. */
#define ENDS "ends_at_us: 1800086400000000 " EVERY("1440")
    TOLD(PLACE FACTS(MAN) WHAT("maoi", "10 mg", "starts_at_us: 1802592000000000 " ONCE)
             RUNNING("o", "fluox", "20 mg", ENDS),
         "fluox-maoi:H");
    TOLD(PLACE FACTS(MAN) WHAT("fluox", "20 mg", "starts_at_us: 1802592000000000 " ONCE)
             RUNNING("o", "maoi", "10 mg", ENDS),
         "");
    TOLD(PLACE FACTS(MAN) WHAT("fluox", "20 mg", ENDS)
             RUNNING("o", "maoi", "10 mg", "starts_at_us: 1802592000000000 " ONCE),
         "fluox-maoi:H");
}

static void an_interaction_may_be_of_a_route_and_an_age(void **state)
{
#define KCL(route, who)                                                                        \
    PLACE FACTS(                                                                               \
        who LAB("2823-3", V("4 mmol/L",                                                        \
                            NOW))) "prescription { drug_id: 'kcl' dose: '10 mg' route: " route \
                                   " " ONCE "} " RUNNING("o", "vanco", "1 g", ONCE)
    TOLD(KCL("ROUTE_IV", NEWBORN), "iv-young:H");
    TOLD(KCL("ROUTE_PO", NEWBORN), "");
    TOLD(KCL("ROUTE_IV", MAN), "");
}

static void three_meet_as_three(void **state)
{
#define RUNS(drug)           RUNNING(drug "-o", drug, "5 mg", EVERY("1440"))
#define BESIDE(drug, others) PLACE FACTS(MAN) WHAT(drug, "5 mg", ONCE) others
    TOLD(BESIDE("nsaid", RUNS("ace")), "");
    TOLD(BESIDE("nsaid", RUNS("ace") RUNS("water")), "whammy:W");
    assert_int_equal(told_finding(*state, "whammy")->n_about, 2);
    TOLD(BESIDE("ace", RUNS("nsaid") RUNS("water")), "whammy:W");
    TOLD(BESIDE("water", RUNS("nsaid") RUNS("ace")), "whammy:W");
    TOLD(BESIDE("amlo", RUNS("nsaid") RUNS("ace") RUNS("water")), "");
}

static int up(void **state)
{
    static struct bench b;

    bench_open(&b, CONTEXT);
    *state = &b;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_held_against_its_limit),
        cmocka_unit_test(what_is_missing_old_or_not_understood_is_told),
        cmocka_unit_test(a_fall_is_seen_though_no_limit_is_passed),
        cmocka_unit_test(a_problem_is_known_by_its_code_and_what_is_above_it),
        cmocka_unit_test(silence_about_a_pregnancy_is_open_only_for_women_of_an_age),
        cmocka_unit_test(weeks_are_counted_from_the_due_date),
        cmocka_unit_test(states_sexes_and_answers),
        cmocka_unit_test(what_has_to_be_measured_is_asked_for_in_time),
        cmocka_unit_test(an_interaction_begins_at_a_dose),
        cmocka_unit_test(a_washout_has_a_direction),
        cmocka_unit_test(an_interaction_may_be_of_a_route_and_an_age),
        cmocka_unit_test(three_meet_as_three),
    };

    return cmocka_run_group_tests(tests, up, world_down);
}
