/* Views that are not here yet. */
#include "services/records/access/scope.h"

enum ward_code view_of(struct ward_call *c, enum use use, struct view *out,
                       struct ward_err *err)
{
    (void)c, (void)use, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not yet");
}

enum ward_code view_allows(const struct view *v, struct ward_call *c, enum use use,
                           enum kind kind, struct ward_err *err)
{
    (void)v, (void)c, (void)use, (void)kind;
    return WARD_FAIL(err, UNIMPLEMENTED, "not yet");
}
