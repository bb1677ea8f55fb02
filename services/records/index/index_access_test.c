/* The indexed data that decide on access to a resource: labels, wards, denials. */
#include "services/records/index/index_testing.h"

static void labels_come_from_marks_and_from_codes(void **state)
{
    static const struct {
        const char *text;
        uint32_t labels;
    } rows[] = {
        {OBS HEART "}", 0},
        {OBS HEART ",\"meta\":{\"security\":[{\"system\":\"" LABEL_SYSTEM
                   "\",\"code\":\"PSY\"},{\"system\":\"urn:x\",\"code\":\"HIV\"}]}}",
         LABEL_PSY},
        {"{\"resourceType\":\"Condition\"," PATIENT ",\"code\":{\"coding\":[{\"system\":"
         "\"http://hl7.org/fhir/sid/icd-10\",\"code\":\"B20\"}]}}",
         LABEL_HIV},
        {"{\"resourceType\":\"Condition\"," PATIENT ",\"code\":{\"coding\":[{\"system\":"
         "\"http://lab.example\",\"code\":\"X1\"}]}}",
         LABEL_UNKNOWN},
        {"{\"resourceType\":\"DocumentReference\",\"status\":\"current\"," PATIENT
         ",\"securityLabel\":[{\"coding\":[{\"system\":\"" LABEL_SYSTEM
         "\",\"code\":\"SDV\"}]}],\"content\":[{\"attachment\":{\"data\":\"aGk=\"}}]}",
         LABEL_SDV},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_int_equal(found(rows[i].text).labels & ~(uint32_t)LABEL_STD, rows[i].labels);
}

#define STAY                                                                                   \
    "{\"resourceType\":\"Encounter\",\"class\":{\"code\":\"IMP\"}," PATIENT                    \
    ",\"status\":\"%s\""                                                                       \
    ",\"location\":[%s]}"
#define AT(ward, more) "{\"location\":{\"reference\":\"" ward "\"}" more "}"

static void an_encounter_is_open_where_it_says(void **state)
{
    static const struct {
        const char *status, *location;
        const char *open, *ever; /* wards, joined by commas */
    } rows[] = {
        {"in-progress", AT("Location/w1", ""), "w1", "w1"},
        {"arrived", AT("Location/w1", "") "," AT("Location/w2", ",\"status\":\"active\""),
         "w1,w2", "w1,w2"},
        {"onleave", AT("Location/w1", ",\"status\":\"completed\"") "," AT("Location/w2", ""),
         "w2", "w1,w2"},
        {"triaged", AT("Location/w1", ",\"status\":\"completed\"") "," AT("Location/w1", ""),
         "w1", "w1"},
        {"in-progress", AT("Location/w1", ",\"status\":\"planned\""), "", "w1"},
        {"in-progress", AT("Location/w1", ",\"status\":\"reserved\""), "", "w1"},
        {"finished", AT("Location/w1", ""), "", "w1"},
        {"planned", AT("Location/w1", ""), "", "w1"},
        {"unknown", AT("Location/w1", ""), "", "w1"},
        {"in-progress", AT("Location/a b", ""), "", ""},
        {"in-progress", AT("Location/", "") "," AT("urn:x", ""), "", ""},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct found_by f = found(ward_printf(&mem, STAY, rows[i].status, rows[i].location));
        const char *open = "", *ever = "";

        for (size_t k = 0; k < f.n_wards; k++)
            ever = ward_printf(&mem, "%s%s%s", ever, k == 0 ? "" : ",", f.ward[k]);
        for (size_t k = 0; k < f.n_stays; k++)
            open = ward_printf(&mem, "%s%s%s", open, k == 0 ? "" : ",", f.stay[k].ward);
        assert_string_equal(open, rows[i].open);
        assert_string_equal(ever, rows[i].ever);
    }
}

#define HOUR    (3600 * WARD_US_PER_SECOND)
#define QUARTER (900 * WARD_US_PER_SECOND)
#define LASTING                                                                                \
    "{\"resourceType\":\"Encounter\",\"class\":{\"code\":\"IMP\"}," PATIENT                    \
    ",\"status\":\"in-progress\",\"period\":{%s},\"location\":[%s]}"

static void a_stay_lasts_while_the_encounter_and_the_location_do(void **state)
{
    const struct {
        const char *period, *location;
        int64_t from_us, until_us; /* equal: the encounter is not open in any ward */
    } rows[] = {
        {"\"start\":\"2026-03-01T08:00:00Z\",\"end\":\"2026-03-05T08:00:00Z\"", "",
         DAY(2026, 3, 1) + 8 * HOUR - QUARTER, DAY(2026, 3, 5) + 8 * HOUR + 1000000},
        {"\"start\":\"2026-03-01T08:00:00Z\"",
         ",\"period\":{\"start\":\"2026-03-02T00:00:00Z\",\"end\":\"2026-03-03T00:00:00Z\"}",
         DAY(2026, 3, 2) - QUARTER, DAY(2026, 3, 3) + 1000000},
        {"\"end\":\"2026-03-02T00:00:00Z\"", ",\"period\":{\"end\":\"2026-03-09T00:00:00Z\"}",
         DATE_SINCE, DAY(2026, 3, 2) + 1000000},
        {"\"end\":\"2026-03-02T00:00:00Z\"", ",\"period\":{\"start\":\"2026-03-09T00:00:00Z\"}",
         0, 0},
        /* a day without a zone has the widest interval of all zones */
        {"\"start\":\"2026-03-01\",\"end\":\"2026-03-05\"", "",
         DAY(2026, 3, 1) - 14 * HOUR - QUARTER, DAY(2026, 3, 6) + 12 * HOUR},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        const char *at = ward_printf(&mem, "{\"location\":{\"reference\":\"Location/w1\"}%s}",
                                     rows[i].location);
        struct found_by f = found(ward_printf(&mem, LASTING, rows[i].period, at));

        assert_int_equal(f.n_wards, 1);
        assert_int_equal(f.n_stays, rows[i].from_us < rows[i].until_us);
        if (f.n_stays == 0)
            continue;
        assert_true(f.stay[0].from_us == rows[i].from_us);
        assert_true(f.stay[0].until_us == rows[i].until_us);
    }
}

#define SINCE(day)     "\"start\":\"2026-03-" day "T00:00:00Z\""
#define UNTIL(day)     "\"end\":\"2026-03-" day "T00:00:00Z\""
#define DURING(period) ",\"period\":{" period "}"

static void who_comes_back_to_a_ward_has_two_stays_there(void **state)
{
    static const char stays[] = AT("Location/w1", DURING(UNTIL("02"))) "," AT(
        "Location/w1", DURING(SINCE("04"))) "," AT("Location/w1",
                                                   DURING(SINCE("04") "," UNTIL("05")));
    struct found_by f = found(ward_printf(&mem, LASTING, SINCE("01"), stays));

    (void)state;
    assert_int_equal(f.n_wards, 1);
    assert_int_equal(f.n_stays, 2);
    assert_true(f.stay[0].until_us < f.stay[1].from_us);
    assert_true(f.stay[1].until_us == DATE_OPEN);
}

#define CONSENT                                                                                \
    "{\"resourceType\":\"Consent\",\"status\":\"%s\",\"scope\":{\"coding\":[{\"code\":\"x\"}]" \
    "},"                                                                                       \
    "\"category\":[{\"coding\":[{\"code\":\"y\"}]}]," WHOSE ",\"provision\":{%s}}"
#define NESTED(what) "\"type\":\"permit\",\"provision\":[{\"type\":\"deny\"" what "}]"

static struct found_by consent(const char *status, const char *provision)
{
    return found(ward_printf(&mem, CONSENT, status, provision));
}

static void a_consent_denies_what_it_says_while_it_is_active(void **state)
{
    struct found_by f = consent("active", "\"type\":\"deny\"");

    (void)state;
    assert_int_equal(f.n_denies, 1);
    assert_null(f.deny[0].actor);
    assert_null(f.deny[0].role);
    assert_int_equal(f.deny[0].kinds | f.deny[0].labels, 0);
    assert_int_equal(f.deny[0].from_us, DATE_SINCE);
    assert_int_equal(f.deny[0].to_us, DATE_OPEN);

    assert_int_equal(consent("inactive", "\"type\":\"deny\"").n_denies, 0);
    assert_int_equal(consent("active", "\"type\":\"permit\"").n_denies, 0);

    f = consent(
        "active",
        "\"period\":{\"start\":\"2026-02-01\"}," NESTED(
            ",\"period\":{\"start\":\"2026-01-01\",\"end\":\"2026-12-31\"},\"securityLabel\":"
            "[{\"system\":\"" LABEL_SYSTEM "\",\"code\":\"PSY\"}],\"class\":[{\"system\":"
            "\"http://hl7.org/fhir/resource-types\",\"code\":\"Observation\"}],\"actor\":"
            "[{\"role\":{\"coding\":[{\"code\":\"PRCP\"}]},\"reference\":{\"reference\":"
            "\"Practitioner/nurse-7\"}},{\"role\":{\"coding\":[{\"system\":"
            "\"http://ward/roles\",\"code\":\"pharmacist\"}]},\"reference\":{\"display\":"
            "\"all\"}}]"));
    assert_int_equal(f.n_denies, 2);
    assert_string_equal(f.deny[0].actor, "nurse-7");
    assert_null(f.deny[0].role);
    assert_null(f.deny[1].actor);
    assert_string_equal(f.deny[1].role, "pharmacist");
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(f.deny[i].kinds, KIND_BIT(KIND_OBSERVATION) | KIND_BIT(KIND_OTHER));
        assert_int_equal(f.deny[i].labels, LABEL_PSY | LABEL_UNKNOWN);
        assert_true(f.deny[i].from_us == DAY(2026, 2, 1) - 14 * HOUR);
        assert_true(f.deny[i].to_us == DAY(2027, 1, 1) + 12 * HOUR);
    }
}

static void a_denial_holds_wherever_its_days_may_be(void **state)
{
    const struct {
        const char *start, *end;
        int64_t from_us, to_us;
    } rows[] = {
        {"2026-11-22", "2026-11-22", DAY(2026, 11, 22) - 14 * HOUR,
         DAY(2026, 11, 23) + 12 * HOUR},
        {"2026-11", "2026-12", DAY(2026, 11, 1) - 14 * HOUR, DAY(2027, 1, 1) + 12 * HOUR},
        {"2026", "2027", DAY(2026, 1, 1) - 14 * HOUR, DAY(2028, 1, 1) + 12 * HOUR},
        {"2026-11-22T00:00:00+08:00", "2026-11-23T00:00:00-05:00", DAY(2026, 11, 22) - 8 * HOUR,
         DAY(2026, 11, 23) + 5 * HOUR + 1000000},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct found_by f = consent(
            "active",
            ward_printf(&mem, "\"type\":\"deny\",\"period\":{\"start\":\"%s\",\"end\":\"%s\"}",
                        rows[i].start, rows[i].end));

        assert_int_equal(f.n_denies, 1);
        assert_true(f.deny[0].from_us == rows[i].from_us);
        assert_true(f.deny[0].to_us == rows[i].to_us);
    }
}

static void a_consent_that_cannot_be_enforced_is_refused_while_it_is_active(void **state)
{
    static const char *const provisions[] = {
        NESTED(",\"action\":[{\"text\":\"access\"}]"),
        NESTED(",\"purpose\":[{\"code\":\"TREAT\"}]"),
        NESTED(",\"code\":[{\"text\":\"x\"}]"),
        NESTED(",\"dataPeriod\":{\"start\":\"2026\"}"),
        NESTED(",\"provision\":[{\"type\":\"deny\"}]"),
        NESTED(",\"class\":[{\"system\":\"http://hl7.org/fhir/resource-types\",\"code\":"
               "\"CarePlan\"}]"),
        NESTED(",\"securityLabel\":[{\"system\":\"" LABEL_SYSTEM "\",\"code\":\"R\"}]"),
        NESTED(",\"modifierExtension\":[{\"url\":\"urn:x\",\"valueBoolean\":true}]"),
        NESTED(",\"_type\":{\"id\":\"x\"}"),
        NESTED(",\"actor\":[{\"reference\":{\"reference\":\"Group/1\"}}]"),
        "\"type\":\"permit\",\"provision\":[{\"type\":\"permit\"}]",
        "\"type\":\"deny\",\"provision\":[{\"type\":\"deny\"}]",
        "\"type\":\"deny\",\"class\":[{\"system\":\"urn:x\",\"code\":\"Observation\"}]",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(provisions); i++) {
        struct ward_err err = {0};
        struct found_by f;

        if (index_json(ward_printf(&mem, CONSENT, "active", provisions[i]), &f, &err) !=
                WARD_FAILED_PRECONDITION ||
            strcmp(err.reason, "CONSENT_NOT_ENFORCEABLE") != 0)
            fail_msg("%s was taken: %s", provisions[i], err.msg);
        assert_int_equal(consent("draft", provisions[i]).n_denies, 0);
    }
}

static void
a_consent_with_unknown_modifiers_or_rules_is_refused_while_it_is_active(void **state)
{
    static const char *const more[] = {
        "\",\"implicitRules\":\"urn:rules",
        "\",\"modifierExtension\":[{\"url\":\"urn:x\",\"valueBoolean\":true}],\"language\":"
        "\"en",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(more); i++) {
        const char *active = ward_printf(&mem, "active%s", more[i]);
        const char *draft = ward_printf(&mem, "draft%s", more[i]);
        struct ward_err err = {0};
        struct found_by f;

        assert_int_equal(
            index_json(ward_printf(&mem, CONSENT, active, "\"type\":\"permit\""), &f, &err),
            WARD_FAILED_PRECONDITION);
        assert_string_equal(err.reason, "CONSENT_NOT_ENFORCEABLE");
        assert_int_equal(consent(draft, "\"type\":\"permit\"").n_denies, 0);
    }
}

#define ALONE                                                                                  \
    "{\"resourceType\":\"Consent\",\"status\":\"%s\",\"scope\":{\"coding\":[{\"code\":\"x\"}]" \
    "},"                                                                                       \
    "\"category\":[{\"coding\":[{\"code\":\"y\"}]}]," WHOSE                                    \
    ",\"policyRule\":{\"coding\":[{\"code\":\"%s\"}]}}"

static void who_opted_out_without_a_provision_denies_more_than_is_enforced(void **state)
{
    static const struct {
        const char *status, *rule;
        enum ward_code code;
    } rows[] = {{"active", "OPTOUT", WARD_FAILED_PRECONDITION},
                {"active", "OPTOUTE", WARD_FAILED_PRECONDITION},
                {"active", "OPTIN", WARD_OK},
                {"inactive", "OPTOUT", WARD_OK}};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_err err = {0};
        struct found_by f;

        assert_int_equal(
            index_json(ward_printf(&mem, ALONE, rows[i].status, rows[i].rule), &f, &err),
            rows[i].code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_come_from_marks_and_from_codes),
        cmocka_unit_test(an_encounter_is_open_where_it_says),
        cmocka_unit_test(a_stay_lasts_while_the_encounter_and_the_location_do),
        cmocka_unit_test(who_comes_back_to_a_ward_has_two_stays_there),
        cmocka_unit_test(a_consent_denies_what_it_says_while_it_is_active),
        cmocka_unit_test(a_denial_holds_wherever_its_days_may_be),
        cmocka_unit_test(a_consent_that_cannot_be_enforced_is_refused_while_it_is_active),
        cmocka_unit_test(
            a_consent_with_unknown_modifiers_or_rules_is_refused_while_it_is_active),
        cmocka_unit_test(who_opted_out_without_a_provision_denies_more_than_is_enforced),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
