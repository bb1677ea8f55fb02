/* Resources that fhir_check must reject, and resources that it must accept. */
#include "services/records/fhir/fhir_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define UCUM          "\"system\":\"http://unitsofmeasure.org\""
#define TERMS         "http://terminology.hl7.org/CodeSystem/"
#define WHO           "\"subject\":{\"reference\":\"Patient/x\"}"
#define PATIENT(rest) "{\"resourceType\":\"Patient\"," rest "}"
#define OBSERVATION(rest)                                                                      \
    "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"coding\":[{"           \
    "\"system\":\"http://loinc.org\",\"code\":\"8867-4\"}]}," WHO rest "}"
#define CONDITION(rest) "{\"resourceType\":\"Condition\"," WHO rest "}"
#define CLINICAL(code)                                                                         \
    ",\"clinicalStatus\":{\"coding\":[{\"system\":\"" TERMS                                    \
    "condition-clinical\",\"code\":\"" code "\"}]}"
#define VERIFICATION(code)                                                                     \
    ",\"verificationStatus\":{\"coding\":[{\"system\":\"" TERMS                                \
    "condition-ver-status\",\"code\":\"" code "\"}]}"
#define ALLERGY(rest)                                                                          \
    "{\"resourceType\":\"AllergyIntolerance\",\"patient\":{\"reference\":\"Patient/x\"}" rest  \
    "}"
#define ENCOUNTER(rest)                                                                        \
    "{\"resourceType\":\"Encounter\",\"status\":\"planned\",\"class\":{\"code\":\"AMB\"}," WHO \
        rest "}"

struct example {
    const char *text, *reason, *field; /* reason NULL: the resource is valid */
};

static struct ward_arena mem;

static int open_mem(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)64 << 20);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static Resource *read(const char *text)
{
    const struct ward_json *v = NULL;
    struct ward_err err = {0};
    Resource *res = NULL;

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, &err) != WARD_OK ||
        fhir_of_json(&mem, v, NULL, NULL, &res, &err) != WARD_OK)
        fail_msg("%s: %s %s %s", text, err.reason, err.field, err.msg);
    return res;
}

static void all(const struct example *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ward_err err = {0};
        enum ward_code code = fhir_check(&mem, read(e[i].text), &err);

        if (e[i].reason == NULL && code != WARD_OK)
            fail_msg("%s: %s %s %s", e[i].text, err.reason, err.field, err.msg);
        if (e[i].reason != NULL &&
            (code != WARD_INVALID_ARGUMENT || strcmp(err.reason, e[i].reason) != 0 ||
             strcmp(err.field, e[i].field) != 0))
            fail_msg("%s: %d %s %s %s", e[i].text, code, err.reason, err.field, err.msg);
        ward_arena_reset(&mem);
    }
}

static void what_must_be_there_is_asked_for(void **state)
{
    static const struct example EXAMPLES[] = {
        {PATIENT("\"active\":true"), NULL, ""},
        {"{\"resourceType\":\"Patient\"}", "FIELD_INVALID", "Patient"},
        {OBSERVATION(""), NULL, ""},
        {"{\"resourceType\":\"Observation\",\"status\":\"final\"," WHO "}", "FIELD_REQUIRED",
         "Observation.code"},
        {"{\"resourceType\":\"Observation\",\"code\":{\"text\":\"x\"}," WHO "}",
         "FIELD_REQUIRED", "Observation.status"},
        {"{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"}}",
         "FIELD_REQUIRED", "Observation.subject"},
        {OBSERVATION(",\"component\":[{\"valueString\":\"x\"}]"), "FIELD_REQUIRED",
         "Observation.component[0].code"},
        {ENCOUNTER(""), NULL, ""},
        {"{\"resourceType\":\"Encounter\",\"status\":\"planned\"," WHO "}", "FIELD_REQUIRED",
         "Encounter.class"},
        {ENCOUNTER(",\"location\":[{\"status\":\"active\"}]"), "FIELD_REQUIRED",
         "Encounter.location[0].location"},
        {"{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"}}", "FIELD_REQUIRED",
         "Condition.subject"},
        {"{\"resourceType\":\"DocumentReference\",\"status\":\"current\"," WHO "}",
         "FIELD_REQUIRED", "DocumentReference.content"},
        {"{\"resourceType\":\"DocumentReference\",\"status\":\"current\"," WHO
         ",\"content\":[{\"format\":{\"code\":\"x\"}}]}",
         "FIELD_REQUIRED", "DocumentReference.content[0].attachment"},
        {"{\"resourceType\":\"Consent\",\"status\":\"active\",\"scope\":{\"text\":\"x\"},"
         "\"patient\":{\"reference\":\"Patient/x\"}}",
         "FIELD_REQUIRED", "Consent.category"},
        {ALLERGY(VERIFICATION("x") CLINICAL("active") ",\"reaction\":[{\"onset\":\"2019\"}]"),
         "FIELD_REQUIRED", "AllergyIntolerance.reaction[0].manifestation"},
        {PATIENT("\"communication\":[{\"preferred\":true}]"), "FIELD_REQUIRED",
         "Patient.communication[0].language"},
        {PATIENT("\"text\":{\"status\":\"empty\"}"), "FIELD_REQUIRED", "Patient.text.div"},
        {PATIENT("\"extension\":[{\"valueCode\":\"x\"}]"), "FIELD_REQUIRED",
         "Patient.extension[0].url"},
    };

    (void)state;
    all(EXAMPLES, WARD_COUNT(EXAMPLES));
}

static void texts_are_what_their_type_says(void **state)
{
    static const struct example EXAMPLES[] = {
        {PATIENT("\"id\":\"aa0b29d0-6916-4fb7-85f0-6e42370dd5fa\""), NULL, ""},
        {PATIENT("\"id\":\"p1\""), "FIELD_INVALID", "Patient.id"},
        {PATIENT("\"birthDate\":\"1949\""), NULL, ""},
        {PATIENT("\"birthDate\":\"1949-02-30\""), "DATE_IMPOSSIBLE", "Patient.birthDate"},
        {PATIENT("\"birthDate\":\"02/03/1949\""), "FIELD_INVALID", "Patient.birthDate"},
        {PATIENT("\"birthDate\":\"1949-02-03T00:00:00Z\""), "FIELD_INVALID",
         "Patient.birthDate"},
        {PATIENT("\"deceasedDateTime\":\"2019-04-23T09:21:52\""), "FIELD_INVALID",
         "Patient.deceasedDateTime"},
        {PATIENT("\"deceasedDateTime\":\"2019-04-23T24:00:00Z\""), "DATE_IMPOSSIBLE",
         "Patient.deceasedDateTime"},
        {OBSERVATION(",\"issued\":\"2019-04-23\""), "FIELD_INVALID", "Observation.issued"},
        {OBSERVATION(",\"valueTime\":\"25:00:00\""), "DATE_IMPOSSIBLE",
         "Observation.valueTime"},
        {PATIENT("\"language\":\"en \""), "FIELD_INVALID", "Patient.language"},
        {PATIENT("\"language\":\"e  n\""), "FIELD_INVALID", "Patient.language"},
        {PATIENT("\"language\":\"e n\""), NULL, ""},
        {PATIENT("\"implicitRules\":\"http://a b\""), "FIELD_INVALID", "Patient.implicitRules"},
        {PATIENT("\"name\":[{\"family\":\"a\\tb\\r\\nc\"}]"), NULL, ""},
        {PATIENT("\"name\":[{\"family\":\"a\\u0007\"}]"), "FIELD_INVALID",
         "Patient.name[0].family"},
        {PATIENT("\"name\":[{\"family\":\"\\u007f\"}]"), "FIELD_INVALID",
         "Patient.name[0].family"},
        {PATIENT("\"extension\":[{\"url\":\"u\",\"valueId\":\"a_b\"}]"), "FIELD_INVALID",
         "Patient.extension[0].valueId"},
        {PATIENT("\"extension\":[{\"url\":\"u\",\"valueDecimal\":1e2000}]"), "DECIMAL_INVALID",
         "Patient.extension[0].valueDecimal"},
        {ENCOUNTER(",\"diagnosis\":[{\"condition\":{\"display\":\"x\"},\"rank\":0}]"),
         "FIELD_INVALID", "Encounter.diagnosis[0].rank"},
    };

    (void)state;
    all(EXAMPLES, WARD_COUNT(EXAMPLES));
}

static void quantities_are_checked(void **state)
{
    static const struct example EXAMPLES[] = {
        {OBSERVATION(",\"valueQuantity\":{\"value\":1.10,\"unit\":\"mmHg\"," UCUM
                     ",\"code\":\"mm[Hg]\"}"),
         NULL, ""},
        {OBSERVATION(",\"valueQuantity\":{\"value\":1," UCUM ",\"code\":\"mmHg\"}"),
         "UNIT_INVALID", "Observation.valueQuantity.code"},
        {OBSERVATION(",\"valueQuantity\":{\"value\":1," UCUM ",\"code\":\"(score)\"}"),
         "UNIT_INVALID", "Observation.valueQuantity.code"},
        {OBSERVATION(",\"valueQuantity\":{\"value\":1,\"system\":\"urn:x\",\"code\":\"??\"}"),
         NULL, ""},
        /* qty-3 */
        {OBSERVATION(",\"valueQuantity\":{\"value\":1,\"code\":\"mg\"}"), "FIELD_REQUIRED",
         "Observation.valueQuantity.system"},
        {OBSERVATION(",\"valueQuantity\":{\"value\":1,\"comparator\":\"<=\"}"), NULL, ""},
        {OBSERVATION(",\"valueQuantity\":{\"value\":1,\"comparator\":\"~\"}"), "CODE_UNKNOWN",
         "Observation.valueQuantity.comparator"},
        /* rng-2, sqt-1 */
        {OBSERVATION(",\"valueRange\":{\"low\":{\"value\":1.0},\"high\":{\"value\":1}}"), NULL,
         ""},
        {OBSERVATION(",\"valueRange\":{\"low\":{\"value\":1.1},\"high\":{\"value\":1}}"),
         "FIELD_INVALID", "Observation.valueRange.low"},
        {OBSERVATION(",\"valueRange\":{\"low\":{\"value\":1,\"comparator\":\"<\"}}"),
         "FIELD_INVALID", "Observation.valueRange.low"},
        /* age-1 */
        {CONDITION(",\"onsetAge\":{\"value\":5," UCUM ",\"code\":\"a\"}"), NULL, ""},
        {CONDITION(",\"onsetAge\":{\"value\":5}"), "FIELD_REQUIRED", "Condition.onsetAge.code"},
        {CONDITION(",\"onsetAge\":{\"value\":0.0," UCUM ",\"code\":\"a\"}"), "FIELD_INVALID",
         "Condition.onsetAge.value"},
        {CONDITION(",\"onsetAge\":{\"value\":5," UCUM ",\"code\":\"kg\"}"), "UNIT_INVALID",
         "Condition.onsetAge.code"},
        /* drt-1 */
        {ENCOUNTER(",\"length\":{\"value\":90," UCUM ",\"code\":\"min\"}"), NULL, ""},
        {ENCOUNTER(",\"length\":{\"value\":90,\"system\":\"urn:x\",\"code\":\"min\"}"),
         "FIELD_INVALID", "Encounter.length.system"},
    };

    (void)state;
    all(EXAMPLES, WARD_COUNT(EXAMPLES));
}

static void the_invariants_of_types_hold(void **state)
{
    static const struct example EXAMPLES[] = {
        /* ext-1 */
        {PATIENT("\"extension\":[{\"url\":\"u\"}]"), "FIELD_INVALID", "Patient.extension[0]"},
        {PATIENT("\"extension\":[{\"url\":\"u\",\"valueDosage\":{\"text\":\"x\"}}]"), NULL, ""},
        {PATIENT("\"extension\":[{\"url\":\"u\",\"valueCode\":\"x\",\"extension\":[{\"url\":"
                 "\"v\",\"valueCode\":\"y\"}]}]"),
         "FIELD_INVALID", "Patient.extension[0]"},
        /* txt-1 */
        {PATIENT("\"text\":{\"status\":\"generated\",\"div\":\"x\"}"), "FIELD_INVALID",
         "Patient.text.div"},
        /* per-1 */
        {ENCOUNTER(",\"period\":{\"start\":\"2012\",\"end\":\"2012\"}"), NULL, ""},
        {ENCOUNTER(",\"period\":{\"start\":\"2012-05-03\",\"end\":\"2012-05\"}"), NULL, ""},
        {ENCOUNTER(",\"period\":{\"start\":\"2012-05-03T08:00:00+08:00\",\"end\":"
                   "\"2012-05-02T23:59:59-05:00\"}"),
         NULL, ""},
        {ENCOUNTER(",\"period\":{\"start\":\"2013\",\"end\":\"2012\"}"), "FIELD_INVALID",
         "Encounter.period"},
        /* rat-1 */
        {OBSERVATION(",\"valueRatio\":{\"numerator\":{\"value\":1}}"), "FIELD_INVALID",
         "Observation.valueRatio"},
        /* cpt-2 */
        {PATIENT("\"telecom\":[{\"value\":\"1\"}]"), "FIELD_REQUIRED",
         "Patient.telecom[0].system"},
        /* att-1 */
        {PATIENT("\"photo\":[{\"data\":\"AAAA\"}]"), "FIELD_REQUIRED",
         "Patient.photo[0].contentType"},
        /* ref-1 */
        {PATIENT("\"managingOrganization\":{\"reference\":\"#o\"}"), "REFERENCE_INVALID",
         "Patient.managingOrganization.reference"},
        {PATIENT("\"managingOrganization\":{\"reference\":\"#o\"},\"contained\":[{\"id\":"
                 "\"o\",\"resourceType\":\"Organization\"}]"),
         NULL, ""},
        /* ele-1 is tested below, because parsed JSON never has an empty element */
    };

    (void)state;
    all(EXAMPLES, WARD_COUNT(EXAMPLES));
}

static void the_invariants_of_resources_hold(void **state)
{
    static const struct example EXAMPLES[] = {
        /* pat-1 */
        {PATIENT("\"contact\":[{\"gender\":\"male\"}]"), "FIELD_INVALID", "Patient.contact[0]"},
        {PATIENT("\"contact\":[{\"name\":{\"text\":\"x\"}}]"), NULL, ""},
        /* obs-3 */
        {OBSERVATION(",\"referenceRange\":[{\"type\":{\"text\":\"x\"}}]"), "FIELD_INVALID",
         "Observation.referenceRange[0]"},
        /* obs-6 */
        {OBSERVATION(",\"dataAbsentReason\":{\"text\":\"x\"}"), NULL, ""},
        {OBSERVATION(",\"dataAbsentReason\":{\"text\":\"x\"},\"valueBoolean\":false"),
         "FIELD_INVALID", "Observation.dataAbsentReason"},
        /* obs-7 */
        {OBSERVATION(",\"valueString\":\"x\",\"component\":[{\"code\":{\"coding\":[{\"system\":"
                     "\"http://loinc.org\",\"code\":\"8867-4\"}]}}]"),
         "FIELD_INVALID", "Observation"},
        {OBSERVATION(",\"component\":[{\"code\":{\"coding\":[{\"system\":"
                     "\"http://loinc.org\",\"code\":\"8867-4\"}]}}]"),
         NULL, ""},
        /* con-1, con-2 */
        {CONDITION(",\"stage\":[{\"type\":{\"text\":\"x\"}}]"), "FIELD_INVALID",
         "Condition.stage[0]"},
        {CONDITION(",\"evidence\":[{\"id\":\"x\"}]"), "FIELD_INVALID", "Condition.evidence[0]"},
        /* con-4 */
        {CONDITION(CLINICAL("resolved") ",\"abatementString\":\"x\""), NULL, ""},
        {CONDITION(CLINICAL("active") ",\"abatementString\":\"x\""), "FIELD_INVALID",
         "Condition.clinicalStatus"},
        {CONDITION(",\"abatementString\":\"x\""), "FIELD_INVALID", "Condition.clinicalStatus"},
        /* con-5 */
        {CONDITION(VERIFICATION("entered-in-error") ",\"abatementString\":\"x\""), NULL, ""},
        {CONDITION(VERIFICATION("entered-in-error") CLINICAL("active")), "FIELD_INVALID",
         "Condition.clinicalStatus"},
        /* con-3 is a guideline of FHIR and is not enforced */
        {CONDITION(VERIFICATION("confirmed")), NULL, ""},
        /* ait-1, ait-2 */
        {ALLERGY(",\"clinicalStatus\":{\"text\":\"x\"}"), NULL, ""},
        {ALLERGY(",\"code\":{\"text\":\"x\"}"), "FIELD_REQUIRED",
         "AllergyIntolerance.clinicalStatus"},
        {ALLERGY(",\"clinicalStatus\":{\"text\":\"x\"},\"verificationStatus\":{\"coding\":[{"
                 "\"system\":\"" TERMS "allergyintolerance-verification\",\"code\":"
                 "\"entered-in-error\"}]}"),
         "FIELD_INVALID", "AllergyIntolerance.clinicalStatus"},
        /* ppc-1 */
        {"{\"resourceType\":\"Consent\",\"status\":\"active\",\"scope\":{\"text\":\"x\"},"
         "\"category\":[{\"text\":\"x\"}],\"patient\":{\"reference\":\"Patient/x\"}}",
         "FIELD_REQUIRED", "Consent.policyRule"},
    };

    (void)state;
    all(EXAMPLES, WARD_COUNT(EXAMPLES));
}

/* ---- cases that only a message can have ---- */

static void refused(const Resource *res, const char *reason, const char *field)
{
    struct ward_err err = {0};

    assert_int_equal(fhir_check(&mem, res, &err), WARD_INVALID_ARGUMENT);
    if (strcmp(err.reason, reason) != 0 || strcmp(err.field, field) != 0)
        fail_msg("%s %s %s", err.reason, err.field, err.msg);
}

static void a_message_that_no_json_could_be_is_refused(void **state)
{
    Resource none = WARD__RECORDS__V1__RESOURCE__INIT, *res;
    char *empty[] = {(char *)(uintptr_t) ""}, latin1[] = "\xe9";

    (void)state;
    assert_int_equal(fhir_check(&mem, &none, NULL), WARD_INVALID_ARGUMENT);
    res = read(PATIENT("\"name\":[{\"given\":[\"a\"]}]"));
    res->patient->name[0]->given = empty;
    refused(res, "FIELD_INVALID", "Patient.name[0].given[0]");
    res->patient->name[0]->n_given = 0; /* ele-1 */
    refused(res, "FIELD_INVALID", "Patient.name[0]");
    res->patient->name[0]->family = latin1;
    refused(res, "TEXT_NOT_UTF8", "Patient.name[0].family");
    res = read(PATIENT("\"gender\":\"male\""));
    res->patient->gender = (Ward__Records__V1__AdministrativeGender)9;
    refused(res, "CODE_UNKNOWN", "Patient.gender");
    res = read(OBSERVATION(",\"valueString\":\"x\""));
    res->observation->value_string = empty[0];
    refused(res, "FIELD_INVALID", "Observation.valueString");
    res = read(OBSERVATION(",\"valueQuantity\":{\"value\":1}"));
    res->observation->value_quantity->value->value = empty[0];
    refused(res, "FIELD_INVALID", "Observation.valueQuantity.value");
}

static void more_json_is_one_object_of_what_has_no_field(void **state)
{
    static const struct {
        const char *more;
        bool right;
    } CASES[] = {
        {"{\"_birthDate\":{}}", true},
        {"{}", false},
        {"[1]", false},
        {"{\"a\":1} {}", false},
        {"{\"a\":1,\"a\":2}", false},
        {"{\"birthDate\":\"1949\"}", false},
        {"{\"resourceType\":\"x\"}", false},
        {"{\"name\":[{}]}", false},
        {"nonsense", false},
    };
    Resource *res = read(PATIENT("\"active\":true"));

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(CASES); i++) {
        res->patient->more_json = ward_strdup(&mem, CASES[i].more);
        if (CASES[i].right)
            assert_int_equal(fhir_check(&mem, res, NULL), WARD_OK);
        else
            refused(res, "FIELD_INVALID", "Patient.more_json");
    }
}

static void a_list_with_gaps_is_taken_where_the_field_is_not_set(void **state)
{
    Resource *res = read(PATIENT("\"name\":[{\"given\":[null,\"x\"],\"family\":\"a\"}]"));
    char *given[] = {(char *)(uintptr_t) "y"};

    (void)state;
    assert_int_equal(fhir_check(&mem, res, NULL), WARD_OK);
    res->patient->name[0]->given = given;
    res->patient->name[0]->n_given = 1;
    refused(res, "FIELD_INVALID", "Patient.name[0].more_json");
}

/* Builds nested extensions, each of which adds 2 levels of JSON. */
static Resource *nested(int levels)
{
    static char text[8192];
    size_t n = 0;

    for (int i = 0; i < levels; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "\"extension\":[{\"url\":\"u\",");
    n += (size_t)snprintf(text + n, sizeof(text) - n, "\"valueBoolean\":true");
    for (int i = 0; i < levels; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "}]");
    return read(ward_printf(&mem, PATIENT("%s"), text));
}

static void what_nests_too_deep_is_refused(void **state)
{
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(fhir_check(&mem, nested(27), &err), WARD_OK);
    assert_int_equal(fhir_check(&mem, nested(28), &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "FIELD_INVALID");
    assert_int_equal(strlen(err.field), sizeof(err.field) - 1);
    assert_memory_equal(err.field, "...", 3);
}

static Resource *with_note(size_t n)
{
    Resource *res = read(OBSERVATION(",\"note\":[{\"text\":\"x\"}]"));
    char *text = ward_alloc(&mem, n + 1);

    assert_non_null(text);
    memset(text, 'a', n);
    res->observation->note[0]->text = text;
    return res;
}

static void what_is_too_large_is_refused(void **state)
{
    Resource *res = read(PATIENT("\"name\":[{\"family\":\"x\"}]"));
    char *text = ward_alloc(&mem, FHIR_STRING + 2);

    (void)state;
    assert_int_equal(fhir_check(&mem, with_note(FHIR_NOTE - 200), NULL), WARD_OK);
    refused(with_note(FHIR_NOTE), "RESOURCE_TOO_LARGE", "Observation");
    refused(with_note(FHIR_NOTE + 1), "RESOURCE_TOO_LARGE", "Observation.note[0].text");
    memset(text, 'a', FHIR_STRING + 1);
    res->patient->name[0]->family = text;
    refused(res, "RESOURCE_TOO_LARGE", "Patient.name[0].family");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_must_be_there_is_asked_for),
        cmocka_unit_test(texts_are_what_their_type_says),
        cmocka_unit_test(quantities_are_checked),
        cmocka_unit_test(the_invariants_of_types_hold),
        cmocka_unit_test(the_invariants_of_resources_hold),
        cmocka_unit_test(a_message_that_no_json_could_be_is_refused),
        cmocka_unit_test(more_json_is_one_object_of_what_has_no_field),
        cmocka_unit_test(a_list_with_gaps_is_taken_where_the_field_is_not_set),
        cmocka_unit_test(what_nests_too_deep_is_refused),
        cmocka_unit_test(what_is_too_large_is_refused),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
