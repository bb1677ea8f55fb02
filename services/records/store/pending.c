/* Methods that are not here yet. */
#include "services/records/api.h"

enum ward_code history_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}

enum ward_code read_version_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}

enum ward_code batch_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}

enum ward_code put_attachment_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}

enum ward_code get_attachment_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                  ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not yet");
}
