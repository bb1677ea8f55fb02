/* order_own.h - declarations that the files of this folder share.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of order.h.
 */
#ifndef DOSAGE_ORDER_ORDER_OWN_H
#define DOSAGE_ORDER_ORDER_OWN_H

#include "services/dosage/api.h"
#include "services/dosage/order/look.h"
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

/* Decrypts a row of "SELECT " ORDER_COLUMNS " FROM drug_order o" ORDER_KEYS. The patient must
 * not be erased. */
#define ORDER_COLUMNS                                                                          \
    "o.patient_id, o.order_id, k.kek, k.wrapped, o.version, o.state, o.written_at_us,"         \
    " o.sealed, o.ward, o.starts_at_us, o.ends_at_us"
#define ORDER_KEYS " LEFT JOIN owner_key k ON k.owner_id = o.patient_id"
enum order_at {
    ORDER_AT_PATIENT,
    ORDER_AT_ID,
    ORDER_AT_KEK,
    ORDER_AT_WRAPPED,
    ORDER_AT_VERSION,
    ORDER_AT_STATE,
    ORDER_AT_WRITTEN,
    ORDER_AT_SEALED,
    ORDER_AT_WARD,
    ORDER_AT_STARTS,
    ORDER_AT_ENDS
};
/* Rows of one patient are adjacent: *o is the key of the previous row's patient. The caller
 * zeroes *o before the first row and wipes it after the last row. */
WARD_MUST enum ward_code order_row(struct worker *w, struct ward_arena *mem,
                                   const struct ward_val *row, struct owner *o, Order **out,
                                   struct ward_err *err);
/* As order_row, with the key available. The columns kek and wrapped are ignored. */
WARD_MUST enum ward_code order_open(const struct owner *o, struct ward_arena *mem,
                                    const struct ward_val *row, Order **out,
                                    struct ward_err *err);
/* Compares Order * for qsort. The text form of ids sorts like their bytes. */
int order_by_id(const void *a, const void *b);

/* Reads the current version or an earlier version.   NOT_FOUND  ORDER_NOT_FOUND */
WARD_MUST enum ward_code order_version(struct worker *w, struct ward_arena *mem,
                                       const uint8_t id[DOSAGE_ID], int version, Order **out,
                                       struct ward_err *err);

/* Versions with numbers below `below`, newest first, at most `most`. */
WARD_MUST enum ward_code order_versions(struct worker *w, struct ward_arena *mem,
                                        const uint8_t id[DOSAGE_ID], int below, size_t most,
                                        Order ***out, size_t *n, struct ward_err *err);
/* All orders of a patient and merged records in these states, newest first. `before`: only
 * orders older than this order id; NULL: all. */
WARD_MUST enum ward_code orders_page(struct worker *w, struct ward_arena *mem,
                                     const uint8_t patient[DOSAGE_ID], uint32_t states,
                                     const uint8_t *before, size_t most, Order ***out,
                                     size_t *n, struct ward_err *err);

/* ---- acknowledged.c ---- */

WARD_MUST enum ward_code acknowledged_open(const struct owner *o, struct ward_arena *mem,
                                           const uint8_t id[DOSAGE_ID], int64_t at_us,
                                           struct ward_val sealed,
                                           Ward__Dosage__V1__Acknowledged **out,
                                           struct ward_err *err);
/* Compares Acknowledged * for qsort. */
int acknowledged_by_time(const void *a, const void *b);

/* ---- snapshot.c ---- */

WARD_MUST enum ward_code snapshot_make(struct worker *w, struct ward_arena *mem,
                                       const struct looked *looked, const struct asked *what,
                                       Snapshot **out, struct ward_err *err);

/* ---- decision.c ---- */

/* The rows that storing a decision inserts. */
#define DECISION_ROW 7
#define FINDING_ROW  8
struct decision_rows {
    struct ward_val decision[DECISION_ROW];
    struct ward_val *findings; /* n_findings * FINDING_ROW */
    size_t n_findings;
};
WARD_MUST enum ward_code decision_rows(struct ward_arena *mem, const struct owner *owner,
                                       const Decision *d, size_t n_open,
                                       struct decision_rows *out, struct ward_err *err);
/* Inserts the rows of n decisions and the rows of all their findings. Call in a transaction. */
WARD_MUST enum ward_code decisions_insert(struct ward_db *db, const struct ward_val *decisions,
                                          size_t n, const struct ward_val *findings,
                                          size_t n_findings, struct ward_err *err);
/* Counts a decision in the metrics, after the commit. `done`: the requested action was
 * performed. */
void decision_count(const Decision *d, bool done);
/* ---- decision_list.c ---- */

/* One page of a patient's decisions: as many as fit into an answer, but at least one. *more:
 * further decisions exist. */
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

/* Callers without access to a patient get the answer for a nonexistent order. */
WARD_MUST enum ward_code order_unseen(enum ward_code code, struct ward_err *err);
/* Returns NOT_FOUND for an erased patient, to every caller. */
WARD_MUST enum ward_code order_gone(enum ward_code code, struct ward_err *err);
/* Adds the order's id, version and state to the event. */
void order_note(struct ward_event *a, const Order *order);
void decision_note(struct ward_event *a, const Decision *d);

#endif
