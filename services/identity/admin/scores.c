#include "services/identity/admin/scores.h"

#include <math.h>

/* A score that is below a threshold only by rounding counts as equal to it: the stricter
 * choice. */
#define HAIR 1e-7

void scores_add(struct scores *s, double score)
{
    double k = floor((score + 1) * (SCORE_BINS / 2.0) + HAIR);

    s->bin[(int)fmin(SCORE_BINS, fmax(0, k))]++;
    s->n++;
}

double scores_edge(int bin)
{
    const int zero = SCORE_BINS / 2;

    return (double)(bin - zero) / (double)zero;
}

int64_t scores_from(const struct scores *s, int bin)
{
    int64_t n = 0;

    for (int k = SCORE_BINS; k >= bin && k >= 0; k--)
        n += s->bin[k];
    return n;
}

double scores_dot(const float *a, const float *b, int dim)
{
    float sum[8] = {0};
    double all = 0;
    int i = 0;

    for (; i + 8 <= dim; i += 8)
        for (int k = 0; k < 8; k++)
            sum[k] += a[i + k] * b[i + k];
    for (; i < dim; i++)
        all += (double)a[i] * (double)b[i];
    for (int k = 0; k < 8; k++)
        all += (double)sum[k];
    return all;
}

/* ---- pairs ---- */

void pairing_make(struct pairing *p, int n, int64_t most)
{
    int64_t steps = most / n + (most % n != 0);

    *p = (struct pairing){.n = n, .steps = steps < n / 2 ? (int)steps : n / 2, .most = most};
}

int pairing_step(const struct pairing *p, int k, int *pairs)
{
    int step = 1 + (int)((int64_t)k * (p->n / 2) / p->steps);
    int64_t left = p->most - (int64_t)k * p->n;
    int whole =
        2 * step == p->n ? step : p->n; /* with a step of n / 2, each pair would occur twice */

    *pairs = left < whole ? (int)left : whole;
    return step;
}

/* ---- the table ---- */

/* Returns the lowest bin, at least `from`, with at most `allowed` scores in it and all higher
 * bins. */
static int lowest(const struct scores *s, int64_t allowed, int from, int64_t *n)
{
    int k = SCORE_BINS + 1;

    *n = 0;
    while (k > from && *n + s->bin[k - 1] <= allowed)
        *n += s->bin[--k];
    return k;
}

/* Raises bin k until no age band exceeds the rate 1 / one_in. `band` NULL: no bands. */
static int strictest(const struct scores *band, int64_t one_in, int from, int k)
{
    for (int b = 0; band != NULL && b < SCORES_BANDS; b++) {
        int64_t n;
        int own;

        if (band[b].n / one_in < SCORES_CARRY)
            continue;
        own = lowest(&band[b], band[b].n / one_in, from, &n);
        k = own > k ? own : k;
    }
    return k;
}

int scores_table_banded(const struct scores *genuine, const struct scores *impostor,
                        const struct scores band[SCORES_BANDS],
                        struct score_point out[CALIBRATION_POINTS_MAX])
{
    int n = 0, from = 0;
    double fmr = 1e-2;

    for (int64_t one_in = 100;
         n < CALIBRATION_POINTS_MAX && genuine->n > 0 && impostor->n / one_in >= SCORES_CARRY;
         one_in *= 10, fmr = 1 / (double)one_in) {
        struct score_point *p = &out[n];
        int k = lowest(impostor, impostor->n / one_in, from, &p->impostors);

        k = strictest(band, one_in, from, k);
        if (k > SCORE_BINS)
            break; /* too many impostor pairs score 1: somebody is enrolled several times */
        p->impostors = scores_from(impostor, k);
        p->at = (struct operating_point){
            fmr, scores_edge(k), (double)scores_from(genuine, k) / (double)genuine->n, 0};
        from = k + 1;
        n++;
    }
    return n;
}

int scores_table(const struct scores *genuine, const struct scores *impostor,
                 struct score_point out[CALIBRATION_POINTS_MAX])
{
    return scores_table_banded(genuine, impostor, NULL, out);
}

static const struct {
    int from;
    const char *name;
} BANDS[SCORES_BANDS] = {{18, "18-39"}, {40, "40-59"}, {60, "60-74"}, {75, "75-"}};

const char *scores_band_name(int band)
{
    return BANDS[band].name;
}

int scores_band(int age)
{
    int b = SCORES_BANDS - 1;

    while (b >= 0 && age < BANDS[b].from)
        b--;
    return b;
}
