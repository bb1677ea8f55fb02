/* due.h - callers who follow the due doses of wards on this replica: a thread reads the boards
 * once a second, and wakes the callers of changed wards.
 *
 * Threads: has its own lock. Memory: its own. Errors: those of due_open; RESOURCE_EXHAUSTED
 * DUE_FULL.
 */
#ifndef DOSAGE_SCHEDULE_DUE_H
#define DOSAGE_SCHEDULE_DUE_H

#include "services/dosage/dosage.h"

WARD_MUST enum ward_code due_open(struct dosage *dos, struct due_watch **out,
                                  struct ward_err *err);
void due_close(struct due_watch *d); /* NULL is fine */

#endif
