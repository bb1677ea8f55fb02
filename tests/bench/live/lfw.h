/* lfw.h - LFW's images and pairs for evaluations of capture quality and liveness.
 *
 * Threads: none. Memory: malloc, never freed: programs that run to their end. Errors: a line on
 * standard error and exit 2. */
#ifndef WARD_BENCH_LFW_H
#define WARD_BENCH_LFW_H

#include "services/identity/live/live.h"

#define LFW_IMAGES 16384

struct lfw_pair {
    int fold, same, a, b;
};
struct lfw {
    char dir[3000];
    char *name[LFW_IMAGES];
    int n;
    struct lfw_pair pair[8192];
    int n_pairs;
};
void lfw_open(const char *dir, struct lfw *out);
/* The decoded picture, in the arena. */
struct pixels lfw_read(const struct lfw *l, int i, struct ward_arena *mem);
/* The large, central face of several: LFW's subject. */
int lfw_subject(const struct face_box *b, int n, const struct pixels *im);

_Noreturn void eval_die(const char *what, const struct ward_err *err);
/* Wilson's 95 % interval of k of n, percent. */
void wilson(int k, int n, double *lo, double *hi);
int by_value(const void *a, const void *b); /* doubles, ascending */
/* Area under the curve: how often a value of `hi` is above one of `lo`. Sorts both. */
double auc_of(double *lo, int n_lo, double *hi, int n_hi);
/* The value below which share q lies; sorts. */
double quantile(double *v, int n, double q);

#endif
