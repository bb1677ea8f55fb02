/* Methods that are not here yet. */
#include "services/records/api.h"

enum ward_code find_duplicates_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}

enum ward_code mark_different_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}
