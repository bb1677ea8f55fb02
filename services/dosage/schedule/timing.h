/* timing.h - when doses are due, as pure arithmetic on a timing, a zone and a span.
 *
 * Threads: any. Memory: the caller's. Errors: as each says.
 */
#ifndef DOSAGE_SCHEDULE_TIMING_H
#define DOSAGE_SCHEDULE_TIMING_H

#include "common/zone/zone.h"
#include "ward/dosage/v1/check.pb-c.h"

#define TIMING_NO_END    INT64_MAX
#define TIMING_LATEST_US INT64_C(7258118400000000) /* 2200-01-01: what zones are known to */

/*   INVALID_ARGUMENT  TIMING_INVALID (field: what is wrong) */
WARD_MUST enum ward_code timing_check(const Ward__Dosage__V1__Prescription *p,
                                      struct ward_err *err);

struct timing {
    const Ward__Dosage__V1__Timing *rule;
    const struct ward_zone *zone;
    int64_t starts_us, ends_us;  /* [starts, ends); TIMING_NO_END */
    int64_t before_us, after_us; /* the order's, or the ward's */
    int64_t since_us;            /* doses due before it are another version's; 0: none are */
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

/* Where the window of a dose ends and that of the next one begins: `before` the next one, so
 * that each moment belongs to the dose that it is on time for. Where the two lie closer
 * together than both ask for, they share what is between them in that proportion: each dose
 * lies in its own window, always. */
int64_t timing_border(int64_t due_us, int64_t after_us, int64_t next_us, int64_t before_us);
/* s->due_us's window between its neighbours' borders; from INT64_MIN, to INT64_MAX: no
 * neighbour. */
void timing_window(struct slot *s, int64_t before_us, int64_t after_us, int64_t from_us,
                   int64_t to_us);

/* Doses as they come, without windows. */
struct timing_walk {
    const struct timing *timing;
    int64_t number, due_us; /* of the one that timing_next gave */
    int64_t step_us;        /* INTERVAL; 0 else */
    int64_t day, first_day, last_us;
    int times[24]; /* seconds of the wall's day */
    int n_times, at, every;
    unsigned weekdays; /* bits 1 << 1..7; 0 all */
    bool done;
};
/* Doses due at from_us or later. */
void timing_start(struct timing_walk *w, const struct timing *t, int64_t from_us);
bool timing_next(struct timing_walk *w);

/* "08:30" in seconds of the day. */
bool timing_clock(const char *text, int *second);

/* The most doses in any 24 hours by the wall's clock, and the shortest distance of two,
 * minutes; for checks. 1 and INT32_MAX of ONCE and CONTINUOUS. AS_NEEDED by what the order says
 * of it. Of a timing that timing_check lets pass. */
void timing_density(const Ward__Dosage__V1__Prescription *p, int *doses_per_day,
                    int *min_minutes);

#endif
