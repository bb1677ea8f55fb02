/* label.h - security labels: bits of resource.labels and consent_deny.labels.
 *
 * Codes of HL7 v3 ActCode, InformationSensitivityPolicy. Source: HL7 Terminology,
 * http://terminology.hl7.org/CodeSystem/v3-ActCode, checked 2026-11-21. label.c lists the
 * diagnoses that imply a label even if meta.security has none, with the sources.
 *
 * Threads: any thread. Memory: none. Errors: none.
 */
#ifndef RECORDS_ACCESS_LABEL_H
#define RECORDS_ACCESS_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#define LABEL_SYSTEM "http://terminology.hl7.org/CodeSystem/v3-ActCode"
enum label {
    LABEL_PSY = 1 << 0, /* psychiatry */
    LABEL_HIV = 1 << 1,
    LABEL_STD = 1 << 2,  /* sexually transmitted disease */
    LABEL_ETH = 1 << 3,  /* substance abuse */
    LABEL_SDV = 1 << 4,  /* sexual assault, abuse or domestic violence */
    LABEL_GDIS = 1 << 5, /* genetic disease */
    LABEL_SEX = 1 << 6,  /* sexuality and reproductive health */
    /* The resource has only codes that label.c does not recognize. Every denial by label
     * includes this bit. */
    LABEL_UNKNOWN = 1 << 7
};
/* Returns 0 for a code without a label. */
uint32_t label_of_security(const char *system, const char *code);
/* The labels that a diagnosis or laboratory code implies: ICD-9, 10 and 11, LOINC, SNOMED
 * CT. */
uint32_t label_of_code(const char *system, const char *code);
/* Whether label_of_code recognizes the code: its system is known, and a LOINC code is
 * well-formed. */
bool label_reads(const char *system, const char *code);

#endif
