/* face_scan_truth.h - the best score of each query, by a scan in double precision. Threads:
 * makes two of its own. Memory: the caller's. Errors: ends the program. */
#ifndef WARD_BENCH_FACE_SCAN_TRUTH_H
#define WARD_BENCH_FACE_SCAN_TRUTH_H

#include <stddef.h>

#define TRUTH_DIM_MAX 1024

/* dim is a multiple of 8. best[q] is the largest truth_score of query q and any row. */
void truth_best(const float *rows, size_t n_rows, const float *queries, size_t n_queries,
                int dim, double *best);
double truth_score(const float *row, const float *query, int dim);

/* The row of the largest inner product, in float32 and one thread, by vectors of 8 with rows
 * fetched ahead: bound by memory alone, it is what any index of float32 can reach at best.
 * dim is a multiple of 32. */
size_t float_best(const float *rows, size_t n_rows, const float *query, int dim);

#endif
