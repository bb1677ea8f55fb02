/* Not built yet: each goes from here as it is. */
#include "services/dosage/api.h"

#define PENDING(name)                                                                          \
    enum ward_code name##_rpc(struct ward_call *c, const ProtobufCMessage *q,                  \
                              ProtobufCMessage *r)                                             \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");                              \
    }

PENDING(draft_rule_set)
PENDING(get_rule_set)
PENDING(list_rule_sets)
PENDING(replay)
PENDING(approve_rule_set)
PENDING(activate_rule_set)
PENDING(find_drugs)
