/* scores.h - the arithmetic of a calibration: selection of pairs, counts of scores, and
 * thresholds that the counts support.
 *
 * Threads: pure. Memory: the caller's. Errors: none.
 */
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
void scores_add(struct scores *s, double score);      /* values beyond either end by rounding
                                                       * count at that end */
double scores_edge(int bin);                          /* its lowest score, a threshold */
int64_t scores_from(const struct scores *s, int bin); /* number of scores at or above it */

/* Cosine of two vectors of length 1. It uses eight sums, so that processors can vectorize it;
 * the rounding error is far smaller than a bin. */
double scores_dot(const float *a, const float *b, int dim);

/* Impostor pairs among n: always (i, i + step) modulo n, for steps spread evenly over all
 * possible ones. Each of the n is therefore in equally many pairs, no pair repeats, and the
 * same n give the same pairs. */
struct pairing {
    int n;        /* at least 2 */
    int steps;    /* used ones, of n / 2 */
    int64_t most; /* pairs at most */
};
void pairing_make(struct pairing *p, int n, int64_t most);
/* The k-th step, k < p->steps, and its number of pairs: i = 0..pairs - 1. */
int pairing_step(const struct pairing *p, int k, int *pairs);

/* A rate is listed only with this many impostor pairs at or above its threshold. */
#define SCORES_CARRY 10

struct score_point {
    struct operating_point at;
    int64_t impostors; /* at or above the threshold: at most what the rate permits */
};
/* 1e-2, 1e-3 and so on, down to the smallest rate that SCORES_CARRY pairs support; thresholds
 * rise. Returns their number. */
int scores_table(const struct scores *genuine, const struct scores *impostor,
                 struct score_point out[CALIBRATION_POINTS_MAX]);

/* People of one age are harder to distinguish: pairs of two adults of one band are also counted
 * separately. */
#define SCORES_BANDS 4
const char *scores_band_name(int band); /* "18-39" */
int scores_band(int age);               /* 0..SCORES_BANDS - 1; -1 below 18 */
/* The same table, with thresholds at which no band exceeds the rate either, for bands with
 * enough pairs. */
int scores_table_banded(const struct scores *genuine, const struct scores *impostor,
                        const struct scores band[SCORES_BANDS],
                        struct score_point out[CALIBRATION_POINTS_MAX]);

#endif
