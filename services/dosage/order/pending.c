/* Not built yet: each goes from here as it is. */
#include "services/dosage/api.h"
#include "services/dosage/order/order.h"

#define PENDING(name)                                                                          \
    enum ward_code name##_rpc(struct ward_call *c, const ProtobufCMessage *q,                  \
                              ProtobufCMessage *r)                                             \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");                              \
    }

PENDING(get_order)
PENDING(list_orders)
PENDING(order_history)
PENDING(get_decision)
PENDING(list_decisions)
PENDING(replay_decision)
