/* hang - never answers, and does not stop when told to. */
#include "tests/faults/faulty.h"

#include <unistd.h>

static const char *const faulty_name = "hang";
static const uint32_t faulty_kind = WARD_CPU;

static void faulty_act(float *bias)
{
    (void)bias;
    for (;;)
        pause();
}
