/* Methods that are not here yet. */
#include "services/records/api.h"

enum ward_code export_bundle_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}

enum ward_code import_csv_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}

enum ward_code replay_quarantined_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                      ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}
