#include "services/identity/live/live.h"

#include <math.h>

double occlusion_of(const struct face *f, const uint8_t *chip)
{
    (void)f;
    (void)chip;
    return 0;
}
