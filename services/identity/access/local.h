/* local.h - the site's own time (WARD_TIME_ZONE): what the clock on the wall says, and when a
 * day begins and ends, with daylight saving.
 *
 * A day is a number: days since 1970-01-01. It begins at its first moment, which is not always
 * 00:00 (some zones change their clocks at midnight), and is 23, 24 or 25 hours long.
 *
 * Threads: local_open once, as one of the first steps of a start, because the C library has one
 * zone for the whole process; the rest is safe. Memory: the caller's. Errors: local_open's.
 */
#ifndef IDENTITY_ACCESS_LOCAL_H
#define IDENTITY_ACCESS_LOCAL_H

#include "common/base/status.h"

#include <stdint.h>

/* const char **: a name of the IANA time zone database, "Europe/Berlin".
 *   FAILED_PRECONDITION  there is none of this name on this machine */
WARD_MUST enum ward_code local_open(void *zone, struct ward_err *err);

struct local {
    int64_t day;
    int weekday; /* 1 Monday .. 7 Sunday */
    int minute;  /* since midnight by the clock on the wall, 0..1439 */
};
void local_at(int64_t at_us, struct local *out);
/* The first moment of a day, microseconds since 1970. */
int64_t local_begin(int64_t day);

/* "2026-03-01", of the years 1970 to 9999. */
WARD_MUST bool local_date_parse(const char *text, int64_t *day);
#define LOCAL_DATE 11
void local_date(int64_t day, char out[LOCAL_DATE]);
/* "2026-03-29T08:00:05+02:00" */
#define LOCAL_STAMP 26
void local_stamp(int64_t at_us, char out[LOCAL_STAMP]);

#endif
