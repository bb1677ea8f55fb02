/* paging.h - every dose of a span once, read a page at a time, so that a lifetime fits.
 *
 * Threads: any; a page is one thread's. Memory: the caller's; the reader may reuse its own for
 * each page. Errors: the reader's, the taker's; RESOURCE_EXHAUSTED: more than PAGING_AT_ONCE
 * doses at one moment.
 */
#ifndef DOSAGE_TRACK_PAGING_H
#define DOSAGE_TRACK_PAGING_H

#include "common/base/status.h"
#include "ward/dosage/v1/administration.pb-c.h"

#define PAGING_AT_ONCE 1000
#define PAGING_PAGE    ((size_t)2 * PAGING_AT_ONCE) /* so that each page has new ones */

/* The first PAGING_PAGE doses from from_us on, by time and then id. */
typedef enum ward_code paging_read(void *arg, int64_t from_us,
                                   Ward__Dosage__V1__Administration ***out, size_t *n,
                                   struct ward_err *err);
typedef enum ward_code paging_take(void *arg, const Ward__Dosage__V1__Administration *dose,
                                   struct ward_err *err);

/* The start of the next page: the last dose's time, without the doses of that time that were
 * already taken. */
struct paging {
    paging_read *read;
    paging_take *take;
    void *arg;
    int64_t at_us; /* the span's start, first */
    size_t n;
    char seen[PAGING_AT_ONCE][37];
};
WARD_MUST enum ward_code paging_run(struct paging *p, struct ward_err *err);

#endif
