/* Messages encrypted under their patients' keys. The encryption is bound to the patient, the
 * type, the row's id and unencrypted columns of the row. A message that is moved to another
 * row, or whose columns were changed, cannot be decrypted. */
#include "services/dosage/store/owner.h"

#include "common/rpc/wire.h"

#include <string.h>

static struct ward_sealed_as as(const struct owner *o, const char *what,
                                const uint8_t id[DOSAGE_ID], const char *row)
{
    const struct ward_bytes parts[] = {{id, DOSAGE_ID}, {row, strlen(row)}};
    struct ward_sealed_as out = {.service = DOSAGE_NAME, .what = what};
    uint8_t hash[WARD_SHA256_SIZE];

    ward_sha256_parts(parts, WARD_COUNT(parts), hash);
    memcpy(out.owner, o->id, sizeof(out.owner));
    memcpy(out.id, hash, sizeof(out.id));
    return out;
}

enum ward_code owner_seal(const struct owner *o, struct ward_arena *mem, const char *what,
                          const uint8_t id[DOSAGE_ID], const char *row,
                          const ProtobufCMessage *msg, struct ward_val *out,
                          struct ward_err *err)
{
    const struct ward_sealed_as to = as(o, what, id, row);
    size_t n = protobuf_c_message_get_packed_size(msg);
    uint8_t *plain = ward_alloc(mem, n), *sealed = ward_alloc(mem, n + WARD_SEAL_EXTRA);
    enum ward_code code;

    if (plain == NULL || sealed == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to seal a row");
    protobuf_c_message_pack(msg, plain);
    code = ward_seal_for(o->key, &to, plain, n, sealed, err);
    ward_wipe(plain, n);
    *out = ward_blob(sealed, n + WARD_SEAL_EXTRA);
    return code;
}

enum ward_code owner_unseal(const struct owner *o, struct ward_arena *mem, const char *what,
                            const uint8_t id[DOSAGE_ID], const char *row,
                            struct ward_val sealed, const ProtobufCMessageDescriptor *type,
                            ProtobufCMessage **out, struct ward_err *err)
{
    const struct ward_sealed_as from = as(o, what, id, row);
    enum ward_code code;
    uint8_t *plain;
    size_t n;

    if (sealed.p == NULL || sealed.n < WARD_SEAL_EXTRA)
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a row was changed outside the service");
    n = sealed.n - WARD_SEAL_EXTRA;
    plain = ward_alloc(mem, n);
    if (plain == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to open a row");
    code = ward_open_for(o->key, &from, sealed.p, sealed.n, plain, err);
    if (code == WARD_DATA_LOSS)
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "a row cannot be decrypted with its patient's key");
    WARD_TRY(code);
    code = ward_wire_decode(type, plain, n, mem, out, err);
    ward_wipe(plain, n);
    if (code == WARD_INVALID_ARGUMENT)
        return WARD_FAIL_REASON(err, DATA_LOSS, "DOSE_UNREADABLE",
                                "the columns of a row do not match its content");
    return code;
}
