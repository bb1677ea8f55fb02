#include "cli/identity/identity_call.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static struct task task;

static int begin(void **state)
{
    (void)state;
    task = (struct task){0};
    ward_arena_init(&task.mem, (size_t)1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&task.mem);
    return 0;
}

static void a_time_is_what_the_calendar_says(void **state)
{
    static const struct {
        const char *text, *utc;
    } right[] = {
        {"1970-01-01", "1970-01-01T00:00:00.000000Z"},
        {"2000-02-29", "2000-02-29T00:00:00.000000Z"},
        {"2027-03-01", "2027-03-01T00:00:00.000000Z"},
        {"2026-12-31T23:59Z", "2026-12-31T23:59:00.000000Z"},
        {"2026-12-31T23:59:58Z", "2026-12-31T23:59:58.000000Z"},
        {"2026-03-01T00:30+01:00", "2026-02-28T23:30:00.000000Z"},
        {"2024-02-28T22:00-05:30", "2024-02-29T03:30:00.000000Z"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(right); i++) {
        char at[28];
        int64_t us = 0;

        assert_true(task_time(right[i].text, &us));
        ward_rfc3339(us, at);
        assert_string_equal(at, right[i].utc);
    }
}

static void a_time_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {
        "",
        "soon",
        "2027-3-1",
        "2027-13-01",
        "2026-02-29",
        "2100-02-29",
        "2026-04-31",
        "2026-00-10",
        "2026-01-00",
        "1969-12-31",
        "2026-03-01T",
        "2026-03-01T08:00",
        "2026-03-01T24:00Z",
        "2026-03-01T08:60Z",
        "2026-03-01T08:00:60Z",
        "2026-03-01T08:00+1:00",
        "2026-03-01T08:00Zx",
        "2026-03-01 08:00Z",
        "+2026-03-01",
    };
    int64_t us = 7;

    (void)state;
    assert_false(task_time(NULL, &us));
    for (size_t i = 0; i < WARD_COUNT(wrong); i++)
        if (task_time(wrong[i], &us))
            fail_msg("%s was taken", wrong[i]);
    assert_int_equal(us, 7);
}

static void a_list_option_may_come_often_and_anywhere(void **state)
{
    char *argv[] = {"enrol", "--also-consent", "a,b", "x", "--also-consent=c", "--photo", "p",
                    "--",    "--also-consent", "d",   NULL};
    int argc = 10;
    struct task_list list;

    (void)state;
    assert_int_equal(task_list(&task, "--also-consent", ',', &argc, argv, &list), WARD_OK);
    assert_int_equal(list.n, 3);
    assert_string_equal(list.at[0], "a");
    assert_string_equal(list.at[1], "b");
    assert_string_equal(list.at[2], "c");
    assert_int_equal(argc, 7); /* arguments after "--" are not options */
    assert_string_equal(argv[1], "x");
    assert_string_equal(argv[2], "--photo");
    assert_string_equal(argv[4], "--");
    assert_string_equal(argv[5], "--also-consent");
}

static void a_list_option_without_a_value_is_refused(void **state)
{
    char *nothing[] = {"enrol", "--gallery", NULL};
    char *empty[] = {"enrol", "--gallery", "a,,b", NULL};
    char *many[] = {"enrol", "--gallery=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", NULL};
    struct task_list list;
    int argc = 2;

    (void)state;
    assert_int_equal(task_list(&task, "--gallery", ',', &argc, nothing, &list),
                     WARD_INVALID_ARGUMENT);
    argc = 3;
    assert_int_equal(task_list(&task, "--gallery", ',', &argc, empty, &list),
                     WARD_INVALID_ARGUMENT);
    argc = 2;
    assert_int_equal(task_list(&task, "--gallery", ',', &argc, many, &list),
                     WARD_INVALID_ARGUMENT);
}

static void another_option_that_begins_alike_is_left(void **state)
{
    char *argv[] = {"enrol", "--gallery-of", "a", NULL};
    struct task_list list;
    int argc = 3;

    (void)state;
    assert_int_equal(task_list(&task, "--gallery", ',', &argc, argv, &list), WARD_OK);
    assert_int_equal(list.n, 0);
    assert_int_equal(argc, 3);
}

static void a_second_identifier_has_a_type_and_a_value(void **state)
{
    Ward__Identity__V1__SecondIdentifier s = WARD__IDENTITY__V1__SECOND_IDENTIFIER__INIT;

    (void)state;
    assert_int_equal(id_second(&task, "birth-date=1950=01", &s), WARD_OK);
    assert_string_equal(s.type, "birth-date");
    assert_string_equal(s.value, "1950=01");
    assert_int_equal(id_second(&task, "birth-date=", &s), WARD_OK);
    assert_string_equal(s.value, "");
    assert_int_equal(id_second(&task, "birth-date", &s), WARD_INVALID_ARGUMENT);
    assert_int_equal(id_second(&task, NULL, &s), WARD_INVALID_ARGUMENT);
}

static void what_someone_typed_does_not_move_the_cursor(void **state)
{
    (void)state;
    assert_string_equal(task_shown(&task, "the mother, \xc3\xa9\xe4\xbd\xa0"),
                        "the mother, \xc3\xa9\xe4\xbd\xa0");
    assert_string_equal(task_shown(&task, "a\x1b[2Jb\n\x7f"), "a?[2Jb??");
    assert_string_equal(task_shown(&task, "a\xc2\x9b"), "a?\x9b");
}

static void a_key_is_made_where_none_is_given(void **state)
{
    char *a = NULL, *b = NULL, *c = NULL;

    (void)state;
    assert_int_equal(task_key(&task, NULL, &a), WARD_OK);
    assert_int_equal(task_key(&task, NULL, &b), WARD_OK);
    assert_int_equal(task_key(&task, "form-17", &c), WARD_OK);
    assert_int_equal(strlen(a), 36);
    assert_string_not_equal(a, b);
    assert_string_equal(c, "form-17");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_time_is_what_the_calendar_says),
        cmocka_unit_test(a_time_that_is_none_is_refused),
        cmocka_unit_test_setup_teardown(a_list_option_may_come_often_and_anywhere, begin, end),
        cmocka_unit_test_setup_teardown(a_list_option_without_a_value_is_refused, begin, end),
        cmocka_unit_test_setup_teardown(another_option_that_begins_alike_is_left, begin, end),
        cmocka_unit_test_setup_teardown(a_second_identifier_has_a_type_and_a_value, begin, end),
        cmocka_unit_test_setup_teardown(what_someone_typed_does_not_move_the_cursor, begin,
                                        end),
        cmocka_unit_test_setup_teardown(a_key_is_made_where_none_is_given, begin, end),
    };

    return cmocka_run_group_tests_name("task_words", tests, NULL, NULL);
}
