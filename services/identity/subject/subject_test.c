/* Tests the uses that consents permit, and the threshold of the search for duplicates. */
#include "services/identity/subject/duplicates.h"
#include "services/identity/subject/subject.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct calibration cal = {
    .n = 2,
    .at = {{1e-3, 0.50, 0.97, 0}, {1e-4, 0.70, 0.90, 0}},
    .n_mixed = 3,
    .mixed = {{1e-3, 0.30, 0.99, 0}, {1e-4, 0.40, 0.98, 0}, {1e-5, 0.50, 0.97, 0}},
};

static void a_consent_opens_what_it_names_while_it_stands(void **state)
{
    struct consent_entry c[] = {{.purpose = PURPOSE_VERIFY, .withdrawn_at_us = 5},
                                {.purpose = PURPOSE_SEARCH},
                                {.purpose = "teaching"}};

    (void)state;
    assert_false(consent_stands(c, 3, PURPOSE_VERIFY));
    assert_true(consent_stands(c, 3, PURPOSE_SEARCH));
    assert_false(consent_stands(c, 1, PURPOSE_SEARCH));
    assert_false(consent_stands(NULL, 0, PURPOSE_SEARCH));
}

static void given_again_it_stands_again(void **state)
{
    struct consent_entry c[] = {{.purpose = PURPOSE_VERIFY, .withdrawn_at_us = 5},
                                {.purpose = PURPOSE_VERIFY}};

    (void)state;
    assert_true(consent_stands(c, 2, PURPOSE_VERIFY));
}

static void a_face_is_used_by_the_purposes_of_its_kind_alone(void **state)
{
    struct consent_entry verify = {.purpose = PURPOSE_VERIFY};
    struct consent_entry search = {.purpose = PURPOSE_SEARCH};
    struct consent_entry staff = {.purpose = PURPOSE_STAFF};
    struct consent_entry photo = {.purpose = PURPOSE_PHOTO};

    (void)state;
    assert_true(consent_to_face(&verify, 1, SUBJECT_PATIENT));
    assert_true(consent_to_face(&search, 1, SUBJECT_PATIENT));
    assert_false(consent_to_face(&staff, 1, SUBJECT_PATIENT));
    assert_false(consent_to_face(&photo, 1, SUBJECT_PATIENT));
    assert_true(consent_to_face(&staff, 1, SUBJECT_STAFF));
    assert_false(consent_to_face(&verify, 1, SUBJECT_STAFF));
    assert_false(consent_to_face(&search, 1, SUBJECT_STAFF));
}

static void a_gallery_of_one_asks_for_one_in_a_thousand(void **state)
{
    (void)state;
    assert_float_equal(duplicates_threshold(&cal, 0), 0.30, 1e-6);
    assert_float_equal(duplicates_threshold(&cal, 1), 0.30, 1e-6);
}

static void ten_times_as_many_ask_for_a_rate_ten_times_smaller(void **state)
{
    (void)state;
    assert_float_equal(duplicates_threshold(&cal, 10), 0.40, 1e-4);
    assert_float_equal(duplicates_threshold(&cal, 100), 0.50, 1e-4);
    assert_true(duplicates_threshold(&cal, 50) > duplicates_threshold(&cal, 20));
}

static void beyond_what_was_measured_it_goes_on_up_to_the_strictest_of_verify(void **state)
{
    (void)state;
    assert_float_equal(duplicates_threshold(&cal, 1000), 0.60, 1e-4);
    assert_float_equal(duplicates_threshold(&cal, 1000000), 0.70, 1e-9);
    assert_float_equal(duplicates_threshold(&cal, INT64_MAX), 0.70, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_consent_opens_what_it_names_while_it_stands),
        cmocka_unit_test(given_again_it_stands_again),
        cmocka_unit_test(a_face_is_used_by_the_purposes_of_its_kind_alone),
        cmocka_unit_test(a_gallery_of_one_asks_for_one_in_a_thousand),
        cmocka_unit_test(ten_times_as_many_ask_for_a_rate_ten_times_smaller),
        cmocka_unit_test(beyond_what_was_measured_it_goes_on_up_to_the_strictest_of_verify),
    };

    return cmocka_run_group_tests_name("subject", tests, NULL, NULL);
}
