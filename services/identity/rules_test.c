#include "services/identity/rules.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A face of height h in a picture of 400 x 300 pixels. */
static struct face_box tall(double h)
{
    return (struct face_box){100, 50, 100 + h, 50 + h, 0.9};
}

static enum gate which_of(const struct face_box *faces, int n, int *which)
{
    return rule_which_face(faces, n, 400, 300, which);
}

static void nobody_one_or_several_stand_before_the_camera(void **state)
{
    struct face_box two[] = {tall(60), tall(100)};
    int which = 7;

    (void)state;
    assert_int_equal(which_of(two, 0, &which), FACE_NOT_FOUND);
    assert_int_equal(which, 7);
    assert_int_equal(which_of(two, 1, &which), USABLE);
    assert_int_equal(which, 0);
    which = 7;
    assert_int_equal(which_of(two, 2, &which), SEVERAL_FACES);
    assert_int_equal(which, 7);
    two[0] = tall(59.9);
    assert_int_equal(which_of(two, 2, &which), USABLE); /* a person in the background */
    assert_int_equal(which, 1);
}

static void who_is_half_out_of_the_picture_is_a_bystander_unless_as_large(void **state)
{
    struct face_box two[] = {{-5, 50, 70, 139.9, 0.9}, tall(100)};
    int which = 7;

    (void)state;
    assert_int_equal(which_of(two, 2, &which), USABLE);
    assert_int_equal(which, 1);
    two[0].y2 = 140;
    assert_int_equal(which_of(two, 2, &which), SEVERAL_FACES);
    two[0] = (struct face_box){330, 50, 400.5, 139.9, 0.9};
    assert_int_equal(which_of(two, 2, &which), USABLE);
    two[1].y1 = -0.5; /* the edge cuts both faces: neither is the subject */
    two[1].y2 = 99.5;
    assert_int_equal(which_of(two, 2, &which), SEVERAL_FACES);
    two[0] = (struct face_box){100, 250, 200, 300.5, 0.9};
    two[1] = tall(56);
    /* height 0.9 of the largest face */
    assert_int_equal(which_of(two, 2, &which), SEVERAL_FACES);
}

static void eyes_closer_than_24_px_are_too_small(void **state)
{
    (void)state;
    assert_int_equal(rule_eyes(24), USABLE);
    assert_int_equal(rule_eyes(23.999), FACE_TOO_SMALL);
    assert_int_equal(rule_eyes(NAN), FACE_TOO_SMALL);
}

static void who_may_still_be_under_age_is_a_child(void **state)
{
    (void)state;
    assert_true(rule_is_child(2026, 18, 2026));
    assert_true(rule_is_child(2009, 18, 2026));
    assert_true(rule_is_child(2008, 18, 2026)); /* the subject's birthday may be in December */
    assert_false(rule_is_child(2007, 18, 2026));
    /* a calibration that holds from birth, without a minimum age */
    assert_false(rule_is_child(2026, 0, 2026));
}

static void every_refusal_has_a_reason_and_says_what_to_do(void **state)
{
    (void)state;
    assert_string_equal(gate_reason(FACE_NOT_FOUND), "FACE_NOT_FOUND");
    assert_string_equal(gate_reason(SEVERAL_FACES), "SEVERAL_FACES");
    assert_string_equal(gate_reason(FACE_TOO_SMALL), "FACE_TOO_SMALL");
    assert_string_equal(gate_reason(FACE_NOT_UPRIGHT), "FACE_NOT_UPRIGHT");
    assert_string_equal(gate_reason(NOT_A_PHOTOGRAPH), "NOT_A_PHOTOGRAPH");
    assert_string_equal(gate_reason(LIVENESS_REQUIRED), "LIVENESS_REQUIRED");
    assert_non_null(strstr(gate_advice(FACE_NOT_FOUND), "face the camera"));
    assert_non_null(strstr(gate_advice(FACE_NOT_UPRIGHT), "turn the picture"));
    assert_non_null(strstr(gate_advice(NOT_A_PHOTOGRAPH), "a new photograph"));
    assert_non_null(strstr(gate_advice(LIVENESS_FAILED), "living face"));
    assert_non_null(strstr(gate_advice(SEVERAL_FACES), "only one person"));
    assert_non_null(strstr(gate_advice(FACE_TOO_SMALL), "come closer"));
}

static const struct calibration table = {
    .n = 4,
    .at = {{1e-3, 0.43, 0.9661, 6.3e-3},
           {1e-4, 0.57, 0.8716, 5.7e-4},
           {1e-5, 0.63, 0.7483, 0},
           {1e-6, 0.69, 0.5505, 0}},
};

static double threshold_of(double fmr)
{
    struct operating_point p;

    assert_int_equal(rule_operating_point(&table, fmr, &p, NULL), WARD_OK);
    return p.threshold;
}

static void a_rate_buys_the_threshold_that_was_measured(void **state)
{
    (void)state;
    assert_true(threshold_of(1e-3) == 0.43);
    assert_true(threshold_of(1e-4) == 0.57);
    assert_true(threshold_of(1e-5) == 0.63);
    assert_true(threshold_of(1e-6) == 0.69);
    assert_true(threshold_of(0) == 0.57); /* no rate requested: the default */
    /* the threshold never allows more false matches than requested */
    assert_true(threshold_of(5e-4) == 0.57);
    assert_true(threshold_of(9.999e-5) == 0.63);
    assert_true(threshold_of((double)1e-4f) == 0.57); /* a rate that a caller sent as a float */
}

static void a_rate_that_was_not_measured_is_refused(void **state)
{
    static const double bad[] = {0.0011, 1, -1e-4, 9e-7, 1e-9, INFINITY, NAN};
    struct operating_point p = {.fmr = 42};
    struct ward_err err = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_int_equal(rule_operating_point(&table, bad[i], &p, &err), WARD_INVALID_ARGUMENT);
    assert_string_equal(err.field, "max_fmr");
    assert_true(p.fmr == 42);
}

static void words_and_labels_have_their_shapes(void **state)
{
    char long_word[66];

    (void)state;
    memset(long_word, 'a', 65);
    long_word[65] = '\0';
    assert_true(rule_is_word("administration"));
    assert_true(rule_is_word("a-1"));
    assert_false(rule_is_word(""));
    assert_false(rule_is_word("Care"));
    assert_false(rule_is_word("two words"));
    assert_false(rule_is_word(long_word));
    assert_true(rule_is_word(long_word + 1));
    assert_true(rule_is_label("Bed-7/A", true));
    assert_true(rule_is_label("", false));
    assert_false(rule_is_label("", true));
    assert_false(rule_is_label("bed 7", true));
    assert_false(rule_is_label("b\x01", true));
    assert_false(rule_is_label("b\xc3\xa9", true));
    assert_false(rule_is_label(long_word, true));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_one_or_several_stand_before_the_camera),
        cmocka_unit_test(who_is_half_out_of_the_picture_is_a_bystander_unless_as_large),
        cmocka_unit_test(eyes_closer_than_24_px_are_too_small),
        cmocka_unit_test(who_may_still_be_under_age_is_a_child),
        cmocka_unit_test(every_refusal_has_a_reason_and_says_what_to_do),
        cmocka_unit_test(a_rate_buys_the_threshold_that_was_measured),
        cmocka_unit_test(a_rate_that_was_not_measured_is_refused),
        cmocka_unit_test(words_and_labels_have_their_shapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
