/* order.h - orders and decisions: creating, reading and writing them.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h,
 * owner.h and chart.h.
 */
#ifndef DOSAGE_ORDER_ORDER_H
#define DOSAGE_ORDER_ORDER_H

#include "services/dosage/chart/chart.h"
#include "services/dosage/check/check.h"
#include "services/dosage/store/owner.h"
#include "ward/dosage/v1/orders.pb-c.h"

/* ---- orders ---- */

/* One order's current version. `lock`: reads FOR UPDATE. Call in a transaction, after
 * owner_lock or owner_ensure of the patient: all callers lock in this order.
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
/* All orders of a ward, selected as in orders_of, with ids after `after` (NULL: from the
 * beginning), at most `most`. */
WARD_MUST enum ward_code orders_of_ward(struct worker *w, struct ward_arena *mem,
                                        const char *ward, uint32_t states, int64_t from_us,
                                        int64_t to_us, const uint8_t *after, size_t most,
                                        Ward__Dosage__V1__Order ***out, size_t *n,
                                        struct ward_err *err);
/* Adds a version. Call in a transaction, with the order locked. Version 1 is a new order and
 * creates its patient's row and key. The caller sets order->version, ids, state, times and
 * event_id. */
WARD_MUST enum ward_code order_write(struct worker *w, struct ward_arena *mem,
                                     const Ward__Dosage__V1__Order *order,
                                     struct ward_err *err);

/* ---- input of a decision ---- */

struct asked {
    const struct chart *chart;
    const Ward__Dosage__V1__Prescription *prescription;
    const char *order_id; /* the changed or given order; "": a new order */
    Ward__Dosage__V1__CheckPurpose purpose;
    int64_t at_us;
    int64_t due_us;  /* GIVE: the slot's due time; otherwise next_due; 0: no due time */
    bool times_kept; /* CHANGE: the due times stay equal */
    /* GIVE: the given amount; NULL: the order's dose */
    const Ward__Dosage__V1__Quantity *giving;
    const char *without;   /* id of a dose to leave out; NULL: none */
    const char *time_zone; /* NULL: the time zone of `ward` */
    const char *ward;
};
/* ---- decisions ---- */

/* Checks a snapshot of the patient's active orders and given doses, the facts and the active
 * rule set. Assigns ids and writes nothing. Works inside and outside a transaction.
 *   FAILED_PRECONDITION  NO_RULE_SET, PATIENT_ERASED;  errors of check.h */
WARD_MUST enum ward_code decide(struct worker *w, struct ward_arena *mem,
                                const struct asked *what, const struct ruleset **rules,
                                Ward__Dosage__V1__Decision **out, struct ward_err *err);
/* As decide, with loaded data (look.h). */
struct looked;
WARD_MUST enum ward_code decide_by(struct worker *w, struct ward_arena *mem,
                                   const struct asked *what, const struct looked *looked,
                                   Ward__Dosage__V1__Decision **out, struct ward_err *err);
/* Stores a decision with its findings. Call in a transaction. n_open 0: the requested action is
 * performed. The caller sets d->decided_by, second_person, overrides and event_id. The metrics
 * are counted after the commit. */
WARD_MUST enum ward_code decision_keep(struct worker *w, struct ward_arena *mem,
                                       const Ward__Dosage__V1__Decision *d, size_t n_open,
                                       struct ward_err *err);
/* As decision_keep, with the patient's key available. If the patient's row must not change, the
 * caller has locked the row. */
WARD_MUST enum ward_code decision_keep_for(struct worker *w, struct ward_arena *mem,
                                           const struct owner *owner,
                                           const Ward__Dosage__V1__Decision *d, size_t n_open,
                                           struct ward_err *err);
/*   NOT_FOUND  DECISION_NOT_FOUND */
WARD_MUST enum ward_code decision_find(struct worker *w, struct ward_arena *mem,
                                       const uint8_t id[DOSAGE_ID],
                                       Ward__Dosage__V1__Decision **out, struct ward_err *err);

/* `open` are the findings that block an order or a dose. If one of these findings is an unread
 * chart, the call fails with an error that is not stored. The client can then repeat the call.
 *   UNAVAILABLE  CHART_UNAVAILABLE */
WARD_MUST enum ward_code chart_was_read(char *const *open, size_t n_open, struct ward_err *err);

/* Verifies a second person's bearer token. The token must name another person than the caller,
 * with one of these roles (NULL-terminated). *who is in c->mem.
 *   PERMISSION_DENIED  SECOND_PERSON_REFUSED */
WARD_MUST enum ward_code second_person(struct ward_call *c, const char *token,
                                       const char *const *roles, struct ward_principal *who);

#endif
