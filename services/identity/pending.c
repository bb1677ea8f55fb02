/* Methods on their way. */
#include "services/identity/api.h"

enum ward_code calibrate_rpc(struct ward_call *c, const ProtobufCMessage *q,
                             ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}
