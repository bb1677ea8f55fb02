/* dose_row.h - a dose's row: its columns, in one order that writing, reading and encryption
 * share.
 *
 * Threads: pure. Memory: the arena. Errors: RESOURCE_EXHAUSTED, owner.h's.
 */
#ifndef DOSAGE_GIVE_DOSE_ROW_H
#define DOSAGE_GIVE_DOSE_ROW_H

#include "services/dosage/give/give.h"

/* Columns of `administration` after the ids. The encryption is bound to these columns. */
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
/* Columns of `administration_version`. */
enum dose_version_column {
    DOSE_V_VERSION,
    DOSE_V_WRITTEN,
    DOSE_V_ACTOR,
    DOSE_V_EVENT,
    DOSE_V_COLUMNS
};

/* A row as read: the columns of enum dose_column, then sealed, patient_id and
 * administration_id. */
#define DOSE_ROW                                                                               \
    "a.version, a.order_id, a.due_at_us, a.outcome, a.counts, a.given_at_us,"                  \
    " a.recorded_at_us, a.recorded_by, a.second_person, a.ward, a.place, a.scanned,"           \
    " a.emergency, a.acknowledge_by_us, a.sealed, a.patient_id, a.administration_id"
/* Decrypts a DOSE_ROW with the patient's key available. */
WARD_MUST enum ward_code dose_open(const struct owner *o, struct ward_arena *mem,
                                   const struct ward_val *row,
                                   Ward__Dosage__V1__Administration **out,
                                   struct ward_err *err);
/* Compares Administration * for qsort, by given_at_us, then id. */
int dose_by_time(const void *a, const void *b);

#define DOSE_SEALED_AS  "dose"
#define DOSE_VERSION_AS "dose-version"

#define DOSE_ROW_HASH 65
/* A digest of these values, 64 hex digits. The encryption is bound to the digest. */
void dose_row(const struct ward_val *values, size_t n, char out[DOSE_ROW_HASH]);

#endif
