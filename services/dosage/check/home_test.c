/* Home medicines beside an order: named by code or word, compared like an oral active order. */
#include "services/dosage/check/check_world.h"

#define HOME(f)        "home_medicines { record_id: 'h1' record_version: 1 " f " } "
#define TAKES(f, what) PLACE FACTS(ADULT f) WHAT(what, "10 mg", ONCE)

static void an_interaction_with_a_home_medicine_is_a_finding(void **state)
{
    const Ward__Dosage__V1__Finding *f;

    TOLD(TAKES(HOME("text: 'para 500 mg at night'"), "morphine"), "para-opioid:W");
    f = told_finding(*state, "para-opioid");
    assert_int_equal(f->n_about, 1);
    assert_string_equal(f->about[0], "h1");
    TOLD(TAKES(HOME("text: 'something else'"), "morphine"), "ward.home-medicine-text:I");
    assert_string_equal(told_finding(*state, "ward.home-medicine-text")->about[0], "h1");
}

static void the_same_medicine_continued_is_silent(void **state)
{
    TOLD(TAKES(HOME("text: 'para'"), "para"), "");
    TOLD(TAKES(HOME("text: 'morphine'"), "morphine"), "");
}

static void another_of_its_class_at_home_is_a_duplicate(void **state)
{
    TOLD(TAKES(HOME("text: 'codeine'"), "morphine"), "two-opioids:H one-opioid:W");
}

/* ---- with what was decided at admission ---- */

#define NOW_3          "engine: 3 "
#define DECIDED(d, us) DECIDED_OF("1", d, us, "")
#define DECIDED_OF(version, d, us, order)                                                      \
    "home_reconciliations { statement_id: 'h1' statement_version: " version                    \
    " version: 1 decision: HOME_DECISION_" d " decided_at_us: " us " order_id: '" order "' } "
#define CODEINE         HOME("text: 'codeine'")
#define MINE            "order_id: 'mine' "
#define HOUR_AGO        "1799996400000000"
#define SEVEN_HOURS_AGO "1799974800000000"
#define A_DAY_AGO       "1799913600000000"

static void undecided_ones_are_told_and_lift_no_outcome(void **state)
{
    struct bench *b = *state;
    const Ward__Dosage__V1__Finding *f;

    TOLD(NOW_3 TAKES(HOME("text: 'morphine'"), "morphine"), "ward.home-undecided:I");
    f = told_finding(b, "ward.home-undecided");
    assert_int_equal(f->n_about, 1);
    assert_string_equal(f->about[0], "h1");
    assert_string_equal(
        f->text->en,
        "Home medicines that wait for a decision (continue, change, stop or hold): 1.");
    assert_int_equal(b->d.outcome, WARD__DOSAGE__V1__OUTCOME__OUTCOME_PASS);
    TOLD(NOW_3 TAKES(CODEINE, "morphine"),
         /* undecided home medicines count */
         "two-opioids:H one-opioid:W ward.home-undecided:I");
    TOLD(NOW_3 TAKES("", "morphine"), "");
    TOLD("engine: 2 " TAKES(HOME("text: 'morphine'"), "morphine"), "");
    TOLD(NOW_3 GIVE FACTS(ADULT HOME("text: 'morphine'")) WHAT("morphine", "10 mg", ONCE), "");
}

/* two-opioids applies to simultaneous orders. For a stopped home medicine, two-opioids applies
 * for a day, as after a given dose. */
static void a_stopped_or_held_one_counts_as_a_last_dose(void **state)
{
    TOLD(NOW_3 TAKES(CODEINE, "morphine") DECIDED("STOP", HOUR_AGO), "two-opioids:H");
    TOLD(NOW_3 TAKES(CODEINE, "morphine") DECIDED("STOP", A_DAY_AGO), "");
    TOLD(NOW_3 TAKES(CODEINE, "morphine") DECIDED("HOLD", A_DAY_AGO), "");
    TOLD(NOW_3 TAKES(HOME("text: 'something else'"), "morphine") DECIDED("STOP", HOUR_AGO), "");
    TOLD("engine: 2 " TAKES(CODEINE, "morphine") DECIDED("STOP", A_DAY_AGO),
         "two-opioids:H one-opioid:W"); /* this version of the check ignores decisions */
}

/* para-opioid applies for six hours after either drug. */
static void a_stopped_one_still_interacts_for_as_long_as_the_rule_says(void **state)
{
    TOLD(NOW_3 TAKES(HOME("text: 'para'"), "morphine") DECIDED("STOP", HOUR_AGO),
         "para-opioid:W");
    TOLD(NOW_3 TAKES(HOME("text: 'para'"), "morphine") DECIDED("STOP", SEVEN_HOURS_AGO), "");
}

static void a_decision_about_another_version_is_none(void **state)
{
    TOLD(NOW_3 TAKES(CODEINE, "morphine") DECIDED_OF("2", "STOP", HOUR_AGO, ""),
         "two-opioids:H one-opioid:W ward.home-undecided:I");
}

static void one_that_goes_on_as_an_order_is_no_duplicate_of_it(void **state)
{
    TOLD(NOW_3 MINE TAKES(CODEINE, "morphine") DECIDED_OF("1", "CONTINUE", HOUR_AGO, "mine"),
         "two-opioids:H"); /* interactions are still found */
    TOLD(NOW_3 TAKES(CODEINE, "morphine") DECIDED_OF("1", "CONTINUE", HOUR_AGO, "o1")
             RUNNING("o1", "other", "1 mg", ONCE),
         "two-opioids:H ward.other-unknown:I");
    TOLD(NOW_3 TAKES(CODEINE, "morphine") DECIDED_OF("1", "CONTINUE", HOUR_AGO, "over"),
         "two-opioids:H one-opioid:W"); /* the named order has ended */
    TOLD(NOW_3 TAKES(CODEINE, "morphine") DECIDED("CONTINUE", HOUR_AGO),
         "two-opioids:H one-opioid:W");
}

static void one_that_an_order_replaces_is_stopped(void **state)
{
    TOLD(NOW_3 MINE TAKES(CODEINE, "morphine") DECIDED_OF("1", "CHANGE", HOUR_AGO, "mine"), "");
    TOLD(NOW_3 MINE TAKES(HOME("text: 'para'"), "morphine")
             DECIDED_OF("1", "CHANGE", HOUR_AGO, "mine"),
         "para-opioid:W");
    TOLD(NOW_3 TAKES(CODEINE, "morphine") DECIDED("CHANGE", HOUR_AGO),
         "two-opioids:H one-opioid:W"); /* no order replaces the medicine yet */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interaction_with_a_home_medicine_is_a_finding),
        cmocka_unit_test(the_same_medicine_continued_is_silent),
        cmocka_unit_test(another_of_its_class_at_home_is_a_duplicate),
        cmocka_unit_test(undecided_ones_are_told_and_lift_no_outcome),
        cmocka_unit_test(a_stopped_or_held_one_counts_as_a_last_dose),
        cmocka_unit_test(a_stopped_one_still_interacts_for_as_long_as_the_rule_says),
        cmocka_unit_test(a_decision_about_another_version_is_none),
        cmocka_unit_test(one_that_goes_on_as_an_order_is_no_duplicate_of_it),
        cmocka_unit_test(one_that_an_order_replaces_is_stopped),
    };

    return cmocka_run_group_tests(tests, world_up, world_down);
}
