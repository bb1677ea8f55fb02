#include "common/json/write.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;

static int open_mem(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)1 << 20);
    return 0;
}

static int close_mem(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static const char *done(struct ward_json_out *w)
{
    const char *text = NULL;
    struct ward_err err = {0};
    size_t n = 0;

    if (ward_json_done(w, &text, &n, &err) != WARD_OK)
        fail_msg("%s: %s", err.reason, err.msg);
    assert_int_equal(strlen(text), n);
    return text;
}

static void values_are_written_compact(void **state)
{
    struct ward_json_out w = {.mem = &mem};

    (void)state;
    ward_json_object_begin(&w);
    ward_json_put_text(&w, "a", "x");
    ward_json_put_text(&w, "b", NULL);
    ward_json_put_int(&w, "c", INT64_MIN);
    ward_json_put_bool(&w, "d", false);
    ward_json_key(&w, "e");
    ward_json_array_begin(&w);
    ward_json_decimal(&w, "-1.10e+5", 8);
    ward_json_null(&w);
    ward_json_raw(&w, "{\"r\":1}", 7);
    ward_json_array_begin(&w);
    ward_json_array_end(&w);
    ward_json_object_begin(&w);
    ward_json_object_end(&w);
    ward_json_array_end(&w);
    ward_json_object_end(&w);
    assert_string_equal(done(&w),
                        "{\"a\":\"x\",\"b\":null,\"c\":-9223372036854775808,\"d\":false,"
                        "\"e\":[-1.10e+5,null,{\"r\":1},[],{}]}");
}

static void strings_are_escaped_where_they_must_be(void **state)
{
    struct ward_json_out w = {.mem = &mem};
    char all[128];

    (void)state;
    ward_json_text(&w, "\"\\/\b\f\n\r\t\x01\x1f\x7f \xe6\xb0\xb4\xf0\x9d\x84\x9e");
    assert_string_equal(done(&w), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f "
                                  "\xe6\xb0\xb4\xf0\x9d\x84\x9e\"");
    for (int c = 1; c < 128; c++)
        all[c - 1] = (char)c;
    all[127] = '\0';
    w = (struct ward_json_out){.mem = &mem};
    ward_json_text(&w, all);
    {
        const struct ward_json *v = NULL;
        const char *text = done(&w);

        assert_int_equal(ward_json_parse(text, strlen(text), NULL, &mem, &v, NULL), WARD_OK);
        assert_string_equal(ward_json_string(v), all);
    }
}

static void what_was_read_is_written_again(void **state)
{
    static const char *const texts[] = {
        "{\"a\":[1.10,-0.0,1E5,true,false,null,\"\\\"\"],\"b\":{\"c\":{}},\"d\":[]}",
        "\"\"",
        "0.10",
        "[[[[[]]]],{\"\":\"\"}]",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        struct ward_json_out w = {.mem = &mem};
        const struct ward_json *v = NULL;

        assert_int_equal(ward_json_parse(texts[i], strlen(texts[i]), NULL, &mem, &v, NULL),
                         WARD_OK);
        ward_json_value(&w, v);
        assert_string_equal(done(&w), texts[i]);
    }
}

/* Performs one step for each letter. */
static void play(struct ward_json_out *w, const char *steps)
{
    for (; *steps != '\0'; steps++) {
        switch (*steps) {
        case '{':
            ward_json_object_begin(w);
            break;
        case '}':
            ward_json_object_end(w);
            break;
        case '[':
            ward_json_array_begin(w);
            break;
        case ']':
            ward_json_array_end(w);
            break;
        case 'k':
            ward_json_key(w, "k");
            break;
        case 'r':
            ward_json_raw(w, "", 0);
            break;
        default:
            ward_json_int(w, 1);
            break;
        }
    }
}

static void a_step_where_none_belongs_is_remembered(void **state)
{
    static const char *const bad[] = {"",   "{",    "[",    "}",   "]",    "{]",   "[}",
                                      "k",  "{1}",  "{k}",  "11",  "{}1",  "[k1]", "{kk1}",
                                      "1}", "{k1k", "[1]]", "{}{", "{k[}", "r",    "[r]"};
    static const char *const good[] = {"1", "{}", "[]", "{k1}", "[1111]", "{k[]}", "[{k1}1]"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        struct ward_json_out w = {.mem = &mem};
        const char *text = NULL;
        struct ward_err err = {0};

        play(&w, bad[i]);
        if (ward_json_done(&w, &text, NULL, &err) == WARD_OK)
            fail_msg("%s gave %s", bad[i], text);
        assert_string_equal(err.reason, "JSON_MALFORMED");
    }
    for (size_t i = 0; i < WARD_COUNT(good); i++) {
        struct ward_json_out w = {.mem = &mem};
        const struct ward_json *v = NULL;
        const char *text;

        play(&w, good[i]);
        text = done(&w);
        assert_int_equal(ward_json_parse(text, strlen(text), NULL, &mem, &v, NULL), WARD_OK);
    }
}

static void a_string_that_is_not_text_is_not_written(void **state)
{
    static const struct {
        const char *s;
        size_t n;
        const char *reason;
    } rows[] = {
        {"a\0b", 3, "JSON_BAD_STRING"},
        {"\xff", 1, "JSON_NOT_UTF8"},
        {"\xe6\xb0", 2, "JSON_NOT_UTF8"},
        {"\xed\xa0\x80", 3, "JSON_NOT_UTF8"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        for (int key = 0; key < 2; key++) {
            struct ward_json_out w = {.mem = &mem};
            const char *text = NULL;
            struct ward_err err = {0};

            if (key) {
                ward_json_object_begin(&w);
                ward_json_key_n(&w, rows[i].s, rows[i].n);
                ward_json_null(&w);
                ward_json_object_end(&w);
            } else {
                ward_json_text_n(&w, rows[i].s, rows[i].n);
            }
            assert_int_equal(ward_json_done(&w, &text, NULL, &err), WARD_INVALID_ARGUMENT);
            assert_string_equal(err.reason, rows[i].reason);
        }
    }
}

static void only_numbers_are_written_as_numbers(void **state)
{
    static const char *const bad[] = {"",   "-",  "01",  "1.",  ".1",  "1e",    "1e+",
                                      "+1", "1 ", "NaN", "0x1", "1,2", "1.1.1", "--1"};
    static const char *const good[] = {"0", "-0", "0.0", "10.50", "1e5", "1E-05", "-2.5e+10"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        struct ward_json_out w = {.mem = &mem};
        const char *text = NULL;

        ward_json_decimal(&w, bad[i], strlen(bad[i]));
        assert_int_equal(ward_json_done(&w, &text, NULL, NULL), WARD_INVALID_ARGUMENT);
    }
    for (size_t i = 0; i < WARD_COUNT(good); i++) {
        struct ward_json_out w = {.mem = &mem};

        ward_json_decimal(&w, good[i], strlen(good[i]));
        assert_string_equal(done(&w), good[i]);
    }
}

static void depth_is_bounded_as_in_reading(void **state)
{
    (void)state;
    for (int depth = 1; depth < 200; depth++) {
        struct ward_json_out w = {.mem = &mem};
        const char *text = NULL;

        for (int i = 0; i < depth; i++)
            ward_json_array_begin(&w);
        for (int i = 0; i < depth; i++)
            ward_json_array_end(&w);
        assert_int_equal(ward_json_done(&w, &text, NULL, NULL),
                         depth <= WARD_JSON_DEPTH ? WARD_OK : WARD_INVALID_ARGUMENT);
    }
}

static void each_allocation_may_be_refused(void **state)
{
    enum ward_code code = WARD_RESOURCE_EXHAUSTED;
    int refused = 0;

    (void)state;
    for (int n = 1; code != WARD_OK; n++) {
        struct ward_json_out w = {.mem = &mem};
        const char *text = NULL;
        struct ward_err err = {0};

        ward_arena_reset(&mem);
        mem.fail_at = n;
        ward_json_array_begin(&w);
        for (int i = 0; i < 1000; i++)
            ward_json_text(&w, "0123456789");
        ward_json_array_end(&w);
        code = ward_json_done(&w, &text, NULL, &err);
        assert_true(code == WARD_OK || strcmp(err.reason, "ARENA_FULL") == 0);
        assert_true((text != NULL) == (code == WARD_OK));
        refused += code != WARD_OK;
    }
    assert_true(refused > 3);
    mem.fail_at = 0;
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, open_mem, close_mem)
    const struct CMUnitTest tests[] = {
        T(values_are_written_compact),
        T(strings_are_escaped_where_they_must_be),
        T(what_was_read_is_written_again),
        T(a_step_where_none_belongs_is_remembered),
        T(a_string_that_is_not_text_is_not_written),
        T(only_numbers_are_written_as_numbers),
        T(depth_is_bounded_as_in_reading),
        T(each_allocation_may_be_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
