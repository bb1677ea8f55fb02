/* The index of practitioners, organizations and locations. */
#include "services/records/index/index_testing.h"

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
    assert_int_equal(f->n_denies, 0);
    assert_int_equal(f->n_attachments, 0);
}

static void a_practitioner(void **state)
{
    static const struct row rows[] = {
        {PARAM_IDENTIFIER, "urn:npi|17", true},
        {PARAM_IDENTIFIER, "|17", true},
        {PARAM_FAMILY, "wan", true},
        {PARAM_GIVEN, "xiao", true},
        {PARAM_NAME_TEXT, "prof", true},
        {PARAM_NAME_EXACT, "Wang", true},
        {PARAM_TELECOM, "+86101", true},
        {PARAM_POSTAL_CODE, "100000", true},
        {PARAM_GENDER, "|female", true},
        {PARAM_ACTIVE, "|true", true},
        {PARAM_LANGUAGE, "|zh", true},
        {PARAM_NAME_PAIR, "Wang|Xiaoming", false},
    };
    struct found_by f = found(
        "{\"resourceType\":\"Practitioner\",\"identifier\":[{\"system\":\"urn:npi\",\"value\":"
        "\"17\"}],\"name\":[{\"family\":\"Wang\",\"given\":[\"Xiaoming\"],\"prefix\":"
        "[\"Prof.\"]}],\"telecom\":[{\"system\":\"phone\",\"value\":\"+86 10 1\"}],"
        "\"address\":[{\"postalCode\":\"100000\"}],\"gender\":\"female\",\"communication\":[{"
        "\"coding\":[{\"code\":\"zh\"}]}]}");

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
    assert_int_equal(f.kind, KIND_PRACTITIONER);
}

static void an_organization(void **state)
{
    static const struct row rows[] = {
        {PARAM_IDENTIFIER, "urn:site|17", true}, {PARAM_NAME_TEXT, "klin", true},
        {PARAM_NAME_TEXT, "nord", true},         {PARAM_NAME_TEXT, "医院", true},
        {PARAM_NAME_EXACT, "Klinik Nord", true}, {PARAM_CODE, "s|prov", true},
        {PARAM_ACTIVE, "|false", true},          {PARAM_REFERENCE, "|Organization/1", true},
        {PARAM_FAMILY, "klin", false},
    };
    struct found_by f =
        found("{\"resourceType\":\"Organization\",\"identifier\":[{\"system\":\"urn:site\","
              "\"value\":\"17\"}],\"active\":false,\"name\":\"Klinik Nord\",\"alias\":"
              "[\"医院\"],\"type\":[{\"coding\":[{\"system\":\"s\",\"code\":\"prov\"}]}],"
              "\"partOf\":{\"reference\":\"Organization/1\"}}");

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
}

static void a_location(void **state)
{
    static const struct row rows[] = {
        {PARAM_IDENTIFIER, "|w3", true},        {PARAM_NAME_TEXT, "ward", true},
        {PARAM_STATUS, "|suspended", true},     {PARAM_CODE, "s|ICU", true},
        {PARAM_REFERENCE, "|Location/1", true}, {PARAM_REFERENCE, "|Organization/2", true},
        {PARAM_POSTAL_CODE, "10115", true},     {PARAM_STATUS, "|active", false},
    };
    struct found_by f =
        found("{\"resourceType\":\"Location\",\"identifier\":[{\"value\":\"w3\"}],\"status\":"
              "\"suspended\",\"name\":\"Ward 3\",\"type\":[{\"coding\":[{\"system\":\"s\","
              "\"code\":\"ICU\"}]}],\"address\":{\"postalCode\":\"10115\"},\"partOf\":{"
              "\"reference\":\"Location/1\"},\"managingOrganization\":{\"reference\":"
              "\"Organization/2\"}}");

    (void)state;
    expect(&f, rows, WARD_COUNT(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_practitioner),
        cmocka_unit_test(an_organization),
        cmocka_unit_test(a_location),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
