/* refuse - fails a run, and counts the failure. */
#define FAULTY_COUNTS
#include "tests/faults/faulty.h"

static const char *const faulty_name = "refuse";
static const uint32_t faulty_kind = WARD_CPU;

static void faulty_act(float *bias)
{
    *bias = 1; /* faulty.h then fails the run */
}
