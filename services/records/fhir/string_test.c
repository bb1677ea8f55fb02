#include "services/records/fhir/fhir_own.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPES 160

/* Lists every message type within a Resource. */
static size_t all_types(const MessageType *out[TYPES])
{
    size_t n = 0;

    out[n++] = &ward__records__v1__resource__descriptor;
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < out[i]->n_fields; k++) {
            const Field *f = &out[i]->fields[k];
            size_t j = 0;

            if (f->type != PROTOBUF_C_TYPE_MESSAGE)
                continue;
            while (j < n && out[j] != f->descriptor)
                j++;
            if (j < n)
                continue;
            assert_true(n < TYPES);
            out[n++] = f->descriptor;
        }
    return n;
}

static void it_is_known_what_every_string_holds(void **state)
{
    const MessageType *type[TYPES];
    size_t n = all_types(type), strings = 0;

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < type[i]->n_fields; k++) {
            const char *name = type[i]->fields[k].name;

            if (type[i]->fields[k].type != PROTOBUF_C_TYPE_STRING)
                continue;
            strings++;
            if (fhir_string_of(type[i], name) == STRING_UNKNOWN)
                fail_msg("%s.%s is in no row of string.c", type[i]->short_name, name);
        }
    assert_true(n > 45 && strings > 150);
    assert_int_equal(fhir_string_of(type[0], "no_such"), STRING_UNKNOWN);
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);

    return n >= m && strcmp(s + n - m, end) == 0;
}

/* A field whose name contains a date or time has a date type, and vice versa. */
static void what_is_called_a_date_is_read_as_one(void **state)
{
    static const char *const DATES[] = {"date",    "date_time", "instant",     "issued",
                                        "start",   "end",       "onset",       "creation",
                                        "updated", "time",      "occurrence",  "asserted",
                                        "event",   "recorded",  "authored_on", "time_of_day"};
    const MessageType *type[TYPES];
    size_t n = all_types(type);

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < type[i]->n_fields; k++) {
            const char *name = type[i]->fields[k].name;
            enum fhir_string what = fhir_string_of(type[i], name);
            bool called = false;

            if (type[i]->fields[k].type != PROTOBUF_C_TYPE_STRING)
                continue;
            for (size_t j = 0; j < WARD_COUNT(DATES); j++)
                called = called || ends_with(name, DATES[j]);
            if (called != (what >= STRING_DATE && what <= STRING_TIME))
                fail_msg("%s.%s", type[i]->short_name, name);
        }
}

static void every_name_is_found_again(void **state)
{
    const MessageType *type[TYPES];
    size_t n = all_types(type);
    char name[FHIR_NAME];

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < type[i]->n_fields; k++) {
            const Field *f = &type[i]->fields[k];

            fhir_name(f, name);
            assert_null(strchr(name, '_'));
            assert_ptr_equal(fhir_field(type[i], name), is_more(f) ? NULL : f);
        }
    assert_null(fhir_field(&ward__records__v1__patient__descriptor, "birth_date"));
    assert_null(fhir_field(&ward__records__v1__patient__descriptor, "BirthDate"));
    assert_null(fhir_field(&ward__records__v1__patient__descriptor, "_birthDate"));
    assert_null(fhir_field(&ward__records__v1__patient__descriptor, ""));
}

/* Codes with two words or more, and some other codes. */
static const char *const CODES[] = {
    "entered-in-error", "replaced-by", "replaces",  "refer", "seealso",
    "in-progress",      "onleave",     "generated", "usual", "unable-to-assess"};

static void every_code_is_found_again(void **state)
{
    const MessageType *type[TYPES];
    size_t n = all_types(type), seen = 0;
    char code[FHIR_NAME];
    int number;

    (void)state;
    for (size_t i = 0; i < n; i++)
        for (unsigned k = 0; k < type[i]->n_fields; k++) {
            const ProtobufCEnumDescriptor *e = type[i]->fields[k].descriptor;

            if (type[i]->fields[k].type != PROTOBUF_C_TYPE_ENUM)
                continue;
            assert_null(fhir_code(e, 0, code));
            assert_false(fhir_code_number(e, "unspecified", &number));
            assert_false(fhir_code_number(e, "", &number));
            for (unsigned v = 1; v < e->n_values; v++) {
                assert_non_null(fhir_code(e, e->values[v].value, code));
                assert_true(code[0] >= 'a' && code[0] <= 'z');
                assert_true(fhir_code_number(e, code, &number));
                assert_int_equal(number, e->values[v].value);
                for (size_t j = 0; j < WARD_COUNT(CODES); j++)
                    seen |= strcmp(code, CODES[j]) == 0 ? (size_t)1 << j : 0;
            }
        }
    assert_int_equal(seen, ((size_t)1 << WARD_COUNT(CODES)) - 1);
}

static void every_required_element_is_one(void **state)
{
    const MessageType *type[TYPES];
    size_t n = all_types(type);

    (void)state;
    for (size_t i = 0; i < n; i++) {
        const char *name;

        for (size_t k = 0; (name = fhir_required(type[i], k)) != NULL; k++)
            assert_non_null(protobuf_c_message_descriptor_get_field_by_name(type[i], name));
    }
    assert_string_equal(fhir_required(&ward__records__v1__narrative__descriptor, 1), "div");
    assert_null(fhir_required(&ward__records__v1__patient__descriptor, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_known_what_every_string_holds),
        cmocka_unit_test(what_is_called_a_date_is_read_as_one),
        cmocka_unit_test(every_name_is_found_again),
        cmocka_unit_test(every_code_is_found_again),
        cmocka_unit_test(every_required_element_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
