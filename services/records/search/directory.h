/* directory.h - Search of Practitioner, Organization and Location.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: search.h's; PERMISSION_DENIED
 * KIND_NOT_ALLOWED where the view does not read the directory.
 */
#ifndef RECORDS_SEARCH_DIRECTORY_H
#define RECORDS_SEARCH_DIRECTORY_H

#include "services/records/search/plan.h"

/* What matches, by id, whatever order is asked for: so a page neither repeats nor hides what
 * was there when the first was given. Writes the audit event. */
WARD_MUST enum ward_code search_directory(struct ward_call *c, const struct view *view,
                                          const struct ward_event *event,
                                          const Ward__Records__V1__SearchRequest *req,
                                          Ward__Records__V1__SearchResponse *resp);

#endif
