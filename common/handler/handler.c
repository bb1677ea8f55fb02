#include "common/handler/handler.h"

#include "common/base/crypto.h"
#include "common/base/text.h"
#include "common/rpc/wire.h"

#include <string.h>

enum ward_code ward_call_id(struct ward_call *c, const char *field, const char *given,
                            uint8_t id[16], char text[37])
{
    if (!ward_uuid_parse(given, id))
        return WARD_FAIL_FIELD(c->err, field, "is not a UUID");
    if (text != NULL)
        ward_uuid_text(id, text);
    return WARD_OK;
}

enum ward_code ward_call_uuid(struct ward_call *c, const uint8_t id[16], char **out)
{
    char text[37];

    ward_uuid_text(id, text);
    return ward_call_copy(c, text, out);
}

enum ward_code ward_call_copy(struct ward_call *c, const char *s, char **out)
{
    char *copy = ward_strdup(c->mem, s);

    if (copy == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the answer");
    *out = copy;
    return WARD_OK;
}

enum ward_code ward_call_page(struct ward_call *c, int32_t given, int usual, int most, int *out)
{
    if (given < 0 || given > most)
        return WARD_FAIL_FIELD(c->err, "page_size", "must be 0 to %d", most);
    *out = given == 0 ? usual : given;
    return WARD_OK;
}

enum ward_code ward_call_idem(struct ward_call *c, const char *key, const ProtobufCMessage *req,
                              struct ward_idem *out)
{
    size_t n = protobuf_c_message_get_packed_size(req);
    uint8_t *bytes = ward_alloc(c->mem, n + 1);
    const char *caller =
        ward_printf(c->mem, "%s %s", c->peer, c->who == NULL ? "" : c->who->subject);

    if (*key == '\0' || strlen(key) > 128)
        return WARD_FAIL_FIELD(c->err, "idempotency_key", "must be 1 to 128 bytes");
    if (bytes == NULL || caller == NULL)
        return WARD_FAIL(c->err, RESOURCE_EXHAUSTED, "no memory for the request");
    *out = (struct ward_idem){.caller = caller, .method = c->method->path, .key = key};
    protobuf_c_message_pack(req, bytes);
    ward_sha256(bytes, n, out->request_sha256);
    return WARD_OK;
}

enum ward_code ward_call_stored_answer(struct ward_call *c, struct ward_db *db,
                                       const struct ward_idem *i,
                                       const ProtobufCMessageDescriptor *type,
                                       ProtobufCMessage **answer, struct ward_err *err)
{
    struct ward_val kept;

    *answer = NULL;
    WARD_TRY(ward_idem_find(db, c->mem, i, &kept, err));
    if (kept.p == NULL)
        return WARD_OK;
    return ward_wire_unpack(type, (const uint8_t *)kept.p, kept.n, c->mem, answer, err);
}

enum ward_code ward_call_store_answer(struct ward_call *c, struct ward_db *db,
                                      const struct ward_idem *i, const ProtobufCMessage *resp,
                                      struct ward_err *err)
{
    size_t n = protobuf_c_message_get_packed_size(resp);
    uint8_t *bytes = ward_alloc(c->mem, n + 1);

    if (bytes == NULL)
        return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for the answer");
    protobuf_c_message_pack(resp, bytes);
    return ward_idem_keep(db, i, bytes, n, err);
}
