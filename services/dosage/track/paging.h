/* paging.h - takes every dose of a time span once, page by page, so that memory suffices for a
 * lifetime of doses.
 *
 * Threads: any; each paging belongs to one thread. Memory: the caller's; the reader may reuse
 * its memory for each page. Errors: those of read and take; RESOURCE_EXHAUSTED: more than
 * PAGING_AT_ONCE doses at one moment.
 */
#ifndef DOSAGE_TRACK_PAGING_H
#define DOSAGE_TRACK_PAGING_H

#include "common/base/status.h"
#include "ward/dosage/v1/administration.pb-c.h"

#define PAGING_AT_ONCE 1000
/* more than PAGING_AT_ONCE, so that each page has new doses */
#define PAGING_PAGE ((size_t)2 * PAGING_AT_ONCE)

/* Reads the first PAGING_PAGE doses given at or after from_us, by time and then id. */
typedef enum ward_code paging_read(void *arg, int64_t from_us,
                                   Ward__Dosage__V1__Administration ***out, size_t *n,
                                   struct ward_err *err);
typedef enum ward_code paging_take(void *arg, const Ward__Dosage__V1__Administration *dose,
                                   struct ward_err *err);

/* The position in the time span: the last dose's time, and the ids of the taken doses of that
 * time. */
struct paging {
    paging_read *read;
    paging_take *take;
    void *arg;
    int64_t at_us; /* initially the start of the time span */
    size_t n;
    char seen[PAGING_AT_ONCE][37];
};
WARD_MUST enum ward_code paging_run(struct paging *p, struct ward_err *err);

#endif
