/* label_own.h - labels of codes in ranges and of listed codes. Threads: any thread. Memory:
 * none.
 * Errors: none. */
#ifndef RECORDS_ACCESS_LABEL_OWN_H
#define RECORDS_ACCESS_LABEL_OWN_H

#include <stddef.h>
#include <stdint.h>

#define LABEL_LOINC  "http://loinc.org"
#define LABEL_SNOMED "http://snomed.info/sct"

/* Blocks and categories of a classification, without the dot. The range includes the
 * subcategories of its first and last category. */
struct label_range {
    const char *from, *to;
    uint32_t labels;
};
/* The labels of an ICD-9 code. bare: the code without the dot. */
uint32_t label_of_icd_9(const char *bare);
uint32_t label_of_ranges(const struct label_range *at, size_t n, const char *bare);
/* Returns 0 for an unlisted code. */
uint32_t label_of_listed(const char *system, const char *code);

#endif
