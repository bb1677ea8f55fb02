/* Tests the rejection of hostile notes, and linear time and memory. */
#include "services/records/text/own.h"
#include "services/records/text/text_testing.h"

#include <stdlib.h>

static enum ward_code extract(const char *note, size_t n, size_t arena, size_t *found,
                              struct ward_err *err)
{
    struct text_findings out = {0};
    struct ward_arena mem;
    enum ward_code code;

    ward_arena_init(&mem, arena);
    code = text_extract(text_fix.engine, &mem, note, n, TEXT_AUTO, &out, err);
    for (size_t i = 0; i < out.n; i++) {
        assert_true(out.at[i].span.start < out.at[i].span.end && out.at[i].span.end <= n);
        assert_true(i == 0 || out.at[i - 1].span.end <= out.at[i].span.start);
    }
    *found = out.n;
    ward_arena_done(&mem);
    return code;
}

static void what_is_not_utf8_is_refused(void **state)
{
    static const char *const bad[] = {"\xff",
                                      "\xc0\x80",
                                      "\xe5\x8f",
                                      "\xed\xa0\x80",
                                      "\xf4\x90\x80\x80",
                                      "\x80",
                                      "a\xc3",
                                      "\xf8\x88\x80\x80\x80"};
    struct ward_err err = {0};
    size_t n = 7;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        assert_int_equal(extract(bad[i], strlen(bad[i]), 1 << 20, &n, &err),
                         WARD_INVALID_ARGUMENT);
        assert_string_equal(err.reason, "TEXT_NOT_UTF8");
    }
    assert_int_equal(extract("fe\0ver", 6, 1 << 20, &n, &err), WARD_INVALID_ARGUMENT);
}

static char note_room[TEXT_MAX + 1];

static void a_note_past_its_limit_is_refused_before_it_is_read(void **state)
{
    struct ward_err err = {0};
    size_t n = 0;

    (void)state;
    memset(note_room, 0, sizeof(note_room));
    assert_int_equal(extract(note_room, TEXT_MAX + 1, 1 << 10, &n, &err),
                     WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "TEXT_TOO_LONG");
}

static char *filled(const char *unit, size_t *n)
{
    size_t len = strlen(unit);

    for (*n = 0; *n + len <= TEXT_MAX; *n += len)
        memcpy(note_room + *n, unit, len);
    return note_room;
}

/* Each note has 1 MiB. A quadratic pass would take hours, not seconds. */
static void a_mebibyte_of_anything_is_read_in_proportion(void **state)
{
    static const char *const units[] = {
        "a",
        "无",
        ",",
        "，",
        ".",
        "\n",
        " ",
        "?",
        "9",
        "no ",
        "no evidence of ",
        "既往史：",
        "PMH:",
        "e.g.",
        "\xCC\x81", /* a combining mark */
        "\xE2\x80\x8B",
        "否认无不排除考虑",
        "慢性阻塞性肺疾病急性加",
        "体温",
        "BP 1",
        "has no inc",
        "、",
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(units); i++) {
        size_t n, found = 0;
        char *note = filled(units[i], &n);
        enum ward_code code = extract(note, n, (size_t)192 << 20, &found, NULL);

        if (code != WARD_OK && code != WARD_RESOURCE_EXHAUSTED)
            fail_msg("'%s' gives %s", units[i], ward_code_name(code));
    }
}

static void one_sentence_of_cues_around_many_findings_is_read_in_proportion(void **state)
{
    size_t n, found = 0;
    char *note = filled("无发热可能,不排除咳嗽史但考虑no头痛 as,既往?", &n);
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(extract(note, n, (size_t)192 << 20, &found, &err),
                     WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "TEXT_TOO_MANY");
    assert_int_equal(extract(note, n / 8 / 3 * 3, (size_t)192 << 20, &found, &err), WARD_OK);
    assert_true(found > 1000);
}

static void too_many_findings_are_refused(void **state)
{
    size_t n, found = 0;
    char *note = filled("咳嗽,", &n);
    struct ward_err err = {0};

    (void)state;
    assert_int_equal(extract(note, n, (size_t)192 << 20, &found, &err),
                     WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(err.reason, "TEXT_TOO_MANY");
    assert_int_equal(extract(note, 7 * TEXT_FINDINGS_MAX, (size_t)192 << 20, &found, &err),
                     WARD_OK);
    assert_int_equal(found, TEXT_FINDINGS_MAX);
}

static void a_small_arena_is_a_refusal_at_every_step(void **state)
{
    const char *note = "患者无发热、咳嗽，既往高血压，父亲患胃癌，体温38.5℃，BP 120/80 mmHg。";
    struct ward_err err = {0};
    int refused = 0;

    (void)state;
    for (int fail_at = 1;; fail_at++) {
        struct text_findings out = {0};
        struct ward_arena mem;
        enum ward_code code;

        ward_arena_init(&mem, 1 << 20);
        mem.fail_at = fail_at;
        code = text_extract(text_fix.engine, &mem, note, strlen(note), TEXT_AUTO, &out, &err);
        ward_arena_done(&mem);
        if (code == WARD_OK)
            break;
        assert_int_equal(code, WARD_RESOURCE_EXHAUSTED);
        assert_string_equal(err.reason, "ARENA_FULL");
        assert_int_equal(out.n, 0);
        refused++;
    }
    assert_in_range(refused, 5, 100);
}

static enum ward_code mark_badly(void *self, const struct text_doc *doc, uint32_t start,
                                 uint32_t end, const struct text_marks *terms,
                                 struct ward_arena *mem, struct text_marks *out,
                                 struct ward_err *err)
{
    const struct text_mark *mark = self;

    (void)doc, (void)start, (void)end, (void)terms;
    return text_mark_add(out, mem, mark, err);
}

static void a_back_end_that_marks_out_of_order_is_an_error_not_a_crash(void **state)
{
    static const struct text_mark bad[] = {{.start = 0, .end = 99},
                                           {.start = 3, .end = 3},
                                           {.start = 5, .end = 2},
                                           {.start = 0, .end = 1, .kind = 9},
                                           {.start = 0, .end = 1, .kind = TEXT_MEASUREMENT}};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        struct text_mark mark = bad[i];
        struct text_backend b = {.maker = {"bad", "1", ""}, .self = &mark, .find = mark_badly};
        struct text_engine *e = NULL;
        struct text_findings out = {0};

        assert_int_equal(
            text_open(&(struct text_config){.data_dir = TEXT_TEST_DATA, .backend = &b}, &e,
                      NULL),
            WARD_OK);
        ward_arena_reset(&text_fix.mem);
        assert_int_equal(text_extract(e, &text_fix.mem, "no fever", 8, TEXT_AUTO, &out, NULL),
                         WARD_INTERNAL);
        text_close(e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_utf8_is_refused),
        cmocka_unit_test(a_note_past_its_limit_is_refused_before_it_is_read),
        cmocka_unit_test(a_mebibyte_of_anything_is_read_in_proportion),
        cmocka_unit_test(one_sentence_of_cues_around_many_findings_is_read_in_proportion),
        cmocka_unit_test(too_many_findings_are_refused),
        cmocka_unit_test(a_small_arena_is_a_refusal_at_every_step),
        cmocka_unit_test(a_back_end_that_marks_out_of_order_is_an_error_not_a_crash),
    };

    return cmocka_run_group_tests(tests, text_fixture_open, text_fixture_close);
}
