/* Methods that are not here yet. */
#include "services/records/api.h"

enum ward_code import_csv_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}
