/* Fields, names and paths, by protobuf-c's descriptors. */
#include "services/records/fhir/fhir_own.h"

#include <stdio.h>
#include <string.h>

#define MORE "more_json"

/* ---- paths ---- */

void path_start(struct fhir_path *p, const char *name)
{
    p->n = 0;
    path_push(p, name, -1);
}

static void append(struct fhir_path *p, const char *s)
{
    while (*s != '\0' && p->n + 1 < sizeof(p->text))
        p->text[p->n++] = *s++;
    p->text[p->n] = '\0';
}

/* Called for every visited field, so printf would be too slow. */
size_t path_push(struct fhir_path *p, const char *name, int index)
{
    size_t was = p->n;

    if (was > 0)
        append(p, ".");
    append(p, name);
    if (index >= 0)
        path_push_index(p, (size_t)index);
    return was;
}

size_t path_push_field(struct fhir_path *p, const Field *f, size_t index)
{
    char name[FHIR_NAME];

    fhir_name(f, name);
    return path_push(p, name, is_repeated(f) ? (int)index : -1);
}

size_t path_push_index(struct fhir_path *p, size_t index)
{
    size_t was = p->n;
    int n = snprintf(p->text + was, sizeof(p->text) - was, "[%zu]", index);

    p->n = was + (size_t)n < sizeof(p->text) ? was + (size_t)n : sizeof(p->text) - 1;
    return was;
}

void path_cut(struct fhir_path *p, size_t n)
{
    p->n = n;
    p->text[n] = '\0';
}

/* Records a failure. A path that is too long loses its beginning, because the end is more
 * informative. */
enum ward_code fhir_fail(struct ward_err *err, const struct fhir_path *p, enum ward_code code,
                         const char *file, int line)
{
    size_t cap;

    if (err == NULL)
        return code;
    cap = sizeof(err->field) - 1;
    if (p->n <= cap)
        memcpy(err->field, p->text, p->n + 1);
    else
        snprintf(err->field, sizeof(err->field), "...%s", p->text + p->n - (cap - 3));
    err->file = file;
    err->line = line;
    return code;
}

/* ---- names ---- */

static char upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

void fhir_name(const Field *f, char out[FHIR_NAME])
{
    size_t n = 0;

    for (const char *s = f->name; *s != '\0' && n + 1 < FHIR_NAME; s++) {
        if (*s == '_' && s[1] != '\0')
            out[n++] = upper(*++s);
        else
            out[n++] = *s;
    }
    out[n] = '\0';
}

const Field *fhir_field(const MessageType *type, const char *key)
{
    char name[FHIR_NAME];
    size_t n = 0;

    for (; *key != '\0'; key++) {
        bool capital = *key >= 'A' && *key <= 'Z';

        if (n + 3 > sizeof(name) || *key == '_' || (capital && n == 0))
            return NULL;
        if (capital)
            name[n++] = '_';
        name[n++] = lower(*key);
    }
    name[n] = '\0';
    return strcmp(name, MORE) == 0
               ? NULL
               : protobuf_c_message_descriptor_get_field_by_name(type, name);
}

/* "LinkType": its values have the prefix "LINK_TYPE_". */
static size_t prefix_of(const ProtobufCEnumDescriptor *type)
{
    size_t n = 1;

    for (const char *s = type->short_name; *s != '\0'; s++)
        n += s > type->short_name && *s >= 'A' && *s <= 'Z' ? 2 : 1;
    return n;
}

static char code_char(char c)
{
    return c == '_' ? '-' : lower(c);
}

const char *fhir_code(const ProtobufCEnumDescriptor *type, int number, char out[FHIR_NAME])
{
    const ProtobufCEnumValue *v = protobuf_c_enum_descriptor_get_value(type, number);
    size_t n = 0;

    if (v == NULL || number == 0)
        return NULL;
    for (const char *s = v->name + prefix_of(type); *s != '\0' && n + 1 < FHIR_NAME; s++)
        out[n++] = code_char(*s);
    out[n] = '\0';
    return out;
}

static bool is_code(const char *name, const char *code)
{
    while (*name != '\0' && *code != '\0' && code_char(*name) == *code)
        name++, code++;
    return *name == '\0' && *code == '\0';
}

bool fhir_code_number(const ProtobufCEnumDescriptor *type, const char *code, int *out)
{
    size_t prefix = prefix_of(type);

    for (unsigned i = 0; i < type->n_values; i++)
        if (type->values[i].value != 0 && is_code(type->values[i].name + prefix, code)) {
            *out = type->values[i].value;
            return true;
        }
    return false;
}

/* ---- fields ---- */

Message *fhir_body(const Resource *res)
{
    const Field *f = protobuf_c_message_descriptor_get_field(
        &ward__records__v1__resource__descriptor, (unsigned)res->resource_case);

    return f == NULL ? NULL : *(Message **)field_at(&res->base, f, 0);
}

bool is_decimal(const Field *f)
{
    return f->descriptor == &ward__records__v1__decimal__descriptor;
}

bool is_more(const Field *f)
{
    return strcmp(f->name, MORE) == 0;
}

bool is_repeated(const Field *f)
{
    return f->label == PROTOBUF_C_LABEL_REPEATED;
}

static const void *at(const Message *m, size_t offset)
{
    return (const char *)m + offset;
}

const char *text_of(const char *s)
{
    return s == NULL ? "" : s;
}

static bool is_set(const Message *m, const Field *f)
{
    const void *v = at(m, f->offset);

    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return *(Message *const *)v != NULL;
    case PROTOBUF_C_TYPE_STRING:
        return *text_of(*(char *const *)v) != '\0';
    case PROTOBUF_C_TYPE_BYTES:
        return ((const ProtobufCBinaryData *)v)->len > 0;
    default:
        return *(const int32_t *)v != 0;
    }
}

size_t field_count(const Message *m, const Field *f)
{
    if (is_repeated(f))
        return *(const size_t *)at(m, f->quantifier_offset);
    if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
        if (*(const uint32_t *)at(m, f->quantifier_offset) != f->id)
            return 0;
        return f->type != PROTOBUF_C_TYPE_MESSAGE || is_set(m, f) ? 1 : 0;
    }
    return is_set(m, f) ? 1 : 0;
}

static size_t size_of(const Field *f)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
    case PROTOBUF_C_TYPE_STRING:
        return sizeof(void *);
    case PROTOBUF_C_TYPE_BYTES:
        return sizeof(ProtobufCBinaryData);
    default:
        return sizeof(int32_t);
    }
}

/* The result is not const, because owners of a message modify its fields. */
void *field_at(const Message *m, const Field *f, size_t i)
{
    const void *v = at(m, f->offset);

    if (is_repeated(f))
        v = *(const char *const *)v + i * size_of(f);
    return (void *)(uintptr_t)v;
}

const char *field_more(const Message *m)
{
    const Field *last = m->descriptor->n_fields == 0
                            ? NULL
                            : &m->descriptor->fields[m->descriptor->n_fields - 1];

    return last != NULL && is_more(last) ? text_of(*(char **)field_at(m, last, 0)) : "";
}
