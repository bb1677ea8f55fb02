/* scan_testing.h - random vectors for the tests of scan. Threads: a generator belongs to one
 * thread. Memory: the caller's. Errors: none. */
#ifndef WARD_SCAN_TESTING_H
#define WARD_SCAN_TESTING_H

#include <math.h>
#include <stdint.h>

/* splitmix64, so that every run uses the same vectors. */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Approximately normal: the sum of four numbers in -1..1. */
static inline float test_normal(uint64_t *state)
{
    uint64_t r = test_random(state);
    float sum = 0;

    for (int i = 0; i < 4; i++)
        sum += (float)((r >> 16 * i) & 0xffff) / 32767.5f - 1;
    return sum;
}

static inline void test_unit(float *x, int dim)
{
    double sum = 0;

    for (int i = 0; i < dim; i++)
        sum += (double)x[i] * (double)x[i];
    for (int i = 0; i < dim; i++)
        x[i] = (float)((double)x[i] / sqrt(sum));
}

/* A vector of length 1 at a distance of `off` times a random vector from `near` (NULL:
 * anywhere). */
static inline void test_vector(uint64_t *state, const float *near, float off, float *x, int dim)
{
    for (int i = 0; i < dim; i++)
        x[i] = test_normal(state) * (near == NULL ? 1 : off / sqrtf((float)dim)) +
               (near == NULL ? 0 : near[i]);
    test_unit(x, dim);
}

static inline double test_dot(const float *x, const float *y, int dim)
{
    double sum = 0;

    for (int i = 0; i < dim; i++)
        sum += (double)x[i] * (double)y[i];
    return sum;
}

#endif
