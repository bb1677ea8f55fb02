#include "tests/bench/face_scan_truth.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define PARTS 2

typedef double lanes __attribute__((vector_size(64)));

struct part {
    const float *rows;
    const lanes *queries;
    size_t n_rows, n_queries;
    int dim;
    double *best;
};

static double dot(const lanes *x, const lanes *y, int dim)
{
    lanes sum = {0};
    double all = 0;

    for (int i = 0; i < dim / 8; i++)
        sum += x[i] * y[i];
    for (int i = 0; i < 8; i++)
        all += sum[i];
    return all;
}

static void widen(const float *x, lanes *out, int dim)
{
    for (int i = 0; i < dim; i++)
        out[i / 8][i % 8] = (double)x[i];
}

static void *get(size_t nbytes)
{
    void *p = aligned_alloc(64, (nbytes + 63) / 64 * 64);

    if (p == NULL) {
        fprintf(stderr, "face_scan: no memory\n");
        exit(1);
    }
    return p;
}

static void *scan(void *arg)
{
    const struct part *t = arg;
    size_t step = (size_t)t->dim / 8;
    lanes row[TRUTH_DIM_MAX / 8];

    for (size_t q = 0; q < t->n_queries; q++)
        t->best[q] = -2;
    for (size_t i = 0; i < t->n_rows; i++) {
        widen(t->rows + i * (size_t)t->dim, row, t->dim);
        for (size_t q = 0; q < t->n_queries; q++) {
            double score = dot(row, t->queries + q * step, t->dim);

            t->best[q] = score > t->best[q] ? score : t->best[q];
        }
    }
    return NULL;
}

void truth_best(const float *rows, size_t n_rows, const float *queries, size_t n_queries,
                int dim, double *best)
{
    struct part part[PARTS];
    pthread_t thread[PARTS];
    size_t step = (size_t)dim / 8;
    lanes *wide = get(n_queries * step * sizeof(*wide));

    for (size_t q = 0; q < n_queries; q++)
        widen(queries + q * (size_t)dim, wide + q * step, dim);
    for (size_t i = 0; i < PARTS; i++) {
        size_t from = n_rows * i / PARTS, to = n_rows * (i + 1) / PARTS;

        part[i] = (struct part){rows + from * (size_t)dim, wide, to - from, n_queries, dim,
                                get(n_queries * 8)};
        if (pthread_create(&thread[i], NULL, scan, &part[i]) != 0)
            exit(1);
    }
    for (size_t i = 0; i < PARTS; i++) {
        pthread_join(thread[i], NULL);
        for (size_t q = 0; q < n_queries; q++)
            best[q] = i > 0 && best[q] > part[i].best[q] ? best[q] : part[i].best[q];
        free(part[i].best);
    }
    free(wide);
}

double truth_score(const float *row, const float *query, int dim)
{
    lanes x[TRUTH_DIM_MAX / 8], q[TRUTH_DIM_MAX / 8];

    widen(row, x, dim);
    widen(query, q, dim);
    return dot(x, q, dim);
}

typedef float eight __attribute__((vector_size(32), aligned(4)));

#define AHEAD 8192 /* bytes, as common/scan's kernels */
#if defined(__x86_64__)
#define WIDE __attribute__((target("avx2,fma")))
#else
#define WIDE
#endif

WIDE static float dot_float(const float *x, const float *y, int dim)
{
    eight sum[4] = {{0}};
    float all = 0;

    for (int i = 0; i < dim; i += 32) {
        const eight *a = (const eight *)(x + i), *b = (const eight *)(y + i);

        __builtin_prefetch((const char *)(x + i) + AHEAD);
        __builtin_prefetch((const char *)(x + i) + AHEAD + 64);
        for (int j = 0; j < 4; j++)
            sum[j] += a[j] * b[j];
    }
    sum[0] += sum[1] + sum[2] + sum[3];
    for (int i = 0; i < 8; i++)
        all += sum[0][i];
    return all;
}

size_t float_best(const float *rows, size_t n_rows, const float *query, int dim)
{
    size_t best = 0;
    float most = -2;

    for (size_t i = 0; i < n_rows; i++) {
        float score = dot_float(rows + i * (size_t)dim, query, dim);

        if (score > most) {
            most = score;
            best = i;
        }
    }
    return best;
}
