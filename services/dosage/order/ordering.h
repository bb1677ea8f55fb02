/* ordering.h - what Place, Change and SetState do the same way: whom it is about, who stands
 * beside, one transaction that decides, writes and keeps the answer.
 *
 * Two that order for one patient at once come one after the other: the patient's row is locked
 * first, and what runs and was given is read behind it, so that no two orders pass that
 * together exceed a limit. The chart is read before: no call leaves this process in a
 * transaction.
 *
 * A kept answer names the order, its version and the decision, and nothing of the patient; the
 * rest is read again.
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
    uint8_t id[DOSAGE_ID]; /* of Change and SetState */
    int expected_version;  /* likewise */
    const char *ward,
        *time_zone; /* of an order written now; the zone from the transaction on */
    Override *const *overrides;
    size_t n_overrides;
    bool has_second;
    struct ward_principal second;
    ward_tx_fn *fn;
    void *arg;
    bool conflict;
    bool times_kept;             /* nothing of when doses are due changes */
    struct clock clock;          /* time_zone's */
    const struct ruleset *rules; /* that decided; NULL: nothing was decided */
    int64_t at_us; /* of the transaction: no order for the patient is between it and its end */
    /* what came of it */
    bool done;
    Order *order; /* refused: as it stands; NULL of Place */
    Decision *decision;
    char **open;
    size_t n_open;
};

/* Before the transaction. One of the first two begins: about a patient, or about an order. */
WARD_MUST enum ward_code ordering_for(struct ordering *o, struct ward_call *c,
                                      const char *patient_id);
WARD_MUST enum ward_code ordering_of(struct ordering *o, struct ward_call *c,
                                     const char *order_id, int expected_version);
WARD_MUST enum ward_code ordering_beside(struct ordering *o, Override *const *overrides,
                                         size_t n, const char *second_token);

/* The transaction: an answer that was kept, or fn(db, arg) behind the patient's lock, the event
 * and the answer. */
WARD_MUST enum ward_code ordering_run(struct ordering *o, const char *key,
                                      const ProtobufCMessage *req, ward_tx_fn *fn, void *arg);

/* What is asked was refused (c->err says why) before the transaction. It may have been done
 * when it was not yet so: its end has passed since, or the second person's token. Then it is
 * answered again as it was.   `refused`; IDEMPOTENCY_MISMATCH */
WARD_MUST enum ward_code ordering_late(struct ordering *o, const char *key,
                                       const ProtobufCMessage *req, enum ward_code refused);

/* ---- inside it ---- */

/* The order, locked, at the version that was expected; a draft, if its prescriber asks. */
WARD_MUST enum ward_code ordering_order(struct ordering *o, Order **out, struct ward_err *err);
/* No dose of the order that is locked was given and stands.   ORDER_HAS_DOSES */
WARD_MUST enum ward_code ordering_no_doses(struct ordering *o, struct ward_err *err);
/* Decides, keeps the decision, and says what still is open (o->n_open). */
WARD_MUST enum ward_code ordering_decide(struct ordering *o, Purpose purpose,
                                         const Prescription *p, const char *order_id,
                                         struct ward_err *err);
/* Keeps what a prescriber acknowledged about the patient by their overrides (acknowledged.c).
 */
WARD_MUST enum ward_code acknowledged_write(struct ordering *o, struct ward_err *err);
/* Writes the next version (version 0: the first) of an order, by this caller and act. */
WARD_MUST enum ward_code ordering_write(struct ordering *o, Order *order, struct ward_err *err);
/* A copy of `is` with a start. Where it gives none (0), it keeps the start of `was`, the order
 * as it is (NULL: a new order), and begins now where that has none either. INVALID_ARGUMENT
 * prescription.starts_at_us: the last dose counted from that start is over */
WARD_MUST enum ward_code ordering_starts(struct ordering *o, const Prescription *was,
                                         const Prescription *is, Prescription **out,
                                         struct ward_err *err);

#endif
