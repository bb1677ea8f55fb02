#include "common/json/stream.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct seen {
    char text[512]; /* each element's text, or the reason of its rejection, followed by | */
    uint64_t byte, line; /* position of the last element */
    size_t peak;         /* maximum use of the arena */
    int stop_at;         /* the callback fails at this element; 0: never */
    bool go_on;          /* continue after a rejected element */
    int n;
    char words[160]; /* message of the last rejection */
};

static enum ward_code see(void *ctx, const struct ward_json_element *e,
                          const struct ward_err *why, struct ward_err *err)
{
    struct seen *s = ctx;
    size_t used = strlen(s->text);

    assert_int_equal(e->index, s->n);
    s->n++;
    s->byte = e->byte;
    s->line = e->line;
    if (e->mem->used > s->peak)
        s->peak = e->mem->used;
    assert_true((why == NULL) == (e->value != NULL));
    if (used < 300 && e->n < 100)
        snprintf(s->text + used, sizeof(s->text) - used, "%.*s|", why != NULL ? 64 : (int)e->n,
                 why != NULL ? why->reason : e->text);
    if (s->stop_at == s->n)
        return WARD_FAIL(err, ABORTED, "enough");
    if (why == NULL)
        return WARD_OK;
    snprintf(s->words, sizeof(s->words), "%s", why->msg);
    return s->go_on ? WARD_OK : why->code;
}

struct result {
    struct seen seen;
    struct ward_err err;
    enum ward_code code;
    char rest[512];
};

static void play(const char *text, size_t n, size_t chunk, struct ward_json_stream_config cfg,
                 struct result *r)
{
    struct ward_json_stream *s = NULL;
    const struct ward_json *rest = NULL;
    enum ward_code code = WARD_OK;

    cfg.key = "entry";
    cfg.element = see;
    cfg.ctx = &r->seen;
    assert_int_equal(ward_json_stream_open(&cfg, &s, NULL), WARD_OK);
    for (size_t i = 0; i < n && code == WARD_OK; i += chunk)
        code = ward_json_stream_feed(s, text + i, n - i < chunk ? n - i : chunk, &r->err);
    if (code != WARD_OK) /* failures are sticky */
        assert_int_equal(ward_json_stream_feed(s, "", 0, NULL), code);
    r->code = ward_json_stream_end(s, &rest, &r->err);
    if (code != WARD_OK)
        assert_int_equal(r->code, code);
    for (const struct ward_json *m = rest == NULL ? NULL : rest->first; m != NULL; m = m->next)
        snprintf(r->rest + strlen(r->rest), sizeof(r->rest) - strlen(r->rest), "%s=%s%u|",
                 m->key, m->text, m->count);
    ward_json_stream_close(s);
}

static void elements_come_one_by_one_however_the_bytes_are_cut(void **state)
{
    static const char text[] =
        " {\"a\":\"entry\",\"o\":{\"entry\":[1]},\n \"entry\" : [ {\"x\":\"],}\\\"[\"} ,\n 2 , "
        "\"s\",[[],[3]], null ] , \"z\":[7]} ";

    (void)state;
    for (size_t chunk = 1; chunk <= sizeof(text); chunk++) {
        struct result r = {0};

        play(text, sizeof(text) - 1, chunk, (struct ward_json_stream_config){0}, &r);
        assert_int_equal(r.code, WARD_OK);
        assert_string_equal(r.seen.text, "{\"x\":\"],}\\\"[\"} |2 |\"s\"|[[],[3]]|null |");
        assert_string_equal(r.rest, "a=entry0|o=1|entry=0|z=1|");
        assert_int_equal(r.seen.n, 5);
        assert_int_equal(r.seen.byte, strstr(text, "null") - text);
        assert_int_equal(r.seen.line, 3);
    }
}

static void an_object_without_the_array_is_all_rest(void **state)
{
    static const char *const texts[] = {"{}",
                                        "{\"a\":1}",
                                        "{\"entry\":{\"x\":[1]}}",
                                        "{\"entry\":null,\"a\":[1,2]}",
                                        "{\"entry\":[]}",
                                        "{\"entry\":[ ]}",
                                        "{\"a\":\"entry\"}"};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(texts); i++) {
        struct result r = {0};

        play(texts[i], strlen(texts[i]), 3, (struct ward_json_stream_config){0}, &r);
        assert_int_equal(r.code, WARD_OK);
        assert_int_equal(r.seen.n, 0);
    }
}

static void a_text_that_is_not_whole_is_refused(void **state)
{
    static const struct {
        const char *text, *reason;
    } rows[] = {
        {"", "JSON_MALFORMED"},
        {"[]", "JSON_MALFORMED"},
        {"7", "JSON_MALFORMED"},
        {"{\"entry\":[", "JSON_MALFORMED"},
        {"{\"entry\":[1", "JSON_MALFORMED"},
        {"{\"entry\":[1,", "JSON_MALFORMED"},
        {"{\"entry\":[1]", "JSON_MALFORMED"},
        {"{\"entry\":[1]} x", "JSON_MALFORMED"},
        {"{\"entry\":[1,]}", "JSON_MALFORMED"},
        {"{\"entry\":[,1]}", "JSON_MALFORMED"},
        {"{\"entry\":[1,,2]}", "JSON_MALFORMED"},
        {"{\"entry\":[1}", "JSON_MALFORMED"},
        {"{\"entry\":[1 2]}", "JSON_MALFORMED"},
        {"{\"entry\":[1]]}", "JSON_MALFORMED"},
        {"{\"entry\" [1]}", "JSON_MALFORMED"},
        {"{\"entry\":[\"", "JSON_MALFORMED"},
        {"{\"\\u0065ntry\":[1]}", "JSON_MALFORMED"}, /* the array is not silently dropped */
        {"{\"entry\":[1],\"entry\":[2]}", "JSON_DUPLICATE_KEY"},
        {"{\"entry\":[1],\"\\u0065ntry\":[2]}", "JSON_DUPLICATE_KEY"},
        {"{\"entry\":[1],\"entry\":2}", "JSON_DUPLICATE_KEY"},
        {"{\"a\":1,\"entry\":[],\"a\":1}", "JSON_DUPLICATE_KEY"},
        {"{\"entry\":[{\"a\":1,\"a\":1}]}", "JSON_DUPLICATE_KEY"},
        {"{\"entry\":[\"\xff\"]}", "JSON_NOT_UTF8"},
        {"{\"a\":\"\xff\"}", "JSON_NOT_UTF8"},
        {"{\"entry\":[\"\\u0000\"]}", "JSON_BAD_STRING"},
    };

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(rows); i++) {
        for (size_t chunk = 1; chunk < 40; chunk += 38) {
            struct result r = {0};

            play(rows[i].text, strlen(rows[i].text), chunk, (struct ward_json_stream_config){0},
                 &r);
            if (r.code == WARD_OK || strcmp(r.err.reason, rows[i].reason) != 0)
                fail_msg("%s: %s: %s", rows[i].text, r.err.reason, r.err.msg);
        }
    }
}

static void a_bad_element_does_not_hide_the_next(void **state)
{
    static const char text[] = "{\"entry\":[1,\n{\"a\":\"\xff\"},\n{\"a\":1,\"a\":2},[[[[1]]]],"
                               "\"0123456789012345678901234567890123456789\",{\"b\":}, 2]}";
    struct result r = {.seen.go_on = true};
    struct ward_json_stream_config cfg = {.element_bytes = 20, .depth = 3};

    (void)state;
    play(text, sizeof(text) - 1, 7, cfg, &r);
    assert_int_equal(r.code, WARD_OK);
    assert_string_equal(r.seen.text, "1|JSON_NOT_UTF8|JSON_DUPLICATE_KEY|JSON_TOO_DEEP|"
                                     "JSON_TOO_LARGE|JSON_MALFORMED|2|");
    /* The position counts from the start of the whole text. */
    assert_non_null(strstr(r.seen.words, "line 3, byte "));
    assert_non_null(strstr(r.seen.words, ", at b: "));
}

static void a_callback_that_fails_ends_it(void **state)
{
    static const char text[] = "{\"entry\":[1,2,3]}";
    struct result r = {.seen.stop_at = 2};

    (void)state;
    play(text, sizeof(text) - 1, 100, (struct ward_json_stream_config){0}, &r);
    assert_int_equal(r.code, WARD_ABORTED);
    assert_string_equal(r.err.msg, "enough");
    assert_int_equal(r.seen.n, 2);
}

static void the_rest_is_bounded(void **state)
{
    struct ward_json_stream_config cfg = {.rest_bytes = 16};
    struct result r = {0};

    (void)state;
    play("{\"a\":\"0123456789\",\"entry\":[]}", 29, 1, cfg, &r);
    assert_int_equal(r.code, WARD_RESOURCE_EXHAUSTED);
    assert_string_equal(r.err.reason, "JSON_TOO_LARGE");
}

static void an_element_that_needs_too_much_memory_is_refused(void **state)
{
    struct ward_json_stream_config cfg = {.element_arena = 4096};
    struct result r = {.seen.go_on = true};

    (void)state;
    play("{\"entry\":[1]}", 13, 100, cfg, &r);
    assert_int_equal(r.code, WARD_OK);
    assert_string_equal(r.seen.text, "ARENA_FULL|");
}

/* 64 MB of text need only the memory of one element. */
static void a_large_bundle_needs_one_elements_memory(void **state)
{
    static char element[65536];
    struct seen seen = {.n = 0};
    struct ward_json_stream_config cfg = {
        .key = "entry", .element = see, .ctx = &seen, .element_bytes = sizeof(element)};
    struct ward_json_stream *s = NULL;
    const struct ward_json *rest = NULL;

    (void)state;
    memset(element, 'x', sizeof(element));
    memcpy(element, "{\"note\":\"", 9);
    memcpy(element + sizeof(element) - 3, "\"},", 3);
    assert_int_equal(ward_json_stream_open(&cfg, &s, NULL), WARD_OK);
    assert_int_equal(ward_json_stream_feed(s, "{\"entry\":[", 10, NULL), WARD_OK);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(ward_json_stream_feed(s, element, sizeof(element), NULL), WARD_OK);
    assert_int_equal(ward_json_stream_feed(s, "0]}", 3, NULL), WARD_OK);
    assert_int_equal(ward_json_stream_end(s, &rest, NULL), WARD_OK);
    assert_int_equal(seen.n, 1001);
    assert_true(seen.peak < 2 * sizeof(element));
    ward_json_stream_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_one_by_one_however_the_bytes_are_cut),
        cmocka_unit_test(an_object_without_the_array_is_all_rest),
        cmocka_unit_test(a_text_that_is_not_whole_is_refused),
        cmocka_unit_test(a_bad_element_does_not_hide_the_next),
        cmocka_unit_test(a_callback_that_fails_ends_it),
        cmocka_unit_test(the_rest_is_bounded),
        cmocka_unit_test(an_element_that_needs_too_much_memory_is_refused),
        cmocka_unit_test(a_large_bundle_needs_one_elements_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
