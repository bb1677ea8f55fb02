#include "services/dosage/downtime/pack.h"

#include "common/base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define NAME 96

/* Converts a field's name: "made_at_us" becomes "madeAtUs". */
static void put_key(struct ward_json_out *w, const char *name)
{
    char out[NAME];
    size_t n = 0;
    bool up = false;

    for (const char *c = name; *c != '\0' && n + 1 < sizeof(out); c++) {
        if (*c == '_') {
            up = true;
            continue;
        }
        out[n++] = (char)(up && *c >= 'a' && *c <= 'z' ? *c - 'a' + 'A' : *c);
        up = false;
    }
    out[n] = '\0';
    ward_json_key(w, out);
}

static void put_64(struct ward_json_out *w, int64_t v, bool is_signed)
{
    char text[24];

    if (is_signed)
        snprintf(text, sizeof(text), "%" PRId64, v);
    else
        snprintf(text, sizeof(text), "%" PRIu64, (uint64_t)v);
    ward_json_text(w, text);
}

static void put_enum(struct ward_json_out *w, const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(type, value);

    if (v == NULL)
        ward_json_int(w, value);
    else
        ward_json_text(w, v->name);
}

static void put_bytes(struct ward_json_out *w, const ProtobufCBinaryData *b,
                      struct ward_arena *mem)
{
    char *text = ward_alloc(mem, WARD_BASE64_SIZE(b->len));

    if (text != NULL)
        ward_base64(b->data, b->len, text);
    ward_json_text(w, text);
}

static void put_value(struct ward_json_out *w, const ProtobufCFieldDescriptor *f,
                      const void *at, struct ward_arena *mem)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        ward_json_int(w, *(const int32_t *)at);
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        ward_json_int(w, *(const uint32_t *)at);
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        put_64(w, *(const int64_t *)at, true);
        return;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        put_64(w, *(const int64_t *)at, false);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        ward_json_bool(w, *(const protobuf_c_boolean *)at != 0);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        put_enum(w, f->descriptor, *(const int *)at);
        return;
    case PROTOBUF_C_TYPE_STRING:
        ward_json_text(w, *(char *const *)at);
        return;
    case PROTOBUF_C_TYPE_BYTES:
        put_bytes(w, at, mem);
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        pack_message(w, *(ProtobufCMessage *const *)at, mem);
        return;
    default: /* unused: no message of a pack has a double */
        ward_json_null(w);
    }
}

static size_t width(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return 8;
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    default:
        return 4;
    }
}

static bool is_default(const ProtobufCFieldDescriptor *f, const void *at)
{
    static const char zeros[sizeof(ProtobufCBinaryData)];

    if (f->type == PROTOBUF_C_TYPE_STRING)
        return *(char *const *)at == NULL || **(char *const *)at == '\0';
    if (f->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)at)->len == 0;
    return memcmp(at, zeros, width(f->type)) == 0;
}

static void put_list(struct ward_json_out *w, const ProtobufCFieldDescriptor *f,
                     const uint8_t *first, size_t n, struct ward_arena *mem)
{
    put_key(w, f->name);
    ward_json_array_begin(w);
    for (size_t i = 0; i < n; i++)
        put_value(w, f, first + i * width(f->type), mem);
    ward_json_array_end(w);
}

/* No message of a pack has a oneof or an optional field, so a default is omitted. */
void pack_message(struct ward_json_out *w, const ProtobufCMessage *msg, struct ward_arena *mem)
{
    ward_json_object_begin(w);
    for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
        const uint8_t *at = (const uint8_t *)msg + f->offset;
        size_t n;

        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&n, (const uint8_t *)msg + f->quantifier_offset, sizeof(n));
            if (n > 0)
                put_list(w, f, *(const uint8_t *const *)at, n, mem);
        } else if (!is_default(f, at)) {
            put_key(w, f->name);
            put_value(w, f, at, mem);
        }
    }
    ward_json_object_end(w);
}
