#include "services/dosage/rules.h"

#include "ward/dosage/v1/orders.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* The complete table of orders.proto: a row for each state before, a column for each state
 * after, in the order of the enum. "+": always; "0": only without a valid dose; "-": never. */
static const char *const STEPS[ORDER_STATES] = {
    /*               - D A H S C X W */
    [ORDER_NONE] = "--------",      [ORDER_DRAFT] = "--+---+0",
    [ORDER_ACTIVE] = "---+++00",    [ORDER_ON_HOLD] = "--+-+-00",
    [ORDER_STOPPED] = "-------0",   [ORDER_COMPLETED] = "-------0",
    [ORDER_CANCELLED] = "-------0", [ORDER_WRONG] = "--------",
};

static enum rule_step said(char c)
{
    return c == '+' ? STEP_YES : c == '0' ? STEP_WITHOUT_DOSES : STEP_NO;
}

static void every_transition_is_what_the_contract_says(void **state)
{
    int legal = 0;

    (void)state;
    for (int from = ORDER_NONE; from < ORDER_STATES; from++)
        for (int to = ORDER_NONE; to < ORDER_STATES; to++) {
            enum rule_step is = rule_order_step((enum order_state)from, (enum order_state)to);

            if (is != said(STEPS[from][to]))
                fail_msg("from %d to %d it is %d", from, to, (int)is);
            legal += is != STEP_NO;
        }
    assert_int_equal(legal, 15);
}

static void no_state_follows_itself(void **state)
{
    (void)state;
    for (int s = ORDER_NONE; s < ORDER_STATES; s++)
        assert_int_equal(rule_order_step((enum order_state)s, (enum order_state)s), STEP_NO);
}

static void a_state_that_is_none_leads_nowhere(void **state)
{
    (void)state;
    for (int s = -2; s < ORDER_STATES + 2; s++)
        for (int i = 0; i < 2; i++) {
            enum order_state odd = (enum order_state)(i == 0 ? -1 : ORDER_STATES);

            assert_int_equal(rule_order_step(odd, (enum order_state)s), STEP_NO);
            assert_int_equal(rule_order_step((enum order_state)s, odd), STEP_NO);
        }
}

static void the_states_are_numbered_as_the_contract_numbers_them(void **state)
{
    (void)state;
    assert_int_equal(ORDER_DRAFT, WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_DRAFT);
    assert_int_equal(ORDER_ACTIVE, WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_ACTIVE);
    assert_int_equal(ORDER_ON_HOLD, WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_ON_HOLD);
    assert_int_equal(ORDER_STOPPED, WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_STOPPED);
    assert_int_equal(ORDER_COMPLETED, WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_COMPLETED);
    assert_int_equal(ORDER_CANCELLED, WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_CANCELLED);
    assert_int_equal(ORDER_WRONG, WARD__DOSAGE__V1__ORDER_STATE__ORDER_STATE_ENTERED_IN_ERROR);
    assert_int_equal(ORDER_STATES, 8);
}

static void a_prescription_is_changed_while_its_order_may_run(void **state)
{
    (void)state;
    for (int s = ORDER_NONE; s < ORDER_STATES; s++)
        assert_int_equal(rule_order_changes((enum order_state)s),
                         s == ORDER_DRAFT || s == ORDER_ACTIVE || s == ORDER_ON_HOLD);
}

static void doses_are_dealt_with_for_three_purposes(void **state)
{
    static const char *const NOT[] = {"",        "treat",  "TREAT ", "PATADMIN",
                                      "HOPERAT", "PATRQT", "HRESCH", "ETREATMENT"};

    (void)state;
    assert_true(rule_purpose("TREAT"));
    assert_true(rule_purpose("ETREAT"));
    assert_true(rule_purpose("CAREMGT"));
    for (size_t i = 0; i < WARD_COUNT(NOT); i++)
        assert_false(rule_purpose(NOT[i]));
}

static void only_an_emergency_s_purpose_is_asked_each_time(void **state)
{
    (void)state;
    assert_true(rule_purpose_passes("ETREAT"));
    assert_false(rule_purpose_passes("TREAT"));
    assert_false(rule_purpose_passes("CAREMGT"));
    assert_false(rule_purpose_passes(""));
}

static void names_are_short_and_plain(void **state)
{
    char longest[66];

    (void)state;
    memset(longest, 'w', sizeof(longest));
    longest[65] = '\0';
    assert_false(rule_is_ward(longest));
    assert_false(rule_is_word(longest));
    longest[64] = '\0';
    assert_true(rule_is_ward(longest));
    assert_true(rule_is_word(longest));
    assert_true(rule_is_ward("W.4_b-2"));
    assert_true(rule_is_word("patient-request-2"));
    assert_false(rule_is_ward(""));
    assert_false(rule_is_word(""));
    assert_false(rule_is_ward("a b"));
    assert_false(rule_is_ward("\xe6\x80\xa5"));
    assert_false(rule_is_ward("ward%"));
    assert_false(rule_is_word("Patient"));
    assert_false(rule_is_word("a_b"));
    assert_false(rule_is_word("a.b"));
}

static void a_person_asks_about_their_own_ward_and_a_pharmacist_about_any(void **state)
{
    static const char *const NURSE[] = {"nurse"}, *const BOTH[] = {"nurse", "pharmacist"},
                             *const NEAR[] = {"pharmacist-1", "pharmac"};

    (void)state;
    assert_true(rule_ward(NURSE, 1, "ward-3", "ward-3"));
    assert_false(rule_ward(NURSE, 1, "ward-3", "ward-33"));
    assert_false(rule_ward(NURSE, 1, "ward-3", ""));
    assert_false(rule_ward(NURSE, 1, "", ""));
    assert_true(rule_ward(BOTH, 2, "ward-3", "icu"));
    assert_false(rule_ward(BOTH, 1, "ward-3", "icu"));
    assert_false(rule_ward(NEAR, 2, "ward-3", "icu"));
    assert_false(rule_ward(NURSE, 0, "", "icu"));
}

static void a_dose_was_given_lately_or_when_its_token_was_new(void **state)
{
    const int64_t now = INT64_C(1800000000000000), minute = 60000000;

    (void)state;
    assert_true(rule_given_at(now, now, now));
    assert_false(rule_given_at(now + 1, now, now));
    assert_true(rule_given_at(now - 15 * minute, now, now));
    assert_false(rule_given_at(now - 15 * minute - 1, now, now));
    assert_true(rule_given_at(now - 50 * minute, now, now - 40 * minute));
    assert_false(rule_given_at(now - 55 * minute - 1, now, now - 40 * minute));
    assert_true(rule_given_late(now - 240 * minute, now, now, 240));
    assert_false(rule_given_late(now - 240 * minute - 1, now, now, 240));
    assert_false(rule_given_late(now + 1, now, now, 240));
    assert_false(rule_given_late(now - minute, now, now, 0));
    assert_false(rule_given_at(now - 16 * minute, now, 0)); /* a token without an issue time */
    /* a time in the future */
    assert_false(rule_given_at(now + minute, now, now + 20 * minute));
    assert_false(rule_given_at(now - 16 * minute, now, now + 20 * minute));
}

static void a_person_is_one_by_any_spelling(void **state)
{
    char out[RULE_PERSON], big[300];

    (void)state;
    assert_true(rule_same_person("nurse-1", " Nurse-1 "));
    assert_false(rule_same_person("nurse-1", "nurse-11"));
    assert_false(rule_same_person("nurse-1", "nurse 1"));
    assert_true(rule_same_person("", "  "));
    rule_person("  Dr. A-Z ", out);
    assert_string_equal(out, "dr. a-z");
    memset(big, 'A', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    rule_person(big, out);
    assert_int_equal(strlen(out), RULE_PERSON - 1);
}

static void what_ends_or_changes_a_home_medicine_says_why(void **state)
{
    static const struct {
        enum home_decision d;
        bool reason, order;
    } table[] = {{HOME_NONE, false, false}, {HOME_CONTINUE, false, true},
                 {HOME_CHANGE, true, true}, {HOME_STOP, true, false},
                 {HOME_HOLD, true, false},  {HOME_DECISIONS, false, false}};

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        assert_int_equal(rule_home_needs_reason(table[i].d), table[i].reason);
        assert_int_equal(rule_home_has_order(table[i].d), table[i].order);
    }
}

static void a_token_is_fresh_for_five_minutes(void **state)
{
    const int64_t now_s = 1800000000, now = now_s * 1000000;

    (void)state;
    assert_true(rule_fresh_token(now_s, now));
    assert_true(rule_fresh_token(now_s - 299, now));
    assert_false(rule_fresh_token(now_s - 300, now));
    assert_true(rule_fresh_token(now_s + 30, now));
    assert_false(rule_fresh_token(now_s + 31, now));
    assert_false(rule_fresh_token(0, now));
    assert_false(rule_fresh_token(-5, now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_person_is_one_by_any_spelling),
        cmocka_unit_test(a_token_is_fresh_for_five_minutes),
        cmocka_unit_test(a_dose_was_given_lately_or_when_its_token_was_new),
        cmocka_unit_test(every_transition_is_what_the_contract_says),
        cmocka_unit_test(no_state_follows_itself),
        cmocka_unit_test(a_state_that_is_none_leads_nowhere),
        cmocka_unit_test(the_states_are_numbered_as_the_contract_numbers_them),
        cmocka_unit_test(a_prescription_is_changed_while_its_order_may_run),
        cmocka_unit_test(doses_are_dealt_with_for_three_purposes),
        cmocka_unit_test(only_an_emergency_s_purpose_is_asked_each_time),
        cmocka_unit_test(names_are_short_and_plain),
        cmocka_unit_test(what_ends_or_changes_a_home_medicine_says_why),
        cmocka_unit_test(a_person_asks_about_their_own_ward_and_a_pharmacist_about_any),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
