/* Reads messages from JSON, and fields from options. */
#include "cli/call/message.h"

#include "common/base/text.h"
#include "common/json/json.h"

#include <stdlib.h>
#include <string.h>

#define WRONG(err, f, what)                                                                    \
    WARD_FAIL(err, INVALID_ARGUMENT, "%.60s must be %s", (f)->name, what)

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory for a message");
}

static enum ward_code read_object(const struct ward_json *v, ProtobufCMessage *msg,
                                  struct ward_arena *mem, struct ward_err *err);

static enum ward_code read_message(const struct ward_json *v, const ProtobufCFieldDescriptor *f,
                                   void *at, struct ward_arena *mem, struct ward_err *err)
{
    const ProtobufCMessageDescriptor *type = f->descriptor;
    ProtobufCMessage *msg = ward_alloc(mem, type->sizeof_message);

    if (!ward_json_is(v, WARD_JSON_OBJECT))
        return WRONG(err, f, "a JSON object");
    if (msg == NULL)
        return no_memory(err);
    protobuf_c_message_init(type, msg);
    *(ProtobufCMessage **)at = msg;
    return read_object(v, msg, mem, err);
}

static enum ward_code read_bytes(const char *text, size_t n, const ProtobufCFieldDescriptor *f,
                                 void *at, struct ward_arena *mem, struct ward_err *err)
{
    ProtobufCBinaryData *b = at;

    b->data = ward_alloc(mem, n + 1);
    if (b->data == NULL)
        return no_memory(err);
    if (!ward_unbase64(text, n, b->data, n, &b->len))
        return WRONG(err, f, "base64");
    return WARD_OK;
}

/* Converts text to a number, an enum, a flag, a text or bytes. */
static enum ward_code read_text(const char *text, const ProtobufCFieldDescriptor *f, void *at,
                                struct ward_arena *mem, struct ward_err *err)
{
    int64_t whole = 0;

    switch (f->type) {
    case PROTOBUF_C_TYPE_STRING:
        *(char **)at = ward_strdup(mem, text);
        return *(char **)at == NULL ? no_memory(err) : WARD_OK;
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(text, strlen(text), f, at, mem, err);
    case PROTOBUF_C_TYPE_ENUM:
        return message_enum_of(f->descriptor, text, (int *)at)
                   ? WARD_OK
                   : WRONG(err, f, "one of the names in the .proto file");
    case PROTOBUF_C_TYPE_BOOL:
        *(protobuf_c_boolean *)at = strcmp(text, "true") == 0;
        return strcmp(text, "true") == 0 || strcmp(text, "false") == 0
                   ? WARD_OK
                   : WRONG(err, f, "true or false");
    case PROTOBUF_C_TYPE_DOUBLE:
        return ward_f64(text, (double *)at) ? WARD_OK : WRONG(err, f, "a number");
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_UINT64:
        return ward_i64(text, INT64_MIN, INT64_MAX, (int64_t *)at)
                   ? WARD_OK
                   : WRONG(err, f, "a whole number");
    default:
        if (!ward_i64(text, INT32_MIN, UINT32_MAX, &whole))
            return WRONG(err, f, "a whole number");
        *(uint32_t *)at = (uint32_t)whole;
        return WARD_OK;
    }
}

static enum ward_code read_value(const struct ward_json *v, const ProtobufCFieldDescriptor *f,
                                 void *at, struct ward_arena *mem, struct ward_err *err)
{
    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return read_message(v, f, at, mem, err);
    if (ward_json_is(v, WARD_JSON_ARRAY) || ward_json_is(v, WARD_JSON_OBJECT))
        return WRONG(err, f, "a single value");
    if (ward_json_is(v, WARD_JSON_TRUE) || ward_json_is(v, WARD_JSON_FALSE))
        return read_text(ward_json_is(v, WARD_JSON_TRUE) ? "true" : "false", f, at, mem, err);
    return read_text(v->text, f, at, mem, err);
}

/* Enlarges a repeated field by n values. */
static uint8_t *grow(ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f, size_t n,
                     struct ward_arena *mem)
{
    size_t had, width = message_width(f->type);
    uint8_t *base = (uint8_t *)msg, *room;
    void *old;

    memcpy(&had, base + f->quantifier_offset, sizeof(had));
    memcpy(&old, base + f->offset, sizeof(old));
    room = ward_alloc(mem, (had + n) * width);
    if (room == NULL)
        return NULL;
    if (had > 0)
        memcpy(room, old, had * width);
    memcpy(base + f->offset, &room, sizeof(room));
    n += had;
    memcpy(base + f->quantifier_offset, &n, sizeof(n));
    return room + had * width;
}

static void mark(ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f)
{
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        memcpy((uint8_t *)msg + f->quantifier_offset, &f->id, sizeof(f->id));
}

static enum ward_code read_field(const struct ward_json *v, const ProtobufCFieldDescriptor *f,
                                 ProtobufCMessage *msg, struct ward_arena *mem,
                                 struct ward_err *err)
{
    uint8_t *at;

    if (ward_json_is(v, WARD_JSON_NULL))
        return WARD_OK;
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        mark(msg, f);
        return read_value(v, f, (uint8_t *)msg + f->offset, mem, err);
    }
    if (!ward_json_is(v, WARD_JSON_ARRAY))
        return WRONG(err, f, "a JSON array");
    at = grow(msg, f, v->count, mem);
    if (at == NULL)
        return no_memory(err);
    for (const struct ward_json *i = v->first; i != NULL; i = i->next) {
        WARD_TRY(read_value(i, f, at, mem, err));
        at += message_width(f->type);
    }
    return WARD_OK;
}

static enum ward_code read_object(const struct ward_json *v, ProtobufCMessage *msg,
                                  struct ward_arena *mem, struct ward_err *err)
{
    for (const struct ward_json *m = v->first; m != NULL; m = m->next) {
        const ProtobufCFieldDescriptor *f =
            protobuf_c_message_descriptor_get_field_by_name(msg->descriptor, m->key);

        if (f == NULL)
            return WARD_FAIL(err, INVALID_ARGUMENT, "%s has no field \"%.60s\"",
                             msg->descriptor->short_name, m->key);
        WARD_TRY(read_field(m, f, msg, mem, err));
    }
    return WARD_OK;
}

enum ward_code message_of_json(const char *json, size_t n, ProtobufCMessage *msg,
                               struct ward_arena *mem, struct ward_err *err)
{
    const struct ward_json *v;

    WARD_TRY(ward_json_parse(json, n, NULL, mem, &v, err));
    if (!ward_json_is(v, WARD_JSON_OBJECT))
        return WARD_FAIL(err, INVALID_ARGUMENT, "a JSON object is needed");
    return read_object(v, msg, mem, err);
}

static enum ward_code set_json(ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f,
                               const char *text, struct ward_arena *mem, struct ward_err *err)
{
    const struct ward_json *v;

    WARD_TRY(ward_json_parse(text, strlen(text), NULL, mem, &v, err));
    return read_field(v, f, msg, mem, err);
}

enum ward_code message_set(ProtobufCMessage *msg, const ProtobufCFieldDescriptor *f,
                           const char *text, struct ward_arena *mem, struct ward_err *err)
{
    char *words;

    if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        return set_json(msg, f, text, mem, err);
    if (f->label != PROTOBUF_C_LABEL_REPEATED) {
        mark(msg, f);
        return read_text(text, f, (uint8_t *)msg + f->offset, mem, err);
    }
    words = ward_strdup(mem, text);
    if (words == NULL)
        return no_memory(err);
    for (char *next; words != NULL; words = next) {
        uint8_t *at = grow(msg, f, 1, mem);

        next = strchr(words, ',');
        if (next != NULL)
            *next++ = '\0';
        if (at == NULL)
            return no_memory(err);
        WARD_TRY(read_text(words, f, at, mem, err));
    }
    return WARD_OK;
}
