/* ordering.h - the common part of Place, Change and SetState: the patient, the second person,
 * and one transaction that decides, writes and stores the answer.
 *
 * Concurrent orders for one patient are serialized: the patient's row is locked first, and
 * active orders and given doses are read after it, so that no two orders pass that together
 * exceed a limit. The chart is read before, because no call leaves this process within a
 * transaction.
 *
 * A stored answer names the order, its version and the decision, and contains no patient data;
 * the rest is read again.
 *
 * Threads: a worker's own. Memory: the call's arena. Errors: order.h's.
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
    int expected_version;  /* likewise */
    const char *ward,
        *time_zone; /* of an order that is written now; the zone from the transaction on */
    Override *const *overrides;
    size_t n_overrides;
    bool has_second;
    struct ward_principal second;
    ward_tx_fn *fn;
    void *arg;
    bool conflict;
    bool times_kept;             /* no due time changes */
    struct clock clock;          /* time_zone's */
    const struct ruleset *rules; /* the decision; NULL: none was made */
    int64_t at_us; /* in the transaction: no other order for the patient can be written until
                    * its end */
    /* the result */
    bool done;
    Order *order; /* refused: the unchanged order; NULL for Place */
    Decision *decision;
    char **open;
    size_t n_open;
};

/* Before the transaction. Exactly one of the first two begins: for a patient, or for an
 * order. */
WARD_MUST enum ward_code ordering_for(struct ordering *o, struct ward_call *c,
                                      const char *patient_id);
WARD_MUST enum ward_code ordering_of(struct ordering *o, struct ward_call *c,
                                     const char *order_id, int expected_version);
WARD_MUST enum ward_code ordering_beside(struct ordering *o, Override *const *overrides,
                                         size_t n, const char *second_token);

/* The transaction: a stored answer, or fn(db, arg) under the patient's lock, the event and the
 * answer. */
WARD_MUST enum ward_code ordering_run(struct ordering *o, const char *key,
                                      const ProtobufCMessage *req, ward_tx_fn *fn, void *arg);

/* The request was refused (c->err has the reason) before the transaction. An earlier call with
 * this key may have succeeded, for example before its end or before the second person's token
 * expired. Then the stored answer is returned.   `refused`; IDEMPOTENCY_MISMATCH */
WARD_MUST enum ward_code ordering_late(struct ordering *o, const char *key,
                                       const ProtobufCMessage *req, enum ward_code refused);

/* ---- inside the transaction ---- */

/* The order, locked, at the expected version; a draft only for its prescriber. */
WARD_MUST enum ward_code ordering_order(struct ordering *o, Order **out, struct ward_err *err);
/* The locked order has no given dose that was not taken back.   ORDER_HAS_DOSES */
WARD_MUST enum ward_code ordering_no_doses(struct ordering *o, struct ward_err *err);
/* Decides, stores the decision, and sets the open findings (o->n_open). */
WARD_MUST enum ward_code ordering_decide(struct ordering *o, Purpose purpose,
                                         const Prescription *p, const char *order_id,
                                         struct ward_err *err);
/* Stores the prescriber's acknowledgements about the patient from the overrides
 * (acknowledged.c).
 */
WARD_MUST enum ward_code acknowledged_write(struct ordering *o, struct ward_err *err);
/* Writes the next version (version 0: the first) of an order, with this caller and event. */
WARD_MUST enum ward_code ordering_write(struct ordering *o, Order *order, struct ward_err *err);
/* A copy of `is` with a start. If it has none (0), it keeps the start of `was`, the present
 * order (NULL: a new order), and otherwise begins now. INVALID_ARGUMENT
 * prescription.starts_at_us: the last dose counted from that start is in the past */
WARD_MUST enum ward_code ordering_starts(struct ordering *o, const Prescription *was,
                                         const Prescription *is, Prescription **out,
                                         struct ward_err *err);

#endif
