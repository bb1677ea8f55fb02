/* query_own.h - declarations that the files of the query share.
 *
 * Threads, memory and errors: as in series.h.
 */
#ifndef RECORDS_ANALYTICS_QUERY_OWN_H
#define RECORDS_ANALYTICS_QUERY_OWN_H

#include "services/records/analytics/series.h"
#include "services/records/search/sql.h"

#define VALUES WARD__RECORDS__V1__MEASURE__MEASURE_VALUES
#define BY(x)  WARD__RECORDS__V1__BY__BY_##x

/* "SELECT ... FROM ... WHERE ...": one row for each resource and each of its requested codes
 * and wards. The columns are who and val, and those of day, age, gender, hash, code, display
 * and ward that the query needs.
 */
WARD_MUST enum ward_code put_resources(const struct query *q, struct ward_arena *mem,
                                       const char *unit, struct sql *s, struct ward_err *err);
/* Finds the most frequent canonical unit of the values; NULL: no values. */
WARD_MUST enum ward_code query_unit(struct worker *w, struct ward_arena *mem,
                                    const struct query *q, const char **out,
                                    struct ward_err *err);

#endif
