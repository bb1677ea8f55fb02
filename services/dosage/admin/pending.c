/* Not built yet: each goes from here as it is. */
#include "services/dosage/api.h"

#define PENDING(name)                                                                          \
    enum ward_code name##_rpc(struct ward_call *c, const ProtobufCMessage *q,                  \
                              ProtobufCMessage *r)                                             \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");                              \
    }

PENDING(set_ward)
PENDING(list_wards)
PENDING(get_burden)
PENDING(get_status)
PENDING(rotate_keys)
PENDING(erase_patient)
