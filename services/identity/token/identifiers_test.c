#include "services/identity/token/identifiers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *folded(const char *value)
{
    static char out[SECOND_VALUE_MOST + 1];

    second_fold(value, out);
    return out;
}

static void what_people_say_in_different_ways_is_one_identifier(void **state)
{
    static const char *const rows[][2] = {
        {"29.02.1980", "29021980"},
        {"29/02/1980", "29021980"},
        {" 29 02\t1980\n", "29021980"},
        {"O'Neill-Smith, J.", "oneillsmithj"},
        {"ABCXYZ", "abcxyz"},
        {"a_b@c#(d)[e]{f}", "abcdef"},
        {"", ""},
        {" .,-/ ", ""},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_string_equal(folded(rows[i][0]), rows[i][1]);
}

static void letters_beyond_ascii_are_left_as_they_are(void **state)
{
    (void)state;
    assert_string_equal(folded("M\xc3\xbcller"), "m\xc3\xbcller");
    /* letters outside ASCII are not converted */
    assert_string_not_equal(folded("M\xc3\x9cLLER"), "m\xc3\xbcller");
    assert_string_equal(folded("\xe6\x9d\x8e \xe5\xa8\x9c"), "\xe6\x9d\x8e\xe5\xa8\x9c");
}

static void the_longest_value_fits(void **state)
{
    char value[SECOND_VALUE_MOST + 1];

    (void)state;
    memset(value, 'A', SECOND_VALUE_MOST);
    value[SECOND_VALUE_MOST] = '\0';
    assert_int_equal(strlen(folded(value)), SECOND_VALUE_MOST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_people_say_in_different_ways_is_one_identifier),
        cmocka_unit_test(letters_beyond_ascii_are_left_as_they_are),
        cmocka_unit_test(the_longest_value_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
