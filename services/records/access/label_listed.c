#include "services/records/access/label_own.h"

#include "common/base/status.h"
#include "services/records/access/label.h"

#include <string.h>

#define LOINC_SYSTEM  "http://loinc.org"
#define SNOMED_SYSTEM "http://snomed.info/sct"

/* LOINC and SNOMED CT have no ranges, so what is here is a choice of what is common: the rest
 * needs its mark in meta.security. */
static const struct listed {
    const char *code;
    uint32_t labels;
} loinc[] = {
    {"29893-5", LABEL_HIV}, /* HIV 1 Ab [Presence] in Serum or Plasma by Immunoassay */
    {"31201-7", LABEL_HIV}, /* HIV 1+2 Ab [Presence] in Serum or Plasma by Immunoassay */
    {"56888-1", LABEL_HIV}, /* HIV 1+2 Ab+HIV1 p24 Ag [Presence] in Serum or Plasma */
    {"68961-2", LABEL_HIV}, /* HIV 1 Ab [Presence] in Serum, Plasma or Blood, rapid */
};

/* Source: OHDSI, Covid-19 phenotypes, HIV&AIDS (concepts mapped from ICD-10 B20-B24, R75, Z21),
 * https://github.com/OHDSI/Covid-19, checked 2026-11-21. */
static const struct listed snomed[] = {
    {"86406008", LABEL_HIV},    /* Human immunodeficiency virus infection */
    {"62479008", LABEL_HIV},    /* AIDS */
    {"91947003", LABEL_HIV},    /* Asymptomatic HIV infection */
    {"111880001", LABEL_HIV},   /* Acute HIV infection */
    {"165816005", LABEL_HIV},   /* HIV positive */
    {"699433000", LABEL_HIV},   /* HIV carrier */
    {"79019005", LABEL_HIV},    /* HIV II infection */
    {"81000119104", LABEL_HIV}, /* Symptomatic HIV infection */
    {"186706006", LABEL_HIV},   /* HIV infection constitutional disease */
    {"186707002", LABEL_HIV},   /* HIV infection with neurological disease */
    {"186708007", LABEL_HIV},   /* HIV infection with secondary infectious disease */
    {"281388009", LABEL_HIV},   /* HIV-related sclerosing cholangitis */
    {"402901009", LABEL_HIV},   /* Oral hairy leukoplakia associated with HIV disease */
    {"414604009", LABEL_HIV},   /* Leukoplakia of tongue associated with HIV disease */
    {"420403001", LABEL_HIV},   /* Pneumocystosis associated with AIDS */
    {"420524008", LABEL_HIV},   /* Kaposi's sarcoma associated with AIDS */
    {"420721002", LABEL_HIV},   /* AIDS-associated disorder */
    {"421695000", LABEL_HIV},   /* Abnormal weight loss associated with AIDS */
    {"422003001", LABEL_HIV},   /* Cachexia associated with AIDS */
    {"442537007", LABEL_HIV},   /* Non-Hodgkin lymphoma associated with HIV infection */
    {"697904001", LABEL_HIV},   /* Pulmonary arterial hypertension associated with HIV */
    {"713897006", LABEL_HIV},   /* Burkitt lymphoma co-occurrent with HIV infection */
};

static uint32_t listed(const struct listed *list, size_t n, const char *code)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i].code, code) == 0)
            return list[i].labels;
    return 0;
}

uint32_t label_of_listed(const char *system, const char *code)
{
    if (strcmp(system, LOINC_SYSTEM) == 0)
        return listed(loinc, WARD_COUNT(loinc), code);
    if (strcmp(system, SNOMED_SYSTEM) == 0)
        return listed(snomed, WARD_COUNT(snomed), code);
    return 0;
}
