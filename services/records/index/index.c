#include "services/records/access/label.h"
#include "services/records/fhir/fhir.h"
#include "services/records/index/index_own.h"
#include "services/records/index/resource.h"

#include <stdlib.h>
#include <string.h>

/* ---- labels ---- */

/* Adds the labels of a coding anywhere in the resource, including evidence, manifestations and
 * extensions. Codings in more_json have no fields and are ignored. A coding without a system
 * has no label. */
static enum ward_code label_coding(void *arg, const char *path, const ProtobufCMessage *m,
                                   const ProtobufCFieldDescriptor *f, void *value,
                                   struct ward_err *err)
{
    struct found_by *out = arg;
    const Coding *c;

    (void)path;
    (void)m;
    (void)err;
    if (f->type != PROTOBUF_C_TYPE_MESSAGE ||
        f->descriptor != &ward__records__v1__coding__descriptor)
        return WARD_OK;
    c = *(Coding **)value;
    if (c != NULL)
        out->labels |= label_of_code(c->system, c->code);
    return WARD_OK;
}

/* Whether a concept has only codes that label.c does not recognize. */
static bool is_unread(const Ward__Records__V1__CodeableConcept *c)
{
    bool coded = false;

    for (size_t i = 0; c != NULL && i < c->n_coding; i++) {
        if (*c->coding[i]->code == '\0')
            continue;
        if (label_reads(c->coding[i]->system, c->coding[i]->code))
            return false;
        coded = true;
    }
    return coded;
}

/* NULL if the medicine is a reference: the reference and the concept share their storage. */
static const Concept *medicine_of(const Resource *res)
{
    const Ward__Records__V1__MedicationStatement *m = res->medication_statement;

    return m->medication_case ==
                   WARD__RECORDS__V1__MEDICATION_STATEMENT__MEDICATION_MEDICATION_CODEABLE_CONCEPT
               ? m->medication_codeable_concept
               : NULL;
}

static const Concept *prescribed_of(const Resource *res)
{
    const Ward__Records__V1__MedicationRequest *m = res->medication_request;

    return m->medication_case ==
                   WARD__RECORDS__V1__MEDICATION_REQUEST__MEDICATION_MEDICATION_CODEABLE_CONCEPT
               ? m->medication_codeable_concept
               : NULL;
}

/* Allergies never get LABEL_UNKNOWN: hiding an allergy harms more than showing it. */
static uint32_t label_unknown(const Resource *res)
{
    switch (resource_kind(res)) {
    case KIND_OBSERVATION:
        return is_unread(res->observation->code) ? LABEL_UNKNOWN : 0;
    case KIND_CONDITION:
        return is_unread(res->condition->code) ? LABEL_UNKNOWN : 0;
    case KIND_REPORT:
        return is_unread(res->diagnostic_report->code) ? LABEL_UNKNOWN : 0;
    case KIND_MEDICATION:
        return is_unread(medicine_of(res)) ? LABEL_UNKNOWN : 0;
    case KIND_PRESCRIPTION:
        return is_unread(prescribed_of(res)) ? LABEL_UNKNOWN : 0;
    case KIND_PROCEDURE:
        return is_unread(res->procedure->code) ? LABEL_UNKNOWN : 0;
    case KIND_IMMUNIZATION:
        return is_unread(res->immunization->vaccine_code) ? LABEL_UNKNOWN : 0;
    case KIND_SERVICE:
        return is_unread(res->service_request->code) ? LABEL_UNKNOWN : 0;
    default:
        return 0;
    }
}

/* ---- one resource ---- */

int token_cmp(const struct token *a, const struct token *b)
{
    if (a->param != b->param)
        return a->param < b->param ? -1 : 1;
    return memcmp(a->hash, b->hash, TOKEN_HASH);
}

static int by_param_and_hash(const void *a, const void *b)
{
    return token_cmp(a, b);
}

/* Sorts the tokens and removes duplicates, because a token is a key of its table. */
static void once(struct found_by *f)
{
    size_t n = 0;

    if (f->n_tokens == 0)
        return;
    qsort(f->token, f->n_tokens, sizeof(*f->token), by_param_and_hash);
    for (size_t i = 1; i < f->n_tokens; i++)
        if (token_cmp(&f->token[n], &f->token[i]) != 0)
            f->token[++n] = f->token[i];
    f->n_tokens = n + 1;
}

static bool index_nobodys(struct sink *s, const Resource *res)
{
    switch (s->out->kind) {
    case KIND_PRACTITIONER:
        index_practitioner(s, res->practitioner);
        return true;
    case KIND_ORGANIZATION:
        index_organization(s, res->organization);
        return true;
    case KIND_LOCATION:
        index_location(s, res->location);
        return true;
    default:
        return false;
    }
}

/* Returns false if `res` has no resource. */
static bool index_kind(struct sink *s, const Resource *res)
{
    switch (s->out->kind) {
    case KIND_PATIENT:
        index_patient(s, res->patient);
        break;
    case KIND_ENCOUNTER:
        index_encounter(s, res->encounter);
        break;
    case KIND_OBSERVATION:
        index_observation(s, res->observation);
        break;
    case KIND_CONDITION:
        index_condition(s, res->condition);
        break;
    case KIND_ALLERGY:
        index_allergy(s, res->allergy_intolerance);
        break;
    case KIND_DOCUMENT:
        index_document(s, res->document_reference);
        break;
    case KIND_REPORT:
        index_report(s, res->diagnostic_report);
        break;
    case KIND_CONSENT:
        index_consent(s, res->consent);
        break;
    case KIND_MEDICATION:
        index_medication(s, res->medication_statement);
        break;
    case KIND_OTHER:
        index_other(s, res);
        break;
    case KIND_PRESCRIPTION:
        index_prescription(s, res->medication_request);
        break;
    case KIND_PROCEDURE:
        index_procedure(s, res->procedure);
        break;
    case KIND_IMMUNIZATION:
        index_immunization(s, res->immunization);
        break;
    case KIND_SERVICE:
        index_service(s, res->service_request);
        break;
    default:
        return index_nobodys(s, res);
    }
    return true;
}

enum ward_code index_of(struct ward_keyring *keys, struct ward_arena *mem, const Resource *res,
                        struct found_by *out, struct ward_err *err)
{
    struct found_by f = {.kind = resource_kind(res),
                         .wrong = resource_is_wrong(res),
                         .from_us = NO_DATE,
                         .to_us = NO_DATE,
                         .birth_us = NO_DATE};
    struct sink s = {.keys = keys, .mem = mem, .out = &f, .err = err};

    if (!index_kind(&s, res))
        return WARD_FAIL_FIELD(err, "resource", "has no resource");
    once(&f);
    f.labels |= label_unknown(res);
    if (s.code == WARD_OK)
        s.code = fhir_visit(mem, res, label_coding, &f, err);
    if (s.code == WARD_OK)
        *out = f;
    return s.code;
}
