#include "cli/message.h"

#include "common/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Enums that options take too: there and here in small letters. */
static bool is_small(const ProtobufCEnumDescriptor *type)
{
    static const char *const small[] = {"SubjectKind", "LivenessPolicy", "Direction",
                                        "DuplicateState", "RedactStyle"};

    for (size_t i = 0; i < WARD_COUNT(small); i++)
        if (strcmp(type->short_name, small[i]) == 0)
            return true;
    return false;
}

/* Where the value's own part begins: "OUTCOME_MATCH" of enum Outcome -> "MATCH". */
static const char *own_part(const ProtobufCEnumDescriptor *type, const char *name)
{
    const char *e = type->short_name, *n = name;

    for (; *e != '\0' && *n != '\0'; e++, n++) {
        if (*n == '_' && isupper((unsigned char)*e))
            n++;
        if (toupper((unsigned char)*e) != *n)
            return name;
    }
    return *e == '\0' && *n == '_' ? n + 1 : name;
}

const char *message_enum(const ProtobufCEnumDescriptor *type, int value)
{
    static char small[64];
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(type, value);
    const char *name = v == NULL ? "?" : own_part(type, v->name);
    size_t i;

    if (!is_small(type))
        return name;
    for (i = 0; name[i] != '\0' && i + 1 < sizeof(small); i++)
        small[i] = name[i] == '_' ? '-' : (char)tolower((unsigned char)name[i]);
    small[i] = '\0';
    return small;
}

bool message_enum_of(const ProtobufCEnumDescriptor *type, const char *name, int *out)
{
    for (unsigned i = 0; name != NULL && i < type->n_values; i++) {
        if (type->values[i].value == 0 ||
            strcasecmp(own_part(type, type->values[i].name), name) != 0)
            continue;
        *out = type->values[i].value;
        return true;
    }
    return false;
}

static void bytes_json(struct cli_json *j, const char *key, const ProtobufCBinaryData *b,
                       struct ward_arena *mem)
{
    char *text = b->len == 0 ? NULL : ward_alloc(mem, WARD_BASE64_SIZE(b->len));

    if (text != NULL)
        ward_base64(b->data, b->len, text);
    cli_json_text(j, key, text);
}

/* Widths of what an array of such values is made of. */
static size_t width_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return sizeof(int64_t);
    case PROTOBUF_C_TYPE_DOUBLE:
        return sizeof(double);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_MESSAGE:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BOOL:
        return sizeof(protobuf_c_boolean);
    default:
        return sizeof(int32_t);
    }
}

static void value_json(struct cli_json *j, const char *key,
                       const ProtobufCFieldDescriptor *field, const void *at,
                       struct ward_arena *mem)
{
    const char *text;

    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_UINT32:
        cli_json_int(j, key, *(const int32_t *)at);
        break;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        cli_json_int(j, key, *(const int64_t *)at);
        break;
    case PROTOBUF_C_TYPE_DOUBLE:
        cli_json_num(j, key, *(const double *)at);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        cli_json_bool(j, key, *(const protobuf_c_boolean *)at != 0);
        break;
    case PROTOBUF_C_TYPE_ENUM:
        cli_json_text(j, key, message_enum(field->descriptor, *(const int *)at));
        break;
    case PROTOBUF_C_TYPE_BYTES:
        bytes_json(j, key, at, mem);
        break;
    case PROTOBUF_C_TYPE_MESSAGE:
        message_json(j, key, *(ProtobufCMessage *const *)at, mem);
        break;
    case PROTOBUF_C_TYPE_STRING:
        text = *(char *const *)at;
        cli_json_text(j, key, text == NULL || *text == '\0' ? NULL : text);
        break;
    default: /* no .proto of ours has another */
        cli_json_text(j, key, NULL);
    }
}

void message_json(struct cli_json *j, const char *key, const ProtobufCMessage *msg,
                  struct ward_arena *mem)
{
    if (msg == NULL) {
        cli_json_text(j, key, NULL);
        return;
    }
    cli_json_open(j, key, '{');
    for (unsigned i = 0; i < msg->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &msg->descriptor->fields[i];
        const void *at = (const uint8_t *)msg + f->offset;
        const uint8_t *first;
        size_t n;

        if (f->label != PROTOBUF_C_LABEL_REPEATED) {
            value_json(j, f->name, f, at, mem);
            continue;
        }
        memcpy(&n, (const uint8_t *)msg + f->quantifier_offset, sizeof(n));
        first = *(const uint8_t *const *)at;
        cli_json_open(j, f->name, '[');
        for (size_t k = 0; k < n; k++)
            value_json(j, NULL, f, first + k * width_of(f->type), mem);
        cli_json_close(j, ']');
    }
    cli_json_close(j, '}');
}
