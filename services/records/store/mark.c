/* What entering in error does to a resource of each kind. */
#include "services/records/store/index_own.h"
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

/* Of a condition or an allergy that is an error there is no clinical status. Source: HL7 FHIR
 * R4, Condition con-5 and AllergyIntolerance ait-2. */
static enum ward_code set_status(struct ward_arena *mem, Resource *res, struct ward_err *err)
{
    switch (resource_kind(res)) {
    case KIND_ENCOUNTER:
        res->encounter->status = WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_OBSERVATION:
        res->observation->status =
            WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_CONDITION:
        res->condition->clinical_status = NULL;
        return verification(mem, CONDITION_VERIFICATION, &res->condition->verification_status,
                            err);
    case KIND_ALLERGY:
        res->allergy_intolerance->clinical_status = NULL;
        return verification(mem, ALLERGY_VERIFICATION,
                            &res->allergy_intolerance->verification_status, err);
    case KIND_DOCUMENT:
        res->document_reference->status =
            WARD__RECORDS__V1__DOCUMENT_REFERENCE__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_REPORT:
        res->diagnostic_report->status =
            WARD__RECORDS__V1__DIAGNOSTIC_REPORT__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_CONSENT:
        res->consent->status = WARD__RECORDS__V1__CONSENT__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_MEDICATION:
        res->medication_statement->status =
            WARD__RECORDS__V1__MEDICATION_STATEMENT__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_PRESCRIPTION:
        res->medication_request->status =
            WARD__RECORDS__V1__MEDICATION_REQUEST__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_PROCEDURE:
        res->procedure->status = WARD__RECORDS__V1__PROCEDURE__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_IMMUNIZATION:
        res->immunization->status =
            WARD__RECORDS__V1__IMMUNIZATION__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    case KIND_SERVICE:
        res->service_request->status =
            WARD__RECORDS__V1__SERVICE_REQUEST__STATUS__STATUS_ENTERED_IN_ERROR;
        return WARD_OK;
    default:
        return WARD_FAIL_FIELD(err, "kind",
                               "a Patient is merged; an Other its source puts right");
    }
}

/* Every kind has some. */
static void extensions_of(Resource *res, Extension ****list, size_t **n)
{
    char *m = (char *)res->consent; /* whichever it is: a oneof's members share their storage */
    const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field_by_name(
        ((ProtobufCMessage *)(void *)m)->descriptor, "extension");

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
