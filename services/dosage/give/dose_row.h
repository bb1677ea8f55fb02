/* dose_row.h - a dose's row: its columns, in one order for writing, reading and sealing.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED.
 */
#ifndef DOSAGE_GIVE_DOSE_ROW_H
#define DOSAGE_GIVE_DOSE_ROW_H

#include "services/dosage/give/give.h"

/* The columns of `administration` behind its ids that what is sealed is bound to. */
enum dose_column {
    DOSE_VERSION,
    DOSE_ORDER,
    DOSE_DUE,
    DOSE_OUTCOME,
    DOSE_COUNTS,
    DOSE_GIVEN,
    DOSE_RECORDED,
    DOSE_BY,
    DOSE_SECOND,
    DOSE_WARD,
    DOSE_PLACE,
    DOSE_SCANNED,
    DOSE_EMERGENCY,
    DOSE_ACKNOWLEDGE,
    DOSE_COLUMNS
};
/* Of `administration_version`. */
enum dose_version_column {
    DOSE_V_VERSION,
    DOSE_V_WRITTEN,
    DOSE_V_ACTOR,
    DOSE_V_EVENT,
    DOSE_V_COLUMNS
};

#define DOSE_SEALED_AS  "dose"
#define DOSE_VERSION_AS "dose-version"

#define DOSE_ROW_SIZE 65
/* What these values are, in 64 hex digits: what a seal is bound to. */
void dose_row(const struct ward_val *values, size_t n, char out[DOSE_ROW_SIZE]);

#endif
