/* kernel.h - multiplies the integers of a query and of a row. This part of scan has one
 * implementation for each kind of processor. A row is int8, a query has 14 bits and a sign, and
 * a sum fits 32 bits for every permitted dimension, so all kernels return identical integers.
 *
 * Threads: everything here is read-only once created. Memory: the caller's. Errors: none.
 * Depends only on the C library, so that it can be built and tested for a foreign processor.
 */
#ifndef WARD_SCAN_KERNEL_H
#define WARD_SCAN_KERNEL_H

#include "common/scan/scan.h"

/* 127 * 8191 * 1024 < 2^31: no sum overflows. With fourteen bits, the query's rounding is 1/64
 * of an int8 row's, so in practice the row alone determines the error bound. */
#define SCAN_QUERY_MAX 8191
#define SCAN_CODE_MAX  127

/* A query in the form that kernels need: q ~ scale * code, code = 128 * hi + lo. */
struct scan_query {
    int dim;
    float scale;
    double length;   /* |q|, rounded up */
    double residual; /* |q - scale * code|, rounded up */
    int32_t bias;    /* 128 * the sum of the codes, for kernels that need unsigned rows */
    int16_t code[SCAN_DIM_MAX];
    int8_t hi[SCAN_DIM_MAX], lo[SCAN_DIM_MAX];
};
/* INVALID_ARGUMENT unless the length is 1. */
WARD_MUST enum ward_code ward_scan_query_make(const float *q, int dim, struct scan_query *out,
                                              struct ward_err *err);

/* out[i] = the sum over d of code[d] * rows[i * dim + d], for n rows. dim is a multiple of 64;
 * no alignment is needed. No row contains -128. */
typedef void scan_dots_fn(const struct scan_query *q, const int8_t *rows, size_t n,
                          int32_t *out);

struct scan_kernel {
    const char *name;
    scan_dots_fn *dots;
};

/* NULL: this processor cannot run it. */
scan_dots_fn *ward_scan_avx512vnni(void);
scan_dots_fn *ward_scan_avx512bw(void);
scan_dots_fn *ward_scan_avx2(void);
scan_dots_fn *ward_scan_neondot(void);
scan_dots_fn *ward_scan_neon(void);
scan_dots_fn *ward_scan_portable(void);

/* Returns the kernel for new sets. */
struct scan_kernel ward_scan_kernel_now(void);

#endif
