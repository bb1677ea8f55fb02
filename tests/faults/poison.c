/* poison - an input that makes a library notice its own corruption and abort. */
#include "tests/faults/faulty.h"

static const char *const faulty_name = "poison";
static const uint32_t faulty_kind = WARD_CPU;

static void faulty_act(float *bias)
{
    (void)bias;
    abort();
}
