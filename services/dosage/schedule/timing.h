/* timing.h - due times as pure arithmetic on a timing, a time zone and a time span.
 *
 * Threads: any. Memory: the caller's. Errors: listed at each function.
 */
#ifndef DOSAGE_SCHEDULE_TIMING_H
#define DOSAGE_SCHEDULE_TIMING_H

#include "common/zone/zone.h"
#include "ward/dosage/v1/check.pb-c.h"

#define TIMING_NO_END    INT64_MAX
#define TIMING_LATEST_US INT64_C(7258118400000000) /* 2200-01-01, the end of the zone data */

/*   INVALID_ARGUMENT  TIMING_INVALID (field: the invalid part) */
WARD_MUST enum ward_code timing_check(const Ward__Dosage__V1__Prescription *p,
                                      struct ward_err *err);

struct timing {
    const Ward__Dosage__V1__Timing *rule;
    const struct ward_zone *zone;
    int64_t starts_us, ends_us;  /* [starts, ends); ends may be TIMING_NO_END */
    int64_t before_us, after_us; /* the order's tolerances, or the ward's tolerances */
    int64_t since_us;            /* earlier doses belong to another version; 0: none does */
};
struct slot {
    int64_t due_us;
    int64_t from_us, on_time_us, to_us; /* [from, on_time) on time, [on_time, to) late */
    int64_t number;                     /* position among the order's doses, from 0 */
};
/* Writes the slots due in [from_us, to_us) to out, ascending, at most `most`, and returns their
 * number. AS_NEEDED has no slots. The windows of one order cover every moment between two doses
 * exactly once, except moments more than 24 h after a dose. */
size_t timing_slots(const struct timing *t, int64_t from_us, int64_t to_us, struct slot *out,
                    size_t most);
/* The slot due exactly at due_us; false: there is no such slot. */
bool timing_slot_at(const struct timing *t, int64_t due_us, struct slot *out);

/* The border between the windows of two neighbouring doses: before_us before the next dose, so
 * that each moment belongs to the dose for which it is on time. If the doses are closer than
 * both tolerances, the time between the doses is divided in proportion: each dose is always in
 * its own window. */
int64_t timing_border(int64_t due_us, int64_t after_us, int64_t next_us, int64_t before_us);
/* Sets the window of the dose at s->due_us between the borders from_us and to_us. INT64_MIN and
 * INT64_MAX: there is no neighbour. */
void timing_window(struct slot *s, int64_t before_us, int64_t after_us, int64_t from_us,
                   int64_t to_us);

/* The sequence of doses, without windows. */
struct timing_walk {
    const struct timing *timing;
    int64_t number, due_us; /* the dose that timing_next returned */
    int64_t step_us;        /* for INTERVAL; otherwise 0 */
    int64_t day, first_day, last_us;
    int times[24]; /* seconds of the local day */
    int n_times, at, every;
    unsigned weekdays; /* bits 1 << 1..7; 0: all weekdays */
    bool done;
};
/* Starts at the first dose due at from_us or later. */
void timing_start(struct timing_walk *w, const struct timing *t, int64_t from_us);
bool timing_next(struct timing_walk *w);

/* Converts "08:30" to seconds of the day. */
bool timing_clock(const char *text, int *second);

/* The maximum number of doses in any 24 hours of local time, and the minimum distance of two
 * doses in minutes; for checks. ONCE and CONTINUOUS: 1 and INT32_MAX. AS_NEEDED: the order's
 * own limits. Requires a timing that passes timing_check. */
void timing_density(const Ward__Dosage__V1__Prescription *p, int *doses_per_day,
                    int *min_minutes);

#endif
