/* kernel.h - how a query's and a row's integers are multiplied: the part of scan that is
 * written once for each kind of processor. A row is int8, a query 14 bits and a sign, a
 * product's sum fits 32 bits for every dimension allowed, so all kernels give the same
 * integers, bit for bit.
 *
 * Threads: everything here is read-only once made. Memory: the caller's. Errors: none.
 * Depends on the C library alone, so that it can be built and tested for a foreign processor.
 */
#ifndef WARD_SCAN_KERNEL_H
#define WARD_SCAN_KERNEL_H

#include "common/scan/scan.h"

/* 127 * 8191 * 1024 < 2^31: no sum overflows. Fourteen bits make the query's own rounding
 * 1/64 of an int8 row's, so the error bound is in practice the row's alone. */
#define SCAN_QUERY_MAX 8191
#define SCAN_CODE_MAX  127

/* A query as kernels want it: q ~ scale * code, code = 128 * hi + lo. */
struct scan_query {
    int dim;
    float scale;
    double length;   /* |q|, rounded up */
    double residual; /* |q - scale * code|, rounded up */
    int32_t bias;    /* 128 * the codes' sum: for kernels whose rows must be unsigned */
    int16_t code[SCAN_DIM_MAX];
    int8_t hi[SCAN_DIM_MAX], lo[SCAN_DIM_MAX];
};
/* INVALID_ARGUMENT for what is not of length 1. */
WARD_MUST enum ward_code ward_scan_query_make(const float *q, int dim, struct scan_query *out,
                                              struct ward_err *err);

/* out[i] = the sum over d of code[d] * rows[i * dim + d], for n rows. dim is a multiple of 64;
 * nothing has to be aligned. No row holds -128. */
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

/* The one that later sets use. */
struct scan_kernel ward_scan_kernel_now(void);

#endif
