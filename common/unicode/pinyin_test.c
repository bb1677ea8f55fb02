#include "common/unicode/pinyin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char *reading(struct ward_arena *mem, const char *text, bool surname)
{
    struct ward_err err = {0};
    const char *const *syllables;
    size_t n;
    char *out;

    assert_int_equal(ward_pinyin(mem, text, surname, &syllables, &n, &err), WARD_OK);
    if (n == 0) {
        assert_null(syllables);
        return "";
    }
    assert_int_equal(ward_pinyin_join(mem, syllables, 0, n, &out, &err), WARD_OK);
    return out;
}

static void a_chinese_name_has_a_reading(void **state)
{
    static const struct {
        const char *text, *plain, *surname;
    } rows[] = {
        {"王小明", "wangxiaoming", "wangxiaoming"},
        {"王曉明", "wangxiaoming", "wangxiaoming"},
        {"曾", "ceng", "zeng"},
        {"单雄信", "danxiongxin", "shanxiongxin"},
        {"吕布", "lvbu", "lvbu"},
        {"曾国单", "cengguodan", "zengguodan"}, /* the surname is first */
        {"", "", ""},
        {"anna", "", ""},
        {"王a", "", ""},
        {"\xf0\xa0\x80\x80", "", ""}, /* a character of extension B */
        {"のり", "", ""},
    };
    struct ward_arena mem;

    (void)state;
    ward_arena_init(&mem, 1 << 16);
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        assert_string_equal(reading(&mem, rows[i].text, false), rows[i].plain);
        assert_string_equal(reading(&mem, rows[i].text, true), rows[i].surname);
    }
    ward_arena_done(&mem);
}

static void where_memory_ends_it_says_so(void **state)
{
    struct ward_err err = {0};
    const char *const *syllables;
    struct ward_arena mem;
    size_t n;

    (void)state;
    ward_arena_init(&mem, 0);
    assert_int_equal(ward_pinyin(&mem, "王", false, &syllables, &n, &err),
                     WARD_RESOURCE_EXHAUSTED);
    ward_arena_done(&mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chinese_name_has_a_reading),
        cmocka_unit_test(where_memory_ends_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
