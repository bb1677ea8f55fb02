/* Tests that the scores for callers do not reveal the template. Each attack runs on vectors
 * like those of a model: with exact scores, where it must succeed, and with the scores for
 * callers, where it must fail. */
#include "services/identity/rules.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define DIM   160 /* about 150 of the 512 values of an embedding are independent */
#define CALLS 198
/* number of misses that one person may make in a week, at the default limit */
#define WEEK (10 * 24 * 7)

static const struct calibration table = {
    .n = 4,
    .at = {{1e-3, 0.43, 0.9661, 6.3e-3},
           {1e-4, 0.57, 0.8716, 5.7e-4},
           {1e-5, 0.63, 0.7483, 0},
           {1e-6, 0.69, 0.5505, 0}},
};
/* The laxest threshold of Verify, and therefore of a search: the table for mixed people begins
 * lower, but a search never uses a threshold below that of Verify. */
#define LAXEST    0.43
#define THRESHOLD 0.57

static uint64_t seed;

static double uniform(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(seed >> 11) / 9007199254740992.0;
}

static double normal(void)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += uniform();
    return sum - 6;
}

static double dot(const double *a, const double *b)
{
    double sum = 0;

    for (int i = 0; i < DIM; i++)
        sum += a[i] * b[i];
    return sum;
}

static double cosine(const double *a, const double *b)
{
    double n = sqrt(dot(a, a) * dot(b, b));

    return n > 0 ? dot(a, b) / n : 0;
}

static void unit(double *v)
{
    double n = sqrt(dot(v, v));

    for (int i = 0; i < DIM; i++)
        v[i] /= n;
}

static void somebody(double *v)
{
    for (int i = 0; i < DIM; i++)
        v[i] = normal();
    unit(v);
}

static double exact(double score)
{
    return score;
}

static double told(double score)
{
    return rule_score_told(&table, THRESHOLD, score);
}

static double face[DIM], probe[CALLS][DIM], a[DIM][DIM + 1], x[DIM];

/* Solves the normal equations of "probe i has score i" by elimination, with slight damping. */
static void solve(const double score[CALLS])
{
    for (int i = 0; i < DIM; i++) {
        for (int j = 0; j < DIM; j++) {
            a[i][j] = i == j ? 1e-6 : 0;
            for (int k = 0; k < CALLS; k++)
                a[i][j] += probe[k][i] * probe[k][j];
        }
        a[i][DIM] = 0;
        for (int k = 0; k < CALLS; k++)
            a[i][DIM] += probe[k][i] * score[k];
    }
    for (int i = 0; i < DIM; i++)
        for (int r = i + 1; r < DIM; r++) {
            double f = a[r][i] / a[i][i];

            for (int j = i; j <= DIM; j++)
                a[r][j] -= f * a[i][j];
        }
    for (int i = DIM - 1; i >= 0; i--) {
        x[i] = a[i][DIM];
        for (int j = i + 1; j < DIM; j++)
            x[i] -= a[i][j] * x[j];
        x[i] /= a[i][i];
    }
}

/* An attack: computes the vector from the scores of strangers' photographs. */
static double by_least_squares(double (*answer)(double))
{
    double score[CALLS];

    for (int k = 0; k < CALLS; k++)
        score[k] = answer(cosine(face, probe[k]));
    solve(score);
    return cosine(face, x);
}

/* An attack: hill climbing from the best stranger. A changed vector replaces the best vector if
 * it is not worse. */
static double by_climbing(double (*answer)(double))
{
    double best = -2, at = 0, try[DIM];

    for (int k = 0; k < CALLS; k++)
        if (answer(cosine(face, probe[k])) > best) {
            best = answer(cosine(face, probe[k]));
            memcpy(x, probe[k], sizeof(x));
        }
    for (int i = 0; i < WEEK; i++) {
        for (int j = 0; j < DIM; j++)
            try[j] = x[j] + 0.04 * normal();
        unit(try);
        at = answer(cosine(face, try));
        if (at >= best) {
            best = at;
            memcpy(x, try, sizeof(x));
        }
    }
    return cosine(face, x);
}

static int people(void **state)
{
    (void)state;
    seed = 20261123;
    somebody(face);
    for (int k = 0; k < CALLS; k++)
        somebody(probe[k]);
    return 0;
}

static void equations_of_strangers_scores_do_not_give_the_face(void **state)
{
    (void)state;
    assert_true(by_least_squares(exact) > 0.99);
    assert_true(by_least_squares(told) < LAXEST);
}

static void climbing_for_a_week_does_not_reach_the_threshold(void **state)
{
    (void)state;
    assert_true(by_climbing(exact) > THRESHOLD);
    assert_true(by_climbing(told) < LAXEST);
}

static void what_is_told_is_a_threshold_that_was_reached(void **state)
{
    (void)state;
    assert_true(told(-0.3) == 0 && told(0) == 0 && told(0.4299) == 0);
    assert_true(told(0.43) == 0.43 && told(0.5699) == 0.43);
    assert_true(told(0.57) == 0.57 && told(0.689) == 0.63 && told(1) == 0.69);
    /* The threshold in use may be between thresholds of the table, or above all of them. A
     * match always gets at least the threshold in use. */
    assert_true(rule_score_told(&table, 0.65, 0.66) == 0.65);
    assert_true(rule_score_told(&table, 0.65, 0.64) == 0.63);
    assert_true(rule_score_told(&table, 0.75, 0.8) == 0.75);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(equations_of_strangers_scores_do_not_give_the_face, people),
        cmocka_unit_test_setup(climbing_for_a_week_does_not_reach_the_threshold, people),
        cmocka_unit_test(what_is_told_is_a_threshold_that_was_reached),
    };

    return cmocka_run_group_tests_name("score told", tests, NULL, NULL);
}
