/* timing.h - when doses are due, as pure arithmetic on a timing, a zone and a span.
 *
 * Threads: any. Memory: the caller's. Errors: as each says.
 */
#ifndef DOSAGE_SCHEDULE_TIMING_H
#define DOSAGE_SCHEDULE_TIMING_H

#include "common/zone/zone.h"
#include "ward/dosage/v1/check.pb-c.h"

#define TIMING_NO_END INT64_MAX

/*   INVALID_ARGUMENT  TIMING_INVALID (field: what is wrong) */
WARD_MUST enum ward_code timing_check(const Ward__Dosage__V1__Prescription *p,
                                      struct ward_err *err);

struct timing {
    const Ward__Dosage__V1__Timing *rule;
    const struct ward_zone *zone;
    int64_t starts_us, ends_us;  /* [starts, ends); TIMING_NO_END */
    int64_t before_us, after_us; /* the order's, or the ward's */
};
struct slot {
    int64_t due_us;
    int64_t from_us, on_time_us, to_us; /* [from, on_time) on time, [on_time, to) late */
    int64_t number;                     /* of the order's, from 0 */
};
/* Slots due in [from_us, to_us), rising; at most `most` into out. Returns how many. Of
 * AS_NEEDED none. The windows of one order leave no moment between two doses out (but for what
 * lies over 24 h behind one) and none twice. */
size_t timing_slots(const struct timing *t, int64_t from_us, int64_t to_us, struct slot *out,
                    size_t most);
/* The slot due exactly then; false: none. */
bool timing_slot_at(const struct timing *t, int64_t due_us, struct slot *out);
/* The most doses in any 24 hours, and the shortest distance of two, minutes; for checks. 0 and
 * INT32_MAX of ONCE. AS_NEEDED by what the order says of it. */
void timing_density(const Ward__Dosage__V1__Prescription *p, int *doses_per_day,
                    int *min_minutes);

#endif
