#include "common/scan/kernel.h"

#include <math.h>

/* Tolerance of the length 1: the error of careless float32 arithmetic. */
#define LENGTH_OFF 1e-3

static double square(double v)
{
    return v * v;
}

static double up(double v)
{
    return v * (1 + 1e-9); /* far above the rounding error of a sum of 1024 doubles */
}

/* Computes the largest component and |x|. INVALID_ARGUMENT unless |x| is 1. */
static enum ward_code measure(const float *x, int dim, double *most, double *length,
                              struct ward_err *err)
{
    double sum = 0;

    if (dim <= 0 || dim > SCAN_DIM_MAX || dim % 64 != 0)
        return WARD_FAIL(err, INVALID_ARGUMENT, "%d is not a valid dimension of a scan", dim);
    *most = 0;
    for (int i = 0; i < dim; i++) {
        double v = fabs((double)x[i]);

        *most = v > *most ? v : *most;
        sum += v * v;
    }
    *length = sqrt(sum);
    if (!(fabs(*length - 1) <= LENGTH_OFF)) /* NaN fails this too */
        return WARD_FAIL(err, INVALID_ARGUMENT, "the vector is not of length 1");
    return WARD_OK;
}

/* Returns the integer nearest to v / scale, within -most..most. */
static long nearest(double v, double scale, long most)
{
    long n = lrint(v / scale);

    return n > most ? most : n < -most ? -most : n;
}

enum ward_code ward_scan_quantise(const float *x, int dim, int8_t *out, struct scan_code *code,
                                  struct ward_err *err)
{
    double length, most, lost = 0;
    float scale;

    WARD_TRY(measure(x, dim, &most, &length, err));
    scale = (float)(most / SCAN_CODE_MAX);
    for (int i = 0; i < dim; i++) {
        out[i] = (int8_t)nearest((double)x[i], (double)scale, SCAN_CODE_MAX);
        lost += square((double)x[i] - (double)scale * out[i]);
    }
    code->scale = scale;
    code->residual = nextafterf((float)up(sqrt(lost)), INFINITY);
    return WARD_OK;
}

enum ward_code ward_scan_query_make(const float *q, int dim, struct scan_query *out,
                                    struct ward_err *err)
{
    double length, most, lost = 0;
    int32_t sum = 0;

    WARD_TRY(measure(q, dim, &most, &length, err));
    *out = (struct scan_query){
        .dim = dim, .scale = (float)(most / SCAN_QUERY_MAX), .length = up(length)};
    for (int i = 0; i < dim; i++) {
        int n = (int)nearest((double)q[i], (double)out->scale, SCAN_QUERY_MAX);
        int hi = (n + 64) >> 7;

        out->code[i] = (int16_t)n;
        out->hi[i] = (int8_t)hi;
        out->lo[i] = (int8_t)(n - hi * 128);
        lost += square((double)q[i] - (double)out->scale * n);
        sum += n;
    }
    out->residual = up(sqrt(lost));
    out->bias = sum * 128;
    return WARD_OK;
}
