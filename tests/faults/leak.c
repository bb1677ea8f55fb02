/* leak - keeps 16 MiB of each run. */
#include "tests/faults/faulty.h"

static char *volatile kept;

static const char *const faulty_name = "leak";
static const uint32_t faulty_kind = WARD_CPU;

static void faulty_act(float *bias)
{
    const size_t n = (size_t)16 << 20;
    char *lost = malloc(n);

    (void)bias;
    if (lost != NULL)
        memset(lost, 1, n);
    kept = lost; /* and the one before is lost */
}
