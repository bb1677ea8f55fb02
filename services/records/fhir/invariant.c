/* Checks FHIR R4's invariants of the severity "rule". Each has its id
 * (https://hl7.org/fhir/R4/, "Constraints" of each type). Invariants of the severity
 * "guideline" or "warning" (con-3, dom-6) are not enforced. ele-1 is in check.c; the invariants
 * of quantities are in quantity.c. */
#include "services/records/fhir/fhir_own.h"

#include "common/measure/fhirtime.h"

#include <string.h>

#define OF(Type, m) ((const Ward__Records__V1__##Type *)(m))

static bool any(const char *s)
{
    return *text_of(s) != '\0';
}

/* ---- data types ---- */

/* Whether more_json has the extension's value, because its type has no field: "valueDosage". */
static bool has_other_value(struct fhir_checking *k, const Message *m)
{
    const struct ward_json *v;
    const char *text = field_more(m);

    if (*text == '\0' || ward_json_parse(text, strlen(text), NULL, k->mem, &v, NULL) != WARD_OK)
        return false;
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        if (strncmp(x->key, "value", 5) == 0 || strncmp(x->key, "_value", 6) == 0)
            return true;
    return false;
}

static enum ward_code extension(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    bool value = OF(Extension, m)->value_case != 0 || has_other_value(k, m);

    /* ext-1: must have either extensions or value[x], not both. */
    if (value == (OF(Extension, m)->n_extension > 0))
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID",
                         "must have either a value or extensions");
    return WARD_OK;
}

static enum ward_code narrative(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const char *s = text_of(OF(Narrative, m)->div);
    size_t n = strspn(s, " \t\r\n");

    /* txt-1, txt-2: an XHTML div. The div is stored unchanged: viewers must sanitise it. */
    if (strncmp(s + n, "<div", 4) != 0)
        return FHIR_PART_FAIL(k, err, "div", "FIELD_INVALID", "must be an XHTML div");
    return WARD_OK;
}

/* Checks a period. If only one of two times has a zone, the other may be in any zone. */
static enum ward_code period(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const char *start = text_of(OF(Period, m)->start), *end = text_of(OF(Period, m)->end);
    struct ward_fhirtime a, b;
    int64_t slack;

    if (*start == '\0' || *end == '\0')
        return WARD_OK;
    WARD_TRY(ward_fhirtime_parse(WARD_FHIR_DATETIME, start, strlen(start), 0, &a, err));
    WARD_TRY(ward_fhirtime_parse(WARD_FHIR_DATETIME, end, strlen(end), 0, &b, err));
    slack = a.has_offset == b.has_offset ? 0 : WARD_US_PER_DAY / 24 * 14;
    /* per-1: start has a lower value than end. The times are intervals: 2012 to 2012 is valid.
     */
    if (a.from_us - slack >= b.to_us)
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "ends before it starts");
    return WARD_OK;
}

static enum ward_code ratio(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Ward__Records__V1__Ratio *r = OF(Ratio, m);
    bool both = r->numerator != NULL && r->denominator != NULL;

    /* rat-1: a numerator and a denominator, or an extension without either. */
    if (!both && (r->numerator != NULL || r->denominator != NULL || r->n_extension == 0))
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID",
                         "must have both numerator and denominator");
    return WARD_OK;
}

static enum ward_code contact_point(struct fhir_checking *k, const Message *m,
                                    struct ward_err *err)
{
    /* cpt-2: a system is required if a value is provided. */
    if (any(OF(ContactPoint, m)->value) && OF(ContactPoint, m)->system == 0)
        return FHIR_PART_FAIL(k, err, "system", "FIELD_REQUIRED",
                              "is required if value is set");
    return WARD_OK;
}

static enum ward_code attachment(struct fhir_checking *k, const Message *m,
                                 struct ward_err *err)
{
    /* att-1: if it has data, it has a contentType. */
    if (OF(Attachment, m)->data.len > 0 && !any(OF(Attachment, m)->content_type))
        return FHIR_PART_FAIL(k, err, "contentType", "FIELD_REQUIRED",
                              "is required if data is set");
    return WARD_OK;
}

/* ref-1: has a contained resource if a local reference is provided. "#" refers to the
 * container.
 */
static enum ward_code reference(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const char *to = text_of(OF(Reference, m)->reference), *text = field_more(k->root);
    const struct ward_json *v = NULL;

    if (to[0] != '#' || to[1] == '\0')
        return WARD_OK;
    if (*text != '\0')
        WARD_TRY(ward_json_parse(text, strlen(text), NULL, k->mem, &v, err));
    v = ward_json_get(v, "contained");
    for (const struct ward_json *x = v == NULL ? NULL : v->first; x != NULL; x = x->next) {
        const char *id = ward_json_string(ward_json_get(x, "id"));

        if (id != NULL && strcmp(id, to + 1) == 0)
            return WARD_OK;
    }
    return FHIR_PART_FAIL(k, err, "reference", "REFERENCE_INVALID",
                          "names a contained resource that does not exist");
}

static enum ward_code sampled_data(struct fhir_checking *k, const Message *m,
                                   struct ward_err *err)
{
    const Ward__Records__V1__Quantity *q = OF(SampledData, m)->origin;

    /* sqt-1 */
    if (q != NULL && any(q->comparator))
        return FHIR_PART_FAIL(k, err, "origin", "FIELD_INVALID", "has a comparator");
    return WARD_OK;
}

/* ---- resources ---- */

static enum ward_code contact(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Ward__Records__V1__Patient__Contact *c = OF(Patient__Contact, m);

    /* pat-1: at least a contact's details or a reference to an organization. */
    if (c->name == NULL && c->n_telecom == 0 && c->address == NULL && c->organization == NULL)
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID",
                         "must have a name, telecom, address or organization");
    return WARD_OK;
}

static enum ward_code encounter(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    return fhir_duration(k, "length", OF(Encounter, m)->length, err);
}

static enum ward_code reference_range(struct fhir_checking *k, const Message *m,
                                      struct ward_err *err)
{
    const Ward__Records__V1__Observation__ReferenceRange *r =
        OF(Observation__ReferenceRange, m);

    /* obs-3: has at least a low, a high or a text. */
    if (r->low == NULL && r->high == NULL && !any(r->text))
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "must have low, high or text");
    /* sqt-1 */
    if ((r->low != NULL && any(r->low->comparator)) ||
        (r->high != NULL && any(r->high->comparator)))
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "has a comparator");
    return WARD_OK;
}

static bool same_coding(const Ward__Records__V1__Coding *a, const Ward__Records__V1__Coding *b)
{
    return strcmp(text_of(a->system), text_of(b->system)) == 0 &&
           strcmp(text_of(a->code), text_of(b->code)) == 0 &&
           strcmp(text_of(a->version), text_of(b->version)) == 0 &&
           strcmp(text_of(a->display), text_of(b->display)) == 0;
}

static bool intersects(const Ward__Records__V1__CodeableConcept *a,
                       const Ward__Records__V1__CodeableConcept *b)
{
    for (size_t i = 0; i < a->n_coding; i++)
        for (size_t j = 0; j < b->n_coding; j++)
            if (same_coding(a->coding[i], b->coding[j]))
                return true;
    return false;
}

static enum ward_code observation(struct fhir_checking *k, const Message *m,
                                  struct ward_err *err)
{
    const Ward__Records__V1__Observation *o = OF(Observation, m);

    /* obs-6: dataAbsentReason is only present if value[x] is not. */
    if (o->data_absent_reason != NULL && o->value_case != 0)
        return FHIR_PART_FAIL(k, err, "dataAbsentReason", "FIELD_INVALID",
                              "must not be set together with a value");
    /* obs-7: if a component has the observation's code, the observation has no value. */
    for (size_t i = 0; o->value_case != 0 && i < o->n_component; i++)
        if (intersects(o->code, o->component[i]->code))
            return FHIR_FAIL(err, &k->path, "FIELD_INVALID",
                             "has a value and a component of the same code");
    return WARD_OK;
}

/* Whether a CodeableConcept has a code of FHIR's system. */
static bool has_code(const Ward__Records__V1__CodeableConcept *c, const char *system,
                     const char *code)
{
    for (size_t i = 0; c != NULL && i < c->n_coding; i++)
        if (strcmp(text_of(c->coding[i]->system), system) == 0 &&
            strcmp(text_of(c->coding[i]->code), code) == 0)
            return true;
    return false;
}

#define TERMS "http://terminology.hl7.org/CodeSystem/"

static enum ward_code condition(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    static const char CLINICAL[] = TERMS "condition-clinical";
    const Ward__Records__V1__Condition *c = OF(Condition, m);
    const Ward__Records__V1__CodeableConcept *status = c->clinical_status;
    bool wrong =
        has_code(c->verification_status, TERMS "condition-ver-status", "entered-in-error");

    if (c->onset_case == WARD__RECORDS__V1__CONDITION__ONSET_ONSET_AGE)
        WARD_TRY(fhir_age(k, "onsetAge", c->onset_age, err));
    if (c->abatement_case == WARD__RECORDS__V1__CONDITION__ABATEMENT_ABATEMENT_AGE)
        WARD_TRY(fhir_age(k, "abatementAge", c->abatement_age, err));
    /* con-4: an abated condition has the clinicalStatus inactive, resolved or remission, unless
     * con-5 forbids a clinicalStatus. */
    if (c->abatement_case != 0 && !wrong && !has_code(status, CLINICAL, "inactive") &&
        !has_code(status, CLINICAL, "resolved") && !has_code(status, CLINICAL, "remission"))
        return FHIR_PART_FAIL(k, err, "clinicalStatus", "FIELD_INVALID",
                              "must be inactive, resolved or remission if an abatement is set");
    /* con-5: clinicalStatus is not present if verificationStatus is entered-in-error. */
    if (status != NULL && wrong)
        return FHIR_PART_FAIL(k, err, "clinicalStatus", "FIELD_INVALID",
                              "must not be set together with entered-in-error");
    return WARD_OK;
}

static enum ward_code stage(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    /* con-1: has summary or assessment. */
    if (OF(Condition__Stage, m)->summary == NULL && OF(Condition__Stage, m)->n_assessment == 0)
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "must have summary or assessment");
    return WARD_OK;
}

static enum ward_code evidence(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    /* con-2: has code or details. */
    if (OF(Condition__Evidence, m)->n_code == 0 && OF(Condition__Evidence, m)->n_detail == 0)
        return FHIR_FAIL(err, &k->path, "FIELD_INVALID", "must have code or detail");
    return WARD_OK;
}

static enum ward_code allergy(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Ward__Records__V1__AllergyIntolerance *a = OF(AllergyIntolerance, m);
    bool wrong = has_code(a->verification_status, TERMS "allergyintolerance-verification",
                          "entered-in-error");

    if (a->onset_case == WARD__RECORDS__V1__ALLERGY_INTOLERANCE__ONSET_ONSET_AGE)
        WARD_TRY(fhir_age(k, "onsetAge", a->onset_age, err));
    /* ait-1: clinicalStatus is present if verificationStatus is not entered-in-error. */
    if (!wrong && a->clinical_status == NULL)
        return FHIR_PART_FAIL(k, err, "clinicalStatus", "FIELD_REQUIRED", "is missing");
    /* ait-2: clinicalStatus is not present if verificationStatus is entered-in-error. */
    if (wrong && a->clinical_status != NULL)
        return FHIR_PART_FAIL(k, err, "clinicalStatus", "FIELD_INVALID",
                              "must not be set together with entered-in-error");
    return WARD_OK;
}

static enum ward_code medication(struct fhir_checking *k, const Message *m,
                                 struct ward_err *err)
{
    /* medication[x] has cardinality 1..1. */
    if (OF(MedicationStatement, m)->medication_case == 0)
        return FHIR_PART_FAIL(k, err, "medication", "FIELD_REQUIRED", "is missing");
    return WARD_OK;
}

static enum ward_code consent(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    /* ppc-1: either a policy or a policyRule. */
    if (OF(Consent, m)->n_policy == 0 && OF(Consent, m)->policy_rule == NULL)
        return FHIR_PART_FAIL(k, err, "policyRule", "FIELD_REQUIRED",
                              "and policy are both missing");
    return WARD_OK;
}

enum ward_code fhir_invariants(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
#define TYPE(name) &ward__records__v1__##name##__descriptor
    static const struct {
        const MessageType *type;
        enum ward_code (*holds)(struct fhir_checking *k, const Message *m,
                                struct ward_err *err);
    } of[] = {
        {TYPE(extension), extension},
        {TYPE(narrative), narrative},
        {TYPE(quantity), fhir_quantity},
        {TYPE(range), fhir_range},
        {TYPE(ratio), ratio},
        {TYPE(period), period},
        {TYPE(sampled_data), sampled_data},
        {TYPE(contact_point), contact_point},
        {TYPE(attachment), attachment},
        {TYPE(reference), reference},
        {TYPE(patient__contact), contact},
        {TYPE(encounter), encounter},
        {TYPE(observation), observation},
        {TYPE(observation__reference_range), reference_range},
        {TYPE(condition), condition},
        {TYPE(condition__stage), stage},
        {TYPE(condition__evidence), evidence},
        {TYPE(allergy_intolerance), allergy},
        {TYPE(medication_statement), medication},
        {TYPE(timing__repeat), fhir_timing},
        {TYPE(dosage), fhir_dosage},
        {TYPE(dosage__dose_and_rate), fhir_dose_and_rate},
        {TYPE(medication_request), fhir_prescription},
        {TYPE(medication_request__initial_fill), fhir_initial_fill},
        {TYPE(medication_request__dispense_request), fhir_dispense},
        {TYPE(medication_request__substitution), fhir_substitution},
        {TYPE(procedure), fhir_procedure},
        {TYPE(immunization), fhir_immunization},
        {TYPE(immunization__education), fhir_education},
        {TYPE(immunization__protocol_applied), fhir_protocol},
        {TYPE(service_request), fhir_service},
        {TYPE(organization), fhir_organization},
        {TYPE(consent), consent},
        {TYPE(other), fhir_other},
    };
#undef TYPE

    for (size_t i = 0; i < WARD_COUNT(of); i++)
        if (of[i].type == m->descriptor)
            return of[i].holds(k, m, err);
    return WARD_OK;
}
