#include "services/records/search/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/measure/fhirtime.h"

typedef Ward__Records__V1__SearchRequest SearchRequest;
typedef Ward__Records__V1__Parameter Parameter;

#define DAY_US WARD_US_PER_DAY
#define MARCH  INT64_C(1772323200000000) /* 2026-03-01T00:00:00Z */

/* Replaces the keyed hash, so that tests can compare texts. */
enum ward_code ward_keyring_hash(struct ward_keyring *k, const char *what, const void *data,
                                 size_t n, uint8_t out[WARD_SHA256_SIZE], struct ward_err *err)
{
    const struct ward_bytes parts[] = {{what, strlen(what)}, {data, n}};

    (void)k, (void)err;
    ward_sha256_parts(parts, 2, out);
    return WARD_OK;
}

static struct ward_arena mem;
static struct ward_err err;
static struct search s;

static int set_up(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)1 << 20);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static enum ward_code read_one(enum kind kind, const char *name, const char *modifier,
                               const char *value)
{
    char *values[] = {(char *)(uintptr_t)value};
    Parameter p = WARD__RECORDS__V1__PARAMETER__INIT, *list[] = {&p};
    SearchRequest q = WARD__RECORDS__V1__SEARCH_REQUEST__INIT;
    struct search_reader r = {.mem = &mem, .err = &err};

    p.name = (char *)(uintptr_t)name;
    p.modifier = (char *)(uintptr_t)modifier;
    p.n_values = 1;
    p.values = values;
    q.n_parameters = 1;
    q.parameters = list;
    err = (struct ward_err){0};
    s = (struct search){.kind = kind, .asked_us = MARCH + 100 * DAY_US};
    return search_read(&r, &q, &s);
}

static const struct value *good(enum kind kind, const char *name, const char *value)
{
    if (read_one(kind, name, "", value) != WARD_OK)
        fail_msg("%s=%s: %s", name, value, err.msg);
    return &s.filter[0].value[0];
}

static void bad(enum kind kind, const char *name, const char *modifier, const char *value)
{
    if (read_one(kind, name, modifier, value) != WARD_INVALID_ARGUMENT)
        fail_msg("%s:%s=%s is taken", name, modifier, value);
    assert_string_equal(err.reason, "PARAMETER_INVALID");
    assert_string_equal(err.field, name);
}

static bool finds(const struct value *v, enum param p, const char *text)
{
    uint8_t hash[TOKEN_HASH];

    assert_int_equal(param_hash(NULL, p, text, strlen(text), hash, NULL), WARD_OK);
    for (size_t g = 0; g < v->n_groups; g++)
        for (size_t i = 0; i < v->group[g].n; i++)
            if (v->group[g].at[i].param == p &&
                memcmp(v->group[g].at[i].hash, hash, TOKEN_HASH) == 0)
                return true;
    return false;
}

static void a_date_is_the_interval_of_its_precision(void **state)
{
    static const struct {
        const char *text;
        enum prefix prefix;
        int64_t from_us, to_us;
    } dates[] = {
        {"2026-03-01", PRE_EQ, MARCH, MARCH + DAY_US},
        {"2026-03", PRE_EQ, MARCH, MARCH + 31 * DAY_US},
        {"ge2026-03-01", PRE_GE, MARCH, MARCH + DAY_US},
        {"ne2026-03-01T00:00:00Z", PRE_NE, MARCH, MARCH + 1000000},
        {"sa2026-03-01T08:00:00+08:00", PRE_SA, MARCH, MARCH + 1000000},
        {"eb2026-03-01T00:00:00.5Z", PRE_EB, MARCH + 500000, MARCH + 600000},
        {"lt2026-03-01T00:00Z", PRE_LT, MARCH, MARCH + 60000000},
        {"2026-03-01T00:00", PRE_EQ, MARCH, MARCH + 60000000},
        {"2026-03-01T00:00:00", PRE_EQ, MARCH, MARCH + 1000000},
        {"2026-02-28T20:00-04:00", PRE_EQ, MARCH, MARCH + 60000000},
        /* 100 days ago: the tolerance is a tenth of the distance to the middle of the day */
        {"ap2026-03-01", PRE_AP, MARCH - 859680000000, MARCH + DAY_US + 859680000000},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(dates); i++) {
        const struct value *v = good(KIND_OBSERVATION, "date", dates[i].text);

        assert_int_equal(v->prefix, dates[i].prefix);
        assert_int_equal(v->from_us, dates[i].from_us);
        assert_int_equal(v->to_us, dates[i].to_us);
    }
}

static void what_is_no_date_is_refused(void **state)
{
    static const char *const texts[] = {"ge",
                                        "2026-13",
                                        "2026-02-29",
                                        "26",
                                        "2026-03-01T",
                                        "2026-03-01T10",
                                        "2026-03-01T24:00:00Z",
                                        "gege2026",
                                        "2026-03-01T10:00:00+25:00",
                                        " 2026",
                                        "2026-03-01T00:00:00.00000000000000000000000000000Z"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++)
        bad(KIND_OBSERVATION, "date", "", texts[i]);
}

static void a_quantity_means_half_a_digit_each_way(void **state)
{
    const struct value *v = good(KIND_OBSERVATION, "value-quantity", "100||g/L");

    (void)state;
    assert_string_equal(v->unit, "g.m-3");
    assert_float_equal(v->low, 99500, 1e-6);
    assert_float_equal(v->high, 100500, 1e-6);
    v = good(KIND_OBSERVATION, "value-quantity", "1.10|http://unitsofmeasure.org|mg/dL");
    assert_float_equal(v->low, 10.95, 1e-9);
    assert_float_equal(v->high, 11.05, 1e-9);
    v = good(KIND_OBSERVATION, "value-quantity", "ap-100||g/L");
    assert_float_equal(v->low, -110000, 1e-6);
    assert_float_equal(v->high, -90000, 1e-6);
    /* a common notation of the unit */
    v = good(KIND_OBSERVATION, "value-quantity", "ge120||mmHg");
    assert_int_equal(v->prefix, PRE_GE);
    v = good(KIND_OBSERVATION, "value-quantity", "37||Cel");
    /* a tenth of 37 Cel differs from a tenth of 310 K */
    assert_float_equal(v->low, 309.65, 1e-9);
}

static void what_is_no_quantity_is_refused(void **state)
{
    static const char *const texts[] = {"72",           "72|",
                                        "72||",         "||mg",
                                        "1,5||mg",      "0x1||mg",
                                        "1e99999||mg",  "72|urn:x|mg",
                                        "72||nonsense", "72|http://unitsofmeasure.org|mmHg"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++)
        bad(KIND_OBSERVATION, "value-quantity", "", texts[i]);
}

static void a_token_is_a_system_and_a_code(void **state)
{
    (void)state;
    assert_true(finds(good(KIND_OBSERVATION, "code", "http://loinc.org|8867-4"), PARAM_CODE,
                      "http://loinc.org|8867-4"));
    assert_true(finds(good(KIND_OBSERVATION, "code", "8867-4"), PARAM_CODE, "|8867-4"));
    bad(KIND_OBSERVATION, "code", "", "|8867-4");
    bad(KIND_OBSERVATION, "identifier", "", "|17");
    assert_true(finds(good(KIND_OBSERVATION, "code", "a\\|b|c\\,d"), PARAM_CODE, "a|b|c,d"));
    assert_true(finds(good(KIND_OBSERVATION, "combo-code", "x"), PARAM_COMPONENT_CODE, "|x"));
    assert_true(
        finds(good(KIND_PATIENT, "identifier", "urn:mrn|17"), PARAM_IDENTIFIER, "urn:mrn|17"));
    bad(KIND_OBSERVATION, "code", "", "http://loinc.org|");
    bad(KIND_PATIENT, "identifier", "", "urn:mrn|");
    bad(KIND_OBSERVATION, "code", "", "|");
    bad(KIND_OBSERVATION, "code", "", "");
}

static void a_reference_is_as_written_or_a_resource_here(void **state)
{
#define ID "01890000-0000-7000-8000-000000000000"
    const struct value *v = good(KIND_OBSERVATION, "performer", "17");

    (void)state;
    assert_true(finds(v, PARAM_REFERENCE, "|Practitioner/17"));
    assert_true(finds(v, PARAM_REFERENCE, "|Organization/17"));
    v = good(KIND_OBSERVATION, "performer", "Practitioner/17");
    assert_true(finds(v, PARAM_REFERENCE, "|Practitioner/17"));
    assert_false(finds(v, PARAM_REFERENCE, "|Organization/17"));
    assert_true(finds(good(KIND_OBSERVATION, "encounter", ID), PARAM_REFERENCE, "|" ID));
    v = good(KIND_OBSERVATION, "encounter", "Encounter/" ID);
    assert_true(finds(v, PARAM_REFERENCE, "|" ID));
    assert_int_equal(read_one(KIND_OBSERVATION, "performer", "Organization", "17"), WARD_OK);
    assert_false(finds(s.filter[0].value, PARAM_REFERENCE, "|Practitioner/17"));
    bad(KIND_OBSERVATION, "performer", "Organization", "Organization/17");
    bad(KIND_OBSERVATION, "performer", "Organ", "17");
    bad(KIND_OBSERVATION, "patient", "", "Encounter/" ID);
    bad(KIND_OBSERVATION, "_id", "", "Observation/" ID);
}

static void a_name_is_words_that_all_must_begin_one(void **state)
{
    const struct value *v = good(KIND_PATIENT, "name", "Größe Anna");

    (void)state;
    assert_int_equal(v->n_groups, 2);
    assert_true(finds(v, PARAM_FAMILY, "grosse"));
    assert_true(finds(v, PARAM_GIVEN, "anna"));
    assert_true(finds(v, PARAM_NAME_TEXT, "anna"));
    assert_int_equal(read_one(KIND_PATIENT, "family", "exact", "Größe"), WARD_OK);
    v = s.filter[0].value;
    assert_true(finds(v, PARAM_NAME_EXACT, "Größe"));
    assert_true(finds(v, PARAM_FAMILY, "grosse"));
    bad(KIND_PATIENT, "name", "contains", "nn");
    bad(KIND_PATIENT, "name", "", "!?");
    assert_true(finds(good(KIND_PATIENT, "phone", "+49 (30) 1"), PARAM_TELECOM, "+49301"));
    assert_true(finds(good(KIND_PATIENT, "email", "A@B.org"), PARAM_TELECOM, "a@b.org"));
}

static void what_is_not_known_is_named_and_its_value_never(void **state)
{
    (void)state;
    assert_int_equal(read_one(KIND_OBSERVATION, "name", "", "Smith"), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "PARAMETER_UNKNOWN");
    assert_string_equal(err.field, "name");
    assert_null(strstr(err.msg, "Smith"));
    assert_int_equal(read_one(KIND_OBSERVATION, "Smith 1949", "", "x"), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "parameters.name");
    assert_null(strstr(err.msg, "Smith"));
    bad(KIND_OBSERVATION, "date", "", "Smith");
    assert_null(strstr(err.msg, "Smith"));
}

static void each_refused_allocation_is_a_code(void **state)
{
    static const struct {
        enum kind kind;
        const char *name, *value;
    } asks[] = {{KIND_PATIENT, "name", "anna maria"},
                {KIND_OBSERVATION, "performer", "17"},
                {KIND_OBSERVATION, "value-quantity", "1.5||mmHg"},
                {KIND_PATIENT, "identifier", "a|b"}};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(asks); i++) {
        enum ward_code code = WARD_RESOURCE_EXHAUSTED;

        for (int n = 1; code != WARD_OK && n < 100; n++) {
            ward_arena_reset(&mem);
            mem.fail_at = n;
            code = read_one(asks[i].kind, asks[i].name, "", asks[i].value);
            assert_true(code == WARD_OK || code == WARD_RESOURCE_EXHAUSTED);
            mem.fail_at = 0;
        }
        assert_int_equal(code, WARD_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_date_is_the_interval_of_its_precision),
        cmocka_unit_test(what_is_no_date_is_refused),
        cmocka_unit_test(a_quantity_means_half_a_digit_each_way),
        cmocka_unit_test(what_is_no_quantity_is_refused),
        cmocka_unit_test(a_token_is_a_system_and_a_code),
        cmocka_unit_test(a_reference_is_as_written_or_a_resource_here),
        cmocka_unit_test(a_name_is_words_that_all_must_begin_one),
        cmocka_unit_test(what_is_not_known_is_named_and_its_value_never),
        cmocka_unit_test(each_refused_allocation_is_a_code),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
