/* Methods on their way. */
#include "services/identity/api.h"

enum ward_code set_identifiers_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code verify_wristband_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code get_status_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code reembed_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code calibrate_rpc(struct ward_call *c, const ProtobufCMessage *q,
                             ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code put_zone_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code put_door_rpc(struct ward_call *c, const ProtobufCMessage *q, ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code set_staff_roles_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                   ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code list_zones_rpc(struct ward_call *c, const ProtobufCMessage *q,
                              ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code request_entry_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                 ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code get_offline_pack_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                    ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code report_offline_events_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                         ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code record_attendance_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code correct_attendance_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                      ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}

enum ward_code export_attendance_rpc(struct ward_call *c, const ProtobufCMessage *q,
                                     ProtobufCMessage *r)
{
    (void)q, (void)r;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not there yet");
}
