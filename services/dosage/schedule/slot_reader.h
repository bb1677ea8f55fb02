/* slot_reader.h - derives slots from orders: reads the orders' versions, and converts doses to
 * messages.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h and
 * owner.h.
 */
#ifndef DOSAGE_SCHEDULE_SLOT_READER_H
#define DOSAGE_SCHEDULE_SLOT_READER_H

#include "services/dosage/order/order_own.h"
#include "services/dosage/schedule/plan.h"
#include "services/dosage/schedule/slots.h"

typedef Ward__Dosage__V1__Slot Slot;

struct slot_reader {
    struct worker *w;
    struct ward_arena *mem;
    const struct ruleset *rules; /* NULL: no rule set is active */
    const char *ward;            /* the ward of `clock` */
    struct clock clock;
};
WARD_MUST enum ward_code slot_reader_open(struct slot_reader *r, struct worker *w,
                                          struct ward_arena *mem, struct ward_err *err);
/* A version before the current one, from its row's unencrypted columns. */
struct past {
    int version, state;
    int64_t written_us;
};
/* Makes a plan of the versions in force at from_us or later. The order is borrowed. */
WARD_MUST enum ward_code slot_plan(struct slot_reader *r, Order *order, int64_t from_us,
                                   struct plan *out, struct ward_err *err);
/* As slot_plan, with loaded rows: all versions before the current one, ascending. */
WARD_MUST enum ward_code slot_plan_of(struct slot_reader *r, Order *order,
                                      const struct past *past, size_t n, int64_t from_us,
                                      struct plan *out, struct ward_err *err);
/* False: the order has not changed since from_us, and its current version is the plan. */
static inline bool slot_has_past(const Order *order, int64_t from_us)
{
    return order->version > 1 && order->written_at_us > from_us;
}
/* As slot_find, with the doses charted about that time already loaded. */
WARD_MUST enum ward_code slot_of(struct slot_reader *r, Order *order, int64_t due_us,
                                 int64_t now_us, const struct taken *taken, size_t n,
                                 Slot **out, struct ward_err *err);
/* Converts a row of slot_taken: due_at_us, administration_id, outcome. */
WARD_MUST enum ward_code slot_taken_row(const struct ward_val *row, struct taken *out,
                                        struct ward_err *err);
/* Converts a planned dose. The message borrows the order's prescription. */
WARD_MUST enum ward_code slot_message(const struct slot_reader *r, const struct planned *p,
                                      Slot **out, struct ward_err *err);

#endif
