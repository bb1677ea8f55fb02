/* label_own.h - codes by ranges, and codes in lists. Threads: any. Memory: none. Errors:
 * none. */
#ifndef RECORDS_ACCESS_LABEL_OWN_H
#define RECORDS_ACCESS_LABEL_OWN_H

#include <stddef.h>
#include <stdint.h>

#define LABEL_LOINC  "http://loinc.org"
#define LABEL_SNOMED "http://snomed.info/sct"

/* Blocks and categories of a classification, without the dot; both ends include everything
 * below them. */
struct label_range {
    const char *from, *to;
    uint32_t labels;
};
/* For "B20.1" written as "B201". */
uint32_t label_of_icd_9(const char *bare);
uint32_t label_of_ranges(const struct label_range *at, size_t n, const char *bare);
uint32_t label_of_listed(const char *system, const char *code); /* 0: not in the list */

#endif
