/* tell.h - records a read or a change of a patient's data: the audit event and the row of
 * `seen` that AccessLog compares with it. Inside the transaction of the access.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: outbox.h's.
 */
#ifndef RECORDS_ACCESS_TELL_H
#define RECORDS_ACCESS_TELL_H

#include "services/records/access/scope.h"

/* For one patient: writes a's event, with the open break-glass grant for the patient, and
 * `seen`. */
WARD_MUST enum ward_code tell(struct worker *w, struct ward_event *a, const struct view *v,
                              const uint8_t patient[RECORDS_ID], struct ward_err *err);
/* For the patients of one search: an event and a row each; without patients the call's only
 * event. */
WARD_MUST enum ward_code tell_each(struct worker *w, struct ward_event *a, const struct view *v,
                                   const uint8_t (*patients)[RECORDS_ID], size_t n,
                                   struct ward_err *err);
/* If the call fails from now on, its event is about this patient: their access log shows the
 * attempt.
 */
void tell_if_refused(struct worker *w, const uint8_t patient[RECORDS_ID]);

#endif
