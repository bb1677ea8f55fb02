#include "services/records/exchange/clean.h"
#include "services/records/fhir/fhir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;

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

static int fresh(void **state)
{
    (void)state;
    ward_arena_reset(&mem);
    return 0;
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

/* An observation with the given valueQuantity. */
static Resource *observed(const char *quantity)
{
    const char *text = ward_printf(&mem,
                                   "{\"resourceType\":\"Observation\",\"status\":\"final\","
                                   "\"code\":{\"text\":\"x\"},\"valueQuantity\":%s}",
                                   quantity);

    return read_json(text);
}

static struct cleanings clean(Resource *res)
{
    struct cleanings out;
    struct ward_err err = {0};

    if (clean_resource(&mem, res, &out, &err) != WARD_OK)
        fail_msg("%s", err.msg);
    return out;
}

static void a_unit_in_words_gets_its_code_and_stays(void **state)
{
    Resource *res = observed("{\"value\":5.10,\"unit\":\"mmHg\"}");
    struct cleanings c = clean(res);
    const Ward__Records__V1__Quantity *q = res->observation->value_quantity;

    (void)state;
    assert_string_equal(q->system, "http://unitsofmeasure.org");
    assert_string_equal(q->code, "mm[Hg]");
    assert_string_equal(q->unit, "mmHg");
    assert_string_equal(q->value->value, "5.10");
    assert_int_equal(c.n, 2);
    assert_string_equal(c.at[0]->path, "Observation.valueQuantity.system");
    assert_string_equal(c.at[0]->before, "");
    assert_string_equal(c.at[0]->after, "\"http://unitsofmeasure.org\"");
    assert_string_equal(c.at[1]->path, "Observation.valueQuantity.code");
    assert_string_equal(c.at[1]->after, "\"mm[Hg]\"");
    assert_string_equal(c.at[1]->rule, "ucum-code-from-unit");
}

static void a_synonym_that_claims_to_be_ucum_is_put_right_and_told(void **state)
{
    Resource *res = observed("{\"value\":1,\"unit\":\"x\",\"system\":\"http://"
                             "unitsofmeasure.org\",\"code\":\"mmHg\"}");
    struct cleanings c = clean(res);

    (void)state;
    assert_string_equal(res->observation->value_quantity->code, "mm[Hg]");
    assert_string_equal(res->observation->value_quantity->unit, "x");
    assert_int_equal(c.n, 1);
    assert_string_equal(c.at[0]->before, "\"mmHg\"");
    assert_string_equal(c.at[0]->rule, "ucum-synonym");
}

static void a_code_without_a_system_gets_it(void **state)
{
    Resource *res = observed("{\"value\":1,\"code\":\"mg/dL\"}");
    struct cleanings c = clean(res);

    (void)state;
    assert_string_equal(res->observation->value_quantity->system, "http://unitsofmeasure.org");
    assert_int_equal(c.n, 1);
    assert_string_equal(c.at[0]->rule, "ucum-system");
}

static void what_is_right_is_left_alone(void **state)
{
    static const char *const right[] = {
        "{\"value\":1,\"unit\":\"mg/dl\",\"system\":\"http://unitsofmeasure.org\","
        "\"code\":\"mg/dL\"}",
        "{\"value\":1,\"unit\":\"zebras\"}",
        "{\"value\":1,\"unit\":\"g\",\"system\":\"http://snomed.info/"
        "sct\",\"code\":\"258682000\"}",
        "{\"value\":1}",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(right); i++) {
        Resource *res = observed(right[i]), *again = observed(right[i]);
        uint8_t a[512], b[512];
        size_t n;

        assert_int_equal(clean(res).n, 0);
        n = ward__records__v1__resource__pack(res, a);
        assert_int_equal(ward__records__v1__resource__pack(again, b), n);
        assert_memory_equal(a, b, n);
    }
}

static void what_was_cleaned_is_clean(void **state)
{
    Resource *res = observed("{\"value\":1,\"unit\":\"10^9/L\"}");

    (void)state;
    assert_true(clean(res).n > 0);
    assert_int_equal(clean(res).n, 0);
}

static void a_unit_that_may_mean_two_things_gets_no_code_and_is_a_problem(void **state)
{
    static const char *const units[] = {"U/ML", "uIU/ML", "ML", "MG",    "Mg/dL", "K/mL", "G/L",
                                        "u/l",  "C",      "F",  "b/min", "T",     "U"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(units); i++) {
        Resource *res = observed(ward_printf(&mem, "{\"value\":35,\"unit\":\"%s\"}", units[i]));
        struct problems told = {0};

        assert_int_equal(clean(res).n, 0);
        assert_string_equal(res->observation->value_quantity->code, "");
        assert_int_equal(implausible(&mem, res, INT64_MIN, 0, &told, NULL), WARD_OK);
        if (told.n != 1)
            fail_msg("%s: %zu problems", units[i], told.n);
        assert_string_equal(told.at[0]->reason, "UNIT_UNKNOWN");
        assert_string_equal(told.at[0]->path, "Observation.valueQuantity.unit");
        assert_int_equal(doubtful_units(&mem, res, &told, NULL), WARD_OK);
        assert_int_equal(told.n, 1); /* the problem is not added a second time */
    }
}

static void a_unit_that_says_it_is_ucum_is_not_doubted(void **state)
{
    static const char *const sure[] = {
        "{\"value\":3,\"unit\":\"T\",\"system\":\"http://unitsofmeasure.org\",\"code\":\"T\"}",
        "{\"value\":3,\"unit\":\"C\",\"system\":\"http://hospital.example/units\"}",
        "{\"value\":3,\"unit\":\"smiles\"}",
        "{\"value\":3,\"unit\":\"K/uL\"}",
        "{\"value\":3,\"unit\":\"mg\"}",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(sure); i++) {
        struct problems told = {0};

        assert_int_equal(doubtful_units(&mem, observed(sure[i]), &told, NULL), WARD_OK);
        assert_int_equal(told.n, 0);
    }
}

static void every_quantity_of_a_resource_is_looked_at_but_not_extensions(void **state)
{
    Resource *res = read_json(
        "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
        "\"extension\":[{\"url\":\"u\",\"valueQuantity\":{\"value\":1,\"unit\":\"mmHg\"}}],"
        "\"component\":[{\"code\":{\"text\":\"y\"},\"valueQuantity\":{\"value\":1,\"unit\":"
        "\"mmHg\"},\"referenceRange\":[{\"low\":{\"value\":1,\"unit\":\"mmHg\"}}]}]}");
    struct cleanings c = clean(res);

    (void)state;
    assert_int_equal(c.n, 4);
    assert_string_equal(c.at[1]->path, "Observation.component[0].valueQuantity.code");
    assert_string_equal(c.at[3]->path, "Observation.component[0].referenceRange[0].low.code");
    assert_string_equal(res->observation->extension[0]->value_quantity->system, "");
}

static void cleaning_that_meets_the_arena_s_end_says_so(void **state)
{
    enum ward_code code = WARD_UNKNOWN;

    (void)state;
    for (int n = 1; code != WARD_OK; n++) {
        Resource *res = observed("{\"value\":1,\"unit\":\"mmHg\"}");
        struct cleanings out;

        mem.fail_at = mem.calls + n;
        code = clean_resource(&mem, res, &out, NULL);
        mem.fail_at = 0;
        assert_true(code == WARD_OK || code == WARD_RESOURCE_EXHAUSTED);
        ward_arena_reset(&mem);
        assert_true(n < 100);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_unit_in_words_gets_its_code_and_stays, fresh),
        cmocka_unit_test_setup(a_synonym_that_claims_to_be_ucum_is_put_right_and_told, fresh),
        cmocka_unit_test_setup(a_code_without_a_system_gets_it, fresh),
        cmocka_unit_test_setup(what_is_right_is_left_alone, fresh),
        cmocka_unit_test_setup(what_was_cleaned_is_clean, fresh),
        cmocka_unit_test_setup(a_unit_that_may_mean_two_things_gets_no_code_and_is_a_problem,
                               fresh),
        cmocka_unit_test_setup(a_unit_that_says_it_is_ucum_is_not_doubted, fresh),
        cmocka_unit_test_setup(every_quantity_of_a_resource_is_looked_at_but_not_extensions,
                               fresh),
        cmocka_unit_test_setup(cleaning_that_meets_the_arena_s_end_says_so, fresh),
    };

    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
