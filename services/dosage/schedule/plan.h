/* plan.h - an order's doses over its versions: the due doses and their states. Pure.
 *
 * A version is in force from its writing until the next version is written. The version in
 * force at a dose's time decides whether the dose is due, by that version's clock. Charted
 * doses remain, even if the order changes later. Neighbouring doses divide the time between
 * them, also across versions, so that every moment belongs to exactly one dose.
 *   - A first version may begin before it was written (an order for "08:00" placed at 08:20):
 *     only the dose whose window is still open is then due.
 *   - The single dose of ONCE and CONTINUOUS is placed by the latest such version.
 *   - After an order's end, its doses are shown for a day, as SKIPPED.
 *
 * Threads: any. Memory: the caller's. Errors: none.
 */
#ifndef DOSAGE_SCHEDULE_PLAN_H
#define DOSAGE_SCHEDULE_PLAN_H

#include "services/dosage/schedule/timing.h"
#include "ward/dosage/v1/orders.pb-c.h"
#include "ward/dosage/v1/schedule.pb-c.h"

#define PLAN_DAY_US INT64_C(86400000000)

struct plan_version {
    const Ward__Dosage__V1__Order *order;
    struct timing
        timing; /* the caller sets rule, zone, before and after; plan_make sets the rest */
    int64_t from_us, until_us; /* time in force */
};
struct plan {
    struct plan_version *v; /* oldest first, without drafts; the last is the current one */
    size_t n;
    bool whole; /* no version was in force before v[0] */
};
/* A charted slot. */
struct taken {
    int64_t due_us;
    char id[37];
    int outcome; /* a number of DoseOutcome */
};
struct planned {
    struct slot slot;
    const struct plan_version *version; /* version in force at the due time */
    const struct taken *taken;          /* NULL: nothing was charted */
    Ward__Dosage__V1__SlotState state;
};

/* The order's timing in a time zone, with a ward's window minutes. */
struct timing plan_timing(const Ward__Dosage__V1__Order *order, const struct ward_zone *zone,
                          int before_minutes, int after_minutes);
/* Requires the timings of all versions. */
void plan_make(struct plan *p);

/* Room for this many doses: a dose may come from its timing and from the chart, and doses of
 * the day before may share the first window. */
#define PLAN_ROOM(most) (2 * (most) + 400)
/* Slots due in [from_us, to_us), ascending, with their states at now_us. taken: slots charted
 * from a day before to a day after. out has PLAN_ROOM(most) elements. If there are more than
 * `most` slots, returns most + 1, and out is undefined. */
size_t plan_slots(const struct plan *p, const struct taken *taken, size_t n_taken,
                  int64_t from_us, int64_t to_us, int64_t now_us, struct planned *out,
                  size_t most);

#endif
