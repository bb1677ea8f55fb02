/* Functions for all kinds of resources: kind, id, patient. */
#include "services/records/index/resource.h"
#include "services/records/index/index_own.h"

#include <stdio.h>
#include <string.h>

static const char *const names[KINDS] = {
    [KIND_NONE] = "",
    [KIND_PATIENT] = "Patient",
    [KIND_ENCOUNTER] = "Encounter",
    [KIND_OBSERVATION] = "Observation",
    [KIND_CONDITION] = "Condition",
    [KIND_ALLERGY] = "AllergyIntolerance",
    [KIND_DOCUMENT] = "DocumentReference",
    [KIND_REPORT] = "DiagnosticReport",
    [KIND_CONSENT] = "Consent",
    [KIND_MEDICATION] = "MedicationStatement",
    [KIND_OTHER] = "Other",
    [KIND_PRESCRIPTION] = "MedicationRequest",
    [KIND_PROCEDURE] = "Procedure",
    [KIND_IMMUNIZATION] = "Immunization",
    [KIND_SERVICE] = "ServiceRequest",
    [KIND_PRACTITIONER] = "Practitioner",
    [KIND_ORGANIZATION] = "Organization",
    [KIND_LOCATION] = "Location",
};

enum kind resource_kind(const Resource *res)
{
    /* the oneof's field numbers are the kinds' */
    return kind_is((int)res->resource_case) ? (enum kind)res->resource_case : KIND_NONE;
}

const char *kind_name(enum kind kind)
{
    return (size_t)kind < KINDS ? names[kind] : "";
}

const char *resource_type(const Resource *res)
{
    enum kind kind = resource_kind(res);

    return kind == KIND_OTHER ? res->other->type : kind_name(kind);
}

enum kind kind_of_name(const char *name)
{
    for (enum kind k = KIND_PATIENT; k < KINDS; k++)
        if (k != KIND_OTHER && strcmp(names[k], name) == 0)
            return k;
    return KIND_NONE;
}

enum kind kind_of_chart(const char *name)
{
    enum kind kind = kind_of_name(name);

    return kind_is_nobodys(kind) ? KIND_NONE : kind;
}

static char **id_of(const Resource *res)
{
    switch (resource_kind(res)) {
    case KIND_PATIENT:
        return &res->patient->id;
    case KIND_ENCOUNTER:
        return &res->encounter->id;
    case KIND_OBSERVATION:
        return &res->observation->id;
    case KIND_CONDITION:
        return &res->condition->id;
    case KIND_ALLERGY:
        return &res->allergy_intolerance->id;
    case KIND_DOCUMENT:
        return &res->document_reference->id;
    case KIND_REPORT:
        return &res->diagnostic_report->id;
    case KIND_CONSENT:
        return &res->consent->id;
    case KIND_MEDICATION:
        return &res->medication_statement->id;
    case KIND_OTHER:
        return &res->other->id;
    case KIND_PRESCRIPTION:
        return &res->medication_request->id;
    case KIND_PROCEDURE:
        return &res->procedure->id;
    case KIND_IMMUNIZATION:
        return &res->immunization->id;
    case KIND_SERVICE:
        return &res->service_request->id;
    case KIND_PRACTITIONER:
        return &res->practitioner->id;
    case KIND_ORGANIZATION:
        return &res->organization->id;
    case KIND_LOCATION:
        return &res->location->id;
    default:
        return NULL;
    }
}

const char *resource_id(const Resource *res)
{
    char **id = id_of(res);

    return id == NULL ? "" : *id;
}

void resource_set_id(Resource *res, char *id)
{
    char **at = id_of(res);

    WARD_ASSERT(at != NULL);
    *at = id;
}

Meta **resource_meta(const Resource *res)
{
    switch (resource_kind(res)) {
    case KIND_PATIENT:
        return &res->patient->meta;
    case KIND_ENCOUNTER:
        return &res->encounter->meta;
    case KIND_OBSERVATION:
        return &res->observation->meta;
    case KIND_CONDITION:
        return &res->condition->meta;
    case KIND_ALLERGY:
        return &res->allergy_intolerance->meta;
    case KIND_DOCUMENT:
        return &res->document_reference->meta;
    case KIND_REPORT:
        return &res->diagnostic_report->meta;
    case KIND_CONSENT:
        return &res->consent->meta;
    case KIND_MEDICATION:
        return &res->medication_statement->meta;
    case KIND_OTHER:
        return &res->other->meta;
    case KIND_PRESCRIPTION:
        return &res->medication_request->meta;
    case KIND_PROCEDURE:
        return &res->procedure->meta;
    case KIND_IMMUNIZATION:
        return &res->immunization->meta;
    case KIND_SERVICE:
        return &res->service_request->meta;
    case KIND_PRACTITIONER:
        return &res->practitioner->meta;
    case KIND_ORGANIZATION:
        return &res->organization->meta;
    case KIND_LOCATION:
        return &res->location->meta;
    default:
        return NULL;
    }
}

bool reference_parse(const char *reference, enum kind *kind, uint8_t out[RECORDS_ID])
{
    static const char URN[] = "urn:uuid:";
    const char *slash = strchr(reference, '/');

    if (strncmp(reference, URN, strlen(URN)) == 0) {
        *kind = KIND_NONE;
        return ward_uuid_parse(reference + strlen(URN), out);
    }
    for (enum kind k = KIND_PATIENT; slash != NULL && k < KINDS; k++) {
        if (k != KIND_OTHER && !kind_is_nobodys(k) &&
            strlen(names[k]) == (size_t)(slash - reference) &&
            memcmp(names[k], reference, strlen(names[k])) == 0) {
            *kind = k;
            return ward_uuid_parse(slash + 1, out);
        }
    }
    return false;
}

bool concept_has(const Concept *c, const char *system, const char *code)
{
    for (size_t i = 0; c != NULL && i < c->n_coding; i++)
        if (strcmp(c->coding[i]->system, system) == 0 && strcmp(c->coding[i]->code, code) == 0)
            return true;
    return false;
}

bool resource_is_wrong(const Resource *res)
{
    switch (resource_kind(res)) {
    case KIND_ENCOUNTER:
        return res->encounter->status ==
               WARD__RECORDS__V1__ENCOUNTER__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_OBSERVATION:
        return res->observation->status ==
               WARD__RECORDS__V1__OBSERVATION__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_CONDITION:
        return concept_has(res->condition->verification_status, CONDITION_VERIFICATION,
                           WRONG_CODE);
    case KIND_ALLERGY:
        return concept_has(res->allergy_intolerance->verification_status, ALLERGY_VERIFICATION,
                           WRONG_CODE);
    case KIND_DOCUMENT:
        return res->document_reference->status ==
               WARD__RECORDS__V1__DOCUMENT_REFERENCE__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_REPORT:
        return res->diagnostic_report->status ==
               WARD__RECORDS__V1__DIAGNOSTIC_REPORT__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_CONSENT:
        return res->consent->status ==
               WARD__RECORDS__V1__CONSENT__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_MEDICATION:
        return res->medication_statement->status ==
               WARD__RECORDS__V1__MEDICATION_STATEMENT__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_OTHER:
        return res->other->entered_in_error != 0;
    case KIND_PRESCRIPTION:
        return res->medication_request->status ==
               WARD__RECORDS__V1__MEDICATION_REQUEST__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_PROCEDURE:
        return res->procedure->status ==
               WARD__RECORDS__V1__PROCEDURE__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_IMMUNIZATION:
        return res->immunization->status ==
               WARD__RECORDS__V1__IMMUNIZATION__STATUS__STATUS_ENTERED_IN_ERROR;
    case KIND_SERVICE:
        return res->service_request->status ==
               WARD__RECORDS__V1__SERVICE_REQUEST__STATUS__STATUS_ENTERED_IN_ERROR;
    default:
        return false;
    }
}

Reference *resource_subject(const Resource *res, const char **field)
{
    *field = "subject";
    switch (resource_kind(res)) {
    case KIND_ENCOUNTER:
        return res->encounter->subject;
    case KIND_OBSERVATION:
        return res->observation->subject;
    case KIND_CONDITION:
        return res->condition->subject;
    case KIND_DOCUMENT:
        return res->document_reference->subject;
    case KIND_REPORT:
        return res->diagnostic_report->subject;
    case KIND_MEDICATION:
        return res->medication_statement->subject;
    case KIND_PRESCRIPTION:
        return res->medication_request->subject;
    case KIND_PROCEDURE:
        return res->procedure->subject;
    case KIND_SERVICE:
        return res->service_request->subject;
    case KIND_OTHER:
        *field = *res->other->subject_member == '\0' ? "subject" : res->other->subject_member;
        return res->other->subject;
    case KIND_ALLERGY:
        *field = "patient";
        return res->allergy_intolerance->patient;
    case KIND_IMMUNIZATION:
        *field = "patient";
        return res->immunization->patient;
    case KIND_CONSENT:
        *field = "patient";
        return res->consent->patient;
    default:
        return NULL;
    }
}

static enum ward_code no_reference(const char *type, const char *field, struct ward_err *err)
{
    WARD_FAIL_REASON(err, INVALID_ARGUMENT, "REFERENCE_INVALID",
                     "must be Patient/<uuid> or urn:uuid:<uuid>");
    if (err != NULL)
        snprintf(err->field, sizeof(err->field), "%s.%s.reference", type, field);
    return WARD_INVALID_ARGUMENT;
}

enum ward_code resource_patient(const Resource *res, uint8_t out[RECORDS_ID],
                                struct ward_err *err)
{
    enum kind kind = KIND_NONE;
    const Reference *subject;
    const char *field;

    if (resource_kind(res) == KIND_PATIENT) {
        if (ward_uuid_parse(res->patient->id, out))
            return WARD_OK;
        return WARD_FAIL_FIELD(err, "Patient.id", "is not a UUID");
    }
    subject = resource_subject(res, &field);
    if (subject == NULL || !reference_parse(subject->reference, &kind, out) ||
        (kind != KIND_PATIENT && kind != KIND_NONE))
        return no_reference(resource_type(res), field, err);
    return WARD_OK;
}
