#include "cli/call/message.h"

#include "cli/call/view.h"
#include "common/base/clock.h"
#include "common/base/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Whether the enum's names are also values of options. Such names are lower case in options and
 * in output. */
static bool is_small(const ProtobufCEnumDescriptor *type)
{
    static const char *const small[] = {"SubjectKind", "LivenessPolicy", "Direction",
                                        "DuplicateState", "RedactStyle"};

    for (size_t i = 0; i < WARD_COUNT(small); i++)
        if (strcmp(type->short_name, small[i]) == 0)
            return true;
    return false;
}

/* Returns the part of a name after the enum's prefix: "MATCH" for "OUTCOME_MATCH" of the enum
 * Outcome. */
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

/* Compares names without regard to case and separators: "AllergyIntolerance",
 * "allergy-intolerance" and "ALLERGY_INTOLERANCE" are equal. */
static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '_' || *a == '-')
            a++;
        while (*b == '_' || *b == '-')
            b++;
        if (toupper((unsigned char)*a) != toupper((unsigned char)*b))
            return false;
        if (*a == '\0')
            return true;
    }
}

bool message_enum_of(const ProtobufCEnumDescriptor *type, const char *name, int *out)
{
    for (unsigned i = 0; name != NULL && i < type->n_values; i++) {
        const char *full = type->values[i].name;

        if (type->values[i].value == 0 ||
            (!same_name(own_part(type, full), name) && strcmp(full, name) != 0))
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

/* Returns the size of an array element of this type. */
size_t message_width(ProtobufCType type)
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
    default: /* Ward's .proto files use no other type */
        cli_json_text(j, key, NULL);
    }
}

bool message_has(const ProtobufCMessage *msg, const ProtobufCFieldDescriptor *field)
{
    uint32_t set;

    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) == 0)
        return true;
    memcpy(&set, (const uint8_t *)msg + field->quantifier_offset, sizeof(set));
    return set == field->id;
}

/* Returns whether a field is empty: a text or bytes without content, an absent message, or an
 * enum's 0. Numbers and flags are never empty, unless 0 is their only way to be unset. */
static bool is_empty(const ProtobufCFieldDescriptor *f, const void *at)
{
    static const ProtobufCBinaryData none;

    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return false;
    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        return *(char *const *)at == NULL || **(char *const *)at == '\0';
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)at)->len == none.len;
    default:
        return memcmp(at, &none, message_width(f->type)) == 0;
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
            if (message_has(msg, f) && !(j->sparse && is_empty(f, at)))
                value_json(j, f->name, f, at, mem);
            continue;
        }
        memcpy(&n, (const uint8_t *)msg + f->quantifier_offset, sizeof(n));
        if (j->sparse && n == 0)
            continue;
        first = *(const uint8_t *const *)at;
        cli_json_open(j, f->name, '[');
        for (size_t k = 0; k < n; k++)
            value_json(j, NULL, f, first + k * message_width(f->type), mem);
        cli_json_close(j, ']');
    }
    cli_json_close(j, '}');
}

/* ---- output for a person ---- */

/* Prints a text, and replaces characters that would move a terminal's cursor. */
static void shown(FILE *to, const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        bool control = *c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0);

        fputc(control ? '?' : *c, to);
    }
}

void message_text(FILE *to, const char *format, const char *one, const char *two)
{
    const char *texts[] = {one, two};
    size_t n = 0;

    for (const char *c = format; *c != '\0'; c++) {
        if (c[0] == '%' && c[1] == 's' && n < WARD_COUNT(texts)) {
            shown(to, texts[n++]);
            c++;
            continue;
        }
        fputc(*c, to);
    }
}

static bool is_time(const ProtobufCFieldDescriptor *f)
{
    size_t n = strlen(f->name);

    return f->type == PROTOBUF_C_TYPE_INT64 && n > 3 && strcmp(f->name + n - 3, "_us") == 0;
}

static void time_line(FILE *to, int64_t at_us)
{
    char stamp[28];

    ward_rfc3339(at_us, stamp);
    fprintf(to, " %s\n", stamp);
}

static void line(FILE *to, int indent, const char *name)
{
    fprintf(to, "%*s%s:", indent, "", name);
}

static void message_line(FILE *to, int indent, const ProtobufCMessage *msg,
                         struct ward_arena *mem)
{
    if (view_inline(to, msg)) {
        fputc('\n', to);
        return;
    }
    fputc('\n', to);
    message_lines(to, indent + 2, msg, mem);
}

static void value_line(FILE *to, int indent, const ProtobufCFieldDescriptor *f, const void *at,
                       struct ward_arena *mem)
{
    struct cli_json j = {.to = to};

    line(to, indent, f->name);
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) {
        message_line(to, indent, *(ProtobufCMessage *const *)at, mem);
        return;
    }
    if (is_time(f)) {
        time_line(to, *(const int64_t *)at);
        return;
    }
    fputc(' ', to);
    if (f->type == PROTOBUF_C_TYPE_STRING)
        shown(to, *(char *const *)at);
    else if (f->type == PROTOBUF_C_TYPE_ENUM)
        fputs(message_enum(f->descriptor, *(const int *)at), to);
    else
        value_json(&j, NULL, f, at, mem);
    fputc('\n', to);
}

static void field_lines(FILE *to, int indent, const ProtobufCMessage *msg,
                        const ProtobufCFieldDescriptor *f, struct ward_arena *mem)
{
    const uint8_t *at = (const uint8_t *)msg + f->offset;
    size_t n = 1;

    if (f->label == PROTOBUF_C_LABEL_REPEATED) {
        memcpy(&n, (const uint8_t *)msg + f->quantifier_offset, sizeof(n));
        at = *(const uint8_t *const *)at;
    } else if (!message_has(msg, f) || is_empty(f, at)) {
        return;
    }
    for (size_t k = 0; k < n; k++)
        value_line(to, indent, f, at + k * message_width(f->type), mem);
}

void message_lines(FILE *to, int indent, const ProtobufCMessage *msg, struct ward_arena *mem)
{
    if (msg == NULL || view_block(to, indent, msg))
        return;
    for (int first = 1; first >= 0; first--)
        for (unsigned i = 0; i < msg->descriptor->n_fields; i++)
            if (view_first(&msg->descriptor->fields[i]) == (first == 1))
                field_lines(to, indent, msg, &msg->descriptor->fields[i], mem);
}
