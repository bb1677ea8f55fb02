/* ordering.h - the common part of Place, Change and SetState: the patient, the second person,
 * and one transaction that decides, writes and stores the answer.
 *
 * Concurrent orders for one patient are serialized: the patient's row is locked first, then
 * active orders and given doses are read. Two orders that together exceed a limit cannot both
 * pass. The chart is read before the transaction, because no other service is called within a
 * transaction.
 *
 * A stored answer names the order, its version and the decision, and contains no patient data.
 * A repeated call reads the order and the decision again.
 *
 * Threads: any worker. Memory: the call's arena. Errors: those of order.h.
 */
#ifndef DOSAGE_ORDER_ORDERING_H
#define DOSAGE_ORDER_ORDERING_H

#include "services/dosage/order/next_due.h"
#include "services/dosage/order/order_own.h"

typedef Ward__Dosage__V1__CheckPurpose Purpose;
#define PURPOSE(x) WARD__DOSAGE__V1__CHECK_PURPOSE__CHECK_PURPOSE_##x

struct ordering {
    struct ward_call *call;
    struct ward_event event;
    struct ward_idem idem;
    struct chart chart;
    uint8_t id[DOSAGE_ID]; /* for Change and SetState */
    int expected_version;  /* for Change and SetState */
    const char *ward,
        *time_zone; /* ward and time zone of a written order; ordering_run sets the zone */
    Override *const *overrides;
    size_t n_overrides;
    bool has_second;
    struct ward_principal second;
    ward_tx_fn *fn;
    void *arg;
    bool conflict;
    bool times_kept;             /* the due times stay equal */
    struct clock clock;          /* the clock of time_zone */
    const struct ruleset *rules; /* the decision's rule set; NULL: no decision was made */
    int64_t at_us;               /* time of the decision, read under the patient's lock */
    /* The result. */
    bool done;
    Order *order; /* refused: the unchanged order; refused Place: NULL */
    Decision *decision;
    char **open;
    size_t n_open;
};

/* Called before the transaction. The first call is ordering_for (for a patient) or ordering_of
 * (for an order). */
WARD_MUST enum ward_code ordering_for(struct ordering *o, struct ward_call *c,
                                      const char *patient_id);
WARD_MUST enum ward_code ordering_of(struct ordering *o, struct ward_call *c,
                                     const char *order_id, int expected_version);
WARD_MUST enum ward_code ordering_beside(struct ordering *o, Override *const *overrides,
                                         size_t n, const char *second_token);

/* Runs the transaction: returns a stored answer, or runs fn(db, arg) under the patient's lock
 * and stores the event and the answer. */
WARD_MUST enum ward_code ordering_run(struct ordering *o, const char *key,
                                      const ProtobufCMessage *req, ward_tx_fn *fn, void *arg);

/* For a request that was refused before the transaction; c->err has the reason. An earlier call
 * with this key may have succeeded, for example before the second person's token expired. Then
 * the stored answer is returned.   `refused`; IDEMPOTENCY_MISMATCH */
WARD_MUST enum ward_code ordering_late(struct ordering *o, const char *key,
                                       const ProtobufCMessage *req, enum ward_code refused);

/* ---- inside the transaction ---- */

/* Locks the order at the expected version. A draft is refused to everybody except its
 * prescriber. */
WARD_MUST enum ward_code ordering_order(struct ordering *o, Order **out, struct ward_err *err);
/* Refuses if a dose of the locked order was given and not taken back.   ORDER_HAS_DOSES */
WARD_MUST enum ward_code ordering_no_doses(struct ordering *o, struct ward_err *err);
/* Decides, stores the decision, and sets the open findings (o->n_open). */
WARD_MUST enum ward_code ordering_decide(struct ordering *o, Purpose purpose,
                                         const Prescription *p, const char *order_id,
                                         struct ward_err *err);
/* Stores the prescriber's acknowledgements about the patient from the overrides
 * (acknowledged.c).
 */
WARD_MUST enum ward_code acknowledged_write(struct ordering *o, struct ward_err *err);
/* Writes the next version of an order, with this caller and event. A new order has version 0
 * before the call. */
WARD_MUST enum ward_code ordering_write(struct ordering *o, Order *order, struct ward_err *err);
/* Copies `is` and sets a missing start (0). A changed order keeps the start of `was`. A new
 * order (`was` is NULL) and an infusion with a new rate start now. INVALID_ARGUMENT
 * prescription.starts_at_us: the last dose counted from the start of `was` is in the past */
WARD_MUST enum ward_code ordering_starts(struct ordering *o, const Prescription *was,
                                         const Prescription *is, Prescription **out,
                                         struct ward_err *err);

#endif
