/* The patient's properties and other drugs: age, kidney function, body surface, allergies,
 * other orders. */
#include "services/dosage/check/check_world.h"

#define PARA(dose, more) PLACE FACTS(ADULT) WHAT("para", dose, more)
#define KID(dose, more)  PLACE FACTS(CHILD WEIGHT("20 kg")) WHAT("para", dose, more)

static void at_the_bedside_only_what_was_given_counts(void **state)
{
#define BED(dose, more) GIVE FACTS(ADULT) WHAT("para", dose, more)
    TOLD(BED("1 g", EVERY("300")), "");
    TOLD(BED("1 g", EVERY("300")) RUNNING("o1", "para", "900 mg", EVERY("360")),
         "ward.same-ingredient:W");
    TOLD(BED("1 g", EVERY("360")) GIVEN("a", "para", "3000 mg", "1799970000000000"), "");
    TOLD(BED("1 g", EVERY("360")) GIVEN("a", "para", "3001 mg", "1799970000000000"),
         "para-adult:H");
    TOLD(BED("1 g", EVERY("360")) GIVEN("a", "para", "1 mg", "1799985600000000"), "");
    TOLD(BED("1 g", EVERY("360")) GIVEN("a", "para", "1 mg", "1799985600000001"),
         "para-adult:H");
    TOLD(BED("1 g", EVERY("360")) GIVEN("a", "para", "1 mg", "1800000060000000"),
         "para-adult:H"); /* the dose's time is ahead of the clock */
    TOLD(BED("1 g", EVERY("360")) "giving: '1001 mg' ", "para-adult:H");
    TOLD(BED("2 g", EVERY("360")) "giving: '1000 mg' ", "");
    TOLD(BED("1 g", EVERY("360")) "giving: '0 mg' ", "DOSE_VALUE");
}

static void an_order_is_not_counted_against_itself(void **state)
{
#define CHANGED(dose, more)                                                                    \
    "at_us: " NOW " purpose: CHECK_PURPOSE_CHANGE order_id: 'mine' " FACTS(ADULT)              \
        WHAT("para", dose, more)
#define MINE(us)                                                                               \
    "given { administration_id: 'a' order_id: 'mine' drug_id: 'para' dose: '1 g' "             \
    "given_at_us: " us " } "
    TOLD(CHANGED("1 g", EVERY("360") "starts_at_us: 1799000000000000 ")
             MINE("1799996400000000"),
         "");
    TOLD(PARA("1 g", EVERY("360")) MINE("1799996400000000"), "para-adult:H");
}

/* An active order gives its next dose no sooner than its timing permits. An order on hold gives
 * no dose. */
static void other_orders_give_when_they_are_due(void **state)
{
#define OTHER(hold)                                                                            \
    "running { order_id: 'o1' " hold WHAT("para", "1500 mg",                                   \
                                          EVERY("720") "starts_at_us: 1799000000000000 ") "} "
    TOLD(PARA("1000 mg", ONCE)
             OTHER("") "given { administration_id: 'a' order_id: 'o1' drug_id: 'para' dose: "
                       "'1500 mg' given_at_us: 1799982000000000 } ",
         "ward.same-ingredient:W");
    TOLD(PARA("1000 mg", EVERY("720")) OTHER(""), "para-adult:H ward.same-ingredient:W");
    TOLD(PARA("1000 mg", EVERY("720")) OTHER("on_hold: true "), "ward.same-ingredient:W");
}

static void an_order_ends_in_time(void **state)
{
    TOLD(KID("300 mg", EVERY("360")), "para-child:H");
    assert_string_equal(told_finding(*state, "para-child")->text->en,
                        "para: it has no end, at most 3 days.");
    TOLD(KID("300 mg", EVERY("360") "ends_at_us: 1800259200000000 "), "");
    TOLD(KID("300 mg", EVERY("360") "ends_at_us: 1800259200000001 "), "para-child:H");
    TOLD(KID("300 mg", "timing { kind: KIND_INTERVAL interval_minutes: 360 count: 12 } "), "");
    TOLD(KID("300 mg", "timing { kind: KIND_INTERVAL interval_minutes: 360 count: 13 } "),
         "para-child:H");
    TOLD(KID("300 mg", "timing { kind: KIND_TIMES times: '08:00' weekdays: 1 count: 2 } "),
         "para-child:H");
    TOLD(KID("150 mg", EVERY("300") "ends_at_us: 1800100000000000 "), "para-child:H");
    assert_string_equal(told_finding(*state, "para-child")->compared[0]->what, "doses-per-day");
}

static void the_rule_of_an_indication_goes_first(void **state)
{
    TOLD(PARA("650 mg", FEVER EVERY("360")), "");
    TOLD(PARA("651 mg", FEVER EVERY("360")), "para-fever:W");
    TOLD(PARA("2000 mg", FEVER ONCE), "para-fever:W");
    /* The indication's rule replaces only its own limits: the daily limit belongs to the
     * general rule. */
    TOLD(PARA("650 mg", FEVER EVERY("210")), "para-adult:H");
    TOLD(PARA("651 mg", ONCE), "");
    assert_string_equal(told_step(*state, "para-fever")->why, "indication");
}

static void an_age_that_is_not_known_well_is_told(void **state)
{
#define BORN(d)                                                                                \
    PLACE FACTS(KNOWN "birth_date: '" d "' allergies { no_known: true } " WEIGHT("20 kg"))     \
        WHAT("para", "300 mg", ONCE)
    TOLD(BORN("1970"), "");
    TOLD(BORN("2009"), "ward.no-age:H");
    TOLD(BORN("2009-01-14"), ""); /* 6575 days old */
    TOLD(BORN("2009-01"), "ward.no-age:H");
    TOLD(BORN(""), "ward.no-age:H");
    TOLD(BORN("1970-02-30"), "ward.no-age:H");
    TOLD(BORN("2044-01-01"), "ward.no-age:H");
    TOLD(BORN("2026-12-18"), ""); /* 28 days old */
    TOLD(BORN("2026-12-19"), "ward.no-rule:W");
    TOLD(BORN("2027-01-16"), "ward.no-rule:W"); /* born today, east of Greenwich */
}

static void who_is_born_tomorrow_by_utc_is_new_born(void **state)
{
    const Ward__Dosage__V1__Finding *f;

    TOLD(PLACE FACTS(KNOWN "birth_date: '2027-01-16' allergies { no_known: true } ")
             WHAT("co", "1 {tablet}", "product_id: 'co-8' " ONCE),
         "codeine-child:H ward.no-rule:W");
    f = told_finding(*state, "codeine-child");
    assert_string_equal(f->text->en, "codeine is not for this patient: age 0 d, below 4383 d.");
    assert_string_equal(f->text->zh, "该患者禁用 可待因：年龄 0 d，低于 4383 d。");
    f = told_finding(*state, "ward.no-rule");
    assert_memory_equal(f->text->en, "para: no dose rule covers this patient", 38);
    assert_memory_equal(f->text->zh, "para-zh：没有", strlen("para-zh：没有"));
}

/* The clearance is (140 - 57) * 72 kg / (72 * creatinine), or 83 / creatinine. */
static void kidneys_are_reckoned_by_cockcroft_and_gault(void **state)
{
#define RENAL(f, dose) PLACE FACTS(ADULT f) WHAT("kidney", dose, ONCE)
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("2.0 mg/dL"), "500 mg"), "");
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("2.0 mg/dL"), "501 mg"), "kidney-mid:W");
    /* 29.96, rounded to 30.0 */
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("2.77 mg/dL"), "500 mg"), "");
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("2.78 mg/dL"), "500 mg"), "kidney-low:F"); /* 29.9 */
    assert_string_equal(told_finding(*state, "kidney-low")->compared[0]->actual->value, "29.9");
    assert_string_equal(told_finding(*state, "kidney-low")->text->en,
                        "kidney is not for this patient: creatinine clearance 29.9 mL/min, "
                        "below 30 mL/min.");
    /* 88.4 umol/L is 1 mg/dL. */
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("244.8 umol/L"), "500 mg"), "");
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("0.2458 mmol/L"), "500 mg"), "kidney-low:F");
    /* the factor for women is 0.85 */
    TOLD(PLACE FACTS(
             KNOWN
             "birth_date: '1970-01-01' sex: SEX_FEMALE allergies { no_known: true } " WEIGHT(
                 "72 kg") CREATININE("2.5 mg/dL")) WHAT("kidney", "5 mg", ONCE),
         "kidney-low:F");
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("2.5 mg/dL"), "5 mg"), "");
}

static void kidneys_are_reckoned_to_a_tenth(void **state)
{
#define WOMAN(q)                                                                               \
    PLACE FACTS(                                                                               \
        KNOWN "birth_date: '1970-01-01' sex: SEX_FEMALE allergies { no_known: true } " WEIGHT( \
            "72 kg") CREATININE(q)) WHAT("kidney", "5 mg", ONCE)
    TOLD(WOMAN("2.351 mg/dL"), "");            /* 70.55 / 2.351 = 30.01 */
    TOLD(WOMAN("2.36 mg/dL"), "kidney-low:F"); /* 29.89 */
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("244.9 umol/L"), "5 mg"), "");             /* 29.96 */
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("245.1 umol/L"), "5 mg"), "kidney-low:F"); /* 29.94 */
}

static void kidneys_that_are_not_known_are_told(void **state)
{
    TOLD(RENAL("", "5 mg"), "ward.no-renal:W");
    TOLD(RENAL(WEIGHT("72 kg"), "5 mg"), "ward.no-renal:W");
    TOLD(RENAL(CREATININE("1 mg/dL"), "5 mg"), "ward.no-renal:W");
    TOLD(RENAL(WEIGHT("72 kg") CREATININE("1 kg"), "5 mg"), "ward.unit:H ward.no-renal:W");
    TOLD(PLACE FACTS(KNOWN
                     "birth_date: '1970' sex: SEX_OTHER allergies { no_known: true } " WEIGHT(
                         "72 kg") CREATININE("1 mg/dL")) WHAT("kidney", "5 mg", ONCE),
         "ward.no-renal:W");
    TOLD(PLACE FACTS(KNOWN
                     "birth_date: '2020' sex: SEX_MALE allergies { no_known: true } " WEIGHT(
                         "20 kg") CREATININE("1 mg/dL")) WHAT("kidney", "5 mg", ONCE),
         "ward.no-renal:W"); /* the formula is only for adults */
    TOLD(RENAL(WEIGHT("72 kg") "creatinines { quantity: '1 mg/dL' at_us: 1 record_id: 'c' } ",
               "5 mg"),
         "fresh-kidney:W");
    TOLD(PLACE FACTS(ADULT) WHAT("filter", "5 mg", ONCE), "ward.no-renal:W");
    TOLD(PLACE FACTS(ADULT EGFR("45 mL/min/{1.73_m2}")) WHAT("filter", "501 mg", ONCE), "");
    TOLD(PLACE FACTS(ADULT EGFR("44.9 mL/min/{1.73_m2}")) WHAT("filter", "501 mg", ONCE),
         "filter-low:W");
}

/* A creatinine of today does not make an old filtration rate current. */
static void each_of_what_tells_of_kidneys_is_new_enough(void **state)
{
#define OLD " at_us: 1799820000000000 record_id: 'old' } "
#define BOTH(c, e)                                                                             \
    PLACE FACTS(ADULT "creatinines { quantity: '5 mg/dL' " c                                   \
                      "egfrs { quantity: '90 mL/min' " e) WHAT("filter", "5 mg", ONCE)
#define NEW " at_us: " NOW " record_id: 'new' } "
    TOLD(BOTH(NEW, NEW), "");
    TOLD(BOTH(NEW, OLD), "fresh-kidney:W");
    assert_string_equal(told_finding(*state, "fresh-kidney")->about[0], "old");
    TOLD(BOTH(OLD, NEW), ""); /* the old creatinine is not used */
}

/* sqrt(170 * 60 / 3600) = 1.683 */
static void surface_is_reckoned_by_mosteller(void **state)
{
#define CHEMO(f, dose) PLACE FACTS(ADULT f) WHAT("chemo", dose, ONCE)
#define BODY           WEIGHT("60 kg") HEIGHT("1.7 m")
    TOLD(CHEMO(BODY, "126 mg"), ""); /* at 1.68 m2 */
    TOLD(CHEMO(BODY, "126.1 mg"), "chemo-m2:H");
    assert_string_equal(told_finding(*state, "chemo-m2")->text->en,
                        "chemo: one dose is 126.1 mg, at most 75 mg/m2, 126 mg at 1.68 m2.");
    TOLD(CHEMO(BODY, "126 mg") "lifetime { ingredient: 'chemo' amount: '630 mg' } ", "");
    TOLD(CHEMO(BODY, "126 mg") "lifetime { ingredient: 'chemo' amount: '630.1 mg' } ",
         "chemo-m2:H");
    TOLD(CHEMO(BODY, "126 mg") "lifetime { ingredient: 'chemo' amount: '600 mg' } " GIVEN(
             "a", "chemo", "31 mg", "1780000000000000"),
         "chemo-m2:H");
    assert_string_equal(told_finding(*state, "chemo-m2")->text->en,
                        "chemo: 757 mg in a lifetime, at most 450 mg/m2, 756 mg at 1.68 m2.");
    /* 1.687 m2, rounded to 1.69 m2 */
    TOLD(CHEMO(WEIGHT("60.3 kg") HEIGHT("170 cm"), "126.75 mg"), "");
    TOLD(CHEMO(WEIGHT("60.3 kg") HEIGHT("170 cm"), "126.76 mg"), "chemo-m2:H");
    TOLD(CHEMO(WEIGHT("60 kg"), "1 mg"), "ward.no-height:H");
    TOLD(CHEMO(HEIGHT("170 cm"), "1 mg"), "ward.no-weight:H");
    TOLD(CHEMO("", "1 mg"), "ward.no-weight:H");
}

static void sums_over_days_count_what_is_planned(void **state)
{
#define FILTER(dose, more) PLACE FACTS(ADULT EGFR("90 mL/min")) WHAT("filter", dose, more)
    TOLD(FILTER("428 mg", EVERY("1440")), "");
    TOLD(FILTER("429 mg", EVERY("1440")), "filter-all:W");
    assert_string_equal(told_finding(*state, "filter-all")->text->en,
                        "filter: 3003 mg within 7 days, at most 3000 mg.");
    TOLD(FILTER("1000 mg", "timing { kind: KIND_TIMES times: '08:00' weekdays: 1 } "), "");
#define ON(days) "timing { kind: KIND_TIMES times: '08:00' " days "} "
    TOLD(FILTER("1000 mg", ON("weekdays: 1 weekdays: 2 weekdays: 3 ")), "");
    TOLD(FILTER("1000 mg", ON("weekdays: 1 weekdays: 2 weekdays: 3 weekdays: 4 ")),
         "filter-all:W");
    TOLD(FILTER("429 mg", "timing { kind: KIND_INTERVAL interval_minutes: 1440 count: 6 } "),
         "");
    TOLD(FILTER("1000 mg", ONCE) GIVEN("a", "filter", "2001 mg", "1799500000000000"),
         "filter-all:W");
    TOLD(FILTER("1000 mg", ONCE) GIVEN("a", "filter", "2001 mg", "1799300000000000"), "");
}

static void rates_are_held_against_rates(void **state)
{
#define NORAD(f, dose, more) PLACE FACTS(ADULT f) WHAT("norad", dose, more DRIP)
    TOLD(NORAD(WEIGHT("50 kg"), "100 ug/min", ""), "");
    TOLD(NORAD(WEIGHT("50 kg"), "2 ug/kg/min", ""), "");
    TOLD(NORAD(WEIGHT("50 kg"), "2.001 ug/kg/min", ""), "norad-rate:H");
    TOLD(NORAD(WEIGHT("50 kg"), "6 mg/h", ""), "");
    TOLD(NORAD(WEIGHT("50 kg"), "6.1 mg/h", ""), "norad-rate:H");
    assert_string_equal(told_finding(*state, "norad-rate")->text->en,
                        "norad: the rate is 2.033334 ug/kg/min, at most 2 ug/kg/min at 50 kg.");
    TOLD(NORAD(WEIGHT("50 kg"), "75 mL/h", "product_id: 'norad-amp' "), "");
    TOLD(NORAD(WEIGHT("50 kg"), "77 mL/h", "product_id: 'norad-amp' "), "norad-rate:H");
    TOLD(NORAD(WEIGHT("500 kg"), "10.1 mg/h", ""), "norad-rate:H");
    TOLD(NORAD(WEIGHT("500 kg"), "7 mg/h", ""), "norad-rate:H"); /* 168 mg a day */
    TOLD(NORAD(WEIGHT("500 kg"), "7 mg/h", "ends_at_us: 1800072000000000 "), ""); /* 20 h */
    TOLD(NORAD("", "1 mg/h", ""), "ward.no-weight:H");
    TOLD(NORAD("", "1 ug/kg/min", ""), "ward.no-weight:H");
    TOLD(NORAD("", "1 /h", ""), "DOSE_UNIT");
    TOLD(NORAD("", "1 mL/h", ""), "DOSE_UNIT");
    TOLD(PLACE FACTS(ADULT WEIGHT("50 kg")) WHAT("norad", "1 ug", ONCE), "");
    TOLD(PLACE FACTS(ADULT) WHAT("chemo", "1 mg/h", DRIP), "ward.no-weight:H");
    TOLD(PLACE FACTS(ADULT) WHAT("morphine", "1 mg/h", DRIP), "ward.no-rule:W");
}

/* 'norad' has a limit of 150 mg a day; 6 mg/h is 144 mg a day. */
static void an_infusion_counts_for_as_long_as_it_ran(void **state)
{
#define RAN(order, us)                                                                         \
    "given { administration_id: 'g' order_id: '" order "' drug_id: 'norad' dose: '6 mg/h' "    \
    "given_at_us: " us " } "
#define DRIPS(ends)                                                                            \
    RUNNING("o1", "norad", "6 mg/h", DRIP "starts_at_us: 1799917200000000 " ends)
#define BOLUS(purpose, dose) purpose FACTS(ADULT WEIGHT("500 kg")) WHAT("norad", dose, ONCE)
#define SOON                 "ends_at_us: 1800003600000000 "
#define SAME                 "ward.same-ingredient:W"
    /* The infusion ran for 23 hours, and one hour remains. */
    TOLD(BOLUS(PLACE, "6 mg") DRIPS(SOON) RAN("o1", "1799917200000000"), SAME);
    TOLD(BOLUS(PLACE, "6.1 mg") DRIPS(SOON) RAN("o1", "1799917200000000"),
         "norad-rate:H " SAME);
    TOLD(BOLUS(PLACE, "6.1 mg") DRIPS(SOON) RAN("o1", "1799920800000000"), SAME);
    TOLD(BOLUS(PLACE, "100 mg") DRIPS(SOON), SAME); /* the infusion is not charted yet */
    /* The infusion was charted more than a day ago, but is still running. */
    TOLD(BOLUS(GIVE, "6 mg") DRIPS("") RAN("o1", "1799900000000000"), SAME);
    TOLD(BOLUS(GIVE, "6.1 mg") DRIPS("") RAN("o1", "1799900000000000"), "norad-rate:H " SAME);
    TOLD(BOLUS(GIVE, "12 mg") DRIPS("") RAN("o1", "1799917200000000"), SAME);
    TOLD(BOLUS(GIVE, "12.1 mg") DRIPS("") RAN("o1", "1799917200000000"), "norad-rate:H " SAME);
    /* The order's own rate is charted again: no day counts twice. */
    TOLD(GIVE FACTS(ADULT WEIGHT("500 kg")) WHAT("norad", "6 mg/h", DRIP)
             RAN("mine", "1799917200000000"),
         "");
    /* No order gives the end of the rate. */
    TOLD(BOLUS(PLACE, "12 mg") RAN("", "1799917200000000"), "");
    TOLD(BOLUS(PLACE, "12.1 mg") RAN("", "1799917200000000"), "norad-rate:H");
}

static void slips_show_in_numbers(void **state)
{
    TOLD(PARA("9.9 g", ONCE), "para-adult:H");
    TOLD(PARA("10 g", ONCE), "para-adult:H ten:H");
    assert_string_equal(told_finding(*state, "ten")->text->en,
                        "The dose is 10000 mg; 10 times the largest limit is 10000 mg. Look "
                        "for a decimal point that moved.");
    TOLD(KID("3000 mg", ONCE), "para-child:H ten:H");
    TOLD(PLACE FACTS(ADULT WEIGHT("50 kg")) WHAT("norad", "100 mg/h", DRIP),
         "norad-rate:H ten:H");
    /* A drug that has only a daily limit is checked by that limit. */
    TOLD(PLACE FACTS(ADULT WEIGHT("50 kg")) WHAT("daily", "2499 mg", ONCE), "daily-only:W");
    TOLD(PLACE FACTS(ADULT WEIGHT("50 kg")) WHAT("daily", "2500 mg", ONCE),
         "ten:H daily-only:W");
#define TWO(a, b, us)                                                                          \
    PLACE FACTS(CHILD WEIGHT(a) "weights { quantity: '" b "' at_us: " us " record_id: 'x' } ") \
        WHAT("para", "300 mg", ONCE)
    TOLD(TWO("20 kg", "11.2 kg", "1799900000000000"), "");
    /* possibly 20 lb, read as kg */
    TOLD(TWO("20 kg", "11.1 kg", "1799900000000000"), "jump:H");
    TOLD(TWO("20 kg", "44 kg", "1799900000000000"), "jump:H");
    TOLD(TWO("20 kg", "36 kg", "1799900000000000"), "jump:H");
    TOLD(TWO("20 kg", "35.9 kg", "1799900000000000"), "");
    TOLD(TWO("20 kg", "44 [lb_av]", "1799900000000000"), "");
    TOLD(TWO("20 kg", "44 kg", "1790000000000000"), ""); /* the other weight is old */
    TOLD(TWO("20 kg", "44 s", "1799900000000000"), "ward.unit:H");
    TOLD(PLACE FACTS(ADULT WEIGHT("20 kg") WEIGHT("80 kg")) WHAT("para", "1 g", ONCE), "");
}

static void what_was_calculated_is_calculated_again(void **state)
{
#define CALC(dose, per, kg)                                                                    \
    KID(dose, ONCE "calculated_from { per: '" per "' weight: '" kg "' } ")
    TOLD(CALC("300 mg", "15 mg/kg", "20 kg"), "");
    TOLD(CALC("270 mg", "15 mg/kg", "20 kg"), "");
    TOLD(CALC("269 mg", "15 mg/kg", "20 kg"), "calc:W");
    TOLD(CALC("300 mg", "0.015 g/kg", "44.1 [lb_av]"), "");
    TOLD(CALC("300 mg", "15 mg/kg", "22 kg"), "");
    TOLD(CALC("300 mg", "15 mg/kg", "22.1 kg"), "differs:W");
    TOLD(CALC("300 mg", "15 mg/kg", "44 kg"), "calc:W differs:W");
    TOLD(CALC("300 mg", "15 mL/kg", "20 kg"), "ward.unit:H");
    TOLD(CALC("300 mg", "15 mg/kg", "20 [in_i]"), "ward.unit:H");
    TOLD(PARA("300 mg", ONCE "calculated_from { per: '15 mg/kg' weight: '20 kg' } "),
         "ward.no-weight:H");
    TOLD(CHEMO(BODY, "126 mg"), "");
    TOLD(PLACE FACTS(ADULT BODY) WHAT(
             "chemo", "100 mg", ONCE "calculated_from { per: '75 mg/m2' bsa: '1.68 m2' } "),
         "calc:W");
#define OF_M2(f, dose, m2)                                                                     \
    PLACE FACTS(ADULT f)                                                                       \
        WHAT("chemo", dose, ONCE "calculated_from { per: '50 mg/m2' bsa: '" m2 "' } ")
    TOLD(OF_M2(BODY, "92 mg", "1.84 m2"), ""); /* the chart's surface is 1.68 m2 */
    TOLD(OF_M2(BODY, "92.5 mg", "1.85 m2"), "differs:W");
    assert_string_equal(told_finding(*state, "differs")->text->en,
                        "The dose was calculated with 1.85 m2, the chart has 1.68 m2.");
    TOLD(OF_M2(BODY, "92.5 mg", "18500 cm2"), "differs:W");
    TOLD(OF_M2(WEIGHT("60 kg"), "50 mg", "1 m2"), "ward.no-height:H");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_the_bedside_only_what_was_given_counts),
        cmocka_unit_test(other_orders_give_when_they_are_due),
        cmocka_unit_test(an_order_is_not_counted_against_itself),
        cmocka_unit_test(an_order_ends_in_time),
        cmocka_unit_test(the_rule_of_an_indication_goes_first),
        cmocka_unit_test(an_age_that_is_not_known_well_is_told),
        cmocka_unit_test(who_is_born_tomorrow_by_utc_is_new_born),
        cmocka_unit_test(kidneys_are_reckoned_by_cockcroft_and_gault),
        cmocka_unit_test(kidneys_are_reckoned_to_a_tenth),
        cmocka_unit_test(kidneys_that_are_not_known_are_told),
        cmocka_unit_test(each_of_what_tells_of_kidneys_is_new_enough),
        cmocka_unit_test(surface_is_reckoned_by_mosteller),
        cmocka_unit_test(sums_over_days_count_what_is_planned),
        cmocka_unit_test(rates_are_held_against_rates),
        cmocka_unit_test(an_infusion_counts_for_as_long_as_it_ran),
        cmocka_unit_test(slips_show_in_numbers),
        cmocka_unit_test(what_was_calculated_is_calculated_again),
    };

    return cmocka_run_group_tests(tests, world_up, world_down);
}
