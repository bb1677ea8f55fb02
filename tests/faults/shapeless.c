/* shapeless - no fault, but a plugin of version 1.1. */
#define FAULTY_SHAPELESS
#include "tests/faults/faulty.h"

static const char *const faulty_name = "shapeless";
static const uint32_t faulty_kind = WARD_CPU;

static void faulty_act(float *bias)
{
    (void)bias;
}
