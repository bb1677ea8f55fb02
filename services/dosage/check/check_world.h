/* check_world.h - the rule set of the check's unit tests. Its numbers are made up. */
#ifndef DOSAGE_CHECK_WORLD_H
#define DOSAGE_CHECK_WORLD_H

#include "services/dosage/check/check_testing.h"

/* Protobuf text; a quantity may be written '5 mg'. */
static const char WORLD[] =
    "ingredients { id: 'para' name { en: 'para' zh: 'para-zh' } unit: 'mg' classes: "
    "'analgesic'\n"
    "  synonyms: 'acetaminophen' codes { system: 'rx' code: '161' } }\n"
    "ingredients { id: 'codeine' name { en: 'codeine' zh: '可待因' } unit: 'mg'\n"
    "  classes: 'opioid' }\n"
    "ingredients { id: 'morphine' name { en: 'morphine sulfate' zh: '吗啡' } unit: 'mg'\n"
    "  classes: 'opioid' }\n"
    "ingredients { id: 'kidney' unit: 'mg' renal: true }\n"
    "ingredients { id: 'filter' unit: 'mg' }\n"
    "ingredients { id: 'chemo' unit: 'mg' }\n"
    "ingredients { id: 'norad' unit: 'ug' }\n"
    "ingredients { id: 'bare' unit: 'mg' }\n"
    "drugs { id: 'para' name { en: 'para' zh: 'para-zh' } ingredients: 'para'\n"
    "  routes: ROUTE_PO routes: ROUTE_IV\n"
    "  products { id: 'para-500' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'para' amount: '500 mg' per: '1 {tablet}' } }\n"
    "  products { id: 'para-syrup' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'para' amount: '120 mg' per: '5 mL' } } }\n"
    "drugs { id: 'co' name { en: 'Co-Dol' zh: '' } ingredients: 'para' ingredients: 'codeine'\n"
    "  routes: ROUTE_PO\n"
    "  products { id: 'co-8' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'para' amount: '500 mg' per: '1 {tablet}' }\n"
    "    strengths { ingredient: 'codeine' amount: '8 mg' per: '1 {tablet}' } }\n"
    "  products { id: 'co-30' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'para' amount: '500 mg' per: '1 {tablet}' }\n"
    "    strengths { ingredient: 'codeine' amount: '30 mg' per: '1 {tablet}' } } }\n"
    "drugs { id: 'morphine' ingredients: 'morphine' routes: ROUTE_PO }\n"
    "drugs { id: 'kidney' ingredients: 'kidney' routes: ROUTE_PO }\n"
    "drugs { id: 'filter' ingredients: 'filter' routes: ROUTE_PO }\n"
    "drugs { id: 'chemo' ingredients: 'chemo' routes: ROUTE_PO }\n"
    "drugs { id: 'norad' ingredients: 'norad' routes: ROUTE_PO\n"
    "  products { id: 'norad-amp' routes: ROUTE_PO\n"
    "    strengths { ingredient: 'norad' amount: '4 mg' per: '50 mL' } } }\n"
    "drugs { id: 'bare' ingredients: 'bare' routes: ROUTE_PO }\n"
    "dose_rules { rule { id: 'para-adult' version: 3 severity: SEVERITY_HARD source: 's' }\n"
    "  ingredient: 'para' band { age_from_days: 6575 }\n"
    "  max_single: '1 g' max_daily: '4000 mg' min_interval_minutes: 240 }\n"
    "dose_rules { rule { id: 'para-child' severity: SEVERITY_HARD } ingredient: 'para'\n"
    "  band { age_from_days: 28 age_to_days: 6575 } max_single_per_kg: '15 mg/kg'\n"
    "  max_daily_per_kg: '75 mg/kg' max_duration_days: 3 min_single_per_kg: '7.5 mg/kg'\n"
    "  max_doses_per_day: 4 }\n"
    "dose_rules { rule { id: 'para-fever' severity: SEVERITY_WARN } ingredient: 'para'\n"
    "  band { age_from_days: 6575 indications { system: 's' code: 'fever' } }\n"
    "  max_single: '650 mg' }\n"
    "dose_rules { rule { id: 'codeine-adult' severity: SEVERITY_HARD } ingredient: 'codeine'\n"
    "  band { age_from_days: 6575 } max_single: '60 mg' }\n"
    "dose_rules { rule { id: 'codeine-child' severity: SEVERITY_HARD } ingredient: 'codeine'\n"
    "  band { age_to_days: 4383 } contraindicated: true }\n"
    "dose_rules { rule { id: 'morphine' severity: SEVERITY_HARD } ingredient: 'morphine'\n"
    "  max_single: '20 mg' }\n"
    "dose_rules { rule { id: 'kidney-low' severity: SEVERITY_HARD final: true }\n"
    "  ingredient: 'kidney' band { renal_to: '30' renal_by: RENAL_BY_CRCL }\n"
    "  contraindicated: true }\n"
    "dose_rules { rule { id: 'kidney-mid' severity: SEVERITY_WARN } ingredient: 'kidney'\n"
    "  band { renal_from: '30' renal_by: RENAL_BY_CRCL } max_single: '500 mg' }\n"
    "dose_rules { rule { id: 'filter-low' severity: SEVERITY_WARN } ingredient: 'filter'\n"
    "  band { renal_to: '45' renal_by: RENAL_BY_EGFR } max_single: '500 mg' }\n"
    "dose_rules { rule { id: 'filter-all' severity: SEVERITY_WARN } ingredient: 'filter'\n"
    "  max_single: '1000 mg' max_cumulative: '3000 mg' cumulative_days: 7 }\n"
    "dose_rules { rule { id: 'chemo-m2' severity: SEVERITY_HARD } ingredient: 'chemo'\n"
    "  max_single_per_m2: '75 mg/m2' max_cumulative_per_m2: '450 mg/m2' }\n"
    "dose_rules { rule { id: 'norad-rate' severity: SEVERITY_HARD } ingredient: 'norad'\n"
    "  max_rate_per_kg: '2 ug/kg/min' max_rate: '10 mg/h' max_daily: '150 mg' }\n"
    "interactions { rule { id: 'para-opioid' severity: SEVERITY_WARN } a { ingredient: 'para' "
    "}\n"
    "  b { class: 'opioid' } within_hours: 6 effect { en: 'Sleep.' zh: '嗜睡。' } }\n"
    "interactions { rule { id: 'two-opioids' severity: SEVERITY_HARD } a { class: 'opioid' }\n"
    "  b { class: 'opioid' } effect { en: 'No breath.' zh: '呼吸抑制。' } }\n"
    "duplicates { rule { id: 'one-opioid' severity: SEVERITY_WARN } class: 'opioid'\n"
    "  name { en: 'opioids' zh: '阿片类' } most: 1 }\n"
    "allergies { rule { id: 'opioid-allergy' severity: SEVERITY_HARD } names: 'opium poppy'\n"
    "  codes { system: 'sct' code: '77' } allergy { class: 'opioid' }\n"
    "  forbids { class: 'opioid' } effect { en: 'Cross-reacts.' zh: '交叉过敏。' } }\n"
    "slips { rule { id: 'ten' severity: SEVERITY_HARD } kind: KIND_TENFOLD factor: '10' }\n"
    "slips { rule { id: 'jump' severity: SEVERITY_HARD } kind: KIND_WEIGHT_JUMP factor: '1.8'\n"
    "  within_hours: 720 }\n"
    "slips { rule { id: 'calc' severity: SEVERITY_WARN } kind: KIND_NOT_AS_CALCULATED\n"
    "  factor: '0.1' }\n"
    "slips { rule { id: 'differs' severity: SEVERITY_WARN } kind: KIND_WEIGHT_DIFFERS\n"
    "  factor: '0.1' }\n"
    "fresh { rule { id: 'fresh-child' severity: SEVERITY_WARN } what: WHAT_WEIGHT\n"
    "  age_to_days: 6575 max_age_hours: 24 }\n"
    "fresh { rule { id: 'fresh-kidney' severity: SEVERITY_WARN } what: WHAT_CREATININE\n"
    "  max_age_hours: 48 }\n";

/* 2027-01-15T08:00:00Z */
#define NOW   "1800000000000000"
#define PLACE "at_us: " NOW " purpose: CHECK_PURPOSE_PLACE "
#define GIVE  "at_us: " NOW " purpose: CHECK_PURPOSE_GIVE order_id: 'mine' "
#define KNOWN "state: CHART_STATE_CURRENT "
#define ADULT KNOWN "birth_date: '1970-01-01' sex: SEX_MALE allergies { no_known: true } "
#define CHILD KNOWN "birth_date: '2020-01-15' sex: SEX_FEMALE allergies { no_known: true } "

#define FACTS(f)      "facts { " f "} "
#define WEIGHT(q)     "weights { quantity: '" q "' at_us: " NOW " record_id: 'w' } "
#define HEIGHT(q)     "heights { quantity: '" q "' at_us: " NOW " record_id: 'h' } "
#define CREATININE(q) "creatinines { quantity: '" q "' at_us: " NOW " record_id: 'c' } "
#define EGFR(q)       "egfrs { quantity: '" q "' at_us: " NOW " record_id: 'e' } "
#define ALLERGY(f)    "allergies { record_id: 'a' " f " } "

#define ONCE       "timing { kind: KIND_ONCE } "
#define DRIP       "timing { kind: KIND_CONTINUOUS } "
#define EVERY(min) "timing { kind: KIND_INTERVAL interval_minutes: " min " } "
#define FEVER      "indication { system: 's' code: 'fever' } "

#define WHAT(drug, dose, more)                                                                 \
    "prescription { drug_id: '" drug "' dose: '" dose "' route: ROUTE_PO " more "} "
#define RUNNING(id, drug, dose, more)                                                          \
    "running { order_id: '" id "' version: 1 " WHAT(drug, dose, more) "} "
#define GIVEN(id, drug, dose, us)                                                              \
    "given { administration_id: '" id "' drug_id: '" drug "' dose: '" dose                     \
    "' given_at_us: " us " } "

static inline int world_up(void **state)
{
    static struct bench b;

    bench_open(&b, WORLD);
    *state = &b;
    return 0;
}

static inline int world_down(void **state)
{
    bench_close(*state);
    return 0;
}

#define TOLD(snapshot, want) assert_string_equal(check_told(*state, snapshot), want)

#endif
