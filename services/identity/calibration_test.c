/* Tests that a table of thresholds is read completely or rejected, and that a stricter rate
 * never gives a laxer threshold. */
#include "services/identity/calibration.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SHA        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEAD       "{\"model_sha256\":\"" SHA "\",\"source\":\"a test\",\"date\":\"2026-11-21\","
#define COUNTS     "\"n_genuine\":100,\"n_impostor\":10000,"
#define P(f, t, a) "{\"fmr\":" #f ",\"threshold\":" #t ",\"tar\":" #a "}"
#define GOOD                                                                                   \
    HEAD COUNTS                                                                                \
        "\"points\":[" P(1e-2, 0.25, 1) "," P(1e-3, 0.3, 0.99) "," P(1e-4, 0.4, 0.9) "]}"

static struct ward_err err;

static enum ward_code parse(const char *json, const char *sha, struct calibration *out)
{
    memset(&err, 0, sizeof(err));
    return calibration_parse(json, strlen(json), sha, out, &err);
}

static void a_table_is_read_with_where_it_comes_from(void **state)
{
    struct calibration c = {.n = 0};

    (void)state;
    assert_int_equal(parse(GOOD, SHA, &c), WARD_OK);
    assert_string_equal(c.model_sha256, SHA);
    assert_string_equal(c.source, "a test");
    assert_string_equal(c.date, "2026-11-21");
    assert_int_equal(c.n_genuine, 100);
    assert_int_equal(c.n_impostor, 10000);
    assert_int_equal(c.n, 3);
    assert_true(c.at[1].fmr == 1e-3 && c.at[1].threshold == 0.3 && c.at[1].tar == 0.99);
}

static void the_age_it_holds_from_is_an_adults_unless_it_says_otherwise(void **state)
{
    struct calibration c = {.n = 0};
    char json[1024];

    (void)state;
    assert_int_equal(parse(GOOD, SHA, &c), WARD_OK);
    assert_int_equal(c.least_age, 18);
    snprintf(json, sizeof(json), "{\"least_age\":%d,%s", 12, &(GOOD)[1]);
    assert_int_equal(parse(json, SHA, &c), WARD_OK);
    assert_int_equal(c.least_age, 12);
    for (int bad = -1; bad <= 121; bad += 122) {
        snprintf(json, sizeof(json), "{\"least_age\":%d,%s", bad, &(GOOD)[1]);
        assert_int_equal(parse(json, SHA, &c), WARD_FAILED_PRECONDITION);
    }
    snprintf(json, sizeof(json), "{\"least_age\":\"12\",%s", &(GOOD)[1]);
    assert_int_equal(parse(json, SHA, &c), WARD_FAILED_PRECONDITION);
}

static void a_table_that_cannot_be_meant_is_refused_whole(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{",
        "{}",
        HEAD "}",
        HEAD COUNTS "\"points\":[]}",
        HEAD COUNTS "\"points\":[" P(1e-3, 0.3, 0.99) "]}",
        /* a laxer threshold, an equal rate, or a higher acceptance for a stricter rate */
        HEAD COUNTS "\"points\":[" P(1e-3, 0.3, 0.9) "," P(1e-4, 0.3, 0.9) "]}",
        HEAD COUNTS "\"points\":[" P(1e-3, 0.3, 0.9) "," P(1e-3, 0.4, 0.9) "]}",
        HEAD COUNTS "\"points\":[" P(1e-3, 0.3, 0.9) "," P(1e-4, 0.4, 0.91) "]}",
        /* invalid rates, cosines and shares */
        HEAD COUNTS "\"points\":[" P(1e-3, 0.3, 0.9) "," P(0, 0.4, 0.9) "]}",
        HEAD COUNTS "\"points\":[" P(1, 0.3, 0.9) "," P(1e-4, 0.4, 0.9) "]}",
        HEAD COUNTS "\"points\":[" P(1e-3, 0.3, 0.9) "," P(1e-4, 1.5, 0.9) "]}",
        HEAD COUNTS "\"points\":[" P(1e-3, 0.3, 1.1) "," P(1e-4, 0.4, 0.9) "]}",
        HEAD COUNTS "\"points\":[" P(1e-3, "0.3", 0.9) "," P(1e-4, 0.4, 0.9) "]}",
        HEAD COUNTS "\"points\":[" P(1e-3, 0.3, 0.9) ",7]}",
        HEAD "\"n_genuine\":0,\"n_impostor\":1,\"points\":[" P(1e-3, 0.3, 1) "," P(1e-4, 0.4,
                                                                                   1) "]}",
        "{\"model_sha256\":\"xyz\",\"source\":\"s\",\"date\":\"d\"," COUNTS
        "\"points\":[" P(1e-3, 0.3, 1) "," P(1e-4, 0.4, 1) "]}",
    };
    struct calibration c = {.n = 42};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(parse(bad[i], NULL, &c), WARD_FAILED_PRECONDITION);
        assert_string_equal(err.reason, "CALIBRATION_UNFIT");
    }
    assert_int_equal(c.n, 42);
}

static void a_file_cut_anywhere_is_no_table(void **state)
{
    struct calibration c = {.n = 42};

    (void)state;
    for (size_t n = 0; n < strlen(GOOD); n++)
        assert_int_equal(calibration_parse(GOOD, n, SHA, &c, &err), WARD_FAILED_PRECONDITION);
    assert_int_equal(c.n, 42);
}

static void another_models_thresholds_are_refused(void **state)
{
    static const char other[] =
        "ffff456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    struct calibration c = {.n = 42};

    (void)state;
    assert_int_equal(parse(GOOD, other, &c), WARD_FAILED_PRECONDITION);
    assert_string_equal(err.reason, "CALIBRATION_OTHER_MODEL");
    assert_int_equal(c.n, 42);
    assert_int_equal(parse(GOOD, NULL, &c), WARD_OK);
}

/* The table has three points, so each group has three counts. */
#define GROUP(name, pairs, counts)                                                             \
    "{\"name\":\"" name "\",\"pairs\":" #pairs ",\"matched\":[" counts "]}"

/* Parses GOOD with further members before its own members. */
static enum ward_code parse_with(const char *members, struct calibration *out)
{
    char json[2048];

    snprintf(json, sizeof(json), "{%s,%s", members, &(GOOD)[1]);
    return parse(json, SHA, out);
}

static void a_file_of_before_is_searched_by_its_points_and_warned_of(void **state)
{
    struct calibration c = {.n = 0};

    (void)state;
    assert_int_equal(parse(GOOD, SHA, &c), WARD_OK);
    assert_int_equal(c.n_mixed, 3);
    assert_memory_equal(c.mixed, c.at, 3 * sizeof(*c.at));
    assert_int_equal(c.n_groups, 0);
    assert_true(c.at[2].worst == 0);
    assert_non_null(strstr(calibration_warning(&c), "measured no groups"));
}

static void a_search_has_thresholds_of_its_own(void **state)
{
    struct calibration c = {.n = 0};
    double search = 0, verify = 0;
    bool beyond;

    (void)state;
    assert_int_equal(parse_with("\"mixed\":[" P(1e-3, 0.2, 1) "," P(1e-5, 0.3, 0.95) "]", &c),
                     WARD_OK);
    assert_int_equal(c.n_mixed, 2);
    assert_int_equal(calibration_threshold(&c, 1e-4, &search, &beyond, NULL), WARD_OK);
    assert_int_equal(calibration_verify(&c, 1e-4, &verify, &beyond, NULL), WARD_OK);
    assert_true(fabs(search - 0.25) < 1e-9 && fabs(verify - 0.4) < 1e-9);
    assert_true(fabs(calibration_margin(&c, 1e-4) - 0.05) < 1e-9);
}

static void the_worst_group_s_share_goes_with_each_point(void **state)
{
    struct calibration c = {.n = 0};

    (void)state;
    assert_int_equal(
        parse_with(
            "\"groups\":[" GROUP("a", 1000, "50,9,1") "," GROUP("b", 4000, "400,4,2") "]", &c),
        WARD_OK);
    assert_int_equal(c.n_groups, 2);
    assert_true(c.at[0].worst == 0.1 && c.at[1].worst == 9e-3 && c.at[2].worst == 1e-3);
    /* exactly ten times 1e-4: the limit is not exceeded */
    assert_string_equal(calibration_warning(&c), "");
    assert_int_equal(parse_with("\"groups\":[" GROUP("a", 1000, "50,9,2") "]", &c), WARD_OK);
    assert_non_null(strstr(calibration_warning(&c), "more than ten times"));
}

static void mixed_points_and_groups_that_cannot_be_meant_are_refused(void **state)
{
    static const char *const bad[] = {
        "\"mixed\":[]",
        "\"mixed\":7",
        "\"mixed\":[" P(1e-3, 0.3, 0.9) "]",
        "\"mixed\":[" P(1e-3, 0.3, 0.9) "," P(1e-4, 0.2, 0.8) "]",
        "\"mixed\":[" P(1e-3, 0.3, 0.9) "," P(1e-4, 2, 0.8) "]",
        "\"groups\":[]",
        "\"groups\":{}",
        "\"groups\":[7]",
        "\"groups\":[" GROUP("", 1000, "3,2,1") "]",
        "\"groups\":[" GROUP("a", 0, "0,0,0") "]",
        "\"groups\":[" GROUP("a", 1000, "3,2") "]", /* each point needs a count */
        "\"groups\":[" GROUP("a", 1000, "3,2,1,0") "]",
        /* a stricter point must not have more matches */
        "\"groups\":[" GROUP("a", 1000, "3,4,1") "]",
        "\"groups\":[" GROUP("a", 1000, "1001,2,1") "]", /* more matches than pairs */
        "\"groups\":[" GROUP("a", 1000, "3,2,-1") "]",
        "\"groups\":[" GROUP("a", 1000, "3,2,0.5") "]",
        "\"groups\":[{\"pairs\":10,\"matched\":[1,1,1]}]",
    };
    struct calibration c = {.n = 42};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        assert_int_equal(parse_with(bad[i], &c), WARD_FAILED_PRECONDITION);
        assert_string_equal(err.reason, "CALIBRATION_UNFIT");
    }
    assert_int_equal(c.n, 42);
}

static void the_packs_own_files_can_be_read(void **state)
{
    struct calibration c = {.n = 0};

    (void)state;
    assert_int_equal(calibration_load("models/clear/calibration.json", NULL, &c, &err),
                     WARD_OK);
    assert_non_null(strstr(calibration_warning(&c), "more than ten times"));
    assert_int_equal(calibration_load("models/faceplugin/calibration.json", NULL, &c, &err),
                     WARD_OK);
    assert_true(c.n >= 4 && c.n_mixed >= 4 && c.n_groups >= 9);
    /* the default pack stays within its limit */
    assert_string_equal(calibration_warning(&c), "");
    assert_int_equal(calibration_load("models/none/calibration.json", NULL, &c, &err),
                     WARD_NOT_FOUND);
}

static void a_file_larger_than_any_table_is_refused(void **state)
{
    char path[] = "/tmp/ward-calibration-XXXXXX";
    int fd = mkstemp(path);
    struct calibration c = {.n = 42};

    (void)state;
    assert_true(fd >= 0);
    for (int i = 0; i <= CALIBRATION_FILE_MAX; i++)
        assert_int_equal(write(fd, " ", 1), 1);
    close(fd);
    assert_int_equal(calibration_load(path, NULL, &c, &err), WARD_FAILED_PRECONDITION);
    unlink(path);
    assert_int_equal(c.n, 42);
}

static struct calibration table(void)
{
    struct calibration c = {.n = 0};

    assert_int_equal(parse(GOOD, SHA, &c), WARD_OK);
    return c;
}

static double threshold_of(const struct calibration *c, double fmr, bool beyond)
{
    double t = -7;
    bool extrapolated = !beyond;

    assert_int_equal(calibration_threshold(c, fmr, &t, &extrapolated, &err), WARD_OK);
    assert_int_equal(extrapolated, beyond);
    return t;
}

#define NEAR(a, b) assert_true(fabs((a) - (b)) < 1e-9)

static void between_points_the_line_is_straight_in_the_rates_logarithm(void **state)
{
    struct calibration c = table();

    (void)state;
    NEAR(threshold_of(&c, 1e-3, false), 0.3);
    NEAR(threshold_of(&c, 1e-4, false), 0.4);
    NEAR(threshold_of(&c, pow(10, -3.5), false), 0.35);
    NEAR(threshold_of(&c, pow(10, -2.2), false), 0.26);
    NEAR(threshold_of(&c, 0.5, false), 0.25); /* laxer than any measured rate */
}

static void below_what_was_measured_the_last_line_goes_on_and_is_said_to(void **state)
{
    struct calibration c = table();

    (void)state;
    NEAR(threshold_of(&c, 1e-6, true), 0.6);
    NEAR(threshold_of(&c, 1e-30, true), 1); /* no higher cosine exists */
}

static void a_stricter_wish_never_gets_a_laxer_threshold(void **state)
{
    struct calibration c = table();
    double before = -1;

    (void)state;
    for (int e = 1; e < 1400; e++) {
        double t = 0;
        bool beyond = false;

        assert_int_equal(calibration_threshold(&c, pow(10, -0.01 * e), &t, &beyond, &err),
                         WARD_OK);
        assert_true(t >= before);
        before = t;
    }
}

static void a_margin_is_what_a_tenth_of_the_rate_costs(void **state)
{
    struct calibration c = table();

    (void)state;
    NEAR(calibration_margin(&c, 1e-4), 0.1);
    NEAR(calibration_margin(&c, pow(10, -3.5)), 0.35 - 0.275);
    NEAR(calibration_margin(&c, 1e-6), 0.1); /* on the extension of the last segment */
    NEAR(calibration_margin(&c, 1e-30), 0.1);
}

/* A small gallery requires a rate near the laxest measured one: the margin is still above 0. */
static void a_margin_does_not_vanish_where_the_table_begins(void **state)
{
    struct calibration c = table();

    (void)state;
    NEAR(calibration_margin(&c, 1e-2), 0.05);
    NEAR(calibration_margin(&c, 3e-3), 0.05);
    NEAR(calibration_margin(&c, 0.3), 0.05);
    for (int e = 1; e < 1000; e++)
        assert_true(calibration_margin(&c, pow(10, -0.01 * e)) > 0.049);
}

static void what_is_no_rate_has_no_threshold(void **state)
{
    static const double bad[] = {0, 1, -1e-3, 2, INFINITY, NAN};
    struct calibration c = table();
    double t = 42;
    bool beyond = false;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(calibration_threshold(&c, bad[i], &t, &beyond, &err),
                         WARD_INVALID_ARGUMENT);
    assert_true(t == 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_read_with_where_it_comes_from),
        cmocka_unit_test(the_age_it_holds_from_is_an_adults_unless_it_says_otherwise),
        cmocka_unit_test(a_table_that_cannot_be_meant_is_refused_whole),
        cmocka_unit_test(a_file_cut_anywhere_is_no_table),
        cmocka_unit_test(another_models_thresholds_are_refused),
        cmocka_unit_test(a_file_of_before_is_searched_by_its_points_and_warned_of),
        cmocka_unit_test(a_search_has_thresholds_of_its_own),
        cmocka_unit_test(the_worst_group_s_share_goes_with_each_point),
        cmocka_unit_test(mixed_points_and_groups_that_cannot_be_meant_are_refused),
        cmocka_unit_test(the_packs_own_files_can_be_read),
        cmocka_unit_test(a_file_larger_than_any_table_is_refused),
        cmocka_unit_test(between_points_the_line_is_straight_in_the_rates_logarithm),
        cmocka_unit_test(below_what_was_measured_the_last_line_goes_on_and_is_said_to),
        cmocka_unit_test(a_stricter_wish_never_gets_a_laxer_threshold),
        cmocka_unit_test(a_margin_is_what_a_tenth_of_the_rate_costs),
        cmocka_unit_test(a_margin_does_not_vanish_where_the_table_begins),
        cmocka_unit_test(what_is_no_rate_has_no_threshold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
