#include "common/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void base64_matches_rfc_4648(void **state)
{
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    char text[32];
    uint8_t back[32];
    size_t n;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(pairs); i++) {
        assert_int_equal(ward_base64(pairs[i][0], strlen(pairs[i][0]), text),
                         strlen(pairs[i][1]));
        assert_string_equal(text, pairs[i][1]);
        assert_true(ward_unbase64(text, strlen(text), back, sizeof(back), &n));
        assert_int_equal(n, strlen(pairs[i][0]));
        assert_memory_equal(back, pairs[i][0], n);
    }
}

static void base64_refuses_stray_bits_and_characters(void **state)
{
    uint8_t out[8];
    size_t n = 99;

    (void)state;
    assert_false(ward_unbase64("Zh==", 4, out, sizeof(out), &n)); /* unused bits are not zero */
    assert_false(ward_unbase64("Zg=", 3, out, sizeof(out), &n));
    assert_false(ward_unbase64("Zm9v", 4, out, 2, &n)); /* the buffer is too small */
    assert_false(ward_unbase64url("Zg==", 4, out, sizeof(out), &n));
    assert_false(ward_unbase64url("Z g", 3, out, sizeof(out), &n));
    assert_int_equal(n, 99);
}

static void numbers_fill_the_whole_string(void **state)
{
    int64_t i = 7;
    double d = 7;

    (void)state;
    assert_true(ward_i64("-12", -20, 20, &i) && i == -12);
    assert_false(ward_i64("21", -20, 20, &i));
    assert_false(ward_i64(" 1", 0, 9, &i));
    assert_false(ward_i64("1x", 0, 9, &i));
    assert_false(ward_i64("99999999999999999999", INT64_MIN, INT64_MAX, &i));
    assert_false(ward_f64("nan", &d));
    assert_false(ward_f64("1e999", &d));
    assert_false(ward_f64("", &d));
    assert_true(ward_f64("0.5", &d) && d == 0.5);
    assert_int_equal(i, -12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_matches_rfc_4648),
        cmocka_unit_test(base64_refuses_stray_bits_and_characters),
        cmocka_unit_test(numbers_fill_the_whole_string),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
