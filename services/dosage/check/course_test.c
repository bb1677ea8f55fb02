/* Duration of a treatment: days of one order, and of the preceding doses. */
#include "services/dosage/check/check_world.h"

#define SET                                                                                    \
    "ingredients { id: 'keto' unit: 'mg' }\n"                                                  \
    "drugs { id: 'keto' ingredients: 'keto' routes: ROUTE_PO }\n"                              \
    "dose_rules { rule { id: 'keto-days' severity: SEVERITY_HARD } ingredient: 'keto' "        \
    "max_single: '30 mg' max_duration_days: 5 }\n"
#define DAY(n) "timing { kind: KIND_INTERVAL interval_minutes: 720 count: " n " } "
/* NOW minus 12, 36, 60 and 84 hours */
#define HALF_A_DAY_AGO  "1799956800000000"
#define A_DAY_AND_HALF  "1799870400000000"
#define TWO_AND_A_HALF  "1799784000000000"
#define THREE_AND_HALF  "1799697600000000"
#define FIVE_AND_A_HALF "1799524800000000"

static int set_up(void **state)
{
    static struct bench b;

    bench_open(&b, SET);
    *state = &b;
    return 0;
}

#define ORDER(days, given)                                                                     \
    PLACE "engine: 2 " FACTS(ADULT) WHAT("keto", "30 mg", DAY(days)) given

#define BEGAN(days, at, given)                                                                 \
    PLACE "engine: 2 " FACTS(ADULT) WHAT("keto", "30 mg", DAY(days) "starts_at_us: " at " ")   \
        given

static void doses_given_before_are_of_the_course(void **state)
{
    TOLD(ORDER("10", ""), "");
    TOLD(ORDER("4", GIVEN("c", "keto", "30 mg", TWO_AND_A_HALF)
                        GIVEN("b", "keto", "30 mg", A_DAY_AND_HALF)
                            GIVEN("a", "keto", "30 mg", HALF_A_DAY_AGO)),
         "");
    TOLD(ORDER("6", GIVEN("c", "keto", "30 mg", TWO_AND_A_HALF)
                        GIVEN("b", "keto", "30 mg", A_DAY_AND_HALF)
                            GIVEN("a", "keto", "30 mg", HALF_A_DAY_AGO)),
         "keto-days:H");
}

static void a_pause_ends_a_course(void **state)
{
    TOLD(ORDER("10", GIVEN("c", "keto", "30 mg", TWO_AND_A_HALF)), "");
    TOLD(ORDER("8", GIVEN("d", "keto", "30 mg", FIVE_AND_A_HALF)
                        GIVEN("c", "keto", "30 mg", THREE_AND_HALF)
                            GIVEN("a", "keto", "30 mg", HALF_A_DAY_AGO)),
         "");
}

static void the_doses_of_a_changed_order_count_once(void **state)
{
    TOLD(BEGAN("10", A_DAY_AND_HALF,
               GIVEN("b", "keto", "30 mg", A_DAY_AND_HALF)
                   GIVEN("a", "keto", "30 mg", HALF_A_DAY_AGO)),
         "");
}

static void the_first_engine_counts_the_order_alone(void **state)
{
    TOLD(PLACE FACTS(ADULT) WHAT("keto", "30 mg", DAY("10"))
             GIVEN("a", "keto", "30 mg", HALF_A_DAY_AGO),
         "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(doses_given_before_are_of_the_course, set_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(a_pause_ends_a_course, set_up, world_down),
        cmocka_unit_test_setup_teardown(the_doses_of_a_changed_order_count_once, set_up,
                                        world_down),
        cmocka_unit_test_setup_teardown(the_first_engine_counts_the_order_alone, set_up,
                                        world_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
