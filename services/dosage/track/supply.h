/* supply.h - dispensed supplies of orders: rows, and the remaining amount.
 *
 * Threads: each worker uses its own connection. Memory: the call's arena. Errors: those of
 * db.h, owner.h and track.h.
 */
#ifndef DOSAGE_TRACK_SUPPLY_H
#define DOSAGE_TRACK_SUPPLY_H

#include "services/dosage/track/track.h"

typedef Ward__Dosage__V1__Supply Supply;

/* One row: a dispensed amount; a negative amount was returned. */
struct supplied {
    Quantity *quantity;
    char *product_id; /* "": the order's product */
};

/* Call in a transaction. */
WARD_MUST enum ward_code supply_add(struct worker *w, struct ward_arena *mem,
                                    const uint8_t patient[DOSAGE_ID],
                                    const uint8_t order[DOSAGE_ID], const char *by,
                                    const struct supplied *what, int64_t now_us,
                                    struct ward_err *err);
WARD_MUST enum ward_code supply_of(struct worker *w, struct ward_arena *mem,
                                   const uint8_t order[DOSAGE_ID], struct supplied **out,
                                   size_t *n, struct ward_err *err);
/* Ids of orders with dispensed supplies, of a patient and merged records. */
WARD_MUST enum ward_code supply_orders(struct worker *w, struct ward_arena *mem,
                                       const uint8_t patient[DOSAGE_ID],
                                       uint8_t (**out)[DOSAGE_ID], size_t *n,
                                       struct ward_err *err);
#define SUPPLY_DOSES 10000
/* Ids of the doses charted for an order.   RESOURCE_EXHAUSTED  more than SUPPLY_DOSES */
WARD_MUST enum ward_code supply_doses(struct worker *w, struct ward_arena *mem,
                                      const uint8_t order[DOSAGE_ID],
                                      uint8_t (**out)[DOSAGE_ID], size_t *n,
                                      struct ward_err *err);
/* Sums an order's supplies, in the unit of the order's dose. */
WARD_MUST enum ward_code supply_sum(struct worker *w, struct ward_arena *mem,
                                    const struct ruleset *rules, const Order *order,
                                    int64_t now_us, Supply **out, struct ward_err *err);

#endif
