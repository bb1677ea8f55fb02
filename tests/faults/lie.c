/* lie - says that it is a GPU, and answers wrongly from some input on. */
#include "tests/faults/faulty.h"

static const char *const faulty_name = "lie";
static const uint32_t faulty_kind = WARD_GPU;

static void faulty_act(float *bias)
{
    *bias = 1;
}
