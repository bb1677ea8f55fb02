#include "services/diagnosis/steps/steps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;
static struct ward_err err;
static struct steps s;

static enum ward_code parse(const char *list, int n_features)
{
    const struct ward_json *v;

    ward_arena_reset(&mem);
    err = (struct ward_err){0};
    assert_int_equal(ward_json_parse(list, strlen(list), NULL, &mem, &v, &err), WARD_OK);
    return steps_parse(v, n_features, &mem, &s, &err);
}

#define DECODE "{\"op\":\"decode\"}"
#define STORED "{\"op\":\"decode\",\"values\":\"stored\"}"
#define GRAY   "{\"op\":\"gray\",\"weights\":[0.299,0.587,0.114]}"
#define SIZE   "{\"op\":\"resize\",\"method\":\"area\",\"width\":28,\"height\":14}"
#define TABLE  "{\"op\":\"features\",\"outside\":\"abstain\"}"

static void a_list_says_how_large_its_result_is(void **state)
{
    (void)state;
    assert_int_equal(parse("[" DECODE "," GRAY "," SIZE "]", 0), WARD_OK);
    assert_int_equal(s.channels, 1);
    assert_int_equal(s.width, 28);
    assert_int_equal(s.height, 14);
    assert_int_equal(parse("[" DECODE "," SIZE ",{\"op\":\"rotate\",\"degrees\":90}]", 0),
                     WARD_OK);
    assert_int_equal(s.channels, 3);
    assert_int_equal(s.width, 14);
    assert_int_equal(
        parse("[" DECODE "," SIZE ",{\"op\":\"crop\",\"method\":\"centre_square\"}]", 0),
        WARD_OK);
    assert_int_equal(s.width, 14);
    assert_int_equal(s.height, 14);
    assert_int_equal(parse("[" TABLE "]", 13), WARD_OK);
    assert_int_equal(s.channels, 0);
}

static const struct {
    const char *list, *where;
    int n_features;
} bad[] = {
    {"[]", "1 to 16 steps", 0},
    {"{}", "1 to 16 steps", 0},
    {"[" SIZE "]", "preprocess[0].op", 0},
    {"[" DECODE "," DECODE "," SIZE "]", "preprocess[1].op", 0},
    {"[" DECODE "]", "preprocess[0].width", 0},
    {"[" DECODE ",{\"op\":\"crop\",\"method\":\"centre_square\"}]", "preprocess[1].width", 0},
    {"[" DECODE ",{\"op\":\"stft\"}," SIZE "]", "preprocess[1].op", 0},
    {"[" DECODE ",7," SIZE "]", "preprocess[1].op", 0},
    {"[" DECODE ",{\"op\":\"modality\"}," SIZE "]", "preprocess[1].op", 0},
    {"[" DECODE ",{\"op\":\"window\"}," SIZE "]", "preprocess[1].op", 0},
    {"[" STORED "," SIZE "]", "preprocess[1].op", 0},
    {"[" STORED "]", "preprocess[0].width", 0},
    {"[" STORED ",{\"op\":\"window\",\"centre\":1}," SIZE "]", "preprocess[1].width", 0},
    {"[" STORED ",{\"op\":\"window\",\"centre\":1,\"width\":0}," SIZE "]",
     "preprocess[1].width", 0},
    {"[" STORED ",{\"op\":\"window\",\"centre\":1,\"width\":2,\"function\":\"gamma\"}," SIZE
     "]",
     "preprocess[1].function", 0},
    {"[" DECODE "," SIZE "," GRAY "]", "preprocess[2].op", 0},
    {"[" DECODE "," GRAY "," GRAY "," SIZE "]", "preprocess[2].weights", 0},
    {"[" DECODE ",{\"op\":\"gray\",\"weights\":[1,2]}," SIZE "]", "preprocess[1].weights", 0},
    {"[" DECODE ",{\"op\":\"gray\",\"weights\":[1,2,\"x\"]}," SIZE "]", "preprocess[1].weights",
     0},
    {"[" DECODE ",{\"op\":\"resize\",\"method\":\"nearest\",\"width\":2,\"height\":2}]",
     "preprocess[1].method", 0},
    {"[" DECODE ",{\"op\":\"resize\",\"method\":\"area\",\"width\":513,\"height\":2}]",
     "preprocess[1].width", 0},
    {"[" DECODE ",{\"op\":\"resize\",\"method\":\"area\",\"width\":2.5,\"height\":2}]",
     "preprocess[1].width", 0},
    {"[" DECODE "," SIZE
     ",{\"op\":\"crop\",\"method\":\"box\",\"x\":20,\"y\":0,\"width\":9,\"height\":1}]",
     "preprocess[2].width", 0},
    {"[" DECODE ",{\"op\":\"crop\",\"method\":\"box\",\"x\":-1,\"y\":0,\"width\":9,"
     "\"height\":1}]",
     "preprocess[1].x", 0},
    {"[" DECODE ",{\"op\":\"crop\",\"method\":\"box\",\"x\":0,\"y\":0,\"width\":600,"
     "\"height\":1}]",
     "preprocess[1].width", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"rotate\"}]", "preprocess[2].degrees", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"clahe\",\"clip\":2,\"tiles\":17}]", "preprocess[2].tiles",
     0},
    {"[" DECODE "," SIZE ",{\"op\":\"median\",\"size\":4}]", "preprocess[2].size", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"median\",\"size\":11}]", "preprocess[2].size", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"gaussian\",\"sigma\":0}]", "preprocess[2].sigma", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"scale\"}]", "preprocess[2].factor", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"scale\",\"factor\":0.5},{\"op\":\"clahe\",\"clip\":2,"
     "\"tiles\":2}]",
     "preprocess[3].op", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"normalise\",\"mean\":[1,2],\"std\":1}]",
     "preprocess[2].mean", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"normalise\",\"mean\":1,\"std\":[1,1,1]}]",
     "preprocess[2].std", 0},
    {"[" DECODE "," SIZE ",{\"op\":\"normalise\",\"mean\":1,\"std\":0}]", "preprocess[2].std",
     0},
    {"[" TABLE "]", "preprocess[0].op", 0},
    {"[" DECODE "," SIZE "]", "preprocess[0].op", 13},
    {"[" TABLE "," SIZE "]", "preprocess[1].op", 13},
    {"[" TABLE ",{\"op\":\"normalise\",\"mean\":[1,2,3],\"std\":1}]", "preprocess[1].mean", 2},
};

static void what_a_list_cannot_be_is_named_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++) {
        if (parse(bad[i].list, bad[i].n_features) != WARD_FAILED_PRECONDITION)
            fail_msg("%s is taken", bad[i].list);
        assert_string_equal(err.reason, "MODEL_MANIFEST");
        if (strstr(err.msg, bad[i].where) == NULL)
            fail_msg("'%s' is not in '%s'", bad[i].where, err.msg);
    }
}

static void each_step_has_words_for_a_trace(void **state)
{
    static const char list[] =
        "[" STORED ",{\"op\":\"modality\"},{\"op\":\"window\",\"centre\":40,\"width\":400},"
        "" GRAY "," SIZE ",{\"op\":\"rotate\",\"degrees\":5},{\"op\":\"clahe\",\"clip\":2,"
        "\"tiles\":8},{\"op\":\"median\",\"size\":3},{\"op\":\"gaussian\",\"sigma\":1.5},"
        "{\"op\":\"scale\",\"factor\":0.5},{\"op\":\"normalise\",\"mean\":0.5,\"std\":0.25}]";
    static const char *const words[] = {
        "stored values",      "modality",     "window 40, width 400",    "gray 0.299 R",
        "resize 28x14, area", "rotate 5",     "CLAHE, clip 2, 8x8",      "median 3x3",
        "sigma 1.5",          "scale by 0.5", "mean 0.5, deviation 0.25"};

    (void)state;
    assert_int_equal(parse(list, 0), WARD_OK);
    assert_int_equal(s.n, WARD_COUNT(words));
    for (int i = 0; i < s.n; i++)
        assert_non_null(strstr(step_words(&s.at[i], &mem), words[i]));
}

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_says_how_large_its_result_is),
        cmocka_unit_test(what_a_list_cannot_be_is_named_with_its_place),
        cmocka_unit_test(each_step_has_words_for_a_trace),
    };
    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
