#include "services/diagnosis/model/manifest.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define REST                                                                                   \
    ",\"outputs\":{\"logit\":\"logit\",\"far\":\"far\"},\"guard\":{\"far_limit\":3},"          \
    "\"calibration\":{\"scale\":1.5,\"shift\":-0.25},"                                         \
    "\"finding\":{\"system\":\"s\",\"code\":\"c\",\"display\":\"d\",\"threshold\":0.4,"        \
    "\"sensitivity\":0.9,\"specificity\":0.8},"                                                \
    "\"report\":{\"code\":{\"system\":\"s\",\"code\":\"c\",\"display\":\"d\"},"                \
    "\"category\":{\"system\":\"s\",\"code\":\"c\",\"display\":\"d\"}},"                       \
    "\"known\":{\"lo\":0,\"hi\":1,\"output\":\"logit\",\"stride\":1,\"want\":[0.5],"           \
    "\"tolerance\":0.001}}"
#define HEAD                                                                                   \
    "{\"format\":1,\"name\":\"m\",\"version\":\"1\",\"intended_use\":\"tests\",\"file\":"      \
    "\"model.onnx\","                                                                          \
    "\"sha256\":\"" HASH "\","
#define IMAGE                                                                                  \
    "\"input\":{\"kind\":\"image\",\"tensor\":\"x\"},\"preprocess\":[{\"op\":\"decode\"},"     \
    "{\"op\":\"gray\",\"weights\":[0.3,0.6,0.1]},"                                             \
    "{\"op\":\"resize\",\"method\":\"area\",\"width\":28,\"height\":14}]"
#define TABLE                                                                                  \
    "\"input\":{\"kind\":\"features\",\"tensor\":\"x\",\"features\":["                         \
    "{\"name\":\"age\",\"unit\":\"a\",\"min\":18,\"max\":100,\"missing\":null},"               \
    "{\"name\":\"chol\",\"unit\":\"mg/dL\",\"min\":100,\"max\":600,\"missing\":240}]},"        \
    "\"preprocess\":[{\"op\":\"features\"}]"

static struct ward_arena mem;
static struct ward_err err;
static struct manifest m;

static enum ward_code parse(const char *text)
{
    ward_arena_reset(&mem);
    err = (struct ward_err){0};
    return manifest_parse(text, strlen(text), &mem, &m, &err);
}

static void a_manifest_of_images_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse(HEAD IMAGE REST), WARD_OK);
    assert_true(m.image);
    assert_int_equal(m.steps.width, 28);
    assert_int_equal(m.steps.height, 14);
    assert_string_equal(m.file, "m/1/model.onnx");
    assert_true(m.far_limit == 3);
    assert_true(m.near_limit == HUGE_VAL);
    assert_null(m.near);
    assert_int_equal(m.known.rank, 4);
    assert_int_equal(m.known.shape[2], 14);
    assert_int_equal(m.known.shape[3], 28);
    assert_int_equal(m.known.n, 1);
}

static void a_manifest_of_features_is_read(void **state)
{
    (void)state;
    assert_int_equal(parse(HEAD TABLE REST), WARD_OK);
    assert_false(m.image);
    assert_int_equal(m.n_features, 2);
    assert_false(m.feature[0].has_missing);
    assert_true(m.feature[1].has_missing);
    assert_true(m.feature[1].missing == 240);
    assert_int_equal(m.known.shape[1], 2);
}

/* Removes each member in turn, and gives each an invalid value. The manifest must be rejected,
 * with the name of the member. */
static void what_is_missing_or_cannot_be_is_named(void **state)
{
    static const char *const cases[][3] = {
        {"\"name\":\"m\"", "\"name\":\"../m\"", "name"},
        {"\"version\":\"1\"", "\"versions\":\"1\"", "version"},
        {"\"model.onnx\"", "\"../model.onnx\"", "file"},
        {"\"model.onnx\"", "\"/etc/passwd\"", "file"},
        {HASH, "0123", "sha256"},
        {"\"width\":28", "\"width\":0", "preprocess[2].width"},
        {"\"area\"", "\"nearest\"", "preprocess[2].method"},
        {"\"preprocess\"", "\"steps\"", "preprocess"},
        {"\"format\":1", "\"format\":2", "format"},
        {"\"kind\":\"image\"", "\"kind\":\"sound\"", "kind"},
        {"\"far_limit\":3", "\"near_limit\":3", "far_limit"},
        {"\"scale\":1.5", "\"scale\":0", "scale"},
        {"\"threshold\":0.4", "\"threshold\":1.4", "threshold"},
        {"\"sensitivity\":0.9", "\"sensitivity\":\"high\"", "sensitivity"},
        {"\"category\":{", "\"categories\":{", "category"},
        {"\"want\":[0.5]", "\"want\":[]", "want"},
        {"\"want\":[0.5]", "\"want\":[\"x\"]", "want"},
        {"\"tolerance\":0.001", "\"tolerance\":0", "tolerance"},
    };
    static const char whole[] = HEAD IMAGE REST;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(cases); i++) {
        const char *at = strstr(whole, cases[i][0]);
        char text[2048];

        assert_non_null(at);
        snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - whole), whole, cases[i][1],
                 at + strlen(cases[i][0]));
        assert_int_equal(parse(text), WARD_FAILED_PRECONDITION);
        assert_string_equal(err.reason, "MODEL_MANIFEST");
        assert_non_null(strstr(err.msg, cases[i][2]));
    }
    assert_int_equal(parse("{"), WARD_INVALID_ARGUMENT);
    assert_int_equal(parse("[]"), WARD_FAILED_PRECONDITION);
    assert_int_equal(parse(""), WARD_INVALID_ARGUMENT);
}

static void a_file_that_is_not_there_is_not_found(void **state)
{
    const struct manifest_trust trust = {.keys = "/nowhere/trusted.vkeys"};

    (void)state;
    ward_arena_reset(&mem);
    assert_int_equal(manifest_read("/nowhere", "m", "1", &trust, &mem, &m, &err),
                     WARD_NOT_FOUND);
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
        cmocka_unit_test(a_manifest_of_images_is_read),
        cmocka_unit_test(a_manifest_of_features_is_read),
        cmocka_unit_test(what_is_missing_or_cannot_be_is_named),
        cmocka_unit_test(a_file_that_is_not_there_is_not_found),
    };
    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
