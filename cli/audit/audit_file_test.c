#include "cli/audit/audit_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#define ENTRY "{\"index\":3,\"leaf\":\"AAEC\",\"salt\":null,\"event\":null,\"erased\":false"
/* nested brackets: a parser that frees values recursively would overflow the stack */
#define DEEP 400000

static struct ward_arena mem;
static struct ward_err err;

static int begin(void **state)
{
    (void)state;
    ward_arena_init(&mem, (size_t)4 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

static enum ward_code entry(const char *text)
{
    struct file_entry e;

    err = (struct ward_err){0};
    return file_entry_parse(text, &mem, &e, &err);
}

static void an_entry_is_read(void **state)
{
    static const uint8_t leaf[] = {0, 1, 2};
    struct file_entry e;

    (void)state;
    assert_int_equal(file_entry_parse(ENTRY "}", &mem, &e, &err), WARD_OK);
    assert_int_equal(e.index, 3);
    assert_int_equal(e.leaf.n, sizeof(leaf));
    assert_memory_equal(e.leaf.p, leaf, sizeof(leaf));
    assert_null(e.salt.p);
    assert_null(e.event.p);
    assert_false(e.erased);
    assert_int_equal(entry(ENTRY ",\"more\":{\"a\":[\"//\",\"\\\\\",\"[[[[[[\"]}}"), WARD_OK);
}

static void a_field_that_is_there_twice_is_refused(void **state)
{
    static const char header[] = "{\"ward_export\":1,\"size\":1,\"checkpoint\":\"c\","
                                 "\"keys\":[{\"vkey\":\"k\",\"handover\":\"a\"%s}]}";
    struct file_header h;

    (void)state;
    assert_int_equal(entry(ENTRY ",\"event\":\"AAEC\"}"), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, "a field occurs twice, or there are too many fields");
    assert_int_equal(entry(ENTRY ",\"\\u0065vent\":\"AAEC\"}"), WARD_INVALID_ARGUMENT);
    assert_int_equal(file_header_parse(ward_printf(&mem, header, ""), &mem, &h, &err), WARD_OK);
    assert_int_equal(
        file_header_parse(ward_printf(&mem, header, ",\"handover\":\"b\""), &mem, &h, &err),
        WARD_INVALID_ARGUMENT);
}

static void what_others_would_read_otherwise_is_refused(void **state)
{
    static const char *const texts[] = {
        ENTRY "/* \"erased\":true */}",
        ENTRY ",\"more\":\"AA\\u0000EC\"}",
        ENTRY "} {}",
        ENTRY "",
        "",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        assert_int_equal(entry(texts[i]), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.msg, "not JSON");
    }
}

static void a_file_of_brackets_is_refused_not_fatal(void **state)
{
    static char text[2 * DEEP + 64];
    int n = snprintf(text, sizeof(text), "{\"more\":");

    (void)state;
    memset(text + n, '[', DEEP);
    memset(text + n + DEEP, ']', DEEP);
    text[n + 2 * DEEP] = '}';
    assert_int_equal(entry(text), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.msg, "not JSON");
}

static void an_object_of_too_many_fields_is_refused(void **state)
{
    char text[512] = ENTRY;

    (void)state;
    for (int i = 0; i < 12; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ",\"%d\":0", i);
    snprintf(text + strlen(text), sizeof(text) - strlen(text), "}");
    assert_int_equal(entry(text), WARD_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_read),
        cmocka_unit_test(a_field_that_is_there_twice_is_refused),
        cmocka_unit_test(what_others_would_read_otherwise_is_refused),
        cmocka_unit_test(a_file_of_brackets_is_refused_not_fatal),
        cmocka_unit_test(an_object_of_too_many_fields_is_refused),
    };

    return cmocka_run_group_tests_name("audit files", tests, begin, end);
}
