#include "services/diagnosis/rules.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void patients_are_read_for_treatment_only(void **state)
{
    (void)state;
    assert_true(rule_purpose("TREAT"));
    assert_true(rule_purpose("ETREAT"));
    assert_false(rule_purpose("HRESCH"));
    assert_false(rule_purpose(""));
}

static void a_probability_is_the_calibrated_logistic_of_the_logit(void **state)
{
    (void)state;
    assert_true(fabs(rule_probability(0, 1, 0) - 0.5) < 1e-12);
    assert_true(fabs(rule_probability(2, 0.5, 0) - 0.7310585786) < 1e-9);
    assert_true(fabs(rule_probability(2, 1, -2) - 0.5) < 1e-12);
    assert_true(rule_probability(-800, 1, 0) >= 0);
    assert_true(rule_probability(800, 1, 0) <= 1);
}

static void what_is_above_a_limit_or_no_number_abstains(void **state)
{
    (void)state;
    assert_int_equal(rule_guard(1, 2, 1, 2), ABSTAIN_NO);
    assert_int_equal(rule_guard(2, 2, 2, 2), ABSTAIN_NO);
    assert_int_equal(rule_guard(3, 2, 1, 2), ABSTAIN_FAR);
    assert_int_equal(rule_guard(3, 2, 3, 2), ABSTAIN_FAR);
    assert_int_equal(rule_guard(1, 2, 3, 2), ABSTAIN_NEAR);
    assert_int_equal(rule_guard((double)NAN, 2, 1, 2), ABSTAIN_FAR);
    assert_int_equal(rule_guard(1, 2, (double)NAN, 2), ABSTAIN_NEAR);
}

static void a_name_cannot_lead_out_of_a_folder(void **state)
{
    (void)state;
    assert_true(rule_name("heart_tree"));
    assert_true(rule_name("1"));
    assert_false(rule_name(""));
    assert_false(rule_name("../chest"));
    assert_false(rule_name("Chest"));
    assert_false(rule_name("a/b"));
}

static void a_role_is_one_of_the_list_or_not(void **state)
{
    const char *nurse[] = {"nurse"}, *two[] = {"auditor", "physician"};

    (void)state;
    assert_true(rule_any_role("physician,nurse", nurse, 1));
    assert_true(rule_any_role("physician", two, 2));
    assert_false(rule_any_role("physician", nurse, 1));
    assert_false(rule_any_role("", two, 2));
    assert_false(rule_any_role("nurses,nurs", nurse, 1));
    assert_false(rule_any_role(",", (const char *[]){""}, 1));
}

static void a_shadow_needs_enough_answers_and_few_that_differ(void **state)
{
    (void)state;
    assert_int_equal(rule_evidence(99, 99, 100, 5), EVIDENCE_FEW);
    assert_int_equal(rule_evidence(100, 95, 100, 5), EVIDENCE_ENOUGH);
    assert_int_equal(rule_evidence(100, 94, 100, 5), EVIDENCE_DISAGREES);
    assert_int_equal(rule_evidence(0, 0, 0, 0), EVIDENCE_ENOUGH);
    assert_int_equal(rule_outcome(ABSTAIN_NO, 0.5, 0.5), OUTCOME_PRESENT);
    assert_int_equal(rule_outcome(ABSTAIN_NO, 0.49, 0.5), OUTCOME_ABSENT);
    assert_int_equal(rule_outcome(ABSTAIN_FAR, 0.9, 0.5), OUTCOME_ABSTAINED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patients_are_read_for_treatment_only),
        cmocka_unit_test(a_probability_is_the_calibrated_logistic_of_the_logit),
        cmocka_unit_test(what_is_above_a_limit_or_no_number_abstains),
        cmocka_unit_test(a_name_cannot_lead_out_of_a_folder),
        cmocka_unit_test(a_shadow_needs_enough_answers_and_few_that_differ),
        cmocka_unit_test(a_role_is_one_of_the_list_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
