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

enum ward_code order_find(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                          bool lock, Ward__Dosage__V1__Order **out, struct ward_err *err)
{
    (void)w, (void)mem, (void)id, (void)lock, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code orders_of(struct worker *w, struct ward_arena *mem,
                         const uint8_t patient[DOSAGE_ID], uint32_t states, int64_t from_us,
                         int64_t to_us, Ward__Dosage__V1__Order ***out, size_t *n,
                         struct ward_err *err)
{
    (void)w, (void)mem, (void)patient, (void)states, (void)from_us, (void)to_us, (void)out,
        (void)n;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code orders_of_ward(struct worker *w, struct ward_arena *mem, const char *ward,
                              uint32_t states, int64_t from_us, int64_t to_us,
                              const uint8_t *after, size_t most, Ward__Dosage__V1__Order ***out,
                              size_t *n, struct ward_err *err)
{
    (void)w, (void)mem, (void)ward, (void)states, (void)from_us, (void)to_us, (void)after,
        (void)most, (void)out, (void)n;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code order_write(struct worker *w, struct ward_arena *mem,
                           const Ward__Dosage__V1__Order *order, struct ward_err *err)
{
    (void)w, (void)mem, (void)order;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

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
