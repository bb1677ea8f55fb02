/* Other orders, earlier doses, allergies, the chart's state; and the effects of overrides. */
#include "services/dosage/check/check_world.h"

#define PARA(dose, more) PLACE FACTS(ADULT) WHAT("para", dose, more)
#define MORPHINE(more)   PLACE FACTS(ADULT) WHAT("morphine", "10 mg", ONCE) more

static void two_that_must_not_meet_are_told(void **state)
{
    const Ward__Dosage__V1__Finding *f;

    TOLD(PARA("1 g", ONCE) RUNNING("o2", "morphine", "10 mg", ONCE)
             RUNNING("o1", "morphine", "10 mg", ONCE),
         "para-opioid:W");
    f = told_finding(*state, "para-opioid");
    assert_string_equal(f->text->en, "para with morphine sulfate: Sleep.");
    assert_string_equal(f->text->zh, "para-zh 与 吗啡 合用：嗜睡。");
    assert_int_equal(f->n_about, 2);
    assert_string_equal(f->about[0], "o1");
    TOLD(MORPHINE(RUNNING("o1", "para", "10 mg", ONCE)), "para-opioid:W");
    TOLD(MORPHINE(GIVEN("g", "para", "10 mg", "1799978400000001")), "para-opioid:W");
    TOLD(MORPHINE(GIVEN("g", "para", "10 mg", "1799978400000000")), "");
    /* Two orders of one opioid are a duplicate ingredient, and do not count as two opioids. */
    TOLD(MORPHINE(RUNNING("o1", "morphine", "10 mg", ONCE)), "ward.same-ingredient:W");
    TOLD(MORPHINE(RUNNING("o1", "co", "1 {tablet}", "product_id: 'co-8' " ONCE)),
         "two-opioids:H one-opioid:W para-opioid:W");
    assert_string_equal(told_finding(*state, "one-opioid")->text->en,
                        "2 of opioids at once (codeine, morphine sulfate), at most 1.");
    TOLD(MORPHINE(RUNNING("o1", "co", "1 {tablet}",
                          "product_id: 'co-8' ends_at_us: 1799999000000000 " ONCE)),
         "para-opioid:W"); /* para-opioid applies even after six hours */
    TOLD(PLACE FACTS(ADULT) WHAT("co", "1 {tablet}", "product_id: 'co-8' " ONCE), "");
    TOLD(MORPHINE("running { order_id: 'o1' on_hold: true " WHAT("para", "1 g", ONCE) "} "),
         "para-opioid:W");
}

/* two-opioids applies to simultaneous orders. Without an active order, a given dose counts,
 * too. */
static void a_dose_without_an_order_meets_for_a_day(void **state)
{
#define DOSE_OF(order, us)                                                                     \
    "given { administration_id: 'g' order_id: '" order "' drug_id: 'co' product_id: 'co-8' "   \
    "dose: '1 {tablet}' given_at_us: " us " } "
    TOLD(MORPHINE(DOSE_OF("", "1799913600000001")), "two-opioids:H");
    assert_string_equal(told_finding(*state, "two-opioids")->about[0], "g");
    TOLD(MORPHINE(DOSE_OF("", "1799913600000000")), "");
    TOLD(MORPHINE(DOSE_OF("stopped", "1799913600000001")), "two-opioids:H");
    TOLD(MORPHINE(DOSE_OF("o1", "1799913600000001")
                      RUNNING("o1", "co", "1 {tablet}",
                              "product_id: 'co-8' ends_at_us: 1799960000000000 " ONCE)),
         "two-opioids:H"); /* the order has ended, but its dose counts */
    TOLD(MORPHINE(DOSE_OF("o1", "1799913600000001")
                      RUNNING("o1", "co", "1 {tablet}", "product_id: 'co-8' " ONCE)),
         "two-opioids:H one-opioid:W para-opioid:W");
    assert_int_equal(told_finding(*state, "two-opioids")->n_about, 1);
    assert_string_equal(told_finding(*state, "two-opioids")->about[0], "o1");
}

static void what_the_set_has_no_more_is_told(void **state)
{
    TOLD(PARA("1 g", ONCE) RUNNING("o1", "gone", "10 mg", ONCE), "ward.other-unknown:W");
    TOLD(PARA("1 g", ONCE) GIVEN("g", "gone", "1 mg", "1799999000000000"),
         "ward.other-unknown:W");
    TOLD(PARA("1 g", ONCE) GIVEN("g", "gone", "1 mg", "1799000000000000"), "");
    /* Since the second version of the check, an unknown drug is a warning only for high-alert
     * drugs. */
    TOLD("engine: 2 " PARA("1 g", ONCE) RUNNING("o1", "gone", "10 mg", ONCE),
         "ward.other-unknown:I");
}

static void an_allergy_is_known_by_code_and_by_name(void **state)
{
#define HAS(a, drug, dose)                                                                     \
    PLACE FACTS(KNOWN "birth_date: '1970' " ALLERGY(a)) WHAT(drug, dose, ONCE)
#define SAYS(text) HAS("text: '" text "'", "para", "1 g")
    TOLD(SAYS("paracetamol"), "ward.allergy-text:W");
    TOLD(SAYS("para"), "ward.allergy:H");
    TOLD(SAYS("Rash after ACETAMINOPHEN, 2019"), "ward.allergy:H");
    TOLD(SAYS("acetaminophen-like"), "ward.allergy:H");
    TOLD(SAYS("paras"), "ward.allergy:H");
    TOLD(SAYS("parasol"), "ward.allergy-text:W");
    TOLD(SAYS("analgesic"), "ward.allergy:H"); /* a class that contains the ingredient */
    TOLD(SAYS("Co-Dol"), "ward.allergy:H");    /* a drug that contains the ingredient */
    TOLD(SAYS("morphine sulfate"), "");
    TOLD(SAYS("morphine"), "");
    TOLD(SAYS("sulfate"), "ward.allergy-text:W");
    TOLD(SAYS(""), "ward.allergy-text:W");
    TOLD(HAS("codings { system: 'rx' code: '161' }", "para", "1 g"), "ward.allergy:H");
    TOLD(HAS("codings { system: 'ry' code: '161' }", "para", "1 g"), "ward.allergy-text:W");
    TOLD(HAS("codings { system: 'ry' code: '1' display: 'Para' }", "para", "1 g"),
         "ward.allergy:H");
    assert_string_equal(told_finding(*state, "ward.allergy")->about[0], "a");
}

static void a_drug_is_known_though_words_run_together(void **state)
{
    TOLD(SAYS("对para过敏"), "ward.allergy:H");
    TOLD(SAYS("acetaminophen过敏"), "ward.allergy:H");
    TOLD(SAYS("Acetaminophen500mg"), "ward.allergy:H");
    TOLD(SAYS("Co-Dols"), "ward.allergy:H");
    TOLD(HAS("text: '对opioids过敏'", "morphine", "10 mg"), "opioid-allergy:H");
    TOLD(HAS("text: 'opium poppys'", "morphine", "10 mg"), "opioid-allergy:H");
    TOLD(SAYS("对paracetamol过敏"), "ward.allergy-text:W");
}

static void what_is_not_understood_and_may_kill_stops_the_order(void **state)
{
    TOLD(HAS("text: 'dust' high_criticality: true", "para", "1 g"), "ward.allergy-text:H");
    TOLD(HAS("text: 'codeine' high_criticality: true", "para", "1 g"), "");
    TOLD(HAS("text: 'dust' no_medication: true high_criticality: true", "para", "1 g"),
         "ward.allergy-text:I");
    TOLD(HAS("text: 'codeine' no_medication: true", "morphine", "10 mg"), "opioid-allergy:H");
}

static void an_allergy_reaches_what_cross_reacts(void **state)
{
#define OPIOID(a) HAS(a, "morphine", "10 mg")
    TOLD(OPIOID("text: 'codeine'"), "opioid-allergy:H");
    TOLD(OPIOID("text: '对可待因过敏'"), "opioid-allergy:H");
    TOLD(OPIOID("text: '吗啡过敏'"), "opioid-allergy:H");
    TOLD(OPIOID("text: 'Co-Dol'"), "opioid-allergy:H");
    TOLD(OPIOID("text: 'Opium-Poppy'"), "opioid-allergy:H");
    TOLD(OPIOID("text: 'opium'"), "ward.allergy-text:W");
    TOLD(OPIOID("text: 'opioid'"), "opioid-allergy:H");
    TOLD(OPIOID("codings { system: 'sct' code: '77' }"), "opioid-allergy:H");
    TOLD(OPIOID("text: 'para'"), "");
    TOLD(HAS("text: 'codeine'", "para", "1 g"), "");
}

/* A warning of a cross-reaction does not state that the drug itself is the allergen. */
static void a_warning_does_not_hide_the_drug_itself(void **state)
{
    TOLD(PLACE FACTS(KNOWN "birth_date: '1970' " WEIGHT("60 kg") HEIGHT("170 cm")
                         ALLERGY("text: 'chemo'")) WHAT("chemo", "1 mg", ONCE),
         "ward.allergy:H chemo-hint:I");
}

static void no_allergies_is_not_the_same_as_nothing_recorded(void **state)
{
    TOLD(PLACE FACTS(KNOWN "birth_date: '1970' ") WHAT("para", "1 g", ONCE),
         "ward.allergy-unknown:W");
    TOLD(PLACE FACTS(KNOWN "birth_date: '1970' allergies { no_known: true } " ALLERGY(
             "text: 'para'")) WHAT("para", "1 g", ONCE),
         "ward.allergy:H");
    TOLD(PLACE FACTS(KNOWN "birth_date: '1970' allergies_cut: true ") WHAT("para", "1 g", ONCE),
         "ward.cut:W");
}

static void a_chart_that_is_old_or_away_is_told(void **state)
{
    TOLD(PLACE FACTS("state: CHART_STATE_STALE as_of_us: 1799996400000000 birth_date: '1970' "
                     "allergies { no_known: true } ") WHAT("para", "1 g", ONCE),
         "ward.chart-stale:W");
    assert_string_equal(told_finding(*state, "ward.chart-stale")->text->en,
                        "The chart cannot be read now: this is as it was 60 minutes ago.");
    TOLD(PLACE FACTS("state: CHART_STATE_UNAVAILABLE ") WHAT("para", "1 g", ONCE),
         "ward.chart-unavailable:H ward.no-age:H");
    TOLD(PLACE WHAT("para", "1 g", ONCE), "ward.chart-unavailable:H ward.no-age:H");
    TOLD("cut: true " PARA("1 g", ONCE), "ward.cut:W");
}

static void outcomes_are_those_of_the_worst(void **state)
{
    struct bench *b = *state;

    TOLD(PARA("1 g", ONCE), "");
    assert_int_equal(b->d.outcome, WARD__DOSAGE__V1__OUTCOME__OUTCOME_PASS);
    TOLD(PLACE FACTS(KNOWN "birth_date: '1970' " WEIGHT("60 kg") HEIGHT("170 cm")
                         ALLERGY("text: 'mustard'")) WHAT("chemo", "1 mg", ONCE),
         "chemo-hint:I");
    assert_int_equal(b->d.outcome, WARD__DOSAGE__V1__OUTCOME__OUTCOME_PASS);
    TOLD(SAYS("dust"), "ward.allergy-text:W");
    assert_int_equal(b->d.outcome, WARD__DOSAGE__V1__OUTCOME__OUTCOME_WARN);
    TOLD("cut: true " PARA("1 g", ONCE), "ward.cut:W");
    assert_int_equal(b->d.outcome, WARD__DOSAGE__V1__OUTCOME__OUTCOME_WARN);
    TOLD("cut: true " PARA("2 g", ONCE), "para-adult:H ward.cut:W");
    assert_int_equal(b->d.outcome, WARD__DOSAGE__V1__OUTCOME__OUTCOME_STOP);
    assert_true(check_needs_second(&b->d));
    TOLD(PLACE FACTS(ADULT) WHAT("other", "1 mg", ONCE), "ward.not-in-formulary:F");
    assert_false(check_needs_second(&b->d));
    assert_int_equal(strlen(b->d.sha256), 64);
}

static void every_finding_of_our_own_is_in_both_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < OWNS; i++) {
        const struct own_finding *own = &own_findings[i];

        assert_non_null(own->id);
        assert_memory_equal(own->id, "ward.", 5);
        assert_true(own->severity >= WARD__DOSAGE__V1__SEVERITY__SEVERITY_INFO);
        assert_true(*own->source != '\0' && *own->en != '\0' && *own->zh != '\0');
        assert_true(!own->final || own->severity == WARD__DOSAGE__V1__SEVERITY__SEVERITY_HARD);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(own->id, own_findings[k].id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_that_must_not_meet_are_told),
        cmocka_unit_test(a_dose_without_an_order_meets_for_a_day),
        cmocka_unit_test(what_the_set_has_no_more_is_told),
        cmocka_unit_test(an_allergy_is_known_by_code_and_by_name),
        cmocka_unit_test(a_drug_is_known_though_words_run_together),
        cmocka_unit_test(what_is_not_understood_and_may_kill_stops_the_order),
        cmocka_unit_test(an_allergy_reaches_what_cross_reacts),
        cmocka_unit_test(a_warning_does_not_hide_the_drug_itself),
        cmocka_unit_test(no_allergies_is_not_the_same_as_nothing_recorded),
        cmocka_unit_test(a_chart_that_is_old_or_away_is_told),
        cmocka_unit_test(outcomes_are_those_of_the_worst),
        cmocka_unit_test(every_finding_of_our_own_is_in_both_languages),
    };

    return cmocka_run_group_tests(tests, world_up, world_down);
}
