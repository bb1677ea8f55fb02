/* Usual doses, infusions, phases, sums of a class and patches. */
#include "services/dosage/check/check_usual_world.h"

/* ---- usual doses ---- */

static void ten_times_the_usual_dose_is_a_hard_stop(void **state)
{
    struct bench *b = *state;

    TOLD(PLACE FACTS(ADULT) RX("insul", "20 [IU]", "IV", ONCE), "");
    TOLD(PLACE FACTS(ADULT) RX("insul", "60 [IU]", "IV", ONCE), "");
    TOLD(PLACE FACTS(ADULT) RX("insul", "61 [IU]", "IV", ONCE), "insul-usual:W");
    assert_string_equal(sentence(b, "insul-usual"),
                        "insul: one dose is 61 units, 3 times the usual highest amount of "
                        "20 units.");
    TOLD(PLACE FACTS(ADULT) RX("insul", "199.9 [IU]", "IV", ONCE), "insul-usual:W");
    TOLD(PLACE FACTS(ADULT) RX("insul", "200 [IU]", "IV", ONCE), "insul-usual:H");
    assert_string_equal(sentence(b, "insul-usual"),
                        "insul: one dose is 200 units, 10 times the usual highest amount of "
                        "20 units. Check the decimal point and the unit.");
    /* The check for tenfold doses is silent if a usual dose decided, so that one error causes
     * one finding. */
    assert_string_equal(told_step(b, "ten")->why, "usual-dose");
}

static void a_tenth_of_the_usual_dose_is_told(void **state)
{
    struct bench *b = *state;

    TOLD(PLACE FACTS(ADULT) RX("insul", "0.21 [IU]", "IV", ONCE), "");
    TOLD(PLACE FACTS(ADULT) RX("insul", "0.2 [IU]", "IV", ONCE), "insul-usual:I");
    assert_string_equal(
        sentence(b, "insul-usual"),
        "insul: one dose is 0.2 units; usually at least 2 units. Check the decimal "
        "point and the unit.");
}

static void the_usual_dose_of_an_indication_goes_first(void **state)
{
    TOLD(PLACE FACTS(ADULT)
             RX("insul", "200 [IU]", "IV", ONCE "indication { system: 's' code: 'ketones' } "),
         "");
}

/* ---- infusions ---- */

static void a_concentrate_is_never_passed_undiluted(void **state)
{
    struct bench *b = *state;

    TOLD(PLACE FACTS(ADULT) RX("potas", "20 meq", "IV", ONCE "product_id: 'conc' "),
         "potas-drip:H");
    assert_string_equal(
        sentence(b, "potas-drip"),
        "potas: the concentration is 2 mEq/mL undiluted, at most 0.4 mEq/mL; the "
        "order does not say over how many minutes it is infused.");
    TOLD(PLACE FACTS(ADULT) RX("potas", "20 meq", "IV", ONCE), "potas-drip:H");
    assert_string_equal(sentence(b, "potas-drip"),
                        "potas: the order does not say the volume; the order does not say over "
                        "how many minutes it is infused.");
    TOLD(PLACE FACTS(ADULT)
             RX("potas", "20 meq", "IV", ONCE "volume: '100 mL' infuse_over_minutes: 120 "),
         "");
    TOLD(PLACE FACTS(ADULT)
             RX("potas", "20 meq", "IV", ONCE "volume: '0.05 L' infuse_over_minutes: 120 "),
         "");
    TOLD(PLACE FACTS(ADULT)
             RX("potas", "20.1 meq", "IV", ONCE "volume: '50 mL' infuse_over_minutes: 1440 "),
         "potas-drip:H");
    TOLD(PLACE FACTS(ADULT)
             RX("potas", "10 meq", "IV", ONCE "product_id: 'bag' infuse_over_minutes: 60 "),
         "");
    TOLD(PLACE FACTS(ADULT)
             RX("potas", "10 meq", "IV", ONCE "product_id: 'bag' infuse_over_minutes: 59 "),
         "potas-drip:H");
}

static void how_long_a_dose_runs_is_checked_or_asked_for(void **state)
{
    struct bench *b = *state;

    TOLD(PLACE FACTS(ADULT) RX("mycin", "1 g", "IV", ONCE), "ward.no-infusion:I");
    assert_string_equal(
        sentence(b, "ward.no-infusion"),
        "mycin: the order does not say the volume and over how many minutes it is "
        "infused, so a limit for the infusion was not checked.");
    assert_int_equal(told_step(b, "mycin-drip")->result,
                     WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_UNDECIDED);
    TOLD(PLACE FACTS(ADULT)
             RX("mycin", "1 g", "IV", ONCE "volume: '200 mL' infuse_over_minutes: 100 "),
         "");
    TOLD(PLACE FACTS(ADULT)
             RX("mycin", "1 g", "IV", ONCE "volume: '200 mL' infuse_over_minutes: 99 "),
         "mycin-drip:W");
    TOLD(PLACE FACTS(ADULT)
             RX("mycin", "500 mg", "IV", ONCE "volume: '100 mL' infuse_over_minutes: 59 "),
         "mycin-drip:W");
    TOLD(PLACE FACTS(ADULT)
             RX("mycin", "1 g", "IV", ONCE "volume: '199 mL' infuse_over_minutes: 200 "),
         "mycin-drip:W");
    TOLD(PLACE FACTS(ADULT)
             RX("mycin", "1 g", "IV", ONCE "volume: '2 {vial}' infuse_over_minutes: 200 "),
         "ward.unit:H");
}

static void a_drip_is_held_to_its_concentration(void **state)
{
    TOLD(PLACE FACTS(ADULT) RX("potas", "5 meq/h", "IVINF",
                               "timing { kind: KIND_CONTINUOUS } concentration: '0.4 meq/mL' "),
         "ward.no-rule:W");
    TOLD(PLACE FACTS(ADULT) RX("potas", "5 meq/h", "IVINF",
                               "timing { kind: KIND_CONTINUOUS } concentration: '401 meq/L' "),
         "potas-drip:H ward.no-rule:W");
    TOLD(PLACE FACTS(ADULT)
             RX("potas", "5 meq/h", "IVINF", "timing { kind: KIND_CONTINUOUS } "),
         "potas-drip:H ward.no-rule:W");
}

/* ---- phases, first use of a class ---- */

static void a_loading_dose_is_larger_only_where_the_order_says_it_is_one(void **state)
{
    TOLD(PLACE FACTS(ADULT) RX("morph", "20 mg", "IV", ONCE "phase: PHASE_LOADING "), "");
    TOLD(PLACE FACTS(ADULT) RX("morph", "20 mg", "IV", ONCE), "morph-keep:H");
    TOLD(PLACE FACTS(ADULT) RX("morph", "20 mg", "IV", ONCE "phase: PHASE_TAPER "),
         "morph-keep:H");
    TOLD(PLACE FACTS(ADULT) RX("morph", "21 mg", "IV", ONCE "phase: PHASE_LOADING "),
         "morph-load:H");
}

#define DOSES3                                                                                 \
    GOT("a", "morph", "1 mg", "PO", "1799990000000000")                                        \
    GOT("b", "morph", "1 mg", "PO", "1799900000000000")

static void first_doses_of_a_class_have_a_limit_of_their_own(void **state)
{
    TOLD(PLACE FACTS(ADULT) RX("oxy", "20 mg", "PO", ONCE), "oxy-naive:H");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "10 mg", "PO", ONCE), "");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "20 mg", "PO", ONCE) DOSES3, "oxy-naive:H");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "20 mg", "PO", ONCE)
             DOSES3 GOT("c", "morph", "1 mg", "PO", "1799800000000000"),
         "");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "20 mg", "PO", ONCE)
             GOT("p", "fent", "25 ug/h", "TD", "1799990000000000"),
         "oxy-naive:H");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "20 mg", "PO", ONCE)
             GOT("p", "fent", "25 ug/h", "TD", "1799800000000000"),
         "");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "20 mg", "PO", ONCE)
             GOT("p", "fent", "25 ug/h", "TD", "1799740000000000"),
         "oxy-naive:H");
}

/* ---- sums of a class, patches ---- */

static void opioids_are_summed_as_morphine(void **state)
{
    struct bench *b = *state;

    TOLD(PLACE FACTS(ADULT) RX("oxy", "10 mg", "PO", EVERY("240")), "");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "10 mg", "PO", EVERY("240"))
             RUNS("o", "morph", "1 mg", "PO", EVERY("1440")),
         "mme:W");
    assert_string_equal(sentence(b, "mme"),
                        "morphine equivalents: 91 mg within 24 hours, at most 90 mg.");
    assert_string_equal(told_finding(b, "mme")->about[0], "o");
    /* The other drug's route does not count for the sum. */
    TOLD(PLACE FACTS(ADULT) RX("oxy", "10 mg", "PO", EVERY("240"))
             RUNS("o", "morph", "5 mg", "IV", EVERY("240")),
         "");
    TOLD(PLACE FACTS(ADULT) RX("morph", "5 mg", "IV", EVERY("240")), "");
    assert_string_equal(told_step(b, "mme")->why, "route");
}

static void patches_are_ordered_by_their_rate(void **state)
{
    struct bench *b = *state;

    TOLD(PLACE FACTS(ADULT) RX("fent", "25 ug/h", "TD", EVERY("4320")), "");
    assert_string_equal(told_step(b, "mme")->compared[0]->actual->value, "60");
    TOLD(PLACE FACTS(ADULT) RX("fent", "125 ug/h", "TD", EVERY("4320")), "fent-rate:H mme:W");
    TOLD(PLACE FACTS(ADULT) RX("fent", "25 ug/h", "TD", EVERY("1440")), "fent-rate:H");
    TOLD(PLACE FACTS(ADULT) RX("fent", "25 ug/h", "PO", EVERY("4320")), "DOSE_UNIT");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "10 mg", "PO", EVERY("480"))
             RUNS("p", "fent", "25 ug/h", "TD", EVERY("4320")),
         "mme:W");
    /* A patch of a stopped order remains on the skin for three days. */
    TOLD(PLACE FACTS(ADULT) RX("oxy", "10 mg", "PO", EVERY("480"))
             GOT("p", "fent", "25 ug/h", "TD", "1799800000000000"),
         "mme:W");
    TOLD(PLACE FACTS(ADULT) RX("oxy", "10 mg", "PO", EVERY("480"))
             GOT("p", "fent", "25 ug/h", "TD", "1799600000000000"),
         "");
}

static void a_life_is_summed_over_a_class(void **state)
{
    TOLD(PLACE FACTS(ADULT) RX("rubi", "98 mg", "IV",
                               ONCE) "lifetime { ingredient: 'epirub' amount: '600 mg' } ",
         "");
    TOLD(PLACE FACTS(ADULT) RX("rubi", "99 mg", "IV",
                               ONCE) "lifetime { ingredient: 'epirub' amount: '600 mg' } ",
         "rubicins:H");
    TOLD(PLACE FACTS(ADULT) RX("epirub", "147 mg", "IV",
                               ONCE) "lifetime { ingredient: 'epirub' amount: '600 mg' } ",
         "rubicins:H");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(ten_times_the_usual_dose_is_a_hard_stop, set_up,
                                        set_down),
        cmocka_unit_test_setup_teardown(a_tenth_of_the_usual_dose_is_told, set_up, set_down),
        cmocka_unit_test_setup_teardown(the_usual_dose_of_an_indication_goes_first, set_up,
                                        set_down),
        cmocka_unit_test_setup_teardown(a_concentrate_is_never_passed_undiluted, set_up,
                                        set_down),
        cmocka_unit_test_setup_teardown(how_long_a_dose_runs_is_checked_or_asked_for, set_up,
                                        set_down),
        cmocka_unit_test_setup_teardown(a_drip_is_held_to_its_concentration, set_up, set_down),
        cmocka_unit_test_setup_teardown(
            a_loading_dose_is_larger_only_where_the_order_says_it_is_one, set_up, set_down),
        cmocka_unit_test_setup_teardown(first_doses_of_a_class_have_a_limit_of_their_own,
                                        set_up, set_down),
        cmocka_unit_test_setup_teardown(opioids_are_summed_as_morphine, set_up, set_down),
        cmocka_unit_test_setup_teardown(patches_are_ordered_by_their_rate, set_up, set_down),
        cmocka_unit_test_setup_teardown(a_life_is_summed_over_a_class, set_up, set_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
