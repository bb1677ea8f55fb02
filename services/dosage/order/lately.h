/* lately.h - cache of a patient's active orders, recent doses and decisions about home
 * medicines. Each entry belongs to one row of `patient`. Triggers change patient.touched with
 * each written order, dose and decision about a home medicine. An entry with another value of
 * touched is read again: a replica never uses data that another replica has changed.
 *
 * Threads: each worker uses its own connection; the cache has its own lock. Memory: the arena.
 * Errors: those of db.h and owner.h.
 */
#ifndef DOSAGE_ORDER_LATELY_H
#define DOSAGE_ORDER_LATELY_H

#include "services/dosage/store/owner.h"
#include "ward/dosage/v1/administration.pb-c.h"
#include "ward/dosage/v1/orders.pb-c.h"

#define LATELY_MOST ((size_t)5000) /* doses */
#define LATELY_US   (INT64_C(400) * 24 * 3600 * 1000000)

#define ACKNOWLEDGED_US   (INT64_C(24) * 3600 * 1000000)
#define ACKNOWLEDGED_MOST ((size_t)200)
/* Maximum of the newest statements with a decision. A check reads fewer statements from the
 * chart (FACTS_HOME). */
#define HOMES_MOST ((size_t)200)

struct lately {
    int64_t touched; /* the value of patient.touched for these rows */
    int64_t from_us; /* the entry is valid from this time on */
    /* ACTIVE or ON_HOLD, not ended at from_us */
    Ward__Dosage__V1__Order **orders;
    /* doses of any outcome, given since LATELY_US before from_us */
    Ward__Dosage__V1__Administration **doses;
    /* the newest ACKNOWLEDGED_MOST acknowledgements since ACKNOWLEDGED_US before from_us */
    Ward__Dosage__V1__Acknowledged **acknowledged;
    /* the newest decision about each statement, without reason and event id */
    Ward__Dosage__V1__HomeReconciliation **homes;
    size_t n_orders, n_doses, n_acknowledged, n_homes;
    bool all; /* false: more than LATELY_MOST doses exist, and `doses` is empty */
};
/* touched: the value that was just read from the patient's row.
 *   FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code lately_of(struct worker *w, struct ward_arena *mem,
                                   const struct owner *o, int64_t touched, int64_t at_us,
                                   struct lately *out, struct ward_err *err);
/* Evicts a patient's entries after the erasure has committed. */
void lately_forget(struct dosage *dos, const uint8_t id[DOSAGE_ID]);

#endif
