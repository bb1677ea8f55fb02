#include "common/base/reason.h"

#include <string.h>

const struct ward_reason *ward_reason_of(const char *name)
{
    const struct ward_reason *r = ward_reasons;

    while (r->name != NULL && strcmp(r->name, name) != 0)
        r++;
    WARD_ASSERT(r->name != NULL);
    return r;
}
