/* The weight for a dose, implausible weights, and kidney function from creatinine. */
#include "services/dosage/check/check_usual_world.h"

/* ---- which weight ---- */

static void a_rule_says_which_weight_its_dose_is_over(void **state)
{
    struct bench *b = *state;

    /* 180 cm, 120 kg: ideal 50 + 2.3 * 27.6 / 2.54 = 75.0, adjusted 93.0, lean 75.8. */
    TOLD(PLACE FACTS(ADULT MEASURED("weights", "120 kg") MEASURED("heights", "180 cm"))
             RX("glyco", "303 mg", "IV", ONCE),
         "");
    TOLD(PLACE FACTS(ADULT MEASURED("weights", "120 kg") MEASURED("heights", "180 cm"))
             RX("glyco", "376 mg", "IV", ONCE),
         "glyco-ibw:H glyco-adj:W glyco-lean:I");
    assert_string_equal(
        sentence(b, "glyco-ibw"),
        "glyco: one dose is 376 mg, at most 5 mg/kg, 375 mg at 75 kg ideal body "
        "weight.");
    assert_string_equal(sentence(b, "glyco-adj"),
                        "glyco: one dose is 376 mg, at most 4 mg/kg, 372 mg at 93 kg adjusted "
                        "body weight.");
    assert_string_equal(sentence(b, "glyco-lean"),
                        "glyco: one dose is 376 mg, at most 4 mg/kg, 303.2 mg at 75.8 kg lean "
                        "body weight.");
    /* The ideal weight is never above the actual weight. Without a height there is no ideal
     * weight. */
    TOLD(PLACE FACTS(ADULT MEASURED("weights", "60 kg") MEASURED("heights", "180 cm"))
             RX("glyco", "241 mg", "IV", ONCE),
         "glyco-adj:W glyco-lean:I");
    TOLD(PLACE FACTS(ADULT MEASURED("weights", "120 kg")) RX("glyco", "10 mg", "IV", ONCE),
         "ward.no-height:H");
}

/* ---- implausible weights ---- */

#define BORN(day, sex) KNOWN "birth_date: '" day "' sex: SEX_" sex " "
#define GENT(facts)    PLACE FACTS(facts) RX("gent", "10 mg", "IV", ONCE)

static void a_weight_that_no_child_of_that_age_has_is_a_hard_stop(void **state)
{
    struct bench *b = *state;

    TOLD(GENT(BORN("2027-01-10", "MALE") MEASURED("weights", "3.5 kg")), "");
    TOLD(GENT(BORN("2027-01-10", "MALE") MEASURED("weights", "35 kg")), "heavy:H");
    assert_string_equal(
        sentence(b, "heavy"),
        "The weight of 35 kg is not plausible: at most 7.727 kg for this age and "
        "sex. Check the unit, the decimal point and the patient, and measure "
        "again.");
    assert_string_equal(told_finding(b, "heavy")->about[0], "weights");
    assert_string_equal(told_step(b, "heavy-warn")->why, "told-by-another");
    TOLD(GENT(BORN("2022-01-15", "FEMALE") MEASURED("weights", "18 kg")), "");
    TOLD(GENT(BORN("2022-01-15", "FEMALE") MEASURED("weights", "180 kg")), "heavy:H");
    TOLD(GENT(BORN("2022-01-15", "FEMALE") MEASURED("weights", "31 kg")), "heavy-warn:W");
    TOLD(GENT(BORN("2022-01-15", "FEMALE") MEASURED("weights", "6 kg")), "heavy:H");
    /* A weight is not reported if no dose depends on the weight. */
    TOLD(PLACE FACTS(BORN("2022-01-15", "FEMALE") MEASURED("weights", "180 kg"))
             RX("mycin", "1 g", "IV", ONCE "volume: '200 mL' infuse_over_minutes: 100 "),
         "");
}

static void an_unknown_sex_or_birthday_leaves_room(void **state)
{
    TOLD(GENT(BORN("2022", "OTHER") MEASURED("weights", "20 kg")), "");
    TOLD(GENT(BORN("2022", "OTHER") MEASURED("weights", "180 kg")), "heavy:H");
    TOLD(GENT(KNOWN MEASURED("weights", "180 kg")), "ward.no-age:H");
}

static void adults_have_a_range_and_a_body_mass(void **state)
{
    struct bench *b = *state;

    TOLD(GENT(ADULT MEASURED("weights", "700 kg")), "adult-kg:H");
    TOLD(GENT(ADULT MEASURED("weights", "635 kg")), "");
    TOLD(GENT(ADULT MEASURED("weights", "12 kg")), "adult-kg:H");
    TOLD(PLACE FACTS(ADULT MEASURED("weights", "80 kg") MEASURED("heights", "80 cm"))
             RX("glyco", "1 mg", "IV", ONCE),
         "mass:W");
    assert_string_equal(told_finding(b, "mass")->compared[0]->actual->value, "125");
    TOLD(PLACE FACTS(BORN("2017-01-15", "MALE") MEASURED("weights", "30 kg")
                         MEASURED("heights", "18 cm") MEASURED("creatinines", "0.5 mg/dL"))
             RX("filt", "1 g", "PO", ONCE),
         "filt-low:H tall:W");
}

/* ---- kidneys ---- */

static const char *egfr_of(struct bench *b, const char *facts)
{
    const Ward__Dosage__V1__Snapshot *s = bench_snapshot(
        b,
        ward_printf(&b->run, "engine: 2 at_us: " NOW " facts { state: CHART_STATE_CURRENT %s }",
                    facts));
    struct run r = {.set = b->set, .snap = s, .mem = &b->run, .at_us = AT};
    char text[WARD_DECIMAL_SIZE];

    body_of(&r);
    if (!kidney_filtration(&r))
        return "none";
    ward_decimal_print(&r.body.egfr_least, text);
    return ward_printf(&b->run, "%s", text);
}

#define EGFR_IS(born, sex, scr, want)                                                          \
    assert_string_equal(egfr_of(*state,                                                        \
                                "birth_date: '" born "' sex: SEX_" sex                         \
                                " creatinines { quantity: '" scr "' at_us: " NOW " } "),       \
                        want)

static void filtration_is_by_ckd_epi_2021(void **state)
{
    EGFR_IS("1977-01-01", "MALE", "1.0 mg/dL", "91.7");
    EGFR_IS("1977-01-01", "FEMALE", "1.0 mg/dL", "68.6");
    EGFR_IS("1977-01-01", "MALE", "0.9 mg/dL", "104.0");
    EGFR_IS("1977-01-01", "FEMALE", "0.7 mg/dL", "105.3");
    EGFR_IS("1947-01-01", "MALE", "3.0 mg/dL", "20.4");
    EGFR_IS("1947-01-01", "MALE", "265.2 umol/L", "20.4");
    EGFR_IS("1977-01-01", "FEMALE", "0.5 mg/dL", "114.2");
    EGFR_IS("1977-01-01", "OTHER", "1.0 mg/dL", "68.6");
    EGFR_IS("2020-01-01", "MALE", "1.0 mg/dL", "none");
    assert_string_equal(
        egfr_of(*state, "birth_date: '2020-01-01' sex: SEX_MALE " MEASURED(
                            "creatinines", "0.5 mg/dL") MEASURED("heights", "120 cm")),
        "99.1");
}

static void a_rule_by_filtration_holds_where_only_creatinine_is_charted(void **state)
{
    struct bench *b = *state;

    TOLD(PLACE FACTS(ADULT MEASURED("creatinines", "4 mg/dL")) RX("filt", "1 g", "PO", ONCE),
         "filt-low:H");
    assert_string_equal(sentence(b, "filt-low"),
                        "filt is not for this patient: eGFR 16.6 mL/min, below 30 mL/min.");
    TOLD(PLACE FACTS(ADULT MEASURED("creatinines", "1 mg/dL")) RX("filt", "1 g", "PO", ONCE),
         "");
    TOLD(PLACE FACTS(ADULT) RX("filt", "1 g", "PO", ONCE), "ward.no-renal:W");
    /* The first version of the check required an eGFR, and a replay still requires an eGFR. */
    TOLD("at_us: " NOW
         " purpose: CHECK_PURPOSE_PLACE " FACTS(ADULT MEASURED("creatinines", "4 mg/dL"))
             RX("filt", "1 g", "PO", ONCE),
         "ward.no-renal:W");
}

static void a_filtration_stands_for_a_clearance_and_that_is_said(void **state)
{
    TOLD(PLACE FACTS(ADULT MEASURED("egfrs", "18 mL/min")) RX("clear", "1 g", "PO", ONCE),
         "clear-low:H ward.renal-estimated:W");
    TOLD(PLACE FACTS(ADULT MEASURED("egfrs", "80 mL/min")) RX("clear", "1 g", "PO", ONCE),
         "ward.renal-estimated:W");
    TOLD(PLACE FACTS(WOMAN MEASURED("creatinines", "4 mg/dL")) RX("clear", "1 g", "PO", ONCE),
         "clear-low:H ward.renal-estimated:W");
    TOLD("at_us: " NOW
         " purpose: CHECK_PURPOSE_PLACE " FACTS(ADULT MEASURED("egfrs", "18 mL/min"))
             RX("clear", "1 g", "PO", ONCE),
         "ward.no-renal:W");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_rule_says_which_weight_its_dose_is_over, set_up,
                                        set_down),
        cmocka_unit_test_setup_teardown(a_weight_that_no_child_of_that_age_has_is_a_hard_stop,
                                        set_up, set_down),
        cmocka_unit_test_setup_teardown(an_unknown_sex_or_birthday_leaves_room, set_up,
                                        set_down),
        cmocka_unit_test_setup_teardown(adults_have_a_range_and_a_body_mass, set_up, set_down),
        cmocka_unit_test_setup_teardown(filtration_is_by_ckd_epi_2021, set_up, set_down),
        cmocka_unit_test_setup_teardown(
            a_rule_by_filtration_holds_where_only_creatinine_is_charted, set_up, set_down),
        cmocka_unit_test_setup_teardown(a_filtration_stands_for_a_clearance_and_that_is_said,
                                        set_up, set_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
