#include "tests/bench/faces/figures.h"

#include <math.h>
#include <stdlib.h>

#define REDRAWS 1000

int ascending(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;

    return d > 0 ? 1 : d < 0 ? -1 : 0;
}

static int by_score(const void *a, const void *b)
{
    return ascending(&((const struct pair *)a)->score, &((const struct pair *)b)->score);
}

struct share share(int k, int n)
{
    const double z = 1.959964;
    double p = (double)k / n, d = 1 + z * z / n, mid = (p + z * z / (2.0 * n)) / d;
    double half = z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * n)) / d;

    return (struct share){k, n, 100 * p, 100 * fmax(0, mid - half), 100 * fmin(1, mid + half)};
}

/* The threshold that is right most often on all pairs but those of one fold. */
static double best_threshold(const struct pair *sorted, int n, int without)
{
    int right = 0, best, at = -1;

    for (int i = 0; i < n; i++)
        right += sorted[i].fold != without && sorted[i].same;
    best = right; /* everything is a match */
    for (int i = 0; i < n; i++) {
        if (sorted[i].fold == without)
            continue;
        right += sorted[i].same ? -1 : 1;
        if (right > best)
            best = right, at = i;
    }
    if (at < 0)
        return -2;
    return at + 1 < n ? (sorted[at].score + sorted[at + 1].score) / 2 : sorted[at].score + 1;
}

/* `sorted` ascending by score. */
static double auc_of(const struct pair *sorted, int n, int genuine)
{
    double ranks = 0, impostors = n - genuine;

    for (int i = 0, j; i < n; i = j) {
        for (j = i; j < n && sorted[j].score <= sorted[i].score; j++)
            ;
        for (int k = i; k < j; k++) /* ties share their mean rank */
            ranks += sorted[k].same ? (i + 1 + j) / 2.0 : 0;
    }
    return (ranks - genuine * (genuine + 1.0) / 2) / (genuine * impostors);
}

/* 2.5 % and 97.5 % of REDRAWS areas. */
static void auc_interval(const struct pair *pairs, int n, double *low, double *high)
{
    static double areas[REDRAWS];
    struct pair *draw = calloc((size_t)n, sizeof(*draw));
    uint64_t x = 88172645463325252u;

    if (draw == NULL)
        die("no memory", NULL);
    for (int r = 0; r < REDRAWS; r++) {
        int genuine = 0;

        for (int i = 0; i < n; i++) {
            x ^= x << 13, x ^= x >> 7, x ^= x << 17;
            draw[i] = pairs[x % (uint64_t)n];
            genuine += draw[i].same;
        }
        qsort(draw, (size_t)n, sizeof(*draw), by_score);
        areas[r] = auc_of(draw, n, genuine);
    }
    qsort(areas, REDRAWS, sizeof(*areas), ascending);
    *low = areas[(int)(0.025 * REDRAWS)];
    *high = areas[(int)(0.975 * REDRAWS)];
    free(draw);
}

static struct share accuracy_of(const struct pair *sorted, int n, int n_folds,
                                double *threshold_mean)
{
    int right = 0;

    for (int fold = 0; fold < n_folds; fold++) {
        double threshold = best_threshold(sorted, n, fold);

        for (int i = 0; i < n; i++)
            right += sorted[i].fold == fold && (sorted[i].score > threshold) == sorted[i].same;
        *threshold_mean += threshold / n_folds;
    }
    return share(right, n);
}

struct figures figures_of(struct pair *pairs, int n, int n_folds)
{
    struct figures f = {.threshold_mean = 0};
    int genuine = 0, found = 0, above = 0;

    qsort(pairs, (size_t)n, sizeof(*pairs), by_score);
    for (int i = 0; i < n; i++)
        genuine += pairs[i].same;
    f.impostors = n - genuine;
    f.accuracy = accuracy_of(pairs, n, n_folds, &f.threshold_mean);
    f.auc = auc_of(pairs, n, genuine);
    auc_interval(pairs, n, &f.auc_low, &f.auc_high);
    for (int i = n - 1; i >= 0; i--) {
        above += !pairs[i].same;
        if (above > (int)(f.impostors * 1e-3)) {
            f.threshold_tar = pairs[i].score;
            break;
        }
        found += pairs[i].same;
    }
    f.tar = share(found, genuine);
    return f;
}

struct at_point figures_at(const struct pair *pairs, int n, double threshold)
{
    int genuine = 0, hits = 0, false_hits = 0;

    for (int i = 0; i < n; i++) {
        genuine += pairs[i].same;
        hits += pairs[i].same && pairs[i].score >= threshold;
        false_hits += !pairs[i].same && pairs[i].score >= threshold;
    }
    return (struct at_point){share(hits, genuine), share(false_hits, n - genuine)};
}
