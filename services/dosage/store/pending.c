/* Not built yet: each goes from here as it is. */
#include "services/dosage/store/owner.h"

void owner_wipe(struct owner *o)
{
    (void)o;
}

enum ward_code owner_find(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                          struct owner *out, struct ward_err *err)
{
    (void)w, (void)mem, (void)id, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code owner_ensure(struct worker *w, struct ward_arena *mem,
                            const uint8_t id[DOSAGE_ID], struct owner *out,
                            struct ward_err *err)
{
    (void)w, (void)mem, (void)id, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code owners_of(struct worker *w, struct ward_arena *mem, const uint8_t id[DOSAGE_ID],
                         uint8_t (**out)[DOSAGE_ID], size_t *n, struct ward_err *err)
{
    (void)w, (void)mem, (void)id, (void)out, (void)n;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code owner_seal(const struct owner *o, struct ward_arena *mem, const char *what,
                          const uint8_t id[DOSAGE_ID], const char *row,
                          const ProtobufCMessage *msg, struct ward_val *out,
                          struct ward_err *err)
{
    (void)o, (void)mem, (void)what, (void)id, (void)row, (void)msg, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code owner_open(struct worker *w, struct ward_arena *mem,
                          const uint8_t patient[DOSAGE_ID], struct ward_val kek,
                          struct ward_val wrapped, struct owner *out, struct ward_err *err)
{
    (void)w, (void)mem, (void)patient, (void)kek, (void)wrapped, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}

enum ward_code owner_unseal(const struct owner *o, struct ward_arena *mem, const char *what,
                            const uint8_t id[DOSAGE_ID], const char *row,
                            struct ward_val sealed, const ProtobufCMessageDescriptor *type,
                            ProtobufCMessage **out, struct ward_err *err)
{
    (void)o, (void)mem, (void)what, (void)id, (void)row, (void)sealed, (void)type, (void)out;
    return WARD_FAIL(err, UNIMPLEMENTED, "not built yet");
}
