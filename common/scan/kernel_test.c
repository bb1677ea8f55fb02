/* Tests the kernels' integers and the quantization error. Also built for aarch64 and run by
 * qemu-user, so this test depends only on the kernels, quantise.c and status.c. */
#include "common/scan/kernel.h"
#include "common/scan/scan_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NAMES 8
#define ROWS  11

static const int DIMS[] = {64, 128, 192, 512, 960, 1024};

static void check_dots(const struct scan_query *q, const int8_t *rows, int n)
{
    const char *names[NAMES];
    int n_names = ward_scan_kernels(names, NAMES);
    int32_t out[ROWS + 1];

    for (int k = 0; k < n_names; k++) {
        assert_true(ward_scan_use_kernel(names[k]));
        assert_string_equal(ward_scan_kernel_now().name, names[k]);
        out[n] = 0x5ca1ab1e; /* detects writes past the end */
        ward_scan_kernel_now().dots(q, rows, (size_t)n, out);
        assert_int_equal(out[n], 0x5ca1ab1e);
        for (int i = 0; i < n; i++) {
            int64_t sum = 0;

            for (int d = 0; d < q->dim; d++)
                sum += (int64_t)q->code[d] * rows[i * q->dim + d];
            assert_int_equal(out[i], sum);
        }
    }
    ward_scan_use_kernel(NULL);
}

static void make_query(const float *v, int dim, struct scan_query *q)
{
    assert_int_equal(ward_scan_query_make(v, dim, q, NULL), WARD_OK);
    for (int d = 0; d < dim; d++) {
        assert_int_equal(q->hi[d] * 128 + q->lo[d], q->code[d]);
        assert_true(abs(q->code[d]) <= SCAN_QUERY_MAX);
    }
}

static void every_kernel_multiplies_random_codes_alike(void **state)
{
    int8_t *rows = malloc(ROWS * SCAN_DIM_MAX + 1);
    float v[SCAN_DIM_MAX];
    struct scan_query q;
    uint64_t seed = 1;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(DIMS); i++) {
        test_vector(&seed, NULL, 0, v, DIMS[i]);
        make_query(v, DIMS[i], &q);
        for (int b = 0; b <= ROWS * DIMS[i]; b++)
            rows[b] = (int8_t)((int)(test_random(&seed) % 255) - 127);
        for (int n = 0; n <= ROWS; n++)
            check_dots(&q, rows + n % 2, n); /* not aligned */
    }
    free(rows);
}

/* All components of the query and of the rows have extreme values, with all signs. */
static void every_kernel_multiplies_extreme_codes_alike(void **state)
{
    static const int8_t VALUES[] = {127, -127, 0};
    int8_t *rows = malloc(3 * SCAN_DIM_MAX);
    float v[SCAN_DIM_MAX];
    struct scan_query q;

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(DIMS); i++) {
        for (int signs = 0; signs < 3; signs++) {
            int dim = DIMS[i];

            for (int d = 0; d < dim; d++)
                v[d] = (signs == 0 || (signs == 2 && d % 2 == 0) ? 1 : -1) / sqrtf((float)dim);
            make_query(v, dim, &q);
            assert_int_equal(abs(q.code[0]), SCAN_QUERY_MAX);
            for (int d = 0; d < 3 * dim; d++)
                rows[d] = VALUES[d / dim];
            check_dots(&q, rows, 3);
            for (int d = 0; d < 3 * dim; d++)
                rows[d] = v[d % dim] > 0 ? 127 : -127;
            check_dots(&q, rows, 3);
        }
    }
    free(rows);
}

static void there_is_always_a_kernel_and_only_known_ones_are_taken(void **state)
{
    const char *names[NAMES];
    int n = ward_scan_kernels(names, NAMES);

    (void)state;
    assert_true(n >= 1);
    assert_string_equal(names[n - 1], "portable");
    assert_int_equal(ward_scan_kernels(names, 1), 1);
    assert_false(ward_scan_use_kernel("mmx"));
    assert_string_equal(ward_scan_kernel_now().name, names[0]);
    assert_true(ward_scan_use_kernel("portable"));
    assert_string_equal(ward_scan_kernel_now().name, "portable");
    assert_true(ward_scan_use_kernel(NULL));
    assert_string_equal(ward_scan_kernel_now().name, names[0]);
#if defined(__aarch64__)
    assert_true(ward_scan_use_kernel("neon") && ward_scan_use_kernel(NULL));
#endif
}

static void what_has_no_length_of_1_is_refused(void **state)
{
    static const float BAD[] = {NAN, INFINITY, -INFINITY, 3e38f, 0.5f, 0};
    float v[64] = {0};
    int8_t codes[64];
    struct scan_code code = {7, 7};
    struct scan_query q;
    struct ward_err err = {0};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(BAD); i++) {
        v[63] = BAD[i];
        assert_int_equal(ward_scan_quantise(v, 64, codes, &code, &err), WARD_INVALID_ARGUMENT);
        assert_true(strlen(err.msg) > 0);
        assert_int_equal(ward_scan_query_make(v, 64, &q, NULL), WARD_INVALID_ARGUMENT);
        assert_true(code.scale == 7); /* unchanged */
    }
    v[63] = 1;
    assert_int_equal(ward_scan_quantise(v, 64, codes, &code, NULL), WARD_OK);
    v[0] = NAN; /* the length is NaN, but the largest component is a number */
    assert_int_equal(ward_scan_quantise(v, 64, codes, &code, NULL), WARD_INVALID_ARGUMENT);
    v[0] = 0;
    for (int dim = -64; dim <= 2048; dim += 32) {
        if (dim <= 0 || dim % 64 != 0 || dim > SCAN_DIM_MAX)
            assert_int_equal(ward_scan_quantise(v, dim, codes, &code, NULL),
                             WARD_INVALID_ARGUMENT);
    }
}

/* Creates a random vector. For kind > 0, one component is large, and the others are so small
 * that their codes lose most information. */
static void some_vector(uint64_t *seed, int kind, float *x, int dim)
{
    test_vector(seed, NULL, 0, x, dim);
    if (kind > 0)
        x[test_random(seed) % (uint64_t)dim] = kind % 2 == 0 ? 1 : -40;
    test_unit(x, dim);
}

static void what_quantising_takes_away_is_known_and_little(void **state)
{
    uint64_t seed = 3;
    float x[SCAN_DIM_MAX];
    int8_t codes[SCAN_DIM_MAX];
    struct scan_code code;

    (void)state;
    for (int i = 0; i < 300; i++) {
        int dim = DIMS[(size_t)i % WARD_COUNT(DIMS)], most = 0;
        double lost = 0;

        some_vector(&seed, i % 3, x, dim);
        assert_int_equal(ward_scan_quantise(x, dim, codes, &code, NULL), WARD_OK);
        for (int d = 0; d < dim; d++) {
            double off = (double)x[d] - (double)code.scale * codes[d];

            lost += off * off;
            most = abs(codes[d]) > most ? abs(codes[d]) : most;
        }
        assert_int_equal(most, 127);
        assert_true((double)code.residual >= sqrt(lost));
        assert_true((double)code.residual <= sqrt(lost) * 1.00001 + 1e-30);
        assert_true((double)code.residual <= 0.5001 * (double)code.scale * sqrt(dim));
    }
}

/* The inequality of the error bound that a search uses, without the allowance for float32. */
static void no_score_is_further_off_than_the_bound(void **state)
{
    uint64_t seed = 4;
    float x[SCAN_DIM_MAX], v[SCAN_DIM_MAX];
    int8_t codes[SCAN_DIM_MAX];
    struct scan_code code;
    struct scan_query q;
    int32_t dot;

    (void)state;
    for (int i = 0; i < 600; i++) {
        int dim = DIMS[(size_t)i % WARD_COUNT(DIMS)];
        double s, off;

        some_vector(&seed, i % 3, x, dim);
        if (i % 2 == 0)
            some_vector(&seed, i % 5, v, dim);
        else /* in the direction of the quantization error, where the bound is reached */
            test_vector(&seed, x, 0.01f, v, dim);
        assert_int_equal(ward_scan_quantise(x, dim, codes, &code, NULL), WARD_OK);
        make_query(v, dim, &q);
        assert_true(q.residual < 1.0 / 128);
        ward_scan_kernel_now().dots(&q, codes, 1, &dot);
        s = (double)code.scale * (double)q.scale * dot;
        off = fabs(test_dot(v, x, dim) - s);
        assert_true(off <= q.length * (double)code.residual + q.residual * 1.25 + 1e-12);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_multiplies_random_codes_alike),
        cmocka_unit_test(every_kernel_multiplies_extreme_codes_alike),
        cmocka_unit_test(there_is_always_a_kernel_and_only_known_ones_are_taken),
        cmocka_unit_test(what_has_no_length_of_1_is_refused),
        cmocka_unit_test(what_quantising_takes_away_is_known_and_little),
        cmocka_unit_test(no_score_is_further_off_than_the_bound),
    };

    return cmocka_run_group_tests_name("kernel", tests, NULL, NULL);
}
