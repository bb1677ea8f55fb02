/* plan.h - an order's doses over its versions: which were due when, by whichever version was in
 * force then, and what became of each. Pure.
 *
 * A version is in force from when it was written until the next one was: a dose is due by the
 * version in force at that moment, and by that one's clock. What was charted stays, whatever
 * changed later. Windows are cut between neighbours whoever's they are, so that over a change,
 * too, no moment belongs to two doses and none is left out.
 *   - A first version may begin before it was written (an order for "08:00" placed at 08:20):
 *     then only the dose whose window is still open is due.
 *   - The one dose of ONCE and CONTINUOUS goes where the latest such version puts it.
 *   - Behind an order's end its doses are shown for a day, as SKIPPED.
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
        timing; /* rule, zone, before and after set by the caller; the rest by plan_make */
    int64_t from_us, until_us; /* in force */
};
struct plan {
    struct plan_version *v; /* oldest first, drafts left out; the last is the current one */
    size_t n;
    bool whole; /* none was in force before v[0] */
};
/* A slot that somebody charted. */
struct taken {
    int64_t due_us;
    char id[37];
    int outcome; /* DoseOutcome */
};
struct planned {
    struct slot slot;
    const struct plan_version *version; /* in force when it is due */
    const struct taken *taken;          /* NULL: nothing was charted */
    Ward__Dosage__V1__SlotState state;
};

/* What an order says of its timing, by a zone and a ward's minutes. */
struct timing plan_timing(const Ward__Dosage__V1__Order *order, const struct ward_zone *zone,
                          int before_minutes, int after_minutes);
/* The versions' timings are set. */
void plan_make(struct plan *p);

/* So many doses need so much room: each may come from its timing and from the chart, and a
 * day's before them share the first window. */
#define PLAN_ROOM(most) (2 * (most) + 400)
/* Slots due in [from_us, to_us), rising, with their states at now_us; taken: those charted from
 * a day before to a day behind. out has PLAN_ROOM(most). More than `most`: returns most + 1,
 * and out is of no use. */
size_t plan_slots(const struct plan *p, const struct taken *taken, size_t n_taken,
                  int64_t from_us, int64_t to_us, int64_t now_us, struct planned *out,
                  size_t most);

#endif
