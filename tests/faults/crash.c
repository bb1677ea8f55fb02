/* crash - writes through a null pointer. */
#include "tests/faults/faulty.h"

static const char *const faulty_name = "crash";
static const uint32_t faulty_kind = WARD_CPU;

static void faulty_act(float *bias)
{
    volatile int *nowhere = NULL;

    (void)bias;
    *nowhere = 1;
}
