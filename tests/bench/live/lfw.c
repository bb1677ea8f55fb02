#include "tests/bench/live/lfw.h"
#include "common/image/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void eval_die(const char *what, const struct ward_err *err)
{
    fprintf(stderr, "eval: %s: %s (%s)\n", what, err == NULL ? "" : err->msg,
            err == NULL ? "" : err->detail);
    exit(2);
}

static int index_of(struct lfw *l, const char *name)
{
    for (int i = l->n - 1; i >= 0; i--)
        if (strcmp(l->name[i], name) == 0)
            return i;
    if (l->n == LFW_IMAGES)
        eval_die("too many images", NULL);
    l->name[l->n] = strdup(name);
    return l->n++;
}

void lfw_open(const char *dir, struct lfw *out)
{
    char path[4096], line[1024], a[400], b[400];
    struct lfw_pair p;
    FILE *f;

    snprintf(out->dir, sizeof(out->dir), "%s", dir);
    snprintf(path, sizeof(path), "%s/pairs.tsv", dir);
    f = fopen(path, "r");
    if (f == NULL)
        eval_die("no pairs.tsv", NULL);
    while (fgets(line, sizeof(line), f) != NULL) {
        if (sscanf(line, "%d %d %399s %399s", &p.fold, &p.same, a, b) != 4)
            continue; /* the heading */
        if (out->n_pairs == (int)WARD_COUNT(out->pair))
            eval_die("too many pairs", NULL);
        p.a = index_of(out, a);
        p.b = index_of(out, b);
        out->pair[out->n_pairs++] = p;
    }
    fclose(f);
}

struct pixels lfw_read(const struct lfw *l, int i, struct ward_arena *mem)
{
    static const struct ward_image_limits limits = {8 << 20, 16777216, 16384, 4194304, 0};
    static uint8_t bytes[8 << 20];
    struct ward_image im;
    struct ward_err err = {0};
    char path[4096];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "%s/images/%s", l->dir, l->name[i]);
    f = fopen(path, "rb");
    if (f == NULL)
        eval_die(path, NULL);
    n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    if (ward_image_decode(bytes, n, &limits, mem, &im, &err) != WARD_OK)
        eval_die(path, &err);
    return (struct pixels){im.width, im.height, im.rgb};
}

int lfw_subject(const struct face_box *b, int n, const struct pixels *im)
{
    double best = -1e300;
    int at = 0;

    for (int i = 0; i < n; i++) {
        double dx = (b[i].x1 + b[i].x2 - im->w) / 2, dy = (b[i].y1 + b[i].y2 - im->h) / 2;
        double rank = (b[i].x2 - b[i].x1) * (b[i].y2 - b[i].y1) - 2 * (dx * dx + dy * dy);

        if (rank > best)
            best = rank, at = i;
    }
    return at;
}

void wilson(int k, int n, double *lo, double *hi)
{
    const double z = 1.959964;
    double p, d, mid, half;

    if (n < 1) {
        *lo = 0, *hi = 100;
        return;
    }
    p = (double)k / n, d = 1 + z * z / n, mid = (p + z * z / (2.0 * n)) / d;
    half = z * sqrt(p * (1 - p) / n + z * z / (4.0 * n * n)) / d;
    *lo = 100 * fmax(0, mid - half);
    *hi = 100 * (mid + half);
}

int by_value(const void *a, const void *b)
{
    double d = *(const double *)a - *(const double *)b;

    return d > 0 ? 1 : d < 0 ? -1 : 0;
}

double auc_of(double *lo, int n_lo, double *hi, int n_hi)
{
    double sum = 0;
    int below = 0, upto = 0;

    qsort(lo, (size_t)n_lo, sizeof(*lo), by_value);
    qsort(hi, (size_t)n_hi, sizeof(*hi), by_value);
    for (int i = 0; i < n_hi; i++) {
        while (below < n_lo && lo[below] < hi[i])
            below++;
        for (upto = upto < below ? below : upto; upto < n_lo && lo[upto] <= hi[i]; upto++)
            ;
        sum += below + (upto - below) / 2.0;
    }
    return n_lo == 0 || n_hi == 0 ? 0 : sum / n_lo / n_hi;
}

double quantile(double *v, int n, double q)
{
    int at = (int)(q * (n - 1) + 0.5);

    qsort(v, (size_t)n, sizeof(*v), by_value);
    return n == 0 ? NAN : v[at];
}
