#include "services/records/fhir/fhir_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;
static char told[2048];

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

static int fresh(void **state)
{
    (void)state;
    ward_arena_reset(&mem);
    told[0] = '\0';
    return 0;
}

static void tell(void *arg, const char *path)
{
    size_t n = strlen(told);

    (void)arg;
    snprintf(told + n, sizeof(told) - n, "%s ", path);
}

static const struct ward_json *parse(const char *text)
{
    const struct ward_json *v = NULL;
    struct ward_err err = {0};

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.msg);
    return v;
}

static const char *print(const Resource *res)
{
    struct ward_json_out w = {.mem = &mem};
    struct ward_err err = {0};
    const char *text = NULL;

    if (fhir_to_json(&w, res, &err) != WARD_OK ||
        ward_json_done(&w, &text, NULL, &err) != WARD_OK)
        fail_msg("%s %s", err.field, err.msg);
    return text;
}

static Resource *read(const char *text)
{
    struct ward_err err = {0};
    Resource *res = NULL;

    if (fhir_of_json(&mem, parse(text), tell, NULL, &res, &err) != WARD_OK)
        fail_msg("%s: %s %s %s", text, err.reason, err.field, err.msg);
    return res;
}

/* Serializes and reads a resource, as the store does. Exports are compared with this result,
 * not with the first input. */
static Resource *stored(const Resource *res)
{
    size_t n = protobuf_c_message_get_packed_size(&res->base);
    uint8_t *p = ward_alloc(&mem, n);
    Resource *back;

    assert_int_equal(protobuf_c_message_pack(&res->base, p), n);
    back = ward__records__v1__resource__unpack(NULL, n, p);
    assert_non_null(back);
    return back;
}

static void comes_back(const char *text)
{
    Resource *back = stored(read(text));
    const char *out = print(back);

    ward__records__v1__resource__free_unpacked(back, NULL);
    if (!ward_json_equal(parse(text), parse(out)))
        fail_msg("in  %s\nout %s", text, out);
}

static void numbers_keep_their_digits(void **state)
{
    static const char *const NUMBERS[] = {
        "1.10", "0.0", "-0", "1e3", "1.0E-2", "37.50", "0", "100000000000000000000.000000001"};
    char text[512];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(NUMBERS); i++) {
        snprintf(text, sizeof(text),
                 "{\"resourceType\":\"Observation\",\"valueQuantity\":{\"value\":%s}}",
                 NUMBERS[i]);
        comes_back(text);
        assert_non_null(strstr(print(read(text)), NUMBERS[i]));
    }
}

static void base64_may_have_white_space(void **state)
{
    static const char *const DATA[] = {"AAEC AwQF", "AAEC\\r\\nAwQF", " AAECAwQF\\n",
                                       "AAE\\tCAwQF"};
    char text[256];

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(DATA); i++) {
        const Resource *res;

        snprintf(text, sizeof(text),
                 "{\"resourceType\":\"Patient\",\"photo\":[{\"data\":\"%s\"}]}", DATA[i]);
        res = read(text);
        assert_int_equal(res->patient->photo[0]->data.len, 6);
        assert_memory_equal(res->patient->photo[0]->data.data, "\0\1\2\3\4\5", 6);
    }
}

static void every_shape_comes_back(void **state)
{
    static const char *const TEXTS[] = {
        "{\"resourceType\":\"Patient\",\"active\":false,\"multipleBirthInteger\":0,"
        "\"name\":[{\"use\":\"official\",\"family\":\"\\u4eac\",\"given\":[\"a\",\"b\"]}],"
        "\"link\":[{\"other\":{\"reference\":\"Patient/x\"},\"type\":\"replaced-by\"}],"
        "\"photo\":[{\"data\":\"AAECAw==\",\"size\":0}],\"deceasedBoolean\":false}",
        "{\"resourceType\":\"Encounter\",\"status\":\"in-progress\",\"class\":{\"code\":"
        "\"AMB\"},"
        "\"classHistory\":[{\"class\":{\"code\":\"EMER\"},\"period\":{\"start\":\"2019\"}}]}",
        "{\"resourceType\":\"Observation\",\"status\":\"entered-in-error\",\"valueBoolean\":"
        "true,"
        "\"effectiveDateTime\":\"2019-04-23T09:21:52.137+02:00\",\"issued\":"
        "\"2019-04-23T09:21:52.1370+02:00\",\"note\":[{\"authorString\":\"x\",\"text\":\"\\n\"}"
        "]}",
        "{\"resourceType\":\"AllergyIntolerance\",\"category\":[\"food\",\"biologic\"],"
        "\"criticality\":\"unable-to-assess\",\"reaction\":[{\"severity\":\"mild\"}]}",
        "{\"resourceType\":\"Consent\",\"provision\":{\"provision\":[{\"type\":\"deny\","
        "\"provision\":[{\"type\":\"permit\"}]}]}}",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(TEXTS); i++)
        comes_back(TEXTS[i]);
    assert_string_equal(told, "");
}

static void what_has_no_field_is_kept_where_it_was(void **state)
{
    (void)state;
    comes_back(
        "{\"resourceType\":\"Patient\",\"birthDate\":\"1949\",\"_birthDate\":{\"extension\":"
        "[{\"url\":\"u\",\"valueTime\":\"10:00:00\"}]},\"animal\":{\"n\":1.50},"
        "\"name\":[{\"family\":\"a\",\"_family\":{\"id\":\"x\"}}],\"birth_date\":1,"
        "\"more_json\":2,\"moreJson\":[null,{},[]]}");
    assert_string_equal(told, "Patient._birthDate Patient.animal Patient.name._family "
                              "Patient.birth_date Patient.more_json Patient.moreJson ");
}

static void a_key_that_is_no_name_is_not_told(void **state)
{
    (void)state;
    comes_back("{\"resourceType\":\"Patient\",\"Jane Doe\":1,\"\":2,\"9a\":3,\"\\u00e9\":4}");
    assert_string_equal(told, "Patient.? Patient.? Patient.? Patient.? ");
}

static void a_list_with_gaps_is_kept_whole(void **state)
{
    Resource *res;

    (void)state;
    comes_back("{\"resourceType\":\"Patient\",\"name\":[{\"given\":[null,\"Marie\"],\"_given\":"
               "[{\"extension\":[{\"url\":\"u\",\"valueCode\":\"masked\"}]},null]}]}");
    assert_string_equal(told, "Patient.name.given Patient.name._given ");
    res = read(
        "{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"Ann\"],\"_given\":[null]}]}");
    assert_int_equal(res->patient->name[0]->n_given, 1);
}

static const struct {
    const char *text, *reason, *field;
} wrong_ones[] = {
    {"{}", "FIELD_REQUIRED", "resourceType"},
    {"[]", "FIELD_REQUIRED", "resourceType"},
    {"{\"resourceType\":1}", "FIELD_REQUIRED", "resourceType"},
    {"{\"resourceType\":\"a kind\"}", "FIELD_INVALID", "resourceType"},
    {"{\"resourceType\":\"OBSERVATION\"}", "FIELD_INVALID", "resourceType"},
    {"{\"resourceType\":\"patient\"}", "FIELD_INVALID", "resourceType"},
    {"{\"resourceType\":\"Patient\",\"birthDate\":1}", "FIELD_INVALID", "Patient.birthDate"},
    {"{\"resourceType\":\"Patient\",\"birthDate\":\"\"}", "FIELD_INVALID", "Patient.birthDate"},
    {"{\"resourceType\":\"Patient\",\"birthDate\":null}", "FIELD_INVALID", "Patient.birthDate"},
    {"{\"resourceType\":\"Patient\",\"name\":{}}", "FIELD_INVALID", "Patient.name"},
    {"{\"resourceType\":\"Patient\",\"name\":[]}", "FIELD_INVALID", "Patient.name"},
    {"{\"resourceType\":\"Patient\",\"name\":[{\"use\":\"usual\"},null]}", "FIELD_INVALID",
     "Patient.name[1]"},
    {"{\"resourceType\":\"Patient\",\"name\":[{}]}", "FIELD_INVALID", "Patient.name[0]"},
    {"{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",1]}]}", "FIELD_INVALID",
     "Patient.name[0].given[1]"},
    {"{\"resourceType\":\"Patient\",\"gender\":\"x\"}", "CODE_UNKNOWN", "Patient.gender"},
    {"{\"resourceType\":\"Patient\",\"gender\":\"Male\"}", "CODE_UNKNOWN", "Patient.gender"},
    {"{\"resourceType\":\"Patient\",\"active\":\"true\"}", "FIELD_INVALID", "Patient.active"},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":1.0}", "FIELD_INVALID",
     "Patient.multipleBirthInteger"},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":-0}", "FIELD_INVALID",
     "Patient.multipleBirthInteger"},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":2147483648}", "FIELD_INVALID",
     "Patient.multipleBirthInteger"},
    {"{\"resourceType\":\"Patient\",\"multipleBirthInteger\":1,\"multipleBirthBoolean\":"
     "true}",
     "FIELD_INVALID", "Patient.multipleBirthBoolean"},
    {"{\"resourceType\":\"Patient\",\"photo\":[{\"data\":\"AAA\"}]}", "FIELD_INVALID",
     "Patient.photo[0].data"},
    {"{\"resourceType\":\"Patient\",\"photo\":[{\"data\":\" \"}]}", "FIELD_INVALID",
     "Patient.photo[0].data"},
    {"{\"resourceType\":\"Patient\",\"photo\":[{\"size\":-1}]}", "FIELD_INVALID",
     "Patient.photo[0].size"},
    {"{\"resourceType\":\"Observation\",\"component\":[{\"valueQuantity\":{\"value\":"
     "\"1\"}}]}",
     "DECIMAL_INVALID", "Observation.component[0].valueQuantity.value"},
};

static void what_is_wrong_is_refused_by_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong_ones); i++) {
        struct ward_err err = {0};
        Resource *res = NULL;

        assert_int_equal(fhir_of_json(&mem, parse(wrong_ones[i].text), NULL, NULL, &res, &err),
                         WARD_INVALID_ARGUMENT);
        assert_null(res);
        if (strcmp(err.reason, wrong_ones[i].reason) != 0 ||
            strcmp(err.field, wrong_ones[i].field) != 0)
            fail_msg("%s: %s %s", wrong_ones[i].text, err.reason, err.field);
    }
}

static void too_much_that_is_not_modelled_is_refused(void **state)
{
    static char text[FHIR_MORE + 256];
    struct ward_err err = {0};
    Resource *res = NULL;
    size_t n = (size_t)snprintf(text, sizeof(text), "{\"resourceType\":\"Patient\",\"x\":\"");

    (void)state;
    memset(text + n, 'a', FHIR_MORE);
    memcpy(text + n + FHIR_MORE, "\"}", 3);
    assert_int_equal(fhir_of_json(&mem, parse(text), NULL, NULL, &res, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "RESOURCE_TOO_LARGE");
}

/* ---- nothing is lost: random objects with random unknown members ---- */

static uint32_t seed;

static unsigned roll(unsigned n)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % n;
}

static void random_value(struct ward_json_out *w, int depth)
{
    static const char *const NUMBERS[] = {"0",     "-0",      "1.10",
                                          "1e400", "-1.5E+3", "9007199254740993"};
    static const char *const STRINGS[] = {"", "\xe4\xba\xac", "a\"\\\n\t\x01", "null",
                                          "\xf0\x9f\x98\x80"};

    switch (roll(depth > 0 ? 7 : 5)) {
    case 0:
        ward_json_null(w);
        return;
    case 1:
        ward_json_bool(w, roll(2) == 0);
        return;
    case 2: {
        const char *s = NUMBERS[roll(WARD_COUNT(NUMBERS))];

        ward_json_decimal(w, s, strlen(s));
        return;
    }
    case 5:
        ward_json_array_begin(w);
        for (unsigned i = roll(3); i > 0; i--)
            random_value(w, depth - 1);
        ward_json_array_end(w);
        return;
    case 6:
        ward_json_object_begin(w);
        for (unsigned i = roll(3); i > 0; i--) {
            ward_json_key_n(w, i == 1 ? "a" : "valueString", i == 1 ? 1 : 11);
            random_value(w, depth - 1);
        }
        ward_json_object_end(w);
        return;
    default:
        ward_json_text(w, STRINGS[roll(WARD_COUNT(STRINGS))]);
    }
}

/* Writes v, and adds up to three unknown members to each object. */
static void sprinkle(struct ward_json_out *w, const struct ward_json *v)
{
    static const char *const KEYS[] = {"_family", "fhir_comments", "x-y", "contained",
                                       "_id",     "\xc3\xa9",      ""};

    if (v->kind == WARD_JSON_ARRAY) {
        ward_json_array_begin(w);
        for (const struct ward_json *x = v->first; x != NULL; x = x->next)
            sprinkle(w, x);
        ward_json_array_end(w);
    } else if (v->kind == WARD_JSON_OBJECT) {
        unsigned at = roll(WARD_COUNT(KEYS)), n = roll(4);

        ward_json_object_begin(w);
        for (const struct ward_json *x = v->first; x != NULL; x = x->next) {
            ward_json_key_n(w, x->key, x->key_n);
            sprinkle(w, x);
        }
        for (; n > 0; n--, at++) {
            ward_json_key(w, KEYS[at % WARD_COUNT(KEYS)]);
            random_value(w, 3);
        }
        ward_json_object_end(w);
    } else {
        ward_json_value(w, v);
    }
}

static void members_that_nobody_knows_come_back_from_anywhere(void **state)
{
    static const char *const TEXTS[] = {
        "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"a\",\"period\":{\"start\":"
        "\"2019\"},"
        "\"extension\":[{\"url\":\"u\",\"valueDecimal\":1.10}]}],\"maritalStatus\":{\"coding\":"
        "[{\"code\":\"M\"},{\"code\":\"N\",\"userSelected\":false}]}}",
        "{\"resourceType\":\"Observation\",\"code\":{\"text\":\"x\"},\"component\":[{\"code\":"
        "{\"text\":\"y\"},\"valueRatio\":{\"numerator\":{\"value\":1},\"denominator\":{"
        "\"value\":"
        "2.50}}}],\"subject\":{\"identifier\":{\"assigner\":{\"display\":\"z\"}}}}",
    };

    (void)state;
    for (seed = 1; seed < 4000000000u; seed += 4000000) {
        struct ward_json_out w = {.mem = &mem};
        const char *text;
        uint32_t was = seed;

        sprinkle(&w, parse(TEXTS[seed / 4000000 % WARD_COUNT(TEXTS)]));
        assert_int_equal(ward_json_done(&w, &text, NULL, NULL), WARD_OK);
        comes_back(text);
        ward_arena_reset(&mem);
        seed = was;
    }
}

static enum ward_code gather(void *arg, const char *path, const ProtobufCMessage *m,
                             const ProtobufCFieldDescriptor *f, void *value,
                             struct ward_err *err)
{
    (void)m, (void)err;
    if (f->type == PROTOBUF_C_TYPE_STRING && strcmp(*(char **)value, "b") == 0)
        *(char **)value = arg;
    tell(NULL, path);
    return WARD_OK;
}

static void a_visit_sees_every_value_and_may_change_it(void **state)
{
    Resource *res = read("{\"resourceType\":\"Patient\",\"name\":[{\"given\":[\"a\",\"b\"]}],"
                         "\"extension\":[{\"url\":\"u\",\"valueDecimal\":1.0}]}");
    char changed[] = "c";

    (void)state;
    assert_int_equal(fhir_visit(&mem, res, gather, changed, NULL), WARD_OK);
    assert_string_equal(told, "Patient.extension[0] Patient.extension[0].url "
                              "Patient.extension[0].valueDecimal Patient.name[0] "
                              "Patient.name[0].given[0] Patient.name[0].given[1] ");
    assert_string_equal(res->patient->name[0]->given[1], "c");
}

/* Each allocation fails once. The result must be an error, never a partly read resource. */
static void memory_that_ends_anywhere_is_an_error(void **state)
{
    const struct ward_json *v =
        parse("{\"resourceType\":\"Patient\",\"x\":1,\"name\":[{\"given\":[\"a\"]}],\"photo\":"
              "[{\"data\":\"AAAA\"}],\"extension\":[{\"url\":\"u\",\"valueDecimal\":1.0}]}");
    enum ward_code code = WARD_OK;
    int n = 0;

    (void)state;
    do {
        struct ward_arena small;
        struct ward_err err = {0};
        Resource *res = NULL;

        ward_arena_init(&small, 1 << 20);
        small.fail_at = ++n;
        code = fhir_of_json(&small, v, NULL, NULL, &res, &err);
        assert_true(code == WARD_OK || (code == WARD_RESOURCE_EXHAUSTED && res == NULL));
        ward_arena_done(&small);
    } while (code != WARD_OK && n < 1000);
    assert_true(n > 10 && n < 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(numbers_keep_their_digits, fresh),
        cmocka_unit_test_setup(base64_may_have_white_space, fresh),
        cmocka_unit_test_setup(every_shape_comes_back, fresh),
        cmocka_unit_test_setup(what_has_no_field_is_kept_where_it_was, fresh),
        cmocka_unit_test_setup(a_key_that_is_no_name_is_not_told, fresh),
        cmocka_unit_test_setup(a_list_with_gaps_is_kept_whole, fresh),
        cmocka_unit_test_setup(what_is_wrong_is_refused_by_path, fresh),
        cmocka_unit_test_setup(too_much_that_is_not_modelled_is_refused, fresh),
        cmocka_unit_test_setup(members_that_nobody_knows_come_back_from_anywhere, fresh),
        cmocka_unit_test_setup(a_visit_sees_every_value_and_may_change_it, fresh),
        cmocka_unit_test_setup(memory_that_ends_anywhere_is_an_error, fresh),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
