/* merges.h - the merges of patients in records, in memory. A change of a merged patient is
 * mapped to the surviving record's chart.
 *
 * Threads: has its own lock. Memory: its own, 40 bytes for each current merge. Errors: merges
 * beyond MERGES_MOST are not stored; changes of such a patient then reach only that patient's
 * own chart.
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
/* The patient into which `from` was directly merged. False: not merged. */
bool merges_into(struct merges *m, const uint8_t from[DOSAGE_ID], uint8_t into[DOSAGE_ID]);
/* The surviving record; the patient itself if no merge is known. */
void merges_root(struct merges *m, const uint8_t id[DOSAGE_ID], uint8_t root[DOSAGE_ID]);

#endif
