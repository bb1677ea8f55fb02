/* The index of uninterpreted resources: dates, codes and labels. */
#include "services/records/index/index_testing.h"

#define PLAN(more) "{\"resourceType\":\"CarePlan\"," PATIENT more "}"

static void the_first_date_that_can_be_read_counts(void **state)
{
    const struct {
        const char *text;
        int64_t from_us, to_us;
    } rows[] = {
        {PLAN(""), NO_DATE, NO_DATE},
        {PLAN(",\"created\":\"2026-03-01\""), DAY(2026, 3, 1), DAY(2026, 3, 2)},
        {PLAN(",\"created\":\"2026-03-01\",\"period\":{\"start\":\"2025-01-01\",\"end\":"
              "\"2025-01-02\"}"),
         DAY(2025, 1, 1), DAY(2025, 1, 3)},
        {PLAN(",\"period\":{\"start\":\"2025-01-01\"}"), DAY(2025, 1, 1), DATE_OPEN},
        {PLAN(",\"period\":{\"end\":\"2025-01-01\"}"), DATE_SINCE, DAY(2025, 1, 2)},
        {PLAN(",\"period\":{},\"date\":\"2025-01-01\""), DAY(2025, 1, 1), DAY(2025, 1, 2)},
        {PLAN(",\"started\":\"2021-02-30\",\"issued\":\"2025-01-01\""), DAY(2025, 1, 1),
         DAY(2025, 1, 2)},
        {PLAN(",\"date\":\"next week\",\"created\":7"), NO_DATE, NO_DATE},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct found_by f = found(rows[i].text);

        assert_true(f.from_us == rows[i].from_us && f.to_us == rows[i].to_us);
    }
}

static bool has(const struct found_by *f, enum param p, const char *text)
{
    struct token t = {.param = p};

    assert_int_equal(param_hash(keys, p, text, strlen(text), t.hash, NULL), WARD_OK);
    for (size_t i = 0; i < f->n_tokens; i++)
        if (token_cmp(&f->token[i], &t) == 0)
            return true;
    return false;
}

static void it_is_found_by_kind_by_each_coding_and_by_identifier(void **state)
{
    struct found_by f = found(
        PLAN(",\"identifier\":[{\"system\":\"s\",\"value\":\"v\"},7],\"category\":[{\"coding\":"
             "[{\"code\":\"a\"}]}],\"deep\":[[{\"x\":{\"system\":\"t\",\"code\":\"b\"}}]],"
             "\"dose\":{\"system\":\"http://unitsofmeasure.org\",\"code\":\"mg\"}"));

    (void)state;
    assert_true(has(&f, PARAM_TYPE, "|CarePlan"));
    assert_true(has(&f, PARAM_CODE, "|a"));
    assert_true(has(&f, PARAM_CODE, "t|b"));
    assert_true(has(&f, PARAM_CODE, "|b"));
    assert_true(has(&f, PARAM_IDENTIFIER, "s|v"));
    assert_false(has(&f, PARAM_CODE, "|mg"));
    assert_int_equal(f.n_tokens, 6);
    f = found("{\"resourceType\":\"Coverage\",\"identifier\":{\"value\":\"w\"},\"beneficiary\":"
              "{\"reference\":\"Patient/01890000-0000-7000-8000-000000000000\"}}");
    assert_true(has(&f, PARAM_IDENTIFIER, "|w"));
}

static void a_coding_anywhere_labels_and_one_that_is_not_read_hides(void **state)
{
#define ICD  "\"system\":\"http://hl7.org/fhir/sid/icd-10\",\"code\":"
#define MINE "\"system\":\"urn:mine\",\"code\":"
    static const struct {
        const char *text;
        uint32_t labels;
    } rows[] = {
        {PLAN(",\"description\":\"HIV\""), 0},
        {PLAN(",\"a\":{" ICD "\"B20\"}"), LABEL_HIV},
        {PLAN(",\"a\":[[{\"b\":[{\"coding\":[{" ICD "\"B20\"}]}]}]]"), LABEL_HIV},
        {PLAN(",\"a\":{\"coding\":[{" ICD "\"J18\"},{" MINE "\"x\"}]}"), 0},
        {PLAN(",\"a\":{\"coding\":[{" MINE "\"x\"},{" ICD "\"B20\"}]}"), LABEL_HIV},
        {PLAN(",\"a\":{\"coding\":[{" ICD "\"J18\"}]},\"b\":{\"coding\":[{" MINE "\"x\"}]}"),
         LABEL_UNKNOWN},
        {PLAN(",\"a\":{\"coding\":[{" ICD "\"J18\",\"extension\":[{\"valueCoding\":{" MINE
              "\"x\"}}]}]}"),
         LABEL_UNKNOWN},
        {PLAN(",\"a\":{\"coding\":{" MINE "\"x\"}}"), LABEL_UNKNOWN},
        {PLAN(",\"a\":{\"code\":\"B20\"}"), LABEL_UNKNOWN},
        {PLAN(",\"a\":{\"code\":42}"), LABEL_UNKNOWN},
        {PLAN(",\"a\":{\"system\":7,\"code\":\"x\"}"), LABEL_UNKNOWN},
        {PLAN(",\"a\":{\"system\":\"http://hl7.org/fhir/sid/icd-9-cm\",\"code\":795.71}"),
         LABEL_HIV},
        {PLAN(",\"a\":{\"system\":\"urn:mine\"},\"b\":{\"code\":{\"text\":\"x\"}}"), 0},
        {PLAN(",\"a\":{\"system\":\"http://unitsofmeasure.org\",\"code\":\"mg\"}"), 0},
        {PLAN(",\"meta\":{\"security\":[{\"system\":\"" LABEL_SYSTEM "\",\"code\":\"PSY\"}]}"),
         LABEL_PSY},
        {PLAN(",\"meta\":{\"tag\":[{" MINE "\"x\"}]}"), 0},
        {"{\"resourceType\":\"CarePlan\",\"subject\":{\"reference\":\"Patient/"
         "01890000-0000-7000-8000-000000000000\",\"x\":{" ICD "\"B20\"}}}",
         LABEL_HIV},
        {PLAN(",\"meta\":{\"x\":[{" MINE "\"x\"}]}"), LABEL_UNKNOWN},
        {PLAN(",\"meta\":{\"extension\":[{\"url\":\"u\",\"valueCoding\":{\"system\":"
              "\"" LABEL_SYSTEM "\",\"code\":\"SDV\"}}]}"),
         LABEL_SDV},
        {PLAN(",\"contained\":[{\"meta\":{\"security\":[{\"system\":\"" LABEL_SYSTEM
              "\",\"code\":\"PSY\"}]}}]"),
         LABEL_PSY},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        if (found(rows[i].text).labels != rows[i].labels)
            fail_msg("%s: %u", rows[i].text, (unsigned)found(rows[i].text).labels);
}

static void many_codings_are_labelled_all_and_found_by_the_first(void **state)
{
    const size_t n = 9000, cap = n * 64 + 256;
    char *text = ward_alloc(&mem, cap);
    size_t at =
        (size_t)snprintf(text, cap, "%s", "{\"resourceType\":\"CarePlan\"," PATIENT ",\"a\":[");
    struct found_by f;

    (void)state;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, cap - at,
                               "{\"system\":\"http://snomed.info/sct\",\"code\":\"%zu\"},", i);
    snprintf(text + at, cap - at, "%s", "{" ICD "\"B20\"}]}");
    f = found(text);
    assert_int_equal(f.labels, LABEL_HIV);
    assert_true(f.n_tokens <= TOKENS_MAX);
    assert_true(has(&f, PARAM_CODE, "|17"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_date_that_can_be_read_counts),
        cmocka_unit_test(it_is_found_by_kind_by_each_coding_and_by_identifier),
        cmocka_unit_test(a_coding_anywhere_labels_and_one_that_is_not_read_hides),
        cmocka_unit_test(many_codings_are_labelled_all_and_found_by_the_first),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
