#include "common/base/log.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

#include <cmocka.h>

static int out[2], was; /* pipe that replaces stderr during a test */
static char text[8192];

static int begin(void **state)
{
    (void)state;
    ward_log_begin("probe");
    ward_log_level(WARD_LOG_INFO);
    ward_log_trace("");
    was = dup(STDERR_FILENO);
    return pipe2(out, O_NONBLOCK) != 0 || dup2(out[1], STDERR_FILENO) < 0;
}

static int end(void **state)
{
    (void)state;
    dup2(was, STDERR_FILENO);
    close(was);
    close(out[0]);
    close(out[1]);
    return 0;
}

/* Reads the one line that was logged since the last call. Returns the JSON, which the caller
 * frees. */
static yajl_val line(void)
{
    ssize_t n = read(out[0], text, sizeof(text) - 1);
    char why[256] = "";
    yajl_val v;

    assert_true(n > 0);
    text[n] = '\0';
    assert_ptr_equal(strchr(text, '\n'), text + n - 1);
    v = yajl_tree_parse(text, why, sizeof(why));
    if (v == NULL)
        fail_msg("%s: %s", why, text);
    return v;
}

static yajl_val field(yajl_val v, const char *key)
{
    return yajl_tree_get(v, (const char *[]){key, NULL}, yajl_t_any);
}

static const char *string(yajl_val v, const char *key)
{
    const char *s = YAJL_GET_STRING(field(v, key));

    assert_non_null(s);
    /* for compilers that do not know that assert_non_null returns only for a value */
    return s == NULL ? "" : s;
}

static void holds(yajl_val v, const char *key, const char *want)
{
    assert_string_equal(string(v, key), want);
}

static void a_line_says_when_who_and_what(void **state)
{
    yajl_val v;

    (void)state;
    ward_log_trace("4bf92f3577b34da6a3ce929d0e0e4736");
    WARD_LOG(WARN, "a thing", WARD_KV("what", "x"), WARD_KN("took_ms", 12.5));
    v = line();
    assert_int_equal(strlen(string(v, "ts")), 27);
    holds(v, "level", "warn");
    holds(v, "svc", "probe");
    holds(v, "trace", "4bf92f3577b34da6a3ce929d0e0e4736");
    holds(v, "msg", "a thing");
    holds(v, "what", "x");
    assert_true(YAJL_GET_DOUBLE(field(v, "took_ms")) > 12.4);
    assert_non_null(strstr(string(v, "at"), "log_test.c:"));
    assert_null(field(v, "cut"));
    yajl_tree_free(v);
}

static void a_failure_is_one_line_with_its_detail(void **state)
{
    struct ward_err err = {0};
    yajl_val v;

    (void)state;
    WARD_FAIL_REASON(&err, FAILED_PRECONDITION, "NOT_SO", "it is \"not\" so");
    ward_err_detail(&err, "line 1\nline 2");
    ward_log_err(WARD_LOG_ERROR, "a call failed", &err);
    v = line();
    holds(v, "code", "FAILED_PRECONDITION");
    holds(v, "error", "it is \"not\" so");
    holds(v, "reason", "NOT_SO");
    holds(v, "detail", "line 1\nline 2");
    yajl_tree_free(v);
}

static void every_byte_gives_a_line_of_json(void **state)
{
    (void)state;
    for (int c = 1; c < 256; c++) {
        char s[] = {'a', (char)c, 'b', '\0'};
        yajl_val v;

        WARD_LOG(INFO, "hostile", WARD_KV("k", s));
        v = line();
        holds(v, "k",
              c < 0x80 ? s
                       : "a\xef\xbf\xbd"
                         "b");
        yajl_tree_free(v);
    }
}

static void utf_8_passes_and_what_only_looks_like_it_does_not(void **state)
{
    static const char *const good[] = {"Zürich", "病院", "\xf0\x9f\x8f\xa5", "\xed\x9f\xbf",
                                       "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {"\xc0\xaf",         "\xe0\x80\xaf", "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80", "\xf8\x88",     "\xc3",
                                      "\xe7\x97",         "\xf0\x9f\x8f", "\x80"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(good); i++) {
        yajl_val v;

        WARD_LOG(INFO, "hostile", WARD_KV("k", good[i]));
        v = line();
        holds(v, "k", good[i]);
        yajl_tree_free(v);
    }
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        yajl_val v;

        WARD_LOG(INFO, "hostile", WARD_KV("k", bad[i]));
        v = line();
        assert_non_null(strstr(string(v, "k"), "\xef\xbf\xbd"));
        yajl_tree_free(v);
    }
}

static void a_line_too_long_is_cut_and_says_so(void **state)
{
    int cut = 0;
    static const char *const fill[] = {"x", "\"", "\n", "ü", "\xf0\x9f\x8f\xa5", "\xff"};

    (void)state;
    for (size_t f = 0; f < WARD_COUNT(fill); f++)
        for (size_t n = 280; n < 2300; n += 7) {
            char *s = calloc(n + 1, strlen(fill[f]));
            yajl_val v;

            assert_non_null(s);
            for (size_t i = 0; i < n; i++)
                memcpy(s + i * strlen(fill[f]), fill[f], strlen(fill[f]));
            WARD_LOG(INFO, "long", WARD_KV("a", s), WARD_KV("b", s), WARD_KN("c", 1),
                     WARD_KV("d", s));
            v = line();
            assert_true(strlen(text) <= 2048);
            cut += YAJL_IS_TRUE(field(v, "cut"));
            if (field(v, "cut") == NULL && *fill[f] != '\xff')
                /* a line without "cut" has the whole text */
                assert_string_equal(string(v, "d"), s);
            yajl_tree_free(v);
            free(s);
        }
    assert_true(cut > 1000);
}

static void numbers_are_json_or_null(void **state)
{
    static const double odd[] = {NAN,  INFINITY, -INFINITY,      1e308,
                                 -0.0, 1e-320,   123456789012345};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(odd); i++) {
        yajl_val v;

        WARD_LOG(INFO, "odd", WARD_KN("n", odd[i]));
        v = line();
        assert_non_null(field(v, "n"));
        assert_true(YAJL_IS_NULL(field(v, "n")) == !isfinite(odd[i]));
        yajl_tree_free(v);
    }
}

static void what_is_below_the_level_is_not_written(void **state)
{
    enum ward_level level = WARD_LOG_ERROR;

    (void)state;
    WARD_LOG(DEBUG, "hidden");
    assert_int_equal(read(out[0], text, sizeof(text)), -1);
    ward_log_level(WARD_LOG_DEBUG);
    WARD_LOG(DEBUG, "shown");
    assert_true(read(out[0], text, sizeof(text)) > 0);
    assert_true(ward_log_level_parse("warn", &level));
    assert_int_equal(level, WARD_LOG_WARN);
    assert_false(ward_log_level_parse("WARN", &level));
    assert_false(ward_log_level_parse("", &level));
    assert_int_equal(level, WARD_LOG_WARN);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_line_says_when_who_and_what),
        T(a_failure_is_one_line_with_its_detail),
        T(every_byte_gives_a_line_of_json),
        T(utf_8_passes_and_what_only_looks_like_it_does_not),
        T(a_line_too_long_is_cut_and_says_so),
        T(numbers_are_json_or_null),
        T(what_is_below_the_level_is_not_written),
    };

    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
