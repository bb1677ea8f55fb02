/* figures.h - verification's figures from scored pairs, and how sure they are.
 * Threads: one. Memory: the caller's. Errors: the program ends.
 */
#ifndef WARD_TESTS_BENCH_FACES_FIGURES_H
#define WARD_TESTS_BENCH_FACES_FIGURES_H

#include "tests/bench/faces/lfw.h"

/* A share of n, and Wilson's 95 % interval of it; percent. */
struct share {
    int k, n;
    double value, low, high;
};
struct share share(int k, int n);

struct figures {
    struct share
        accuracy; /* LFW's protocol: each fold's threshold is the best of the others' */
    double threshold_mean;         /* of the folds */
    double auc, auc_low, auc_high; /* bootstrap over pairs */
    struct share tar;              /* at the lowest threshold that 1 impostor in 1000 reaches */
    double threshold_tar;
    int impostors;
};
/* Sorts the pairs by score. */
struct figures figures_of(struct pair *pairs, int n, int n_folds);

/* What the service would answer at one of its own operating points. */
struct at_point {
    struct share tar, fmr;
};
struct at_point figures_at(const struct pair *pairs, int n, double threshold);

int ascending(const void *a, const void *b); /* of doubles */

#endif
