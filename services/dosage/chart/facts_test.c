#include "services/dosage/chart/facts_testing.h"

#include "common/measure/fhirtime.h"

#define NOW_US INT64_C(1790000000000000) /* 2026-09-21T14:13:20Z */

typedef Ward__Records__V1__Observation Observation;
typedef Ward__Records__V1__Encounter Encounter;

static size_t found[FACTS_GROUPS];

static Record *observed(const char *id, const char *loinc, const char *value, const char *unit,
                        const char *at)
{
    Observation *o = ward_new(&mem, Observation);
    Resource *res;
    Record *r = record_of(id, &res);

    ward__records__v1__observation__init(o);
    res->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_OBSERVATION;
    res->observation = o;
    o->status = WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_FINAL;
    o->code = concept_of("http://loinc.org", loinc);
    o->effective_case = WARD__RECORDS__V1__OBSERVATION__EFFECTIVE_EFFECTIVE_DATE_TIME;
    o->effective_date_time = text(at);
    o->value_case = WARD__RECORDS__V1__OBSERVATION__VALUE_VALUE_QUANTITY;
    o->value_quantity = ward_new(&mem, Ward__Records__V1__Quantity);
    ward__records__v1__quantity__init(o->value_quantity);
    o->value_quantity->value = ward_new(&mem, Ward__Records__V1__Decimal);
    ward__records__v1__decimal__init(o->value_quantity->value);
    o->value_quantity->value->value = text(value);
    o->value_quantity->code = text(unit);
    return r;
}

static void measure(Record *const *r, size_t n)
{
    ward__dosage__v1__facts__init(&facts);
    assert_int_equal(facts_measured(r, n, NOW_US, &mem, &facts, found, NULL), WARD_OK);
}

static bool weighs(Record *r)
{
    measure(&r, 1);
    return facts.n_weights == 1;
}

static const char AT[] = "2026-09-01T08:00:00+08:00";

/* ---- measurements ---- */

static void the_newest_three_of_a_group_come_first_and_each_once(void **state)
{
    Record *r[] = {
        observed(ID("1"), "29463-7", "70", "kg", "2026-09-01T08:00:00Z"),
        observed(ID("2"), "3141-9", "71.50", "kg", "2026-09-03T08:00:00Z"),
        observed(ID("3"), "29463-7", "69", "kg", "2026-08-01T08:00:00Z"),
        observed(ID("4"), "29463-7", "68", "kg", "2026-07-01T08:00:00Z"),
        observed(ID("2"), "3141-9", "71.50", "kg", "2026-09-03T08:00:00Z"),
        observed(ID("5"), "8302-2", "175", "cm", "2026-07-01T08:00:00Z"),
    };

    (void)state;
    measure(r, WARD_COUNT(r));
    assert_int_equal(facts.n_weights, 3);
    assert_string_equal(facts.weights[0]->quantity->value, "71.50");
    assert_string_equal(facts.weights[0]->record_id, ID("2"));
    assert_int_equal(facts.weights[0]->record_version, 3);
    assert_string_equal(facts.weights[1]->quantity->value, "70");
    assert_string_equal(facts.weights[2]->quantity->value, "69");
    assert_int_equal(facts.n_heights, 1);
    assert_string_equal(facts.heights[0]->quantity->unit, "cm");
    assert_int_equal(facts.n_creatinines + facts.n_egfrs, 0);
    assert_int_equal(found[GROUP_WEIGHT], 5);
}

static void of_one_moment_the_order_does_not_decide(void **state)
{
    Record *one = observed(ID("1"), "29463-7", "70", "kg", AT);
    Record *two = observed(ID("2"), "29463-7", "80", "kg", AT);
    Record *either[2][2] = {{one, two}, {two, one}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        measure(either[i], 2);
        assert_string_equal(facts.weights[0]->record_id, ID("2"));
    }
}

static void a_stated_weight_counts_only_where_nobody_measured(void **state)
{
    Record *r[] = {observed(ID("1"), "3142-7", "80", "kg", "2026-09-10"),
                   observed(ID("2"), "29463-7", "70", "kg", "2020-01-01")};

    (void)state;
    measure(r, 2);
    assert_int_equal(facts.n_weights, 1);
    assert_string_equal(facts.weights[0]->quantity->value, "70");
    measure(r, 1);
    assert_string_equal(facts.weights[0]->quantity->value, "80");
}

static void only_verified_observations_count(void **state)
{
    static const struct {
        Ward__Records__V1__Observation__Status status;
        bool counts;
    } ALL[] = {
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_UNSPECIFIED, false},
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_REGISTERED, false},
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_PRELIMINARY, false},
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_FINAL, true},
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_AMENDED, true},
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_CORRECTED, true},
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_CANCELLED, false},
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_ENTERED_IN_ERROR, false},
        {WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_UNKNOWN, false},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(ALL); i++) {
        Record *r = observed(ID("1"), "29463-7", "70", "kg", AT);

        r->resource->observation->status = ALL[i].status;
        assert_int_equal(weighs(r), ALL[i].counts);
    }
}

static void an_observation_with_an_unknown_modifier_does_not_count(void **state)
{
    Ward__Records__V1__Extension modifier, *all = &modifier;
    Record *r = observed(ID("1"), "29463-7", "70", "kg", AT);

    (void)state;
    assert_true(weighs(r));
    ward__records__v1__extension__init(&modifier);
    r->resource->observation->modifier_extension = &all;
    r->resource->observation->n_modifier_extension = 1;
    assert_false(weighs(r));
    r->resource->observation->n_modifier_extension = 0;
    assert_true(weighs(r));
    r->resource->observation->implicit_rules = text("urn:rules");
    assert_false(weighs(r));
}

static void values_that_are_no_amounts_do_not_count(void **state)
{
    static const char *const NOT[] = {"-70", "", "7O", "NaN", "123456789012345678901"};
    Record *r;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(NOT); i++)
        assert_false(weighs(observed(ID("1"), "29463-7", NOT[i], "kg", AT)));
    assert_false(weighs(observed(ID("1"), "29463-7", "70", "", AT)));
    assert_false(weighs(observed(ID("1"), "8335-2", "70", "kg", AT)));
    assert_false(weighs(observed(ID("1"), "29463-7", "70", "kg", "2026-02-30")));
    r = observed(ID("1"), "29463-7", "70", "kg", AT);
    r->resource->observation->code = concept_of("urn:other", "29463-7");
    assert_false(weighs(r));
    r = observed(ID("1"), "29463-7", "70", "kg", AT);
    r->entered_in_error = true;
    assert_false(weighs(r));
    r = observed(ID("1"), "29463-7", "70", "kg", AT);
    r->resource->observation->value_quantity->value = NULL;
    assert_false(weighs(r));
    assert_true(weighs(observed(ID("1"), "29463-7", "70", "kg", AT)));
}

static void
an_exponent_is_written_out_and_a_unit_s_words_do_where_there_is_no_code(void **state)
{
    Record *r = observed(ID("1"), "29463-7", "7.05E+1", "", AT);

    (void)state;
    r->resource->observation->value_quantity->unit = text("kg");
    assert_true(weighs(r));
    assert_string_equal(facts.weights[0]->quantity->value, "70.5");
    assert_string_equal(facts.weights[0]->quantity->unit, "kg");
}

static void a_time_is_the_earliest_it_can_mean_and_not_of_tomorrow(void **state)
{
    Record *r = observed(ID("1"), "29463-7", "70", "kg", "2026-09-01");

    (void)state;
    assert_true(weighs(r));
    assert_int_equal(facts.weights[0]->at_us,
                     (ward_days_of(2026, 9, 1) * 24 - 14) * INT64_C(3600000000));
    assert_true(weighs(observed(ID("1"), "29463-7", "70", "kg", "2026-09-21T14:28:20Z")));
    assert_false(weighs(observed(ID("1"), "29463-7", "70", "kg", "2026-09-21T14:28:21Z")));
    r->resource->observation->effective_case =
        WARD__RECORDS__V1__OBSERVATION__EFFECTIVE__NOT_SET;
    assert_false(weighs(r));
    r->resource->observation->issued = text("2026-09-01T08:00:00Z");
    assert_true(weighs(r));
}

static void a_bound_counts_only_on_its_harmless_side(void **state)
{
    static const struct {
        const char *loinc, *comparator;
        bool counts;
    } ALL[] = {
        {"62238-1", ">", true},   {"62238-1", ">=", true}, {"62238-1", "<", false},
        {"62238-1", "<=", false}, {"2160-0", "<", true},   {"2160-0", "<=", true},
        {"2160-0", ">", false},   {"29463-7", ">", false}, {"29463-7", "<", false},
        {"8302-2", ">=", false},  {"2160-0", "", true},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(ALL); i++) {
        Record *r = observed(ID("1"), ALL[i].loinc, "60", "x", AT);

        r->resource->observation->value_quantity->comparator = text(ALL[i].comparator);
        measure(&r, 1);
        assert_int_equal(facts.n_weights + facts.n_heights + facts.n_creatinines +
                             facts.n_egfrs,
                         ALL[i].counts);
    }
}

static void every_code_is_found_once_and_in_its_group(void **state)
{
    size_t of[FACTS_GROUPS] = {0};

    (void)state;
    for (const struct facts_code *f = facts_codes; f->loinc != NULL; f++) {
        assert_ptr_equal(facts_code_of(f->loinc), f);
        of[f->group]++;
    }
    for (int i = 0; i < FACTS_GROUPS; i++)
        assert_true(of[i] > 1);
    /* maximum values of a search parameter */
    assert_true(of[GROUP_WEIGHT] + of[GROUP_HEIGHT] <= 20);
    assert_true(of[GROUP_CREATININE] + of[GROUP_EGFR] <= 20);
    assert_null(facts_code_of("48643-1"));
    assert_null(facts_code_of(""));
}

/* ---- the ward ---- */

struct stay {
    const char *ward, *start, *end;
    Ward__Records__V1__Encounter__Status status;
};

static Record *staying(const struct stay *s)
{
    Ward__Records__V1__Encounter__Location *l =
        ward_new(&mem, Ward__Records__V1__Encounter__Location);
    Encounter *e = ward_new(&mem, Encounter);
    Resource *res;
    Record *r = record_of(ID("1"), &res);

    ward__records__v1__encounter__init(e);
    ward__records__v1__encounter__location__init(l);
    res->resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_ENCOUNTER;
    res->encounter = e;
    e->status = s->status;
    e->period = ward_new(&mem, Ward__Records__V1__Period);
    ward__records__v1__period__init(e->period);
    e->period->start = text(s->start);
    e->period->end = text(s->end);
    e->location = ward_alloc(&mem, sizeof(l));
    e->location[0] = l;
    e->n_location = 1;
    l->location = ward_new(&mem, Ward__Records__V1__Reference);
    ward__records__v1__reference__init(l->location);
    l->location->reference = text(s->ward);
    return r;
}

static const char *ward_of(const struct stay *stays, size_t n, const char *own)
{
    Record *r[8];

    for (size_t i = 0; i < n; i++)
        r[i] = staying(&stays[i]);
    facts_ward(r, n, own, NOW_US, &facts);
    return facts.ward;
}

#define HERE     WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_IN_PROGRESS
#define PLANNED  WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_PLANNED
#define FINISHED WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_FINISHED

static void the_ward_is_the_asker_s_or_the_latest_that_is_open(void **state)
{
    static const struct stay STAYS[] = {
        {"Location/icu", "2026-09-10T00:00:00Z", "", HERE},
        {"Location/ward-3", "2026-09-01T00:00:00Z", "", HERE},
        {"Location/ward-9", "2026-09-12T00:00:00Z", "2026-09-13T00:00:00Z", HERE},
        {"Location/ward-8", "2026-09-12T00:00:00Z", "", FINISHED},
        {"Location/ward-7", "2026-09-20T00:00:00Z", "", PLANNED},
        {"Location/ward-6", "2026-09-22T00:00:00Z", "", HERE},
        {"Location/not a ward", "2026-09-20T00:00:00Z", "", HERE},
        {"urn:uuid:x", "2026-09-20T00:00:00Z", "", HERE},
    };

    (void)state;
    assert_string_equal(ward_of(STAYS, 8, "ward-3"), "ward-3");
    assert_string_equal(ward_of(STAYS, 8, "ward-1"), "icu");
    assert_string_equal(ward_of(STAYS, 8, ""), "icu");
    assert_string_equal(ward_of(STAYS + 2, 6, "ward-9"), "");
    assert_string_equal(ward_of(STAYS, 0, "ward-3"), "");
}

static void a_day_without_a_zone_is_that_day_anywhere(void **state)
{
    static const struct stay LEFT = {"Location/a", "2026-09-20", "2026-09-21", HERE},
                             GONE = {"Location/a", "2026-09-01", "2026-09-20", HERE};

    (void)state;
    assert_string_equal(ward_of(&LEFT, 1, ""), "a");
    assert_string_equal(ward_of(&GONE, 1, ""), "");
}

static void a_sex_that_is_neither_is_not_unknown(void **state)
{
    Ward__Records__V1__Patient p = WARD__RECORDS__V1__PATIENT__INIT;

    (void)state;
    p.birth_date = text("1949");
    p.gender = WARD__RECORDS__V1__ADMINISTRATIVE_GENDER__ADMINISTRATIVE_GENDER_OTHER;
    facts_patient(&p, &facts);
    assert_int_equal(facts.sex, WARD__DOSAGE__V1__SEX__SEX_OTHER);
    assert_string_equal(facts.birth_date, "1949");
    p.gender = WARD__RECORDS__V1__ADMINISTRATIVE_GENDER__ADMINISTRATIVE_GENDER_UNKNOWN;
    facts_patient(&p, &facts);
    assert_int_equal(facts.sex, WARD__DOSAGE__V1__SEX__SEX_UNSPECIFIED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(the_newest_three_of_a_group_come_first_and_each_once),
        TEST(of_one_moment_the_order_does_not_decide),
        TEST(a_stated_weight_counts_only_where_nobody_measured),
        TEST(only_verified_observations_count),
        TEST(an_observation_with_an_unknown_modifier_does_not_count),
        TEST(values_that_are_no_amounts_do_not_count),
        TEST(an_exponent_is_written_out_and_a_unit_s_words_do_where_there_is_no_code),
        TEST(a_time_is_the_earliest_it_can_mean_and_not_of_tomorrow),
        TEST(a_bound_counts_only_on_its_harmless_side),
        TEST(every_code_is_found_once_and_in_its_group),
        TEST(the_ward_is_the_asker_s_or_the_latest_that_is_open),
        TEST(a_day_without_a_zone_is_that_day_anywhere),
        TEST(a_sex_that_is_neither_is_not_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
