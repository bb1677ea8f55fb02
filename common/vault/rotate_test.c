#include "common/vault/rotate.h"

#include "common/base/text.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const int dims[] = {64, 128, 512, 1024};

static void key_of(int i, uint8_t key[WARD_KEY_SIZE])
{
    char text[32];

    snprintf(text, sizeof(text), "key %d", i);
    ward_sha256(text, strlen(text), key);
}

/* Creates a vector of length 1 whose direction depends only on `name` and `i`. */
static void vector(const char *name, int i, int dim, float *v)
{
    uint8_t h[WARD_SHA256_SIZE];
    char text[64];
    double sum = 0;

    for (int k = 0; k < dim; k++) {
        double x = 0;

        snprintf(text, sizeof(text), "%s %d %d", name, i, k);
        ward_sha256(text, strlen(text), h);
        /* The sum of twelve uniform numbers is approximately normal. */
        for (int b = 0; b < 12; b++)
            x += (double)h[b] / 255.0 - 0.5;
        v[k] = (float)x;
        sum += x * x;
    }
    for (int k = 0; k < dim; k++)
        v[k] = (float)(v[k] / sqrt(sum));
}

static double dot(const float *a, const float *b, int dim)
{
    double sum = 0;

    for (int k = 0; k < dim; k++)
        sum += (double)a[k] * b[k];
    return sum;
}

static void lengths_and_cosines_are_kept(void **state)
{
    static float a[WARD_ROTATE_MAX], b[WARD_ROTATE_MAX];
    struct ward_rotation r;
    uint8_t key[WARD_KEY_SIZE];

    (void)state;
    for (size_t d = 0; d < WARD_COUNT(dims); d++)
        for (int i = 0; i < 20; i++) {
            double cosine;

            key_of(i, key);
            assert_true(ward_rotation_make(key, "ward-1/verify", dims[d], &r));
            vector("a", i, dims[d], a);
            vector("b", i, dims[d], b);
            for (int k = 0; k < dims[d]; k++) /* vectors of similar faces too */
                b[k] += (float)(i % 4) * a[k];
            cosine = dot(a, b, dims[d]) / sqrt(dot(b, b, dims[d]));
            ward_rotate(&r, a);
            ward_rotate(&r, b);
            assert_true(fabs(dot(a, a, dims[d]) - 1) < 1e-5);
            assert_true(fabs(dot(a, b, dims[d]) / sqrt(dot(b, b, dims[d])) - cosine) < 1e-5);
        }
}

static void back_undoes_it(void **state)
{
    static float was[WARD_ROTATE_MAX], v[WARD_ROTATE_MAX];
    struct ward_rotation r;
    uint8_t key[WARD_KEY_SIZE];

    (void)state;
    for (size_t d = 0; d < WARD_COUNT(dims); d++)
        for (int i = 0; i < 20; i++) {
            double worst = 0;

            key_of(i, key);
            assert_true(ward_rotation_make(key, "", dims[d], &r));
            vector("v", i, dims[d], was);
            memcpy(v, was, sizeof(v));
            ward_rotate(&r, v);
            assert_true(fabs(dot(v, was, dims[d])) < 0.75); /* the vector was changed */
            ward_rotate_back(&r, v);
            for (int k = 0; k < dims[d]; k++)
                worst = fmax(worst, fabs((double)v[k] - was[k]));
            assert_true(worst < 1e-5);
        }
}

/* The cosine of two independent directions in d dimensions has mean 0 and deviation 1/sqrt(d):
 * 0.0442 for 512. 0.25 is 5.6 deviations: with 200 keys, chance exceeds this limit 3 times in a
 * million. The keys are fixed, so the result is always the same. */
static void one_face_under_two_keys_looks_like_two_strangers(void **state)
{
    static float face[512], first[512], v[512];
    struct ward_rotation r;
    uint8_t key[WARD_KEY_SIZE];
    double sum = 0, squares = 0;

    (void)state;
    vector("face", 0, 512, face);
    key_of(1000, key);
    assert_true(ward_rotation_make(key, "ward-1/verify", 512, &r));
    memcpy(first, face, sizeof(first));
    ward_rotate(&r, first);
    for (int i = 0; i < 200; i++) {
        double cosine;

        key_of(i, key);
        assert_true(ward_rotation_make(key, "ward-1/verify", 512, &r));
        memcpy(v, face, sizeof(v));
        ward_rotate(&r, v);
        cosine = dot(v, first, 512);
        assert_true(fabs(cosine) < 0.25);
        assert_true(fabs(dot(v, face, 512)) < 0.25);
        sum += cosine;
        squares += cosine * cosine;
    }
    /* The mean is within 4 of its deviations, and the spread within a third of its expected
     * value. */
    assert_true(fabs(sum / 200) < 4 * 0.0442 / sqrt(200));
    assert_true(sqrt(squares / 200) > 0.0295 && sqrt(squares / 200) < 0.0589);
}

static void another_context_is_another_turning(void **state)
{
    static float face[512], first[512], v[512];
    struct ward_rotation r;
    uint8_t key[WARD_KEY_SIZE];
    char context[32];

    (void)state;
    key_of(7, key);
    vector("face", 1, 512, face);
    assert_true(ward_rotation_make(key, "ward-1/verify", 512, &r));
    memcpy(first, face, sizeof(first));
    ward_rotate(&r, first);
    for (int i = 0; i < 200; i++) {
        snprintf(context, sizeof(context), "ward-1/gallery-%d", i);
        assert_true(ward_rotation_make(key, context, 512, &r));
        memcpy(v, face, sizeof(v));
        ward_rotate(&r, v);
        assert_true(fabs(dot(v, first, 512)) < 0.25);
    }
}

/* Vectors that a single round would not hide: a single non-zero component, or equal
 * components. */
static void what_is_sparse_or_flat_is_spread_too(void **state)
{
    static float v[512];
    struct ward_rotation r;
    uint8_t key[WARD_KEY_SIZE];

    (void)state;
    for (int i = 0; i < 50; i++) {
        key_of(i, key);
        assert_true(ward_rotation_make(key, "c", 512, &r));
        for (int flat = 0; flat < 2; flat++) {
            double most = 0;

            for (int k = 0; k < 512; k++)
                v[k] = flat ? 0.0441941738F : k == i ? 1.0F : 0.0F;
            ward_rotate(&r, v);
            assert_true(fabs(dot(v, v, 512) - 1) < 1e-5);
            for (int k = 0; k < 512; k++)
                most = fmax(most, fabs((double)v[k]));
            assert_true(most < 0.3);
        }
    }
}

static void every_number_has_one_place(void **state)
{
    struct ward_rotation r;
    uint8_t key[WARD_KEY_SIZE];

    (void)state;
    key_of(3, key);
    for (size_t d = 0; d < WARD_COUNT(dims); d++) {
        assert_true(ward_rotation_make(key, "c", dims[d], &r));
        for (int k = 0; k < WARD_ROTATE_ROUNDS; k++) {
            bool seen[WARD_ROTATE_MAX] = {false};
            int minus = 0;

            for (int i = 0; i < dims[d]; i++) {
                assert_true(r.place[k][i] < dims[d] && !seen[r.place[k][i]]);
                seen[r.place[k][i]] = true;
                assert_true(r.sign[k][i] == 1.0F || r.sign[k][i] == -1.0F);
                minus += r.sign[k][i] < 0;
            }
            /* Half of the signs are negative, within 5 deviations of sqrt(dim)/2. */
            assert_true(fabs(minus - dims[d] / 2.0) < 2.5 * sqrt(dims[d]));
        }
    }
}

/* Stored templates use this derivation, and a change would make all of them unusable. The
 * expected hashes and numbers were computed with this code, not with another implementation. */
static void the_derivation_is_pinned(void **state)
{
    static const char *const hashes[] = {
        "f93bdea72684dd6307308aa6de469679a78f8e59530769a30216f6fb2df26c66",
        "3251488bb4361843f03b69c0e5e758595b12c7d2be4e401524183137156a535f",
        "3af806c2c2f51867ca9d96ba26d54e1cfba1a3d9874392ce957d0e97915b2c54",
        "4bfb144abc1a5e6b9daf34e9e7b7221b42375b46229da52db10222b48dd858f0",
    };
    static const float want[] = {
        0.44287109F,   -0.12182617F, -0.40576172F, 0.11303711F,
        0.0017089844F, 0.43798828F,  -0.1887207F,  0.46777344F,
    };
    static const uint8_t key[WARD_KEY_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8};
    struct ward_rotation r;
    uint8_t bytes[WARD_ROTATE_ROUNDS * WARD_ROTATE_MAX * 3], h[WARD_SHA256_SIZE];
    char hex[2 * WARD_SHA256_SIZE + 1];
    float v[64];

    (void)state;
    for (size_t d = 0; d < WARD_COUNT(dims); d++) {
        size_t n = 0;

        assert_true(ward_rotation_make(key, "tenant/purpose", dims[d], &r));
        for (int k = 0; k < WARD_ROTATE_ROUNDS; k++)
            for (int i = 0; i < dims[d]; i++) {
                bytes[n++] = (uint8_t)(r.place[k][i] >> 8);
                bytes[n++] = (uint8_t)r.place[k][i];
                bytes[n++] = r.sign[k][i] < 0;
            }
        ward_sha256(bytes, n, h);
        ward_hex(h, sizeof(h), hex);
        assert_string_equal(hex, hashes[d]);
    }
    assert_true(ward_rotation_make(key, "tenant/purpose", 64, &r));
    for (int k = 0; k < 64; k++)
        v[k] = (float)(k - 32) / 64.0F;
    ward_rotate(&r, v);
    for (size_t k = 0; k < WARD_COUNT(want); k++)
        assert_true(fabs((double)v[k] - want[k]) < 1e-6);
}

static void other_dimensions_are_refused(void **state)
{
    static const int bad[] = {-512, 0, 1, 2, 32, 63, 65, 100, 511, 513, 768, 1023, 2048};
    uint8_t key[WARD_KEY_SIZE] = {0};
    struct ward_rotation r = {.dim = 7};

    (void)state;
    for (size_t i = 0; i < WARD_COUNT(bad); i++)
        assert_false(ward_rotation_make(key, "c", bad[i], &r));
    assert_false(ward_rotation_make(key, NULL, 512, &r));
    assert_int_equal(r.dim, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_and_cosines_are_kept),
        cmocka_unit_test(back_undoes_it),
        cmocka_unit_test(one_face_under_two_keys_looks_like_two_strangers),
        cmocka_unit_test(another_context_is_another_turning),
        cmocka_unit_test(what_is_sparse_or_flat_is_spread_too),
        cmocka_unit_test(every_number_has_one_place),
        cmocka_unit_test(the_derivation_is_pinned),
        cmocka_unit_test(other_dimensions_are_refused),
    };

    return cmocka_run_group_tests_name("rotate", tests, NULL, NULL);
}
