#include "common/base/reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_name_is_a_google_rpc_reason_and_stands_once(void **state)
{
    (void)state;
    for (const struct ward_reason *r = ward_reasons; r->name != NULL; r++) {
        assert_true(strlen(r->name) < sizeof(((struct ward_err *)NULL)->reason));
        assert_int_equal(strspn(r->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
                         strlen(r->name));
        assert_ptr_equal(ward_reason_of(r->name), r); /* names are unique */
    }
}

static void a_row_says_what_is_wrong_and_what_to_do(void **state)
{
    (void)state;
    for (const struct ward_reason *r = ward_reasons; r->name != NULL; r++) {
        assert_true(r->code > WARD_OK && r->code < WARD_N_CODES);
        assert_true(strlen(r->meaning) > 10 && strlen(r->next) > 5);
        assert_true(strlen(r->meaning) < sizeof(((struct ward_err *)NULL)->msg));
        assert_null(strpbrk(r->meaning, "|\n")); /* the texts are cells of a Markdown table */
        assert_null(strpbrk(r->next, "|\n"));
    }
}

static void a_failure_takes_its_words_from_the_row(void **state)
{
    struct ward_err err;

    (void)state;
    assert_int_equal(WARD_FAIL_ROW(&err, ward_reason_of("TOKEN_EXPIRED")),
                     WARD_UNAUTHENTICATED);
    assert_int_equal(err.code, WARD_UNAUTHENTICATED);
    assert_string_equal(err.reason, "TOKEN_EXPIRED");
    assert_string_equal(err.msg, "the bearer token has expired");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_a_google_rpc_reason_and_stands_once),
        cmocka_unit_test(a_row_says_what_is_wrong_and_what_to_do),
        cmocka_unit_test(a_failure_takes_its_words_from_the_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
