/* A calibration file: any bytes give a table that never has a laxer threshold for a stricter
 * rate, or a refusal.
 * links: identity
 * max_len: 17000 */
#include "services/identity/calibration.h"

#include <stdint.h>
#include <stdlib.h>

static void check(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const double rates[] = {0.5, 1e-2, 1e-3, 3e-4, 1e-4, 1e-6, 1e-9, 1e-300};
    struct calibration c;
    double before = -2;

    if (calibration_parse((const char *)data, size, NULL, &c, NULL) != WARD_OK)
        return 0;
    check(c.n >= 2 && c.n <= CALIBRATION_POINTS_MAX && size <= CALIBRATION_FILE_MAX);
    check(c.n_mixed >= 2 && c.n_mixed <= CALIBRATION_POINTS_MAX);
    for (int i = 0; i < c.n; i++)
        check(c.at[i].worst >= 0 && c.at[i].worst <= 1 &&
              (i == 0 || c.at[i].worst <= c.at[i - 1].worst));
    check(calibration_warning(&c) != NULL);
    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++) {
        double threshold = 0;
        bool beyond = false;

        check(calibration_threshold(&c, rates[i], &threshold, &beyond, NULL) == WARD_OK);
        check(threshold >= before && threshold >= c.mixed[0].threshold && threshold <= 1);
        check(beyond == (rates[i] < c.mixed[c.n_mixed - 1].fmr));
        before = threshold;
    }
    return 0;
}
