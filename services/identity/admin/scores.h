/* scores.h - the arithmetic of a calibration: which pairs are compared, how their scores are
 * counted, and which thresholds the counts carry.
 *
 * Threads: pure. Memory: the caller's. Errors: none.
 */
#ifndef IDENTITY_SCORES_H
#define IDENTITY_SCORES_H

#include "services/identity/calibration.h"

#include <stdbool.h>

/* Cosines -1..1 counted in steps of 1e-4: bin k holds [k / 1e4 - 1, (k + 1) / 1e4 - 1). */
#define SCORE_BINS 20000
struct scores {
    int64_t n;
    int64_t bin[SCORE_BINS + 1];
};
void scores_add(struct scores *s, double score);      /* rounding past either end is that end */
double scores_edge(int bin);                          /* its lowest score, a threshold */
int64_t scores_from(const struct scores *s, int bin); /* how many lie at or above that */

/* Cosine of two vectors of length 1. Of eight sums, so that processors with vectors use them:
 * with what it is rounded to, much finer than a bin. */
double scores_dot(const float *a, const float *b, int dim);

/* Impostor pairs among n: always (i, i + step) with i + step taken round, for steps spread
 * evenly over all there are. Every one of the n is then in as many pairs as any other, no pair
 * comes twice, and the same n give the same pairs. */
struct pairing {
    int n;        /* at least 2 */
    int steps;    /* that are used, of n / 2 */
    int64_t most; /* pairs at most */
};
void pairing_make(struct pairing *p, int n, int64_t most);
/* The k-th step, k < p->steps, and the number of pairs it has: i = 0..pairs - 1. */
int pairing_step(const struct pairing *p, int k, int *pairs);

/* A rate needs this many impostor pairs at or above its threshold to be worth writing down. */
#define SCORES_CARRY 10

struct score_point {
    struct operating_point at;
    int64_t impostors; /* at or above the threshold: never more than the rate allows */
};
/* 1e-2, 1e-3 and so on, down to the smallest that SCORES_CARRY pairs carry; thresholds rise.
 * Returns how many. */
int scores_table(const struct scores *genuine, const struct scores *impostor,
                 struct score_point out[CALIBRATION_POINTS_MAX]);

/* People of one age are harder to tell apart: pairs of two adults of one band are counted by
 * themselves too. */
#define SCORES_BANDS 4
const char *scores_band_name(int band); /* "18-39" */
int scores_band(int age);               /* 0..SCORES_BANDS - 1; -1 below 18 */
/* The same table, with thresholds that no band passes the rate at either, of those whose own
 * pairs carry it. */
int scores_table_banded(const struct scores *genuine, const struct scores *impostor,
                        const struct scores band[SCORES_BANDS],
                        struct score_point out[CALIBRATION_POINTS_MAX]);

#endif
