/* report.h - computes each day's line from one person's arrivals and departures.
 *
 * Presence lasts from an arrival to the next departure, at most REPORT_PRESENCE_H later, and is
 * split at the beginning of a local day; minutes are elapsed minutes, regardless of clock
 * changes. An arrival that is followed by another one, by nothing, or by a departure after more
 * than that time is open, and no minutes are counted for it.
 *
 * Threads: pure. Memory: the caller's, one row for each day. Errors: none.
 */
#ifndef IDENTITY_ACCESS_REPORT_H
#define IDENTITY_ACCESS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define REPORT_DAYS_MOST  366
#define REPORT_PRESENCE_H 36 /* above the longest duty; Ward's own limit, not a law's */
#define REPORT_IN         1
#define REPORT_OUT        2

/* A row of the attendance table. */
struct coming {
    int direction;
    int64_t at_us;
    bool stands;     /* an event, and not struck out */
    bool correction; /* made manually: adds an event or strikes one out */
};

struct day_line {
    int64_t first_in_us, last_out_us; /* 0: none */
    int64_t present_us;
    int events, corrections;
    bool open;
};

struct report {
    const int64_t *begins; /* n_days + 1: the beginning of each day, and the end of the last
                            * one */
    int n_days;
    struct day_line *days;
    struct day_line elsewhere; /* days that have no line */
    bool in;
    int64_t in_us;
};
/* days[0..n_days) is cleared. Feed events from REPORT_PRESENCE_H before the first day to as
 * long after the last, in order of time; events of other days have no line of their own. */
void report_begin(struct report *r, const int64_t *begins, int n_days, struct day_line *days);
void report_add(struct report *r, const struct coming *c);
void report_end(struct report *r);
/* This day has a line. */
bool report_has(const struct day_line *d);

#endif
