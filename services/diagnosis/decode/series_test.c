#include "services/diagnosis/decode/series.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct ward_arena mem;
static struct ward_err err;

static enum ward_code parse(const char *text, struct series *out)
{
    const struct ward_json *v = NULL;

    err = (struct ward_err){0};
    assert_int_equal(ward_json_parse(text, strlen(text), NULL, &mem, &v, &err), WARD_OK);
    return diagnosis_series_parse(v, out, &err);
}

static struct decoded film(const char *modality, const char *body_part, int side)
{
    struct decoded d = {.dicom = true, .film = {.width = side, .height = side}};

    snprintf(d.facts.modality, sizeof(d.facts.modality), "%s", modality);
    snprintf(d.facts.body_part, sizeof(d.facts.body_part), "%s", body_part);
    return d;
}

static void unfit(const struct series *s, const struct decoded *d, const char *words)
{
    assert_int_equal(diagnosis_series_check(s, d, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.reason, "INPUT_SERIES_UNFIT");
    assert_non_null(strstr(err.msg, words));
}

static void a_series_that_does_not_fit_is_named_with_what_the_file_says(void **state)
{
    const struct decoded chest = film("DX", "CHEST", 512), mr = film("MR", "CHEST", 512),
                         hand = film("CR", "HAND", 512), none = film("CR", "", 512),
                         small = film("CR", "CHEST", 99);
    struct series s;

    (void)state;
    assert_int_equal(parse("{\"modality\":[\"CR\",\"DX\"],\"body_part\":[\"CHEST\"],"
                           "\"min_width\":100,\"min_height\":50}",
                           &s),
                     WARD_OK);
    assert_int_equal(diagnosis_series_check(&s, &chest, &err), WARD_OK);
    unfit(&s, &mr, "the model reads Modality CR, DX; the file's Modality is MR");
    unfit(&s, &hand, "the file's Body Part Examined is HAND");
    unfit(&s, &none, "the file's Body Part Examined is absent");
    unfit(&s, &small, "at least 100 x 50 pixels; the file has 99 x 99");
}

static void a_value_that_is_no_published_term_is_not_repeated(void **state)
{
    const struct decoded d = film("CR", "SMITH", 512);
    struct series s;

    (void)state;
    assert_int_equal(parse("{\"body_part\":[\"CHEST\"]}", &s), WARD_OK);
    unfit(&s, &d, "is another value");
    assert_null(strstr(err.msg, "SMITH"));
}

static void a_png_has_a_size_alone(void **state)
{
    struct decoded d = film("", "", 100);
    struct series s;

    (void)state;
    d.dicom = false;
    assert_int_equal(parse("{\"modality\":[\"CR\"],\"min_width\":100}", &s), WARD_OK);
    assert_int_equal(diagnosis_series_check(&s, &d, &err), WARD_OK);
    d.film.width = 99;
    unfit(&s, &d, "pixels");
}

static void a_manifest_with_another_rule_is_refused(void **state)
{
    static const char *const BAD[] = {
        "[]",
        "{\"modality\":\"CR\"}",
        "{\"modality\":[]}",
        "{\"view\":[\"pa\"]}",
        "{\"body_part\":[7]}",
        "{\"view\":[\"AVIEWOFTOOMANYLETTERS\"]}",
        "{\"modality\":[\"A\",\"B\",\"C\",\"D\",\"E\",\"F\",\"G\",\"H\",\"I\"]}",
        "{\"min_width\":0}",
        "{\"min_height\":\"12\"}",
    };
    struct series s;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD); i++) {
        assert_int_equal(parse(BAD[i], &s), WARD_FAILED_PRECONDITION);
        assert_string_equal(err.reason, "MODEL_MANIFEST");
    }
    assert_int_equal(diagnosis_series_parse(NULL, &s, &err), WARD_OK);
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
        cmocka_unit_test(a_series_that_does_not_fit_is_named_with_what_the_file_says),
        cmocka_unit_test(a_value_that_is_no_published_term_is_not_repeated),
        cmocka_unit_test(a_png_has_a_size_alone),
        cmocka_unit_test(a_manifest_with_another_rule_is_refused),
    };
    return cmocka_run_group_tests(tests, open_mem, close_mem);
}
