#include "services/identity/admin/scores.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

static struct scores genuine, impostor;
static struct score_point table[CALIBRATION_POINTS_MAX];

static int fresh(void **state)
{
    (void)state;
    memset(&genuine, 0, sizeof(genuine));
    memset(&impostor, 0, sizeof(impostor));
    return 0;
}

/* A pseudo-random sequence that is equal on all machines. */
static double next(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return (double)(*seed >> 8) / (1 << 24);
}

/* ---- counting ---- */

static void a_score_is_counted_at_every_threshold_it_reaches(void **state)
{
    static const double scores[] = {-1, -0.5, 0, 0.00005, 0.341, 0.418, 0.41799, 0.9999, 1};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(scores); i++) {
        fresh(NULL);
        scores_add(&genuine, scores[i]);
        for (int k = 0; k <= SCORE_BINS; k++)
            if (scores_from(&genuine, k) != (scores[i] >= scores_edge(k)))
                fail_msg("%.17g at %.17g", scores[i], scores_edge(k));
    }
}

static void a_threshold_is_the_nearest_to_its_four_digits(void **state)
{
    (void)state;
    assert_true(scores_edge(14180) == 0.418);
    assert_true(scores_edge(0) == -1);
    assert_true(scores_edge(SCORE_BINS) == 1);
}

static void what_rounding_left_outside_is_at_the_end(void **state)
{
    (void)state;
    scores_add(&genuine, 1.0000001);
    scores_add(&genuine, -1.0000001);
    scores_add(&genuine, NAN);
    assert_int_equal(genuine.n, 3);
    assert_int_equal(scores_from(&genuine, 0), 3);
    assert_int_equal(scores_from(&genuine, SCORE_BINS), 1);
}

static void the_product_is_that_of_doubles(void **state)
{
    float a[515], b[515];
    uint32_t seed = 1;

    (void)state;
    for (int dim = 1; dim <= 515; dim += 514 / 2) {
        double sum = 0;

        for (int i = 0; i < dim; i++) {
            a[i] = (float)((next(&seed) - 0.5) / 8);
            b[i] = (float)((next(&seed) - 0.5) / 8);
            sum += (double)a[i] * (double)b[i];
        }
        assert_true(fabs(scores_dot(a, b, dim) - sum) < 1e-6);
    }
}

/* ---- pairs ---- */

#define THINGS 101

static void count_pairs(int n, int64_t most, int seen[THINGS][THINGS], int64_t *all)
{
    struct pairing p;

    memset(seen, 0, sizeof(int[THINGS][THINGS]));
    *all = 0;
    pairing_make(&p, n, most);
    for (int s = 0; s < p.steps; s++) {
        int pairs = 0, step = pairing_step(&p, s, &pairs);

        assert_in_range(step, 1, n / 2);
        for (int i = 0; i < pairs; i++) {
            int a = i, b = (i + step) % n;

            seen[a < b ? a : b][a < b ? b : a]++;
            *all += 1;
        }
    }
}

static void enough_means_every_pair_once(void **state)
{
    static const int sizes[] = {2, 3, 4, 5, 8, 100, 101};
    static int seen[THINGS][THINGS];

    (void)state;
    for (size_t k = 0; k < WARD_COUNT(sizes); k++) {
        int n = sizes[k];
        int64_t all;

        count_pairs(n, (int64_t)n * n, seen, &all);
        assert_int_equal(all, n * (n - 1) / 2);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++)
                assert_int_equal(seen[i][j], i < j ? 1 : 0);
    }
}

static void fewer_are_never_twice_and_spread_evenly(void **state)
{
    static int seen[THINGS][THINGS];
    int degree[THINGS] = {0};
    int64_t all;

    (void)state;
    count_pairs(101, 1010, seen, &all);
    assert_int_equal(all, 1010);
    for (int i = 0; i < 101; i++)
        for (int j = 0; j < 101; j++) {
            assert_in_range(seen[i][j], 0, 1);
            degree[i] += seen[i][j];
            degree[j] += seen[i][j];
        }
    for (int i = 0; i < 101; i++)
        assert_int_equal(degree[i], 20);
}

static void no_more_than_asked_for(void **state)
{
    static int seen[THINGS][THINGS];
    int64_t all;

    (void)state;
    for (int64_t most = 1; most < 300; most += 7) {
        count_pairs(100, most, seen, &all);
        assert_int_equal(all, most);
    }
}

/* ---- the table ---- */

static void fill(int64_t n_impostor, int64_t n_genuine)
{
    uint32_t seed = 7;

    for (int64_t i = 0; i < n_impostor; i++)
        scores_add(&impostor, next(&seed) * next(&seed) * 0.7 - 0.1);
    for (int64_t i = 0; i < n_genuine; i++)
        scores_add(&genuine, 0.4 + next(&seed) * 0.6);
}

static void a_rate_is_never_passed_and_the_next_lower_threshold_would_pass_it(void **state)
{
    int n;

    (void)state;
    fill(1000000, 5000);
    n = scores_table(&genuine, &impostor, table);
    assert_int_equal(n, 4); /* the rates 1e-2 to 1e-5 */
    for (int i = 0; i < n; i++) {
        int64_t allowed = impostor.n / (int64_t)round(pow(10, i + 2));
        int bin = (int)lround((table[i].at.threshold + 1) * SCORE_BINS / 2);

        assert_true(fabs(table[i].at.fmr * pow(10, i + 2) - 1) < 1e-12);
        assert_int_equal(table[i].impostors, scores_from(&impostor, bin));
        assert_true(table[i].impostors <= allowed);
        assert_true(scores_from(&impostor, bin - 1) > allowed);
        assert_true(table[i].at.tar == (double)scores_from(&genuine, bin) / 5000);
    }
}

static void a_rate_that_ten_pairs_do_not_carry_is_left_out(void **state)
{
    (void)state;
    fill(9999, 100);
    assert_int_equal(scores_table(&genuine, &impostor, table), 1);
    fresh(NULL);
    fill(10000, 100);
    assert_int_equal(scores_table(&genuine, &impostor, table), 2);
}

static void an_age_belongs_to_one_band_and_a_child_to_none(void **state)
{
    static const int first[] = {18, 40, 60, 75};

    (void)state;
    assert_int_equal(scores_band(17), -1);
    assert_int_equal(scores_band(-3), -1);
    for (int b = 0; b < SCORES_BANDS; b++) {
        assert_int_equal(scores_band(first[b]), b);
        assert_int_equal(scores_band(first[b] - 1), b - 1);
    }
    assert_int_equal(scores_band(120), SCORES_BANDS - 1);
    assert_string_equal(scores_band_name(0), "18-39");
}

/* An age band whose people are more similar than others determines the threshold, for rates
 * that its own pairs support. */
static void no_band_passes_the_rate_that_its_pairs_carry(void **state)
{
    static struct scores band[SCORES_BANDS];
    struct score_point banded[CALIBRATION_POINTS_MAX];
    uint32_t seed = 3;
    int n, bin;

    (void)state;
    memset(band, 0, sizeof(band));
    fill(1000000, 5000);
    for (int i = 0; i < 10000; i++)
        scores_add(&band[3], next(&seed) * next(&seed) * 0.7 + 0.1);
    for (int i = 0; i < 900; i++)
        scores_add(&band[0], 0.9); /* too few pairs for any rate */
    n = scores_table(&genuine, &impostor, table);
    assert_int_equal(scores_table_banded(&genuine, &impostor, band, banded), n);
    /* two rates, 1e-2 and 1e-3: 100 and 10 of the band's pairs are permitted */
    for (int i = 0; i < 2; i++) {
        bin = (int)lround((banded[i].at.threshold + 1) * SCORE_BINS / 2);
        assert_true(banded[i].at.threshold > table[i].at.threshold);
        assert_true(scores_from(&band[3], bin) <= (i == 0 ? 100 : 10));
        assert_true(scores_from(&band[3], bin - 1) > (i == 0 ? 100 : 10));
        assert_int_equal(banded[i].impostors, scores_from(&impostor, bin));
    }
    for (int i = 1; i < n; i++)
        assert_true(banded[i].at.threshold > banded[i - 1].at.threshold);
}

/* The service rejects a table without this property when it starts. */
static void thresholds_rise_and_acceptance_falls(void **state)
{
    (void)state;
    for (int i = 0; i < 1000000; i++)
        scores_add(&impostor, 0.1); /* all scores are equal: every rate has one lowest bin */
    for (int i = 0; i < 1000; i++)
        scores_add(&genuine, 0.1001);
    assert_int_equal(scores_table(&genuine, &impostor, table), 4);
    for (int i = 1; i < 4; i++) {
        assert_true(table[i].at.threshold > table[i - 1].at.threshold);
        assert_true(table[i].at.tar <= table[i - 1].at.tar);
        assert_int_equal(table[i].impostors, 0);
    }
}

static void one_person_enrolled_as_several_ends_the_table(void **state)
{
    (void)state;
    fill(1000000, 1000);
    for (int i = 0; i < 200; i++)
        scores_add(&impostor, 1);
    /* the rate 1e-4 would permit 100 pairs */
    assert_int_equal(scores_table(&genuine, &impostor, table), 2);
}

static void nothing_counted_is_no_table(void **state)
{
    (void)state;
    assert_int_equal(scores_table(&genuine, &impostor, table), 0);
    fill(10000, 0);
    assert_int_equal(scores_table(&genuine, &impostor, table), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_score_is_counted_at_every_threshold_it_reaches, fresh),
        cmocka_unit_test_setup(a_threshold_is_the_nearest_to_its_four_digits, fresh),
        cmocka_unit_test_setup(what_rounding_left_outside_is_at_the_end, fresh),
        cmocka_unit_test(the_product_is_that_of_doubles),
        cmocka_unit_test(enough_means_every_pair_once),
        cmocka_unit_test(fewer_are_never_twice_and_spread_evenly),
        cmocka_unit_test(no_more_than_asked_for),
        cmocka_unit_test_setup(
            a_rate_is_never_passed_and_the_next_lower_threshold_would_pass_it, fresh),
        cmocka_unit_test_setup(a_rate_that_ten_pairs_do_not_carry_is_left_out, fresh),
        cmocka_unit_test(an_age_belongs_to_one_band_and_a_child_to_none),
        cmocka_unit_test_setup(no_band_passes_the_rate_that_its_pairs_carry, fresh),
        cmocka_unit_test_setup(thresholds_rise_and_acceptance_falls, fresh),
        cmocka_unit_test_setup(one_person_enrolled_as_several_ends_the_table, fresh),
        cmocka_unit_test_setup(nothing_counted_is_no_table, fresh),
    };

    return cmocka_run_group_tests_name("scores", tests, NULL, NULL);
}
