#include "common/keyring/keyring_own.h"
#include "common/measure/fhirtime.h"
#include "services/records/exchange/clean_walk.h"
#include "services/records/exchange/deid.h"
#include "services/records/fhir/fhir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct ward_arena mem;
static struct ward_keyring *keys;
static char dir[] = "/tmp/ward-deid-XXXXXX";
static const int64_t now = INT64_C(1795262400) * WARD_US_PER_SECOND; /* 2026-11-21T12:00Z */
static const uint8_t root[RECORDS_ID] = {1, 2, 3}, merged[RECORDS_ID] = {4, 5, 6};
static uint8_t all[2][RECORDS_ID];
static char root_text[37], merged_text[37];

static int begin(void **state)
{
    struct ward_keyring_config cfg = {.service = "records", .unreadable = "RECORD_UNREADABLE"};
    struct secret *hash;
    struct ward_err err = {0};
    const char *path;
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(dir));
    ward_arena_init(&mem, (size_t)512 << 20);
    path = ward_printf(&mem, "%s/root", dir);
    f = fopen(path, "we");
    assert_non_null(f);
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    for (int i = 0; i < 32; i++)
        fprintf(f, "%02x", 7);
    assert_int_equal(fclose(f), 0);
    cfg.root = path;
    cfg.root_old = "";
    if (ward_keyring_blank(&cfg, &keys, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    hash = ward_keyring_place(keys, &keys->now, "hash", 0, 1);
    assert_non_null(hash);
    hash->generation = 1;
    memset(hash->key, 9, WARD_KEY_SIZE);
    unlink(path);
    rmdir(dir);
    memcpy(all[0], root, RECORDS_ID);
    memcpy(all[1], merged, RECORDS_ID);
    ward_uuid_text(root, root_text);
    ward_uuid_text(merged, merged_text);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_keyring_close(keys);
    ward_arena_done(&mem);
    return 0;
}

static int fresh(void **state)
{
    (void)state;
    ward_arena_reset(&mem);
    return 0;
}

static struct deid of(const char *project, const char *birth_date)
{
    struct deid d = {.keys = keys,
                     .mem = &mem,
                     .project = project,
                     .root = root,
                     .all = (const uint8_t(*)[RECORDS_ID])all,
                     .n = 2};
    struct ward_err err = {0};

    if (deid_begin(&d, birth_date, now, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    return d;
}

static Resource *read_json(const char *text)
{
    const struct ward_json *v = NULL;
    Resource *res = NULL;
    struct ward_err err = {0};

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, &err) != WARD_OK ||
        fhir_of_json(&mem, v, NULL, NULL, &res, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.msg);
    return res;
}

/* De-identifies a resource and returns its exported JSON; "": not exported. */
static const char *outcome(const struct deid *d, Resource *res)
{
    struct ward_json_out w = {.mem = &mem};
    struct ward_err err = {0};
    const char *text = "";
    bool goes;

    if (deid_resource(d, res, &goes, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    if (!goes)
        return "";
    if (fhir_to_json(&w, res, &err) != WARD_OK ||
        ward_json_done(&w, &text, NULL, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    return text;
}

/* ---- planted texts ---- */

#define PLANTED "PLANTED"

static void plant(ProtobufCMessage *m, int depth, int which);

static void *new_message(const ProtobufCMessageDescriptor *t)
{
    ProtobufCMessage *m = ward_alloc(&mem, t->sizeof_message);

    assert_non_null(m);
    t->message_init(m);
    return m;
}

/* Writes one value of a field to `at`; for a list, the only element. */
static void plant_value(void *at, const ProtobufCFieldDescriptor *f, int depth, int which)
{
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        *(ProtobufCMessage **)at = new_message(f->descriptor);
        plant(*(ProtobufCMessage **)at, depth + 1, which);
    } else if (f->type == PROTOBUF_C_TYPE_STRING) {
        bool id = strcmp(f->name, "id") == 0;

        *(char **)at = id ? root_text : ward_printf(&mem, PLANTED " %s", f->name);
    } else if (f->type == PROTOBUF_C_TYPE_BYTES) {
        *(ProtobufCBinaryData *)at = (ProtobufCBinaryData){
            .data = (uint8_t *)ward_strdup(&mem, PLANTED), .len = strlen(PLANTED)};
    } else if (f->type == PROTOBUF_C_TYPE_BOOL) {
        *(protobuf_c_boolean *)at = 1;
    } else {
        *(uint32_t *)at = 1;
    }
}

/* Sets every field of a message. Of a oneof, `which` selects the member, so that several rounds
 * set all members. */
static void plant(ProtobufCMessage *m, int depth, int which)
{
    const ProtobufCMessageDescriptor *t = m->descriptor;

    if (depth > 5 || (depth > 2 && t == &ward__records__v1__extension__descriptor))
        return;
    for (unsigned i = 0; i < t->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &t->fields[i];
        char *at = (char *)m + f->offset, *quantifier = (char *)m + f->quantifier_offset;

        if ((f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
            bool taken = *(uint32_t *)(void *)quantifier != 0;

            if (taken && (int)(i % 31) > which)
                continue;
            *(uint32_t *)(void *)quantifier = f->id;
        } else if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            *(size_t *)(void *)quantifier = 1;
            *(void **)(void *)at = ward_alloc(&mem, 64);
            at = *(char **)(void *)at;
        }
        plant_value(at, f, depth, which);
    }
}

static void nothing_planted_in_any_field_of_any_kind_comes_out(void **state)
{
    const ProtobufCMessageDescriptor *r = &ward__records__v1__resource__descriptor;
    struct deid d = of("study", "1949-08-02");

    (void)state;
    for (int which = 0; which < 31; which++) {
        for (unsigned kind = 0; kind < r->n_fields; kind++) {
            Resource res = WARD__RECORDS__V1__RESOURCE__INIT;
            const char *text;

            res.resource_case = (Ward__Records__V1__Resource__ResourceCase)r->fields[kind].id;
            res.patient = new_message(r->fields[kind].descriptor);
            plant((ProtobufCMessage *)(void *)res.patient, 0, which);
            text = outcome(&d, &res);
            if (strstr(text, PLANTED) != NULL || strstr(text, root_text) != NULL ||
                strstr(text, "UExBTlRFRA") != NULL)
                fail_msg("%s", text);
            /* an Other and resources without a patient are not exported */
            assert_int_equal(strlen(text) > 20,
                             r->fields[kind].id != KIND_OTHER &&
                                 !kind_is_nobodys((enum kind)r->fields[kind].id));
        }
        ward_arena_reset(&mem);
        d = of("study", "1949-08-02");
    }
}

/* ---- exported resources ---- */

static void a_patient_keeps_gender_year_and_state(void **state)
{
    struct deid d = of("study", "1949-08-02");
    const char *text = outcome(
        &d, read_json(ward_printf(
                &mem,
                "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"gender\":\"female\","
                "\"birthDate\":\"1949-08-02\",\"name\":[{\"family\":\"Muster\"}],\"telecom\":[{"
                "\"value\":\"555\"}],\"address\":[{\"line\":[\"1 Road\"],\"city\":\"Boston\","
                "\"state\":\"Massachusetts\",\"postalCode\":\"02101\"}],\"active\":true}",
                root_text)));
    char id[37];

    (void)state;
    assert_int_equal(sscanf(text, "{\"resourceType\":\"Patient\",\"id\":\"%36[0-9a-f-]", id),
                     1);
    assert_string_equal(
        text, ward_printf(&mem,
                          "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"gender\":\"female\","
                          "\"birthDate\":\"1949\",\"address\":[{\"state\":\"Massachusetts\"}]}",
                          id));
    assert_string_not_equal(id, root_text);
}

static const char *observed_at(const struct deid *d, const char *subject, const char *at)
{
    return outcome(d,
                   read_json(ward_printf(
                       &mem,
                       "{\"resourceType\":\"Observation\",\"id\":\"%s\",\"status\":\"final\","
                       "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":"
                       "\"8867-4\",\"display\":\"Heart rate of Anna\"}],\"text\":\"Anna\"},"
                       "\"subject\":{\"reference\":\"Patient/%s\"},\"performer\":[{"
                       "\"reference\":\"Practitioner/9\"}],\"effectiveDateTime\":\"%s\","
                       "\"valueQuantity\":{\"value\":72.0,\"unit\":\"bpm\",\"system\":"
                       "\"http://unitsofmeasure.org\",\"code\":\"/min\"}}",
                       merged_text, subject, at)));
}

static const char *member(const char *text, const char *a, const char *b)
{
    const struct ward_json *v = NULL;

    assert_int_equal(ward_json_parse(text, strlen(text), NULL, &mem, &v, NULL), WARD_OK);
    v = ward_json_get(v, a);
    return ward_json_string(b == NULL ? v : ward_json_get(v, b));
}

static void codes_values_and_intervals_stay(void **state)
{
    struct deid d = of("study", "1949-08-02");
    const char *first = observed_at(&d, root_text, "2020-03-01T10:00:00.5+08:00");
    const char *second = observed_at(&d, root_text, "2020-03-11T10:00:00.5+08:00");
    const char *a = member(first, "effectiveDateTime", NULL);
    const char *b = member(second, "effectiveDateTime", NULL);
    struct ward_fhirtime x, y, was;

    (void)state;
    assert_non_null(strstr(first, "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\","
                                  "\"code\":\"8867-4\"}]}"));
    assert_non_null(strstr(first, "{\"value\":72.0,\"system\":\"http://unitsofmeasure.org\","
                                  "\"code\":\"/min\"}"));
    assert_null(strstr(first, "Anna"));
    assert_null(strstr(first, "performer"));
    assert_string_equal(a + 10, "T02:00:00Z");
    assert_int_equal(ward_fhirtime_parse(WARD_FHIR_DATETIME, a, strlen(a), 0, &x, NULL),
                     WARD_OK);
    assert_int_equal(ward_fhirtime_parse(WARD_FHIR_DATETIME, b, strlen(b), 0, &y, NULL),
                     WARD_OK);
    assert_int_equal(
        ward_fhirtime_parse(WARD_FHIR_DATETIME, "2020-03-01T10:00:00+08:00", 25, 0, &was, NULL),
        WARD_OK);
    assert_int_equal(y.from_us - x.from_us, 10 * WARD_US_PER_DAY);
    assert_int_equal(was.from_us - x.from_us, d.back_days * WARD_US_PER_DAY);
    assert_in_range(d.back_days, 1, 364);
}

static void merged_patients_have_one_pseudonym_and_the_one_merged_away_none(void **state)
{
    struct deid d = of("study", "");
    const char *a = observed_at(&d, root_text, "2020"),
               *b = observed_at(&d, merged_text, "2020");

    (void)state;
    assert_string_equal(member(a, "subject", "reference"), member(b, "subject", "reference"));
    assert_null(strstr(b, merged_text));
    assert_string_equal(
        outcome(&d, read_json(ward_printf(&mem, "{\"resourceType\":\"Patient\",\"id\":\"%s\"}",
                                          merged_text))),
        "");
}

/* If each project had its own shift, the latest of 500 would be a day before the true date. */
static void no_number_of_projects_tells_the_true_date(void **state)
{
    const char *want = NULL;

    (void)state;
    for (int i = 0; i < 500; i++) {
        struct deid d = of(ward_printf(&mem, "p%d", i), "");
        const char *at =
            member(observed_at(&d, root_text, "2024-05-06"), "effectiveDateTime", NULL);

        want = want == NULL ? at : want;
        assert_string_equal(at, want);
        assert_string_not_equal(at, "2024-05-06");
    }
}

/* Together with the offset, a shifted date would reveal on which side of a clock change the
 * true date is. */
static void an_offset_and_a_fraction_do_not_go_out(void **state)
{
    struct deid d = of("study", "");
    const char *winter = member(observed_at(&d, root_text, "2024-03-09T09:00:00.123456-05:00"),
                                "effectiveDateTime", NULL);
    const char *summer = member(observed_at(&d, root_text, "2024-03-10T10:00:00-04:00"),
                                "effectiveDateTime", NULL);

    (void)state;
    assert_string_equal(winter + 10, "T14:00:00Z");
    assert_string_equal(summer + 10, "T14:00:00Z");
    assert_string_equal(member(observed_at(&d, root_text, "2024-03-09T23:30:00-05:00"),
                               "effectiveDateTime", NULL) +
                            10,
                        "T04:30:00Z");
}

static void another_project_has_other_pseudonyms_and_the_same_days(void **state)
{
    struct deid one = of("study", ""), again = of("study", ""), other = of("cohort-b", "");

    (void)state;
    assert_int_equal(one.back_days, again.back_days);
    assert_string_equal(observed_at(&one, root_text, "2020-01-01"),
                        observed_at(&again, root_text, "2020-01-01"));
    assert_int_equal(one.back_days, other.back_days);
    assert_string_not_equal(member(observed_at(&one, root_text, "2020"), "id", NULL),
                            member(observed_at(&other, root_text, "2020"), "id", NULL));
}

static void who_is_90_or_more_is_one_of_a_group(void **state)
{
    struct deid d = of("study", "1936-12-31"), young = of("study", "1937-01-01");
    const char *text = outcome(
        &d, read_json(ward_printf(&mem,
                                  "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"birthDate\":"
                                  "\"1936-12-31\"}",
                                  root_text)));
    static const char aged[] =
        "{\"resourceType\":\"Condition\",\"id\":\"01890000-0000-7000-8000-000000000001\","
        "\"onsetAge\":{\"value\":61,\"system\":\"http://unitsofmeasure.org\",\"code\":\"a\"}}";

    (void)state;
    assert_true(d.over_89);
    assert_false(young.over_89);
    assert_null(strstr(text, "birthDate"));
    assert_non_null(strstr(text, "\"tag\":[{\"system\":\"http://ward/deidentified\",\"code\":"
                                 "\"over-89\"}]"));
    assert_null(strstr(outcome(&d, read_json(aged)), "onsetAge"));
    assert_non_null(strstr(outcome(&young, read_json(aged)), "onsetAge"));
    assert_string_equal(
        outcome(&d, read_json("{\"resourceType\":\"Observation\",\"id\":"
                              "\"01890000-0000-7000-8000-000000000001\",\"code\":{\"coding\":[{"
                              "\"system\":\"http://loinc.org\",\"code\":\"30525-0\"}]}}")),
        "");
}

#define OBSERVED                                                                               \
    "{\"resourceType\":\"Observation\",\"id\":\"01890000-0000-7000-8000-000000000001\","
#define AGED(n) "{\"value\":" n ",\"system\":\"http://unitsofmeasure.org\",\"code\":\"a\"}"
#define CODED(system, code)                                                                    \
    "\"code\":{\"coding\":[{\"system\":\"" system "\",\"code\":\"" code "\"}]}"
#define LOINC  "http://loinc.org"
#define SNOMED "http://snomed.info/sct"

/* `old` was born in 1930 and `young` in 1960; the birth date of `unknown` is unknown. */
static void nothing_tells_an_age_over_89(void **state)
{
    static const char *const not_of_the_old[] = {
        OBSERVED CODED(LOINC, "30525-0") ",\"valueQuantity\":" AGED("64") "}",
        OBSERVED CODED(LOINC, "29553-5") ",\"valueQuantity\":" AGED("64") "}",
        OBSERVED CODED(LOINC, "35659-2") ",\"valueQuantity\":" AGED("64") "}",
        OBSERVED CODED(SNOMED, "424144002") ",\"valueInteger\":64}",
        OBSERVED CODED(LOINC, "55284-4") ",\"component\":[{" CODED(LOINC, "35659-2") "}]}"};
    static const char ranged[] = OBSERVED CODED(
        LOINC, "2160-0") ",\"referenceRange\":[{\"low\":{\"value\":0.5},"
                         "\"age\":{\"low\":" AGED("61") "}}],"
                                                        "\"valueQuantity\":" AGED("40") "}";
    static const char lasted[] =
        OBSERVED CODED("http://local", "x") ",\"valueQuantity\":" AGED("94") "}";
    struct deid old = of("study", "1930-05-05"), young = of("study", "1960-05-05"),
                unknown = of("study", "");

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(not_of_the_old); i++) {
        assert_string_equal(outcome(&old, read_json(not_of_the_old[i])), "");
        assert_string_equal(outcome(&unknown, read_json(not_of_the_old[i])), "");
        assert_string_not_equal(outcome(&young, read_json(not_of_the_old[i])), "");
    }
    assert_null(strstr(outcome(&old, read_json(ranged)), "61"));
    assert_non_null(strstr(outcome(&old, read_json(ranged)), "0.5"));
    assert_non_null(strstr(outcome(&old, read_json(ranged)), "40"));
    assert_non_null(strstr(outcome(&young, read_json(ranged)), "61"));
    assert_null(strstr(outcome(&old, read_json(lasted)), "94"));
}

/* The test's current date is 2026-11-21. */
static void what_is_89_years_old_does_not_go_out_nor_a_birth_date(void **state)
{
    static const char born[] =
        OBSERVED CODED(LOINC, "21112-8") ",\"valueDateTime\":\"1960-05-05\"}";
    static const char dead[] =
        "{\"resourceType\":\"Patient\",\"id\":\"%s\",\"deceasedDateTime\":\"1930-05-09\"}";
    static const char stay[] =
        "{\"resourceType\":\"Encounter\",\"id\":\"01890000-0000-7000-8000-000000000001\","
        "\"status\":\"finished\",\"period\":{\"start\":\"%s\",\"end\":\"2020-01-01\"}}";
    struct deid old = of("study", "1930-05-05"), young = of("study", "1960-05-05");
    const char *text;

    (void)state;
    assert_string_equal(outcome(&old, read_json(born)), "");
    assert_string_equal(outcome(&young, read_json(born)), "");
    for (int i = 0; i < 2; i++) {
        const struct deid *d = i == 0 ? &old : &young;

        assert_string_equal(outcome(d, read_json(ward_printf(&mem, stay, "1930-05-05"))), "");
        assert_string_equal(outcome(d, read_json(ward_printf(&mem, stay, "1937-11-20"))), "");
        assert_string_not_equal(outcome(d, read_json(ward_printf(&mem, stay, "1937-11-21"))),
                                "");
    }
    text = outcome(&old, read_json(ward_printf(&mem, dead, root_text)));
    assert_non_null(strstr(text, "over-89"));
    assert_null(strstr(text, "deceased"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_planted_in_any_field_of_any_kind_comes_out, fresh),
        cmocka_unit_test_setup(a_patient_keeps_gender_year_and_state, fresh),
        cmocka_unit_test_setup(codes_values_and_intervals_stay, fresh),
        cmocka_unit_test_setup(merged_patients_have_one_pseudonym_and_the_one_merged_away_none,
                               fresh),
        cmocka_unit_test_setup(another_project_has_other_pseudonyms_and_the_same_days, fresh),
        cmocka_unit_test_setup(no_number_of_projects_tells_the_true_date, fresh),
        cmocka_unit_test_setup(an_offset_and_a_fraction_do_not_go_out, fresh),
        cmocka_unit_test_setup(who_is_90_or_more_is_one_of_a_group, fresh),
        cmocka_unit_test_setup(nothing_tells_an_age_over_89, fresh),
        cmocka_unit_test_setup(what_is_89_years_old_does_not_go_out_nor_a_birth_date, fresh),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
