/* run.h - one search: reads the request, finds and decrypts a page of resources, and creates
 * the next page's token.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: set in call->err, or
 * in *err inside a transaction: INVALID_ARGUMENT as records.proto says for Search, those of
 * db.h, RESOURCE_EXHAUSTED.
 */
#ifndef RECORDS_SEARCH_RUN_H
#define RECORDS_SEARCH_RUN_H

#include "services/records/api.h"
#include "services/records/search/plan.h"

/* Bytes of records after which an answer is complete. Even if its last record has RECORDS_MAX
 * bytes, the answer is below gRPC clients' default limit of 4 MiB. */
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
    /* search_run_find sets these in each run of the transaction. */
    struct hit *hit;
    size_t n_hits;
    Ward__Records__V1__Record **record;
    /* patients of listed resources or of resources requested by id */
    uint8_t (*patient)[RECORDS_ID];
    size_t n_records, n_looked_at, n_patients;
    size_t bytes; /* bytes of the records */
    int64_t total;
};

/* The id of the only patient of a search; NULL: several patients, or all. */
const char *search_about(const Ward__Records__V1__SearchRequest *q);
/* Checks the request and the caller's permission. */
WARD_MUST enum ward_code search_run_begin(struct search_run *p);
/* In a transaction: decrypts resources until the page is full or has SEARCH_BYTES. */
WARD_MUST enum ward_code search_run_find(struct search_run *p, struct ward_err *err);
/* After the transaction: fills resp. */
WARD_MUST enum ward_code search_run_answer(struct search_run *p);

#endif
