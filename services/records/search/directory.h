/* directory.h - Search of Practitioner, Organization and Location.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: those of search.h;
 * PERMISSION_DENIED
 * KIND_NOT_ALLOWED if the view may not read the directory.
 */
#ifndef RECORDS_SEARCH_DIRECTORY_H
#define RECORDS_SEARCH_DIRECTORY_H

#include "services/records/search/plan.h"

/* Lists matches in the order of their ids and ignores the requested order. Pages therefore
 * neither repeat nor miss resources that existed at the first page. Writes the audit event. */
WARD_MUST enum ward_code search_directory(struct ward_call *c, const struct view *view,
                                          const struct ward_event *event,
                                          const Ward__Records__V1__SearchRequest *req,
                                          Ward__Records__V1__SearchResponse *resp);

#endif
