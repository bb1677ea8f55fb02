/* The index of prescriptions, procedures, vaccinations and requests: tokens and dates. */
#include "services/records/index/index_testing.h"

#define CODE(name, code) "\"" name "\":{\"coding\":[{\"system\":\"s\",\"code\":\"" code "\"}]}"
#define REF(name, to)    "\"" name "\":{\"reference\":\"" to "\"}"
#define REFS(name, to)   "\"" name "\":[{\"reference\":\"" to "\"}]"
#define MANY(name, code)                                                                       \
    "\"" name "\":[{\"coding\":[{\"system\":\"s\",\"code\":\"" code "\"}]}]"
#define VISIT    REF("encounter", "Encounter/01890000-0000-7000-8000-0000000000ee")
#define VISIT_ID "|01890000-0000-7000-8000-0000000000ee"

struct row {
    enum param param;
    const char *text;
    bool is;
};

static void expect(const struct found_by *f, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct token t = {.param = rows[i].param};
        bool is = false;

        assert_int_equal(
            param_hash(keys, t.param, rows[i].text, strlen(rows[i].text), t.hash, NULL),
            WARD_OK);
        for (size_t k = 0; k < f->n_tokens; k++)
            is = is || token_cmp(&f->token[k], &t) == 0;
        if (is != rows[i].is)
            fail_msg("%s", rows[i].text);
    }
    assert_true(f->has_encounter);
    assert_int_equal(f->encounter[RECORDS_ID - 1], 0xee);
}

static void a_prescription(void **state)
{
    static const struct row rows[] = {
        {PARAM_CODE, "s|drug", true},          {PARAM_CATEGORY, "s|cat", true},
        {PARAM_REASON, "s|why", true},         {PARAM_TYPE, "|filler-order", true},
        {PARAM_SEVERITY, "|stat", true},       {PARAM_REFERENCE, VISIT_ID, true},
        {PARAM_REFERENCE, "|Device/1", true},  {PARAM_REFERENCE, "|CarePlan/1", true},
        {PARAM_IDENTIFIER, "urn:rx|17", true}, {PARAM_CODE, "s|why", false},
        {PARAM_REFERENCE, "|Group/1", true},   {PARAM_REFERENCE, "|Flag/1", true},
    };
    struct found_by f =
        found(
            "{\"resourceType\":\"MedicationRequest\",\"status\":\"stopped\",\"intent\":"
            "\"filler-order\",\"priority\":\"stat\"," PATIENT "," VISIT
            "," CODE("medicationCodeableConcept", "drug") "," MANY("category", "cat") "," MANY("reasonCode", "why") "," REF(
                "requester",
                "Device/1") "," REFS("basedOn",
                                     "CarePlan/1") "," REF("performer",
                                                           "Group/1") "," REFS("reasonReferenc"
                                                                               "e",
                                                                               "Flag/1") ",\"id"
                                                                                         "entif"
                                                                                         "ier\""
                                                                                         ":[{"
                                                                                         "\"sys"
                                                                                         "tem\""
                                                                                         ":\"ur"
                                                                                         "n:"
                                                                                         "rx\","
                                                                                         "\"val"
                                                                                         "ue\":"
                                                                                         "\"17"
                                                                                         "\"}],"
                                                                                         "\"aut"
                                                                                         "hored"
                                                                                         "On\":"
                                                                                         "\"202"
                                                                                         "6-02-"
                                                                                         "27\""
                                                                                         "}");

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
    assert_int_equal(f.kind, KIND_PRESCRIPTION);
    assert_int_equal(f.status, WARD__RECORDS__V1__MEDICATION_REQUEST__STATUS__STATUS_STOPPED);
    assert_true(f.from_us == DAY(2026, 2, 27) && f.to_us == DAY(2026, 2, 28));
    assert_int_equal(f.labels, LABEL_UNKNOWN); /* the code's system is unrecognized */
}

static void a_medicine_that_a_reference_names(void **state)
{
    static const struct row rows[] = {{PARAM_REFERENCE, "|Medication/1", true}};
    struct found_by f =
        found("{\"resourceType\":\"MedicationRequest\",\"status\":\"active\",\"intent\":"
              "\"plan\"," PATIENT "," VISIT "," REF("medicationReference", "Medication/1") "}");

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
    assert_int_equal(f.labels, 0);
    assert_true(f.from_us == NO_DATE);
}

static void a_procedure(void **state)
{
    static const struct row rows[] = {
        {PARAM_CODE, "s|cut", true},
        {PARAM_CATEGORY, "s|cat", true},
        {PARAM_REASON, "s|why", true},
        {PARAM_REFERENCE, "|Practitioner/1", true},
        {PARAM_REFERENCE, "|Location/1", true},
        {PARAM_REFERENCE, "|Flag/1", true},
    };
    struct found_by f =
        found(
            "{\"resourceType\":\"Procedure\",\"status\":\"completed\"," PATIENT "," VISIT
            "," CODE("code", "cut") "," CODE("category", "cat") "," MANY("reasonCode", "why") ",\"performer\":[{" REF(
                "actor",
                "Practitioner/1") "}]," REF("location",
                                            "Location/1") "," REFS("report",
                                                                   "Flag/1") ",\"performedPerio"
                                                                             "d\":{\"start\":"
                                                                             "\"2026-03-01\","
                                                                             "\"end\":"
                                                                             "\"2026-03-02\"}"
                                                                             "}");

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
    assert_true(f.from_us == DAY(2026, 3, 1) && f.to_us == DAY(2026, 3, 3));
    f = found("{\"resourceType\":\"Procedure\",\"status\":\"completed\"," PATIENT
              ",\"performedString\":\"as a child\"}");
    assert_true(f.from_us == NO_DATE && !f.has_encounter);
    f = found("{\"resourceType\":\"Procedure\",\"status\":\"entered-in-error\"," PATIENT
              ",\"performedDateTime\":\"2026\"}");
    assert_true(f.from_us == DAY(2026, 1, 1) && f.wrong);
}

static void a_vaccine(void **state)
{
    static const struct row rows[] = {
        {PARAM_CODE, "s|flu", true},
        {PARAM_REASON, "s|why", true},
        {PARAM_REFERENCE, "|Practitioner/1", true},
        {PARAM_REFERENCE, "|Organization/1", true},
        {PARAM_REFERENCE, "|Observation/x", true},
    };
    struct found_by f = found(
        "{\"resourceType\":\"Immunization\",\"status\":\"completed\"," WHOSE "," VISIT
        "," CODE("vaccineCode", "flu") "," MANY("reasonCode", "why") ",\"performer\":[{" REF(
            "actor",
            "Practitioner/1") "}]," REF("manufacturer",
                                        "Organization/1") ",\"reaction\":[{" REF("detail",
                                                                                 "Observation/"
                                                                                 "x") "}],"
                                                                                      "\"occurr"
                                                                                      "enceDate"
                                                                                      "Time\":"
                                                                                      "\"2025-"
                                                                                      "10-02\","
                                                                                      "\"record"
                                                                                      "ed\":"
                                                                                      "\"2025-"
                                                                                      "10-"
                                                                                      "03\"}");

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
    assert_true(f.from_us == DAY(2025, 10, 2));
    assert_true(f.has_second && f.from2_us == DAY(2025, 10, 3));
}

static void a_request(void **state)
{
    static const struct row rows[] = {
        {PARAM_CODE, "s|ct", true},
        {PARAM_CATEGORY, "s|cat", true},
        {PARAM_TYPE, "|option", true},
        {PARAM_SEVERITY, "|routine", true},
        {PARAM_REFERENCE, "|Practitioner/1", true},
        {PARAM_REFERENCE, "|ServiceRequest/x", true},
        {PARAM_REFERENCE, "|Specimen/1", true},
    };
    struct found_by f = found(
        "{\"resourceType\":\"ServiceRequest\",\"status\":\"active\",\"intent\":\"option\","
        "\"priority\":\"routine\"," PATIENT "," VISIT
        "," CODE("code", "ct") "," MANY("category", "cat") "," REF(
            "requester",
            "Practitioner/"
            "1") "," REFS("replaces",
                          "ServiceRequest/x") "," REFS("specimen",
                                                       "Specimen/1") ",\"authoredOn\":\"2026-"
                                                                     "03-01\","
                                                                     "\"occurrencePeriod\":{"
                                                                     "\"start\":\"2026-"
                                                                     "03-02\"}}");

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
    assert_true(f.from_us == DAY(2026, 3, 1));
    assert_true(f.has_second && f.from2_us == DAY(2026, 3, 2) && f.to2_us == DATE_OPEN);
    f = found("{\"resourceType\":\"ServiceRequest\",\"status\":\"active\",\"intent\":"
              "\"order\"," PATIENT ",\"occurrenceTiming\":{\"event\":[\"2026\"]}}");
    assert_false(f.has_second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_prescription), cmocka_unit_test(a_medicine_that_a_reference_names),
        cmocka_unit_test(a_procedure),    cmocka_unit_test(a_vaccine),
        cmocka_unit_test(a_request),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
