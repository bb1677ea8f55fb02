/* Uninterpreted kinds: import, unchanged export, and extracted values. */
#include "services/records/fhir/fhir_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UUID "01890000-0000-7000-8000-0000000000aa"

static struct ward_arena mem;

static const struct ward_json *parse(const char *text)
{
    const struct ward_json *v = NULL;
    struct ward_err err = {0};

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.msg);
    return v;
}

static const Ward__Records__V1__Other *read(const char *text)
{
    struct ward_err err = {0};
    Resource *res = NULL;

    if (fhir_of_json(&mem, parse(text), NULL, NULL, &res, &err) != WARD_OK)
        fail_msg("%s: %s %s", text, err.field, err.msg);
    assert_int_equal(res->resource_case, WARD__RECORDS__V1__RESOURCE__RESOURCE_OTHER);
    return res->other;
}

static const char *again(const Ward__Records__V1__Other *o)
{
    Resource res = WARD__RECORDS__V1__RESOURCE__INIT;
    struct ward_json_out w = {.mem = &mem};
    const char *text = NULL;

    res.resource_case = WARD__RECORDS__V1__RESOURCE__RESOURCE_OTHER;
    res.other = (Ward__Records__V1__Other *)(uintptr_t)o;
    assert_int_equal(fhir_to_json(&w, &res, NULL), WARD_OK);
    assert_int_equal(ward_json_done(&w, &text, NULL, NULL), WARD_OK);
    return text;
}

static void members_come_out_as_they_went_in(void **state)
{
    const Ward__Records__V1__Other *o = read(
        "{\"resourceType\":\"Claim\",\"id\":\"" UUID "\",\"meta\":{\"source\":\"urn:x\"},"
        "\"patient\":{\"reference\":\"Patient/1\"},\"total\":1.50,\"z\":[null,{},[],-0,1E+3]}");

    (void)state;
    assert_string_equal(o->type, "Claim");
    assert_string_equal(o->id, UUID);
    assert_string_equal(o->meta->source, "urn:x");
    assert_string_equal(o->subject_member, "patient");
    assert_string_equal(o->subject->reference, "Patient/1");
    assert_string_equal(o->json, "{\"total\":1.50,\"z\":[null,{},[],-0,1E+3]}");
    assert_string_equal(again(o), "{\"resourceType\":\"Claim\",\"id\":\"" UUID
                                  "\",\"meta\":{\"source\":\"urn:x\"},\"total\":1.50,"
                                  "\"z\":[null,{},[],-0,1E+3],\"patient\":{\"reference\":"
                                  "\"Patient/1\"}}");
}

static void an_id_of_the_source_s_own_stays(void **state)
{
    const Ward__Records__V1__Other *o =
        read("{\"resourceType\":\"Goal\",\"id\":\"g-1\",\"subject\":{\"reference\":\"x\"}}");

    (void)state;
    assert_string_equal(o->json, "{\"id\":\"g-1\"}");
    assert_string_equal(again(o), "{\"resourceType\":\"Goal\",\"id\":\"g-1\",\"subject\":{"
                                  "\"reference\":\"x\"}}");
    assert_string_equal(again(read("{\"resourceType\":\"Goal\",\"id\":\"" UUID "\"}")),
                        "{\"resourceType\":\"Goal\",\"id\":\"" UUID "\"}");
}

static void what_calls_itself_other_is_no_message_of_ours(void **state)
{
    const Ward__Records__V1__Other *o =
        read("{\"resourceType\":\"Other\",\"type\":\"x\",\"json\":\"y\",\"enteredInError\":"
             "true,\"subjectMember\":1}");

    (void)state;
    assert_string_equal(o->type, "Other");
    assert_false(o->entered_in_error);
    assert_string_equal(o->subject_member, "");
    assert_string_equal(
        o->json, "{\"type\":\"x\",\"json\":\"y\",\"enteredInError\":true,\"subjectMember\":1}");
}

static void the_patient_is_named_by_the_kind_s_own_member(void **state)
{
    static const struct {
        const char *text, *member;
    } rows[] = {
        {"{\"subject\":{\"reference\":\"a\"}}", "subject"},
        {"{\"subject\":{},\"patient\":{}}", "patient"},
        {"{\"beneficiary\":{}}", "beneficiary"},
        {"{\"individual\":{}}", "individual"},
        {"{\"for\":{}}", "for"},
        {"{\"candidate\":{}}", "candidate"},
        {"{\"subject\":[{}],\"patient\":\"x\"}", NULL},
        {"{\"actor\":{}}", NULL},
        {"[]", NULL},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        const struct ward_json *v = fhir_other_whom(parse(rows[i].text));

        if (rows[i].member == NULL)
            assert_null(v);
        else
            assert_string_equal(v->key, rows[i].member);
    }
}

static void what_is_entered_in_error_says_so(void **state)
{
    (void)state;
    assert_true(
        read("{\"resourceType\":\"Flag\",\"status\":\"entered-in-error\"}")->entered_in_error);
    assert_true(read("{\"resourceType\":\"Goal\",\"lifecycleStatus\":\"entered-in-error\"}")
                    ->entered_in_error);
    assert_false(read("{\"resourceType\":\"Flag\",\"status\":[\"entered-in-error\"]}")
                     ->entered_in_error);
}

static void a_kind_is_named_in_letters_with_a_capital(void **state)
{
    static const char *const good[] = {"CarePlan", "X", "Other", "Observation"};
    static const char *const bad[] = {"",       "carePlan", "Care Plan", "Care2",
                                      "Plan/1", "pAtient",  "PATIENT",   "Careplan\n"};
    char longest[65];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(good); i++)
        assert_true(fhir_is_type(good[i]));
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_false(fhir_is_type(bad[i]));
    memset(longest, 'A', sizeof(longest));
    longest[64] = '\0';
    assert_false(fhir_is_type(longest));
    longest[63] = '\0';
    assert_true(fhir_is_type(longest));
}

static void what_nests_too_deep_is_refused(void **state)
{
    char text[256] = "{\"resourceType\":\"Flag\",\"x\":";
    struct ward_err err = {0};
    Resource *res = NULL;
    size_t n = strlen(text);

    (void)state;
    memset(text + n, '[', FHIR_JSON_DEEP);
    memset(text + n + FHIR_JSON_DEEP, ']', FHIR_JSON_DEEP);
    memcpy(text + n + 2 * (size_t)FHIR_JSON_DEEP, "}", 2);
    assert_int_equal(fhir_of_json(&mem, parse(text), NULL, NULL, &res, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "FIELD_INVALID");
    assert_string_equal(err.field, "Flag");
}

static void a_part_that_is_none_is_refused_by_path(void **state)
{
    static const struct {
        const char *text, *field;
    } rows[] = {
        {"{\"resourceType\":\"Flag\",\"meta\":1}", "Flag.meta"},
        {"{\"resourceType\":\"Flag\",\"meta\":{\"security\":{}}}", "Flag.meta.security"},
        {"{\"resourceType\":\"Flag\",\"id\":1}", "Flag.id"},
        {"{\"resourceType\":\"Flag\",\"subject\":{}}", "Flag.subject"},
        {"{\"resourceType\":\"Flag\",\"subject\":{\"reference\":1}}", "Flag.subject.reference"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_err err = {0};
        Resource *res = NULL;

        assert_int_equal(fhir_of_json(&mem, parse(rows[i].text), NULL, NULL, &res, &err),
                         WARD_INVALID_ARGUMENT);
        assert_string_equal(err.field, rows[i].field);
    }
}

static void who_is_named_anywhere_is_the_patient_where_nobody_else_is(void **state)
{
    const Ward__Records__V1__Other *o =
        read("{\"resourceType\":\"Account\",\"subject\":[{\"reference\":\"Patient/1\"}],"
             "\"owner\":{\"reference\":\"Organization/1\"},\"x\":\"Patient/2\"}");

    (void)state;
    assert_string_equal(o->subject->reference, "Patient/1");
    assert_string_equal(o->subject_member, "");
    assert_string_equal(o->json, "{\"subject\":[{\"reference\":\"Patient/1\"}],\"owner\":{"
                                 "\"reference\":\"Organization/1\"},\"x\":\"Patient/2\"}");
    assert_string_equal(again(o), "{\"resourceType\":\"Account\",\"subject\":[{\"reference\":"
                                  "\"Patient/1\"}],\"owner\":{\"reference\":"
                                  "\"Organization/1\"},\"x\":\"Patient/2\"}");
    assert_null(read("{\"resourceType\":\"Account\",\"subject\":[{\"reference\":\"Patient/1\"},"
                     "{\"reference\":\"Patient/2\"}]}")
                    ->subject);
}

static void what_is_nobodys_is_of_such_a_kind_and_names_no_patient(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } rows[] = {
        {"{\"resourceType\":\"HealthcareService\",\"id\":\"" UUID "\"}", true},
        {"{\"resourceType\":\"Medication\",\"code\":{\"text\":\"Patient\\u0020x\"}}", true},
        {"{\"resourceType\":\"Device\",\"owner\":{\"reference\":\"Organization/1\"}}", true},
        {"{\"resourceType\":\"CarePlan\",\"status\":\"active\"}", false},
        {"{\"resourceType\":\"Location\",\"x\":[{\"y\":\"Patient/1\"}]}", false},
        {"{\"resourceType\":\"Location\",\"a\":{\"reference\":\"Patient/1\"},\"b\":{"
         "\"reference\":\"Patient/2\"}}",
         false},
        {"{\"resourceType\":\"Location\",\"x\":\"Patient?identifier=1\"}", false},
        {"{\"resourceType\":\"Location\",\"x\":\"http://h/Patient/1\"}", false},
        {"{\"resourceType\":\"Location\",\"contained\":[{\"resourceType\":\"Patient\"}]}",
         false},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_err err = {0};
        Resource *res = NULL;
        bool is;

        assert_int_equal(fhir_of_json(&mem, parse(rows[i].text), NULL, NULL, &res, &err),
                         WARD_OK);
        is = fhir_check(&mem, res, &err) == WARD_OK;
        if (is != rows[i].is)
            fail_msg("%s", rows[i].text);
        if (!is)
            assert_string_equal(err.reason, "REFERENCE_INVALID");
    }
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_out_as_they_went_in),
        cmocka_unit_test(an_id_of_the_source_s_own_stays),
        cmocka_unit_test(what_calls_itself_other_is_no_message_of_ours),
        cmocka_unit_test(the_patient_is_named_by_the_kind_s_own_member),
        cmocka_unit_test(what_is_entered_in_error_says_so),
        cmocka_unit_test(a_kind_is_named_in_letters_with_a_capital),
        cmocka_unit_test(what_nests_too_deep_is_refused),
        cmocka_unit_test(a_part_that_is_none_is_refused_by_path),
        cmocka_unit_test(who_is_named_anywhere_is_the_patient_where_nobody_else_is),
        cmocka_unit_test(what_is_nobodys_is_of_such_a_kind_and_names_no_patient),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
