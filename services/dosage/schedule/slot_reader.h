/* slot_reader.h - derives slots from orders: reads their versions, and converts doses to
 * messages.
 *
 * Threads: a worker's own connection. Memory: the arena. Errors: db.h's, owner.h's.
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
    const struct ruleset *rules; /* NULL: no set is active */
    const char *ward;            /* whose clock is loaded */
    struct clock clock;
};
WARD_MUST enum ward_code slot_reader_open(struct slot_reader *r, struct worker *w,
                                          struct ward_arena *mem, struct ward_err *err);
/* A version before the current one, from its row's unencrypted columns. */
struct past {
    int version, state;
    int64_t written_us;
};
/* Versions that were in force at from_us or later, as a plan. The order is borrowed. */
WARD_MUST enum ward_code slot_plan(struct slot_reader *r, Order *order, int64_t from_us,
                                   struct plan *out, struct ward_err *err);
/* The same with loaded rows: all before the current one, ascending. */
WARD_MUST enum ward_code slot_plan_of(struct slot_reader *r, Order *order,
                                      const struct past *past, size_t n, int64_t from_us,
                                      struct plan *out, struct ward_err *err);
/* Most orders have not changed since: their current version is the plan. */
static inline bool slot_has_past(const Order *order, int64_t from_us)
{
    return order->version > 1 && order->written_at_us > from_us;
}
/* slot_find, with the doses charted about that time already loaded. */
WARD_MUST enum ward_code slot_of(struct slot_reader *r, Order *order, int64_t due_us,
                                 int64_t now_us, const struct taken *taken, size_t n,
                                 Slot **out, struct ward_err *err);
/* A row of slot_taken: due_at_us, administration_id, outcome. */
WARD_MUST enum ward_code slot_taken_row(const struct ward_val *row, struct taken *out,
                                        struct ward_err *err);
/* Borrows its order's prescription. */
WARD_MUST enum ward_code slot_message(const struct slot_reader *r, const struct planned *p,
                                      Slot **out, struct ward_err *err);

#endif
