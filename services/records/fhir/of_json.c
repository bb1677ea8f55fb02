/* Converts FHIR JSON to a message. Members without a field are stored in more_json of the
 * nearest message. */
#include "services/records/fhir/fhir_own.h"

#include "common/base/text.h"

#include <string.h>

struct read {
    struct ward_arena *mem;
    struct fhir_path path;  /* with indices: for errors */
    struct fhir_path plain; /* without indices: for unmodelled elements */
    fhir_unmodelled_fn *unmodelled;
    void *arg;
};

static enum ward_code object(struct read *r, const struct ward_json *v, const MessageType *type,
                             Message **out, struct ward_err *err);

static enum ward_code full(struct ward_err *err)
{
    return WARD_FAIL_REASON(err, RESOURCE_EXHAUSTED, "ARENA_FULL", "the resource is too large");
}

/* ---- one value ---- */

static enum ward_code want(const struct read *r, const struct ward_json *v,
                           enum ward_json_kind kind, const char *what, struct ward_err *err)
{
    if (v->kind != kind)
        return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "must be %s", what);
    return WARD_OK;
}

static enum ward_code text(const struct read *r, const struct ward_json *v, char **out,
                           struct ward_err *err)
{
    WARD_TRY(want(r, v, WARD_JSON_STRING, "a string", err));
    if (v->n == 0)
        return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "is empty: omit the element");
    *out = ward_alloc(r->mem, (size_t)v->n + 1);
    if (*out == NULL)
        return full(err);
    memcpy(*out, v->text, v->n);
    return WARD_OK;
}

static enum ward_code decimal(const struct read *r, const struct ward_json *v, Message **out,
                              struct ward_err *err)
{
    Ward__Records__V1__Decimal *d;

    if (v->kind != WARD_JSON_NUMBER)
        return FHIR_FAIL(err, &r->path, "DECIMAL_INVALID", "must be a number");
    d = ward_new(r->mem, Ward__Records__V1__Decimal);
    if (d == NULL)
        return full(err);
    ward__records__v1__decimal__init(d);
    d->value = ward_strdup(r->mem, v->text);
    if (d->value == NULL)
        return full(err);
    *out = &d->base;
    return WARD_OK;
}

/* Removes white space from base64, which FHIR permits between the characters:
 * (\s*([0-9a-zA-Z\+\/=]){4}\s*)+. MIME writers insert line breaks. */
static size_t without_space(const struct ward_json *v, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < v->n; i++)
        if (strchr(" \t\r\n", v->text[i]) == NULL)
            out[n++] = v->text[i];
    return n;
}

static enum ward_code base64(const struct read *r, const struct ward_json *v,
                             ProtobufCBinaryData *out, struct ward_err *err)
{
    size_t cap = (size_t)v->n / 4 * 3 + 3, n;
    uint8_t *p;
    char *packed;

    WARD_TRY(want(r, v, WARD_JSON_STRING, "base64", err));
    p = ward_alloc(r->mem, cap);
    packed = ward_alloc(r->mem, (size_t)v->n + 1);
    if (p == NULL || packed == NULL)
        return full(err);
    n = without_space(v, packed);
    if (n == 0 || !ward_unbase64(packed, n, p, cap, &out->len))
        return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "is not base64 (RFC 4648, padded)");
    out->data = p;
    return WARD_OK;
}

/* Reads an integer, which has only the form -?(0|[1-9][0-9]*) in FHIR, without -0. */
static enum ward_code integer(const struct read *r, const struct ward_json *v, int64_t lo,
                              int64_t hi, int64_t *out, struct ward_err *err)
{
    const char *s = v->text;

    WARD_TRY(want(r, v, WARD_JSON_NUMBER, "a whole number", err));
    if (strcmp(s, "-0") == 0 || strspn(s, "-0123456789") != v->n || !ward_i64(s, lo, hi, out))
        return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "must be a whole number in its range");
    return WARD_OK;
}

static enum ward_code number(const struct read *r, const struct ward_json *v, const Field *f,
                             void *out, struct ward_err *err)
{
    int64_t n = 0;

    if (f->type == PROTOBUF_C_TYPE_UINT32) {
        WARD_TRY(integer(r, v, 0, INT32_MAX, &n, err));
        *(uint32_t *)out = (uint32_t)n;
        return WARD_OK;
    }
    WARD_TRY(integer(r, v, INT32_MIN, INT32_MAX, &n, err));
    *(int32_t *)out = (int32_t)n;
    return WARD_OK;
}

static enum ward_code value(struct read *r, const struct ward_json *v, const Field *f,
                            void *out, struct ward_err *err)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return is_decimal(f) ? decimal(r, v, out, err) : object(r, v, f->descriptor, out, err);
    case PROTOBUF_C_TYPE_BYTES:
        return base64(r, v, out, err);
    case PROTOBUF_C_TYPE_BOOL:
        if (v->kind != WARD_JSON_TRUE && v->kind != WARD_JSON_FALSE)
            return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "must be true or false");
        *(protobuf_c_boolean *)out = v->kind == WARD_JSON_TRUE;
        return WARD_OK;
    case PROTOBUF_C_TYPE_ENUM:
        WARD_TRY(want(r, v, WARD_JSON_STRING, "a code", err));
        if (!fhir_code_number(f->descriptor, v->text, out))
            return FHIR_FAIL(err, &r->path, "CODE_UNKNOWN",
                             "is not a code that FHIR allows for this element");
        return WARD_OK;
    case PROTOBUF_C_TYPE_STRING:
        return text(r, v, out, err);
    default:
        return number(r, v, f, out, err);
    }
}

/* ---- one field ---- */

static size_t size_of(const Field *f)
{
    return f->type == PROTOBUF_C_TYPE_MESSAGE || f->type == PROTOBUF_C_TYPE_STRING
               ? sizeof(void *)
           : f->type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData)
                                              : sizeof(int32_t);
}

static enum ward_code items(struct read *r, const struct ward_json *v, const Field *f,
                            Message *m, struct ward_err *err)
{
    size_t size = size_of(f), i = 0;
    char *p;

    if (v->kind != WARD_JSON_ARRAY || v->count == 0)
        return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "must be a list that is not empty");
    p = ward_alloc(r->mem, v->count * size);
    if (p == NULL)
        return full(err);
    for (const struct ward_json *x = v->first; x != NULL; x = x->next, i++) {
        size_t was = path_push_index(&r->path, i);

        WARD_TRY(value(r, x, f, p + i * size, err));
        path_cut(&r->path, was);
    }
    *(char **)((char *)m + f->offset) = p;
    *(size_t *)((char *)m + f->quantifier_offset) = v->count;
    return WARD_OK;
}

static enum ward_code field(struct read *r, const struct ward_json *v, const Field *f,
                            Message *m, struct ward_err *err)
{
    size_t was = path_push(&r->path, v->key, -1), plain = path_push(&r->plain, v->key, -1);

    if (is_repeated(f)) {
        WARD_TRY(items(r, v, f, m, err));
    } else {
        if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            uint32_t *set = (uint32_t *)(void *)((char *)m + f->quantifier_offset);

            if (*set != 0)
                return FHIR_FAIL(err, &r->path, "FIELD_INVALID",
                                 "is a second value, but only one is allowed");
            *set = f->id;
        }
        WARD_TRY(value(r, v, f, (char *)m + f->offset, err));
    }
    path_cut(&r->path, was);
    path_cut(&r->plain, plain);
    return WARD_OK;
}

/* ---- members without a field ---- */

/* Whether a key has the form of an element's name. Other keys are not reported, because they
 * may contain any text. */
static bool is_name(const struct ward_json *v)
{
    for (const char *s = v->key; *s != '\0'; s++)
        if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_' ||
              (*s >= '0' && *s <= '9' && s > v->key)))
            return false;
    return v->key_n > 0 && v->key_n < 64;
}

static void tell(struct read *r, const struct ward_json *v)
{
    size_t was;

    if (r->unmodelled == NULL)
        return;
    was = path_push(&r->plain, is_name(v) ? v->key : "?", -1);
    r->unmodelled(r->arg, r->plain.text);
    path_cut(&r->plain, was);
}

/* A list of primitives may contain null if only the extension beside it (_given) has content. A
 * repeated field cannot express a list with null, so the whole list is stored in more_json. */
static bool has_gaps(const struct ward_json *v, const Field *f)
{
    if (v->kind != WARD_JSON_ARRAY || !is_repeated(f) ||
        (f->type == PROTOBUF_C_TYPE_MESSAGE && !is_decimal(f)))
        return false;
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        if (x->kind == WARD_JSON_NULL)
            return true;
    return false;
}

static void keep(struct read *r, const struct ward_json *v, struct ward_json_out *w)
{
    if (w->mem == NULL) {
        w->mem = r->mem;
        ward_json_object_begin(w);
    }
    ward_json_key_n(w, v->key, v->key_n);
    ward_json_value(w, v);
}

static enum ward_code keep_done(struct read *r, struct ward_json_out *w, Message *m,
                                struct ward_err *err)
{
    const Field *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "more_json");
    const char *kept;
    size_t n;

    if (w->mem == NULL)
        return WARD_OK;
    ward_json_object_end(w);
    WARD_TRY(ward_json_done(w, &kept, &n, err));
    if (f == NULL)
        return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "has members that cannot be stored");
    if (n > FHIR_MORE)
        return FHIR_FAIL(err, &r->path, "RESOURCE_TOO_LARGE",
                         "has over 64 KiB of elements for which Ward has no field");
    *(const char **)(void *)((char *)m + f->offset) = kept;
    return WARD_OK;
}

/* ---- objects ---- */

static enum ward_code object_into(struct read *r, const struct ward_json *v, Message *m,
                                  bool root, struct ward_err *err)
{
    struct ward_json_out more = {0};

    WARD_TRY(want(r, v, WARD_JSON_OBJECT, "an object", err));
    if (v->count == 0)
        return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "is empty: omit the element");
    for (const struct ward_json *x = v->first; x != NULL; x = x->next) {
        const Field *f = fhir_field(m->descriptor, x->key);

        if (root && strcmp(x->key, "resourceType") == 0)
            continue;
        if (f == NULL || has_gaps(x, f)) {
            keep(r, x, &more);
            tell(r, x);
            continue;
        }
        WARD_TRY(field(r, x, f, m, err));
        if (root && fhir_keeps_id(m->descriptor, x))
            keep(r, x, &more);
    }
    return keep_done(r, &more, m, err);
}

static enum ward_code make(struct read *r, const MessageType *type, Message **out,
                           struct ward_err *err)
{
    Message *m = ward_alloc(r->mem, type->sizeof_message);

    if (m == NULL)
        return full(err);
    type->message_init(m);
    *out = m;
    return WARD_OK;
}

static enum ward_code object(struct read *r, const struct ward_json *v, const MessageType *type,
                             Message **out, struct ward_err *err)
{
    Message *m;

    WARD_TRY(make(r, type, &m, err));
    WARD_TRY(object_into(r, v, m, false, err));
    *out = m;
    return WARD_OK;
}

/* ---- kinds that are not interpreted ---- */

typedef Ward__Records__V1__Other Other;

static enum ward_code part(struct read *r, const struct ward_json *v, const MessageType *type,
                           void *out, struct ward_err *err)
{
    size_t was = path_push(&r->path, v->key, -1), plain = path_push(&r->plain, v->key, -1);
    Message *m = NULL;

    WARD_TRY(object(r, v, type, &m, err));
    *(Message **)out = m;
    path_cut(&r->path, was);
    path_cut(&r->plain, plain);
    return WARD_OK;
}

/* Reads the id. An id that is not a UUID stays among the members, because the source's
 * resources refer to the id. */
static enum ward_code own_name(struct read *r, const struct ward_json *v, Other *o,
                               struct ward_json_out *members, struct ward_err *err)
{
    size_t was = path_push(&r->path, v->key, -1);
    uint8_t id[RECORDS_ID];

    WARD_TRY(text(r, v, &o->id, err));
    path_cut(&r->path, was);
    if (!ward_uuid_parse(o->id, id)) {
        ward_json_key_n(members, v->key, v->key_n);
        ward_json_value(members, v);
    }
    return WARD_OK;
}

static enum ward_code member(struct read *r, const struct ward_json *v,
                             const struct ward_json *whom, Other *o,
                             struct ward_json_out *members, struct ward_err *err)
{
    if (strcmp(v->key, "resourceType") == 0)
        return WARD_OK;
    if (strcmp(v->key, "id") == 0)
        return own_name(r, v, o, members, err);
    if (strcmp(v->key, "meta") == 0)
        return part(r, v, &ward__records__v1__meta__descriptor, &o->meta, err);
    if (v == whom) {
        o->subject_member = ward_strdup(r->mem, v->key);
        if (o->subject_member == NULL)
            return full(err);
        return part(r, v, &ward__records__v1__reference__descriptor, &o->subject, err);
    }
    ward_json_key_n(members, v->key, v->key_n);
    ward_json_value(members, v);
    return WARD_OK;
}

/* Finds a patient that is named elsewhere: in a list of subjects, a participant, a target. */
static enum ward_code derive(struct read *r, const struct ward_json *v, Other *o,
                             struct ward_err *err)
{
    const char *to = fhir_other_named(v);

    if (to == NULL)
        return WARD_OK;
    o->subject = ward_new(r->mem, Ward__Records__V1__Reference);
    if (o->subject == NULL)
        return full(err);
    ward__records__v1__reference__init(o->subject);
    o->subject->reference = ward_strdup(r->mem, to);
    return o->subject->reference == NULL ? full(err) : WARD_OK;
}

static enum ward_code other(struct read *r, const struct ward_json *v, const char *name,
                            Other *o, struct ward_err *err)
{
    const struct ward_json *whom = fhir_other_whom(v);
    struct ward_json_out members = {.mem = r->mem};
    const char *json;
    size_t n;

    WARD_TRY(want(r, v, WARD_JSON_OBJECT, "an object", err));
    if (fhir_depth(v) > FHIR_JSON_DEEP)
        return FHIR_FAIL(err, &r->path, "FIELD_INVALID", "nests deeper than %d levels",
                         FHIR_JSON_DEEP);
    o->type = ward_strdup(r->mem, name);
    if (o->type == NULL)
        return full(err);
    o->entered_in_error = fhir_other_is_wrong(v);
    ward_json_object_begin(&members);
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        WARD_TRY(member(r, x, whom, o, &members, err));
    ward_json_object_end(&members);
    WARD_TRY(ward_json_done(&members, &json, &n, err));
    if (n > strlen("{}"))
        o->json = (char *)(uintptr_t)json;
    return whom == NULL ? derive(r, v, o, err) : WARD_OK;
}

/* ---- one resource ---- */

/* Finds the field of a kind. FHIR has no kind "Other", so a resourceType "Other" matches no
 * message. */
static const Field *kind_of(const char *name)
{
    const MessageType *type = &ward__records__v1__resource__descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const MessageType *kind = type->fields[i].descriptor;

        if (kind != &ward__records__v1__other__descriptor &&
            strcmp(kind->short_name, name) == 0)
            return &type->fields[i];
    }
    return NULL;
}

enum ward_code fhir_of_json(struct ward_arena *mem, const struct ward_json *v,
                            fhir_unmodelled_fn *unmodelled, void *arg, Resource **out,
                            struct ward_err *err)
{
    struct read r = {.mem = mem, .unmodelled = unmodelled, .arg = arg};
    const char *name = ward_json_string(ward_json_get(v, "resourceType"));
    const Field *f = name == NULL ? NULL : kind_of(name);
    Message *m = NULL, *res = NULL;

    path_start(&r.path, "resourceType");
    if (name == NULL)
        return FHIR_FAIL(err, &r.path, "FIELD_REQUIRED", "is missing");
    if (f == NULL && !fhir_is_type(name))
        return FHIR_FAIL(err, &r.path, "FIELD_INVALID", "is not the name of a kind");
    if (f == NULL || (fhir_is_nobodys(f->descriptor) && fhir_names_patient(v)))
        f = protobuf_c_message_descriptor_get_field_by_name(
            &ward__records__v1__resource__descriptor, "other");
    path_start(&r.path, name);
    path_start(&r.plain, name);
    WARD_TRY(make(&r, &ward__records__v1__resource__descriptor, &res, err));
    WARD_TRY(make(&r, f->descriptor, &m, err));
    if (f->descriptor == &ward__records__v1__other__descriptor)
        WARD_TRY(other(&r, v, name, (Other *)(void *)m, err));
    else
        WARD_TRY(object_into(&r, v, m, true, err));
    ((Resource *)res)->resource_case = (Ward__Records__V1__Resource__ResourceCase)f->id;
    *(Message **)field_at(res, f, 0) = m;
    *out = (Resource *)res;
    return WARD_OK;
}
