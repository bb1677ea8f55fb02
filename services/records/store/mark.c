/* Marks a resource of each kind as entered in error. */
#include "services/records/index/index_own.h"
#include "services/records/store/rpc.h"

#include <string.h>

typedef Ward__Records__V1__Extension Extension;

static enum ward_code no_memory(struct ward_err *err)
{
    return WARD_FAIL(err, RESOURCE_EXHAUSTED, "no memory to mark a resource");
}

static enum ward_code verification(struct ward_arena *mem, const char *system, Concept **to,
                                   struct ward_err *err)
{
    Concept *c = ward_new(mem, Concept);
    Coding *code = ward_new(mem, Coding), **list = ward_alloc(mem, sizeof(code));

    if (c == NULL || code == NULL || list == NULL)
        return no_memory(err);
    ward__records__v1__codeable_concept__init(c);
    ward__records__v1__coding__init(code);
    code->system = api_text(system);
    code->code = api_text(WRONG_CODE);
    list[0] = code;
    c->coding = list;
    c->n_coding = 1;
    *to = c;
    return WARD_OK;
}

static ProtobufCMessage *message_of(Resource *res)
{
    return &res->consent->base; /* valid for any kind: a oneof's members share their storage */
}

/* Sets a status to entered-in-error. All kinds with a `status` use one name for this value. */
static void status_is_wrong(ProtobufCMessage *m)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field_by_name(m->descriptor, "status");
    const ProtobufCEnumValue *v =
        protobuf_c_enum_descriptor_get_value_by_name(f->descriptor, "STATUS_ENTERED_IN_ERROR");

    memcpy((char *)m + f->offset, &v->value, sizeof(v->value));
}

/* A condition or allergy that was entered in error has no clinical status. Source: HL7 FHIR R4,
 * Condition con-5 and AllergyIntolerance ait-2. */
static enum ward_code set_status(struct ward_arena *mem, Resource *res, struct ward_err *err)
{
    switch (resource_kind(res)) {
    case KIND_CONDITION:
        res->condition->clinical_status = NULL;
        return verification(mem, CONDITION_VERIFICATION, &res->condition->verification_status,
                            err);
    case KIND_ALLERGY:
        res->allergy_intolerance->clinical_status = NULL;
        return verification(mem, ALLERGY_VERIFICATION,
                            &res->allergy_intolerance->verification_status, err);
    case KIND_ENCOUNTER:
    case KIND_OBSERVATION:
    case KIND_DOCUMENT:
    case KIND_REPORT:
    case KIND_CONSENT:
    case KIND_MEDICATION:
    case KIND_PRESCRIPTION:
    case KIND_PROCEDURE:
    case KIND_IMMUNIZATION:
    case KIND_SERVICE:
        status_is_wrong(message_of(res));
        return WARD_OK;
    default:
        return WARD_FAIL_FIELD(
            err, "kind", "cannot be marked as entered in error: merge the Patient instead");
    }
}

/* Finds the message's list of extensions. Every kind has the field. */
static void extensions_of(Resource *res, Extension ****list, size_t **n)
{
    char *m = (char *)message_of(res);
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(
        message_of(res)->descriptor, "extension");

    *list = (Extension ***)(void *)(m + f->offset);
    *n = (size_t *)(void *)(m + f->quantifier_offset);
}

enum ward_code mark_wrong(struct ward_arena *mem, Resource *res, const char *reason,
                          struct ward_err *err)
{
    Extension *e = ward_new(mem, Extension), **longer, ***list;
    size_t *n;

    WARD_TRY(set_status(mem, res, err));
    extensions_of(res, &list, &n);
    longer = ward_alloc(mem, (*n + 1) * sizeof(e));
    if (e == NULL || longer == NULL)
        return no_memory(err);
    ward__records__v1__extension__init(e);
    e->url = api_text(REASON_URL);
    e->value_case = WARD__RECORDS__V1__EXTENSION__VALUE_VALUE_STRING;
    e->value_string = api_text(reason);
    if (*n > 0)
        memcpy(longer, *list, *n * sizeof(e));
    longer[(*n)++] = e;
    *list = longer;
    return WARD_OK;
}
