/* FHIR's rules for practitioners, organizations and locations, and the ids that their sources
 * gave. */
#include "services/records/fhir/fhir_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define UUID      "01890000-0000-7000-8000-0000000000aa"
#define WHO(rest) "{\"resourceType\":\"Practitioner\",\"id\":\"" UUID "\"" rest "}"
#define ORG(rest) "{\"resourceType\":\"Organization\",\"id\":\"" UUID "\"" rest "}"
#define AT(rest)  "{\"resourceType\":\"Location\",\"id\":\"" UUID "\"" rest "}"
#define NAMED     ",\"name\":\"Klinik\""

static struct ward_arena mem;

static const struct ward_json *parse(const char *text)
{
    const struct ward_json *v = NULL;

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, NULL) != WARD_OK)
        fail_msg("%s", text);
    return v;
}

static enum ward_code read(const char *text, Resource **out, struct ward_err *err)
{
    WARD_TRY(fhir_of_json(&mem, parse(text), NULL, NULL, out, err));
    return fhir_check(&mem, *out, err);
}

static const char *again(const Resource *res)
{
    struct ward_json_out w = {.mem = &mem};
    const char *out = NULL;
    size_t n;

    assert_int_equal(fhir_to_json(&w, res, NULL), WARD_OK);
    assert_int_equal(ward_json_done(&w, &out, &n, NULL), WARD_OK);
    return out;
}

static const struct {
    const char *text, *reason, *field; /* reason NULL: the resource is valid */
} rows[] = {
    {WHO(",\"active\":true"), NULL, NULL},
    {WHO(",\"name\":[{\"family\":\"Wang\"}],\"birthDate\":\"1970-02-28\","
         "\"qualification\":[{\"code\":{\"text\":\"MD\"},\"period\":{\"start\":\"1999\"}}],"
         "\"communication\":[{\"text\":\"zh\"}]"),
     NULL, NULL},
    {WHO(",\"gender\":\"lady\""), "CODE_UNKNOWN", "Practitioner.gender"},
    {WHO(",\"birthDate\":\"1970-02-30\""), "DATE_IMPOSSIBLE", "Practitioner.birthDate"},
    {WHO(",\"qualification\":[{\"issuer\":{\"display\":\"x\"}}]"), "FIELD_REQUIRED",
     "Practitioner.qualification[0].code"},
    {WHO(",\"telecom\":[{\"value\":\"1\"}]"), "FIELD_REQUIRED",
     "Practitioner.telecom[0].system"},
    {ORG(NAMED), NULL, NULL},
    {ORG(",\"identifier\":[{\"value\":\"17\"}]"), NULL, NULL},
    {ORG(",\"active\":true"), "FIELD_INVALID", "Organization"},
    {ORG(NAMED ",\"address\":[{\"use\":\"work\"},{\"use\":\"home\"}]"), "FIELD_INVALID",
     "Organization.address"},
    {ORG(NAMED ",\"telecom\":[{\"system\":\"phone\",\"value\":\"1\",\"use\":\"home\"}]"),
     "FIELD_INVALID", "Organization.telecom"},
    {ORG(NAMED ",\"contact\":[{\"name\":{\"text\":\"x\"},\"address\":{\"use\":\"home\"}}]"),
     NULL, NULL},
    {AT(NAMED ",\"status\":\"active\",\"mode\":\"instance\",\"hoursOfOperation\":[{"
              "\"daysOfWeek\":[\"mon\",\"sun\"],\"openingTime\":\"08:00:00\","
              "\"closingTime\":\"17:30:00\"}]"),
     NULL, NULL},
    {AT(",\"status\":\"open\""), "CODE_UNKNOWN", "Location.status"},
    {AT(",\"position\":{\"longitude\":1.0}"), "FIELD_REQUIRED", "Location.position.latitude"},
    {AT(",\"position\":{\"latitude\":1.0}"), "FIELD_REQUIRED", "Location.position.longitude"},
    {AT(",\"position\":{\"latitude\":\"1\",\"longitude\":1}"), "DECIMAL_INVALID",
     "Location.position.latitude"},
    {AT(",\"hoursOfOperation\":[{\"openingTime\":\"24:00:00\"}]"), "DATE_IMPOSSIBLE",
     "Location.hoursOfOperation[0].openingTime"},
    {AT(",\"alias\":[\"\"]"), "FIELD_INVALID", "Location.alias[0]"},
};

static void each_is_held_to_fhir_s_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_err err = {0};
        Resource *res = NULL;
        enum ward_code code = read(rows[i].text, &res, &err);

        if ((code == WARD_OK) != (rows[i].reason == NULL))
            fail_msg("%s: %s %s", rows[i].text, err.reason, err.field);
        if (code == WARD_OK)
            continue;
        if (strcmp(err.reason, rows[i].reason) != 0 || strcmp(err.field, rows[i].field) != 0)
            fail_msg("%s: %s %s", rows[i].text, err.reason, err.field);
    }
}

static void members_come_out_as_they_went_in(void **state)
{
    static const char *const texts[] = {
        AT(",\"name\":\"ward-3\",\"position\":{\"longitude\":-83.6945691,\"latitude\":42.250,"
           "\"altitude\":1E+2}"),
        ORG(NAMED ",\"alias\":[\"K\",\"医院\"],\"beds\":120.0"),
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        struct ward_err err = {0};
        Resource *res = NULL;

        assert_int_equal(read(texts[i], &res, &err), WARD_OK);
        assert_string_equal(again(res), texts[i]);
    }
}

static void an_id_of_the_source_s_own_stays_beside_the_one_here(void **state)
{
    static const char came[] =
        "{\"resourceType\":\"Practitioner\",\"id\":\"dr-1\",\"active\":true,\"x\":1.0}";
    struct ward_err err = {0};
    Resource *res = NULL;

    (void)state;
    assert_int_equal(fhir_of_json(&mem, parse(came), NULL, NULL, &res, &err), WARD_OK);
    assert_string_equal(res->practitioner->id, "dr-1");
    res->practitioner->id = (char *)(uintptr_t)UUID;
    assert_int_equal(fhir_check(&mem, res, &err), WARD_OK);
    assert_string_equal(res->practitioner->more_json, "{\"id\":\"dr-1\",\"x\":1.0}");
    assert_string_equal(
        again(res),
        "{\"resourceType\":\"Practitioner\",\"active\":true,\"id\":\"dr-1\",\"x\":1.0}");
    /* The source's id in more_json must not be a UUID. The id of a resource in a chart must be
     * a UUID. */
    res->practitioner->more_json = (char *)(uintptr_t) "{\"id\":\"" UUID "\"}";
    assert_int_equal(fhir_check(&mem, res, &err), WARD_INVALID_ARGUMENT);
    assert_int_equal(
        read("{\"resourceType\":\"Patient\",\"id\":\"p-1\",\"active\":true}", &res, &err),
        WARD_INVALID_ARGUMENT);
}

static void one_that_names_a_patient_is_an_other(void **state)
{
    static const char *const texts[] = {
        ORG(NAMED ",\"extension\":[{\"url\":\"urn:x\",\"valueReference\":{\"reference\":"
                  "\"Patient/1\"}}]"),
        AT(",\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"p\"}]"),
        WHO(",\"x\":\"http://h/Patient/1\""),
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        Resource *res = NULL;

        assert_int_equal(fhir_of_json(&mem, parse(texts[i]), NULL, NULL, &res, NULL), WARD_OK);
        assert_int_equal(res->resource_case, WARD__RECORDS__V1__RESOURCE__RESOURCE_OTHER);
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
        cmocka_unit_test(each_is_held_to_fhir_s_rules),
        cmocka_unit_test(members_come_out_as_they_went_in),
        cmocka_unit_test(an_id_of_the_source_s_own_stays_beside_the_one_here),
        cmocka_unit_test(one_that_names_a_patient_is_an_other),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
