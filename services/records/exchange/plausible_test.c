#include "common/measure/fhirtime.h"
#include "common/measure/ucum.h"
#include "services/records/exchange/clean.h"
#include "services/records/exchange/plausible.h"
#include "services/records/exchange/quarantine.h"
#include "services/records/fhir/fhir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;
/* 2026-11-21T12:00:00Z */
static const int64_t now = INT64_C(1795262400) * WARD_US_PER_SECOND;

static int open_mem(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)8 << 20);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    ward_arena_reset(&mem);
    return 0;
}

static struct problems look(const char *text, int64_t birth_us)
{
    const struct ward_json *v = NULL;
    Resource *res = NULL;
    struct problems out = {0};
    struct ward_err err = {0};

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, &err) != WARD_OK ||
        fhir_of_json(&mem, v, NULL, NULL, &res, &err) != WARD_OK ||
        implausible(&mem, res, birth_us, now, &out, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.msg);
    return out;
}

/* Checks a measurement with a LOINC code: "8867-4", "72", "/min". */
static struct problems measured(const char *loinc, const char *value, const char *unit)
{
    return look(ward_printf(&mem,
                            "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{"
                            "\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"%s\"}]},"
                            "\"valueQuantity\":{\"value\":%s,\"unit\":\"%s\",\"system\":"
                            "\"http://unitsofmeasure.org\",\"code\":\"%s\"}}",
                            loinc, value, unit, unit),
                INT64_MIN);
}

/* Returns the only problem. */
static const Ward__Records__V1__Problem *only(struct problems p)
{
    static const Ward__Records__V1__Problem none = WARD__RECORDS__V1__PROBLEM__INIT;

    assert_int_equal(p.n, 1);
    return p.at == NULL ? &none : p.at[0];
}

static void every_row_is_whole_and_names_its_source(void **state)
{
    int rows = 0;

    (void)state;
    for (const struct plausible_range *r = plausible_ranges; r->loinc != NULL; r++, rows++) {
        struct ward_decimal low, high;
        struct ward_ucum unit, slip;

        assert_int_equal(ward_decimal_parse(r->low, strlen(r->low), &low, NULL), WARD_OK);
        assert_int_equal(ward_decimal_parse(r->high, strlen(r->high), &high, NULL), WARD_OK);
        assert_true(ward_decimal_cmp(&low, &high) < 0);
        assert_int_equal(ward_ucum_parse(r->unit, strlen(r->unit), &unit, NULL), WARD_OK);
        assert_true(strlen(r->source) > 20 && strlen(r->name) > 2);
        for (const char *at = r->slips; *at != '\0'; at += strspn(at, " ")) {
            size_t n = strcspn(at, " ");

            assert_int_equal(ward_ucum_parse(at, n, &slip, NULL), WARD_OK);
            assert_int_equal(ward_ucum_commensurable(&slip, &unit, NULL), WARD_OK);
            at += n;
        }
        for (const struct plausible_range *s = plausible_ranges; s != r; s++)
            assert_string_not_equal(s->name, r->name);
    }
    assert_true(rows >= 30);
}

static void a_code_is_found_whole_or_not_at_all(void **state)
{
    (void)state;
    assert_string_equal(plausible_of("8889-8")->name, "heart rate");
    assert_string_equal(plausible_of("8310-5")->name, "body temperature");
    assert_null(plausible_of("8310"));
    assert_null(plausible_of("310-5"));
    assert_null(plausible_of("8889-8 8893-0"));
    assert_null(plausible_of(""));
    assert_null(plausible_of("99999-9"));
}

static void the_bounds_themselves_are_plausible(void **state)
{
    (void)state;
    assert_int_equal(measured("8867-4", "390", "/min").n, 0);
    assert_int_equal(measured("8867-4", "0", "/min").n, 0);
    assert_int_equal(measured("8867-4", "390.1", "/min").n, 1);
    assert_int_equal(measured("8867-4", "-1", "/min").n, 1);
}

static void a_problem_says_what_and_by_whom_but_not_the_value(void **state)
{
    struct problems p = measured("8867-4", "4321", "/min");

    (void)state;
    assert_int_equal(p.n, 1);
    assert_string_equal(only(p)->reason, "IMPLAUSIBLE_VALUE");
    assert_string_equal(only(p)->path, "Observation.valueQuantity");
    assert_string_equal(only(p)->text, "heart rate: 0 to 390 /min is plausible");
    assert_non_null(strstr(only(p)->source, "10.1038/s41597-019-0103-9"));
    assert_null(strstr(only(p)->text, "4321"));
}

static void a_slip_of_the_unit_is_hinted_at(void **state)
{
    (void)state;
    assert_non_null(
        strstr(only(measured("8310-5", "98.6", "Cel"))->text, "it would fit in [degF]"));
    assert_non_null(strstr(only(measured("8302-2", "1.75", "cm"))->text, "it would fit in m"));
    assert_non_null(strstr(only(measured("29463-7", "3200", "kg"))->text, "it would fit in g"));
    assert_non_null(
        strstr(only(measured("29463-7", "700", "kg"))->text, "it would fit in g or [lb_av]"));
    assert_null(strstr(only(measured("8310-5", "900", "Cel"))->text, "would fit"));
}

/* Checks a measurement of a child who was born `days` days before now. */
static struct problems child(const char *loinc, const char *value, const char *unit, int days)
{
    return look(ward_printf(&mem,
                            "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{"
                            "\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"%s\"}]},"
                            "\"valueQuantity\":{\"value\":%s,\"system\":"
                            "\"http://unitsofmeasure.org\",\"code\":\"%s\"}}",
                            loinc, value, unit),
                now - days * WARD_US_PER_DAY);
}

static void a_weight_or_height_of_another_age_is_a_problem(void **state)
{
    struct problems p = child("29463-7", "35", "kg", 5);

    (void)state;
    assert_string_equal(only(p)->reason, "IMPLAUSIBLE_VALUE");
    assert_non_null(strstr(only(p)->text, "for the patient's age"));
    assert_non_null(strstr(only(p)->source, "CDC growth charts 2000"));
    assert_int_equal(child("29463-7", "3.5", "kg", 5).n, 0);
    assert_int_equal(child("29463-7", "3500", "g", 5).n, 0);
    assert_int_equal(child("29463-7", "0.6", "kg", 5).n, 0); /* a prematurely born infant */
    assert_int_equal(child("29463-7", "180", "kg", 1826).n, 1);
    assert_int_equal(child("29463-7", "4", "kg", 1826).n, 1);
    assert_int_equal(child("29463-7", "40", "kg", 1826).n, 0);
    assert_int_equal(child("29463-7", "180", "kg", 9000).n, 0);
    assert_int_equal(child("8302-2", "170", "cm", 1826).n, 1);
    assert_int_equal(child("8302-2", "1.1", "m", 1826).n, 0);
    assert_int_equal(measured("29463-7", "180", "kg").n, 0); /* a patient of unknown age */
}

static void other_units_of_the_kind_are_converted(void **state)
{
    (void)state;
    assert_int_equal(measured("8310-5", "98.6", "[degF]").n, 0);
    assert_int_equal(measured("29463-7", "154", "[lb_av]").n, 0);
    assert_int_equal(measured("29463-7", "1500", "[lb_av]").n, 1);
    assert_int_equal(measured("777-3", "250000", "/uL").n, 0);
    assert_int_equal(measured("777-3", "250", "10*9/L").n, 0);
    assert_int_equal(measured("59408-5", "0.97", "1").n, 0);
}

static void a_unit_of_another_kind_is_a_problem_and_no_repair(void **state)
{
    struct problems p = measured("2345-7", "100", "mg");

    (void)state;
    assert_int_equal(p.n, 1);
    assert_string_equal(only(p)->reason, "UNIT_UNKNOWN");
    p = look("{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{"
             "\"system\":\"http://loinc.org\",\"code\":\"29463-7\"}]},\"valueQuantity\":{"
             "\"value\":70}}",
             INT64_MIN);
    assert_int_equal(p.n, 1);
    assert_string_equal(only(p)->reason, "UNIT_UNKNOWN");
}

static void moles_for_mass_are_not_judged(void **state)
{
    (void)state;
    assert_int_equal(measured("2345-7", "5.5", "mmol/L").n, 0);
    assert_int_equal(measured("2345-7", "5500000", "mmol/L").n, 0);
}

static void scores_and_ph_need_no_unit(void **state)
{
    (void)state;
    assert_int_equal(measured("9269-2", "15", "{score}").n, 0);
    assert_int_equal(measured("9269-2", "16", "{score}").n, 1);
    assert_int_equal(measured("2744-1", "7.4", "[pH]").n, 0);
    assert_int_equal(measured("2744-1", "7.4", "{pH}").n, 0);
    assert_int_equal(measured("2744-1", "74", "{pH}").n, 1);
    assert_int_equal(look("{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{"
                          "\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"9269-2\"}]},"
                          "\"valueInteger\":2}",
                          INT64_MIN)
                         .n,
                     1);
}

static void components_are_looked_at_one_by_one(void **state)
{
    struct problems p = look(
        "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"bp\"},"
        "\"component\":[{\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":"
        "\"8480-6\"}]},\"valueQuantity\":{\"value\":120,\"system\":\"http://"
        "unitsofmeasure.org\","
        "\"code\":\"mm[Hg]\"}},{\"code\":{\"coding\":[{\"system\":\"http://"
        "loinc.org\",\"code\":"
        "\"8462-4\"}]},\"valueQuantity\":{\"value\":800,\"system\":\"http://"
        "unitsofmeasure.org\","
        "\"code\":\"mm[Hg]\"}}]}",
        INT64_MIN);

    (void)state;
    assert_int_equal(p.n, 1);
    assert_string_equal(only(p)->path, "Observation.component[1].valueQuantity");
}

static void what_was_entered_in_error_is_not_judged(void **state)
{
    (void)state;
    assert_int_equal(look("{\"resourceType\":\"Observation\",\"status\":\"entered-in-error\","
                          "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":"
                          "\"9269-2\"}]},\"valueInteger\":99}",
                          INT64_MIN)
                         .n,
                     0);
}

static void expect_date(const char *text, int64_t birth_us, const char *path, const char *words)
{
    struct problems p = look(text, birth_us);

    if (path == NULL) {
        assert_int_equal(p.n, 0);
        return;
    }
    assert_int_equal(p.n, 1);
    assert_string_equal(only(p)->reason, "IMPLAUSIBLE_DATE");
    assert_string_equal(only(p)->path, path);
    assert_string_equal(only(p)->text, words);
}

#define AT(date)                                                                               \
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"        \
    "\"effectiveDateTime\":\"" date "\"}"
#define BORN(date) "{\"resourceType\":\"Patient\",\"birthDate\":\"" date "\"}"

static void dates_are_neither_in_the_future_nor_before_birth(void **state)
{
    const int64_t birth = ward_days_of(1980, 5, 6) * WARD_US_PER_DAY;

    (void)state;
    expect_date(AT("2026-11-22T11:00:00Z"), birth, NULL, NULL);
    expect_date(AT("2026-11-23"), birth, "Observation.effectiveDateTime",
                "the date is in the future");
    expect_date(AT("2026"), birth, NULL, NULL);
    expect_date(AT("1980-05-05T20:00:00+08:00"), birth, NULL, NULL);
    expect_date(AT("1980-05-04"), birth, "Observation.effectiveDateTime",
                "the date is before the patient's birth");
    expect_date(AT("1980"), birth, NULL, NULL);
    expect_date(AT("1700-01-01"), INT64_MIN, NULL, NULL);
    expect_date("{\"resourceType\":\"Condition\",\"onsetPeriod\":{\"start\":\"1970\"}}", birth,
                "Condition.onsetPeriod", "the date is before the patient's birth");
    expect_date("{\"resourceType\":\"Encounter\",\"status\":\"planned\",\"period\":{\"start\":"
                "\"2027-01-01\"}}",
                birth, NULL, NULL);
    expect_date("{\"resourceType\":\"Encounter\",\"status\":\"finished\",\"period\":{\"start\":"
                "\"2027-01-01\"}}",
                birth, "Encounter.period", "the date is in the future");
}

static void births_are_not_130_years_ago(void **state)
{
    (void)state;
    expect_date(BORN("1900-01-01"), INT64_MIN, NULL, NULL);
    expect_date(BORN("1896"), INT64_MIN, NULL, NULL);
    expect_date(BORN("1895"), INT64_MIN, "Patient.birthDate",
                "the date is more than 130 years ago");
    expect_date(BORN("2027"), INT64_MIN, "Patient.birthDate", "the date is in the future");
    expect_date(
        "{\"resourceType\":\"Patient\",\"birthDate\":\"1950-03-04\",\"deceasedDateTime\":"
        "\"1949\"}",
        INT64_MIN, "Patient.deceasedDateTime", "the date is before the patient's birth");
}

static void a_reason_that_a_person_answered_for_is_dropped(void **state)
{
    struct problems p = measured("8867-4", "4321", "/min");

    (void)state;
    assert_int_equal(problem_add(&mem, &p, "UNIT_UNKNOWN", "a", "b", NULL, NULL), WARD_OK);
    problems_drop(&p, "IMPLAUSIBLE_VALUE");
    assert_int_equal(p.n, 1);
    assert_string_equal(only(p)->reason, "UNIT_UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_row_is_whole_and_names_its_source, fresh),
        cmocka_unit_test_setup(a_code_is_found_whole_or_not_at_all, fresh),
        cmocka_unit_test_setup(the_bounds_themselves_are_plausible, fresh),
        cmocka_unit_test_setup(a_problem_says_what_and_by_whom_but_not_the_value, fresh),
        cmocka_unit_test_setup(a_slip_of_the_unit_is_hinted_at, fresh),
        cmocka_unit_test_setup(a_weight_or_height_of_another_age_is_a_problem, fresh),
        cmocka_unit_test_setup(other_units_of_the_kind_are_converted, fresh),
        cmocka_unit_test_setup(a_unit_of_another_kind_is_a_problem_and_no_repair, fresh),
        cmocka_unit_test_setup(moles_for_mass_are_not_judged, fresh),
        cmocka_unit_test_setup(scores_and_ph_need_no_unit, fresh),
        cmocka_unit_test_setup(components_are_looked_at_one_by_one, fresh),
        cmocka_unit_test_setup(what_was_entered_in_error_is_not_judged, fresh),
        cmocka_unit_test_setup(dates_are_neither_in_the_future_nor_before_birth, fresh),
        cmocka_unit_test_setup(births_are_not_130_years_ago, fresh),
        cmocka_unit_test_setup(a_reason_that_a_person_answered_for_is_dropped, fresh),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
