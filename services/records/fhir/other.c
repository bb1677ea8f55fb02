/* Resources of uninterpreted kinds: finds the patient, and whether the resource was entered in
 * error.
 * Source: HL7 FHIR R4, https://hl7.org/fhir/R4/compartmentdefinition-patient.html: the elements
 * that relate kinds to a patient. */
#include "services/records/fhir/fhir_own.h"

#include <string.h>
#include <strings.h>

#define TYPE_MAX 63

/* Whether a name is a misspelled interpreted kind: "OBSERVATION". */
static bool is_slip(const char *name)
{
    const MessageType *type = &ward__records__v1__resource__descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        const char *kind =
            ((const MessageType *)(const void *)type->fields[i].descriptor)->short_name;

        if (strcasecmp(kind, name) == 0 && strcmp(kind, name) != 0)
            return true;
    }
    return false;
}

bool fhir_is_type(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    return n > 0 && n <= TYPE_MAX && name[n] == '\0' && *name <= 'Z' && !is_slip(name);
}

const struct ward_json *fhir_other_whom(const struct ward_json *resource)
{
    static const char *const names[] = {"patient",    "subject", "beneficiary",
                                        "individual", "for",     "candidate"};

    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        const struct ward_json *v = ward_json_get(resource, names[i]);

        if (ward_json_is(v, WARD_JSON_OBJECT))
            return v;
    }
    return NULL;
}

struct named {
    const char *text;
    bool several;
};

/* NOLINTNEXTLINE(misc-no-recursion): a parsed text nests at most WARD_JSON_DEPTH deep */
static void find_named(const struct ward_json *v, struct named *out)
{
    for (const struct ward_json *x = v->first; x != NULL; x = x->next) {
        const char *s = ward_json_string(x);

        if (s != NULL && x->key != NULL && strcmp(x->key, "reference") == 0 &&
            (strncmp(s, "Patient/", 8) == 0 || strstr(s, "/Patient/") != NULL)) {
            out->several = out->several || (out->text != NULL && strcmp(out->text, s) != 0);
            out->text = s;
        }
        find_named(x, out);
    }
}

const char *fhir_other_named(const struct ward_json *resource)
{
    struct named n = {.text = NULL};

    find_named(resource, &n);
    return n.several ? NULL : n.text;
}

bool fhir_other_is_wrong(const struct ward_json *resource)
{
    static const char *const names[] = {"status", "lifecycleStatus"};

    for (size_t i = 0; i < WARD_COUNT(names); i++) {
        const char *s = ward_json_string(ward_json_get(resource, names[i]));

        if (s != NULL && strcmp(s, "entered-in-error") == 0)
            return true;
    }
    return false;
}

/* NOLINTNEXTLINE(misc-no-recursion): a parsed text nests at most WARD_JSON_DEPTH deep */
int fhir_depth(const struct ward_json *v)
{
    int most = 0;

    if (v->kind != WARD_JSON_OBJECT && v->kind != WARD_JSON_ARRAY)
        return 0;
    for (const struct ward_json *x = v->first; x != NULL; x = x->next) {
        int d = fhir_depth(x);

        most = d > most ? d : most;
    }
    return most + 1;
}

/* ---- without a patient ---- */

/* Whether a kind has no patient. Source: HL7 FHIR R4, the kinds outside of
 * https://hl7.org/fhir/R4/compartmentdefinition-patient.html that describe people,
 * organizations, places, products and definitions. */
static bool is_nobodys(const char *type)
{
    static const char *const types[] = {"ActivityDefinition",
                                        "CapabilityStatement",
                                        "ChargeItemDefinition",
                                        "CodeSystem",
                                        "ConceptMap",
                                        "Device",
                                        "DeviceDefinition",
                                        "Endpoint",
                                        "EventDefinition",
                                        "HealthcareService",
                                        "InsurancePlan",
                                        "Library",
                                        "Location",
                                        "Measure",
                                        "Medication",
                                        "MedicationKnowledge",
                                        "NamingSystem",
                                        "ObservationDefinition",
                                        "OperationDefinition",
                                        "Organization",
                                        "OrganizationAffiliation",
                                        "PlanDefinition",
                                        "Practitioner",
                                        "PractitionerRole",
                                        "Questionnaire",
                                        "ResearchStudy",
                                        "SearchParameter",
                                        "SpecimenDefinition",
                                        "StructureDefinition",
                                        "Substance",
                                        "ValueSet"};

    for (size_t i = 0; i < WARD_COUNT(types); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

/* NOLINTNEXTLINE(misc-no-recursion): a parsed text nests at most WARD_JSON_DEPTH deep */
bool fhir_names_patient(const struct ward_json *v)
{
    static const char PATIENT[] = "Patient";
    const char *s = ward_json_string(v);

    if (s != NULL)
        return strcmp(s, PATIENT) == 0 || strncmp(s, "Patient/", 8) == 0 ||
               strncmp(s, "Patient?", 8) == 0 || strstr(s, "/Patient/") != NULL;
    if (v->kind != WARD_JSON_OBJECT && v->kind != WARD_JSON_ARRAY)
        return false;
    for (const struct ward_json *x = v->first; x != NULL; x = x->next)
        if (fhir_names_patient(x))
            return true;
    return false;
}

static enum ward_code of_nobody(struct fhir_checking *k, const Ward__Records__V1__Other *o,
                                struct ward_err *err)
{
    const struct ward_json *v = NULL;

    if (*o->json != '\0')
        WARD_TRY(ward_json_parse(o->json, strlen(o->json), NULL, k->mem, &v, err));
    if (!is_nobodys(o->type) || (v != NULL && fhir_names_patient(v)))
        return FHIR_PART_FAIL(k, err, "subject", "REFERENCE_INVALID",
                              "the elements that Ward reads do not name exactly one patient");
    return WARD_OK;
}

enum ward_code fhir_other(struct fhir_checking *k, const Message *m, struct ward_err *err)
{
    const Ward__Records__V1__Other *o = (const Ward__Records__V1__Other *)(const void *)m;

    if (!fhir_is_type(o->type))
        return FHIR_PART_FAIL(k, err, "type", "FIELD_INVALID",
                              "must be 1 to 63 characters of A-Z a-z, the first one a capital");
    return o->subject == NULL ? of_nobody(k, o, err) : WARD_OK;
}
