/* The parameters of Search, with FHIR R4's names. Source: HL7 FHIR R4, the "Search Parameters"
 * of each resource's page, https://hl7.org/fhir/R4/searchparameter-registry.html. */
#include "services/records/search/search.h"

#include <string.h>

#define P KIND_BIT(KIND_PATIENT)
#define E KIND_BIT(KIND_ENCOUNTER)
#define O KIND_BIT(KIND_OBSERVATION)
#define C KIND_BIT(KIND_CONDITION)
#define A KIND_BIT(KIND_ALLERGY)
#define D KIND_BIT(KIND_DOCUMENT)
#define R KIND_BIT(KIND_REPORT)
#define N KIND_BIT(KIND_CONSENT)
#define M KIND_BIT(KIND_MEDICATION)
#define Q KIND_BIT(KIND_PRESCRIPTION)
#define U KIND_BIT(KIND_PROCEDURE)
#define I KIND_BIT(KIND_IMMUNIZATION)
#define S KIND_BIT(KIND_SERVICE)
#define X KIND_BIT(KIND_OTHER)
#define T KIND_BIT(KIND_PRACTITIONER)
#define G KIND_BIT(KIND_ORGANIZATION)
#define L KIND_BIT(KIND_LOCATION)

#define ALL    KINDS_ALL
#define CHARTS (KINDS_ALL & ~KINDS_NOBODYS)
#define REF                                                                                    \
    {                                                                                          \
        PARAM_REFERENCE                                                                        \
    }
#define NAMES                                                                                  \
    {                                                                                          \
        PARAM_FAMILY, PARAM_GIVEN, PARAM_NAME_TEXT                                             \
    }
#define PEOPLE "Practitioner PractitionerRole Organization CareTeam Patient RelatedPerson"
#define WRITER "Practitioner PractitionerRole Patient RelatedPerson"

const struct search_param search_params[] = {
    {"_id", ALL, ASK_ID, {0}, "id", ""},
    {"_lastUpdated", ALL, ASK_UPDATED, {0}, "meta.lastUpdated", ""},
    {"_type", X, ASK_CODE, {PARAM_TYPE}, "resourceType", ""},
    {"identifier", ALL, ASK_IDENTIFIER, {PARAM_IDENTIFIER}, "identifier", ""},
    {"patient", CHARTS & ~P, ASK_PATIENT, {0}, "subject, patient", ""},
    {"subject", CHARTS & ~P, ASK_PATIENT, {0}, "subject, patient", ""},
    {"status", E | O | D | R | N | M | Q | U | I | S, ASK_STATUS, {0}, "status", ""},
    {"encounter", O | C | A | D | R | Q | U | I | S, ASK_REFERENCE, REF,
     "encounter, context.encounter", ""},

    {"name", P | T | G | L, ASK_NAME, NAMES, "name, all of it; alias", ""},
    {"family", P | T, ASK_NAME, {PARAM_FAMILY}, "name.family", ""},
    {"given", P | T, ASK_NAME, {PARAM_GIVEN}, "name.given", ""},
    {"birthdate", P, ASK_DATE, {0}, "birthDate", ""},
    {"death-date", P, ASK_SECOND, {0}, "deceasedDateTime", ""},
    {"gender", P | T, ASK_CODE, {PARAM_GENDER}, "gender", ""},
    {"active", P | T | G, ASK_CODE, {PARAM_ACTIVE}, "active (true if missing)", ""},
    {"deceased", P, ASK_CODE, {PARAM_DECEASED}, "deceased[x]", ""},
    {"telecom", P | T, ASK_TELECOM, {PARAM_TELECOM}, "telecom", ""},
    {"phone", P | T, ASK_TELECOM, {PARAM_TELECOM}, "telecom", ""},
    {"email", P | T, ASK_TELECOM, {PARAM_TELECOM}, "telecom", ""},
    {"address-postalcode",
     P | T | G | L,
     ASK_POSTAL,
     {PARAM_POSTAL_CODE},
     "address.postalCode",
     ""},
    {"language", P, ASK_CODE, {PARAM_LANGUAGE}, "communication.language", ""},
    {"general-practitioner", P, ASK_REFERENCE, REF, "generalPractitioner", PEOPLE},
    {"organization", P, ASK_REFERENCE, REF, "managingOrganization", "Organization"},
    {"link", P, ASK_REFERENCE, REF, "link.other", "RelatedPerson"},
    {"communication", T, ASK_CODE, {PARAM_LANGUAGE}, "communication", ""},
    {"organization", L, ASK_REFERENCE, REF, "managingOrganization", "Organization"},
    {"partof", G | L, ASK_REFERENCE, REF, "partOf", "Organization Location"},
    {"status", L, ASK_CODE, {PARAM_STATUS}, "status", ""},

    {"class", E, ASK_CODE, {PARAM_CLASS}, "class", ""},
    {"type", E | D | G | L, ASK_CODE, {PARAM_CODE}, "type", ""},
    {"reason-code", E | U | I, ASK_CODE, {PARAM_REASON}, "reasonCode", ""},
    {"location", E, ASK_WARD, {PARAM_WARD}, "location.location", "Location"},
    {"participant", E, ASK_REFERENCE, REF, "participant.individual", WRITER},
    {"practitioner", E, ASK_REFERENCE, REF, "participant.individual", "Practitioner"},
    {"service-provider", E, ASK_REFERENCE, REF, "serviceProvider", "Organization"},
    {"part-of", E | O | M | U, ASK_REFERENCE, REF, "partOf", ""},
    {"diagnosis", E, ASK_REFERENCE, REF, "diagnosis.condition", ""},
    {"episode-of-care", E, ASK_REFERENCE, REF, "episodeOfCare", "EpisodeOfCare"},

    {"code",
     O | C | A | R | M | Q | U | S | X,
     ASK_CODE,
     {PARAM_CODE},
     "code; reaction.substance; medicationCodeableConcept; every coding of an Other",
     ""},
    {"category",
     O | C | A | D | R | N | M | Q | U | S,
     ASK_CODE,
     {PARAM_CATEGORY},
     "category",
     ""},
    {"value-quantity", O, ASK_QUANTITY, {0}, "valueQuantity", ""},
    {"value-concept",
     O,
     ASK_CODE,
     {PARAM_VALUE_CONCEPT},
     "valueCodeableConcept, also of components",
     ""},
    {"component-code", O, ASK_CODE, {PARAM_COMPONENT_CODE}, "component.code", ""},
    {"combo-code", O, ASK_CODE, {PARAM_CODE, PARAM_COMPONENT_CODE}, "code, component.code", ""},
    {"has-member", O, ASK_REFERENCE, REF, "hasMember", ""},
    {"derived-from", O, ASK_REFERENCE, REF, "derivedFrom", ""},
    {"based-on", E | O | R | U | S, ASK_REFERENCE, REF, "basedOn", "ServiceRequest CarePlan"},
    {"focus", O, ASK_REFERENCE, REF, "focus", ""},
    {"performer", O | R | U | I | S, ASK_REFERENCE, REF, "performer", PEOPLE},
    {"device", O, ASK_REFERENCE, REF, "device", "Device DeviceMetric"},
    {"specimen", O | R | S, ASK_REFERENCE, REF, "specimen", "Specimen"},

    {"clinical-status", C | A, ASK_CODE, {PARAM_CLINICAL_STATUS}, "clinicalStatus", ""},
    {"verification-status",
     C | A,
     ASK_CODE,
     {PARAM_VERIFICATION_STATUS},
     "verificationStatus",
     ""},
    {"severity", C, ASK_CODE, {PARAM_SEVERITY}, "severity", ""},
    {"criticality", A, ASK_CODE, {PARAM_SEVERITY}, "criticality", ""},
    {"asserter", C | A, ASK_REFERENCE, REF, "asserter", WRITER},
    {"recorder", A, ASK_REFERENCE, REF, "recorder", WRITER},
    {"evidence-detail", C, ASK_REFERENCE, REF, "evidence.detail", ""},
    {"onset-date", C, ASK_DATE, {0}, "onsetDateTime, onsetPeriod", ""},
    {"recorded-date", C, ASK_SECOND, {0}, "recordedDate", ""},

    {"type", A, ASK_CODE, {PARAM_TYPE}, "type", ""},
    {"onset", A, ASK_DATE, {0}, "onsetDateTime, onsetPeriod", ""},
    {"date", A, ASK_SECOND, {0}, "recordedDate", ""},

    {"author", D, ASK_REFERENCE, REF, "author", PEOPLE " Device"},
    {"authenticator", D, ASK_REFERENCE, REF, "authenticator", "Practitioner Organization"},
    {"custodian", D, ASK_REFERENCE, REF, "custodian", "Organization"},
    {"event", D, ASK_CODE, {PARAM_REASON}, "context.event", ""},
    {"period", D, ASK_SECOND, {0}, "context.period", ""},
    {"related", D, ASK_REFERENCE, REF, "context.related", ""},
    {"relatesto", D, ASK_REFERENCE, REF, "relatesTo.target", ""},

    {"issued", O | R, ASK_SECOND, {0}, "issued", ""},
    {"result", R, ASK_REFERENCE, REF, "result", ""},
    {"conclusion", R, ASK_CODE, {PARAM_CONCLUSION}, "conclusionCode", ""},
    {"results-interpreter", R, ASK_REFERENCE, REF, "resultsInterpreter", PEOPLE},

    {"context", M, ASK_REFERENCE, REF, "context", ""},
    {"effective", M, ASK_DATE, {0}, "effective[x]", ""},
    {"medication", M | Q, ASK_REFERENCE, REF, "medicationReference", "Medication"},
    {"source", M, ASK_REFERENCE, REF, "informationSource", WRITER " Organization"},

    {"intent", Q | S, ASK_CODE, {PARAM_TYPE}, "intent", ""},
    {"priority", Q | S, ASK_CODE, {PARAM_SEVERITY}, "priority", ""},
    {"requester", Q | S, ASK_REFERENCE, REF, "requester", PEOPLE " Device"},
    {"authoredon", Q, ASK_DATE, {0}, "authoredOn", ""},
    {"authored", S, ASK_DATE, {0}, "authoredOn", ""},
    {"occurrence", S, ASK_SECOND, {0}, "occurrenceDateTime, occurrencePeriod", ""},
    {"replaces", S, ASK_REFERENCE, REF, "replaces", "ServiceRequest"},
    {"vaccine-code", I, ASK_CODE, {PARAM_CODE}, "vaccineCode", ""},
    {"manufacturer", I, ASK_REFERENCE, REF, "manufacturer", "Organization"},
    {"reaction", I, ASK_REFERENCE, REF, "reaction.detail", "Observation"},
    {"reason-reference", U | I, ASK_REFERENCE, REF, "reasonReference", ""},

    {"scope", N, ASK_CODE, {PARAM_CODE}, "scope", ""},
    {"date",
     E | O | D | R | N | U | I | X,
     ASK_DATE,
     {0},
     "period; effective[x]; date; dateTime; performedDateTime, performedPeriod;"
     " occurrenceDateTime; for an Other the first date of a list of elements (see below)",
     ""},
    {0},
};

const struct search_param *search_param_of(enum kind kind, const char *name)
{
    for (const struct search_param *p = search_params; p->name != NULL; p++)
        if ((p->kinds & KIND_BIT(kind)) != 0 && strcmp(p->name, name) == 0)
            return p;
    return NULL;
}

/* Codes of each kind, at the numbers of the kind's enum Status; "": unused number. */
static const char *const statuses[KINDS][12] = {
    [KIND_ENCOUNTER] = {"", "planned", "arrived", "triaged", "in-progress", "onleave",
                        "finished", "cancelled", "entered-in-error", "unknown"},
    [KIND_OBSERVATION] = {"", "registered", "preliminary", "final", "amended", "corrected",
                          "cancelled", "entered-in-error", "unknown"},
    [KIND_DOCUMENT] = {"", "current", "superseded", "entered-in-error"},
    [KIND_REPORT] = {"", "registered", "partial", "preliminary", "final", "amended",
                     "corrected", "appended", "cancelled", "entered-in-error", "unknown"},
    [KIND_CONSENT] = {"", "draft", "proposed", "active", "rejected", "inactive",
                      "entered-in-error"},
    [KIND_MEDICATION] = {"", "active", "completed", "entered-in-error", "intended", "stopped",
                         "on-hold", "unknown", "not-taken"},
    [KIND_PRESCRIPTION] = {"", "active", "on-hold", "cancelled", "completed",
                           "entered-in-error", "stopped", "draft", "unknown"},
    [KIND_PROCEDURE] = {"", "preparation", "in-progress", "not-done", "on-hold", "stopped",
                        "completed", "entered-in-error", "unknown"},
    [KIND_IMMUNIZATION] = {"", "completed", "entered-in-error", "not-done"},
    [KIND_SERVICE] = {"", "draft", "active", "on-hold", "revoked", "completed",
                      "entered-in-error", "unknown"},
};

int search_status_of(enum kind kind, const char *code)
{
    for (int i = 1; i < (int)WARD_COUNT(statuses[kind]) && statuses[kind][i] != NULL; i++)
        if (strcmp(statuses[kind][i], code) == 0)
            return i;
    return 0;
}

/* ---- the documentation's table ---- */

static const char *how(const struct search_param *p)
{
    static const char *const words[] = {
        [ASK_ID] = "id",
        [ASK_UPDATED] = "date",
        [ASK_PATIENT] = "patient",
        [ASK_STATUS] = "code",
        [ASK_CODE] = "token",
        [ASK_REFERENCE] = "reference",
        [ASK_WARD] = "reference",
        [ASK_IDENTIFIER] = "identifier",
        [ASK_NAME] = "name",
        [ASK_TELECOM] = "telecom",
        [ASK_POSTAL] = "whole text",
        [ASK_DATE] = "date",
        [ASK_SECOND] = "date",
        [ASK_QUANTITY] = "quantity",
    };

    return words[p->ask];
}

static const char *modifiers(const struct search_param *p)
{
    switch (p->ask) {
    case ASK_ID:
    case ASK_UPDATED:
    case ASK_PATIENT:
        return "";
    case ASK_STATUS:
        return "`:not`";
    case ASK_CODE:
        return "`:not` `:missing`";
    case ASK_NAME:
        return "`:exact` `:missing`";
    case ASK_REFERENCE:
        if (strcmp(p->name, "encounter") == 0)
            return "`:missing`";
        return *p->targets == '\0' ? "" : "`:<type>`";
    case ASK_WARD:
        return "`:missing` `:<type>`";
    default:
        return "`:missing`";
    }
}

static char *kinds_of(struct ward_arena *mem, uint32_t kinds)
{
    char *out = ward_printf(mem, "%s", kinds == ALL ? "every kind" : "");

    for (enum kind k = KIND_PATIENT; out != NULL && kinds != ALL && k < KINDS; k++)
        if ((kinds & KIND_BIT(k)) != 0)
            out = ward_printf(mem, "%s%s%s", out, *out == '\0' ? "" : ", ", kind_name(k));
    return out;
}

char *search_params_print(struct ward_arena *mem)
{
    char *out = ward_printf(mem, "| parameter | kinds | type | modifiers | searches |\n"
                                 "|---|---|---|---|---|\n");

    for (const struct search_param *p = search_params; out != NULL && p->name != NULL; p++)
        out = ward_printf(mem, "%s| `%s` | %s | %s | %s | %s |\n", out, p->name,
                          kinds_of(mem, p->kinds), how(p), modifiers(p), p->elements);
    return out;
}
