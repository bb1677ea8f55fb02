/* plan.h - the starting point of a query, and the statements of a page and of a total.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: sql.h's and db.h's.
 */
#ifndef RECORDS_SEARCH_PLAN_H
#define RECORDS_SEARCH_PLAN_H

#include "services/records/search/search.h"
#include "services/records/search/sql.h"

/* Given ids; requested patients; the few readable patients; or all resources of the kind. */
enum start { START_IDS, START_PATIENTS, START_FEW, START_ALL };

struct plan {
    const struct search *s;
    const struct view *view;
    enum start start;
    const struct filter *by;   /* START_IDS, START_PATIENTS: the filter it starts from */
    const struct tokens *via;  /* tokens to scan; NULL: resources directly */
    const struct filter *done; /* the filter of those tokens; NULL */
    bool empty;                /* nothing can match */
};
/* Also stores the roots of the requested charts in s. */
WARD_MUST enum ward_code plan_make(struct worker *w, struct ward_arena *mem, struct search *s,
                                   const struct view *view, struct plan *out,
                                   struct ward_err *err);

/* The start of a page: resources after `at_us` and `id` in the order. */
struct place {
    bool first;
    struct cursor from;
};
/* The number of statements of a page: for a scan by tokens one for each token, so that each
 * reads its index in order. */
size_t plan_branches(const struct plan *p);
/* Rows: patient_id, resource_id, version, and the order's column; at most `most`. */
WARD_MUST enum ward_code plan_page(const struct plan *p, struct worker *w,
                                   struct ward_arena *mem, size_t branch,
                                   const struct place *from, int most, struct ward_rows *out,
                                   struct ward_err *err);
/* Resources that plan_page omits because they began long before the requested dates and are
 * still in progress then.
 */
WARD_MUST enum ward_code plan_lasting(const struct plan *p, struct worker *w,
                                      struct ward_arena *mem, const struct place *from,
                                      int most, struct ward_rows *out, struct ward_err *err);
/* For a page after the first: resources that were written again since and had another place
 * then, at their former place; plan_page omits them. The same rows. */
WARD_MUST enum ward_code plan_moved(const struct plan *p, struct worker *w,
                                    struct ward_arena *mem, const struct cursor *from, int most,
                                    struct ward_rows *out, struct ward_err *err);
/* Deletes rows that no valid page token can need any more. */
WARD_MUST enum ward_code plan_forget(struct worker *w, struct ward_arena *mem, enum kind kind,
                                     int64_t now_us, struct ward_err *err);
/* One row: the number of matches, up to SEARCH_TOTAL_MOST + 1. */
WARD_MUST enum ward_code plan_total(const struct plan *p, struct worker *w,
                                    struct ward_arena *mem, int64_t *out, struct ward_err *err);

/* page.c, for moved.c: " AND ..." of all parameters and of the view. */
void plan_which(const struct plan *p, struct sql *q);

/* cond.c: " AND ..." for one parameter. */
void cond_filter(struct sql *q, const struct filter *f);
/* `param` and `hash` are fragments that end before a list. */
void cond_tokens(struct sql *q, const char *param, const char *hash, const struct tokens *any);
void cond_ids(struct sql *q, const char *column, const struct filter *f);

#endif
