/* erase.h - the end of a patient's data here: the key goes, and what stands in the clear beside
 * it that tells of them.
 *
 * What stays: that orders, doses and decisions were, when, and who wrote them; order_version,
 * administration_version and decision are never changed.
 *
 * Threads: a worker's own. Memory: the arena. Errors: db.h's.
 */
#ifndef DOSAGE_ADMIN_ERASE_H
#define DOSAGE_ADMIN_ERASE_H

#include "services/dosage/dosage.h"

struct erased {
    int64_t orders, administrations, decisions; /* that cannot be read any more */
    bool now;                                   /* some patient was not erased before */
};
/* In a transaction: one patient, not those who were merged with them. One who has no row gets
 * one that says erased. Adds to *sum. */
WARD_MUST enum ward_code erase_patient(struct worker *w, struct ward_arena *mem,
                                       const uint8_t id[DOSAGE_ID], int64_t now_us,
                                       struct erased *sum, struct ward_err *err);

#endif
