/* Problems, laboratory values, coded answers and states from records. */
#include "services/dosage/chart/facts_testing.h"

#include <stdio.h>

#define NOW_US INT64_C(1790000000000000) /* 2026-09-21T14:13:20Z */
#define SNOMED "http://snomed.info/sct"
#define ICD    "http://hl7.org/fhir/sid/icd-10-cm"
#define LOINC  "http://loinc.org"
#define STATUS "http://terminology.hl7.org/CodeSystem/condition-clinical"
#define MOST   300

typedef Ward__Records__V1__Observation Observation;
typedef Ward__Records__V1__Condition Condition;

static Record *records[MOST];
static size_t n_records;

static char *CODES[] = {(char *)(uintptr_t) "11778-8", (char *)(uintptr_t) "2823-3",
                        (char *)(uintptr_t) "49051-6", (char *)(uintptr_t) "63895-7",
                        (char *)(uintptr_t) "777-3",   (char *)(uintptr_t) "82810-3"};

static int begin(void **state)
{
    n_records = 0;
    return set_up(state);
}

static Resource *record(void)
{
    Record *r = ward_new(&mem, Record);

    ward__records__v1__record__init(r);
    r->resource = ward_new(&mem, Resource);
    ward__records__v1__resource__init(r->resource);
    r->version = ward_new(&mem, Version);
    ward__records__v1__version__init(r->version);
    r->version->resource_id = ward_printf(&mem, "r%03zu", n_records);
    r->version->version = 1;
    r->version->written_at_us = NOW_US - 1;
    records[n_records++] = r;
    return r->resource;
}

static Condition *condition(const char *system, const char *code)
{
    Resource *r = record();

    r->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_CONDITION;
    r->condition = ward_new(&mem, Condition);
    ward__records__v1__condition__init(r->condition);
    r->condition->code = concept_of(system, code);
    return r->condition;
}

static Observation *observation(const char *loinc, const char *at)
{
    Resource *r = record();
    Observation *o = ward_new(&mem, Observation);

    r->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION;
    r->observation = o;
    ward__records__v1__observation__init(o);
    o->status = WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_FINAL;
    o->code = concept_of(LOINC, loinc);
    o->effective_case = WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_EFFECTIVE_DATE_TIME;
    o->effective_date_time = text(at);
    return o;
}

static Ward__Records__V1__Quantity *value(const char *loinc, const char *at, const char *number,
                                          const char *unit)
{
    Observation *o = observation(loinc, at);
    Ward__Records__V1__Quantity *q = ward_new(&mem, Ward__Records__V1__Quantity);

    ward__records__v1__quantity__init(q);
    q->value = ward_new(&mem, Ward__Records__V1__Decimal);
    ward__records__v1__decimal__init(q->value);
    q->value->value = text(number);
    q->unit = text(unit);
    o->value_case = WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_QUANTITY;
    o->value_quantity = q;
    return q;
}

static void says(const char *loinc, const char *at, const char *system, const char *code)
{
    Observation *o = observation(loinc, at);

    o->value_case = WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_CODEABLE_CONCEPT;
    o->value_codeable_concept = concept_of(system, code);
}

static void date(const char *loinc, const char *at, const char *when)
{
    Observation *o = observation(loinc, at);

    o->value_case = WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_DATE_TIME;
    o->value_date_time = text(when);
}

static void read_all(void)
{
    struct ward_err err = {0};

    assert_int_equal(facts_problems(records, n_records, NOW_US, &mem, &facts, &err), WARD_OK);
    assert_int_equal(
        facts_labs(records, n_records, CODES, WARD_COUNT(CODES), NOW_US, &mem, &facts, &err),
        WARD_OK);
}

static void active_problems_count_and_ended_ones_do_not(void **state)
{
    Condition *c;

    (void)state;
    condition(ICD, "I50.9");
    condition(ICD, "J45.901")->clinical_status = concept_of(STATUS, "remission");
    condition(ICD, "K25")->clinical_status = concept_of(STATUS, "resolved");
    condition(ICD, "K26")->clinical_status = concept_of(STATUS, "inactive");
    condition(ICD, "K27")->verification_status =
        concept_of("http://terminology.hl7.org/CodeSystem/condition-ver-status", "refuted");
    c = condition(ICD, "G40");
    c->abatement_case = WARD__RECORDS__V1__CONDITION__ABATEMENT_ABATEMENT_DATE_TIME;
    c->abatement_date_time = text("2020");
    c = condition(ICD, "G20");
    c->abatement_case = WARD__RECORDS__V1__CONDITION__ABATEMENT_ABATEMENT_DATE_TIME;
    c->abatement_date_time = text("2030");
    records[condition(ICD, "G70") == NULL ? 0 : n_records - 1]->entered_in_error = true;
    condition(ICD, "I50.9"); /* another entry of a diagnosis */
    read_all();
    assert_int_equal(facts.n_problems, 3);
    assert_string_equal(facts.problems[0]->codings[0]->code, "I50.9");
    assert_string_equal(facts.problems[0]->record_id, "r000");
    assert_string_equal(facts.problems[1]->codings[0]->code, "J45.901");
    assert_string_equal(facts.problems[2]->codings[0]->code, "G20");
    assert_false(facts.problems_cut);
}

static void when_a_problem_began_is_its_latest_moment(void **state)
{
    Condition *c = condition(ICD, "I21");

    (void)state;
    c->onset_case = WARD__RECORDS__V1__CONDITION__ONSET_ONSET_DATE_TIME;
    c->onset_date_time = text("2026-08-01T00:00:00Z");
    read_all();
    assert_int_equal(facts.problems[0]->began_us, INT64_C(1785542400999999));
}

static void more_problems_than_are_held_are_told(void **state)
{
    (void)state;
    for (int i = 0; i <= FACTS_PROBLEMS; i++)
        condition(SNOMED, ward_printf(&mem, "%d", i));
    read_all();
    assert_int_equal(facts.n_problems, FACTS_PROBLEMS);
    assert_true(facts.problems_cut);
}

static void values_are_held_by_code_newest_first(void **state)
{
    Ward__Records__V1__Quantity *q;

    (void)state;
    for (int i = 1; i <= 7; i++)
        value("777-3", ward_printf(&mem, "2026-09-0%dT00:00:00Z", i),
              ward_printf(&mem, "%d", i), "10^9/L");
    value("2823-3", "2026-09-20T00:00:00Z", "0", "mmol/L");
    q = value("2823-3", "2026-09-19T00:00:00Z", "10", "mmol/L");
    q->comparator = text(">");
    value("2823-3", "2026-09-18T00:00:00Z", "-3", "mmol/L"); /* none */
    value("2823-3", "2026-10-18T00:00:00Z", "3", "mmol/L");  /* in the future */
    value("718-7", "2026-09-18T00:00:00Z", "3", "g/dL");     /* not a requested code */
    records[n_records - 1]->resource->observation->status =
        WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_FINAL;
    value("2823-3", "2026-09-20T12:00:00Z", "9", "mmol/L");
    records[n_records - 1]->resource->observation->status =
        WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_PRELIMINARY;
    read_all();
    assert_int_equal(facts.n_labs, 2);
    assert_string_equal(facts.labs[0]->loinc, "2823-3");
    assert_int_equal(facts.labs[0]->n_values, 2);
    assert_string_equal(facts.labs[0]->values[0]->quantity->value, "0");
    assert_string_equal(facts.labs[0]->values[1]->comparator, ">");
    assert_int_equal(facts.labs[1]->n_values, FACTS_LABS);
    assert_string_equal(facts.labs[1]->values[0]->quantity->value, "7");
    assert_string_equal(facts.labs[1]->values[0]->quantity->unit, "10*9/L");
}

static void the_newest_word_on_a_pregnancy_counts(void **state)
{
    Condition *c = condition(ICD, "Z33.1");

    (void)state;
    c->recorded_date = text("2026-08-01");
    says("82810-3", "2026-06-01T00:00:00Z", LOINC, "LA26683-5");
    read_all();
    assert_int_equal(facts.pregnancy->is, WARD__DOSAGE__V1__STATED__IS__IS_YES);
    assert_string_equal(facts.pregnancy->record_id, "r000");
    says("82810-3", "2026-09-01T00:00:00Z", SNOMED, "60001007");
    /* the answer "unknown" is ignored */
    says("82810-3", "2026-09-02T00:00:00Z", LOINC, "LA4489-6");
    says("63895-7", "2026-09-02T00:00:00Z", LOINC, "LA29252-6");
    ward__dosage__v1__facts__init(&facts);
    read_all();
    assert_int_equal(facts.pregnancy->is, WARD__DOSAGE__V1__STATED__IS__IS_NO);
    assert_int_equal(facts.breastfeeding->is, WARD__DOSAGE__V1__STATED__IS__IS_YES);
    assert_int_equal(facts.n_answers, 2);
    assert_string_equal(facts.answers[1]->values[0]->code, "LA4489-6");
}

static void a_puerperium_and_a_termination_are_no_pregnancy(void **state)
{
    (void)state;
    condition(ICD, "O85");
    condition(ICD, "Z33.2");
    condition(ICD, "O03.9");
    condition(SNOMED, "O10");
    read_all();
    assert_null(facts.pregnancy);
    condition(ICD, "O14.90");
    ward__dosage__v1__facts__init(&facts);
    read_all();
    assert_non_null(facts.pregnancy);
    assert_int_equal(facts.pregnancy->at_us, NOW_US - 1);
}

static void a_due_date_is_read_or_worked_out(void **state)
{
    (void)state;
    date("11778-8", "2026-08-01T00:00:00Z", "2027-01-01T00:00:00Z");
    read_all();
    assert_int_equal(facts.due_us, INT64_C(1798761600000000));
    value("49051-6", "2026-09-01T00:00:00Z", "20", "wk");
    read_all();
    assert_int_equal(facts.due_us, INT64_C(1800316800000000)); /* 2027-01-19 */
    value("49051-6", "2026-09-02T00:00:00Z", "200", "wk");
    read_all();
    assert_int_equal(facts.due_us, INT64_C(1800316800000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(active_problems_count_and_ended_ones_do_not, begin,
                                        tear_down),
        cmocka_unit_test_setup_teardown(when_a_problem_began_is_its_latest_moment, begin,
                                        tear_down),
        cmocka_unit_test_setup_teardown(more_problems_than_are_held_are_told, begin, tear_down),
        cmocka_unit_test_setup_teardown(values_are_held_by_code_newest_first, begin, tear_down),
        cmocka_unit_test_setup_teardown(the_newest_word_on_a_pregnancy_counts, begin,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_puerperium_and_a_termination_are_no_pregnancy, begin,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_due_date_is_read_or_worked_out, begin, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
