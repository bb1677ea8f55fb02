#include "services/identity/live/live.h"
#include "services/identity/token/token.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static enum gate gate(enum liveness_policy policy, double passive, bool challenge,
                      bool attended)
{
    return liveness_gate(policy, &(struct liveness_shown){passive, challenge, attended});
}

static void each_policy_asks_for_its_own_and_nothing_less(void **state)
{
    const double live = LIVENESS_THRESHOLD, not = LIVENESS_THRESHOLD - 0.001;

    (void)state;
    assert_int_equal(gate(LIVENESS_NONE, -1, false, false), USABLE);

    assert_int_equal(gate(LIVENESS_PASSIVE, live, false, false), USABLE);
    assert_int_equal(gate(LIVENESS_PASSIVE, not, false, false), LIVENESS_FAILED);
    assert_int_equal(gate(LIVENESS_PASSIVE, -1, true, true), LIVENESS_REQUIRED);
    assert_int_equal(gate(LIVENESS_PASSIVE, NAN, true, true), LIVENESS_FAILED);

    assert_int_equal(gate(LIVENESS_ACTIVE, live, true, false), USABLE);
    assert_int_equal(gate(LIVENESS_ACTIVE, live, false, true), LIVENESS_REQUIRED);
    assert_int_equal(gate(LIVENESS_ACTIVE, not, true, true), LIVENESS_FAILED);
    assert_int_equal(gate(LIVENESS_ACTIVE, -1, true, true), LIVENESS_FAILED);

    assert_int_equal(gate(LIVENESS_ATTENDED, -1, false, true), USABLE);
    assert_int_equal(gate(LIVENESS_ATTENDED, 1, true, false), LIVENESS_REQUIRED);
}

static void a_policy_nobody_knows_is_not_satisfied(void **state)
{
    (void)state;
    assert_int_equal(gate((enum liveness_policy)0, 1, true, true), LIVENESS_REQUIRED);
    assert_int_equal(gate((enum liveness_policy)5, 1, true, true), LIVENESS_REQUIRED);
}

static void the_token_says_what_was_asked_for(void **state)
{
    (void)state;
    assert_string_equal(liveness_method(LIVENESS_NONE), "face");
    assert_string_equal(liveness_method(LIVENESS_PASSIVE), "face+passive");
    assert_string_equal(liveness_method(LIVENESS_ACTIVE), "face+active");
    assert_string_equal(liveness_method(LIVENESS_ATTENDED), "face+attended");
}

static void a_use_that_nobody_set_is_attended_and_not_searched(void **state)
{
    (void)state;
    assert_int_equal(policy_default.liveness, LIVENESS_ATTENDED);
    assert_true(policy_default.max_fmr == 1e-4);
    assert_true(policy_default.allow_face && policy_default.allow_wristband);
    assert_false(policy_default.allow_search || policy_default.witness);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_policy_asks_for_its_own_and_nothing_less),
        cmocka_unit_test(a_policy_nobody_knows_is_not_satisfied),
        cmocka_unit_test(the_token_says_what_was_asked_for),
        cmocka_unit_test(a_use_that_nobody_set_is_attended_and_not_searched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
