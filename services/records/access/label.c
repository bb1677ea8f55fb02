#include "services/records/access/label.h"

#include "common/base/status.h"
#include "services/records/access/label_own.h"

#include <string.h>

/* Code systems, without the scheme: URLs, and OIDs as in CDA documents. Source: HL7 FHIR R4,
 * Using Codes, table of code systems, https://hl7.org/fhir/R4/terminologies-systems.html; HL7
 * OID Registry, https://www.hl7.org/oid; for Germany https://simplifier.net/basisprofil-de-r4;
 * for China WS/T 500-2016, shared documents of electronic records (diagnoses by ICD-10 in
 * 2.16.156.10011.2.3.3.11 and its tables .1, .2, .3 ...); WHO ICD API,
 * https://icd.who.int/icdapi/docs2/SupportedClassifications/. These sources were not
 * checked. */
static const struct system {
    const char *name;
    bool begins; /* the entry covers all systems with this prefix */
    enum { ICD_10, ICD_11, ICD_9, LISTED } what;
    const char *listed; /* the system's name in label_listed.c */
} systems[] = {
    {"hl7.org/fhir/sid/icd-10", true, ICD_10, NULL}, /* also -cm, -gm, -nl ... */
    {"2.16.840.1.113883.6.3", false, ICD_10, NULL},
    {"2.16.840.1.113883.6.90", false, ICD_10, NULL},    /* CM */
    {"2.16.156.10011.2.3.3.11", false, ICD_10, NULL},   /* China */
    {"2.16.156.10011.2.3.3.11.", true, ICD_10, NULL},   /* tables of the preceding OID */
    {"id.who.int/icd/release/10", false, ICD_10, NULL}, /* WHO */
    {"id.who.int/icd/release/10/", true, ICD_10, NULL},
    {"fhir.de/CodeSystem/bfarm/icd-10-gm", false, ICD_10, NULL},
    {"fhir.de/CodeSystem/dimdi/icd-10-gm", false, ICD_10, NULL},
    {"hl7.org/fhir/sid/icd-11", false, ICD_11, NULL},
    {"id.who.int/icd/release/11", false, ICD_11, NULL},
    {"id.who.int/icd/release/11/", true, ICD_11, NULL}, /* followed by a release and "mms" */
    {"hl7.org/fhir/sid/icd-9-cm", true, ICD_9, NULL},
    {"2.16.840.1.113883.6.2", false, ICD_9, NULL},
    {"2.16.840.1.113883.6.42", false, ICD_9, NULL},
    {"2.16.840.1.113883.6.103", false, ICD_9, NULL}, /* diagnoses */
    {"loinc.org", false, LISTED, LABEL_LOINC},
    {"2.16.840.1.113883.6.1", false, LISTED, LABEL_LOINC},
    {"snomed.info/sct", false, LISTED, LABEL_SNOMED},
    {"2.16.840.1.113883.6.96", false, LISTED, LABEL_SNOMED},
};

uint32_t label_of_security(const char *system, const char *code)
{
    static const struct {
        const char *code;
        uint32_t label;
    } codes[] = {{"PSY", LABEL_PSY}, {"HIV", LABEL_HIV}, {"STD", LABEL_STD},
                 {"ETH", LABEL_ETH}, {"SDV", LABEL_SDV}, {"GDIS", LABEL_GDIS},
                 {"SEX", LABEL_SEX}};

    if (strcmp(system, LABEL_SYSTEM) != 0)
        return 0;
    for (size_t i = 0; i < WARD_COUNT(codes); i++)
        if (strcmp(code, codes[i].code) == 0)
            return codes[i].label;
    return 0;
}

/* Blocks and categories of ICD-10, without the dot. Each range includes the subcategories of
 * its first and last category.
 * Source: WHO, ICD-10 Version:2019, https://icd.who.int/browse10/2019/en; codes marked CM exist
 * only in ICD-10-CM: CDC/NCHS, ICD-10-CM 2025 tabular list,
 * https://www.cdc.gov/nchs/icd/icd-10-cm/files.html. */
static const struct label_range icd_10[] = {
    {"F00", "F99", LABEL_PSY},      /* chapter V */
    {"F024", "F024", LABEL_HIV},    /* dementia in HIV disease */
    {"F10", "F19", LABEL_ETH},      /* disorders due to psychoactive substances */
    {"F52", "F52", LABEL_SEX},      /* sexual dysfunction */
    {"F64", "F66", LABEL_SEX},      /* gender identity, preference, orientation */
    {"X60", "X84", LABEL_PSY},      /* intentional self-harm */
    {"R4585", "R4585", LABEL_PSY},  /* CM: suicidal and homicidal ideations */
    {"T1491", "T1491", LABEL_PSY},  /* CM: suicide attempt */
    {"Z864", "Z864", LABEL_ETH},    /* history of psychoactive substance abuse */
    {"Z865", "Z865", LABEL_PSY},    /* history of other mental disorders */
    {"Z915", "Z915", LABEL_PSY},    /* history of self-harm */
    {"E244", "E244", LABEL_ETH},    /* alcohol-induced pseudo-Cushing syndrome */
    {"G312", "G312", LABEL_ETH},    /* degeneration of nervous system due to alcohol */
    {"G621", "G621", LABEL_ETH},    /* alcoholic polyneuropathy */
    {"G721", "G721", LABEL_ETH},    /* alcoholic myopathy */
    {"I426", "I426", LABEL_ETH},    /* alcoholic cardiomyopathy */
    {"K292", "K292", LABEL_ETH},    /* alcoholic gastritis */
    {"K70", "K70", LABEL_ETH},      /* alcoholic liver disease */
    {"K852", "K852", LABEL_ETH},    /* alcohol-induced acute pancreatitis */
    {"K860", "K860", LABEL_ETH},    /* alcohol-induced chronic pancreatitis */
    {"Y90", "Y91", LABEL_ETH},      /* evidence of alcohol involvement */
    {"Z502", "Z503", LABEL_ETH},    /* alcohol and drug rehabilitation */
    {"Z714", "Z715", LABEL_ETH},    /* counselling for alcohol and drug abuse */
    {"Z721", "Z722", LABEL_ETH},    /* alcohol use, drug use */
    {"B20", "B24", LABEL_HIV},      /* HIV disease */
    {"B9735", "B9735", LABEL_HIV},  /* CM: HIV type 2 as the cause */
    {"O987", "O987", LABEL_HIV},    /* HIV complicating pregnancy */
    {"R75", "R75", LABEL_HIV},      /* laboratory evidence of HIV */
    {"Z114", "Z114", LABEL_HIV},    /* screening for HIV */
    {"Z206", "Z206", LABEL_HIV},    /* contact with HIV */
    {"Z21", "Z21", LABEL_HIV},      /* asymptomatic HIV infection */
    {"Z717", "Z717", LABEL_HIV},    /* HIV counselling */
    {"Z830", "Z830", LABEL_HIV},    /* family history of HIV disease */
    {"A50", "A64", LABEL_STD},      /* infections mainly sexually transmitted */
    {"O981", "O983", LABEL_STD},    /* venereal infections in pregnancy */
    {"Z113", "Z113", LABEL_STD},    /* screening for venereal infections */
    {"Z202", "Z202", LABEL_STD},    /* contact with venereal infections */
    {"Z224", "Z224", LABEL_STD},    /* carrier of venereal infections */
    {"T74", "T74", LABEL_SDV},      /* maltreatment syndromes */
    {"T76", "T76", LABEL_SDV},      /* CM: suspected abuse and neglect */
    {"Y05", "Y07", LABEL_SDV},      /* sexual assault, neglect, other maltreatment */
    {"O9A3", "O9A5", LABEL_SDV},    /* CM: abuse complicating pregnancy */
    {"Z044", "Z045", LABEL_SDV},    /* examination after alleged rape, inflicted injury */
    {"Z047", "Z047", LABEL_SDV},    /* CM: after alleged physical abuse */
    {"Z614", "Z616", LABEL_SDV},    /* abuse in childhood */
    {"Z6281", "Z6281", LABEL_SDV},  /* CM: history of abuse in childhood */
    {"Z69", "Z69", LABEL_SDV},      /* CM: care of victims and perpetrators of abuse */
    {"Z9141", "Z9141", LABEL_SDV},  /* CM: history of adult abuse */
    {"D56", "D58", LABEL_GDIS},     /* thalassaemia, sickle-cell, other anaemias */
    {"D66", "D67", LABEL_GDIS},     /* haemophilia */
    {"D680", "D682", LABEL_GDIS},   /* von Willebrand, hereditary factor deficiency */
    {"D821", "D821", LABEL_GDIS},   /* DiGeorge syndrome */
    {"E70", "E72", LABEL_GDIS},     /* disorders of amino-acid metabolism */
    {"E74", "E77", LABEL_GDIS},     /* disorders of carbohydrates, glycoproteins ... */
    {"E830", "E831", LABEL_GDIS},   /* disorders of copper (Wilson), iron */
    {"E84", "E84", LABEL_GDIS},     /* cystic fibrosis */
    {"E880", "E880", LABEL_GDIS},   /* alpha-1-antitrypsin deficiency */
    {"G10", "G11", LABEL_GDIS},     /* Huntington disease, hereditary ataxia */
    {"G120", "G121", LABEL_GDIS},   /* inherited spinal muscular atrophy */
    {"G600", "G600", LABEL_GDIS},   /* hereditary motor and sensory neuropathy */
    {"G710", "G712", LABEL_GDIS},   /* muscular dystrophy, myotonic, congenital */
    {"Q78", "Q78", LABEL_GDIS},     /* osteochondrodysplasias */
    {"Q85", "Q85", LABEL_GDIS},     /* phakomatoses: neurofibromatosis ... */
    {"Q87", "Q87", LABEL_GDIS},     /* malformation syndromes: Marfan ... */
    {"Q90", "Q99", LABEL_GDIS},     /* chromosomal abnormalities */
    {"Z137", "Z137", LABEL_GDIS},   /* screening for chromosomal, genetic anomalies */
    {"Z14", "Z15", LABEL_GDIS},     /* CM: genetic carrier, susceptibility */
    {"Z315", "Z315", LABEL_GDIS},   /* genetic counselling */
    {"Z8481", "Z8481", LABEL_GDIS}, /* CM: family history of genetic carrier */
    {"N46", "N46", LABEL_SEX},      /* male infertility */
    {"N484", "N484", LABEL_SEX},    /* WHO: impotence of organic origin */
    {"N97", "N97", LABEL_SEX},      /* female infertility */
    {"N98", "N98", LABEL_SEX},      /* complications of artificial fertilization */
    {"O00", "O08", LABEL_SEX},      /* pregnancy with abortive outcome */
    {"Z30", "Z32", LABEL_SEX},      /* contraception, procreation, pregnancy tests */
    {"Z332", "Z332", LABEL_SEX},    /* CM: elective termination of pregnancy */
    {"Z640", "Z640", LABEL_SEX},    /* unwanted pregnancy */
    {"Z70", "Z70", LABEL_SEX},      /* counselling on sexual attitude, behaviour */
};

/* Blocks and categories of ICD-11 for mortality and morbidity, without the dot. Each range
 * includes the subcategories of its first and last category. Source: WHO, ICD-11 MMS 2024-01,
 * https://icd.who.int/browse/2024-01/mms/en.
 */
static const struct label_range icd_11[] = {
    {"1A60", "1A9Z", LABEL_STD},      /* predominantly sexually transmissible infections */
    {"1C60", "1C62", LABEL_HIV},      /* HIV disease */
    {"MA140", "MA140", LABEL_HIV},    /* laboratory evidence of HIV */
    {"6A00", "6E8Z", LABEL_PSY},      /* chapter 06 */
    {"6C40", "6C4Z", LABEL_ETH},      /* disorders due to substance use */
    {"DB94", "DB94", LABEL_ETH},      /* alcoholic liver disease */
    {"MB23R", "MB23S", LABEL_PSY},    /* suicide attempt, suicidal behaviour */
    {"PB80", "PD3Z", LABEL_PSY},      /* intentional self-harm */
    {"PJ20", "PJ2Z", LABEL_SDV},      /* maltreatment */
    {"QE82", "QE82", LABEL_SDV},      /* personal history of maltreatment */
    {"3A50", "3A51", LABEL_GDIS},     /* thalassaemias, sickle cell disorders */
    {"3B10", "3B11", LABEL_GDIS},     /* hereditary factor VIII, IX deficiency */
    {"5C50", "5C5Z", LABEL_GDIS},     /* inborn errors of metabolism */
    {"8A0110", "8A0110", LABEL_GDIS}, /* Huntington disease */
    {"8C70", "8C70", LABEL_GDIS},     /* muscular dystrophy */
    {"CA25", "CA25", LABEL_GDIS},     /* cystic fibrosis */
    {"LD40", "LD7Z", LABEL_GDIS},     /* chromosomal anomalies */
    {"HA00", "HA8Z", LABEL_SEX},      /* chapter 17: sexual health */
    {"GA31", "GA31", LABEL_SEX},      /* female infertility */
    {"GB04", "GB04", LABEL_SEX},      /* male infertility */
    {"JA00", "JA0Z", LABEL_SEX},      /* abortive outcome of pregnancy */
    {"QA21", "QA21", LABEL_SEX},      /* contraceptive management */
};

/* Converts "B20.1" to "B201". Returns false for a text that is not an ICD code. */
static bool bare(const char *code, char out[12])
{
    size_t n = 0;

    for (; *code != '\0'; code++) {
        char c = *code >= 'a' && *code <= 'z' ? (char)(*code - 'a' + 'A') : *code;

        if (c == '.')
            continue;
        if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')))
            break; /* "+", "*" and "!" are national marks; the rest is ignored */
        if (n == 11)
            return false;
        out[n++] = c;
    }
    out[n] = '\0';
    return n >= 3;
}

uint32_t label_of_ranges(const struct label_range *at, size_t n, const char *key)
{
    uint32_t out = 0;

    for (size_t i = 0; i < n; i++)
        if (strncmp(key, at[i].from, strlen(at[i].from)) >= 0 &&
            strncmp(key, at[i].to, strlen(at[i].to)) <= 0)
            out |= at[i].labels;
    return out;
}

/* A cluster contains several codes: "6A70/1C62.Z&XT5R". */
static uint32_t label_of_icd_11(const char *code)
{
    uint32_t out = 0;
    char key[12];

    for (;;) {
        if (bare(code, key))
            out |= label_of_ranges(icd_11, WARD_COUNT(icd_11), key);
        code += strcspn(code, "/&");
        if (*code == '\0')
            return out;
        code++;
    }
}

/* Removes "urn:oid:" or a URL's scheme, and a final slash, because these parts do not identify
 * the system. */
static const char *without_scheme(const char *name, size_t *n)
{
    static const char *const schemes[] = {"http://", "https://", "urn:oid:"};

    for (size_t i = 0; i < WARD_COUNT(schemes); i++)
        if (strncmp(name, schemes[i], strlen(schemes[i])) == 0) {
            name += strlen(schemes[i]);
            break;
        }
    *n = strlen(name);
    *n -= *n > 0 && name[*n - 1] == '/';
    return name;
}

static const struct system *system_of(const char *name)
{
    size_t n;

    name = without_scheme(name, &n);
    for (size_t i = 0; i < WARD_COUNT(systems); i++) {
        const struct system *s = &systems[i];
        size_t len = strlen(s->name);

        if ((s->begins ? n >= len : n == len) && strncmp(name, s->name, len) == 0)
            return s;
    }
    return NULL;
}

/* LOINC's codes end with a check digit (LOINC Users' Guide, mod 10), which detects typing
 * errors.
 */
static bool is_loinc(const char *code)
{
    const size_t n = strspn(code, "0123456789");
    int sum = 0;

    if (strncmp(code, "LA", 2) == 0 || strncmp(code, "LP", 2) == 0 ||
        strncmp(code, "LL", 2) == 0)
        return true; /* LOINC answers, parts, lists */
    if (n == 0 || code[n] != '-' || code[n + 1] == '\0' || code[n + 2] != '\0')
        return false;
    for (size_t i = 0; i < n; i++) {
        const int digit = code[n - 1 - i] - '0', twice = digit * 2;

        sum += i % 2 == 0 ? twice / 10 + twice % 10 : digit;
    }
    return code[n + 1] == '0' + (10 - sum % 10) % 10;
}

bool label_reads(const char *system, const char *code)
{
    const struct system *s = system_of(system);

    return s != NULL &&
           (s->what != LISTED || strcmp(s->listed, LABEL_LOINC) != 0 || is_loinc(code));
}

uint32_t label_of_code(const char *system, const char *code)
{
    const struct system *s = system_of(system);
    char key[12];

    if (s == NULL)
        return 0;
    if (s->what == LISTED)
        return label_of_listed(s->listed, code);
    if (s->what == ICD_11)
        return label_of_icd_11(code);
    if (!bare(code, key))
        return 0;
    return s->what == ICD_9 ? label_of_icd_9(key)
                            : label_of_ranges(icd_10, WARD_COUNT(icd_10), key);
}
