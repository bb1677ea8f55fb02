/* scores.h - the arithmetic of a calibration: selection of pairs, counts of scores, and
 * thresholds that the counts support.
 *
 * Threads: pure functions. Memory: the caller's. Errors: none. */
#ifndef IDENTITY_SCORES_H
#define IDENTITY_SCORES_H

#include "services/identity/calibration.h"

#include <stdbool.h>

/* Cosines -1..1 counted in steps of 1e-4: bin k contains [k / 1e4 - 1, (k + 1) / 1e4 - 1). */
#define SCORE_BINS 20000
struct scores {
    int64_t n;
    int64_t bin[SCORE_BINS + 1];
};
/* Counts a score. If rounding took the score out of -1..1, it counts in the first or last
 * bin. */
void scores_add(struct scores *s, double score);
/* the lowest score of a bin, which is used as a threshold */
double scores_edge(int bin);
/* number of scores in this bin and all higher bins */
int64_t scores_from(const struct scores *s, int bin);

/* Cosine of two vectors of length 1. Eight partial sums allow the compiler to vectorize the
 * loop. The rounding error is far smaller than a bin. */
double scores_dot(const float *a, const float *b, int dim);

/* Selects impostor pairs among n templates: (i, i + step) modulo n, for steps spread evenly
 * over all possible steps. Each template is in equally many pairs, and no pair repeats. Equal n
 * give equal pairs. */
struct pairing {
    int n;        /* templates, at least 2 */
    int steps;    /* number of steps used, of n / 2 possible ones */
    int64_t most; /* maximum number of pairs */
};
void pairing_make(struct pairing *p, int n, int64_t most);
/* Returns the k-th step, k < p->steps. *pairs is its number of pairs, with i = 0..*pairs -
 * 1. */
int pairing_step(const struct pairing *p, int k, int *pairs);

/* A rate is listed only with this many impostor pairs at or above its threshold. */
#define SCORES_CARRY 10

struct score_point {
    struct operating_point at;
    int64_t impostors; /* impostor scores at or above the threshold; at most the rate permits */
};
/* Computes thresholds for the rates 1e-2, 1e-3 and so on, down to the smallest rate that
 * SCORES_CARRY pairs support. Thresholds rise. Returns their number. */
int scores_table(const struct scores *genuine, const struct scores *impostor,
                 struct score_point out[CALIBRATION_POINTS_MAX]);

/* People of similar age are harder to distinguish. Pairs of two adults of one age band are
 * therefore also counted separately. */
#define SCORES_BANDS 4
const char *scores_band_name(int band); /* such as "18-39" */
int scores_band(int age);               /* 0..SCORES_BANDS - 1; -1 for ages below 18 */
/* Like scores_table, with thresholds at which no age band exceeds the rate either. Bands with
 * too few pairs are ignored. */
int scores_table_banded(const struct scores *genuine, const struct scores *impostor,
                        const struct scores band[SCORES_BANDS],
                        struct score_point out[CALIBRATION_POINTS_MAX]);

#endif
