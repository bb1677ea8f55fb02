/* tell.h - records a read or a change of a patient's data: writes the audit event, and the row
 * of `seen` that AccessLog compares with the event. Call these functions inside the transaction
 * of the access.
 *
 * Threads: call from a worker's thread. Memory: the call's arena. Errors: those of outbox.h.
 */
#ifndef RECORDS_ACCESS_TELL_H
#define RECORDS_ACCESS_TELL_H

#include "services/records/access/scope.h"

/* For one patient: writes the event a, with the open break-glass grant for the patient, and the
 * row of `seen`. */
WARD_MUST enum ward_code tell(struct worker *w, struct ward_event *a, const struct view *v,
                              const uint8_t patient[RECORDS_ID], struct ward_err *err);
/* For the patients of one search: writes an event and a row of `seen` for each patient. If
 * there are no patients, writes one event. */
WARD_MUST enum ward_code tell_each(struct worker *w, struct ward_event *a, const struct view *v,
                                   const uint8_t (*patients)[RECORDS_ID], size_t n,
                                   struct ward_err *err);
/* Makes the event of a call that fails later about this patient, so that the patient's access
 * log shows the attempt.
 */
void tell_if_refused(struct worker *w, const uint8_t patient[RECORDS_ID]);

#endif
