/* The index of each kind, computed from FHIR JSON. */
#include "services/records/index/index_testing.h"

#include <math.h>

static bool by(const struct found_by *f, enum param p, const char *text)
{
    struct token t = {.param = p};

    assert_int_equal(param_hash(keys, p, text, strlen(text), t.hash, NULL), WARD_OK);
    for (size_t i = 0; i < f->n_tokens; i++)
        if (token_cmp(&f->token[i], &t) == 0)
            return true;
    return false;
}

struct row {
    enum param p;
    const char *text;
    bool is;
};
static void expect(const struct found_by *f, const struct row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (by(f, rows[i].p, rows[i].text) != rows[i].is)
            fail_msg("%d \"%s\" %s", rows[i].p, rows[i].text,
                     rows[i].is ? "is not there" : "is there");
    for (size_t i = 1; i < f->n_tokens; i++)
        assert_true(token_cmp(&f->token[i - 1], &f->token[i]) < 0);
}

static const char MUELLER[] =
    "{\"resourceType\":\"Patient\",\"id\":\"01890000-0000-7000-8000-000000000000\","
    "\"name\":[{\"family\":\"Müller-Lüdenscheidt\",\"given\":[\"Anna\",\"Ma\"],"
    "\"prefix\":[\"Dr.\"]},{\"text\":\"王小明\",\"family\":\"王\",\"given\":[\"小明\"]}],"
    "\"telecom\":[{\"system\":\"phone\",\"value\":\"+49 (30) 555-01\"},"
    "{\"system\":\"email\",\"value\":\"Anna@Example.ORG\"}],\"gender\":\"female\","
    "\"birthDate\":\"1949-08-02\",\"address\":[{\"postalCode\":\"10115\"}],"
    "\"identifier\":[{\"system\":\"urn:mrn\",\"value\":\"A-1\"},{\"value\":\"B\"}]}";

static void a_patient_is_found_by_names_in_any_script(void **state)
{
    static const struct row rows[] = {
        {PARAM_FAMILY, "m", true},
        {PARAM_FAMILY, "muller", true},
        {PARAM_FAMILY, "ludensch", true},
        {PARAM_FAMILY, "uller", false},
        {PARAM_FAMILY, "anna", false},
        {PARAM_FAMILY, "王", true},
        {PARAM_GIVEN, "an", true},
        {PARAM_GIVEN, "小", true},
        {PARAM_GIVEN, "小明", true},
        {PARAM_GIVEN, "明", false},
        {PARAM_NAME_TEXT, "王小", true},
        {PARAM_NAME_TEXT, "王小明", true},
        {PARAM_NAME_TEXT, "小明", true},
        {PARAM_NAME_TEXT, "明", false},
        {PARAM_NAME_TEXT, "dr", true},
        {PARAM_NAME_EXACT, "Müller-Lüdenscheidt", true},
        {PARAM_NAME_EXACT, "müller-lüdenscheidt", false},
        {PARAM_TELECOM, "+493055501", true},
        {PARAM_TELECOM, "anna@example.org", true},
        {PARAM_POSTAL_CODE, "10115", true},
        {PARAM_IDENTIFIER, "urn:mrn|A-1", true},
        {PARAM_IDENTIFIER, "|A-1", true},
        {PARAM_IDENTIFIER, "|B", true},
        {PARAM_IDENTIFIER, "urn:mrn|B", false},
        {PARAM_GENDER, "|female", true},
        {PARAM_ACTIVE, "|true", true},
        {PARAM_DECEASED, "|false", true},
        {PARAM_BIRTH_AND_NAME, "1949-08-02|m", true},
        {PARAM_BIRTH_AND_NAME, "1949-08-02|l", true},
        {PARAM_BIRTH_AND_NAME, "1949-08-02|王", true},
        {PARAM_BIRTH_AND_NAME, "1949-08-02|a", false},
    };
    struct found_by f = found(MUELLER);

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
    assert_int_equal(f.kind, KIND_PATIENT);
    assert_int_equal(f.gender, 2);
    assert_int_equal(f.birth_us, DAY(1949, 8, 2));
    assert_int_equal(f.from_us, DAY(1949, 8, 2));
    assert_int_equal(f.to_us, DAY(1949, 8, 3));
    assert_int_equal(f.n_codes, 0);
}

static void dates_are_half_open_and_keep_their_zone(void **state)
{
    const struct {
        const char *more;
        int64_t from, to;
    } rows[] = {
        {"", NO_DATE, NO_DATE},
        {",\"effectiveDateTime\":\"2026\"", DAY(2026, 1, 1), DAY(2027, 1, 1)},
        {",\"effectiveDateTime\":\"2026-03\"", DAY(2026, 3, 1), DAY(2026, 4, 1)},
        {",\"effectiveDateTime\":\"2026-03-02T00:00:00+08:00\"",
         DAY(2026, 3, 2) - 8 * 3600 * WARD_US_PER_SECOND,
         DAY(2026, 3, 2) - (8 * 3600 - 1) * WARD_US_PER_SECOND},
        {",\"effectiveInstant\":\"1969-12-31T23:59:59.5Z\"", -500000, -400000},
        {",\"effectivePeriod\":{\"start\":\"2026-03-02\",\"end\":\"2026-03-04\"}",
         DAY(2026, 3, 2), DAY(2026, 3, 5)},
        {",\"effectivePeriod\":{\"start\":\"2026-03-02\"}", DAY(2026, 3, 2), DATE_OPEN},
        {",\"effectivePeriod\":{\"end\":\"2026-03-02\"}", DATE_SINCE, DAY(2026, 3, 3)},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct found_by f = found(ward_printf(&mem, "%s%s%s}", OBS, HEART, rows[i].more));

        assert_int_equal(f.from_us, rows[i].from);
        assert_int_equal(f.to_us, rows[i].to);
        assert_false(f.has_second);
    }
}

static void a_number_is_found_in_the_unit_of_its_kind(void **state)
{
    static const struct {
        const char *value, *unit;
        double is; /* NAN: no value */
    } rows[] = {
        {"\"value\":1.5,\"system\":\"http://unitsofmeasure.org\",\"code\":\"g/L\"", "g.m-3",
         1500},
        {"\"value\":150,\"system\":\"http://unitsofmeasure.org\",\"code\":\"mg/dL\"", "g.m-3",
         1500},
        {"\"value\":37,\"system\":\"http://unitsofmeasure.org\",\"code\":\"Cel\"", "K", 310.15},
        {"\"value\":7,\"unit\":\"points\"", NULL, NAN},
        {"\"value\":7,\"system\":\"urn:other\",\"code\":\"g/L\"", NULL, NAN},
        {"\"value\":7,\"system\":\"http://unitsofmeasure.org\",\"code\":\"zorkmid\"", NULL,
         NAN},
        {"\"value\":7,\"comparator\":\"<\",\"system\":\"http://unitsofmeasure.org\","
         "\"code\":\"g\"",
         NULL, NAN},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct found_by f =
            found(ward_printf(&mem, "%s%s,\"valueQuantity\":{%s}}", OBS, HEART, rows[i].value));

        assert_int_equal(f.has_value, rows[i].unit != NULL);
        if (!f.has_value)
            continue;
        assert_string_equal(f.unit, rows[i].unit);
        assert_true(fabs(f.value - rows[i].is) < 1e-9 * rows[i].is);
    }
}

static void codes_are_found_with_and_without_their_system_and_are_named(void **state)
{
    struct found_by f =
        found(OBS HEART ",\"encounter\":{\"reference\":\"urn:uuid:01890000-0000-7000-8000-"
                        "000000000001\"},\"performer\":[{\"reference\":\"Practitioner/7\"}],"
                        "\"valueCodeableConcept\":{\"coding\":[{\"code\":\"high\"}]}}");
    static const struct row rows[] = {
        {PARAM_CODE, "http://loinc.org|8867-4", true},
        {PARAM_CODE, "|8867-4", true},
        {PARAM_CODE, "8867-4", false},
        {PARAM_VALUE_CONCEPT, "|high", true},
        {PARAM_REFERENCE, "|01890000-0000-7000-8000-000000000001", true},
        {PARAM_REFERENCE, "|Practitioner/7", true},
    };

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
    assert_int_equal(f.n_codes, 1);
    assert_string_equal(f.code[0].code, "8867-4");
    assert_true(f.has_encounter);
    assert_int_equal(f.encounter[RECORDS_ID - 1], 1);
}

static void what_is_entered_in_error_is_known_by_its_status(void **state)
{
    static const struct {
        const char *text;
        bool wrong;
    } rows[] = {
        {OBS HEART "}", false},
        {"{\"resourceType\":\"Observation\",\"status\":\"entered-in-error\"," PATIENT HEART "}",
         true},
        {"{\"resourceType\":\"Condition\"," PATIENT
         ",\"verificationStatus\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/"
         "CodeSystem/condition-ver-status\",\"code\":\"entered-in-error\"}]}}",
         true},
        {"{\"resourceType\":\"Condition\"," PATIENT
         ",\"verificationStatus\":{\"coding\":[{\"system\":\"urn:x\",\"code\":"
         "\"entered-in-error\"}]}}",
         false},
        {"{\"resourceType\":\"AllergyIntolerance\"," WHOSE
         ",\"verificationStatus\":{\"coding\":[{\"system\":\"http://terminology.hl7.org/"
         "CodeSystem/allergyintolerance-verification\",\"code\":\"entered-in-error\"}]}}",
         true},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_int_equal(found(rows[i].text).wrong, rows[i].wrong);
}

static void attachments_that_were_put_are_named(void **state)
{
    static const char text[] =
        "{\"resourceType\":\"DocumentReference\",\"status\":\"current\"," PATIENT
        ",\"content\":[{\"attachment\":{\"url\":\"urn:sha-256:"
        "ABCDEF00000000000000000000000000000000000000000000000000000000FF\"}},"
        "{\"attachment\":{\"url\":\"https://x/"
        "1\"}},{\"attachment\":{\"url\":\"urn:sha-256:x\"}}"
        "]}";
    struct found_by f = found(text);

    (void)state;
    assert_int_equal(f.n_attachments, 1);
    assert_int_equal(f.attachment[0][0], 0xab);
    assert_true(by(&f, PARAM_ATTACHMENT,
                   "|abcdef00000000000000000000000000000000000000000000000000000000ff"));
}

static void keyed_hashes_have_nothing_in_common_between_uses(void **state)
{
    uint8_t a[TOKEN_HASH], b[TOKEN_HASH], c[TOKEN_HASH];

    (void)state;
    assert_int_equal(param_hash(keys, PARAM_FAMILY, "anna", 4, a, NULL), WARD_OK);
    assert_int_equal(param_hash(keys, PARAM_GIVEN, "anna", 4, b, NULL), WARD_OK);
    assert_memory_not_equal(a, b, TOKEN_HASH);
    assert_int_equal(param_hash(keys, PARAM_CODE, "anna", 4, c, NULL), WARD_OK);
    assert_memory_not_equal(a, c, TOKEN_HASH);
    for (enum param p = PARAM_CODE; p < PARAM_IDENTIFIER; p++)
        assert_false(param_is_keyed(p));
    for (enum param p = PARAM_IDENTIFIER; p <= PARAM_BIRTH_AND_NAME; p++)
        assert_true(param_is_keyed(p));
}

/* Each allocation fails once: the result is an error, never a partial index. */
static void no_memory_is_told(void **state)
{
    static const char *const texts[] = {
        "{\"resourceType\":\"Patient\",\"id\":\"01890000-0000-7000-8000-000000000000\","
        "\"name\":[{\"family\":\"Wang\",\"given\":[\"Xiaoming\"]}],\"birthDate\":\"1949\","
        "\"telecom\":[{\"value\":\"12 34\"}],\"identifier\":[{\"value\":\"B\"}]}",
        OBS HEART ",\"valueQuantity\":{\"value\":7,\"system\":\"http://unitsofmeasure.org\","
                  "\"code\":\"g\"}}",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        const struct ward_json *v = NULL;
        Resource *res = NULL;
        enum ward_code code;
        int n = 0;

        assert_int_equal(ward_json_parse(texts[i], strlen(texts[i]), NULL, &mem, &v, NULL),
                         WARD_OK);
        assert_int_equal(fhir_of_json(&mem, v, NULL, NULL, &res, NULL), WARD_OK);
        do {
            struct ward_err err = {0};
            struct found_by f = {.status = 77};

            mem.fail_at = mem.calls + ++n;
            code = index_of(keys, &mem, res, &f, &err);
            mem.fail_at = 0;
            if (code != WARD_OK) {
                assert_int_equal(code, WARD_RESOURCE_EXHAUSTED);
                assert_int_equal(f.status, 77);
            }
        } while (code != WARD_OK);
        assert_true(n > 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_patient_is_found_by_names_in_any_script),
        cmocka_unit_test(dates_are_half_open_and_keep_their_zone),
        cmocka_unit_test(a_number_is_found_in_the_unit_of_its_kind),
        cmocka_unit_test(codes_are_found_with_and_without_their_system_and_are_named),
        cmocka_unit_test(what_is_entered_in_error_is_known_by_its_status),
        cmocka_unit_test(attachments_that_were_put_are_named),
        cmocka_unit_test(keyed_hashes_have_nothing_in_common_between_uses),
        cmocka_unit_test(no_memory_is_told),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
