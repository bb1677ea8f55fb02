/* Not built yet: each goes from here as it is. */
#include "services/dosage/api.h"
#include "services/dosage/give/give.h"

#define PENDING(name)                                                                          \
    enum ward_code name##_rpc(struct ward_call *c, const ProtobufCMessage *q,                  \
                              ProtobufCMessage *r)                                             \
    {                                                                                          \
        (void)q, (void)r;                                                                      \
        return WARD_FAIL(c->err, UNIMPLEMENTED, "not built yet");                              \
    }

PENDING(administer)
PENDING(give_in_emergency)
PENDING(acknowledge)
PENDING(list_unacknowledged)
PENDING(correct)
PENDING(get_administration)

enum ward_code scan_parse(const char *text, struct ward_arena *mem,
                          Ward__Dosage__V1__Scanned **out, struct ward_err *err)
{
    (void)text, (void)mem, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code dose_find(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                         bool lock, Ward__Dosage__V1__Administration **out,
                         struct ward_err *err)
{
    (void)w, (void)mem, (void)id, (void)lock, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code doses_of(struct worker *w, struct ward_arena *mem,
                        const uint8_t patient[DOSAGE_ID], int64_t from_us, int64_t to_us,
                        size_t most, Ward__Dosage__V1__Administration ***out, size_t *n,
                        struct ward_err *err)
{
    (void)w, (void)mem, (void)patient, (void)from_us, (void)to_us, (void)most, (void)out,
        (void)n;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code dose_write(struct worker *w, struct ward_arena *mem,
                          const struct dose_write *what, struct ward_err *err)
{
    (void)w, (void)mem, (void)what;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

bool dose_counts(const Ward__Dosage__V1__Administration *a)
{
    (void)a;
    return false;
}
