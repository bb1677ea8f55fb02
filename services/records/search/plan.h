/* plan.h - the starting point of a query, and the statements of a page and of a total.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: those of sql.h and
 * db.h.
 */
#ifndef RECORDS_SEARCH_PLAN_H
#define RECORDS_SEARCH_PLAN_H

#include "services/records/search/search.h"
#include "services/records/search/sql.h"

/* A query starts from given ids, requested patients, the few readable patients, or all
 * resources of the kind. */
enum start { START_IDS, START_PATIENTS, START_FEW, START_ALL };

struct plan {
    const struct search *s;
    const struct view *view;
    enum start start;
    /* START_IDS, START_PATIENTS: the filter with the ids or patients */
    const struct filter *by;
    const struct tokens *via; /* tokens to scan; NULL: scan resources */
    /* the filter that the scan of `via` checks completely; NULL: every filter is a condition */
    const struct filter *done;
};
/* Selects the starting point. */
WARD_MUST enum ward_code plan_make(struct worker *w, struct ward_arena *mem, struct search *s,
                                   const struct view *view, struct plan *out,
                                   struct ward_err *err);

/* The start of a page: resources after from.at_us and from.id in the order; `first`: from the
 * beginning. */
struct place {
    bool first;
    struct cursor from;
};
/* The number of statements of a page. A scan by tokens has one statement for each token, so
 * that each statement reads its index in order. */
size_t plan_branches(const struct plan *p);
/* Reads at most `most` rows: patient_id, resource_id, version, and the order's column. */
WARD_MUST enum ward_code plan_page(const struct plan *p, struct worker *w,
                                   struct ward_arena *mem, size_t branch,
                                   const struct place *from, int most, struct ward_rows *out,
                                   struct ward_err *err);
/* Reads resources that plan_page omits: they began long before the requested dates and last
 * into these dates.
 */
WARD_MUST enum ward_code plan_lasting(const struct plan *p, struct worker *w,
                                      struct ward_arena *mem, const struct place *from,
                                      int most, struct ward_rows *out, struct ward_err *err);
/* For a page after the first: reads resources that were written again since the first page and
 * therefore moved. The rows have the columns of plan_page, with the former place. plan_page
 * omits these resources. */
WARD_MUST enum ward_code plan_moved(const struct plan *p, struct worker *w,
                                    struct ward_arena *mem, const struct cursor *from, int most,
                                    struct ward_rows *out, struct ward_err *err);
/* Deletes rows of `moved` that no valid page token needs. */
WARD_MUST enum ward_code plan_forget(struct worker *w, struct ward_arena *mem, enum kind kind,
                                     int64_t now_us, struct ward_err *err);
/* Counts the matches, up to SEARCH_TOTAL_MOST + 1. */
WARD_MUST enum ward_code plan_total(const struct plan *p, struct worker *w,
                                    struct ward_arena *mem, int64_t *out, struct ward_err *err);

/* page.c, for moved.c: adds " AND ..." for all parameters and for the view. */
void plan_which(const struct plan *p, struct sql *q);

/* cond.c: adds " AND ..." for one parameter. */
void cond_filter(struct sql *q, const struct filter *f);
/* Adds two lists. `param` and `hash` are the fragments before the lists. */
void cond_tokens(struct sql *q, const char *param, const char *hash, const struct tokens *any);
void cond_ids(struct sql *q, const char *column, const struct filter *f);

#endif
