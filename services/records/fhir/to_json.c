/* Converts a message to its FHIR JSON object. */
#include "services/records/fhir/fhir_own.h"

#include "common/base/text.h"

#include <string.h>

static enum ward_code object(struct ward_json_out *w, const Message *m, struct ward_err *err);

static enum ward_code bytes(struct ward_json_out *w, const ProtobufCBinaryData *b,
                            struct ward_err *err)
{
    char *text = ward_alloc(w->mem, WARD_BASE64_SIZE(b->len));

    if (text == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "the JSON is too large");
    ward_json_text_n(w, text, ward_base64(b->data, b->len, text));
    return WARD_OK;
}

static enum ward_code value(struct ward_json_out *w, const Field *f, const void *v,
                            struct ward_err *err)
{
    char code[FHIR_NAME];

    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        if (is_decimal(f)) {
            const char *s = text_of((*(Ward__Records__V1__Decimal *const *)v)->value);

            ward_json_decimal(w, s, strlen(s));
            return WARD_OK;
        }
        return object(w, *(Message *const *)v, err);
    case PROTOBUF_C_TYPE_BYTES:
        return bytes(w, v, err);
    case PROTOBUF_C_TYPE_BOOL:
        ward_json_bool(w, *(const protobuf_c_boolean *)v != 0);
        return WARD_OK;
    case PROTOBUF_C_TYPE_ENUM:
        ward_json_text(w, text_of(fhir_code(f->descriptor, *(const int *)v, code)));
        return WARD_OK;
    case PROTOBUF_C_TYPE_UINT32:
        ward_json_int(w, *(const uint32_t *)v);
        return WARD_OK;
    case PROTOBUF_C_TYPE_INT32:
        ward_json_int(w, *(const int32_t *)v);
        return WARD_OK;
    default:
        ward_json_text(w, text_of(*(char *const *)v));
        return WARD_OK;
    }
}

static enum ward_code member(struct ward_json_out *w, const Message *m, const Field *f,
                             struct ward_err *err)
{
    size_t n = field_count(m, f);
    char name[FHIR_NAME];

    if (n == 0)
        return WARD_OK;
    fhir_name(f, name);
    ward_json_key(w, name);
    if (!is_repeated(f))
        return value(w, f, field_at(m, f, 0), err);
    ward_json_array_begin(w);
    for (size_t i = 0; i < n; i++)
        WARD_TRY(value(w, f, field_at(m, f, i), err));
    ward_json_array_end(w);
    return WARD_OK;
}

static enum ward_code more(struct ward_json_out *w, const char *text, struct ward_err *err)
{
    const struct ward_json *v;

    if (*text == '\0')
        return WARD_OK;
    WARD_TRY(ward_json_parse(text, strlen(text), NULL, w->mem, &v, err));
    if (!ward_json_is(v, WARD_JSON_OBJECT))
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "FIELD_INVALID",
                                "more_json is not a JSON object");
    for (const struct ward_json *x = v->first; x != NULL; x = x->next) {
        ward_json_key_n(w, x->key, x->key_n);
        ward_json_value(w, x);
    }
    return WARD_OK;
}

/* Writes an Other in its source's form. If the source's JSON has no id, the converted id is
 * written. */
static enum ward_code other(struct ward_json_out *w, const Ward__Records__V1__Other *o,
                            struct ward_err *err)
{
    const struct ward_json *v = NULL;

    if (*o->json != '\0')
        WARD_TRY(ward_json_parse(o->json, strlen(o->json), NULL, w->mem, &v, err));
    ward_json_object_begin(w);
    ward_json_put_text(w, "resourceType", o->type);
    if (*o->id != '\0' && ward_json_get(v, "id") == NULL)
        ward_json_put_text(w, "id", o->id);
    if (o->meta != NULL) {
        ward_json_key(w, "meta");
        WARD_TRY(object(w, &o->meta->base, err));
    }
    for (const struct ward_json *x = v == NULL ? NULL : v->first; x != NULL; x = x->next) {
        ward_json_key_n(w, x->key, x->key_n);
        ward_json_value(w, x);
    }
    if (o->subject != NULL && *o->subject_member != '\0') {
        ward_json_key(w, o->subject_member);
        WARD_TRY(object(w, &o->subject->base, err));
    }
    ward_json_object_end(w);
    return WARD_OK;
}

static enum ward_code members(struct ward_json_out *w, const Message *m, struct ward_err *err)
{
    for (unsigned k = 0; k < m->descriptor->n_fields; k++)
        if (!is_more(&m->descriptor->fields[k]))
            WARD_TRY(member(w, m, &m->descriptor->fields[k], err));
    return more(w, field_more(m), err);
}

/* Writes a resource without a patient. If more_json has the source's id, that id is written. */
static enum ward_code nobodys(struct ward_json_out *w, const Message *m, struct ward_err *err)
{
    const Field *id = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "id");
    const struct ward_json *v = NULL;
    const char *text = field_more(m);
    Message *copy = NULL;

    if (*text != '\0')
        WARD_TRY(ward_json_parse(text, strlen(text), NULL, w->mem, &v, err));
    if (ward_json_get(v, "id") == NULL)
        return members(w, m, err);
    copy = ward_alloc(w->mem, m->descriptor->sizeof_message);
    if (copy == NULL)
        return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL",
                                "the resource is too large");
    memcpy(copy, m, m->descriptor->sizeof_message);
    *(const char **)field_at(copy, id, 0) = protobuf_c_empty_string;
    return members(w, copy, err);
}

static enum ward_code object(struct ward_json_out *w, const Message *m, struct ward_err *err)
{
    ward_json_object_begin(w);
    WARD_TRY(members(w, m, err));
    ward_json_object_end(w);
    return WARD_OK;
}

enum ward_code fhir_to_json(struct ward_json_out *w, const Resource *res, struct ward_err *err)
{
    const Message *body = fhir_body(res);

    if (body == NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "FIELD_REQUIRED",
                                "the resource is missing");
    if (body->descriptor == &ward__records__v1__other__descriptor)
        return other(w, res->other, err);
    ward_json_object_begin(w);
    ward_json_put_text(w, "resourceType", body->descriptor->short_name);
    WARD_TRY(fhir_is_nobodys(body->descriptor) ? nobodys(w, body, err) : members(w, body, err));
    ward_json_object_end(w);
    return WARD_OK;
}
