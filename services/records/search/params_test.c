/* Tests the table of parameters, and compares it with docs/records.md. WARD_PRINT=1 prints the
 * table. */
#include "services/records/search/search.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void each_kind_has_its_own_parameters(void **state)
{
    (void)state;
    assert_non_null(search_param_of(KIND_PATIENT, "birthdate"));
    assert_null(search_param_of(KIND_OBSERVATION, "birthdate"));
    assert_null(search_param_of(KIND_PATIENT, "patient"));
    assert_null(search_param_of(KIND_CONDITION, "status"));
    assert_null(search_param_of(KIND_OBSERVATION, "Code"));
    assert_null(search_param_of(KIND_OBSERVATION, ""));
    assert_null(search_param_of(KIND_NONE, "_id"));
    assert_int_equal(search_param_of(KIND_ALLERGY, "date")->ask, ASK_SECOND);
    assert_int_equal(search_param_of(KIND_OBSERVATION, "date")->ask, ASK_DATE);
    assert_int_equal(search_param_of(KIND_ALLERGY, "type")->token[0], PARAM_TYPE);
    assert_int_equal(search_param_of(KIND_DOCUMENT, "type")->token[0], PARAM_CODE);
    assert_int_equal(search_param_of(KIND_LOCATION, "status")->token[0], PARAM_STATUS);
    assert_non_null(search_param_of(KIND_PRACTITIONER, "family"));
    assert_null(search_param_of(KIND_ORGANIZATION, "family"));
    assert_null(search_param_of(KIND_PRACTITIONER, "patient"));
}

static void no_parameter_of_a_kind_is_there_twice(void **state)
{
    (void)state;
    for (const struct search_param *p = search_params; p->name != NULL; p++)
        for (const struct search_param *q = p + 1; q->name != NULL; q++)
            if (strcmp(p->name, q->name) == 0)
                assert_int_equal(p->kinds & q->kinds, 0);
}

static void every_status_of_the_wire_is_found_by_its_code(void **state)
{
    static const struct {
        enum kind kind;
        const ProtobufCEnumDescriptor *type;
    } kinds[] = {
        {KIND_ENCOUNTER, &ward__records__v1__encounter__status__descriptor},
        {KIND_OBSERVATION, &ward__records__v1__observation__status__descriptor},
        {KIND_DOCUMENT, &ward__records__v1__document_reference__status__descriptor},
        {KIND_REPORT, &ward__records__v1__diagnostic_report__status__descriptor},
        {KIND_CONSENT, &ward__records__v1__consent__status__descriptor},
        {KIND_MEDICATION, &ward__records__v1__medication_statement__status__descriptor},
        {KIND_PRESCRIPTION, &ward__records__v1__medication_request__status__descriptor},
        {KIND_PROCEDURE, &ward__records__v1__procedure__status__descriptor},
        {KIND_IMMUNIZATION, &ward__records__v1__immunization__status__descriptor},
        {KIND_SERVICE, &ward__records__v1__service_request__status__descriptor},
    };

    (void)state;
    for (size_t k = 0; k < WARD_COUNT(kinds); k++) {
        for (unsigned i = 0; i < kinds[k].type->n_values; i++) {
            const ProtobufCEnumValue *v = &kinds[k].type->values[i];
            char code[64];
            size_t n = 0;

            if (v->value == 0)
                continue;
            for (const char *c = v->name + strlen("STATUS_"); *c != '\0'; c++)
                code[n++] = (char)(*c == '_' ? '-' : *c + 'a' - 'A');
            code[n] = '\0';
            assert_int_equal(search_status_of(kinds[k].kind, code), v->value);
        }
        assert_int_equal(search_status_of(kinds[k].kind, ""), 0);
        assert_int_equal(search_status_of(kinds[k].kind, "nonsense"), 0);
    }
    assert_int_equal(search_status_of(KIND_PATIENT, "final"), 0);
}

static void the_documentation_lists_what_there_is(void **state)
{
    static char text[1 << 20];
    struct ward_arena mem;
    const char *want, *at;
    FILE *f = fopen("docs/records.md", "re");

    (void)state;
    ward_arena_init(&mem, (size_t)8 << 20);
    want = search_params_print(&mem);
    assert_non_null(want);
    if (getenv("WARD_PRINT") != NULL)
        printf("%s", want);
    assert_non_null(f);
    text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
    fclose(f);
    at = strstr(text, want);
    if (at == NULL)
        print_message("docs/records.md, Search parameters: print it with WARD_PRINT=1\n");
    assert_non_null(at);
    ward_arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_its_own_parameters),
        cmocka_unit_test(no_parameter_of_a_kind_is_there_twice),
        cmocka_unit_test(every_status_of_the_wire_is_found_by_its_code),
        cmocka_unit_test(the_documentation_lists_what_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
