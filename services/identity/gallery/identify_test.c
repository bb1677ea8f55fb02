/* Tests the decision of a search, without a model or a database. */
#include "services/identity/gallery/identify.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* Builds a result from scores, best first, with a threshold of 0.40 and a margin of 0.05. */
static struct identified with(int n, const double *scores)
{
    struct identified x = {.gate = USABLE, .n_found = n};

    x.by[0].threshold = 0.40;
    x.by[0].margin = 0.05;
    x.by[1].threshold = 0.60;
    x.by[1].margin = 0.02;
    for (int i = 0; i < n; i++)
        x.found[i].hit.score = scores[i];
    identify_decide(&x);
    return x;
}
#define WITH(...)                                                                              \
    with((int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__})

static void expect(const struct identified *x, enum identify_outcome outcome, int n)
{
    assert_int_equal(x->outcome, outcome);
    assert_int_equal(x->n, n);
}

static void the_rate_of_one_comparison_falls_with_the_gallerys_size(void **state)
{
    (void)state;
    assert_true(fabs(identify_fmr(1e-2, 1) - (1e-2)) < 1e-12);
    assert_true(fabs(identify_fmr(1e-2, 2) - (1 - sqrt(0.99))) < 1e-12);
    /* for a million subjects, the expected value is the series x + x^2 / 2 + x^3 / 3, divided
     * by n */
    assert_true(fabs(identify_fmr(1e-2, 1000000) / (1.0050335853501441e-2 / 1e6) - 1) < 1e-6);
    /* an empty gallery counts as one subject */
    assert_true(fabs(identify_fmr(1e-2, 0) - (1e-2)) < 1e-12);
    assert_true(fabs(1 - pow(1 - identify_fmr(1e-3, 5000), 5000) - (1e-3)) < 1e-9);
}

static void one_clearly_before_the_next_is_a_match(void **state)
{
    struct identified x = WITH(0.70, 0.35, 0.20);

    (void)state;
    expect(&x, IDENTIFY_MATCH, 1);
    x = WITH(0.40);
    expect(&x, IDENTIFY_MATCH, 1);
}

static void nobody_at_the_threshold_is_no_match(void **state)
{
    struct identified x = WITH(0.3999, 0.39);

    (void)state;
    expect(&x, IDENTIFY_NO_MATCH, 0);
    x = with(0, NULL);
    expect(&x, IDENTIFY_NO_MATCH, 0);
}

static void two_above_the_threshold_are_ambiguous_however_far_apart(void **state)
{
    struct identified x = WITH(0.90, 0.41, 0.2);

    (void)state;
    expect(&x, IDENTIFY_AMBIGUOUS, 2);
}

static void a_second_too_near_is_ambiguous_even_below_the_threshold(void **state)
{
    struct identified x = WITH(0.42, 0.375);

    (void)state;
    expect(&x, IDENTIFY_AMBIGUOUS, 2);
    x = WITH(0.42, 0.36);
    expect(&x, IDENTIFY_MATCH, 1);
}

static void at_most_five_are_named(void **state)
{
    struct identified x = WITH(0.9, 0.9, 0.9, 0.9, 0.9, 0.9, 0.9);

    (void)state;
    expect(&x, IDENTIFY_AMBIGUOUS, 5);
}

static void a_face_that_cannot_be_used_decides_nothing(void **state)
{
    struct identified x = {.gate = FACE_BLURRED, .n_found = 1};

    (void)state;
    x.found[0].hit.score = 1;
    identify_decide(&x);
    expect(&x, IDENTIFY_UNUSABLE, 0);
}

static void scores_of_two_models_are_compared_by_their_thresholds(void **state)
{
    struct identified x = WITH(0.70, 0.55);

    (void)state;
    /* 0.55 is 0.05 below the threshold of its model, 0.60: far behind the first hit */
    x.found[1].which = 1;
    identify_decide(&x);
    expect(&x, IDENTIFY_MATCH, 1);
    assert_int_equal(identify_by(&x), 0);
    x.found[1].hit.score = 0.61;
    identify_decide(&x);
    expect(&x, IDENTIFY_AMBIGUOUS, 2);
}

static void names_of_galleries_are_checked(void **state)
{
    (void)state;
    assert_true(gallery_is_named("ward/3a") && gallery_is_named("clinic/eye_2-b"));
    assert_true(gallery_is_name("patients") && gallery_is_name("all"));
    assert_false(gallery_is_named("patients") || gallery_is_named("ward/") ||
                 gallery_is_named("ward/3A") || gallery_is_named("ward") ||
                 gallery_is_named("ward/a/b") || gallery_is_name("") ||
                 gallery_is_name("everyone"));
    assert_true(gallery_is_named("ward/abcdefghijabcdefghijabcdefghijabcdefghijabcdefgh"));
    assert_false(gallery_is_named("ward/abcdefghijabcdefghijabcdefghijabcdefghijabcdefghi"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_rate_of_one_comparison_falls_with_the_gallerys_size),
        cmocka_unit_test(one_clearly_before_the_next_is_a_match),
        cmocka_unit_test(nobody_at_the_threshold_is_no_match),
        cmocka_unit_test(two_above_the_threshold_are_ambiguous_however_far_apart),
        cmocka_unit_test(a_second_too_near_is_ambiguous_even_below_the_threshold),
        cmocka_unit_test(at_most_five_are_named),
        cmocka_unit_test(a_face_that_cannot_be_used_decides_nothing),
        cmocka_unit_test(scores_of_two_models_are_compared_by_their_thresholds),
        cmocka_unit_test(names_of_galleries_are_checked),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
