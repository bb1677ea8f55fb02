/* zone.h - time zones: the local time on a ward's clocks.
 *
 * A zone's changes are read once from the machine's time zone database (Debian's tzdata) and
 * computed to the year 2200 with the rule at the file's end. tzdata is updated within days of a
 * government's decision. ICU 72 in the same Debian contains the rules of 2022, so its clocks
 * for Egypt, Kazakhstan and Greenland are wrong by an hour. After reading, a zone is a constant
 * table, and every question is a search in it.
 *
 * A local day has 23, 24 or 25 hours. A local time that does not exist (clocks go forward)
 * means the first moment after the gap. A local time that occurs twice means its first
 * occurrence. Only a zone that crosses the date line lacks a whole day (Samoa had no
 * 2011-12-30); its times mean the moment after that gap.
 *
 * Threads: constant once open; threads may share it. Memory: ward_zone_close frees. Errors:
 * ward_zone_open's.
 */
#ifndef WARD_ZONE_ZONE_H
#define WARD_ZONE_ZONE_H

#include "common/base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ward_zone;

/* An IANA name, "Europe/Berlin", "UTC". INVALID_ARGUMENT TIME_ZONE_UNKNOWN */
WARD_MUST enum ward_code ward_zone_open(const char *name, struct ward_zone **out,
                                        struct ward_err *err);
void ward_zone_close(struct ward_zone *z); /* accepts NULL */

struct ward_wall {
    int64_t day; /* days since 1970-01-01 in the local calendar */
    int year, month, mday;
    int weekday;  /* 1 Monday .. 7 Sunday */
    int second;   /* local time of the day in seconds, 0..86399 */
    int offset_s; /* east of UTC */
};
/* at_us: microseconds since 1970-01-01T00:00:00Z. */
void ward_zone_wall(const struct ward_zone *z, int64_t at_us, struct ward_wall *out);

enum ward_wall_is { WARD_WALL_ONCE, WARD_WALL_GAP, WARD_WALL_TWICE };
/* Returns the moment with this local time; see above for gaps and repetitions. */
enum ward_wall_is ward_zone_moment(const struct ward_zone *z, int64_t day, int second,
                                   int64_t *at_us);

/* Returns the first moment of a local day. */
int64_t ward_zone_begin(const struct ward_zone *z, int64_t day);

/* Returns the last day before `day` that the zone's calendar skipped; INT64_MIN: none. */
int64_t ward_zone_left_out(const struct ward_zone *z, int64_t day);

/* Reads and writes a date, "2026-03-01", of the years 1970 to 9999. A day is its number of days
 * since 1970-01-01. */
#define WARD_DATE 11
WARD_MUST bool ward_date_parse(const char *text, int64_t *day);
void ward_date_print(int64_t day, char out[WARD_DATE]);

/* A change of the clocks: from since_us on they are offset_us east of UTC. */
struct ward_zone_change {
    int64_t since_us, offset_us;
};
/* Writes the changes of [from_us, to_us), earliest first; since_us of the first is INT64_MIN,
 * and its offset is the one at from_us. Returns their number, or 0 if they exceed cap. */
size_t ward_zone_changes(const struct ward_zone *z, int64_t from_us, int64_t to_us,
                         struct ward_zone_change *out, size_t cap);

#define WARD_ZONE_STAMP 26
/* "2026-03-29T08:00:05+02:00" */
void ward_zone_stamp(const struct ward_zone *z, int64_t at_us, char out[WARD_ZONE_STAMP]);

#endif
