/* check_usual_world.h - a rule set of usual doses, infusions, class sums and kidney rules, and
 * orders as text. Its numbers are invented. Threads: one. Memory: the bench's. Errors: fail the
 * test. */
#ifndef DOSAGE_CHECK_USUAL_WORLD_H
#define DOSAGE_CHECK_USUAL_WORLD_H

#include "services/dosage/check/check_testing.h"

#define HEAD(id, sev) "rule { id: '" id "' severity: SEVERITY_" sev " } "

static const char
    SET
        [] = "ingredients { id: 'insul' name { en: 'insul' zh: 'zh' } unit: '[IU]' }\n"
             "ingredients { id: 'potas' unit: 'meq' }\n"
             "ingredients { id: 'mycin' unit: 'mg' }\n"
             "ingredients { id: 'oxy' unit: 'mg' classes: 'opioid' }\n"
             "ingredients { id: 'morph' unit: 'mg' classes: 'opioid' }\n"
             "ingredients { id: 'fent' unit: 'ug' classes: 'opioid' }\n"
             "ingredients { id: 'glyco' unit: 'mg' }\n"
             "ingredients { id: 'rubi' unit: 'mg' }\n"
             "ingredients { id: 'epirub' unit: 'mg' }\n"
             "ingredients { id: 'filt' unit: 'mg' }\n"
             "ingredients { id: 'clear' unit: 'mg' renal: true }\n"
             "drugs { id: 'insul' ingredients: 'insul' routes: ROUTE_PO routes: ROUTE_IV }\n"
             "drugs { id: 'potas' ingredients: 'potas' routes: ROUTE_IV routes: ROUTE_IVINF\n"
             "  products { id: 'conc' routes: ROUTE_IV strengths { ingredient: 'potas' amount: "
             "'20 meq'\n"
             "    per: '10 mL' } } products { id: 'bag' routes: ROUTE_IV strengths { "
             "ingredient: 'potas'\n"
             "    amount: '10 meq' per: '100 mL' } } }\n"
             "drugs { id: 'mycin' ingredients: 'mycin' routes: ROUTE_IV\n"
             "  products { id: 'vial' routes: ROUTE_IV strengths { ingredient: 'mycin' amount: "
             "'1 g'\n"
             "    per: '1 {vial}' } } }\n"
             "drugs { id: 'oxy' ingredients: 'oxy' routes: ROUTE_PO }\n"
             "drugs { id: 'morph' ingredients: 'morph' routes: ROUTE_PO routes: ROUTE_IV }\n"
             "drugs { id: 'fent' ingredients: 'fent' routes: ROUTE_TD products { id: 'p25' "
             "routes:\n"
             "  ROUTE_TD strengths { ingredient: 'fent' amount: '25 ug/h' per: '1 {patch}' } } "
             "}\n"
             "drugs { id: 'glyco' ingredients: 'glyco' routes: ROUTE_IV }\n"
             "drugs { id: 'rubi' ingredients: 'rubi' routes: ROUTE_IV }\n"
             "drugs { id: 'epirub' ingredients: 'epirub' routes: ROUTE_IV }\n"
             "drugs { id: 'filt' ingredients: 'filt' routes: ROUTE_PO }\n"
             "drugs { id: 'clear' ingredients: 'clear' routes: ROUTE_PO }\n"
             "dose_rules { " HEAD(
                 "insul-max",
                 "HARD") "ingredient: 'insul' max_single: '500 [IU]' }\n"
                         "usual_doses { " HEAD(
                             "insul-usual",
                             "HARD") "ingredient: 'insul' low: '2 [IU]' high:\n"
                                     "  '20 [IU]' factor: '10' warn_factor: '3' low_factor: "
                                     "'10'\n"
                                     "  low_severity: SEVERITY_INFO }\n"
                                     "usual_doses { " HEAD(
                                         "insul-ketones",
                                         "HARD") "ingredient: 'insul' high: '100 [IU]'\n"
                                                 "  factor: '10' band { indications { system: "
                                                 "'s' code: 'ketones' } } }\n"
                                                 "slips { " HEAD(
                                                     "ten",
                                                     "HARD") "kind: KIND_TENFOLD factor: '10' "
                                                             "}\n"
                                                             "dose_rules { " HEAD(
                                                                 "potas-drip",
                                                                 "HARD") "ingredient: 'potas' "
                                                                         "max_single: '400 "
                                                                         "meq'\n"
                                                                         "  max_concentration: "
                                                                         "'0.4 meq/mL' "
                                                                         "max_infusion_rate: "
                                                                         "'10 meq/h'\n"
                                                                         "  infusion_required: "
                                                                         "true }\n"
                                                                         "dose_rules { " HEAD(
                                                                             "mycin-drip",
                                                                             "WARN") "ingredien"
                                                                                     "t: "
                                                                                     "'mycin' "
                                                                                     "max_"
                                                                                     "single: "
                                                                                     "'2 g'\n"
                                                                                     "  "
                                                                                     "max_"
                                                                                     "concentra"
                                                                                     "tion: '5 "
                                                                                     "mg/mL' "
                                                                                     "min_"
                                                                                     "infusion_"
                                                                                     "minutes: "
                                                                                     "60\n"
                                                                                     "  "
                                                                                     "max_"
                                                                                     "infusion_"
                                                                                     "rate: "
                                                                                     "'10 "
                                                                                     "mg/min' "
                                                                                     "}\n"
                                                                                     "dose_"
                                                                                     "rules "
                                                                                     "{ " HEAD("oxy-naive", "HARD") "ingredient: 'oxy' max_single: '10 mg'\n"
                                                                                                                    "  band { naive_class: 'opioid' naive_days: 3 } }\n"
                                                                                                                    "dose_rules { " HEAD("oxy-max", "HARD") "ingredient: 'oxy' max_single: '80 mg' }\n"
                                                                                                                                                            "dose_rules { " HEAD("morph-load", "HARD") "ingredient: 'morph' max_single: '20 mg'\n"
                                                                                                                                                                                                       "  band { phase: PHASE_LOADING } }\n"
                                                                                                                                                                                                       "dose_rules { " HEAD("morph-keep", "HARD") "ingredient: 'morph' max_single: '5 mg'\n"
                                                                                                                                                                                                                                                  "  band { phase: PHASE_MAINTENANCE } }\n"
                                                                                                                                                                                                                                                  "dose_rules { " HEAD("fent-rate", "HARD") "ingredient: 'fent' max_rate: '100 ug/h'\n"
                                                                                                                                                                                                                                                                                            "  min_interval_minutes: 2880 }\n"
                                                                                                                                                                                                                                                                                            "class_sums { " HEAD("mme",
                                                                                                                                                                                                                                                                                                                 "WARN") "name { en: 'morphine equivalents' zh: 'zh' } unit: 'mg'\n"
                                                                                                                                                                                                                                                                                                                         "  max_daily: '90 mg' members { ingredient: 'oxy' factor: '1.5' }\n"
                                                                                                                                                                                                                                                                                                                         "  members { ingredient: 'morph' routes: ROUTE_PO factor: '1' }\n"
                                                                                                                                                                                                                                                                                                                         "  members { ingredient: 'fent' routes: ROUTE_TD factor: '0.1' } }\n"
                                                                                                                                                                                                                                                                                                                         "dose_rules { " HEAD("glyco-ibw", "HARD") "ingredient: 'glyco' weight_basis:\n"
                                                                                                                                                                                                                                                                                                                                                                   "  WEIGHT_BASIS_IDEAL max_single_per_kg: '5 mg/kg' }\n"
                                                                                                                                                                                                                                                                                                                                                                   "dose_rules { " HEAD(
                                                                                                                                                                                                                                                                                                                                                                       "glyco-adj",
                                                                                                                                                                                                                                                                                                                                                                       "WARN") "ingredient: 'glyco' weight_basis:\n"
                                                                                                                                                                                                                                                                                                                                                                               "  WEIGHT_BASIS_ADJUSTED max_single_per_kg: '4 mg/kg' }\n"
                                                                                                                                                                                                                                                                                                                                                                               "dose_rules { " HEAD("glyco-lean", "INFO") "ingredient: 'glyco' weight_basis:\n"
                                                                                                                                                                                                                                                                                                                                                                                                                          "  WEIGHT_BASIS_LEAN max_single_per_kg: '4 mg/kg' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                          "dose_rules { " HEAD("rubi-one", "HARD") "ingredient: 'rubi' max_single: '1 g' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                   "dose_rules { " HEAD("epirub-one",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "HARD") "ingredient: 'epirub' max_single: '1 g' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                "class_sums { " HEAD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    "rubicins", "HARD") "name { en: 'rubicins' zh: 'zh' } unit: 'mg'\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "  max_cumulative: '500 mg' members { ingredient: 'rubi' factor: '1' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "  members { ingredient: 'epirub' factor: '0.67' } }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "dose_rules { " HEAD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "filt-low",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                            "HARD") "ingredient: 'filt' contraindicated: true\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    "  band { renal_to: '30' renal_by: RENAL_BY_EGFR } }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                    "dose_rules { " HEAD("filt-all", "WARN") "ingredient: 'filt' max_single: '1 g' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "dose_rules { " HEAD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "clear-low",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                 "HARD") "ingredient: 'clear' contraindicated: true\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "  band { renal_to: '30' renal_by: RENAL_BY_CRCL } }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "dose_rules { " HEAD("clear-all",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              "WARN") "ingredient: 'clear' max_single: '1 g' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "ingredients { id: 'gent' unit: 'mg' } drugs { id: 'gent' ingredients: 'gent'\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "  routes: ROUTE_IV }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "dose_rules { " HEAD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "gent-kg", "HARD") "ingredient: 'gent' max_single_per_kg: '10 mg/kg'}\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                             "slips { " HEAD("heavy", "HARD") "kind: KIND_WEIGHT_FOR_AGE factor: '8' low: '5' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              "slips { " HEAD("heavy-warn",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              "WARN") "kind: KIND_WEIGHT_FOR_AGE factor: '3' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "slips { " HEAD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "tall", "WARN") "kind: KIND_HEIGHT_FOR_AGE factor: '4' }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "slips { " HEAD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              "adult-kg",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              "HARD") "kind: KIND_WEIGHT_RANGE low: '20' high: '635'\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "  age_from_days: 7305 }\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                      "slips { " HEAD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "mass",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "WARN") "kind: KIND_BODY_MASS low: '10' high: '80'\n"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                  "  age_from_days: 7305 }\n";

/* 2027-01-15T08:00:00Z */
#define AT       1800000000000000
#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)
#define NOW      TEXT(AT)
#define PLACE    "engine: 2 at_us: " NOW " purpose: CHECK_PURPOSE_PLACE "
#define KNOWN    "state: CHART_STATE_CURRENT allergies { no_known: true } "
#define ADULT    KNOWN "birth_date: '1970-01-01' sex: SEX_MALE "
#define WOMAN    KNOWN "birth_date: '1970-01-01' sex: SEX_FEMALE "
#define FACTS(f) "facts { " f "} "
#define ONCE     "timing { kind: KIND_ONCE } "
#define EVERY(m) "timing { kind: KIND_INTERVAL interval_minutes: " m " } "
#define RX(drug, dose, route, more)                                                            \
    "prescription { drug_id: '" drug "' dose: '" dose "' route: ROUTE_" route " " more "} "
#define RUNS(id, drug, dose, route, more)                                                      \
    "running { order_id: '" id "' version: 1 " RX(drug, dose, route, more) "} "
#define GOT(id, drug, dose, route, us)                                                         \
    "given { administration_id: '" id "' drug_id: '" drug "' dose: '" dose                     \
    "' route: ROUTE_" route " given_at_us: " us " } "
#define MEASURED(what, q) what " { quantity: '" q "' at_us: " NOW " record_id: '" what "' } "

static inline int set_up(void **state)
{
    static struct bench b;

    bench_open(&b, SET);
    *state = &b;
    return 0;
}

static inline int set_down(void **state)
{
    bench_close(*state);
    return 0;
}

#define TOLD(snapshot, want) assert_string_equal(check_told(*state, snapshot), want)

static inline const char *sentence(struct bench *b, const char *id)
{
    return told_finding(b, id)->text->en;
}

#endif
