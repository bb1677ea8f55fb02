/* scan.h - finds the nearest of many unit vectors, exactly, at the speed of int8.
 *
 * A set contains rows. Each row is a vector of length 1, stored as int8 with its scale and the
 * exact norm of its quantization error, so |<q,x> - approximate score| <= a bound that is known
 * for each row and query. A search scans int8 for approximate scores. The search selects each
 * row whose upper bound reaches the k-th best lower bound, and requests the full-precision
 * vectors of only the selected rows from `exact`. The result provably equals that of a
 * full-precision scan (search.c has the proof). The kernel (AVX-512 with or without VNNI, AVX2,
 * NEON with or without dot products, portable) is chosen at run time for the processor.
 *
 * Rows never move, and a live row's number is never reused. A removed row is wiped at once.
 * Memory is allocated in blocks of SCAN_BLOCK rows.
 *
 * Threads: any number of threads may search, add and remove concurrently. Searches take no lock
 * and never wait. An add waits for other adds. A removal ends when the row is wiped, and waits
 * for searches in the same SCAN_BLOCK / 4 rows. A search sees every row that exists from its
 * beginning to its end, and may use several threads of a pool. Memory: the set's own; a search
 * uses the caller's arena: 16 KiB for each thread of the pool, and one bit for each row with
 * `only`. Errors: RESOURCE_EXHAUSTED no memory; INVALID_ARGUMENT a vector whose length is not
 * 1; CANCELLED.
 */
#ifndef WARD_SCAN_SCAN_H
#define WARD_SCAN_SCAN_H

#include "common/base/arena.h"
#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_BLOCK   4096
#define SCAN_DIM_MAX 1024 /* dimensions are a multiple of 64 */
#define SCAN_NO_ROW  UINT32_MAX

/* One stored row. A snapshot stores it and restores it without quantizing again. */
struct scan_code {
    float scale;    /* x ~ scale * code */
    float residual; /* |x - scale * code|, rounded up */
};
/* Writes int8 codes of x (length 1, to 1e-3) to out[dim]. INVALID_ARGUMENT for another length,
 * NaN or infinity. */
WARD_MUST enum ward_code ward_scan_quantise(const float *x, int dim, int8_t *out,
                                            struct scan_code *code, struct ward_err *err);

/* Names of the kernels, for tests and benchmarks: "avx512vnni", "avx512bw", "avx2", "neondot",
 * "neon", "portable". */
int ward_scan_kernels(const char **names,
                      int cap); /* kernels that this processor can run, best first */
/* Makes new sets use this kernel; false: unknown or unavailable. NULL: the best one again. */
bool ward_scan_use_kernel(const char *name);

/* Threads that help searches. Several sets may share a pool. */
struct scan_pool;
WARD_MUST enum ward_code
ward_scan_pool_open(int threads, struct scan_pool **out,
                    struct ward_err *err);      /* 1: only the caller's thread */
void ward_scan_pool_close(struct scan_pool *p); /* accepts NULL */

struct scan_set;
/* pool may be NULL. */
WARD_MUST enum ward_code ward_scan_set_open(int dim, struct scan_pool *pool,
                                            struct scan_set **out, struct ward_err *err);
void ward_scan_set_close(struct scan_set *s); /* wipes; accepts NULL */

/* Adds a row; *row is its number. INVALID_ARGUMENT for a row that ward_scan_quantise cannot
 * create. */
WARD_MUST enum ward_code ward_scan_add(struct scan_set *s, const int8_t *codes,
                                       const struct scan_code *code, uint32_t *row,
                                       struct ward_err *err);
void ward_scan_remove(struct scan_set *s,
                      uint32_t row); /* wipes the row; a missing row is permitted */
/* Copies a live row. Returns false if there is none. */
bool ward_scan_get(struct scan_set *s, uint32_t row, int8_t *codes, struct scan_code *code);
size_t ward_scan_live(const struct scan_set *s);
size_t ward_scan_bytes(const struct scan_set *s); /* memory of the set */

struct scan_hit {
    uint32_t row;
    double score; /* <q, x> in double precision from full-precision values */
};

/* Writes the full-precision vector of a row to out[dim]. Called only for candidates, on the
 * searching thread. NOT_FOUND: the row was just removed and is skipped. */
typedef enum ward_code scan_exact_fn(void *arg, uint32_t row, float *out, struct ward_err *err);

struct ward_scan_search {
    const float *query;   /* dim values, length 1 */
    const uint32_t *only; /* only these rows (any order; removed ones are skipped); NULL: all */
    size_t n_only;
    int k;      /* number of results, 1..64 */
    double min; /* no result below this score; -1 for all */
    scan_exact_fn *exact;
    void *arg;
    bool (*gone)(const void *arg); /* called between blocks; may be NULL */
    const void *gone_arg;
};
/* hits[0..*n), best first; equal scores by row. *looked, unless NULL: number of candidates
 * ranked again.
 *   INVALID_ARGUMENT  the query's length is not 1, k is not 1..64, min is NaN
 *   CANCELLED         gone returned true
 *   any code of exact, except NOT_FOUND */
WARD_MUST enum ward_code ward_scan_search(struct scan_set *s,
                                          const struct ward_scan_search *what,
                                          struct ward_arena *mem, struct scan_hit *hits, int *n,
                                          size_t *looked, struct ward_err *err);

#endif
