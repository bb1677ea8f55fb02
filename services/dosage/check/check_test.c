/* Each kind of dose limit, at its bound and over it. */
#include "services/dosage/check/check_world.h"

static int set_up(void **state)
{
    static struct bench b;

    bench_open(&b, SET);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    bench_close(*state);
    return 0;
}

#define TOLD(snapshot, want) assert_string_equal(check_told(*state, snapshot), want)

static void a_single_dose_may_be_at_its_limit_and_not_over_it(void **state)
{
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1000", "mg", ONCE), "");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "g", ONCE), "");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1000.0000001", "mg", ONCE), "para-adult:H");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "2", "{tablet}", "product_id: \"para-500\" " ONCE),
         "");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "3", "{tablet}", "product_id: \"para-500\" " ONCE),
         "para-adult:H");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "41", "mL", "product_id: \"para-syrup\" " ONCE), "");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "42", "mL", "product_id: \"para-syrup\" " ONCE),
         "para-adult:H");
}

static void what_was_compared_is_told_in_both_languages(void **state)
{
    const Ward__Dosage__V1__Finding *f;

    TOLD(HEAD FACTS(CHILD WEIGHT("20")) ORDER("para", "400", "mg", ONCE), "para-child:H");
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
}

static void a_dose_that_cannot_be_is_refused(void **state)
{
    TOLD(HEAD FACTS(ADULT) ORDER("para", "0", "mg", ONCE), "DOSE_VALUE");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "0.000", "mg", ONCE), "DOSE_VALUE");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "-1", "mg", ONCE), "DOSE_VALUE");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1e3", "mg", ONCE), "DOSE_VALUE");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "", "mg", ONCE), "DOSE_VALUE");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1,5", "mg", ONCE), "DOSE_VALUE");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "123456789012345678901", "mg", ONCE), "DOSE_VALUE");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "tablet", ONCE), "DOSE_UNIT");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "mmol", ONCE), "DOSE_UNIT");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "mg{salt}", ONCE), "DOSE_UNIT");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "{tablet}", ONCE), "DOSE_UNIT");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "{capsule}", "product_id: \"para-500\" " ONCE),
         "DOSE_UNIT");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "mg/kg", ONCE), "DOSE_UNIT");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "mg", "timing { kind: KIND_CONTINUOUS } "),
         "DOSE_UNIT");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "mg", ""), "TIMING_INVALID");
}

static void what_the_formulary_has_not_is_final(void **state)
{
    TOLD(HEAD FACTS(ADULT) ORDER("other", "1", "mg", ONCE), "ward.not-in-formulary:F");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "mg", "product_id: \"co-8\" " ONCE),
         "ward.product:F");
    TOLD(
        HEAD FACTS(ADULT) "prescription { drug_id: \"para\" dose { value: \"1\" unit: \"mg\" } "
                          "route: ROUTE_IM " ONCE "} ",
        "ward.route:H");
    TOLD(HEAD FACTS(ADULT) ORDER("bare", "1", "mg", ONCE), "ward.no-rule:W");
}

static void a_combination_is_checked_by_each_of_its_ingredients(void **state)
{
    TOLD(HEAD FACTS(ADULT) ORDER("co", "2", "{tablet}", "product_id: \"co-30\" " ONCE), "");
    TOLD(HEAD FACTS(ADULT) ORDER("co", "3", "{tablet}", "product_id: \"co-30\" " ONCE),
         "codeine-adult:H para-adult:H");
    TOLD(HEAD FACTS(ADULT) ORDER("co", "1000", "mg", "product_id: \"co-8\" " ONCE), "");
    TOLD(HEAD FACTS(ADULT) ORDER("co", "1000", "mg", ONCE), "DOSE_UNIT");
}

static void a_limit_over_kg_needs_a_weight(void **state)
{
    TOLD(HEAD FACTS(CHILD WEIGHT("20")) ORDER("para", "300", "mg", ONCE), "");
    TOLD(HEAD FACTS(CHILD WEIGHT("20")) ORDER("para", "300.01", "mg", ONCE), "para-child:H");
    TOLD(HEAD FACTS(CHILD WEIGHT("20")) ORDER("para", "149.9", "mg", ONCE), "para-child:H");
    TOLD(HEAD FACTS(CHILD WEIGHT("20")) ORDER("para", "150", "mg", ONCE), "");
    TOLD(HEAD FACTS(CHILD) ORDER("para", "300", "mg", ONCE), "ward.no-weight:H");
    TOLD(HEAD FACTS(CHILD
                    "weights { quantity { value: \"20\" unit: \"mm[Hg]\" } record_id: \"w\" } ")
             ORDER("para", "300", "mg", ONCE),
         "ward.no-weight:H ward.unit:H");
    assert_string_equal(told_step(*state, "para-child")->why, "no-weight");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "300", "mg", ONCE),
         ""); /* an adult's limit does not */
}

static void an_old_weight_is_a_finding(void **state)
{
    const Ward__Dosage__V1__Finding *f;

#define AGED(us)                                                                               \
    "weights { quantity { value: \"20\" unit: \"kg\" } at_us: " us " record_id: \"w\" } "
    TOLD(HEAD FACTS(CHILD AGED("1799913600000000")) ORDER("para", "300", "mg", ONCE), "");
    TOLD(HEAD FACTS(CHILD AGED("1799913599999999")) ORDER("para", "300", "mg", ONCE),
         "fresh-child:W");
    f = told_finding(*state, "fresh-child");
    assert_string_equal(f->compared[0]->actual->value, "24.1");
    assert_string_equal(f->compared[0]->limit->value, "24");
    assert_string_equal(f->about[0], "w");
    TOLD(HEAD FACTS(ADULT AGED("1")) ORDER("para", "300", "mg", ONCE), "");
}

static void days_are_summed_over_what_is_given_and_what_will_be(void **state)
{
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "g", EVERY("360")), "");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "g", EVERY("300")), "para-adult:H");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "g", EVERY("360"))
             GIVEN("a", "para", "1", "1799990000000000"),
         "para-adult:H"); /* not of the day's sum: 167 minutes before */
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "g", ONCE)
             GIVEN("a", "para", "1000", "1799985600000000")
                 GIVEN("b", "para", "1000", "1799964000000000")
                     GIVEN("c", "para", "1000", "1799942400000000"),
         "");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "g", ONCE)
             GIVEN("a", "para", "1000", "1799985600000000")
                 GIVEN("b", "para", "1000", "1799964000000000")
                     GIVEN("c", "para", "1000.5", "1799942400000000"),
         "para-adult:H");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "1", "g", ONCE)
             GIVEN("a", "para", "1000", "1799985600000000") GIVEN("b", "para", "1000",
                                                                  "1799964000000000")
                 GIVEN("c", "para", "2000", "1799913600000000"), /* 24 hours ago: another day */
         "");
}

#define RUNNING(id, drug, mg, more)                                                            \
    "running { order_id: \"" id "\" version: 1 prescription { drug_id: \"" drug                \
    "\" dose { value: \"" mg "\" unit: \"mg\" } route: ROUTE_PO " more " } } "

static void other_orders_of_the_ingredient_count(void **state)
{
    const Ward__Dosage__V1__Finding *f;

    TOLD(HEAD FACTS(ADULT) ORDER("para", "500", "mg", EVERY("360"))
             RUNNING("o1", "para", "500", EVERY("360")),
         "ward.same-ingredient:W");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "501", "mg", EVERY("360"))
             RUNNING("o1", "para", "500", EVERY("360")),
         "para-adult:H ward.same-ingredient:W");
    f = told_finding(*state, "para-adult");
    assert_string_equal(f->about[0], "o1");
    assert_string_equal(f->compared[0]->what, "daily");
    assert_string_equal(f->compared[0]->actual->value, "4004");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "501", "mg", EVERY("360"))
             RUNNING("o1", "co", "500", "product_id: \"co-8\" " EVERY("360")),
         "para-adult:H ward.same-ingredient:W");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "500", "mg", EVERY("360"))
             RUNNING("o1", "co", "500", EVERY("360")),
         "ward.same-ingredient:W"); /* of the first ingredient no product is needed */
}

/* 06:00, 12:00, 18:00, 24:00, charted a little early and late. */
static void doses_on_time_are_not_one_too_many(void **state)
{
    TOLD(HEAD FACTS(ADULT)
             ORDER("para", "10", "mg",
                   ONCE) "running { order_id: \"o1\" prescription { drug_id: \"para\" dose { "
                         "value: \"990\" "
                         "unit: \"mg\" } route: ROUTE_PO " EVERY(
                             "360") " starts_at_us: 1799000000000000 } } "
                                    "given { administration_id: \"a\" order_id: \"o1\" "
                                    "drug_id: \"para\" dose { value: "
                                    "\"990\" unit: \"mg\" } given_at_us: 1799984000000000 } "
                                    "given { administration_id: \"b\" order_id: \"o1\" "
                                    "drug_id: \"para\" dose { value: "
                                    "\"990\" unit: \"mg\" } given_at_us: 1799963000000000 } "
                                    "given { administration_id: \"c\" order_id: \"o1\" "
                                    "drug_id: \"para\" dose { value: "
                                    "\"990\" unit: \"mg\" } given_at_us: 1799941000000000 } "
                                    "given { administration_id: \"d\" order_id: \"o1\" "
                                    "drug_id: \"para\" dose { value: "
                                    "\"990\" unit: \"mg\" } given_at_us: 1799920000000000 } ",
         "ward.same-ingredient:W");
}

static void at_the_bedside_only_what_was_given_counts(void **state)
{
#define GIVE "at_us: " NOW " purpose: CHECK_PURPOSE_GIVE order_id: \"mine\" "
    TOLD(GIVE FACTS(ADULT) ORDER("para", "1", "g", EVERY("300")), "");
    TOLD(GIVE FACTS(ADULT) ORDER("para", "1", "g", EVERY("300"))
             RUNNING("o1", "co", "500", "product_id: \"co-8\" " EVERY("360")),
         "ward.same-ingredient:W");
    TOLD(GIVE FACTS(ADULT) ORDER("para", "1", "g", EVERY("360"))
             GIVEN("a", "para", "3001", "1799970000000000"),
         "para-adult:H");
    TOLD(GIVE FACTS(ADULT) ORDER("para", "1", "g", EVERY("360"))
             GIVEN("a", "para", "100", "1799985600000000"),
         ""); /* four hours ago to the second */
    TOLD(GIVE FACTS(ADULT) ORDER("para", "1", "g", EVERY("360"))
             GIVEN("a", "para", "100", "1799985600000001"),
         "para-adult:H");
    TOLD(GIVE FACTS(ADULT) "giving { value: \"1001\" unit: \"mg\" } " ORDER("para", "1", "g",
                                                                            EVERY("360")),
         "para-adult:H");
    TOLD(GIVE FACTS(ADULT) "giving { value: \"0\" unit: \"mg\" } " ORDER("para", "1", "g",
                                                                         EVERY("360")),
         "DOSE_VALUE");
}

static void an_order_ends_in_time(void **state)
{
#define PO(more) ORDER("para", "300", "mg", more)
    TOLD(HEAD FACTS(CHILD WEIGHT("20")) PO(EVERY("360")), "para-child:H");
    assert_string_equal(told_finding(*state, "para-child")->text->en,
                        "para: it has no end, at most 3 days.");
    TOLD(HEAD FACTS(CHILD WEIGHT("20")) PO(EVERY("360") "ends_at_us: 1800259200000000 "), "");
    TOLD(HEAD FACTS(CHILD WEIGHT("20")) PO(EVERY("360") "ends_at_us: 1800259200000001 "),
         "para-child:H");
    TOLD(HEAD FACTS(CHILD WEIGHT("20"))
             PO("timing { kind: KIND_INTERVAL interval_minutes: 360 count: 12 } "),
         "");
    TOLD(HEAD FACTS(CHILD WEIGHT("20"))
             PO("timing { kind: KIND_INTERVAL interval_minutes: 360 count: 13 } "),
         "para-child:H");
    TOLD(HEAD FACTS(CHILD WEIGHT("20"))
             ORDER("para", "150", "mg", EVERY("300") "ends_at_us: 1800100000000000 "),
         "para-child:H"); /* five doses a day */
}

static void the_rule_of_an_indication_goes_first(void **state)
{
#define FEVER "indication { system: \"s\" code: \"fever\" } "
    TOLD(HEAD FACTS(ADULT) ORDER("para", "650", "mg", FEVER EVERY("360")), "");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "651", "mg", FEVER EVERY("360")), "para-fever:W");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "2000", "mg", FEVER ONCE), "para-fever:W");
    /* ...in what it limits: the day's limit is the other's. */
    TOLD(HEAD FACTS(ADULT) ORDER("para", "650", "mg", FEVER EVERY("210")), "para-adult:H");
    TOLD(HEAD FACTS(ADULT) ORDER("para", "651", "mg", ONCE), "");
    assert_string_equal(told_step(*state, "para-fever")->why, "indication");
}

static void an_age_that_is_not_known_well_is_told(void **state)
{
#define BORN(d)                                                                                \
    "state: CHART_STATE_CURRENT birth_date: \"" d                                              \
    "\" allergies { no_known: true } " WEIGHT("20")
    TOLD(HEAD FACTS(BORN("1970")) PO(ONCE), "");
    TOLD(HEAD FACTS(BORN("2009")) ORDER("para", "300", "mg", ONCE), "ward.no-age:H");
    TOLD(HEAD FACTS(BORN("")) ORDER("para", "300", "mg", ONCE), "ward.no-age:H");
    TOLD(HEAD FACTS(BORN("2044-01-01")) ORDER("para", "300", "mg", ONCE), "ward.no-age:H");
    TOLD(HEAD FACTS(BORN("2027-01-16")) ORDER("para", "300", "mg", ONCE), "ward.no-rule:W");
    TOLD(HEAD FACTS(BORN("2026-12-18")) ORDER("para", "300", "mg", ONCE), "");
    TOLD(HEAD FACTS(BORN("2026-12-19")) ORDER("para", "300", "mg", ONCE), "ward.no-rule:W");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_single_dose_may_be_at_its_limit_and_not_over_it),
        cmocka_unit_test(what_was_compared_is_told_in_both_languages),
        cmocka_unit_test(a_dose_that_cannot_be_is_refused),
        cmocka_unit_test(what_the_formulary_has_not_is_final),
        cmocka_unit_test(a_combination_is_checked_by_each_of_its_ingredients),
        cmocka_unit_test(a_limit_over_kg_needs_a_weight),
        cmocka_unit_test(an_old_weight_is_a_finding),
        cmocka_unit_test(days_are_summed_over_what_is_given_and_what_will_be),
        cmocka_unit_test(other_orders_of_the_ingredient_count),
        cmocka_unit_test(doses_on_time_are_not_one_too_many),
        cmocka_unit_test(at_the_bedside_only_what_was_given_counts),
        cmocka_unit_test(an_order_ends_in_time),
        cmocka_unit_test(the_rule_of_an_indication_goes_first),
        cmocka_unit_test(an_age_that_is_not_known_well_is_told),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
