/* run.h - one search, run: what is asked is read, a page of resources is found and opened, and
 * the place of the next page is sealed.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: into call->err, or *err inside a
 * transaction: INVALID_ARGUMENT as records.proto's Search says, db.h's, RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_SEARCH_RUN_H
#define RECORDS_SEARCH_RUN_H

#include "services/records/api.h"
#include "services/records/search/plan.h"

/* Bytes of records in one answer: with one more of RECORDS_MAX it is below the 4 MiB that
 * gRPC's clients take unless they are told otherwise. */
#define SEARCH_BYTES ((size_t)5 << 19)

struct hit;
struct search_run {
    /* The caller sets these. */
    struct ward_call *call;
    struct worker *w;
    const Ward__Records__V1__SearchRequest *req;
    Ward__Records__V1__SearchResponse *resp;
    /* search_run_begin sets these. */
    struct ward_event event;
    struct view view;
    struct search s;
    struct place from;
    /* search_run_find sets these, anew each time the transaction runs. */
    struct hit *hit;
    size_t n_hits;
    Ward__Records__V1__Record **record;
    uint8_t (*patient)[RECORDS_ID]; /* whose resources are shown, or were asked for by id */
    size_t n_records, n_looked_at, n_patients;
    size_t bytes; /* of the records */
    int64_t total;
};

/* The id of the one patient whom a search is about; NULL: several, or all. */
const char *search_about(const Ward__Records__V1__SearchRequest *q);
/* Checks the request and whether the caller may ask it. */
WARD_MUST enum ward_code search_run_begin(struct search_run *p);
/* In a transaction. Opens resources until the page is full, or has SEARCH_BYTES. */
WARD_MUST enum ward_code search_run_find(struct search_run *p, struct ward_err *err);
/* After the transaction: fills resp. */
WARD_MUST enum ward_code search_run_answer(struct search_run *p);

#endif
