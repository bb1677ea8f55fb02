#include "common/unicode/unicode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;

static const char *fold(const char *s)
{
    struct ward_err err = {0};
    char *out = NULL;

    assert_int_equal(ward_fold(&mem, s, &out, &err), WARD_OK);
    return out;
}

static void case_width_and_marks_do_not_matter(void **state)
{
    static const struct {
        const char *text, *folded;
    } rows[] = {
        {"", ""},
        {"Müller", "muller"},
        {"MU\xcc\x88LLER", "muller"}, /* decomposed */
        {"Ｍｕｌｌｅｒ", "muller"},
        {"Straße", "strasse"},
        {"ΣΊΣΥΦΟΣ", "σισυφοσ"},
        {"Øre", "øre"}, /* a separate letter without a mark */
        {"ﬁn", "fin"},
        {"İzmir", "izmir"},
        {"王小明", "王小明"},
        {"Đặng Thị", "đang thi"},
        {"Ёлкин", "елкин"},
        {"１２３", "123"},
        {"\xef\xac\xb2", "\xd7\x92"}, /* Hebrew gimel with dagesh */
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        assert_string_equal(fold(rows[i].text), rows[i].folded);
        assert_string_equal(fold(rows[i].folded), rows[i].folded);
    }
}

static void names_fall_into_words(void **state)
{
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", ""},
        {" - ", ""},
        {"anna", "anna"},
        {" o'brien-smith, jr.", "o|brien|smith|jr"},
        {"玛丽·居里", "玛丽|居里"},
        {"van  der\tberg", "van|der|berg"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        struct ward_err err = {0};
        char all[100] = "", **words;
        size_t n, used = 0;

        assert_int_equal(ward_words(&mem, rows[i].text, &words, &n, &err), WARD_OK);
        for (size_t k = 0; k < n; k++) {
            memcpy(all + used, k == 0 ? "" : "|", k == 0 ? 0 : 1);
            used += k == 0 ? 0 : 1;
            memcpy(all + used, words[k], strlen(words[k]) + 1);
            used += strlen(words[k]);
        }
        assert_string_equal(all, rows[i].words);
    }
}

static void points_are_not_bytes(void **state)
{
    (void)state;
    assert_int_equal(ward_first_points("王小明", 2), 6);
    assert_int_equal(ward_first_points("王小明", 9), 9);
    assert_int_equal(ward_first_points("a\xf0\x9f\x92\x8a", 2), 5);
    assert_int_equal(ward_first_points("", 1), 0);
}

static void what_is_not_utf8_is_refused(void **state)
{
    static const char *const bad[] = {"\xff", "a\xc3", "\xed\xa0\x80", "\xc0\xaf"};
    char *out = NULL;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        struct ward_err err = {0};

        assert_int_equal(ward_fold(&mem, bad[i], &out, &err), WARD_INVALID_ARGUMENT);
        assert_string_equal(err.reason, "WIRE_BAD_UTF8");
    }
}

static void no_memory_is_told(void **state)
{
    (void)state;
    for (int n = 1; n <= 4; n++) {
        struct ward_err err = {0};
        char *folded = NULL, **words = NULL;
        enum ward_code code;
        size_t count = 0;

        ward_arena_reset(&mem);
        mem.fail_at = n;
        code = ward_fold(&mem, "Anna Maria", &folded, &err);
        if (code == WARD_OK)
            code = ward_words(&mem, folded, &words, &count, &err);
        assert_int_equal(code, WARD_RESOURCE_EXHAUSTED);
        mem.fail_at = 0;
    }
}

static int begin(void **state)
{
    (void)state;
    ward_arena_init(&mem, 1 << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    ward_arena_done(&mem);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(case_width_and_marks_do_not_matter),
        cmocka_unit_test(names_fall_into_words),
        cmocka_unit_test(points_are_not_bytes),
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(no_memory_is_told),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
