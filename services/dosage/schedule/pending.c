/* Not built yet: each goes from here as it is. */
#include "services/dosage/api.h"

#define PENDING(name)                                                                          \
    enum ward_code name##_rpc(struct ward_call *c, const ProtobufCMessage *q,                  \
                              ProtobufCMessage *r)                                             \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");                              \
    }

PENDING(list_due)
PENDING(follow_due)
