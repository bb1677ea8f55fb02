/* Doses and orders against the limits of their ingredients, at each bound and above. */
#include "services/dosage/check/check_world.h"

#define PARA(dose, more) PLACE FACTS(ADULT) WHAT("para", dose, more)

static void a_single_dose_may_be_at_its_limit_and_not_over_it(void **state)
{
    TOLD(PARA("1000 mg", ONCE), "");
    TOLD(PARA("1 g", ONCE), "");
    TOLD(PARA("1000.0000001 mg", ONCE), "para-adult:H");
    TOLD(PARA("2 {tablet}", "product_id: 'para-500' " ONCE), "");
    TOLD(PARA("3 {tablet}", "product_id: 'para-500' " ONCE), "para-adult:H");
    TOLD(PARA("41 mL", "product_id: 'para-syrup' " ONCE), "");
    TOLD(PARA("42 mL", "product_id: 'para-syrup' " ONCE), "para-adult:H");
}

static void what_was_compared_is_told_in_both_languages(void **state)
{
    const Ward__Dosage__V1__Finding *f;

    TOLD(PLACE FACTS(CHILD WEIGHT("20 kg")) WHAT("para", "400 mg", ONCE), "para-child:H");
    f = told_finding(*state, "para-child");
    assert_string_equal(f->text->en,
                        "para: one dose is 400 mg, at most 15 mg/kg, 300 mg at 20 kg.");
    assert_string_equal(f->text->zh,
                        "para-zh：单次剂量 400 mg，最多 15 mg/kg，按 20 kg 为 300 mg。");
    assert_int_equal(f->n_compared, 1);
    assert_string_equal(f->compared[0]->what, "dose-per-kg");
    assert_string_equal(f->compared[0]->actual->value, "20");
    assert_string_equal(f->compared[0]->actual->unit, "mg/kg");
    assert_string_equal(f->compared[0]->limit->value, "15");
    assert_string_equal(f->compared[0]->relation, "<=");
    assert_int_equal(told_step(*state, "para-adult")->result,
                     WARD__DOSAGE__V1__TRACE_STEP__RESULT__RESULT_NOT_FOR_THIS);
    assert_string_equal(told_step(*state, "para-adult")->why, "age");
    assert_int_equal(told_step(*state, "para-adult")->rule_version, 3);
}

static void a_dose_that_cannot_be_is_refused(void **state)
{
    static const char *const values[] = {
        "0",  "0.000", "-1",    "+1",  "1e3", "",  "1,5",
        "1.", ".5",    "1.2.3", "007", "NaN", "١", "123456789012345678901"};
    static const char *const units[] = {"",     "tablet",   "mmol",      "mg{salt}",
                                        "mL",   "{tablet}", "{capsule}", "mg/kg",
                                        "mg/h", "Cel",      "[pH]",      "1"};
    struct bench *b = *state;

    for (size_t i = 0; i < WARD_COUNT(values); i++)
        TOLD(ward_printf(
                 &b->run,
                 PLACE FACTS(ADULT) "prescription { drug_id: 'para' route: ROUTE_PO " ONCE
                                    "dose { value: '%s' unit: 'mg' } }",
                 values[i]),
             "DOSE_VALUE");
    for (size_t i = 0; i < WARD_COUNT(units); i++)
        TOLD(ward_printf(
                 &b->run,
                 PLACE FACTS(ADULT) "prescription { drug_id: 'para' route: ROUTE_PO " ONCE
                                    "dose { value: '1' unit: '%s' } }",
                 units[i]),
             "DOSE_UNIT");
    TOLD(PARA("1 {capsule}", "product_id: 'para-500' " ONCE), "DOSE_UNIT");
    TOLD(PARA("1 mg", DRIP), "DOSE_UNIT");
    TOLD(PARA("1 mg", ""), "TIMING_INVALID");
    TOLD(PLACE FACTS(ADULT) "prescription { drug_id: 'para' " ONCE "}", "DOSE_VALUE");
    TOLD(PLACE FACTS(ADULT), "TIMING_INVALID");
}

static void what_the_formulary_has_not_is_final(void **state)
{
    TOLD(PLACE FACTS(ADULT) WHAT("other", "1 mg", ONCE), "ward.not-in-formulary:F");
    TOLD(PARA("1 mg", "product_id: 'co-8' " ONCE), "ward.product:F");
    TOLD(PLACE FACTS(ADULT) "prescription { drug_id: 'para' dose: '1 mg' route: ROUTE_IM " ONCE
                            "} ",
         "ward.route:H");
    TOLD(
        PLACE FACTS(ADULT) "prescription { drug_id: 'para' product_id: 'para-500' dose: '1 mg' "
                           "route: ROUTE_IV " ONCE "} ",
        "ward.route:H");
    TOLD(PLACE FACTS(ADULT) WHAT("bare", "1 mg", ONCE), "ward.no-rule:W");
}

static void a_rule_of_no_amount_does_not_cover_the_dose(void **state)
{
#define BARE(dose, more) PLACE FACTS(ADULT) WHAT("bare", dose, more)
    TOLD(BARE("9 g", EVERY("480") "ends_at_us: 1800086400000000 "), "ward.no-rule:W");
    TOLD(BARE("9 g", EVERY("480")), "bare-times:H ward.no-rule:W");
    TOLD(BARE("0.9 mg", EVERY("480") "ends_at_us: 1800086400000000 "),
         "bare-times:H ward.no-rule:W");
    TOLD(BARE("9 g", EVERY("30") "ends_at_us: 1800086400000000 "),
         "bare-times:H ward.no-rule:W");
}

static void a_combination_is_checked_by_each_of_its_ingredients(void **state)
{
#define CO(dose, more) PLACE FACTS(ADULT) WHAT("co", dose, more)
    TOLD(CO("2 {tablet}", "product_id: 'co-30' " ONCE), "");
    TOLD(CO("3 {tablet}", "product_id: 'co-30' " ONCE), "codeine-adult:H para-adult:H");
    TOLD(CO("1000 mg", "product_id: 'co-8' " ONCE), "");
    TOLD(CO("1000 mg", ONCE), "DOSE_UNIT"); /* only the product gives the amount of codeine */
    TOLD(PLACE FACTS(CHILD WEIGHT("50 kg"))
             WHAT("co", "1 {tablet}", "product_id: 'co-8' " ONCE),
         "codeine-child:H");
}

static void a_limit_over_kg_needs_a_weight(void **state)
{
#define KID(f, dose, more) PLACE FACTS(CHILD f) WHAT("para", dose, more)
    TOLD(KID(WEIGHT("20 kg"), "300 mg", ONCE), "");
    TOLD(KID(WEIGHT("20 kg"), "300.01 mg", ONCE), "para-child:H");
    TOLD(KID(WEIGHT("20 kg"), "149.9 mg", ONCE), "para-child:H");
    TOLD(KID(WEIGHT("20 kg"), "150 mg", ONCE), "");
    TOLD(KID(WEIGHT("20000 g"), "300.01 mg", ONCE), "para-child:H");
    TOLD(KID(WEIGHT("44.1 [lb_av]"), "300.05 mg", ONCE), ""); /* 20.003421717 kg */
    TOLD(KID(WEIGHT("44.1 [lb_av]"), "300.06 mg", ONCE), "para-child:H");
    TOLD(KID("", "300 mg", ONCE), "ward.no-weight:H");
    assert_string_equal(told_step(*state, "para-child")->why, "no-weight");
    TOLD(KID(WEIGHT("20 mm[Hg]"), "300 mg", ONCE), "ward.no-weight:H ward.unit:H");
    TOLD(KID(WEIGHT("0 kg"), "300 mg", ONCE), "ward.no-weight:H ward.unit:H");
    TOLD(PARA("300 mg", ONCE), ""); /* the limit for children does not apply to an adult */
}

static void an_old_weight_is_a_finding(void **state)
{
    const Ward__Dosage__V1__Finding *f;

#define AGED(us) "weights { quantity: '20 kg' at_us: " us " record_id: 'w' } "
    TOLD(KID(AGED("1799913600000000"), "300 mg", ONCE), "");
    TOLD(KID(AGED("1799913599999999"), "300 mg", ONCE), "fresh-child:W");
    f = told_finding(*state, "fresh-child");
    assert_string_equal(f->compared[0]->actual->value, "24.1");
    assert_string_equal(f->compared[0]->limit->value, "24");
    assert_string_equal(f->about[0], "w");
    TOLD(KID(AGED("1799913599999999"), "301 mg", ONCE), "para-child:H fresh-child:W");
    TOLD(PLACE FACTS(ADULT AGED("1")) WHAT("para", "300 mg", ONCE), "");
}

static void days_are_summed_over_what_is_given_and_what_will_be(void **state)
{
    TOLD(PARA("1 g", EVERY("360")), "");
    TOLD(PARA("1 g", EVERY("300")), "para-adult:H");
    TOLD(PARA("1 g", EVERY("360")) GIVEN("a", "para", "1 mg", "1799985600000000"),
         "para-adult:H"); /* four more doses follow within a day */
    TOLD(PARA("1 mg", ONCE) GIVEN("a", "para", "1 mg", "1799985600000001"), "para-adult:H");
    assert_string_equal(told_finding(*state, "para-adult")->compared[0]->what,
                        "since-last-minutes");
    TOLD(PARA("1 g", ONCE) GIVEN("a", "para", "1000 mg", "1799985600000000")
             GIVEN("b", "para", "1000 mg", "1799964000000000")
                 GIVEN("c", "para", "1000 mg", "1799942400000000"),
         "");
    TOLD(PARA("1 g", ONCE) GIVEN("a", "para", "1000 mg", "1799985600000000")
             GIVEN("b", "para", "1000 mg", "1799964000000000")
                 GIVEN("c", "para", "1000.5 mg", "1799942400000000"),
         "para-adult:H");
    TOLD(PARA("1 g", ONCE) GIVEN("a", "para", "1000 mg", "1799985600000000")
             GIVEN("b", "para", "1000 mg", "1799964000000000")
                 GIVEN("c", "para", "2000 mg", "1799913600000000"), /* a dose of another day */
         "");
    TOLD(PARA("1 g", ONCE) GIVEN("a", "co", "3001 mg", "1799942400000000"), "para-adult:H");
}

static void other_orders_of_the_ingredient_count(void **state)
{
    const Ward__Dosage__V1__Finding *f;

    TOLD(PARA("500 mg", EVERY("360")) RUNNING("o1", "para", "500 mg", EVERY("360")),
         "ward.same-ingredient:W");
    TOLD(PARA("500 mg", EVERY("360")) RUNNING("o1", "co", "500 mg", EVERY("360")),
         "para-opioid:W ward.same-ingredient:W"); /* the first ingredient needs no product */
    TOLD(PARA("501 mg", EVERY("360"))
             RUNNING("o1", "co", "1 {tablet}", "product_id: 'co-8' " EVERY("360")),
         "para-adult:H para-opioid:W ward.same-ingredient:W");
    f = told_finding(*state, "para-adult");
    assert_string_equal(f->about[0], "o1");
    assert_string_equal(f->compared[0]->what, "daily");
    assert_string_equal(f->compared[0]->actual->value, "4004");
    TOLD(PARA("501 mg", EVERY("360"))
             RUNNING("o1", "para", "500 mg", EVERY("360") "ends_at_us: 1799999999999999 "),
         ""); /* the order has ended */
    TOLD(PARA("500 mg", EVERY("360"))
             RUNNING("o1", "para", "500 mg", EVERY("360") "starts_at_us: 1801000000000000 "),
         "ward.same-ingredient:W");
    TOLD(PARA("501 mg", EVERY("360"))
             RUNNING("o1", "para", "500 mg", EVERY("360") "starts_at_us: 1801000000000000 "),
         "para-adult:H ward.same-ingredient:W");
    TOLD(PARA("501 mg", EVERY("360")) RUNNING("o1", "para", "1 [lb_av]/m", EVERY("360")),
         "ward.unit:H ward.same-ingredient:W");
}

/* Doses every six hours, charted slightly early and late. */
static void doses_on_time_are_not_one_too_many(void **state)
{
#define OWN(id, us)                                                                            \
    "given { administration_id: '" id "' order_id: 'o1' drug_id: 'para' dose: '990 mg' "       \
    "given_at_us: " us " } "
#define FOUR                                                                                   \
    OWN("a", "1799984000000000")                                                               \
    OWN("b", "1799963000000000") OWN("c", "1799941000000000") OWN("d", "1799920000000000")
    TOLD(PARA("10 mg", ONCE) RUNNING("o1", "para", "990 mg",
                                     EVERY("360") "starts_at_us: 1799000000000000 ") FOUR,
         "ward.same-ingredient:W");
    TOLD("at_us: " NOW " purpose: CHECK_PURPOSE_GIVE order_id: 'o1' " FACTS(ADULT)
             WHAT("para", "990 mg", EVERY("360")) FOUR,
         "");
}

/* Windows exempt only one dose of an order at once, even if the windows are wide. An order
 * without windows has no exempt dose. */
static void windows_let_off_one_dose_of_what_has_them(void **state)
{
#define MINE(id, dose, us)                                                                     \
    "given { administration_id: '" id "' order_id: 'mine' drug_id: 'para' dose: '" dose        \
    "' given_at_us: " us " } "
#define BED(dose, more) GIVE FACTS(ADULT) WHAT("para", dose, more)
#define WIDE                                                                                   \
    "timing { kind: KIND_TIMES times: '08:00' times: '20:00' before_minutes: 360 "             \
    "after_minutes: 360 } "
#define NEEDED                                                                                 \
    "timing { kind: KIND_AS_NEEDED } as_needed { reason { system: 's' code: 'pain' } "         \
    "max_doses_per_24h: 4 min_interval_minutes: 300 } "
    TOLD(BED("1 g", WIDE) MINE("a", "3100 mg", "1799928000000001"), "para-adult:H");
    TOLD(BED("1 g", WIDE) MINE("a", "3100 mg", "1799920800000000"), "");
    TOLD(BED("1 g", WIDE) MINE("a", "3100 mg", "1799920800000001"), "para-adult:H");
    TOLD(BED("1 g", WIDE) MINE("a", "3100 mg", "1799918000000000")
             MINE("b", "3100 mg", "1799920000000000"),
         "para-adult:H");
    TOLD(BED("1 g", NEEDED) MINE("a", "3000 mg", "1799919000000000"), "");
    TOLD(BED("1 g", NEEDED) MINE("a", "3100 mg", "1799919000000000"), "para-adult:H");
    TOLD(BED("1 g", ONCE) MINE("a", "3100 mg", "1799919000000000"), "para-adult:H");
}

/* A minimum interval is compared as if punctual doses had been given at their due times. */
static void a_dose_on_time_is_not_too_soon(void **state)
{
#define FOUR_HOURLY(us) BED("100 mg", EVERY("240")) MINE("a", "100 mg", us)
    TOLD(FOUR_HOURLY("1799989200000000"), ""); /* the last dose was given 180 minutes before */
    TOLD(FOUR_HOURLY("1799989260000000"), "para-adult:H");
    assert_string_equal(told_finding(*state, "para-adult")->text->en,
                        "para: the last dose was 179 minutes before, at least 180.");
    /* Doses that are further apart by their timing need no tolerance. */
    TOLD(BED("100 mg", EVERY("300")) MINE("a", "100 mg", "1799985600000000"), "");
    TOLD(BED("100 mg", EVERY("300")) MINE("a", "100 mg", "1799985660000000"), "para-adult:H");
    TOLD(BED("100 mg", EVERY("240")) MINE("a", "100 mg", "1799985660000000"), "");
    /* Another order's dose, and doses without windows, are compared to the minute. */
    TOLD(BED("100 mg", EVERY("240")) GIVEN("a", "para", "100 mg", "1799985660000000"),
         "para-adult:H");
    TOLD(BED("100 mg", EVERY("240")) MINE("a", "100 mg", "1799989200000000")
             GIVEN("b", "para", "100 mg", "1799985660000000"),
         "para-adult:H");
    TOLD(BED("100 mg", NEEDED) MINE("a", "100 mg", "1799985660000000"), "para-adult:H");
}

static void a_decision_of_a_newer_check_is_not_decided_by_an_older_one(void **state)
{
    struct bench *b = *state;
    Ward__Dosage__V1__Snapshot *s = bench_snapshot(b, BED("100 mg", EVERY("300")));

    s->engine = CHECK_ENGINE;
    assert_int_equal(bench_try(b, s), WARD_OK);
    s->engine = CHECK_ENGINE + 1;
    assert_int_equal(bench_try(b, s), WARD_FAILED_PRECONDITION);
    assert_string_equal(b->err.reason, "ENGINE_NEWER");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_dose_may_be_at_its_limit_and_not_over_it),
        cmocka_unit_test(what_was_compared_is_told_in_both_languages),
        cmocka_unit_test(a_dose_that_cannot_be_is_refused),
        cmocka_unit_test(what_the_formulary_has_not_is_final),
        cmocka_unit_test(a_rule_of_no_amount_does_not_cover_the_dose),
        cmocka_unit_test(a_combination_is_checked_by_each_of_its_ingredients),
        cmocka_unit_test(a_limit_over_kg_needs_a_weight),
        cmocka_unit_test(an_old_weight_is_a_finding),
        cmocka_unit_test(days_are_summed_over_what_is_given_and_what_will_be),
        cmocka_unit_test(other_orders_of_the_ingredient_count),
        cmocka_unit_test(doses_on_time_are_not_one_too_many),
        cmocka_unit_test(windows_let_off_one_dose_of_what_has_them),
        cmocka_unit_test(a_dose_on_time_is_not_too_soon),
        cmocka_unit_test(a_decision_of_a_newer_check_is_not_decided_by_an_older_one),
    };

    return cmocka_run_group_tests(tests, world_up, world_down);
}
