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

PENDING(check)
PENDING(place)
PENDING(change)
PENDING(set_state)
PENDING(get_order)
PENDING(list_orders)
PENDING(order_history)
PENDING(get_decision)
PENDING(list_decisions)
PENDING(replay_decision)

enum ward_code snapshot_make(struct worker *w, struct ward_arena *mem,
                             const struct ruleset *rules, const struct asked *what,
                             Ward__Dosage__V1__Snapshot **out, struct ward_err *err)
{
    (void)w, (void)mem, (void)rules, (void)what, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code decide(struct worker *w, struct ward_arena *mem, const struct asked *what,
                      const struct ruleset **rules, Ward__Dosage__V1__Decision **out,
                      struct ward_err *err)
{
    (void)w, (void)mem, (void)what, (void)rules, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code decision_keep(struct worker *w, struct ward_arena *mem,
                             const Ward__Dosage__V1__Decision *d, size_t n_open,
                             struct ward_err *err)
{
    (void)w, (void)mem, (void)d, (void)n_open;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code decision_find(struct worker *w, struct ward_arena *mem,
                             const uint8_t id[DOSAGE_ID], Ward__Dosage__V1__Decision **out,
                             struct ward_err *err)
{
    (void)w, (void)mem, (void)id, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code second_person(struct ward_call *c, const char *token, const char *const *roles,
                             struct ward_principal *who)
{
    (void)c, (void)token, (void)roles, (void)who;
    return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");
}
