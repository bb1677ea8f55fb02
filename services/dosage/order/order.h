/* order.h - orders and decisions: creating, reading and writing them.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: db.h's, owner.h's, chart.h's.
 */
#ifndef DOSAGE_ORDER_ORDER_H
#define DOSAGE_ORDER_ORDER_H

#include "services/dosage/chart/chart.h"
#include "services/dosage/check/check.h"
#include "services/dosage/store/owner.h"
#include "ward/dosage/v1/orders.pb-c.h"

/* ---- orders ---- */

/* One order's current version. `lock`: FOR UPDATE, in a transaction, and after owner_lock or
 * owner_ensure of its patient: all callers lock in this order.
 *   NOT_FOUND  ORDER_NOT_FOUND */
WARD_MUST enum ward_code order_find(struct worker *w, struct ward_arena *mem,
                                    const uint8_t id[DOSAGE_ID], bool lock,
                                    Ward__Dosage__V1__Order **out, struct ward_err *err);
/* All orders of a patient and merged records in any of these states (bits 1 << enum
 * order_state) that are active at some time in [from_us, to_us), by order id. */
WARD_MUST enum ward_code orders_of(struct worker *w, struct ward_arena *mem,
                                   const uint8_t patient[DOSAGE_ID], uint32_t states,
                                   int64_t from_us, int64_t to_us,
                                   Ward__Dosage__V1__Order ***out, size_t *n,
                                   struct ward_err *err);
/* All orders of a ward, likewise; after `after` (order id, NULL: from the beginning), at most
 * `most`. */
WARD_MUST enum ward_code orders_of_ward(struct worker *w, struct ward_arena *mem,
                                        const char *ward, uint32_t states, int64_t from_us,
                                        int64_t to_us, const uint8_t *after, size_t most,
                                        Ward__Dosage__V1__Order ***out, size_t *n,
                                        struct ward_err *err);
/* Adds a version, in a transaction, with the order locked (version 1: a new order; creates its
 * patient's row and key). The caller sets order->version, ids, state, times and event_id.
 */
WARD_MUST enum ward_code order_write(struct worker *w, struct ward_arena *mem,
                                     const Ward__Dosage__V1__Order *order,
                                     struct ward_err *err);

/* ---- the question ---- */

struct asked {
    const struct chart *chart;
    const Ward__Dosage__V1__Prescription *prescription;
    const char *order_id; /* changed or given order; "" */
    Ward__Dosage__V1__CheckPurpose purpose;
    int64_t at_us;
    int64_t due_us;  /* GIVE: the slot's due time; otherwise next_due; 0: none */
    bool times_kept; /* CHANGE: no due time changes */
    const Ward__Dosage__V1__Quantity *giving; /* GIVE; NULL: the order's dose */
    const char *without;                      /* id of an omitted dose; NULL: none */
    const char *time_zone;                    /* NULL: of `ward` */
    const char *ward;
};
/* ---- decisions ---- */

/* Checks a snapshot of the patient's active orders and given doses, the facts and the active
 * rule set. Ids are assigned, nothing is written. Any connection state.
 *   FAILED_PRECONDITION  NO_RULE_SET, PATIENT_ERASED;  check.h's */
WARD_MUST enum ward_code decide(struct worker *w, struct ward_arena *mem,
                                const struct asked *what, const struct ruleset **rules,
                                Ward__Dosage__V1__Decision **out, struct ward_err *err);
/* The same with loaded data (look.h). */
struct looked;
WARD_MUST enum ward_code decide_by(struct worker *w, struct ward_arena *mem,
                                   const struct asked *what, const struct looked *looked,
                                   Ward__Dosage__V1__Decision **out, struct ward_err *err);
/* Stores it with its findings, in a transaction. n_open 0: the requested action is performed.
 * The caller sets d->decided_by, second_person, overrides and event_id. Counts the metrics
 * after the commit. */
WARD_MUST enum ward_code decision_keep(struct worker *w, struct ward_arena *mem,
                                       const Ward__Dosage__V1__Decision *d, size_t n_open,
                                       struct ward_err *err);
/* With the patient's key available, and the row locked if it must not change. */
WARD_MUST enum ward_code decision_keep_for(struct worker *w, struct ward_arena *mem,
                                           const struct owner *owner,
                                           const Ward__Dosage__V1__Decision *d, size_t n_open,
                                           struct ward_err *err);
/*   NOT_FOUND  DECISION_NOT_FOUND */
WARD_MUST enum ward_code decision_find(struct worker *w, struct ward_arena *mem,
                                       const uint8_t id[DOSAGE_ID],
                                       Ward__Dosage__V1__Decision **out, struct ward_err *err);

/* `open` are the findings that block an order or a dose. If an unread chart is one of them, the
 * refusal is an error that is not stored, so the call can be repeated.
 *   UNAVAILABLE  CHART_UNAVAILABLE */
WARD_MUST enum ward_code chart_was_read(char *const *open, size_t n_open, struct ward_err *err);

/* A second person's bearer token: of another person than the caller, with one of these roles
 * (NULL-terminated). *who is in c->mem.   PERMISSION_DENIED  SECOND_PERSON_REFUSED */
WARD_MUST enum ward_code second_person(struct ward_call *c, const char *token,
                                       const char *const *roles, struct ward_principal *who);

#endif
