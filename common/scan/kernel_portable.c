#include "common/scan/kernel.h"

static void dots(const struct scan_query *q, const int8_t *rows, size_t n, int32_t *out)
{
    for (size_t i = 0; i < n; i++) {
        const int8_t *row = rows + i * (size_t)q->dim;
        int32_t sum = 0;

        for (int d = 0; d < q->dim; d += 64) {
            for (int j = d; j < d + 64; j++) /* a constant count, which compilers vectorize */
                sum += q->code[j] * row[j];
        }
        out[i] = sum;
    }
}

scan_dots_fn *ward_scan_portable(void)
{
    return dots;
}
