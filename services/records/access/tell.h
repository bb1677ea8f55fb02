/* tell.h - that a patient's data was seen or changed: the audit event and the line of `seen`
 * that AccessLog is checked against. Inside the transaction of the act.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: outbox.h's.
 */
#ifndef RECORDS_ACCESS_TELL_H
#define RECORDS_ACCESS_TELL_H

#include "services/records/access/scope.h"

/* One patient. Writes a's event, named with the broken glass that is open over them, and
 * `seen`. */
WARD_MUST enum ward_code tell(struct worker *w, struct ward_event *a, const struct view *v,
                              const uint8_t patient[RECORDS_ID], struct ward_err *err);
/* Several patients of one search: an event and a line each; none: the one event of the call. */
WARD_MUST enum ward_code tell_each(struct worker *w, struct ward_event *a, const struct view *v,
                                   const uint8_t (*patients)[RECORDS_ID], size_t n,
                                   struct ward_err *err);
/* Should the call fail from now on, its event is about this patient: their log says who tried.
 */
void tell_if_refused(struct worker *w, const uint8_t patient[RECORDS_ID]);

#endif
