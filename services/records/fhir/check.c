/* Validates a resource by FHIR R4: every field, then the invariants of each message. */
#include "services/records/fhir/fhir_own.h"

#include <string.h>

/* Elements with FHIR's cardinality 1..1 or 1..*, and further required elements. resources.proto
 * documents these elements. */
static const struct {
    const MessageType *type;
    const char *field;
} required[] = {
#define TYPE(name) &ward__records__v1__##name##__descriptor
    {TYPE(extension), "url"},
    {TYPE(narrative), "status"},
    {TYPE(narrative), "div"},
    {TYPE(annotation), "text"},
    {TYPE(sampled_data), "origin"},
    {TYPE(sampled_data), "period"},
    {TYPE(sampled_data), "dimensions"},
    {TYPE(patient__communication), "language"},
    {TYPE(patient__link), "other"},
    {TYPE(patient__link), "type"},
    {TYPE(encounter), "status"},
    {TYPE(encounter), "class"},
    {TYPE(encounter), "subject"},
    {TYPE(encounter__status_history), "status"},
    {TYPE(encounter__status_history), "period"},
    {TYPE(encounter__class_history), "class"},
    {TYPE(encounter__class_history), "period"},
    {TYPE(encounter__diagnosis), "condition"},
    {TYPE(encounter__location), "location"},
    {TYPE(observation), "status"},
    {TYPE(observation), "code"},
    {TYPE(observation), "subject"},
    {TYPE(observation__component), "code"},
    {TYPE(condition), "subject"},
    {TYPE(allergy_intolerance), "patient"},
    {TYPE(allergy_intolerance__reaction), "manifestation"},
    {TYPE(document_reference), "status"},
    {TYPE(document_reference), "subject"},
    {TYPE(document_reference), "content"},
    {TYPE(document_reference__relates_to), "code"},
    {TYPE(document_reference__relates_to), "target"},
    {TYPE(document_reference__content), "attachment"},
    {TYPE(diagnostic_report), "status"},
    {TYPE(diagnostic_report), "code"},
    {TYPE(diagnostic_report), "subject"},
    {TYPE(diagnostic_report__media), "link"},
    {TYPE(medication_statement), "status"},
    {TYPE(medication_statement), "subject"},
    {TYPE(medication_request), "status"},
    {TYPE(medication_request), "intent"},
    {TYPE(medication_request), "subject"},
    {TYPE(procedure), "status"},
    {TYPE(procedure), "subject"},
    {TYPE(procedure__performer), "actor"},
    {TYPE(procedure__focal_device), "manipulated"},
    {TYPE(immunization), "status"},
    {TYPE(immunization), "vaccine_code"},
    {TYPE(immunization), "patient"},
    {TYPE(immunization__performer), "actor"},
    {TYPE(service_request), "status"},
    {TYPE(service_request), "intent"},
    {TYPE(service_request), "subject"},
    {TYPE(practitioner__qualification), "code"},
    {TYPE(location__position), "longitude"},
    {TYPE(location__position), "latitude"},
    {TYPE(other), "type"},
    {TYPE(consent), "status"},
    {TYPE(consent), "scope"},
    {TYPE(consent), "category"},
    {TYPE(consent), "patient"},
    {TYPE(consent__verification), "verified"},
    {TYPE(consent__actor), "role"},
    {TYPE(consent__actor), "reference"},
    {TYPE(consent__data), "meaning"},
    {TYPE(consent__data), "reference"},
#undef TYPE
};

const char *fhir_required(const MessageType *type, size_t k)
{
    for (size_t i = 0; i < WARD_COUNT(required); i++)
        if (required[i].type == type && k-- == 0)
            return required[i].field;
    return NULL;
}

static enum ward_code message(struct fhir_checking *k, const Message *m, int depth,
                              struct ward_err *err);

enum ward_code fhir_part(struct fhir_checking *k, struct ward_err *err, const char *part,
                         enum ward_code code, const char *file, int line)
{
    size_t was = *part == '\0' ? k->path.n : path_push(&k->path, part, -1);

    fhir_fail(err, &k->path, code, file, line);
    path_cut(&k->path, was);
    return code;
}

static enum ward_code too_deep(struct fhir_checking *k, struct ward_err *err)
{
    return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "nests deeper than %d levels",
                     FHIR_JSON_DEEP);
}

/* ---- more_json ---- */

/* Whether a member of more_json belongs in a field. Exceptions are lists with gaps, which a
 * field cannot express, and sources' ids of resources without a patient. */
static bool has_field(const Message *m, const struct ward_json *v)
{
    const Field *f = fhir_field(m->descriptor, v->key);

    if (fhir_keeps_id(m->descriptor, v))
        return false;
    if (f == NULL)
        return strcmp(v->key, "resourceType") == 0;
    if (field_count(m, f) > 0 || !is_repeated(f) || v->kind != WARD_JSON_ARRAY ||
        (f->type == PROTOBUF_C_TYPE_MESSAGE && !is_decimal(f)))
        return true;
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        if (x->kind == WARD_JSON_NULL)
            return false;
    return true;
}

static enum ward_code more(struct fhir_checking *k, const Message *m, const char *text,
                           int depth, struct ward_err *err)
{
    const struct ward_json *v;
    size_t n = strlen(text);

    if (n > FHIR_MORE)
        return FHIR_FAIL(err, &k->path, "RESOURCE_TOO_LARGE",
                         "has over 64 KiB of elements for which Ward has no field");
    if (ward_json_parse(text, n, NULL, k->mem, &v, err) != WARD_OK) {
        if (err != NULL && err->code == WARD_RESOURCE_EXHAUSTED)
            return WARD_RESOURCE_EXHAUSTED;
        return FHIR_PART_FAIL(k, err, "more_json", "FIELD_INVALID", "is not JSON");
    }
    if (v->kind != WARD_JSON_OBJECT || v->count == 0)
        return FHIR_PART_FAIL(k, err, "more_json", "FIELD_INVALID",
                              "must be a JSON object that is not empty");
    if (depth + fhir_depth(v) - 1 > FHIR_JSON_DEEP)
        return too_deep(k, err);
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        if (has_field(m, x))
            return FHIR_PART_FAIL(k, err, "more_json", "FIELD_INVALID",
                                  "has a member for which Ward has a field");
    return WARD_OK;
}

/* ---- one value ---- */

static enum ward_code nested(struct fhir_checking *k, const Field *f, const Message *m,
                             int depth, struct ward_err *err)
{
    if (m == NULL)
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "is missing");
    if (is_decimal(f))
        return fhir_string_check(&k->path, STRING_DECIMAL,
                                 text_of(((const Ward__Records__V1__Decimal *)m)->value), err);
    return message(k, m, depth + (is_repeated(f) ? 2 : 1), err);
}

/* Checks an integer: a posInt is at least 1. */
static enum ward_code whole(struct fhir_checking *k, const Field *f, uint32_t n,
                            struct ward_err *err)
{
    static const char *const positives[] = {"rank",
                                            "dimensions",
                                            "count",
                                            "count_max",
                                            "frequency",
                                            "frequency_max",
                                            "dose_number_positive_int",
                                            "series_doses_positive_int"};
    bool positive = false;

    for (size_t i = 0; i < WARD_COUNT(positives); i++)
        positive = positive || strcmp(f->name, positives[i]) == 0;
    if (n > INT32_MAX || (positive && n == 0))
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "is out of its range");
    return WARD_OK;
}

static enum ward_code value(struct fhir_checking *k, const Message *m, const Field *f,
                            const void *v, int depth, struct ward_err *err)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        return nested(k, f, *(Message *const *)v, depth, err);
    case PROTOBUF_C_TYPE_STRING: {
        enum fhir_string what = fhir_string_of(m->descriptor, f->name);
        const char *s = text_of(*(char *const *)v);

        WARD_ASSERT(what != STRING_UNKNOWN); /* string_test.c checks every field */
        return fhir_string_check(&k->path, what, s, err);
    }
    case PROTOBUF_C_TYPE_ENUM:
        if (*(const int *)v == 0 ||
            protobuf_c_enum_descriptor_get_value(f->descriptor, *(const int *)v) == NULL)
            return FHIR_FAIL(err, &k->path, "CODE_UNKNOWN",
                             "is not a code that FHIR allows for this element");
        return WARD_OK;
    case PROTOBUF_C_TYPE_BYTES:
        if (((const ProtobufCBinaryData *)v)->len == 0)
            return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "is empty: omit the element");
        return WARD_OK;
    case PROTOBUF_C_TYPE_UINT32:
        return whole(k, f, *(const uint32_t *)v, err);
    default:
        return strcmp(f->name, "dimensions") == 0 ? whole(k, f, *(const uint32_t *)v, err)
                                                  : WARD_OK;
    }
}

/* ---- one message ---- */

static enum ward_code present(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    for (size_t i = 0; i < WARD_COUNT(required); i++) {
        const Field *f;
        char name[FHIR_NAME];

        if (required[i].type != m->descriptor)
            continue;
        f = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, required[i].field);
        WARD_ASSERT(f != NULL);
        if (field_count(m, f) > 0)
            continue;
        fhir_name(f, name);
        return FHIR_PART_FAIL(k, err, name, "FIELD_REQUIRED", "is missing");
    }
    return WARD_OK;
}

static enum ward_code fields(struct fhir_checking *k, const Message *m, int depth, size_t *set,
                             struct ward_err *err)
{
    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const Field *f = &m->descriptor->fields[i];
        size_t n = field_count(m, f);

        *set += n;
        if (n > 0 && is_more(f)) {
            WARD_TRY(more(k, m, *(char **)field_at(m, f, 0), depth, err));
            continue;
        }
        for (size_t j = 0; j < n; j++) {
            size_t was = path_push_field(&k->path, f, j);

            WARD_TRY(value(k, m, f, field_at(m, f, j), depth, err));
            path_cut(&k->path, was);
        }
    }
    return WARD_OK;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by FHIR_JSON_DEEP */
static enum ward_code message(struct fhir_checking *k, const Message *m, int depth,
                              struct ward_err *err)
{
    size_t set = 0;

    if (depth > FHIR_JSON_DEEP)
        return too_deep(k, err);
    WARD_TRY(present(k, m, err));
    WARD_TRY(fields(k, m, depth, &set, err));
    /* ele-1: an element has a value or children. */
    if (set == 0)
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "is empty: omit the element");
    return fhir_invariants(k, m, err);
}

enum ward_code fhir_check(struct ward_arena *mem, const Resource *res, struct ward_err *err)
{
    const Message *body = fhir_body(res);
    struct fhir_checking k = {.mem = mem, .root = body};

    if (body == NULL)
        return WARD_FAIL_REASON(err, INVALID_ARGUMENT, "FIELD_REQUIRED",
                                "the resource is missing");
    path_start(&k.path, body->descriptor == &ward__records__v1__other__descriptor
                            ? res->other->type
                            : body->descriptor->short_name);
    WARD_TRY(message(&k, body, 1, err));
    if (protobuf_c_message_get_packed_size(body) > RECORDS_MAX)
        return FHIR_FAIL(err, &k.path, "RESOURCE_TOO_LARGE", "is larger than 1 MiB");
    return WARD_OK;
}
