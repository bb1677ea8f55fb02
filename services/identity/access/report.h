/* report.h - computes each day's line from one person's arrivals and departures.
 *
 * Presence lasts from an arrival to the next departure, at most REPORT_PRESENCE_H later. It is
 * split at the beginning of each local day. Minutes are elapsed minutes, regardless of clock
 * changes. An arrival without a departure within that time, or with another arrival next, is
 * open. No minutes are counted for an open arrival.
 *
 * Threads: pure functions. Memory: the caller's, one row for each day. Errors: none. */
#ifndef IDENTITY_ACCESS_REPORT_H
#define IDENTITY_ACCESS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define REPORT_DAYS_MOST 366
/* longer than the longest duty; Ward's own limit, not a legal one */
#define REPORT_PRESENCE_H 36
#define REPORT_IN         1
#define REPORT_OUT        2

/* A row of the attendance table. */
struct coming {
    int direction;
    int64_t at_us;
    bool stands;     /* the row is an event, and not struck out */
    bool correction; /* a manual correction: adds an event or strikes one out */
};

struct day_line {
    int64_t first_in_us, last_out_us; /* 0: no such event */
    int64_t present_us;
    int events, corrections;
    bool open;
};

struct report {
    /* the beginning of each day and the end of the last: n_days + 1 values */
    const int64_t *begins;
    int n_days;
    struct day_line *days;
    struct day_line elsewhere; /* collects events of days that have no line */
    bool in;
    int64_t in_us;
};
/* Begins a report and clears days[0..n_days). Feed the events in order of time, from
 * REPORT_PRESENCE_H before the first day to REPORT_PRESENCE_H after the last. Events outside
 * the days affect the lines but have no line of their own. */
void report_begin(struct report *r, const int64_t *begins, int n_days, struct day_line *days);
void report_add(struct report *r, const struct coming *c);
void report_end(struct report *r);
/* Whether the day has a line: an event, a correction or presence. */
bool report_has(const struct day_line *d);

#endif
