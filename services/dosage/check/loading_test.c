/* The first maintenance dose after a loading dose: earlier than half its interval, but no
 * earlier than the rule set permits. */
#include "services/dosage/check/check_world.h"

#define LOADED                                                                                 \
    "ingredients { id: 'load' name { en: 'load' zh: '负' } unit: 'mg'\n"                      \
    "  loading { least: '160 mg' then_minutes: 240 source: 'made up' } }\n"                    \
    "ingredients { id: 'plain' name { en: 'plain' zh: '平' } unit: 'mg' }\n"                  \
    "drugs { id: 'load' ingredients: 'load' routes: ROUTE_PO }\n"                              \
    "drugs { id: 'plain' ingredients: 'plain' routes: ROUTE_PO }\n"                            \
    "dose_rules { rule { id: 'l' severity: SEVERITY_WARN } ingredient: 'load' max_single: "    \
    "'1000 mg' }\n"                                                                            \
    "dose_rules { rule { id: 'p' severity: SEVERITY_WARN } ingredient: 'plain' max_single: "   \
    "'1000 mg' }\n"

#define NOW_2 PLACE "engine: 2 "
#define DAILY EVERY("1440")
/* 5 h and 3 h before NOW */
#define FIVE_HOURS  "1799982000000000"
#define THREE_HOURS "1799989200000000"

static int with_loading(void **state)
{
    static struct bench b;

    bench_open(&b, LOADED);
    *state = &b;
    return 0;
}

static void a_smaller_dose_may_follow_a_loading_dose(void **state)
{
    TOLD(NOW_2 FACTS(ADULT) WHAT("load", "100 mg", DAILY)
             GIVEN("g", "load", "300 mg", FIVE_HOURS),
         "");
    TOLD(NOW_2 FACTS(ADULT) WHAT("load", "100 mg", DAILY)
             GIVEN("g", "load", "160 mg", FIVE_HOURS),
         "");
}

static void but_no_sooner_than_the_set_says(void **state)
{
    TOLD(NOW_2 FACTS(ADULT) WHAT("load", "100 mg", DAILY)
             GIVEN("g", "load", "300 mg", THREE_HOURS),
         "ward.too-soon:W");
}

static void neither_after_a_dose_that_is_no_loading_dose(void **state)
{
    TOLD(NOW_2 FACTS(ADULT) WHAT("load", "100 mg", DAILY)
             GIVEN("g", "load", "159 mg", FIVE_HOURS),
         "ward.too-soon:W");
    TOLD(NOW_2 FACTS(ADULT) WHAT("plain", "100 mg", DAILY)
             GIVEN("g", "plain", "300 mg", FIVE_HOURS),
         "ward.too-soon:W");
}

static void nor_the_loading_dose_again(void **state)
{
    TOLD(NOW_2 FACTS(ADULT) WHAT("load", "300 mg", DAILY)
             GIVEN("g", "load", "300 mg", FIVE_HOURS),
         "ward.too-soon:W");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_smaller_dose_may_follow_a_loading_dose, with_loading,
                                        world_down),
        cmocka_unit_test_setup_teardown(but_no_sooner_than_the_set_says, with_loading,
                                        world_down),
        cmocka_unit_test_setup_teardown(neither_after_a_dose_that_is_no_loading_dose,
                                        with_loading, world_down),
        cmocka_unit_test_setup_teardown(nor_the_loading_dose_again, with_loading, world_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
