/* Home medicines beside an order: named by code or word, met like an order that runs by mouth.
 */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_interaction_with_a_home_medicine_is_a_finding),
        cmocka_unit_test(the_same_medicine_continued_is_silent),
        cmocka_unit_test(another_of_its_class_at_home_is_a_duplicate),
    };

    return cmocka_run_group_tests(tests, world_up, world_down);
}
