/* merges.h - who was merged into whom in records, in memory: by it a change of a patient
 * reaches the chart of the one they are now.
 *
 * Threads: locks itself. Memory: its own, 40 bytes for each merge that stands. Errors: one past
 * MERGES_MOST is not remembered: that patient's changes reach their own chart alone.
 */
#ifndef DOSAGE_CHART_MERGES_H
#define DOSAGE_CHART_MERGES_H

#include "services/dosage/dosage.h"

#define MERGES_MOST ((size_t)1 << 20)

struct merges;
WARD_MUST enum ward_code merges_open(struct merges **out, struct ward_err *err);
void merges_close(struct merges *m); /* NULL is fine */
void merges_set(struct merges *m, const uint8_t from[DOSAGE_ID], const uint8_t into[DOSAGE_ID]);
void merges_unset(struct merges *m, const uint8_t from[DOSAGE_ID]);
void merges_clear(struct merges *m);
/* Whom `from` was merged into, directly. False: nobody. */
bool merges_into(struct merges *m, const uint8_t from[DOSAGE_ID], uint8_t into[DOSAGE_ID]);
/* The one they are now; themselves where nothing is known. */
void merges_root(struct merges *m, const uint8_t id[DOSAGE_ID], uint8_t root[DOSAGE_ID]);

#endif
