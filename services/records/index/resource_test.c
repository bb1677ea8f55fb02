/* References, ids, and the effect of marking each kind as entered in error. */
#include "services/records/fhir/fhir.h"
#include "services/records/store/rpc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define SUBJECT "\"subject\":{\"reference\":\"Patient/01890000-0000-7000-8000-0000000000aa\"}"
#define OWNER   "\"patient\":{\"reference\":\"urn:uuid:01890000-0000-7000-8000-0000000000aa\"}"

static struct ward_arena mem;

static Resource *read(const char *text)
{
    const struct ward_json *v = NULL;
    struct ward_err err = {0};
    Resource *res = NULL;

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, &err) != WARD_OK ||
        fhir_of_json(&mem, v, NULL, NULL, &res, &err) != WARD_OK)
        fail_msg("%s: %s %s", text, err.field, err.msg);
    return res;
}

static void references_are_ours_or_any_text(void **state)
{
    static const struct {
        const char *text;
        bool is;
        enum kind kind;
    } rows[] = {
        {"Patient/01890000-0000-7000-8000-0000000000aa", true, KIND_PATIENT},
        {"DiagnosticReport/01890000-0000-7000-8000-0000000000aa", true, KIND_REPORT},
        {"urn:uuid:01890000-0000-7000-8000-0000000000aa", true, KIND_NONE},
        {"", false, KIND_NONE},
        {"Patient/", false, KIND_NONE},
        {"Patient", false, KIND_NONE},
        {"Patient/1", false, KIND_NONE},
        {"patient/01890000-0000-7000-8000-0000000000aa", false, KIND_NONE},
        {"Practitioner/01890000-0000-7000-8000-0000000000aa", false, KIND_NONE},
        {"Patient/01890000-0000-7000-8000-0000000000aa/_history/1", false, KIND_NONE},
        {"http://x/Patient/01890000-0000-7000-8000-0000000000aa", false, KIND_NONE},
        {"/01890000-0000-7000-8000-0000000000aa", false, KIND_NONE},
        {"#p1", false, KIND_NONE},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        enum kind kind = KIND_NONE;
        uint8_t id[RECORDS_ID];

        assert_int_equal(reference_parse(rows[i].text, &kind, id), rows[i].is);
        if (rows[i].is) {
            assert_int_equal(kind, rows[i].kind);
            assert_int_equal(id[RECORDS_ID - 1], 0xaa);
        }
    }
}

static void kinds_have_their_names_and_nothing_else_is_one(void **state)
{
    (void)state;
    for (enum kind k = KIND_PATIENT; k < KINDS; k++)
        if (k != KIND_OTHER)
            assert_int_equal(kind_of_name(kind_name(k)), k);
    assert_int_equal(kind_of_name(""), KIND_NONE);
    assert_int_equal(kind_of_name("Medication"), KIND_NONE);
    assert_int_equal(kind_of_name("Other"), KIND_NONE);
    assert_string_equal(kind_name(KIND_NONE), "");
    assert_string_equal(kind_name(KINDS), "");
}

static const struct {
    enum kind kind;
    const char *text;
} examples[] = {
    {KIND_ENCOUNTER, "{\"resourceType\":\"Encounter\",\"status\":\"finished\"," SUBJECT "}"},
    {KIND_OBSERVATION, "{\"resourceType\":\"Observation\",\"status\":\"final\"," SUBJECT "}"},
    {KIND_CONDITION, "{\"resourceType\":\"Condition\",\"clinicalStatus\":{\"text\":\"active\"},"
                     "\"extension\":[{\"url\":\"urn:x\",\"valueBoolean\":true}]," SUBJECT "}"},
    {KIND_ALLERGY,
     "{\"resourceType\":\"AllergyIntolerance\",\"clinicalStatus\":{\"text\":\"a\"}," OWNER "}"},
    {KIND_DOCUMENT,
     "{\"resourceType\":\"DocumentReference\",\"status\":\"current\"," SUBJECT "}"},
    {KIND_REPORT, "{\"resourceType\":\"DiagnosticReport\",\"status\":\"final\"," SUBJECT "}"},
    {KIND_MEDICATION,
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\"," SUBJECT "}"},
    {KIND_PRESCRIPTION,
     "{\"resourceType\":\"MedicationRequest\",\"status\":\"active\"," SUBJECT "}"},
    {KIND_PROCEDURE, "{\"resourceType\":\"Procedure\",\"status\":\"completed\"," SUBJECT "}"},
    {KIND_IMMUNIZATION,
     "{\"resourceType\":\"Immunization\",\"status\":\"completed\"," OWNER "}"},
    {KIND_SERVICE, "{\"resourceType\":\"ServiceRequest\",\"status\":\"active\"," SUBJECT "}"},
    {KIND_CONSENT, "{\"resourceType\":\"Consent\",\"status\":\"active\"," OWNER "}"},
};

static void each_kind_is_about_its_patient(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(examples); i++) {
        Resource *res = read(examples[i].text);
        uint8_t id[RECORDS_ID] = {0};

        assert_int_equal(resource_kind(res), examples[i].kind);
        assert_int_equal(resource_patient(res, id, NULL), WARD_OK);
        assert_int_equal(id[RECORDS_ID - 1], 0xaa);
        assert_string_equal(resource_id(res), "");
        resource_set_id(res, api_text("an id"));
        assert_string_equal(resource_id(res), "an id");
    }
}

static void what_concerns_no_patient_is_of_nobody(void **state)
{
    static const char *const texts[] = {"Practitioner", "Organization", "Location"};
    static const char *const names[] = {"[{\"text\":\"x\"}]", "\"x\"", "\"x\""};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        Resource *res = read(
            ward_printf(&mem, "{\"resourceType\":\"%s\",\"name\":%s}", texts[i], names[i]));
        uint8_t id[RECORDS_ID];
        const char *field;

        assert_true(kind_is_nobodys(resource_kind(res)));
        assert_int_equal(kind_of_chart(texts[i]), KIND_NONE);
        assert_null(resource_subject(res, &field));
        assert_int_equal(resource_patient(res, id, NULL), WARD_INVALID_ARGUMENT);
        assert_false(resource_is_wrong(res));
        resource_set_id(res, api_text("an id"));
        assert_string_equal(resource_id(res), "an id");
    }
    assert_false(kind_is_nobodys(KIND_NONE));
    assert_false(kind_is_nobodys(KIND_OTHER));
    assert_int_equal(kind_of_chart("Observation"), KIND_OBSERVATION);
}

static void a_reference_that_is_no_patient_is_refused_by_its_element(void **state)
{
    struct ward_err err = {0};
    uint8_t id[RECORDS_ID];

    (void)state;
    assert_int_equal(resource_patient(read("{\"resourceType\":\"Observation\",\"subject\":"
                                           "{\"reference\":\"Group/1\"}}"),
                                      id, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "Observation.subject.reference");
    assert_string_equal(err.reason, "REFERENCE_INVALID");
    err = (struct ward_err){0};
    assert_int_equal(
        resource_patient(read("{\"resourceType\":\"AllergyIntolerance\"}"), id, &err),
        WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "AllergyIntolerance.patient.reference");
}

static void entering_in_error_sets_the_status_and_keeps_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(examples); i++) {
        Resource *res = read(examples[i].text);
        struct ward_err err = {0};

        assert_false(resource_is_wrong(res));
        assert_int_equal(mark_wrong(&mem, res, "the wrong patient", &err), WARD_OK);
        assert_true(resource_is_wrong(res));
    }
}

static void what_was_there_stays_but_for_a_clinical_status(void **state)
{
    Resource *res = read(examples[2].text);
    const Ward__Records__V1__Condition *c = res->condition;
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(mark_wrong(&mem, res, "why", &err), WARD_OK);
    assert_null(c->clinical_status);
    assert_int_equal(c->n_extension, 2);
    assert_string_equal(c->extension[0]->url, "urn:x");
    assert_string_equal(c->extension[1]->url, REASON_URL);
    assert_string_equal(c->extension[1]->value_string, "why");
}

static void a_patient_is_not_entered_in_error(void **state)
{
    Resource *res = read("{\"resourceType\":\"Patient\"}");
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(mark_wrong(&mem, res, "why", &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "kind");
    assert_false(resource_is_wrong(res));
}

static int begin(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)16 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_ours_or_any_text),
        cmocka_unit_test(kinds_have_their_names_and_nothing_else_is_one),
        cmocka_unit_test(each_kind_is_about_its_patient),
        cmocka_unit_test(what_concerns_no_patient_is_of_nobody),
        cmocka_unit_test(a_reference_that_is_no_patient_is_refused_by_its_element),
        cmocka_unit_test(entering_in_error_sets_the_status_and_keeps_the_reason),
        cmocka_unit_test(what_was_there_stays_but_for_a_clinical_status),
        cmocka_unit_test(a_patient_is_not_entered_in_error),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
