/* order_own.h - what the files of this folder share.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: order.h's.
 */
#ifndef DOSAGE_ORDER_ORDER_OWN_H
#define DOSAGE_ORDER_ORDER_OWN_H

#include "services/dosage/api.h"
#include "services/dosage/order/order.h"

typedef Ward__Dosage__V1__Order Order;
typedef Ward__Dosage__V1__Prescription Prescription;
typedef Ward__Dosage__V1__Snapshot Snapshot;
typedef Ward__Dosage__V1__Decision Decision;
typedef Ward__Dosage__V1__Finding Finding;
typedef Ward__Dosage__V1__Override Override;
typedef Ward__Dosage__V1__RunningOrder RunningOrder;
typedef Ward__Dosage__V1__GivenDose GivenDose;

/* ---- store.c: rows of orders ---- */

/* One that is not the current one, too.   NOT_FOUND  ORDER_NOT_FOUND */
WARD_MUST enum ward_code order_version(struct worker *w, struct ward_arena *mem,
                                       const uint8_t id[DOSAGE_ID], int version, Order **out,
                                       struct ward_err *err);

/* Versions below `below`, newest first, at most `most`. */
WARD_MUST enum ward_code order_versions(struct worker *w, struct ward_arena *mem,
                                        const uint8_t id[DOSAGE_ID], int below, size_t most,
                                        Order ***out, size_t *n, struct ward_err *err);
/* All of a patient's, and of who is them, in these states, newest first: behind `before` (order
 * id; NULL: from the newest). */
WARD_MUST enum ward_code orders_page(struct worker *w, struct ward_arena *mem,
                                     const uint8_t patient[DOSAGE_ID], uint32_t states,
                                     const uint8_t *before, size_t most, Order ***out,
                                     size_t *n, struct ward_err *err);

/* ---- decision_list.c ---- */

/* Likewise; no more than fit into an answer, but one: *more says whether some are left. */
WARD_MUST enum ward_code decisions_page(struct worker *w, struct ward_arena *mem,
                                        const uint8_t patient[DOSAGE_ID], const uint8_t *before,
                                        size_t most, Decision ***out, size_t *n, bool *more,
                                        struct ward_err *err);
/* A row of "SELECT " DECISION_COLUMNS " FROM decision d" DECISION_KEYS */
#define DECISION_COLUMNS                                                                       \
    "d.decision_id, d.patient_id, k.kek, k.wrapped, d.decided_at_us, d.purpose, d.outcome,"    \
    " d.rule_set_version, d.sealed"
#define DECISION_KEYS                                                                          \
    " JOIN patient p ON p.patient_id = d.patient_id"                                           \
    " LEFT JOIN owner_key k ON k.owner_id = d.patient_id"
WARD_MUST enum ward_code decision_row(struct worker *w, struct ward_arena *mem,
                                      const struct ward_val *row, Decision **out,
                                      struct ward_err *err);

/* ---- own.c ---- */

/* Who may not see a patient hears that there is no such order. */
WARD_MUST enum ward_code order_unseen(enum ward_code code, struct ward_err *err);
/* Of a patient who was erased there is nothing, whoever asks. */
WARD_MUST enum ward_code order_gone(enum ward_code code, struct ward_err *err);
/* Ids, codes and counts for the act. */
void order_note(struct ward_act *a, const Order *order);
void decision_note(struct ward_act *a, const Decision *d);

#endif
