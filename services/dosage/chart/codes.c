/* Codes that are read from a chart. */
#include "services/dosage/chart/facts.h"

#include <string.h>

#define SNOMED "http://snomed.info/sct"
#define ABSENT "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"

/* Source: LOINC (https://loinc.org/<code>), Regenstrief Institute, long common names; weights
 * and heights also HL7 FHIR R4 observation-vitalsigns. Checked 2026-11-21.
 *
 * Omitted on purpose: estimated weights and heights (8335-2, 8301-4), dry and ideal weights,
 * birth weight and length (8339-4, 8305-5). eGFR "among blacks" (48643-1, 88293-6):
 * laboratories that used a factor for race reported two values of one sample, and the higher
 * value is not a safe bound. Source: Delgado et al., A Unifying Approach for GFR Estimation:
 * Recommendations of the NKF-ASN Task Force, JASN 32:2994 (2021), doi:10.1681/ASN.2021070988.
 * eGFR of one sex alone (50044-7, 70969-1), for the same reason. */
const struct facts_code facts_codes[] = {
    {"29463-7", GROUP_WEIGHT, false}, /* Body weight */
    {"3141-9", GROUP_WEIGHT, false},  /* Body weight Measured */
    {"8350-1", GROUP_WEIGHT, false},  /* Body weight Measured --with clothes */
    {"8351-9", GROUP_WEIGHT, false},  /* Body weight Measured --without clothes */
    {"3142-7", GROUP_WEIGHT, true},   /* Body weight Stated */
    {"8302-2", GROUP_HEIGHT, false},  /* Body height */
    {"3137-7", GROUP_HEIGHT, false},  /* Body height Measured */
    {"8306-3", GROUP_HEIGHT, false},  /* Body height --lying */
    {"8308-9", GROUP_HEIGHT, false},  /* Body height --standing */
    {"3138-5", GROUP_HEIGHT, true},   /* Body height Stated */
    {"2160-0", GROUP_CREATININE, 0},  /* Creatinine [Mass/volume] in Serum or Plasma */
    {"14682-9", GROUP_CREATININE, 0}, /* Creatinine [Moles/volume] in Serum or Plasma */
    {"77139-4", GROUP_CREATININE, 0}, /* Creatinine [Mass/volume] in Serum, Plasma or Blood */
    {"77140-2", GROUP_CREATININE, 0}, /* Creatinine [Moles/volume] in Serum, Plasma or Blood */
    {"38483-4", GROUP_CREATININE, 0}, /* Creatinine [Mass/volume] in Blood */
    {"59826-8", GROUP_CREATININE, 0}, /* Creatinine [Moles/volume] in Blood */
    /* Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] ... */
    {"98979-8", GROUP_EGFR, false}, /* eGFR by Creatinine-based formula (CKD-EPI 2021) */
    {"98980-6", GROUP_EGFR, false}, /* eGFR by Creatinine and Cystatin C (CKD-EPI 2021) */
    {"62238-1", GROUP_EGFR, false}, /* eGFR by Creatinine-based formula (CKD-EPI) */
    {"33914-3", GROUP_EGFR, false}, /* eGFR by Creatinine-based formula (MDRD) */
    {"50210-4", GROUP_EGFR, false}, /* eGFR by Cystatin-based formula */
    {"50384-7", GROUP_EGFR, false}, /* eGFR by Creatinine-based formula (Schwartz) */
    {"88294-4", GROUP_EGFR, false}, /* eGFR among non-blacks, CKD-EPI: the lower value */
    {"48642-3", GROUP_EGFR, false}, /* eGFR among non-blacks, MDRD: the lower value */
    {NULL, FACTS_GROUPS, false},
};

const struct facts_code *facts_code_of(const char *loinc)
{
    for (const struct facts_code *f = facts_codes; f->loinc != NULL; f++)
        if (strcmp(f->loinc, loinc) == 0)
            return f;
    return NULL;
}

struct says {
    const char *system, *code;
};

static bool among(const struct says *list, size_t n, const char *system, const char *code)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].system, system) == 0 && strcmp(list[i].code, code) == 0)
            return true;
    return false;
}

/* Source: HL7 FHIR R4, value set allergyintolerance-code ("Negation codes"), and HL7
 * International Patient Summary 1.1, absent-unknown-uv-ips. Checked 2026-11-21. */
bool facts_none_known(const char *system, const char *code)
{
    static const struct says LIST[] = {
        {SNOMED, "716186003"}, /* No known allergy */
        {SNOMED, "409137002"}, /* No known history of drug allergy */
        {ABSENT, "no-known-allergies"},
        {ABSENT, "no-known-medication-allergies"},
    };

    return among(LIST, WARD_COUNT(LIST), system, code);
}

bool facts_says_nothing(const char *system, const char *code)
{
    static const struct says LIST[] = {
        {SNOMED, "429625007"}, /* No known food allergy */
        {SNOMED, "428607008"}, /* No known environmental allergy */
        {ABSENT, "no-known-environmental-allergies"},
        {ABSENT, "no-known-food-allergies"},
        {ABSENT, "no-allergy-info"},
    };

    return among(LIST, WARD_COUNT(LIST), system, code);
}
