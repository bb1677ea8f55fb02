#include "services/records/exchange/bundle_split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Splits a text in pieces of `step` bytes. Returns the objects, each followed by "[resourceType
 * type]". */
static const char *split(const char *text, size_t step)
{
    static char out[1024];
    struct bundle_split s = {0};
    size_t n = strlen(text), at = 0, o = 0;

    out[0] = '\0';
    while (at < n) {
        size_t most = n - at < step ? n - at : step, skip = 0, took;
        bool ends = false;

        took = bundle_split(&s, text + at, most, &skip, &ends);
        assert_true(skip <= took && took <= most && (took > 0 || most == 0));
        o += (size_t)snprintf(out + o, sizeof(out) - o, "%.*s", (int)(took - skip),
                              text + at + skip);
        if (ends)
            o += (size_t)snprintf(out + o, sizeof(out) - o, "[%s %s]", s.resource_type, s.type);
        at += took;
    }
    if (s.inside)
        snprintf(out + o, sizeof(out) - o, "...");
    return out;
}

static void same(const char *text, const char *want)
{
    for (size_t step = 1; step < 40; step++)
        if (strcmp(split(text, step), want) != 0)
            fail_msg("%s in pieces of %zu: %s", text, step, split(text, step));
}

static void objects_end_where_their_bracket_closes(void **state)
{
    (void)state;
    same("", "");
    same(" \n", "");
    same("{}", "{}[ ]");
    same(" {\"a\":[{}]}\n{\"b\":\"}\"} ", "{\"a\":[{}]}[ ]{\"b\":\"}\"}[ ]");
    same("{\"a\":\"\\\"}\\\\\"}{}", "{\"a\":\"\\\"}\\\\\"}[ ]{}[ ]");
    same("{\"a\":1", "{\"a\":1...");
    same("{\"a\":\"", "{\"a\":\"...");
}

static void the_type_is_the_outermost_object_s(void **state)
{
    (void)state;
    same("{\"resourceType\":\"Bundle\",\"type\":\"batch\"}",
         "{\"resourceType\":\"Bundle\",\"type\":\"batch\"}[Bundle batch]");
    same(
        "{\"entry\":[{\"type\":\"no\"}],\"link\":{\"type\":\"no\"},\"x\":\"type\",\"y\":"
        "\"no\"}",
        "{\"entry\":[{\"type\":\"no\"}],\"link\":{\"type\":\"no\"},\"x\":\"type\",\"y\":\"no\"}"
        "[ ]");
    same("{\"type\":\"a\"}{\"entry\":[]}", "{\"type\":\"a\"}[ a]{\"entry\":[]}[ ]");
    same("{\"type\":\"a string that is far longer than any type\"}",
         "{\"type\":\"a string that is far longer than any type\"}[ ]");
}

/* Invalid bytes are also passed on, because the JSON parser reports the error. */
static void what_is_no_object_is_passed_on(void **state)
{
    (void)state;
    same("nonsense", "nonsense...");
    same("]{}", "][ ]{}[ ]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects_end_where_their_bracket_closes),
        cmocka_unit_test(the_type_is_the_outermost_object_s),
        cmocka_unit_test(what_is_no_object_is_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
