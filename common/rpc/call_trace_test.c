#include "common/rpc/server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"

static char out[56], id[33];

static void take(const char *in)
{
    memset(out, '?', sizeof(out));
    memset(id, '?', sizeof(id));
    trace_take(in, in == NULL ? 0 : strlen(in), 1000, out, id);
    assert_int_equal(strlen(out), 55);
    assert_int_equal(strlen(id), 32);
    assert_int_equal(out[2], '-');
    assert_int_equal(out[35], '-');
    assert_int_equal(out[52], '-');
    assert_memory_equal(out + 3, id, 32);
}

static void the_trace_stays_and_the_span_is_ours(void **state)
{
    (void)state;
    take(PARENT);
    assert_string_equal(id, TRACE);
    assert_memory_not_equal(out + 36, &PARENT[36], 16);
    assert_string_equal(out + 52, "-01");
    take("00-" TRACE "-00f067aa0ba902b7-00"); /* the flag "not sampled" is preserved */
    assert_string_equal(out + 52, "-00");
}

static void a_share_of_the_new_traces_is_sampled(void **state)
{
    int sampled = 0;

    (void)state;
    for (int i = 0; i < 10000; i++) {
        trace_take(NULL, 0, 250, out, id);
        sampled += strcmp(out + 52, "-01") == 0;
    }
    assert_in_range(sampled, 2200, 2800); /* six standard deviations are 260 */
    trace_take(NULL, 0, 0, out, id);
    assert_string_equal(out + 52, "-00");
    trace_take(PARENT, strlen(PARENT), 0, out, id); /* the caller decided */
    assert_string_equal(out + 52, "-01");
}

static void a_later_version_is_read_as_ours(void **state)
{
    (void)state;
    take("01-" TRACE "-00f067aa0ba902b7-01-more");
    assert_string_equal(id, TRACE);
    assert_memory_equal(out, "00-", 3);
    take("01-" TRACE "-00f067aa0ba902b7-01");
    assert_string_equal(id, TRACE);
}

static void what_is_malformed_is_replaced(void **state)
{
    static const char *const bad[] = {
        NULL,
        "",
        "x",
        "ff-" TRACE "-00f067aa0ba902b7-01",
        "00-" TRACE "-00f067aa0ba902b7-01-more",
        "01-" TRACE "-00f067aa0ba902b7-01more",
        "00-" TRACE "-0000000000000000-01",
        "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        "00_" TRACE "-00f067aa0ba902b7-01",
        "00-" TRACE "-00f067aa0ba902b7-0g",
        "00-" TRACE "-00f067aa0ba902b7-1",
        "0x-" TRACE "-00f067aa0ba902b7-01",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        take(bad[i]);
        assert_string_not_equal(id, TRACE);
        assert_int_equal(strspn(id, "0123456789abcdef"), 32);
        assert_string_equal(out + 52, "-01");
    }
}

static void no_two_calls_share_an_id(void **state)
{
    char first[56];

    (void)state;
    take(NULL);
    memcpy(first, out, sizeof(first));
    take(NULL);
    assert_memory_not_equal(first + 3, out + 3, 32);
    assert_memory_not_equal(first + 36, out + 36, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trace_stays_and_the_span_is_ours),
        cmocka_unit_test(a_share_of_the_new_traces_is_sampled),
        cmocka_unit_test(a_later_version_is_read_as_ours),
        cmocka_unit_test(what_is_malformed_is_replaced),
        cmocka_unit_test(no_two_calls_share_an_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
