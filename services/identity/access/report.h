/* report.h - from one person's comings and goings to what each day's line says.
 *
 * Presence runs from a coming to the next going, at most REPORT_PRESENCE_H later, and is split
 * where a local day begins; minutes are those that passed, whatever clocks were set to. A
 * coming that is followed by another one, by nothing, or by a going only after that time is
 * open: the person came and did not go, and nothing is counted for it.
 *
 * Threads: pure. Memory: the caller's, one row a day. Errors: none.
 */
#ifndef IDENTITY_ACCESS_REPORT_H
#define IDENTITY_ACCESS_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#define REPORT_DAYS_MOST  366
#define REPORT_PRESENCE_H 36 /* above the longest duty; ours, not a law's */
#define REPORT_IN         1
#define REPORT_OUT        2

/* A row of the attendance table. */
struct coming {
    int direction;
    int64_t at_us;
    bool stands;     /* an event, and not struck out */
    bool correction; /* made by hand: adds an event or strikes one out */
};

struct day_line {
    int64_t first_in_us, last_out_us; /* 0: none */
    int64_t present_us;
    int events, corrections;
    bool open;
};

struct report {
    const int64_t *begins; /* n_days + 1: when each day begins, and when the last one ends */
    int n_days;
    struct day_line *days;
    struct day_line elsewhere; /* days that have no line */
    bool in;
    int64_t in_us;
};
/* days[0..n_days) is cleared. Events from REPORT_PRESENCE_H before the first day to as long
 * after the last are fed in the order of their times; those of other days have no line of their
 * own. */
void report_begin(struct report *r, const int64_t *begins, int n_days, struct day_line *days);
void report_add(struct report *r, const struct coming *c);
void report_end(struct report *r);
/* Something is to be told of this day. */
bool report_has(const struct day_line *d);

#endif
