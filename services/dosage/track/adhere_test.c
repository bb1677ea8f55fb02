#include "services/dosage/track/track.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OUTCOME(name) WARD__DOSAGE__V1__DOSE_OUTCOME__DOSE_OUTCOME_##name
#define STATE(name)   WARD__DOSAGE__V1__SLOT_STATE__SLOT_STATE_##name

static const Slot slot = {.window_from_us = 100, .on_time_until_us = 200, .window_to_us = 300};

static Adherence of(int outcome, int64_t at_us)
{
    Adherence a = WARD__DOSAGE__V1__ADHERENCE__INIT;
    Dose d = {.outcome = (Ward__Dosage__V1__DoseOutcome)outcome, .given_at_us = at_us};

    adherence_add(&a, &slot, &d);
    assert_int_equal(a.due, 1);
    return a;
}

static void on_time_is_half_open(void **state)
{
    (void)state;
    assert_int_equal(of(OUTCOME(GIVEN), 100).on_time, 1);
    assert_int_equal(of(OUTCOME(GIVEN), 199).on_time, 1);
    assert_int_equal(of(OUTCOME(GIVEN), 200).late, 1);
    assert_int_equal(of(OUTCOME(GIVEN), 299).late, 1);
    assert_int_equal(of(OUTCOME(GIVEN), 99).late, 1);
}

static void each_outcome_has_its_count(void **state)
{
    (void)state;
    assert_int_equal(of(OUTCOME(PARTIAL), 150).partial, 1);
    assert_int_equal(of(OUTCOME(PARTIAL), 150).on_time, 0);
    assert_int_equal(of(OUTCOME(HELD), 150).held, 1);
    assert_int_equal(of(OUTCOME(REFUSED), 150).refused, 1);
    assert_int_equal(of(OUTCOME(WASTED), 150).wasted, 1);
}

static void what_nobody_charted_is_missed_or_skipped(void **state)
{
    Adherence a = WARD__DOSAGE__V1__ADHERENCE__INIT;
    Slot s = slot;

    (void)state;
    s.state = STATE(MISSED);
    adherence_add(&a, &s, NULL);
    s.state = STATE(SKIPPED);
    adherence_add(&a, &s, NULL);
    assert_int_equal(a.due, 2);
    assert_int_equal(a.missed, 1);
    assert_int_equal(a.skipped, 1);
}

/* ---- supply ---- */

static int32_t whole(int64_t left, int left_exp, int64_t dose, int dose_exp)
{
    struct ward_decimal a = ward_decimal_of(left, left_exp),
                        b = ward_decimal_of(dose, dose_exp);

    return stock_doses(&a, &b);
}

static void whole_doses_are_rounded_down(void **state)
{
    (void)state;
    assert_int_equal(whole(20, 0, 2, 0), 10);
    assert_int_equal(whole(19, 0, 2, 0), 9);
    assert_int_equal(whole(1, 0, 3, 0), 0);
    assert_int_equal(whole(10, 0, 3, 0), 3);
    assert_int_equal(whole(3, -1, 1, -1), 3); /* 0.3 / 0.1: no double has these values */
    assert_int_equal(whole(0, 0, 2, 0), 0);
    assert_int_equal(whole(-5, 0, 2, 0), 0);
    assert_int_equal(whole(1, 30, 1, 0), INT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_time_is_half_open),
        cmocka_unit_test(each_outcome_has_its_count),
        cmocka_unit_test(what_nobody_charted_is_missed_or_skipped),
        cmocka_unit_test(whole_doses_are_rounded_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
