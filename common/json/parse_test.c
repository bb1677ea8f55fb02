#include "common/json/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define CAP ((size_t)4 << 20)

static struct ward_arena mem;

static int open_mem(void **state)
{
    (void)state;
    ward_arena_init(&mem, CAP);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static const struct ward_json *parse(const char *text)
{
    const struct ward_json *v = NULL;
    struct ward_err err = {0};

    if (ward_json_parse(text, strlen(text), NULL, &mem, &v, &err) != WARD_OK)
        fail_msg("%s: %s", text, err.msg);
    return v;
}

static void a_document_is_read_in_its_order(void **state)
{
    const struct ward_json *v =
        parse(" {\"b\":[1,-2.50,1e5,true,false,null],\"a\":{\"\":\"\"}} ");
    const char *const numbers[] = {"1", "-2.50", "1e5"};
    int64_t whole = 0;
    double real = 0;

    (void)state;
    assert_int_equal(v->kind, WARD_JSON_OBJECT);
    assert_int_equal(v->count, 2);
    assert_null(v->key);
    assert_string_equal(v->first->key, "b");
    assert_string_equal(v->first->next->key, "a");
    for (size_t i = 0; i < 3; i++)
        assert_string_equal(ward_json_number(ward_json_at(ward_json_get(v, "b"), i)),
                            numbers[i]);
    assert_true(ward_json_is(ward_json_at(v->first, 3), WARD_JSON_TRUE));
    assert_true(ward_json_is(ward_json_at(v->first, 4), WARD_JSON_FALSE));
    assert_true(ward_json_is(ward_json_at(v->first, 5), WARD_JSON_NULL));
    assert_null(ward_json_at(v->first, 6));
    assert_string_equal(ward_json_string(ward_json_get(ward_json_get(v, "a"), "")), "");
    assert_null(ward_json_get(ward_json_get(v, "none"), "x")); /* look-ups can be chained */
    assert_null(ward_json_string(ward_json_get(v, "b")));
    assert_true(ward_json_i64(ward_json_at(v->first, 0), &whole) && whole == 1);
    assert_false(ward_json_i64(ward_json_at(v->first, 1), &whole));
    assert_true(ward_json_f64(ward_json_at(v->first, 1), &real) && real == -2.5);
    assert_false(ward_json_f64(ward_json_at(v->first, 3), &real));
}

static void strings_are_decoded(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
        {"\"\\u00e9\\u6C34\"", "\xc3\xa9\xe6\xb0\xb4"},
        {"\"\\ud834\\udd1e\"", "\xf0\x9d\x84\x9e"},
        {"\"\xe6\xb0\xb4\xf0\x9d\x84\x9e\"", "\xe6\xb0\xb4\xf0\x9d\x84\x9e"},
        {"\"\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80\"",
         "\xf4\x8f\xbf\xbf\xed\x9f\xbf\xee\x80\x80"},
        {"\"\\u0001\x7f\"", "\x01\x7f"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        const struct ward_json *v = parse(rows[i].text);

        assert_string_equal(ward_json_string(v), rows[i].want);
        assert_int_equal(v->n, strlen(rows[i].want));
    }
}

#define ROW(text, reason, words)                                                               \
    {                                                                                          \
        text, sizeof(text) - 1, reason, words                                                  \
    }

static const struct {
    const char *text;
    size_t n;
    const char *reason, *words; /* "": any text is accepted */
} bad[] = {
    ROW("", "JSON_MALFORMED", "line 1, byte 0"),
    ROW(" ", "JSON_MALFORMED", ""),
    ROW("{", "JSON_MALFORMED", "byte 1"),
    ROW("[1,", "JSON_MALFORMED", ""),
    ROW("[1,]", "JSON_MALFORMED", ""),
    ROW("{\"a\":1,}", "JSON_MALFORMED", ""),
    ROW("{\"a\"}", "JSON_MALFORMED", "at a: "),
    ROW("{a:1}", "JSON_MALFORMED", ""),
    ROW("{'a':1}", "JSON_MALFORMED", ""),
    ROW("1 2", "JSON_MALFORMED", ""),
    ROW("{}x", "JSON_MALFORMED", ""),
    ROW("{}\0", "JSON_MALFORMED", ""),
    ROW("]", "JSON_MALFORMED", ""),
    ROW("[}", "JSON_MALFORMED", ""),
    ROW("nul", "JSON_MALFORMED", ""),
    ROW("NaN", "JSON_MALFORMED", ""),
    ROW("01", "JSON_MALFORMED", ""),
    ROW("+1", "JSON_MALFORMED", ""),
    ROW(".5", "JSON_MALFORMED", ""),
    ROW("5.", "JSON_MALFORMED", ""),
    ROW("1e", "JSON_MALFORMED", ""),
    ROW("-", "JSON_MALFORMED", ""),
    ROW("0x10", "JSON_MALFORMED", ""),
    ROW("/* a */ 1", "JSON_MALFORMED", ""),
    ROW("\xef\xbb\xbf{}", "JSON_MALFORMED", ""),
    ROW("\"a", "JSON_MALFORMED", "within a string"),
    ROW("\"a\\", "JSON_MALFORMED", "within a string"),
    ROW("\"a\nb\"", "JSON_MALFORMED", ""),
    ROW("\"\\x41\"", "JSON_MALFORMED", ""),
    ROW("\"\\u12g4\"", "JSON_MALFORMED", ""),
    ROW("{\"n\":\n[1,\n2,x]}", "JSON_MALFORMED", "line 3, byte 13, at n[2]: "),
    ROW("\"\\u0000\"", "JSON_BAD_STRING", "NUL"),
    ROW("\"\0\"", "JSON_MALFORMED", ""),
    ROW("{\"a\\u0000\":1}", "JSON_BAD_STRING", ""),
    ROW("\"\\ud834\"", "JSON_BAD_STRING", "surrogate"),
    ROW("\"\\ud834x\"", "JSON_BAD_STRING", "surrogate"),
    ROW("\"\\ud834\\n\"", "JSON_BAD_STRING", "surrogate"),
    ROW("\"\\ud834\\ud834\"", "JSON_BAD_STRING", "surrogate"),
    ROW("\"\\udd1e\"", "JSON_BAD_STRING", "surrogate"),
    ROW("\"\\udd1e\\ud834\"", "JSON_BAD_STRING", "surrogate"),
    ROW("\"\xff\"", "JSON_NOT_UTF8", "byte 1"),
    ROW("\"\xc0\x80\"", "JSON_NOT_UTF8", ""),         /* overlong NUL */
    ROW("\"\xe0\x80\xaf\"", "JSON_NOT_UTF8", ""),     /* overlong slash */
    ROW("\"\xed\xa0\x80\"", "JSON_NOT_UTF8", ""),     /* an encoded surrogate */
    ROW("\"\xf4\x90\x80\x80\"", "JSON_NOT_UTF8", ""), /* beyond Unicode */
    ROW("\"\xe6\xb0\"", "JSON_NOT_UTF8", ""),
    ROW("\"\xe6\xb0", "JSON_NOT_UTF8", ""),
    ROW("{\"name\":[{\"family\":\"\xb0\"}]}", "JSON_NOT_UTF8", "at name[0].family: "),
    ROW("{\"a\":1,\"a\":2}", "JSON_DUPLICATE_KEY", " a is duplicated"),
    ROW("{\"a\":1,\"\\u0061\":2}", "JSON_DUPLICATE_KEY", " a is duplicated"),
    ROW("{\"x\":[0,{\"id\":1,\"b\":2,\"id\":3}]}", "JSON_DUPLICATE_KEY", " x[1].id is"),
    ROW("{\"John Smith\":1,\"John Smith\":2}", "JSON_DUPLICATE_KEY", " ? is duplicated"),
    ROW("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1,\"j\":1,"
        "\"c\":1}",
        "JSON_DUPLICATE_KEY", " c is duplicated"),
};

static void what_is_not_json_is_refused_with_its_place(void **state)
{

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        const struct ward_json *v = NULL;
        struct ward_err err = {0};

        if (ward_json_parse(bad[i].text, bad[i].n, NULL, &mem, &v, &err) == WARD_OK)
            fail_msg("taken: %s", bad[i].text);
        assert_int_equal(err.code, WARD_INVALID_ARGUMENT);
        if (strcmp(err.reason, bad[i].reason) != 0 || strstr(err.msg, bad[i].words) == NULL)
            fail_msg("%s: %s: %s", bad[i].text, err.reason, err.msg);
        assert_null(strstr(err.msg, "Smith"));
        assert_null(v);
    }
}

static void nesting_ends_at_the_limit(void **state)
{
    char text[2 * 200 + 1];
    struct ward_json_limits limits = {.depth = 10};
    const struct ward_json *v = NULL;
    struct ward_err err = {0};

    (void)state;
    for (int depth = 1; depth <= 200; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(ward_json_parse(text, 2 * (size_t)depth, NULL, &mem, &v, &err),
                         depth <= WARD_JSON_DEPTH ? WARD_OK : WARD_INVALID_ARGUMENT);
        if (depth > WARD_JSON_DEPTH)
            assert_string_equal(err.reason, "JSON_TOO_DEEP");
        assert_int_equal(ward_json_parse(text, 2 * (size_t)depth, &limits, &mem, &v, &err),
                         depth <= 10 ? WARD_OK : WARD_INVALID_ARGUMENT);
    }
}

static void a_hundred_thousand_brackets_are_refused_not_fatal(void **state)
{
    static char text[100000];
    const struct ward_json *v = NULL;
    struct ward_err err = {0};

    (void)state;
    for (const char *kind = "[{"; *kind != '\0'; kind++) {
        memset(text, *kind, sizeof(text));
        assert_int_equal(ward_json_parse(text, sizeof(text), NULL, &mem, &v, &err),
                         WARD_INVALID_ARGUMENT);
    }
}

static void sizes_are_bounded(void **state)
{
    char number[WARD_JSON_NUMBER_MAX + 2];
    struct ward_json_limits limits = {.bytes = 4};
    const struct ward_json *v = NULL;
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(ward_json_parse("null", 4, &limits, &mem, &v, &err), WARD_OK);
    assert_int_equal(ward_json_parse("false", 5, &limits, &mem, &v, &err),
                     WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "JSON_TOO_LARGE");
    memset(number, '7', sizeof(number));
    assert_int_equal(ward_json_parse(number, WARD_JSON_NUMBER_MAX, NULL, &mem, &v, &err),
                     WARD_OK);
    assert_int_equal(v->n, WARD_JSON_NUMBER_MAX);
    assert_int_equal(ward_json_parse(number, WARD_JSON_NUMBER_MAX + 1, NULL, &mem, &v, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "JSON_MALFORMED");
}

/* Strings of many lengths use all of yajl's buffers: the whole text, and the text truncated at
 * each byte. */
static void long_and_cut_texts_fit_what_was_measured(void **state)
{
    static char text[40000];

    (void)state;
    for (size_t n = 1; n < 12000; n += n < 40 ? 1 : 611) {
        const struct ward_json *v = NULL;
        struct ward_err err = {0};
        size_t len = 0;

        memcpy(text, "[\"\\n", 4);
        memset(text + 4, 'x', n);
        memcpy(text + 4 + n, "\",tru", 5);
        len = 4 + n + 5;
        for (size_t cut = 0; cut <= len; cut += len < 100 || cut + 12 > len ? 1 : len / 7)
            assert_int_equal(ward_json_parse(text, cut, NULL, &mem, &v, &err),
                             WARD_INVALID_ARGUMENT);
        memcpy(text + len, "e,\"\\t\"]", 7);
        assert_int_equal(ward_json_parse(text, len + 7, NULL, &mem, &v, &err), WARD_OK);
        assert_int_equal(v->count, 3);
        assert_int_equal(v->first->n, n + 1);
        ward_arena_reset(&mem);
    }
}

static void many_keys_are_told_apart_in_time(void **state)
{
    static char text[1 << 20];
    const struct ward_json *v = NULL;
    struct ward_err err = {0};
    size_t n = 0;

    (void)state;
    text[n++] = '{';
    for (int i = 0; i < 10000; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "\"key%d\":%d,", i, i);
    memcpy(text + n - 1, "}", 1);
    assert_int_equal(ward_json_parse(text, n, NULL, &mem, &v, &err), WARD_OK);
    assert_int_equal(v->count, 10000);
    assert_string_equal(ward_json_number(ward_json_get(v, "key9999")), "9999");
    memcpy(text + n - 1, ",\"key4711\":0}", 14);
    assert_int_equal(ward_json_parse(text, n + 12, NULL, &mem, &v, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "JSON_DUPLICATE_KEY");
    assert_non_null(strstr(err.msg, "key4711"));
}

static const char PATIENT[] =
    "{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"\\u674e\",\"given\":[\"a\",\"b\"]}],"
    "\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5.00,\"f\":null,\"g\":{\"h\":[[],{}]}}";

static void each_allocation_may_be_refused(void **state)
{
    enum ward_code code = WARD_RESOURCE_EXHAUSTED;
    int refused = 0;

    (void)state;
    for (int n = 1; code != WARD_OK; n++) {
        const struct ward_json *v = NULL;
        struct ward_err err = {0};

        ward_arena_reset(&mem);
        mem.fail_at = n;
        code = ward_json_parse(PATIENT, strlen(PATIENT), NULL, &mem, &v, &err);
        if (code == WARD_OK)
            break;
        assert_int_equal(code, WARD_RESOURCE_EXHAUSTED);
        assert_string_equal(err.reason, "ARENA_FULL");
        assert_null(v);
        refused++;
    }
    assert_true(refused > 10);
    mem.fail_at = 0;
}

static void values_are_equal_in_any_order_of_members(void **state)
{
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", true},
        {"[1,2]", "[2,1]", false},
        {"1.10", "1.1", false},
        {"\"1\"", "1", false},
        {"{\"a\":1}", "{\"b\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"[[],{}]", "[[],{}]", true},
        {"[[],{}]", "[{},[]]", false},
        {"null", "false", false},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++)
        assert_true(ward_json_equal(parse(rows[i].a), parse(rows[i].b)) == rows[i].same);
    assert_true(ward_json_equal(NULL, NULL));
    assert_false(ward_json_equal(parse("1"), NULL));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_mem, close_mem)
    const struct CMUnitTest tests[] = {
        T(a_document_is_read_in_its_order),
        T(strings_are_decoded),
        T(what_is_not_json_is_refused_with_its_place),
        T(nesting_ends_at_the_limit),
        T(a_hundred_thousand_brackets_are_refused_not_fatal),
        T(sizes_are_bounded),
        T(long_and_cut_texts_fit_what_was_measured),
        T(many_keys_are_told_apart_in_time),
        T(each_allocation_may_be_refused),
        T(values_are_equal_in_any_order_of_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
