/* scan.h - the nearest of many unit vectors, exactly, at int8 speed.
 *
 * A set holds rows: each is a vector of length 1, kept as int8 with its scale and the exact
 * length of what quantising took away (so |<q,x> - approximate score| <= a bound known per row
 * and query). A search scans int8 for approximate scores, keeps each row whose upper bound
 * reaches the k-th best lower bound, and asks `exact` for the full-precision vectors of those
 * alone; the answer is that of a scan in full precision, provably (search.c says why). The
 * kernel (AVX-512 with or without VNNI, AVX2, NEON with or without dot products, portable) is
 * chosen at run time by what the processor says.
 *
 * Rows never move and their numbers are never reused while they are live; a removed row is
 * wiped at once. Memory is taken in blocks of SCAN_BLOCK rows.
 *
 * Threads: any number may search, add and remove at once. Searches take no lock and wait for
 * nobody; an add waits for other adds; a removal, which is done when the row is wiped, waits
 * for the searches that are in the same SCAN_BLOCK / 4 rows. A search sees every row that was
 * there when it began and still is when it ends, and may use several threads of a pool. Memory:
 * the set's own; what a search needs comes from the caller's arena: 16 KiB for each of the
 * pool's threads, and a bit for each row with `only`. Errors: RESOURCE_EXHAUSTED no memory;
 * INVALID_ARGUMENT no vector of length 1; CANCELLED.
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

/* One row as it is kept: what a snapshot stores and brings back without quantising again. */
struct scan_code {
    float scale;    /* x ~ scale * code */
    float residual; /* |x - scale * code|, rounded up */
};
/* int8 codes of x (length 1, to 1e-3) into out[dim]. INVALID_ARGUMENT for what has another
 * length or none, NaN and infinities among it. */
WARD_MUST enum ward_code ward_scan_quantise(const float *x, int dim, int8_t *out,
                                            struct scan_code *code, struct ward_err *err);

/* The kernels there are, for tests and benches: "avx512vnni", "avx512bw", "avx2", "neondot",
 * "neon", "portable". */
int ward_scan_kernels(const char **names,
                      int cap); /* those this processor can run, best first */
/* Makes later sets use this one; false: unknown or not here. NULL: the best again. */
bool ward_scan_use_kernel(const char *name);

/* Threads that help searches; several sets may share one. */
struct scan_pool;
WARD_MUST enum ward_code ward_scan_pool_open(int threads, struct scan_pool **out,
                                             struct ward_err *err); /* 1: the caller's alone */
void ward_scan_pool_close(struct scan_pool *p);                     /* NULL is fine */

struct scan_set;
/* pool may be NULL. */
WARD_MUST enum ward_code ward_scan_set_open(int dim, struct scan_pool *pool,
                                            struct scan_set **out, struct ward_err *err);
void ward_scan_set_close(struct scan_set *s); /* wipes; NULL is fine */

/* Adds a row; *row is its number. INVALID_ARGUMENT for what ward_scan_quantise never makes. */
WARD_MUST enum ward_code ward_scan_add(struct scan_set *s, const int8_t *codes,
                                       const struct scan_code *code, uint32_t *row,
                                       struct ward_err *err);
void ward_scan_remove(struct scan_set *s, uint32_t row); /* wiped; a row not there is fine */
/* A copy of a live row. False: no such row. */
bool ward_scan_get(struct scan_set *s, uint32_t row, int8_t *codes, struct scan_code *code);
size_t ward_scan_live(const struct scan_set *s);
size_t ward_scan_bytes(const struct scan_set *s); /* memory held */

struct scan_hit {
    uint32_t row;
    double score; /* <q, x> in double from full-precision values */
};

/* The full-precision vector of a row into out[dim]. Called for candidates only, from the
 * searching thread. NOT_FOUND: the row has just gone; it is left out. */
typedef enum ward_code scan_exact_fn(void *arg, uint32_t row, float *out, struct ward_err *err);

struct ward_scan_search {
    const float *query;   /* dim values, length 1 */
    const uint32_t *only; /* these rows alone (any order; dead ones are skipped); NULL: all */
    size_t n_only;
    int k;      /* how many best, 1..64 */
    double min; /* none below this score; -1 for all */
    scan_exact_fn *exact;
    void *arg;
    bool (*gone)(const void *arg); /* asked between blocks; may be NULL */
    const void *gone_arg;
};
/* hits[0..*n), best first; equal scores by row. *looked, unless NULL: candidates ranked again.
 *   INVALID_ARGUMENT  the query is not of length 1, k is not 1..64, min is NaN
 *   CANCELLED         gone said so
 *   what exact returned, but for NOT_FOUND */
WARD_MUST enum ward_code ward_scan_search(struct scan_set *s,
                                          const struct ward_scan_search *what,
                                          struct ward_arena *mem, struct scan_hit *hits, int *n,
                                          size_t *looked, struct ward_err *err);

#endif
