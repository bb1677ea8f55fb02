/* slots.h - slots of orders with their charted doses, for Schedule, Tracking and packs.
 *
 * Threads: each worker uses its own connection. Memory: the arena. Errors: those of db.h and
 * owner.h.
 */
#ifndef DOSAGE_SCHEDULE_SLOTS_H
#define DOSAGE_SCHEDULE_SLOTS_H

#include "services/dosage/order/order.h"
#include "services/dosage/schedule/timing.h"
#include "ward/dosage/v1/schedule.pb-c.h"

#define SLOTS_MOST 5000

#define CLOCK_MINUTES 60 /* minutes before and after, for wards without settings */
/* A ward's clock; a ward without settings uses WARD_TIME_ZONE and +/-1 hour. The process owns
 * `zone`.
 *   NOT_FOUND WARD_NOT_FOUND: only with `must` */
struct clock {
    const struct ward_zone *zone;
    const char *name;
    int before_minutes, after_minutes;
};
WARD_MUST enum ward_code ward_clock(struct worker *w, struct ward_arena *mem, const char *ward,
                                    bool must, struct clock *out, struct ward_err *err);
/* The clock of a row of `ward`. */
WARD_MUST enum ward_code clock_of(struct worker *w, const char *time_zone, int before_minutes,
                                  int after_minutes, struct clock *out, struct ward_err *err);
/* An order's timing by its own ward's clock, as if the current version had always been in
 * force: for future doses. For due and charted doses, use slots_of or slot_find. */
WARD_MUST enum ward_code order_timing(struct worker *w, struct ward_arena *mem,
                                      const Ward__Dosage__V1__Order *order, struct timing *out,
                                      struct ward_err *err);
/* Slots of these orders that are due in [from_us, to_us), with their states at now_us, sorted
 * by due time.   RESOURCE_EXHAUSTED  SLOTS_TOO_MANY */
WARD_MUST enum ward_code slots_of(struct worker *w, struct ward_arena *mem,
                                  Ward__Dosage__V1__Order *const *orders, size_t n,
                                  int64_t from_us, int64_t to_us, int64_t now_us,
                                  Ward__Dosage__V1__Slot ***out, size_t *n_out,
                                  struct ward_err *err);
/* The slot due exactly at due_us, with its window and state. The version of the order in force
 * at due_us determines the slot. A charted dose belongs to this slot.
 *   NOT_FOUND  SLOT_NOT_FOUND */
WARD_MUST enum ward_code slot_find(struct worker *w, struct ward_arena *mem,
                                   Ward__Dosage__V1__Order *order, int64_t due_us,
                                   int64_t now_us, Ward__Dosage__V1__Slot **out,
                                   struct ward_err *err);
/* Reads "<order id>@<due_at_us>".   INVALID_ARGUMENT (field slot_id) */
WARD_MUST enum ward_code slot_id_parse(const char *text, uint8_t order[DOSAGE_ID],
                                       int64_t *due_us, struct ward_err *err);
#define SLOT_ID_SIZE 64
void slot_id_print(const char *order_id, int64_t due_us, char out[SLOT_ID_SIZE]);

#endif
