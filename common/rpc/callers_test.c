#include "common/rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct callers *read_ok(const char *list)
{
    struct ward_err err = {0};
    struct callers *c = NULL;

    assert_int_equal(callers_new(list, &c, &err), WARD_OK);
    return c;
}

static void without_a_list_everyone_is_who_they_are(void **state)
{
    struct callers *none = read_ok(NULL), *empty = read_ok("");

    (void)state;
    assert_string_equal(callers_as(none, "lab-x"), "lab-x");
    assert_string_equal(callers_as(empty, "gateway"), "gateway");
    callers_free(none);
    callers_free(empty);
    callers_free(NULL);
}

static void a_name_has_the_rights_it_was_given(void **state)
{
    struct callers *c = read_ok("lab-x=gateway, pump-*=devices,pump-9=gateway,pacs=inference");

    (void)state;
    assert_string_equal(callers_as(c, "lab-x"), "gateway");
    assert_string_equal(callers_as(c, "lab-xy"), "lab-xy");
    assert_string_equal(callers_as(c, "lab-"), "lab-");
    assert_string_equal(callers_as(c, "pump-7"), "devices");
    /* A star matches at least one character. */
    assert_string_equal(callers_as(c, "pump-"), "pump-");
    assert_string_equal(callers_as(c, "pump-9"), "devices"); /* the first matching entry */
    assert_string_equal(callers_as(c, "pacs"), "inference");
    assert_string_equal(callers_as(c, "records"), "records");
    callers_free(c);
}

static void a_list_that_cannot_be_meant_is_refused(void **state)
{
    static const char *const wrong[] = {
        "lab-x",
        "lab-x=",
        "=gateway",
        "lab-x=records",
        "lab-x=wardctl",
        "*=gateway",
        "la*b=gateway",
        "lab-x=gateway,",
        ",lab-x=gateway",
        "lab x=gateway",
        "a=gateway,b=*",
        "lab-x=gateway ",
        "a-name-as-long-as-no-certificate-of-a-caller-may-have-it-so-far-=gateway"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(wrong); i++) {
        struct ward_err err = {0};
        struct callers *c = NULL;

        if (callers_new(wrong[i], &c, &err) != WARD_FAILED_PRECONDITION)
            fail_msg("\"%s\" was taken", wrong[i]);
        assert_null(c);
        assert_non_null(strstr(err.msg, "NAME=gateway"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_list_everyone_is_who_they_are),
        cmocka_unit_test(a_name_has_the_rights_it_was_given),
        cmocka_unit_test(a_list_that_cannot_be_meant_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
