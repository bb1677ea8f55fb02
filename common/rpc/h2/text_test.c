#include "common/rpc/h2/text.h"

#include "common/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SECOND (1000 * WARD_NS_PER_MS)

static int64_t timeout(const char *s)
{
    return text_timeout((const uint8_t *)s, strlen(s));
}

static void timeouts_have_up_to_eight_digits_and_a_unit(void **state)
{
    (void)state;
    assert_true(timeout("1S") == SECOND);
    assert_true(timeout("250m") == 250 * WARD_NS_PER_MS);
    assert_true(timeout("7u") == 7000);
    assert_true(timeout("7n") == 7);
    assert_true(timeout("2M") == 120 * SECOND);
    assert_true(timeout("0H") == 0);
    assert_true(timeout("00000001S") == SECOND);
}

static void a_timeout_of_ten_thousand_years_is_a_hundred(void **state)
{
    (void)state;
    assert_true(timeout("99999999H") == INT64_C(100) * 366 * 86400 * SECOND);
    assert_true(timeout("99999999S") == 99999999 * SECOND);
}

static void what_is_no_timeout_is_refused(void **state)
{
    static const char *const bad[] = {"",    "S",   "1",    "-1S", "1s",         "1.5S",
                                      "1 S", " 1S", "0x1S", "+1S", "123456789S", "1SS"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_true(timeout(bad[i]) == -1);
}

static void messages_are_percent_encoded(void **state)
{
    char out[64];

    (void)state;
    out[text_percent("plain, ~!", out)] = '\0';
    assert_string_equal(out, "plain, ~!");
    out[text_percent("50% \n\xe4\xbd\xa0\x7f", out)] = '\0';
    assert_string_equal(out, "50%25 %0A%E4%BD%A0%7F");
    assert_int_equal(text_percent("", out), 0);
}

static void base64_is_written_without_padding(void **state)
{
    static const uint8_t in[] = {0xfb, 0xff, 0x00, 'a'};
    static const char *const want[] = {"", "+w", "+/8", "+/8A", "+/8AYQ"};
    char out[TEXT_BIN_ROOM(sizeof(in))];

    (void)state;
    for (size_t n = 0; n <= sizeof(in); n++) {
        out[text_bin(in, n, out)] = '\0';
        assert_string_equal(out, want[n]);
    }
}

static bool bin(const char *s)
{
    return text_is_bin((const uint8_t *)s, strlen(s));
}

static void a_bin_value_is_base64_padded_or_not_or_a_list_of_it(void **state)
{
    static const char *const good[] = {
        "",     "YQ",     "YQ==",           "YWI",        "YWI=", "YWJj",
        "+/+/", "YQ,YWI", "YQ==,YWI=,YWJj", "YQ==, YWI=", "YQ,",  ",YQ"};
    static const char *const bad[] = {"Y",     "!!!!", "YQ=",  "Y===",  "YQ==YQ",
                                      "YQ===", "Y Q",  "YQ,Y", "YQ,!!", "=",
                                      "YWJj=", "YQ\n", "YQ;",  "-_-_",  "YQ ,YQ"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
        if (!bin(good[i]))
            fail_msg("%s is base64", good[i]);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        if (bin(bad[i]))
            fail_msg("%s is not base64", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timeouts_have_up_to_eight_digits_and_a_unit),
        cmocka_unit_test(a_timeout_of_ten_thousand_years_is_a_hundred),
        cmocka_unit_test(what_is_no_timeout_is_refused),
        cmocka_unit_test(messages_are_percent_encoded),
        cmocka_unit_test(base64_is_written_without_padding),
        cmocka_unit_test(a_bin_value_is_base64_padded_or_not_or_a_list_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
