/* Not built yet: each goes from here as it is. */
#include "services/dosage/api.h"
#include "services/dosage/schedule/due.h"
#include "services/dosage/schedule/slots.h"
#include "services/dosage/schedule/timing.h"

#define PENDING(name)                                                                          \
    enum ward_code name##_rpc(struct ward_call *c, const ProtobufCMessage *q,                  \
                              ProtobufCMessage *r)                                             \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");                              \
    }

PENDING(list_slots)
PENDING(list_due)
PENDING(follow_due)
PENDING(preview_timing)

enum ward_code due_open(struct dosage *dos, struct due_watch **out, struct ward_err *err)
{
    (void)dos, (void)out, (void)err;
    return WARD_OK;
}

void due_close(struct due_watch *d)
{
    (void)d;
}

enum ward_code ward_clock(struct worker *w, struct ward_arena *mem, const char *ward, bool must,
                          struct clock *out, struct ward_err *err)
{
    (void)w, (void)mem, (void)ward, (void)must, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code order_timing(struct worker *w, struct ward_arena *mem,
                            const Ward__Dosage__V1__Order *order, struct timing *out,
                            struct ward_err *err)
{
    (void)w, (void)mem, (void)order, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code slots_of(struct worker *w, struct ward_arena *mem,
                        Ward__Dosage__V1__Order *const *orders, size_t n, int64_t from_us,
                        int64_t to_us, int64_t now_us, Ward__Dosage__V1__Slot ***out,
                        size_t *n_out, struct ward_err *err)
{
    (void)w, (void)mem, (void)orders, (void)n, (void)from_us, (void)to_us, (void)now_us,
        (void)out, (void)n_out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code slot_id_parse(const char *text, uint8_t order[DOSAGE_ID], int64_t *due_us,
                             struct ward_err *err)
{
    (void)text, (void)order, (void)due_us;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

void slot_id_print(const char *order_id, int64_t due_us, char out[SLOT_ID_SIZE])
{
    (void)order_id, (void)due_us, (void)out;
}
