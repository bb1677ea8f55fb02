#include "services/records/exchange/deid.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define TYPES 160

/* Lists every message type within a resource once. */
static size_t types(const ProtobufCMessageDescriptor *t, const ProtobufCMessageDescriptor **out,
                    size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (out[i] == t)
            return n;
    assert_true(n < TYPES);
    out[n++] = t;
    for (unsigned i = 0; i < t->n_fields; i++)
        if (t->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            n = types(t->fields[i].descriptor, out, n);
    return n;
}

static void every_field_of_every_message_is_decided(void **state)
{
    const ProtobufCMessageDescriptor *of_all[TYPES];
    size_t n = types(&ward__records__v1__resource__descriptor, of_all, 0);

    (void)state;
    assert_true(n > 40);
    for (size_t i = 1; i < n; i++) { /* the first type is Resource */
        for (unsigned k = 0; k < of_all[i]->n_fields; k++) {
            const ProtobufCFieldDescriptor *f = &of_all[i]->fields[k];

            if (deid_how(of_all[i], f) == DEID_UNDECIDED)
                fail_msg("nobody has decided whether %s.%s goes out", of_all[i]->name, f->name);
        }
    }
}

static void no_text_goes_out_without_a_rule(void **state)
{
    static const char *const with_rules[] = {"Decimal", "Coding", "Quantity", "Reference",
                                             "Address"};
    const ProtobufCMessageDescriptor *of_all[TYPES];
    size_t n = types(&ward__records__v1__resource__descriptor, of_all, 0);

    (void)state;
    for (size_t i = 1; i < n; i++) {
        for (unsigned k = 0; k < of_all[i]->n_fields; k++) {
            const ProtobufCFieldDescriptor *f = &of_all[i]->fields[k];
            enum deid_how how = deid_how(of_all[i], f);
            bool text = f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_BYTES;
            bool rule = strcmp(f->name, "id") == 0 || strcmp(f->name, "birth_date") == 0;

            for (size_t r = 0; r < WARD_COUNT(with_rules); r++)
                rule = rule || strcmp(of_all[i]->short_name, with_rules[r]) == 0;
            assert_false(text && how == DEID_KEEP);
            assert_false(how == DEID_TEXT && !rule);
            assert_false(how == DEID_TEXT && f->type != PROTOBUF_C_TYPE_STRING);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_of_every_message_is_decided),
        cmocka_unit_test(no_text_goes_out_without_a_rule),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
