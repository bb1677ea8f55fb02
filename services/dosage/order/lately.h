/* lately.h - what runs for a patient, was given to them and was decided about their home
 * medicines, of one row of `patient`: read, and kept in memory for the next who asks. With each
 * order, dose and such decision that is written the tables' triggers give patient.touched
 * another number, and what was kept under the one before is read again: a replica never goes by
 * what another has changed.
 *
 * Threads: a worker's own connection; what is kept locks itself. Memory: the arena. Errors:
 * db.h's, owner.h's.
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
/* Statements with a decision, the newest: more than a check reads of the chart (FACTS_HOME). */
#define HOMES_MOST ((size_t)200)

struct lately {
    int64_t touched; /* patient.touched, as these were */
    int64_t from_us; /* good for this moment and later ones */
    /* ACTIVE or ON_HOLD, not over at from_us */
    Ward__Dosage__V1__Order **orders;
    /* given since LATELY_US before from_us, whatever their outcome */
    Ward__Dosage__V1__Administration **doses;
    /* since ACKNOWLEDGED_US before from_us, the newest ACKNOWLEDGED_MOST */
    Ward__Dosage__V1__Acknowledged **acknowledged;
    /* the newest decision about each statement, without its words (home.h) */
    Ward__Dosage__V1__HomeReconciliation **homes;
    size_t n_orders, n_doses, n_acknowledged, n_homes;
    bool all; /* false: there are more than LATELY_MOST, and none is here */
};
/* touched: as the patient's row was read just now.   FAILED_PRECONDITION  PATIENT_ERASED */
WARD_MUST enum ward_code lately_of(struct worker *w, struct ward_arena *mem,
                                   const struct owner *o, int64_t touched, int64_t at_us,
                                   struct lately *out, struct ward_err *err);
/* Of who is erased, once that is committed. */
void lately_forget(struct dosage *dos, const uint8_t id[DOSAGE_ID]);

#endif
