/* erase.h - erasure of a patient's data in this service: destroys the key, and deletes
 * unencrypted data about the patient.
 *
 * The existence, time and author of orders, doses and decisions remain. order_version,
 * administration_version and decision are never changed.
 *
 * Threads: any worker. Memory: the arena. Errors: those of db.h.
 */
#ifndef DOSAGE_ADMIN_ERASE_H
#define DOSAGE_ADMIN_ERASE_H

#include "services/dosage/dosage.h"

struct erased {
    int64_t orders, administrations, decisions; /* rows that can no longer be decrypted */
    bool now; /* true: at least one patient had not been erased before */
};
/* Erases one patient, but not the records merged with the patient. Call in a transaction. A
 * patient without a row gets a row marked as erased. Adds the numbers of rows to *sum. */
WARD_MUST enum ward_code erase_patient(struct worker *w, struct ward_arena *mem,
                                       const uint8_t id[DOSAGE_ID], int64_t now_us,
                                       struct erased *sum, struct ward_err *err);

#endif
